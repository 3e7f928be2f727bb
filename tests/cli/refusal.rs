//! Every refusal code that input can earn, through the binary: exit 3, the first bad line, its
//! field, its value, a remedy; and nothing of the batch in the book.

use serde_json::{Map, Value, json};

use crate::scratch::{
    COMMIT, book, build_line, digest, empty, orion, refused, refused_lines, size,
};

/// Returns a good build with some fields replaced; null takes a field out.
fn build(changes: &Value) -> Vec<u8> {
    let mut event: Map<String, Value> =
        serde_json::from_str(&build_line("1.4.2")).expect("a build is an object");
    for (name, value) in changes.as_object().expect("the changes are an object") {
        if value.is_null() {
            event.remove(name);
        } else {
            event.insert(name.clone(), value.clone());
        }
    }
    (Value::Object(event).to_string() + "\n").into_bytes()
}

/// A refused event, and the code, field, value and remedy that its refusal must name.
fn cases() -> Vec<(Vec<u8>, &'static str, Value, Value, &'static str)> {
    let web = |version: &str| build(&json!({"component": "orion-web", "version": version}));
    let publish = |module: &str| {
        build(&json!({"kind": "release.published", "component": "sdk", "version": "2.1.0",
                      "commit": null, "go_module": module}))
    };
    vec![
        (b"{\"kind\": ".to_vec(), "json", Value::Null, Value::Null, "ends before"),
        (
            b"{\"kind\":\"x\",\"\\u006bind\":\"y\"}\n".to_vec(),
            "duplicate_key",
            json!("kind"),
            Value::Null,
            "twice",
        ),
        (
            build(&json!({"versoin": "1.4.2"})),
            "unknown_field",
            json!("versoin"),
            json!("1.4.2"),
            "did you mean `version`?",
        ),
        (
            build(&json!({"digest": null})),
            "missing_field",
            json!("digest"),
            Value::Null,
            "artifact",
        ),
        (
            build(&json!({"digest": "sha256:abc"})),
            "bad_value",
            json!("digest"),
            json!("sha256:abc"),
            "64",
        ),
        (
            build(&json!({"platforms": "linux"})),
            "bad_value",
            json!("platforms"),
            json!("linux"),
            "must be a list",
        ),
        (
            build(&json!({"kind": "build.compleated"})),
            "unknown_kind",
            json!("kind"),
            json!("build.compleated"),
            "did you mean `build.completed`?",
        ),
        (
            build(&json!({"component": "orion-ap1"})),
            "unknown_component",
            json!("component"),
            json!("orion-ap1"),
            "did you mean `orion-api`?",
        ),
        (build(&json!({"version": "1.4"})), "not_semver", json!("version"), json!("1.4"), "1.4"),
        (web("2026.6.3"), "calver_format", json!("version"), json!("2026.6.3"), "YYYY.0M.MICRO"),
        (
            build(&json!({"version": "v1.4.2"})),
            "version_prefix",
            json!("version"),
            json!("v1.4.2"),
            "1.4.2",
        ),
        (
            publish("github.com/orion/orion-sdk-go"),
            "go_path_major",
            json!("go_module"),
            json!("github.com/orion/orion-sdk-go"),
            "/v2",
        ),
        (
            build(&json!({"ledger": "another.example/book"})),
            "wrong_book",
            json!("ledger"),
            json!("another.example/book"),
            "test.example/orion",
        ),
        (
            build(&json!({"occurred_at": "2999-01-01T00:00:00Z"})),
            "future_time",
            json!("occurred_at"),
            json!("2999-01-01T00:00:00Z"),
            "clock",
        ),
        (
            build(&json!({"recorded_at": "2026-01-01T00:00:00Z"})),
            "bad_value",
            json!("recorded_at"),
            Value::Null,
            "--simulated-clock",
        ),
        (
            build(&json!({"labels": {"blob": "x".repeat(70_000)}})),
            "too_large",
            Value::Null,
            Value::Null,
            "blob",
        ),
    ]
}

