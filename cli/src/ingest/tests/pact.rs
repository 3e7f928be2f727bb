//! Pact: yes, no and nothing stay three.

use serde_json::{Value, json};

use super::{given, one, refusal, suite};

fn answer(deployable: Value, failed: u64, unknown: u64) -> Value {
    json!({"summary": {"deployable": deployable, "reason": "WARN: give a version\nall verified",
            "success": 1, "failed": failed, "unknown": unknown, "ignored": 1},
        "notices": [{"type": "warning", "text": "an old broker"}],
        "matrix": [{"consumer": {"name": "web", "version": {"number": "1.0"}},
            "provider": {"name": "api", "version": null},
            "verificationResult": {"success": true}}]})
}

#[test]
fn deployable_is_a_pass_and_null_proves_nothing() {
    let yes = one(&answer(json!(true), 0, 0), &given());
    assert_eq!((&yes["result"], &yes["suite"]), (&json!("pass"), &json!("contract")));
    assert_eq!(yes["cases"], json!({"passed": 1, "failed": 0, "skipped": 1, "flaky": 0}));
    // --suite is for the other files of a call: the format settles it.
    assert_eq!(one(&answer(json!(true), 0, 0), &suite("unit"))["suite"], "contract");
    assert_eq!(yes["labels"]["pact_ignored"], "1");
    assert_eq!(yes["labels"]["pact_warnings"], "give a version | an old broker");
    assert_eq!(yes["labels"]["pact_pairs"], "web 1.0 / api ?: verified");
    assert_eq!(one(&answer(json!(false), 1, 0), &given())["result"], "fail");
    let null = one(&answer(json!(null), 0, 1), &given());
    assert_eq!(
        (&null["result"], &null["labels"]["reason"]),
        (&json!("inconclusive"), &json!("deployable_null"))
    );
    // A yes that its own numbers contradict is none.
    assert_eq!(one(&answer(json!(true), 1, 0), &given())["result"], "inconclusive");
    assert_eq!(one(&answer(json!(true), 0, 1), &given())["result"], "inconclusive");
    assert!(refusal(&json!({"summary": {"deployable": "yes"}}), &given()).contains("deployable"));
}

#[test]
fn a_recorded_answer_is_one_and_several_are_refused() {
    let recorded = json!({"request": {"path": "/can-i-deploy"},
        "response": {"status": 200, "body": answer(json!(true), 0, 0)}});
    assert_eq!(one(&recorded, &given())["result"], "pass");
    let several = json!({"one": answer(json!(true), 0, 0), "two": answer(json!(null), 0, 0)});
    assert!(refusal(&several, &given()).contains("several answers"));
    let pact = json!({"consumer": {"name": "web"}, "provider": {"name": "api"},
        "interactions": [], "metadata": {"pactSpecification": {"version": "3.0.0"}}});
    assert!(refusal(&pact, &given()).contains("not that a provider does it"));
}

#[test]
fn a_verification_passes_with_tests_that_passed() {
    let verification = |success: bool, tests: Value| {
        let report = json!({"success": success, "providerApplicationVersion": "1.0.0",
            "testResults": {"tests": tests}});
        one(&report, &given())
    };
    let passed = verification(true, json!([{"status": "passed"}, {"status": "pending"}]));
    assert_eq!((&passed["result"], &passed["cases"]["skipped"]), (&json!("pass"), &json!(1)));
    assert_eq!(passed["labels"]["provider_version"], "1.0.0");
    assert_eq!(verification(false, json!([{"status": "passed"}]))["result"], "fail");
    assert_eq!(verification(true, json!([{"status": "failed"}]))["result"], "fail");
    assert_eq!(verification(true, json!([]))["result"], "inconclusive");
    // Other verifiers list interactions.
    let listed = |second: bool| {
        let report = json!({"success": true, "providerApplicationVersion": "1.0.0",
            "testResults": [{"interactionId": "a", "success": true},
                            {"interactionId": "b", "success": second, "mismatches": []}]});
        one(&report, &given())
    };
    assert_eq!(
        (&listed(true)["result"], &listed(true)["cases"]["passed"]),
        (&json!("pass"), &json!(2))
    );
    assert_eq!(listed(false)["result"], "fail");
}
