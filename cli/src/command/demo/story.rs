//! A month in the life of Orion: who signs which events, in the order of time.
//!
//! Each [`Entry`] is what one principal appends at once, as a CI job or a person would. Nothing
//! here is read by the answers: they come from the book that these events make.

use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};

/// What one principal appends at once.
pub(super) struct Entry {
    /// Who signs.
    pub(super) by: &'static str,
    /// What it is, in a few words.
    pub(super) what: String,
    /// The events.
    pub(super) events: Vec<Map<String, Value>>,
}

/// The principals beside the admin, with their roles.
pub(super) const PRINCIPALS: [(&str, &[&str]); 3] = [
    ("ci-orion", &["ci"]),
    ("p_rita", &["approver", "release_engineer"]),
    ("p_olga", &["approver", "release_engineer"]),
];

/// Returns the month.
pub(super) fn month() -> Vec<Entry> {
    let mut story = Story { at: Time::EPOCH, entries: Vec::new(), deploys: 0 };
    story.before();
    story.cut();
    story.first_half();
    story.failed_canary();
    story.train();
    story.bad_release();
    story.minor_release();
    story.hotfix();
    story.entries
}

/// A version on its way to production.
#[derive(Clone, Copy)]
struct Release<'a> {
    component: &'a str,
    version: &'a str,
    tag: &'a str,
    commit: &'a str,
}

/// The module path of the SDK since its second major version.
const SDK_MODULE: &str = "example.org/orion-sdk-go/v2";

const SDK_2_0_1: Release<'_> =
    Release { component: "orion-sdk-go", version: "2.0.1", tag: "sdk/v2.0.1", commit: "sdk-201" };
const SDK_2_1_0: Release<'_> =
    Release { component: "orion-sdk-go", version: "2.1.0", tag: "sdk/v2.1.0", commit: "sdk-210" };
const CLI_1_8_3: Release<'_> =
    Release { component: "orion-cli", version: "1.8.3", tag: "cli/v1.8.3", commit: "cli-183" };
const CLI_1_9_0: Release<'_> =
    Release { component: "orion-cli", version: "1.9.0", tag: "cli/v1.9.0", commit: "cli-190" };
const HELM_1_3_2: Release<'_> =
    Release { component: "orion-helm", version: "1.3.2", tag: "helm-1.3.2", commit: "helm-132" };
const HELM_1_4_0: Release<'_> =
    Release { component: "orion-helm", version: "1.4.0", tag: "helm-1.4.0", commit: "helm-140" };

struct Story {
    at: Time,
    entries: Vec<Entry>,
    deploys: u32,
}

/// Makes a digest or commit out of a name: the example needs identity, not content.
fn hex(name: &str, digits: usize) -> String {
    blake3::hash(name.as_bytes()).to_hex().as_str()[..digits].to_owned()
}

fn commit(name: &str) -> String {
    hex(&format!("commit {name}"), 40)
}

fn digest(component: &str, version: &str) -> String {
    format!("sha256:{}", hex(&format!("{component}@{version}"), 64))
}

impl Story {
    fn day(&mut self, time: &str) {
        self.at = Time::parse(time).unwrap_or(self.at);
    }

    fn wait(&mut self, minutes: i64) {
        self.at = self.at.plus_seconds(minutes * 60);
    }

    /// Appends one event after another; each happens a minute after the one before.
    fn append(&mut self, by: &'static str, what: impl Into<String>, events: Vec<Value>) {
        let mut stamped = Vec::new();
        for event in events {
            self.wait(1);
            if let Value::Object(mut fields) = event {
                fields.insert("occurred_at".to_owned(), json!(self.at));
                stamped.push(fields);
            }
        }
        self.entries.push(Entry { by, what: what.into(), events: stamped });
    }

    fn merge(
        &mut self,
        component: &str,
        name: &str,
        parents: &[&str],
        author: &str,
        subject: &str,
    ) {
        self.merge_more(component, name, parents, author, subject, json!({"branch": "main"}));
    }

