//! Release trains (semantics A.12): every rule kept on its limit and broken just beyond it, and
//! nothing proved by what the log does not show.

use relbook_query::question::{Answer, AnswerError, Question};
use relbook_testkit::story::{Story, digest};
use serde_json::{Value, json};

use crate::ask::{Ask, ask, evidence, lines, warnings};

const CUT: &str = "01T00:00";
/// 7 x 24 h after the cut, to the second.
const TAGGED: &str = "08T00:00";

fn asked(ask: &Ask, component: Option<&str>) -> Answer {
    ask.answer(&Question::Train { component: component.map(str::to_owned) }).unwrap()
}

fn codes(story: &mut Story) -> Vec<String> {
    lines(&asked(&ask(story), Some("sdk")).table, "code commit")
}

fn merge(story: &mut Story, at: &str, commit: &str, parents: &[&str], subject: &str) {
    story.commit(at, commit, parents, "al", subject);
}

fn on_branch(story: &mut Story, at: &str, commit: &str, parent: &str, subject: &str) {
    let fields = json!({"branch": "release/v2.1", "cherry_picked_from": "m1"});
    story.commit(at, commit, &[parent], "al", subject).but(fields);
}

fn branch(story: &mut Story, at: &str, branch: &str, base: &str) {
    story.push(
        at,
        json!({"kind": "branch.created", "component": "sdk", "branch": branch, "base_commit": base}),
    );
}

fn sdk() -> Story {
    let mut story = Story::empty();
    let fields = json!({"scheme": "semver", "release_model": "published", "alias": "s",
        "tag_prefix": "v", "go_module": "example.org/sdk/v2"});
    story.component("sdk", fields);
    merge(&mut story, CUT, "m0", &[], "feat: begin");
    story
}

/// A train that keeps every rule; the changes come before the events of that kind are pushed.
struct Plan {
    cut: &'static str,
    base: &'static str,
    fix: &'static str,
    fix_fields: Value,
    tag: &'static str,
    tag_name: &'static str,
    tag_commit: &'static str,
    build_commit: &'static str,
}

const FINE: Plan = Plan {
    cut: CUT,
    base: "m0",
    fix: "fix: a leak",
    fix_fields: Value::Null,
    tag: TAGGED,
    tag_name: "v2.1.0",
    tag_commit: "f1",
    build_commit: "f1",
};

fn told(plan: &Plan) -> Story {
    let mut story = sdk();
    branch(&mut story, plan.cut, "release/v2.1", plan.base);
    merge(&mut story, "02T08:00", "m1", &["m0"], "fix: a leak");
    on_branch(&mut story, "02T09:00", "f1", plan.base, plan.fix);
    if plan.fix_fields.is_object() {
        story.but(plan.fix_fields.clone());
    }
    story.tag(plan.tag, plan.tag_name, plan.tag_commit);
    story.build_of("08T01:00", "2.1.0", "2.1.0", plan.build_commit).publish("08T02:00", "2.1.0");
    story
}

#[test]
fn a_train_without_findings_has_one_row_without_a_code() {
    let mut story = told(&FINE);
    let answer = asked(&ask(&mut story), Some("s"));
    let row = "component branch tag version code commit detail";
    assert_eq!(lines(&answer.table, row), ["sdk release/v2.1 v2.1.0 2.1.0 - - -"]);
    // It rests on everything that was looked at: from the registration to the publish, without
    // the merge to main that the fix was picked from.
    assert_eq!(evidence(&answer.table), [vec![2, 3, 4, 6, 7, 8, 9]]);
    assert!(warnings(&answer).is_empty());
}

