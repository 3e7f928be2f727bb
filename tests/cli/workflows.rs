//! The relbook steps of the example workflows, run as a CI system runs them.
//!
//! Goal: examples/orion, action.yml and relbook.sh work as they stand. Method: a small runner
//! reads the workflow files, executes each step that calls relbook (through action.yml where it
//! says `uses`), takes what other steps would have put out from a list, and fails on an expression
//! that it was not told. Time passes in a simulated book.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use relbook_cli::yaml::{self, Yaml};
use relbook_testkit::environment::{Ran, TestEnvironment};
use serde_json::{Value, json};

use crate::ci::GITHUB;
use crate::scratch::{COMMIT, digest, empty};

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// YAML as JSON, every scalar a text.
fn texts(node: &yaml::Node) -> Value {
    match &node.value {
        Yaml::Nothing => Value::Null,
        Yaml::Text { text, .. } => json!(text),
        Yaml::List(items) => items.iter().map(texts).collect(),
        Yaml::Map(entries) => {
            Value::Object(entries.iter().map(|e| (e.key.clone(), texts(&e.node))).collect())
        }
    }
}

fn load(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    texts(&yaml::parse(&text, 0).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// What the world outside relbook's steps gives: expressions and their values.
struct Runner<'a> {
    env: &'a TestEnvironment,
    world: BTreeMap<String, String>,
    tag: &'static str,
    /// How many steps of relbook were run.
    ran: usize,
}

impl Runner<'_> {
    fn knows(&mut self, expression: &str, value: &str) {
        self.world.insert(expression.to_owned(), value.to_owned());
    }

    /// Replaces each `${{ expression }}`.
    fn fill(&self, text: &str, inputs: &dyn Fn(&str) -> Option<String>) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").expect("an expression ends");
            let expression = expression.trim();
            let value = match expression.strip_prefix("inputs.").and_then(inputs) {
                Some(value) => value,
                None => self
                    .world
                    .get(expression)
                    .cloned()
                    .unwrap_or_else(|| panic!("nobody said what `{expression}` is")),
            };
            filled.push_str(before);
            filled.push_str(&value);
            rest = after;
        }
        filled + rest
    }

    fn holds(&self, condition: &Value) -> bool {
        let Some(text) = condition.as_str() else { return true };
        let inner = text.trim_start_matches("${{").trim_end_matches("}}").trim();
        if inner == "always()" {
            return true;
        }
        let (left, right) = inner.split_once(" == ").expect("a comparison");
        self.world.get(left).map(String::as_str) == Some(right.trim_matches('\''))
    }

    /// Runs the steps of a workflow that call relbook.
    fn workflow(&mut self, name: &str) -> Result<(), Ran> {
        let path = project().join("examples/orion/.github/workflows").join(name);
        let workflow = load(&path);
        for (_, job) in workflow["jobs"].as_object().expect("jobs") {
            for step in job["steps"].as_array().expect("steps") {
                self.step(step, &job["env"])?;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &Value, job: &Value) -> Result<(), Ran> {
        if !self.holds(&step["if"]) {
            return Ok(());
        }
        let none = |_: &str| None;
        let mut variables = BTreeMap::new();
        for scope in [job, &step["env"]] {
            for (name, value) in scope.as_object().into_iter().flatten() {
                if self.calls(step) {
                    let value = self.fill(value.as_str().unwrap_or_default(), &none);
                    variables.insert(name.clone(), value);
                }
            }
        }
        if step["uses"].as_str().is_some_and(|uses| uses.starts_with("relbook/relbook@")) {
            return self.action(&step["with"]);
        }
        match step["run"].as_str() {
            Some("sleep 1800") => self.sleep(),
            Some(script) if self.calls(step) => return self.bash(script, &variables),
            _ => {}
        }
        Ok(())
    }

    fn calls(&self, step: &Value) -> bool {
        step["run"].as_str().is_some_and(|run| run.contains("relbook "))
    }

    /// Runs the last step of action.yml with the given inputs.
    fn action(&mut self, with: &Value) -> Result<(), Ran> {
        let action = load(&project().join("action.yml"));
        let declared = action["inputs"].as_object().expect("inputs");
        for name in with.as_object().expect("inputs").keys() {
            assert!(declared.contains_key(name), "action.yml has no input `{name}`");
        }
        for (name, input) in declared {
            let needed = input["required"] == "true";
            assert!(!needed || !with[name].is_null(), "`{name}` is required");
        }
        let none = |_: &str| None;
        let input = |name: &str| {
            let given = with[name].as_str().map(|text| self.fill(text, &none));
            let default = action["inputs"][name]["default"].as_str().map(str::to_owned);
            Some(given.or(default).unwrap_or_default())
        };
        let record = action["runs"]["steps"].as_array().and_then(|s| s.last()).expect("steps");
        let mut variables = BTreeMap::new();
        for (name, value) in record["env"].as_object().expect("variables") {
            variables.insert(name.clone(), self.fill(value.as_str().expect("a text"), &input));
        }
        self.bash(record["run"].as_str().expect("a script"), &variables)
    }

    fn bash(&mut self, script: &str, variables: &BTreeMap<String, String>) -> Result<(), Ran> {
        self.ran += 1;
        let binary = Path::new(env!("CARGO_BIN_EXE_relbook"));
        let dir = binary.parent().expect("a directory").display();
        let path = format!("{dir}:{}", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("bash");
        command
            .args(["-e", "-o", "pipefail", "-c", script])
            .current_dir(self.env.path())
            .env_clear()
            .env("PATH", path)
            .envs(GITHUB)
            .env("GITHUB_REF_NAME", self.tag)
            .env("GITHUB_ACTION_PATH", project())
            .env("GITHUB_STEP_SUMMARY", self.env.path().join("summary.md"))
            .envs(variables)
            .stdin(Stdio::null());
        let ran = Ran::of(&mut command);
        if ran.code == 0 { Ok(()) } else { Err(ran) }
    }

    /// Lets half an hour pass: a simulated clock moves by events.
    fn sleep(&mut self) {
        self.append(&json!({"kind": "incident.opened", "incident_id": "INC-0",
            "occurred_at": LATER, "severity": "low"}));
    }

    fn append(&self, event: &Value) {
        let line = format!("{event}\n");
        self.env.run_with_input(&["append", "--from", "-"], line.as_bytes()).exits(0);
    }
}

const NOW: &str = "2026-06-10T09:00:00Z";
const LATER: &str = "2026-06-10T09:30:00Z";

/// A simulated book of the Orion product, with the keys of CI and of who approves.
fn orion() -> TestEnvironment {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    let product = project().join("examples/orion/orion.yaml");
    env.run(&["apply", product.to_str().expect("a path")]).exits(0);
    for (who, roles) in [("ci-orion", "ci"), ("p_rita", "approver,release_engineer")] {
        let file = format!("{who}.pem");
        env.run(&["key", "new", &file]).exits(0);
        env.run(&["key", "enroll", who, &format!("{file}.pub"), "--role", roles]).exits(0);
    }
    env
}

fn runner(env: &TestEnvironment) -> Runner<'_> {
    let mut runner = Runner { env, world: BTreeMap::new(), tag: "v1.4.2", ran: 0 };
    let key = std::fs::read_to_string(env.path().join("ci-orion.pem")).expect("a key");
    runner.knows("secrets.RELBOOK_KEY", &key);
    runner.knows("vars.RELBOOK_BOOK", "book");
    runner.append(&json!({"kind": "commit.merged", "component": "api", "commit": COMMIT,
        "parents": [], "branch": "main", "author": "p_alice", "reviewers": ["p_bob"],
        "subject": "feat: all", "occurred_at": NOW}));
    runner
}

/// Reports of scanners that found nothing in an image.
fn clean_reports(env: &TestEnvironment, image: &str) {
    let reference = format!("registry.example/orion-api@{image}");
    let trivy = json!({"SchemaVersion": 2, "ArtifactName": "orion-api",
        "ArtifactType": "container_image", "Metadata": {"RepoDigests": [reference]},
        "Results": [{"Target": "orion-api", "Class": "os-pkgs"}]});
    let grype = json!({"matches": [], "descriptor": {"name": "grype", "version": "0.100.0"},
        "source": {"type": "image", "target": {"userInput": "x", "repoDigests": [reference]}}});
    env.file("trivy.json", trivy.to_string());
    env.file("grype.json", grype.to_string());
}

#[test]
fn the_steps_of_the_workflows_bring_a_version_to_production() {
    let env = orion();
    let image = digest('a');
    clean_reports(&env, &image);
    let mut run = runner(&env);
    for (path, tag) in [("api", "v1.4.2"), ("cli", "cli/v1.9.0")] {
        for (output, value) in [("release_created", "true"), ("tag_name", tag), ("sha", COMMIT)] {
            run.knows(&format!("steps.release.outputs['{path}--{output}']"), value);
        }
    }
    run.workflow("release-please.yml").expect("tags");
    for (expression, value) in [
        ("steps.dist.outputs.version", "1.9.0"),
        ("steps.dist.outputs.digest", digest('c').as_str()),
        ("steps.chart.outputs.version", "1.4.0"),
        ("steps.chart.outputs.digest", digest('d').as_str()),
        ("steps.chart.outputs.app", "1.4.2"),
        ("steps.version.outputs.version", "1.4.2"),
        ("steps.image.outputs.digest", image.as_str()),
        ("needs.build.outputs.digest", image.as_str()),
        ("inputs.digest", image.as_str()),
        ("steps.smoke.outputs.seconds", "42"),
        ("steps.deploy.outputs.restored", ""),
        ("github.run_id", "9001"),
        ("github.run_attempt", "1"),
        ("steps.analysis.outputs.error_rate_delta", "0.02"),
        ("steps.analysis.outputs.p99_delta_ms", "-3"),
        ("steps.analysis.outputs.result", "pass"),
        ("steps.analysis.outputs.window_start", NOW),
        ("steps.analysis.outputs.window_end", LATER),
    ] {
        run.knows(expression, value);
    }
    for step in ["unit", "lint", "deploy", "smoke", "integration", "contract"] {
        run.knows(&format!("steps.{step}.outcome"), "success");
    }
    run.workflow("cli.yml").expect("the CLI is published");
    run.workflow("helm.yml").expect("the chart is published");
    run.append(&json!({"kind": "release.published", "component": "sdk", "version": "2.1.0",
        "digest": digest('e'), "go_module": "example.org/orion-sdk-go/v2"}));
    run.workflow("api.yml").expect("dev and staging");
    // A person stands between the canary and production.
    let closed = run.workflow("promote.yml").expect_err("nobody approved yet");
    assert_eq!(closed.code, 1, "{closed:?}");
    assert!(closed.stdout.contains("approval"), "{closed:?}");
    let approval = ["append", "approval", "--component", "api", "--version", "1.4.2", "--digest"];
    let rest = [image.as_str(), "--stage", "production", "--key", "p_rita.pem"];
    env.run(&[&approval[..], &rest].concat()).exits(0);
    let job = load(&project().join("examples/orion/.github/workflows/promote.yml"));
    for step in job["jobs"]["production"]["steps"].as_array().expect("steps") {
        run.step(step, &Value::Null).unwrap_or_else(|ran| panic!("{ran:?}"));
    }
    assert_eq!(run.ran, 25, "every step of relbook was run");
    let status = env.run(&["status", "--format", "json"]).exits(0).json();
    let row = |name: &str| {
        let rows = status["rows"].as_array().expect("rows");
        rows.iter().find(|row| row["component"] == name).expect("a component").clone()
    };
    assert_eq!(
        (&row("orion-api")["state"], &row("orion-api")["version"]),
        (&json!("live"), &json!("1.4.2"))
    );
    assert_eq!(row("orion-cli")["version"], "1.9.0");
    let sql = "SELECT gate, verdict FROM gate_results WHERE stage = 'production' AND required \
               AND verdict <> 'pass'";
    let open = env.run(&["query", sql, "--format", "json"]).exits(0).json();
    assert_eq!(open["rows"], json!([]));
    let summary = std::fs::read_to_string(env.path().join("summary.md")).expect("a summary");
    assert!(summary.contains("### Gate open: orion-api 1.4.2 to production"), "{summary}");
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_step_without_an_outcome_records_nothing() {
    let env = orion();
    let mut run = runner(&env);
    let before = crate::scratch::size(&env);
    for (record, field, values) in [
        ("check", "result", &["", "skipped", "cancelled", "neutral"][..]),
        ("deploy", "outcome", &["", "skipped", "neutral", "failure"][..]),
        ("build", "digest", &[""][..]),
        ("build", "key", &[""][..]),
        ("publish", "version", &[""][..]),
        ("gate", "to", &[""][..]),
        ("", "result", &["success"][..]),
    ] {
        for value in values {
            let mut with = json!({"record": record, "key": "${{ secrets.RELBOOK_KEY }}",
                "book": "book", "component": "api", "suite": "unit", "stage": "dev",
                "version": "1.4.2", "digest": digest('a'), "to": "dev", "commit": COMMIT});
            with[field] = json!(value);
            let ran = run.action(&with).expect_err("refused");
            assert_eq!(ran.code, 2, "{record} {field} `{value}`: {ran:?}");
            assert!(ran.stderr.contains("nothing was recorded"), "{ran:?}");
        }
    }
    assert_eq!(crate::scratch::size(&env), before);
}