    fn merge_more(
        &mut self,
        component: &str,
        name: &str,
        parents: &[&str],
        author: &str,
        subject: &str,
        more: Value,
    ) {
        let parents: Vec<String> = parents.iter().map(|parent| commit(parent)).collect();
        let mut event = json!({"kind": "commit.merged", "component": component, "commit": commit(name),
            "parents": parents, "author": author, "reviewers": ["p_carol"], "subject": subject});
        let pull = subject.split_once("(#").and_then(|(_, rest)| rest.strip_suffix(')'));
        if let Some(pull) = pull.and_then(|number| number.parse::<u64>().ok()) {
            event["pr"] = json!(pull);
        }
        if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
            event.extend(more);
        }
        self.append("ci-orion", format!("merge: {subject}"), vec![event]);
    }

    fn build(&mut self, r: Release<'_>) {
        let (component, version, sha) = (r.component, r.version, commit(r.commit));
        let image = digest(component, version);
        self.append("ci-orion", format!("{component} {version}: tag, build, unit, lint, scans"), vec![
            json!({"kind": "tag.created", "component": component, "tag": r.tag, "version": version, "commit": sha}),
            json!({"kind": "build.completed", "component": component, "version": version, "digest": image,
                "commit": sha, "builder": "ci", "platforms": ["linux/amd64", "linux/arm64"]}),
            json!({"kind": "check.completed", "component": component, "suite": "unit", "commit": sha,
                "result": "pass", "cases": {"passed": 812, "failed": 0, "skipped": 3, "flaky": 1}}),
            json!({"kind": "check.completed", "component": component, "suite": "lint", "commit": sha, "result": "pass"}),
            scan(component, &image, "trivy"),
            scan(component, &image, "grype"),
        ]);
    }

    /// Starts and finishes a deploy everywhere at once; returns its id.
    fn deploy(&mut self, r: Release<'_>, stage: &str, more: Value) -> String {
        self.deploys += 1;
        let id = format!("D-{:03}", self.deploys);
        let (environment, targets) = match stage {
            "dev" => ("dev", vec!["dev-1"]),
            "staging" => ("staging", vec!["stg-1"]),
            "canary" => ("production", vec!["us-east-1"]),
            _ => ("production", vec!["us-east-1", "eu-west-1"]),
        };
        let mut start = json!({"kind": "deploy.started", "deploy_id": id, "component": r.component,
            "version": r.version, "digest": digest(r.component, r.version), "stage": stage,
            "environment": environment, "targets": targets, "reason": "promotion", "initiated_by": "ci-orion"});
        if let (Some(start), Value::Object(more)) = (start.as_object_mut(), more) {
            start.extend(more);
        }
        let mut events = vec![start];
        for target in targets {
            events.push(json!({"kind": "deploy.finished", "deploy_id": id, "target": target, "outcome": "succeeded"}));
        }
        let back = events[0]["reason"] == "rollback";
        let what = if back { "rolled back in" } else { "deploy to" };
        self.append("ci-orion", format!("{} {}: {what} {stage}", r.component, r.version), events);
        id
    }

    fn check(&mut self, r: Release<'_>, stage: &str, suites: &[&str]) {
        let image = digest(r.component, r.version);
        let check = |suite: &&str| {
            json!({"kind": "check.completed", "component": r.component, "suite": suite,
            "stage": stage, "digest": image, "result": "pass", "duration_s": 142})
        };
        let what = format!("{} {}: {} in {stage}", r.component, r.version, suites.join(", "));
        self.append("ci-orion", what, suites.iter().map(check).collect());
    }

    /// Takes a built version through dev and staging.
    fn stage(&mut self, r: Release<'_>) {
        self.build(r);
        self.deploy(r, "dev", json!({}));
        self.check(r, "dev", &["smoke"]);
        self.deploy(r, "staging", json!({}));
        self.check(r, "staging", &["integration", "contract"]);
    }

    /// Sends 5 % of one region to a version for a while; says whether it held.
    fn canary(&mut self, r: Release<'_>, minutes: i64, more: Value, holds: bool) {
        self.deploys += 1;
        let id = format!("D-{:03}", self.deploys);
        let image = digest(r.component, r.version);
        let mut start = json!({"kind": "deploy.started", "deploy_id": id, "component": r.component,
            "version": r.version, "digest": image, "stage": "canary", "environment": "production",
            "targets": ["us-east-1"], "weight": 5, "reason": "promotion", "initiated_by": "ci-orion"});
        if let (Some(start), Value::Object(more)) = (start.as_object_mut(), more) {
            start.extend(more);
        }
        let progress = json!({"kind": "deploy.progressed", "deploy_id": id, "target": "us-east-1", "weight": 5});
        self.append(
            "ci-orion",
            format!("{} {}: canary at 5 %", r.component, r.version),
            vec![start, progress],
        );
        let began = self.at;
        self.wait(minutes);
        let (result, errors, latency) =
            if holds { ("pass", 0.02, 6.0) } else { ("fail", 1.4, 210.0) };
        let outcome = if holds { json!("succeeded") } else { json!("failed") };
        let mut finish = json!({"kind": "deploy.finished", "deploy_id": id, "target": "us-east-1", "outcome": outcome});
        if !holds {
            finish["restored"] = json!(true);
        }
        self.append("ci-orion", format!("{} {}: canary analysis, {result}", r.component, r.version), vec![
            json!({"kind": "check.completed", "component": r.component, "suite": "slo", "stage": "canary",
                "digest": image, "result": result, "window_start": began, "window_end": self.at,
                "error_rate_delta": errors, "p99_delta_ms": latency}),
            finish,
        ]);
    }

    fn approve(&mut self, by: &'static str, r: Release<'_>) {
        let id = format!("A-{}-{}", r.component, r.version);
        self.append(by, format!("{} {}: approved for production", r.component, r.version), vec![
            json!({"kind": "approval.granted", "approval_id": id, "component": r.component, "version": r.version,
                "digest": digest(r.component, r.version), "stage": "production", "comment": "checked the diff"}),
        ]);
    }

    /// Tags, builds and publishes a version.
    fn publish(&mut self, r: Release<'_>, more: Value) {
        let (component, version, sha) = (r.component, r.version, commit(r.commit));
        let image = digest(component, version);
        let mut event = json!({"kind": "release.published", "component": component, "version": version,
            "digest": image, "commit": sha, "channel": "stable"});
        if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
            event.extend(more);
        }
        self.append("ci-orion", format!("{component} {version}: tag, build, published"), vec![
            json!({"kind": "tag.created", "component": component, "tag": r.tag, "version": version, "commit": sha}),
            json!({"kind": "build.completed", "component": component, "version": version, "digest": image,
                "commit": sha, "builder": "ci"}),
            event,
        ]);
    }

    /// What was there when the month began.
    fn before(&mut self) {
        self.day("2026-05-28T08:00:00Z");
        self.merge("orion-api", "api-base", &[], "p_alice", "feat(api): orders");
        self.merge("orion-web", "web-base", &[], "p_dan", "feat(web): order list");
        let api =
            Release { component: "orion-api", version: "1.4.0", tag: "v1.4.0", commit: "api-base" };
        let web = Release {
            component: "orion-web",
            version: "2026.05.7",
            tag: "web/2026.05.7",
            commit: "web-base",
        };
        for r in [api, web] {
            self.stage(r);
            self.approve("p_rita", r);
        }
        self.canary(api, 31, json!({}), true);
        self.deploy(api, "production", json!({}));
        self.deploy(web, "production", json!({}));
        self.merge("orion-sdk-go", "sdk-201", &[], "p_erin", "feat(sdk): pagination (#7)");
        self.merge("orion-cli", "cli-183", &[], "p_erin", "feat(cli): order list (#31)");
        self.merge("orion-helm", "helm-132", &[], "p_dan", "feat(helm): probes (#12)");
        self.publish(SDK_2_0_1, json!({"go_module": SDK_MODULE}));
        self.publish(CLI_1_8_3, json!({}));
        self.publish(HELM_1_3_2, json!({"app_version": "1.4.0"}));
    }

    /// A patch that needs no approval, a CalVer period that does.
    fn first_half(&mut self) {
        self.day("2026-06-02T05:00:00Z");
        let live = digest("orion-web", "2026.05.7");
        let mut findings = known_findings();
        findings.push(json!({"vulnerability_id": "CVE-2026-1337", "severity": "high",
            "package": "sheet-writer", "installed_version": "3.2.0", "fixed_version": "3.2.1"}));
        self.append("ci-orion", "orion-web 2026.05.7: nightly scan of what is live, CVE-2026-1337", vec![
            json!({"kind": "scan.completed", "component": "orion-web", "digest": live, "scanner": "grype",
                "critical": 0, "high": 1, "medium": 1, "low": 1, "status": "findings", "findings": findings}),
        ]);
        self.day("2026-06-02T08:00:00Z");
        self.merge(
            "orion-api",
            "api-141",
            &["api-base"],
            "p_bob",
            "fix(auth): refresh tokens in time (#101)",
        );
        let api =
            Release { component: "orion-api", version: "1.4.1", tag: "v1.4.1", commit: "api-141" };
        self.stage(api);
        self.canary(api, 32, json!({}), true);
        self.deploy(api, "production", json!({}));
        self.day("2026-06-03T09:00:00Z");
        self.merge("orion-web", "web-260", &["web-base"], "p_dan", "feat(web): bulk edit (#44)");
        let web = Release {
            component: "orion-web",
            version: "2026.06.0",
            tag: "web/2026.06.0",
            commit: "web-260",
        };
        self.stage(web);
        self.approve("p_olga", web);
        self.deploy(web, "production", json!({}));
    }

    /// The train of what is published: the branches are cut on the first of the month.
    fn cut(&mut self) {
        self.day("2026-06-01T06:00:00Z");
        self.merge(
            "orion-sdk-go",
            "sdk-210",
            &["sdk-201"],
            "p_erin",
            "feat(sdk): bulk orders (#9)",
        );
        self.merge("orion-cli", "cli-190", &["cli-183"], "p_erin", "feat(cli): order export (#35)");
        for (component, branch, base) in
            [("orion-sdk-go", "release/v2.1", "sdk-210"), ("orion-cli", "release/v1.9", "cli-190")]
        {
            self.append(
                "ci-orion",
                format!("{component}: {branch} cut"),
                vec![json!({"kind": "branch.created", "component": component, "branch": branch,
                    "base_commit": commit(base)})],
            );
        }
    }

    /// A week later it leaves, and the chart follows the API.
    fn train(&mut self) {
        self.day("2026-06-08T09:00:00Z");
        self.publish(SDK_2_1_0, json!({"go_module": SDK_MODULE}));
        self.publish(CLI_1_9_0, json!({}));
        self.merge("orion-helm", "helm-140", &["helm-132"], "p_dan", "feat(helm): API 1.4.1 (#14)");
        self.publish(HELM_1_4_0, json!({"app_version": "1.4.1"}));
    }

    /// A release whose canary fails.
    fn failed_canary(&mut self) {
        self.day("2026-06-05T08:00:00Z");
        self.merge(
            "orion-api",
            "api-142",
            &["api-141"],
            "p_alice",
            "fix(db): close leaked connections (#102)",
        );
        let failed =
            Release { component: "orion-api", version: "1.4.2", tag: "v1.4.2", commit: "api-142" };
        self.stage(failed);
        self.canary(failed, 12, json!({}), false);
    }

    /// A release that passes its canary and is rolled back all the same.
    fn bad_release(&mut self) {
        self.day("2026-06-09T08:00:00Z");
        self.merge(
            "orion-api",
            "api-143",
            &["api-142"],
            "p_alice",
            "fix(db): size the pool by load (#105)",
        );
        let bad =
            Release { component: "orion-api", version: "1.4.3", tag: "v1.4.3", commit: "api-143" };
        self.stage(bad);
        self.canary(bad, 33, json!({}), true);
        let id = self.deploy(bad, "production", json!({}));
        self.wait(90);
        self.append("ci-orion", "incident INC-7 opened", vec![
            json!({"kind": "incident.opened", "incident_id": "INC-7", "caused_by": id, "severity": "high"}),
        ]);
        let old =
            Release { component: "orion-api", version: "1.4.1", tag: "v1.4.1", commit: "api-141" };
        self.deploy(
            old,
            "production",
            json!({"reason": "rollback", "rollback_of": id, "incident_id": "INC-7"}),
        );
        self.append(
            "ci-orion",
            "incident INC-7 resolved",
            vec![json!({"kind": "incident.resolved", "incident_id": "INC-7", "caused_by": id})],
        );
    }

    fn minor_release(&mut self) {
        self.day("2026-06-16T08:00:00Z");
        self.merge(
            "orion-api",
            "api-150a",
            &["api-143"],
            "p_alice",
            "fix(db): bound the pool (#109)",
        );
        self.merge("orion-api", "api-150", &["api-150a"], "p_bob", "feat(api): bulk export (#110)");
        let api =
            Release { component: "orion-api", version: "1.5.0", tag: "v1.5.0", commit: "api-150" };
        self.stage(api);
        self.approve("p_rita", api);
        self.canary(api, 35, json!({}), true);
        self.deploy(api, "production", json!({}));
    }

    /// From incident to production in 27 minutes, on a branch of what is live.
    fn hotfix(&mut self) {
        self.day("2026-06-22T10:00:00Z");
        self.merge(
            "orion-api",
            "api-main",
            &["api-150"],
            "p_bob",
            "feat(api)!: new order schema (#114)",
        );
        self.day("2026-06-23T14:00:00Z");
        self.append("ci-orion", "incident INC-9, hotfix HF-1 opened", vec![
            json!({"kind": "incident.opened", "incident_id": "INC-9", "severity": "critical"}),
            json!({"kind": "hotfix.opened", "component": "orion-api", "hotfix_id": "HF-1", "incident_id": "INC-9",
                "deadline_minutes": 30, "opened_by": "p_olga"}),
            json!({"kind": "branch.created", "component": "orion-api", "branch": "hotfix/v1.5.1",
                "base_commit": commit("api-150")}),
        ]);
        let branch = json!({"branch": "hotfix/v1.5.1", "hotfix_id": "HF-1"});
        self.merge_more(
            "orion-api",
            "api-151",
            &["api-150"],
            "p_alice",
            "fix(export): escape formulas (#115)",
            branch,
        );
        let fix =
            Release { component: "orion-api", version: "1.5.1", tag: "v1.5.1", commit: "api-151" };
        self.build(fix);
        let hotfix = json!({"reason": "hotfix", "hotfix_id": "HF-1", "incident_id": "INC-9"});
        self.deploy(fix, "dev", hotfix.clone());
        self.check(fix, "dev", &["smoke"]);
        self.deploy(fix, "staging", hotfix.clone());
        self.check(fix, "staging", &["contract"]);
        self.approve("p_olga", fix);
        self.canary(fix, 5, hotfix.clone(), true);
        self.deploy(fix, "production", hotfix);
        self.append(
            "ci-orion",
            "incident INC-9 resolved",
            vec![json!({"kind": "incident.resolved", "incident_id": "INC-9"})],
        );
        let picked = json!({"branch": "main", "cherry_picked_from": commit("api-151")});
        self.merge_more(
            "orion-api",
            "api-main-fix",
            &["api-main"],
            "p_alice",
            "fix(export): escape formulas (#116)",
            picked,
        );
        self.check(fix, "staging", &["integration"]);
    }
}

fn scan(component: &str, image: &str, scanner: &str) -> Value {
    json!({"kind": "scan.completed", "component": component, "digest": image, "scanner": scanner,
        "critical": 0, "high": 0, "medium": 1, "low": 1, "status": "findings", "findings": known_findings()})
}

/// What every image has: nothing that closes a gate.
fn known_findings() -> Vec<Value> {
    let finding = |(id, severity): (&str, &str)| json!({"vulnerability_id": id, "severity": severity, "package": "base-image"});
    [("CVE-2026-1001", "medium"), ("CVE-2026-1002", "low")].map(finding).into()
}
