//! Which approvals count for a deploy, and the verdict (semantics A.8): every reason, alone and
//! with others.

use relbook_query::question::WhichDeploy;
use relbook_testkit::story::{Story, digest};
use serde_json::{Value, json};

use crate::ask::{ask, head, lines};

const ROW: &str = "approval_id valid reasons";

/// 1.4.1 by al is live, 1.5.0 by bo is built: an approval is needed.
fn minor() -> Story {
    let mut story = Story::of_api(&["us"]);
    story.commit("01T01:00", "c1", &[], "al", "feat: one").but(json!({"reviewers": ["bo"]}));
    story.commit("01T02:00", "c2", &["c1"], "bo", "feat: two").but(json!({"reviewers": ["al"]}));
    story.build_of("01T03:00", "1.4.1", "1.4.1", "c1");
    story.build_of("01T04:00", "1.5.0", "1.5.0", "c2");
    story.live("02T09:00", "P1", "1.4.1");
    story
}

/// Starts P2, the deploy of 1.5.0, on the 10th at nine.
fn deploy(story: &mut Story) -> &mut Story {
    story.start("10T09:00", "P2", "production", "1.5.0")
}

fn rows(story: &mut Story, id: &str) -> Vec<String> {
    lines(&ask(story).approvals(id).table, ROW)
}

fn verdict(story: &mut Story, id: &str) -> String {
    head(&ask(story).approvals(id), "verdict")
}

/// Checks the one approval `A1` of P2 and the verdict that follows.
#[track_caller]
fn judged(story: &mut Story, row: &str, expected: &str) {
    assert_eq!(rows(story, "P2"), [row]);
    assert_eq!(verdict(story, "P2"), expected);
}

#[test]
fn a_valid_approval() {
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story).finish("10T09:05", "P2", "us", "succeeded");
    let answer = ask(&mut story).approvals("P2");
    let what = "deploy_id component version digest bump approval_required held verdict";
    assert_eq!(head(&answer, what), "P2 api 1.5.0 @1.5.0 minor true false approved");
    let when = "initiated_by started_at finished_at break_glass policy_seq";
    assert_eq!(head(&answer, when), "ci-bot 10T09:00 10T09:05 false 6");
    let row = "approval_id approver role stage digest granted_at recorded_at seq source";
    let expected = "A1 rita release_engineer production @1.5.0 09T09:00 09T09:00 13 reported";
    assert_eq!(lines(&answer.table, row), [expected]);
    assert_eq!(lines(&answer.table, ROW), ["A1 true []"]);
}

#[test]
fn no_approval_is_missing() {
    let mut story = minor();
    deploy(&mut story);
    assert_eq!(rows(&mut story, "P2"), [""; 0]);
    assert_eq!(verdict(&mut story, "P2"), "missing");
}

#[test]
fn each_reason_alone() {
    let cases: [(Value, &str); 5] = [
        (json!({"digest": digest("1.5.0-old")}), "digest_mismatch"),
        (json!({"stage": "canary"}), "stage_mismatch"),
        (json!({"role": "developer"}), "role"),
        (json!({"approver": "bo"}), "sod_author"),
        (json!({"approver": "ci-bot"}), "sod_initiator"),
    ];
    for (fields, reason) in cases {
        let mut story = minor();
        story.approve("09T09:00", "A1", "rita", "1.5.0").but(fields);
        deploy(&mut story);
        judged(&mut story, &format!("A1 false [{reason}]"), "missing");
    }
}

#[test]
fn every_reason_that_holds_is_given() {
    let mut story = minor();
    story.approve("02T09:00", "A1", "bo", "1.5.0").but(json!({"role": "developer",
        "digest": digest("1.5.0-old"), "stage": "staging"}));
    story.revoke("03T09:00", "A1");
    deploy(&mut story).but(json!({"initiated_by": "bo"}));
    let all = "digest_mismatch,stage_mismatch,role,sod_author,sod_initiator,revoked,expired";
    judged(&mut story, &format!("A1 false [{all}]"), "missing");
}

#[test]
fn a_role_is_the_one_that_the_signer_was_enrolled_with() {
    let mut story = minor();
    story.enroll("rita", &["approver", "release_engineer"]).enroll("dev", &["approver"]);
    let approval = |id: &str| {
        json!({"kind": "approval.granted", "approval_id": id, "component": "api",
            "version": "1.5.0", "digest": digest("1.5.0"), "stage": "production"})
    };
    story.signed("rita", "09T09:00", approval("A1"));
    // What a signed approval says of its role does not matter.
    story.signed("dev", "09T09:01", approval("A2")).but(json!({"role": "release_engineer"}));
    deploy(&mut story);
    let answer = ask(&mut story).approvals("P2");
    let row = "approval_id approver role source valid reasons";
    let expected =
        ["A1 rita release_engineer signed true []", "A2 dev approver signed false [role]"];
    assert_eq!(lines(&answer.table, row), expected);
    assert_eq!(head(&answer, "verdict"), "approved");
}