#[test]
fn each_rule_is_named_with_line_field_value_and_remedy() {
    for (line, code, field, value, remedy) in cases() {
        let env = orion();
        let before = size(&env);
        // A good line stands before the bad one: nothing of the batch may come in.
        let lines = [build_line("1.4.1").as_bytes(), &line].concat();
        let error = refused_lines(&env, &lines);
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(error["line"], 2, "{error}");
        assert_eq!(error["field"], field, "{error}");
        if !value.is_null() {
            assert_eq!(error["value"], value, "{error}");
        }
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(remedy), "{code}: {message}");
        assert_eq!(size(&env), before + 1, "{code}: only the record of the refusal");
        env.run(&["verify"]).exits(0);
    }
}

#[test]
fn people_read_one_line_that_ends_in_the_code() {
    let env = orion();
    let line = build(&json!({"version": "v1.4.2"}));
    let ran = env.run_with_input(&["append", "--from", "-"], &line).exits(3);
    assert_eq!(ran.stdout, "");
    let text = ran.stderr.trim_end();
    assert!(text.starts_with("refused: line 1: version: "), "{text}");
    assert!(text.ends_with("(version_prefix)"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn flags_are_refused_like_lines_but_name_none() {
    let env = orion();
    let digest = digest('a');
    let error = refused(
        &env,
        &[
            "append",
            "build",
            "--component",
            "api",
            "--version",
            "v1.4.2",
            "--digest",
            &digest,
            "--commit",
            COMMIT,
        ],
    );
    assert_eq!(error["code"], "version_prefix");
    assert_eq!(error["line"], Value::Null);
    assert_eq!(refused(&env, &["append", "buidl.completed"])["code"], "unknown_kind");
    let error = refused(
        &env,
        &["append", "deploy.progressed", "--deploy-id", "P1", "--target", "a", "--weight", "five"],
    );
    assert_eq!((&error["code"], &error["field"]), (&json!("bad_value"), &json!("weight")));
    assert_eq!(error["value"], "five");
}

#[test]
fn a_clock_that_goes_back_is_refused() {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    let incident = |at: &str| {
        json!({"kind": "incident.opened", "incident_id": "I", "recorded_at": at, "occurred_at": at})
            .to_string()
    };
    let later = incident("2026-06-10T09:00:00Z");
    env.run_with_input(&["append", "--from", "-"], later.as_bytes()).exits(0);
    let error = refused_lines(&env, incident("2026-06-10T08:59:59Z").as_bytes());
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("clock_backwards"), &json!("recorded_at"))
    );
    // Without recorded_at the clock stays where it is: late events are welcome.
    let late = json!({"kind": "incident.resolved", "incident_id": "I",
                      "occurred_at": "2026-06-10T08:00:00Z"});
    env.run_with_input(&["append", "--from", "-"], late.to_string().as_bytes()).exits(0);
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_default_time_is_the_clock_of_a_simulated_book() {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    let line = json!({"kind": "incident.opened", "incident_id": "I",
                      "occurred_at": "2026-06-10T09:00:00Z"});
    env.run_with_input(&["append", "--from", "-"], line.to_string().as_bytes()).exits(0);
    env.run(&["append", "incident.resolved", "--incident-id", "I"]).exits(0);
    env.run(&["append", "environment.registered", "--environment", "production", "--targets", "a"])
        .exits(0);
    let answer = env.run(&["status", "--format", "json"]).exits(0).json();
    assert_eq!(answer["as_of"], "2026-06-10T09:00:00Z");
    assert_eq!(answer["simulated_clock"], true);
}

#[test]
fn a_refusal_of_a_known_author_stands_in_the_book() {
    let env = book();
    let before = size(&env);
    refused(&env, &["append", "build", "--component", "nothing", "--version", "1.0.0"]);
    assert_eq!(size(&env), before + 1);
    // Refused again: recorded again.
    refused(&env, &["append", "build", "--component", "nothing", "--version", "1.0.0"]);
    assert_eq!(size(&env), before + 2);
    env.run(&["verify"]).exits(0);
}
