//! The gate `approval`, and what a hotfix defers.

use serde_json::json;

use super::*;

/// A minor version that passed nothing but its approval.
fn minor() -> Story {
    let mut story = green();
    story.policy("09T08:00", json!({"gates": {"production": ["approval"]}}));
    story.commit("09T08:01", "c1.5.0", &["c1.4.2"], "al", "feat: more");
    story.build("09T08:02", "1.5.0");
    story
}

fn approval(story: &mut Story) -> String {
    story.start(AT, D, "production", "1.5.0");
    gate(story, "approval")
}

#[test]
fn a_minor_version_needs_an_approval() {
    assert_eq!(approval(&mut minor()), "true missing missing approved");
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    let seq = story.seq();
    assert_eq!(approval(&mut story), "true pass approved approved");
    let answer = asked(&ask(&mut story), D);
    assert_eq!(lines(&answer.table, "evidence_seq evidence_at"), [format!("{seq} 09T09:00")]);
}

#[test]
fn an_approval_that_does_not_count_is_none() {
    let mut story = minor();
    story.approve("09T09:00", "A1", "al", "1.5.0");
    story.approve("09T09:00", "A2", "rita", "1.5.0").but(json!({"stage": "canary"}));
    story.approve("09T09:00", "A3", "sam", "1.5.0").but(json!({"digest": digest("1.4.2")}));
    assert_eq!(approval(&mut story), "true missing missing approved");
    let answer = asked(&ask(&mut story), D);
    let why = lines(&answer.table, "why");
    for part in ["A1 by al does not count: sod_author", "A2 by rita does not count: stage_mismatch"]
    {
        assert!(why[0].contains(part), "{why:?}");
    }
}

#[test]
fn broken_glass_is_no_approval() {
    let mut story = minor();
    story.start(AT, D, "production", "1.5.0").but(json!({"break_glass": true, "incident_id": "I"}));
    assert_eq!(gate(&mut story, "approval"), "true fail break_glass approved");
}

#[test]
fn an_intended_deploy_has_an_initiator_only_when_one_is_named() {
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    let ask = ask(&mut story).at(AT);
    let by = |who| may_with(&ask, "1.5.0", "production", None, who).holds;
    assert!(by(None) && by(Some("ci-bot")));
    assert!(!by(Some("rita")), "who starts it cannot approve it");
    assert!(!may(&ask.at("17T09:00"), "1.5.0", "production").holds, "approved 8 days ago");
}

#[test]
fn a_hotfix_defers_integration_and_always_needs_an_approval() {
    let opened = json!({"kind": "hotfix.opened", "component": "api", "hotfix_id": "HF"});
    let without = |suite_result: Option<&str>| {
        let mut story = green();
        let mut events = story.take();
        events.retain(|(_, event)| event["suite"] != "integration");
        story.give(events).push("08T09:00", opened.clone());
        if let Some(result) = suite_result {
            let fields = json!({"stage": "staging", "digest": digest("1.4.2"), "result": result});
            check(&mut story, "08T11:10", "integration", fields);
        }
        deploy(&mut story).but(json!({"hotfix_id": "HF"}));
        story
    };
    assert_eq!(gate(&mut without(None), "integration"), "true deferred - pass");
    assert_eq!(gate(&mut without(Some("pass")), "integration"), "true pass pass pass");
    assert_eq!(gate(&mut without(Some("fail")), "integration"), "true fail fail pass");
    assert_eq!(failed(&mut without(None)), "[approval]");
    let mut story = without(None);
    let mut events = story.take();
    let start = events.pop().unwrap();
    story.give(events).approve("09T09:00", "A1", "rita", "1.4.2").give(vec![start]);
    let answer = asked(&ask(&mut story), D);
    assert_eq!(head(&answer, "verdict profile hotfix_id"), "open hotfix HF");
    assert_eq!(crate::ask::warnings(&answer), ["deferred"]);
}

#[test]
fn a_question_may_name_the_hotfix() {
    let mut story = green();
    story.push("08T09:00", json!({"kind": "hotfix.opened", "component": "api", "hotfix_id": "HF"}));
    let ask = ask(&mut story).at(AT);
    let answer = may_with(&ask, "1.4.2", "production", Some("HF"), None);
    assert_eq!(head(&answer, "profile failed"), "hotfix [approval]");
    let answer = may_with(&ask, "1.4.2", "production", Some("HF-2"), None);
    assert_eq!(head(&answer, "profile hotfix_id"), "standard -");
    assert!(crate::ask::warnings(&answer).contains(&"unknown_hotfix"));
}