#[test]
fn every_rule_on_its_limit_and_beyond_it() {
    let cases: Vec<(&str, Plan, Vec<&str>)> = vec![
        (
            "the last second of day 1",
            Plan { cut: "01T23:59:59", tag: "08T23:59:59", ..FINE },
            vec!["- -"],
        ),
        ("day 2", Plan { cut: "02T00:00", tag: "09T00:00", ..FINE }, vec!["T1 m0"]),
        ("the day before", Plan { cut: "2026-05-31T23:59:59Z", ..FINE }, vec!["T1 m0"]),
        ("a base nobody merged", Plan { base: "zz", ..FINE }, vec!["T2 zz"]),
        ("a feature", Plan { fix: "feat: more", ..FINE }, vec!["T3 f1"]),
        ("no convention", Plan { fix: "more", ..FINE }, vec!["T3 f1"]),
        ("a breaking fix", Plan { fix: "fix!: other", ..FINE }, vec!["T3 f1"]),
        (
            "the release itself",
            Plan {
                fix: "chore(release): 2.1.0",
                fix_fields: json!({"cherry_picked_from": null}),
                ..FINE
            },
            vec!["- -"],
        ),
        ("another chore", Plan { fix: "chore: tidy", ..FINE }, vec!["T3 f1"]),
        ("a type in capitals", Plan { fix: "FIX: a leak", ..FINE }, vec!["- -"]),
        (
            "a fix of the branch only",
            Plan { fix_fields: json!({"cherry_picked_from": null}), ..FINE },
            vec!["T4 f1"],
        ),
        (
            "picked from nowhere",
            Plan { fix_fields: json!({"cherry_picked_from": "zz"}), ..FINE },
            vec!["T4 f1"],
        ),
        ("a second early", Plan { tag: "07T23:59:59", ..FINE }, vec!["T5 f1"]),
        ("before the cut", Plan { cut: "01T12:00", tag: "01T11:00", ..FINE }, vec!["T5 f1"]),
        ("another patch", Plan { tag_name: "v2.1.1", ..FINE }, vec!["T6 f1"]),
        (
            "the base instead of the head",
            Plan { tag_commit: "m0", build_commit: "m0", ..FINE },
            vec!["T7 m0"],
        ),
        ("built from elsewhere", Plan { build_commit: "m1", ..FINE }, vec!["T8 f1"]),
    ];
    for (what, plan, expected) in cases {
        assert_eq!(codes(&mut told(&plan)), expected, "{what}");
    }
}

#[test]
fn findings_come_by_code_and_rest_on_the_cut_and_their_own_events() {
    let plan =
        Plan { cut: "02T00:00", fix: "feat: more", tag: "03T00:00", build_commit: "m1", ..FINE };
    let mut story = told(&plan);
    let answer = asked(&ask(&mut story), None);
    assert_eq!(
        lines(&answer.table, "code commit tag"),
        ["T1 m0 v2.1.0", "T3 f1 v2.1.0", "T5 f1 v2.1.0", "T8 f1 v2.1.0"]
    );
    let found = evidence(&answer.table);
    for (row, seq) in [(0, 4), (1, 6), (2, 7), (3, 8), (3, 9)] {
        assert!(found[row].contains(&4) && found[row].contains(&seq), "{row}: {found:?}");
    }
    let details = lines(&answer.table, "detail").join("\n");
    assert!(
        details.contains("2026-06-02T00:00:00Z") && details.contains("2026-06-09T00:00:00Z"),
        "{details}"
    );
}

#[test]
fn the_base_may_have_come_to_main_by_a_merge() {
    let base = |branch: &str, above: Option<&str>| {
        let mut story = sdk();
        merge(&mut story, CUT, "w1", &["m0"], "fix: aside");
        story.but(json!({"branch": branch}));
        if let Some(branch) = above {
            merge(&mut story, CUT, "w2", &["m0", "w1"], "Merge");
            story.but(json!({"branch": branch}));
        }
        self::branch(&mut story, CUT, "release/v2.1", "w1");
        codes(&mut story)
    };
    assert_eq!(base("main", None), ["- -"]);
    assert_eq!(base("master", None), ["- -"]);
    assert_eq!(base("topic", None), ["T2 w1"]);
    assert_eq!(base("topic", Some("main")), ["- -"]);
    assert_eq!(base("topic", Some("other")), ["T2 w1"]);
}

#[test]
fn a_branch_that_was_merged_back_has_its_fixes_on_main() {
    let mut story = told(&Plan { fix_fields: json!({"cherry_picked_from": null}), ..FINE });
    assert_eq!(codes(&mut story), ["T4 f1"]);
    merge(&mut story, "09T00:00", "m2", &["m1", "f1"], "Merge release/v2.1");
    assert_eq!(codes(&mut story), ["- -"]);
    assert_eq!(lines(&asked(&ask(&mut story).at("08T12:00"), None).table, "code"), ["T4"]);
}