#[test]
fn a_reported_approval_counts_only_where_the_policy_says_so() {
    let mut story = minor();
    story.policy("03T09:00", json!({"approval_sources": ["signed"]}));
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story);
    judged(&mut story, "A1 false [source]", "missing");
}

#[test]
fn the_roles_that_count_are_a_policy_value() {
    let mut story = minor();
    story.policy("03T09:00", json!({"approver_roles": ["release_engineer", "cto"]}));
    story.approve("09T09:00", "A1", "rita", "1.5.0").but(json!({"role": "cto"}));
    deploy(&mut story);
    judged(&mut story, "A1 true []", "approved");
}

#[test]
fn an_approval_expires_at_the_exact_second() {
    let none = json!({});
    let until = |time: &str| json!({"expires_at": time});
    for (granted, fields, reasons, expected) in [
        ("03T09:00:00", none.clone(), "false [expired]", "missing"),
        ("03T09:00:01", none, "true []", "approved"),
        ("09T09:00", until("2026-06-10T09:00:00Z"), "false [expired]", "missing"),
        ("09T09:00", until("2026-06-10T09:00:01Z"), "true []", "approved"),
        // What the approval says comes before the default.
        ("02T09:30", until("2026-06-20T09:00:00Z"), "true []", "approved"),
    ] {
        let mut story = minor();
        story.approve(granted, "A1", "rita", "1.5.0").but(fields);
        deploy(&mut story);
        judged(&mut story, &format!("A1 {reasons}"), expected);
    }
}

#[test]
fn the_lifetime_is_a_policy_value() {
    let mut story = minor();
    story.policy("03T09:00", json!({"approval_ttl_hours": 1}));
    story.approve("10T08:00", "A1", "rita", "1.5.0");
    deploy(&mut story);
    judged(&mut story, "A1 false [expired]", "missing");
}

