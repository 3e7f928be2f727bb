//! Which policy judges: that in force at the deploy, by log order, unless today's is asked for.

use serde_json::json;

use super::*;

fn judged(story: &mut Story, at: Option<&str>, today: bool) -> String {
    let mut asking = ask(story);
    if let Some(at) = at {
        asking = asking.at(at);
    }
    let of = GateOf::Deploy(D.to_owned());
    let question = Question::Gate(GateAsk { of, policy_of_today: today });
    let answer = asking.answer(&question).unwrap();
    head(&answer, "verdict failed policy_seq policy")
}

#[test]
fn a_later_policy_does_not_make_an_old_deploy_wrong() {
    let mut story = green();
    deploy(&mut story);
    story.policy("11T09:00", json!({"smoke_max_s": 200}));
    let seq = story.seq();
    assert_eq!(judged(&mut story, None, false), "open [] 7 then");
    assert_eq!(judged(&mut story, None, true), format!("closed [smoke] {seq} now"));
    // Today's is today's, wherever one looks from.
    assert_eq!(judged(&mut story, Some("10T10:00"), true), format!("closed [smoke] {seq} now"));
}

#[test]
fn an_intended_deploy_is_judged_by_the_policy_of_the_view() {
    let mut story = green();
    let before = story.seq();
    story.policy("09T09:00", json!({"smoke_max_s": 200}));
    let verdict = |ask: Ask| head(&may(&ask, "1.4.2", "production"), "verdict");
    assert_eq!(verdict(ask(&mut story).at("09T08:00")), "open");
    assert_eq!(verdict(ask(&mut story).at("09T10:00")), "closed");
    assert_eq!(verdict(ask(&mut story).at("09T10:00").known(before)), "open");
}

#[test]
fn a_stage_without_gates_is_open_and_says_so() {
    let mut story = green();
    story.policy("09T09:00", json!({"gates": {"production": []}}));
    deploy(&mut story);
    let answer = asked(&ask(&mut story), D);
    assert_eq!(head(&answer, "verdict"), "open");
    assert!(answer.table.rows.is_empty());
    assert_eq!(crate::ask::warnings(&answer), ["no_gates"]);
}

#[test]
fn a_policy_may_ask_for_another_limit_or_scanner() {
    let mut story = green();
    story.policy(
        "09T09:00",
        json!({"smoke_max_s": 299.5, "canary_min_bake_s": 1801, "scanners": ["snyk"],
            "max_p99_delta_ms": 49, "max_error_rate_delta": 0.09}),
    );
    deploy(&mut story);
    assert_eq!(failed(&mut story), "[smoke,scan:snyk,canary_bake,slo]");
    assert_eq!(gate(&mut story, "smoke"), "true fail 299.5 299.5");
}

#[test]
fn the_view_decides_what_is_known_of_a_deploy() {
    let mut story = green();
    deploy(&mut story);
    let early = asked(&ask(&mut story).at(AT), D);
    assert_eq!(head(&early, "verdict"), "open");
    let question =
        Question::Gate(GateAsk { of: GateOf::Deploy(D.to_owned()), policy_of_today: false });
    let unknown = ask(&mut story).at("09T09:00").answer(&question).unwrap_err();
    assert!(unknown.to_string().contains(D), "{unknown}");
}