#[test]
fn what_the_log_does_not_show_is_not_proved() {
    // f1 was never recorded: nobody can say that it is a fix.
    let mut story = sdk();
    branch(&mut story, CUT, "release/v2.1", "m0");
    merge(&mut story, "02T08:00", "m1", &["m0"], "fix: a leak");
    on_branch(&mut story, "03T09:00", "f2", "f1", "fix: a leak");
    story.tag(TAGGED, "v2.1.0", "f2");
    assert_eq!(codes(&mut story), ["T3 f1"]);
    on_branch(&mut story, "02T09:00", "f1", "m0", "fix: a leak");
    assert_eq!(codes(&mut story), ["- -"], "it came late");
    // A tag on a commit that nobody merged: neither its contents nor its place are known.
    let mut story = sdk();
    branch(&mut story, CUT, "release/v2.1", "m0");
    story.tag(TAGGED, "v2.1.0", "zz");
    assert_eq!(codes(&mut story), ["T3 zz", "T7 zz"]);
}

#[test]
fn an_untagged_train_says_so_and_is_judged_for_its_cut() {
    let mut story = sdk();
    branch(&mut story, CUT, "release/v2.1", "m0");
    let rows = lines(&asked(&ask(&mut story), None).table, "branch tag version code detail");
    assert_eq!(rows, ["release/v2.1 - - - not tagged yet"]);
    branch(&mut story, "02T00:00", "release/v2.2", "m0");
    // A pre-release and the tag of another line are no tag of the train.
    story.tag("09T00:00", "v2.1.0-rc.1", "m0").tag("09T00:00", "v3.1.0", "zz");
    story.tag("09T00:00", "sdk-2.1.0", "m0");
    let rows = lines(&asked(&ask(&mut story), None).table, "branch tag code");
    assert_eq!(rows, ["release/v2.1 - -", "release/v2.2 - T1"]);
}

#[test]
fn the_tag_is_named_as_the_branch_and_the_prefix_ask() {
    let named = |tag: &str, version: Option<&str>| {
        let mut story = sdk();
        branch(&mut story, CUT, "release/v2.1", "m0");
        story.tag(TAGGED, tag, "m0");
        if let Some(version) = version {
            story.but(json!({"version": version}));
        }
        codes(&mut story)
    };
    assert_eq!(named("v2.1.0", None), ["- -"]);
    assert_eq!(named("v2.1.0", Some("2.1.0")), ["- -"]);
    assert_eq!(named("release-2.1", Some("2.1.0")), ["T6 m0"], "the version alone is no name");
    assert_eq!(named("v2.1.3", None), ["T6 m0"]);
    // A monorepo has the component in the prefix.
    let mut story = Story::empty();
    let fields = json!({"scheme": "semver", "release_model": "published", "tag_prefix": "sdk/v"});
    story.component("sdk", fields);
    merge(&mut story, CUT, "m0", &[], "feat: begin");
    branch(&mut story, CUT, "release/v2.1", "m0");
    story.tag(TAGGED, "v2.1.0", "m0");
    assert_eq!(lines(&asked(&ask(&mut story), None).table, "code detail"), ["- not tagged yet"]);
    story.tag(TAGGED, "sdk/v2.1.0", "m0");
    assert_eq!(lines(&asked(&ask(&mut story), None).table, "code tag"), ["- sdk/v2.1.0"]);
}

#[test]
fn the_head_of_the_branch_is_by_ancestry() {
    // Pushed together: one time for both, the child recorded first.
    let mut story = sdk();
    merge(&mut story, CUT, "m1", &["m0"], "fix: a leak");
    branch(&mut story, CUT, "release/v2.1", "m0");
    on_branch(&mut story, "02T09:00", "f2", "f1", "fix: a leak");
    on_branch(&mut story, "02T09:00", "f1", "m0", "fix: a leak");
    story.tag(TAGGED, "v2.1.0", "f2");
    assert_eq!(codes(&mut story), ["- -"]);
    // The branch goes on after its tag, in the same second too.
    on_branch(&mut story, TAGGED, "f3", "f2", "fix: a leak");
    on_branch(&mut story, "09T00:00", "f4", "f3", "feat: more");
    assert_eq!(codes(&mut story), ["- -"]);
    // Late: it was on the branch before the tag was made.
    on_branch(&mut story, "07T00:00", "f5", "f2", "fix: a leak");
    assert_eq!(codes(&mut story), ["T7 f2"]);
}