#[test]
fn evidence_must_come_before_the_start_on_both_clocks() {
    // Claimed after the start.
    let mut story = minor();
    deploy(&mut story).approve("10T09:00:01", "A1", "rita", "1.5.0");
    judged(&mut story, "A1 false [after_start]", "missing");
    // Back-dated: claimed before the start, recorded after it.
    let mut story = minor();
    deploy(&mut story).approve("09T09:00", "A1", "rita", "1.5.0");
    judged(&mut story, "A1 false [recorded_late]", "missing");
    // The same instant, on either side of the start in the log.
    let mut story = minor();
    deploy(&mut story).approve("10T09:00", "A1", "rita", "1.5.0");
    judged(&mut story, "A1 false [recorded_late]", "missing");
    let mut story = minor();
    story.approve("10T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story);
    judged(&mut story, "A1 true []", "approved");
    // Recorded before the start, dated after it.
    let mut story = minor();
    story.approve("10T09:00:30", "A1", "rita", "1.5.0");
    deploy(&mut story);
    judged(&mut story, "A1 false [after_start]", "missing");
}

#[test]
fn a_revocation_counts_before_the_start_on_both_clocks() {
    for (revoked_at, before, row) in [
        ("09T10:00", true, "A1 false [revoked]"),
        // After the deploy: what was approved stays approved.
        ("10T10:00", false, "A1 true []"),
        // Back-dated.
        ("09T10:00", false, "A1 true []"),
        // Recorded early, dated late.
        ("10T09:00:30", true, "A1 true []"),
    ] {
        let mut story = minor();
        story.approve("09T09:00", "A1", "rita", "1.5.0");
        if before {
            story.revoke(revoked_at, "A1");
        }
        deploy(&mut story);
        if !before {
            story.revoke(revoked_at, "A1");
        }
        assert_eq!(rows(&mut story, "P2"), [row], "{revoked_at} {before}");
    }
}

#[test]
fn a_back_dated_revocation_does_not_hide_an_honest_one() {
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0").revoke("09T11:00", "A1");
    deploy(&mut story).revoke("09T10:00", "A1");
    judged(&mut story, "A1 false [revoked]", "missing");
}

#[test]
fn a_later_rejection_by_the_same_approver_takes_the_approval_back() {
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0").reject("09T10:00", "R1", "rita", "1.5.0");
    deploy(&mut story);
    assert_eq!(rows(&mut story, "P2"), ["A1 false [rejected]", "R1 false [rejected]"]);
    assert_eq!(verdict(&mut story, "P2"), "missing");
}

#[test]
fn a_later_approval_by_the_same_approver_takes_the_rejection_back() {
    let mut story = minor();
    story.reject("09T09:00", "R1", "rita", "1.5.0").approve("09T10:00", "A1", "rita", "1.5.0");
    deploy(&mut story);
    assert_eq!(rows(&mut story, "P2"), ["R1 false [rejected]", "A1 true []"]);
    assert_eq!(verdict(&mut story, "P2"), "approved");
}

#[test]
fn a_rejection_by_another_eligible_approver_blocks() {
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0").reject("09T08:00", "R1", "ravi", "1.5.0");
    deploy(&mut story);
    assert_eq!(rows(&mut story, "P2"), ["R1 false [rejected]", "A1 false [rejected]"]);
    assert_eq!(verdict(&mut story, "P2"), "missing");
}

#[test]
fn a_rejection_that_does_not_concern_the_deploy_blocks_nothing() {
    for fields in [
        json!({"role": "developer"}),
        json!({"digest": digest("1.5.0-old")}),
        json!({"stage": "canary"}),
    ] {
        let mut story = minor();
        story.reject("09T08:00", "R1", "ravi", "1.5.0").but(fields.clone());
        story.approve("09T09:00", "A1", "rita", "1.5.0");
        deploy(&mut story);
        assert_eq!(verdict(&mut story, "P2"), "approved", "{fields}");
        assert_eq!(rows(&mut story, "P2")[1], "A1 true []", "{fields}");
    }
}

#[test]
fn a_reported_rejection_blocks_only_where_reports_count() {
    let mut story = minor();
    story.enroll("rita", &["approver", "release_engineer"]);
    story.policy("03T09:00", json!({"approval_sources": ["signed"]}));
    story.reject("09T08:00", "R1", "ravi", "1.5.0");
    let approval = json!({"kind": "approval.granted", "approval_id": "A1", "component": "api",
        "version": "1.5.0", "digest": digest("1.5.0"), "stage": "production"});
    story.signed("rita", "09T09:00", approval);
    deploy(&mut story);
    assert_eq!(rows(&mut story, "P2"), ["R1 false [source,rejected]", "A1 true []"]);
}

#[test]
fn a_rejection_after_the_start_blocks_nothing() {
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story).reject("10T10:00", "R1", "ravi", "1.5.0");
    let expected = ["A1 true []", "R1 false [rejected,after_start]"];
    assert_eq!(rows(&mut story, "P2"), expected);
    assert_eq!(verdict(&mut story, "P2"), "approved");
}

#[test]
fn a_rejection_that_was_taken_back_blocks_nothing() {
    let mut story = minor();
    story.reject("09T08:00", "R1", "ravi", "1.5.0").revoke("09T08:30", "R1");
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story);
    assert_eq!(verdict(&mut story, "P2"), "approved");
}

/// 1.5.0 was approved, went live with P2 and was rolled back by P3.
fn rolled_back() -> Story {
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story).finish("10T09:05", "P2", "us", "succeeded");
    let back = json!({"reason": "rollback", "rollback_of": "P2"});
    story.live_with("10T12:00", "P3", "1.4.1", back);
    story
}

#[test]
fn a_rollback_voids_the_approvals_before_it() {
    let mut story = rolled_back();
    story.start("11T09:00", "P4", "production", "1.5.0");
    assert_eq!(rows(&mut story, "P4"), ["A1 false [voided_by_rollback]"]);
    assert_eq!(verdict(&mut story, "P4"), "missing");
    // It stays valid for the deploy that it was given for.
    assert_eq!(rows(&mut story, "P2"), ["A1 true []"]);
}

#[test]
fn a_rollback_that_names_no_deploy_voids_them_too() {
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story).finish("10T09:05", "P2", "us", "succeeded");
    story.live_with("10T12:00", "P3", "1.4.1", json!({"reason": "rollback"}));
    story.start("11T09:00", "P4", "production", "1.5.0");
    assert_eq!(rows(&mut story, "P4"), ["A1 false [voided_by_rollback]"]);
}

#[test]
fn an_approval_after_the_rollback_counts() {
    let mut story = rolled_back();
    story.approve("11T08:00", "A2", "rita", "1.5.0");
    story.start("11T09:00", "P4", "production", "1.5.0");
    assert_eq!(rows(&mut story, "P4"), ["A1 false [voided_by_rollback]", "A2 true []"]);
    assert_eq!(verdict(&mut story, "P4"), "approved");
}

