//! `go test -json`: lines become one check.

use serde_json::{Value, json};

use super::{one_of, refusal_of, suite};

fn lines(steps: &[(&str, &str, &str)]) -> String {
    let line = |(n, (action, package, test)): (usize, &(&str, &str, &str))| {
        let mut line = json!({"Time": format!("2026-06-10T09:00:{n:02}Z"), "Action": action,
            "Package": package});
        if !test.is_empty() {
            line["Test"] = json!(test);
        }
        line.to_string()
    };
    steps.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn check(steps: &[(&str, &str, &str)]) -> Value {
    one_of(&lines(steps), &suite("unit"))
}

#[test]
fn the_last_outcome_of_each_test_counts() {
    let event = check(&[
        ("start", "p", ""),
        ("run", "p", "A"),
        ("output", "p", "A"),
        ("pass", "p", "A"),
        ("run", "p", "A/sub"),
        ("pass", "p", "A/sub"),
        ("run", "p", "B"),
        ("fail", "p", "B"),
        ("run", "p", "C"),
        ("skip", "p", "C"),
        ("fail", "p", ""),
        ("run", "p", "B"),
        ("pass", "p", "B"),
        ("pass", "p", ""),
    ]);
    assert_eq!(event["cases"], json!({"passed": 2, "failed": 0, "skipped": 1, "flaky": 1}));
    assert_eq!((&event["result"], &event["duration_s"]), (&json!("pass"), &json!(13.0)));
    assert_eq!(event["occurred_at"], "2026-06-10T09:00:13Z");
}

#[test]
fn a_package_that_failed_or_never_ended_is_no_pass() {
    let broken = check(&[("run", "p", "A"), ("pass", "p", "A"), ("fail", "p", "")]);
    assert_eq!(broken["result"], "fail");
    let cut = check(&[("run", "p", "A"), ("pass", "p", "A")]);
    assert_eq!(
        (&cut["result"], &cut["labels"]["reason"]),
        (&json!("inconclusive"), &json!("cut_off"))
    );
    let hung =
        check(&[("run", "p", "A"), ("run", "p", "B"), ("pass", "p", "A"), ("pass", "p", "")]);
    assert_eq!(hung["result"], "inconclusive");
    let none = check(&[("start", "p", ""), ("skip", "p", "")]);
    assert_eq!(none["labels"]["reason"], "no_cases");
    let mut text = lines(&[("start", "p", ""), ("pass", "p", "")]);
    text.push_str("\n{\"ImportPath\": \"q\", \"Action\": \"build-fail\"}");
    assert_eq!(one_of(&text, &suite("unit"))["result"], "fail");
}

#[test]
fn one_bad_line_is_named() {
    let mut text = lines(&[("start", "p", ""), ("pass", "p", "")]);
    text.push_str("\n# p\nmain.go:3: undefined\n");
    assert!(refusal_of(&text, &suite("unit")).contains("line 3"));
    let text = "{\"Action\": \"run\", \"Package\": \"p\"}\n{\"Action\": 1, \"Package\": \"p\"}";
    assert!(refusal_of(text, &suite("unit")).contains("line 2"));
}