#[test]
fn a_tag_that_moved_is_judged_where_it_points_now_and_by_when_it_was_made() {
    let mut story = told(&Plan { tag: "05T00:00", tag_commit: "m0", ..FINE });
    assert_eq!(codes(&mut story), ["T5 m0", "T7 m0", "T8 m0"]);
    let known = story.seq();
    story
        .tag("09T00:00", "v2.1.0", "f1")
        .but(json!({"kind": "tag.moved", "previous_commit": "m0"}));
    assert_eq!(codes(&mut story), ["T5 f1"]);
    let then = lines(&asked(&ask(&mut story).known(known), None).table, "code commit");
    assert_eq!(then, ["T5 m0", "T7 m0", "T8 m0"]);
    assert_eq!(lines(&asked(&ask(&mut story).at("04T00:00"), None).table, "code tag"), ["- -"]);
}

#[test]
fn every_published_artifact_is_built_from_the_tag() {
    let mut story = told(&FINE);
    // The same version again, for another platform, from another commit; then without a build.
    story.build_of("08T03:00", "2.1.0", "arm", "m1");
    story.publish("08T04:00", "2.1.0").but(json!({"digest": digest("arm")}));
    story.publish("08T05:00", "2.1.0").but(json!({"digest": digest("mac")}));
    story.publish("08T06:00", "2.1.0").but(json!({"digest": digest("win"), "commit": "f1"}));
    story.publish("08T07:00", "2.1.1").but(json!({"digest": digest("next")}));
    let answer = asked(&ask(&mut story), None);
    assert_eq!(lines(&answer.table, "code commit"), ["T8 f1", "T8 f1"]);
    let details = format!("{:?}", answer.table.rows);
    assert!(details.contains("was built from m1") && details.contains("no build of"), "{details}");
}

#[test]
fn the_go_path_has_the_major_version() {
    let with = |module: Value, branch: &str, tag: &str| {
        let mut story = Story::empty();
        let fields = json!({"scheme": "semver", "release_model": "published", "tag_prefix": "v"});
        story.component("sdk", fields).but(json!({"go_module": module}));
        merge(&mut story, CUT, "m0", &[], "feat: begin");
        self::branch(&mut story, CUT, branch, "m0");
        story.tag(TAGGED, tag, "m0");
        codes(&mut story)
    };
    assert_eq!(with(json!("example.org/sdk"), "release/v2.1", "v2.1.0"), ["T9 m0"]);
    assert_eq!(with(json!("example.org/sdk/v3"), "release/v2.1", "v2.1.0"), ["T9 m0"]);
    assert_eq!(with(json!("example.org/sdk/v2"), "release/v2.1", "v2.1.0"), ["- -"]);
    assert_eq!(with(json!("example.org/sdk"), "release/v1.9", "v1.9.0"), ["- -"]);
    assert_eq!(with(json!("example.org/sdk/v2"), "release/v1.9", "v1.9.0"), ["T9 m0"]);
    assert_eq!(with(Value::Null, "release/v2.1", "v2.1.0"), ["- -"], "no Go module");
}

#[test]
fn only_branches_of_the_form_are_trains_and_the_first_cut_counts() {
    let mut story = sdk();
    for name in [
        "release/v2",
        "release/v2.1.0",
        "release/2.1",
        "release/vx.y",
        "hotfix/v2.1.1",
        "release/v.1",
    ] {
        branch(&mut story, CUT, name, "m0");
    }
    let answer = asked(&ask(&mut story), Some("sdk"));
    assert_eq!(
        lines(&answer.table, "component branch code detail"),
        ["sdk - - sdk has no branch release/vX.Y"]
    );
    assert_eq!((warnings(&answer), evidence(&answer.table)), (vec!["no_train"], vec![vec![2]]));
    assert!(asked(&ask(&mut story), None).table.rows.is_empty());
    // Recorded late, but earlier: trains stand in the order of their cuts.
    branch(&mut story, "02T00:00", "release/v2.2", "m0");
    branch(&mut story, "01T06:00", "release/v2.1", "m0");
    branch(&mut story, "03T00:00", "release/v2.1", "zz");
    assert_eq!(
        lines(&asked(&ask(&mut story), None).table, "branch code"),
        ["release/v2.1 -", "release/v2.2 T1"]
    );
}

#[test]
fn an_unknown_component_is_refused() {
    let mut story = sdk();
    let refused = ask(&mut story).answer(&Question::Train { component: Some("nope".to_owned()) });
    assert!(matches!(refused, Err(AnswerError::UnknownComponent { .. })));
    assert!(asked(&ask(&mut Story::empty()), None).table.rows.is_empty());
}