#[test]
fn an_approval_back_dated_to_before_the_rollback_is_void() {
    let mut story = rolled_back();
    story.approve("10T11:00", "A2", "rita", "1.5.0");
    story.start("11T09:00", "P4", "production", "1.5.0");
    let expected = ["A1 false [voided_by_rollback]", "A2 false [voided_by_rollback]"];
    assert_eq!(rows(&mut story, "P4"), expected);
}

#[test]
fn a_rollback_after_the_start_voids_nothing() {
    let mut story = rolled_back();
    story.start("10T11:00", "P4", "production", "1.5.0");
    assert_eq!(rows(&mut story, "P4"), ["A1 true []"]);
}

#[test]
fn a_quorum_counts_distinct_approvers() {
    let mut story = minor();
    story.policy("03T09:00", json!({"quorum": 2}));
    story.approve("09T09:00", "A1", "rita", "1.5.0").approve("09T10:00", "A2", "rita", "1.5.0");
    deploy(&mut story);
    assert_eq!(rows(&mut story, "P2"), ["A1 true []", "A2 true []"]);
    assert_eq!(verdict(&mut story, "P2"), "missing");
    assert_eq!(ask(&mut story).deploy("P2", "approvers"), "[rita]");

    let mut story = minor();
    story.policy("03T09:00", json!({"quorum": 2}));
    story.approve("09T09:00", "A1", "rita", "1.5.0").approve("09T10:00", "A2", "ravi", "1.5.0");
    deploy(&mut story);
    assert_eq!(verdict(&mut story, "P2"), "approved");
    assert_eq!(ask(&mut story).deploy("P2", "approvers"), "[ravi,rita]");
}

#[test]
fn the_policy_is_the_one_in_force_when_the_deploy_started() {
    // A stricter policy that comes later does not judge what went before.
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story).policy("11T09:00", json!({"quorum": 2}));
    judged(&mut story, "A1 true []", "approved");
    // In force is a matter of the log: a policy dated back changes nothing either.
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story).policy("03T09:00", json!({"quorum": 2}));
    judged(&mut story, "A1 true []", "approved");
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0").policy("09T10:00", json!({"quorum": 2}));
    let seq = story.seq();
    deploy(&mut story);
    judged(&mut story, "A1 true []", "missing");
    assert_eq!(head(&ask(&mut story).approvals("P2"), "policy_seq"), seq.to_string());
}

#[test]
fn break_glass_is_never_approved_by_itself() {
    let glass = json!({"break_glass": true, "incident_id": "INC-1"});
    let mut story = minor();
    deploy(&mut story).but(glass.clone());
    let answer = ask(&mut story).approvals("P2");
    assert_eq!(head(&answer, "verdict break_glass approval_required"), "break_glass true true");
    assert_eq!(
        ask(&mut story).deploy("P2", "approval_verdict change_class"),
        "break_glass emergency"
    );
    // An approval that was there counts first.
    let mut story = minor();
    story.approve("09T09:00", "A1", "rita", "1.5.0");
    deploy(&mut story).but(glass.clone());
    judged(&mut story, "A1 true []", "approved");
    // One that came afterwards does not.
    let mut story = minor();
    deploy(&mut story).but(glass.clone()).approve("10T10:00", "A1", "rita", "1.5.0");
    judged(&mut story, "A1 false [after_start]", "break_glass");
    // And the flag shows even where no approval was needed.
    let mut story = minor();
    story.live_with("03T09:00", "P2", "1.4.1", glass);
    assert_eq!(verdict(&mut story, "P2"), "break_glass");
}

#[test]
fn what_needs_no_approval_names_the_gates_in_its_place() {
    let mut story = minor();
    story.policy("03T00:00", json!({"gates": {"production": ["slo", "same_digest"]}}));
    story.live_with("03T09:00", "P2", "1.4.1", json!({"reason": "redeploy"}));
    let answer = ask(&mut story).approvals("P2");
    let row = head(&answer, "verdict approval_required bump gates");
    assert_eq!(row, "not_required false none [slo,same_digest]");
    assert_eq!(crate::ask::warnings(&answer), ["not_required"]);
}

