//! Gates on the source and on checks.

use serde_json::{Value, json};

use super::*;

#[track_caller]
fn judged(gate_name: &str, change: impl Fn(&mut Story), expected: &str) {
    let mut story = green();
    change(&mut story);
    deploy(&mut story);
    assert_eq!(gate(&mut story, gate_name), expected);
}

#[test]
fn a_merge_needs_a_branch_of_releases_and_another_reviewer() {
    let cases: [(Value, &str); 6] = [
        (json!({"reviewers": ["al"]}), "true fail 0 1"),
        (json!({"reviewers": []}), "true fail 0 1"),
        (json!({"reviewers": null}), "true fail 0 1"),
        (json!({"reviewers": ["al", "bo", "cy"]}), "true pass 2 1"),
        (json!({"branch": "feature/x"}), "true fail branch=feature/x 1"),
        (json!({"branch": "release/v1.4"}), "true pass 1 1"),
    ];
    for (fields, expected) in cases {
        let mut story = green();
        let mut events = story.take();
        let merge = events.iter_mut().find(|(_, e)| e["kind"] == "commit.merged").unwrap();
        merge.1.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        merge.1.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        story.give(events);
        deploy(&mut story);
        assert_eq!(gate(&mut story, "reviewed_merge"), expected, "{fields}");
    }
}

#[test]
fn one_good_merge_of_several_is_enough() {
    let again = |story: &mut Story| {
        story
            .commit("08T09:01", "c1.4.2", &[], "al", "fix: it")
            .but(json!({"branch": "feature/x"}));
    };
    judged("reviewed_merge", again, "true pass 1 1");
}

#[test]
fn the_latest_check_of_the_commit_decides() {
    for (result, expected) in
        [("fail", "true fail fail pass"), ("inconclusive", "true fail inconclusive pass")]
    {
        for suite in ["unit", "lint"] {
            let change = |story: &mut Story| {
                check(story, "08T09:06", suite, json!({"commit": "c1.4.2", "result": result}));
            };
            judged(suite, change, expected);
            let earlier = |story: &mut Story| {
                check(story, "08T09:04", suite, json!({"commit": "c1.4.2", "result": result}));
            };
            judged(suite, earlier, "true pass pass pass");
            let another = |story: &mut Story| {
                check(story, "08T09:06", suite, json!({"commit": "c1.4.3", "result": result}));
            };
            judged(suite, another, "true pass pass pass");
        }
    }
}

#[test]
fn a_check_that_names_the_artifact_alone_counts_for_its_commit() {
    let fields = json!({"digest": digest("1.4.2"), "result": "fail"});
    judged("unit", |story| check(story, "08T09:06", "unit", fields.clone()), "true fail fail pass");
    let other = json!({"digest": digest("1.4.2"), "commit": "c9", "result": "fail"});
    judged("unit", |story| check(story, "08T09:06", "unit", other.clone()), "true pass pass pass");
}

#[test]
fn smoke_must_take_less_than_its_limit() {
    let cases = [
        (json!({"duration_s": 299}), "true pass 299 300"),
        (json!({"duration_s": 300}), "true fail 300 300"),
        (json!({"duration_s": 300.5}), "true fail 300.5 300"),
        (json!({"duration_s": null}), "true missing - 300"),
        (json!({"result": "fail"}), "true fail fail 300"),
        (json!({"result": "inconclusive"}), "true fail inconclusive 300"),
        // About something else: the one before still decides.
        (json!({"stage": "staging", "result": "fail"}), "true pass 299.5 300"),
        (json!({"digest": digest("other"), "result": "fail"}), "true pass 299.5 300"),
    ];
    for (fields, expected) in cases {
        let change = |story: &mut Story| {
            let smoke = json!({"stage": "dev", "digest": digest("1.4.2"), "duration_s": 10});
            check(story, "08T10:20", "smoke", smoke);
            story.but(fields.clone());
        };
        judged("smoke", change, expected);
    }
}

#[test]
fn smoke_in_another_stage_or_of_another_artifact_is_none() {
    for fields in [
        json!({"stage": "staging"}),
        json!({"stage": null}),
        json!({"digest": digest("other")}),
        json!({"digest": null, "commit": "c1.4.2"}),
    ] {
        let mut story = Story::of_api(&["us"]);
        story.build("08T09:10", "1.4.2");
        let smoke = json!({"stage": "dev", "digest": digest("1.4.2"), "duration_s": 10});
        check(&mut story, "08T10:20", "smoke", smoke);
        story.but(fields.clone());
        deploy(&mut story);
        assert_eq!(gate(&mut story, "smoke"), "true missing - 300", "{fields}");
    }
}

#[test]
fn integration_and_contract_belong_to_staging_and_to_the_artifact() {
    for suite in ["integration", "contract"] {
        let cases = [
            (json!({"result": "fail"}), "true fail fail pass"),
            (json!({"result": "inconclusive"}), "true fail inconclusive pass"),
            (json!({"result": "fail", "stage": "dev"}), "true pass pass pass"),
            (json!({"result": "fail", "digest": digest("x")}), "true pass pass pass"),
        ];
        for (fields, expected) in cases {
            let change = |story: &mut Story| {
                let staging = json!({"stage": "staging", "digest": digest("1.4.2")});
                check(story, "08T11:20", suite, staging);
                story.but(fields.clone());
            };
            judged(suite, change, expected);
        }
    }
}

#[test]
fn a_gate_of_the_teams_own_is_a_suite() {
    let own = |story: &mut Story| {
        story.policy("01T00:03", json!({"gates": {"production": ["load", "unit"]}}));
    };
    judged("load", own, "true missing - pass");
    let passed = |story: &mut Story| {
        own(story);
        check(story, "08T11:20", "load", json!({"digest": digest("1.4.2"), "stage": "staging"}));
    };
    judged("load", passed, "true pass pass pass");
}