#[test]
fn a_key_that_is_revoked_later_does_not_unsign() {
    let approval = json!({"kind": "approval.granted", "approval_id": "A1", "component": "api",
        "version": "1.5.0", "digest": digest("1.5.0"), "stage": "production"});
    let signed = || {
        let mut story = minor();
        story.enroll("rita", &["approver", "release_engineer"]);
        story.signed("rita", "09T09:00", approval.clone());
        let seq = story.seq();
        (story, seq)
    };
    let (mut story, _) = signed();
    story.end_key("key.revoked", "09T10:00", "rita");
    deploy(&mut story);
    judged(&mut story, "A1 true []", "approved");
    // What a key signed since it was in other hands is suspect, what it signed before is not.
    for (since, row, expected) in [
        (Some(0), "A1 false [bad_signature]", "missing"),
        (Some(1), "A1 true []", "approved"),
        (None, "A1 false [bad_signature]", "missing"),
    ] {
        let (mut story, seq) = signed();
        deploy(&mut story);
        let from = since.map(|since| seq + since);
        story.end_key("key.compromised", "11T09:00", "rita").but(json!({"from_seq": from}));
        judged(&mut story, row, expected);
    }
}

#[test]
fn approvals_are_listed_by_time_then_seq_and_of_that_version_only() {
    let mut story = minor();
    story.approve("09T10:00", "A2", "ravi", "1.5.0").approve("09T09:00", "A1", "rita", "1.5.0");
    story.approve("09T09:00", "A0", "rosa", "1.5.0").approve("09T09:00", "B1", "rita", "1.4.1");
    deploy(&mut story);
    assert_eq!(rows(&mut story, "P2"), ["A1 true []", "A0 true []", "A2 true []"]);
}

#[test]
fn the_history_has_a_row_for_each_approval_and_production_deploy() {
    let mut story = rolled_back();
    story.approve("11T08:00", "A9", "ravi", "9.0.0").revoke("11T08:30", "A1");
    story.start("11T09:00", "P4", "production", "1.5.0");
    let row = "approval_id decision approver version deploy_id valid reasons revoked_at source";
    let expected = [
        "A1 granted rita 1.5.0 P2 true [] 11T08:30 reported",
        "A1 granted rita 1.5.0 P4 false [revoked,voided_by_rollback] 11T08:30 reported",
        "A9 granted ravi 9.0.0 - - - - reported",
    ];
    assert_eq!(ask(&mut story).rows("approver_history", row), expected);
}

#[test]
fn the_last_deploy_is_the_last_finish_of_a_production_success() {
    let mut story = rolled_back();
    let last = |story: &mut Story, which| {
        head(&ask(story).approvals_of(which), "deploy_id version outcome")
    };
    // A rollback counts.
    assert_eq!(last(&mut story, WhichDeploy::LastSucceeded), "P3 1.4.1 succeeded");
    // A canary, a failure and a deploy under way do not.
    story.start("11T09:00", "C4", "canary", "1.5.0").finish("11T09:40", "C4", "us", "succeeded");
    story.start("11T10:00", "P4", "production", "1.5.0").finish("11T10:05", "P4", "us", "failed");
    story.start("11T11:00", "P5", "production", "1.5.0");
    assert_eq!(last(&mut story, WhichDeploy::LastSucceeded), "P3 1.4.1 succeeded");
    assert_eq!(last(&mut story, WhichDeploy::LastAny), "P4 1.5.0 failed");
    // A redeploy counts.
    story.live_with("11T12:00", "P6", "1.4.1", json!({"reason": "redeploy"}));
    assert_eq!(last(&mut story, WhichDeploy::LastSucceeded), "P6 1.4.1 succeeded");
    // One that started earlier and finished later is the last.
    story.finish("11T13:00", "P5", "us", "succeeded");
    assert_eq!(last(&mut story, WhichDeploy::LastSucceeded), "P5 1.5.0 succeeded");
}

#[test]
fn no_deploy_is_an_answer_too() {
    let mut story = Story::of_api(&["us"]);
    let answer = ask(&mut story).approvals_of(WhichDeploy::LastSucceeded);
    assert_eq!(head(&answer, "deploy_id verdict approval_required"), "- - -");
    assert_eq!(crate::ask::warnings(&answer), ["no_deploy"]);
}

#[test]
fn what_a_deploy_names_and_nobody_recorded_is_told() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T01:00", "1.4.1").live("02T09:00", "P1", "1.4.1");
    let names = json!({"rollback_of": "P1", "fixes": "P9", "hotfix_id": "H1"});
    story.live_with("03T09:00", "P2", "1.4.1", names);
    let told = |story: &mut Story, id: &str| {
        let warnings = ask(story).approvals(id).warnings;
        let unknown = warnings.into_iter().filter(|w| w.code == "unknown_reference");
        unknown.map(|warning| warning.detail).collect::<Vec<_>>()
    };
    assert!(told(&mut story, "P1").is_empty());
    let expected =
        ["fixes P9", "hotfix_id H1"].map(|what| format!("P2 names {what}, which was not recorded"));
    assert_eq!(told(&mut story, "P2"), expected);
}
