//! Which artifact a version meant and when (semantics A.3, C.2 N4): rebuilds, tags that moved,
//! tags that point elsewhere, and the validity of each binding.

use relbook_query::question::{Answer, AnswerError, Question};
use relbook_testkit::story::{Story, digest};
use serde_json::json;

use crate::ask::{Ask, ask, evidence, lines, warnings};

fn asked(ask: &Ask, component: &str, version: &str) -> Result<Answer, AnswerError> {
    let (component, version) = (component.to_owned(), version.to_owned());
    ask.answer(&Question::Bindings { component, version })
}

fn rows(ask: &Ask, columns: &str) -> Vec<String> {
    lines(&asked(ask, "api", "1.4.2").unwrap().table, columns)
}

const VALID: &str = "digest valid_from valid_until";
const TAG: &str = "digest tag_target tag_moved_at conflict conflicts";

#[test]
fn one_build_one_binding() {
    let mut story = Story::of_api(&["us", "eu"]);
    let build = story.build("01T09:00", "1.4.2").seq();
    let tag = story.tag("01T10:00", "v1.4.2", "c1.4.2").seq();
    let finish = story.live_with("02T09:00", "P1", "1.4.2", json!({"targets": ["eu"]})).seq();
    let all = "component version digest commit built_at tag_target tag_moved_at first_live_at \
        conflict conflicts valid_from valid_until";
    let row = "api 1.4.2 @1.4.2 c1.4.2 01T09:00 c1.4.2 - 02T09:00 false [] 01T09:00 -";
    let ask = ask(&mut story);
    assert_eq!(rows(&ask, all), [row]);
    let answer = asked(&ask, "api", "1.4.2").unwrap();
    assert_eq!(evidence(&answer.table), [vec![build, tag, finish - 1, finish]]);
    assert!(warnings(&answer).is_empty());
}

#[test]
fn a_rebuild_ends_the_binding_before_it() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T09:00", "1.4.2").build_of("03T09:00", "1.4.2", "again", "c1.4.2");
    story.build_of("02T09:00", "1.4.2", "broken", "cx").but(json!({"outcome": "failed"}));
    let ask_now = ask(&mut story);
    assert_eq!(rows(&ask_now, VALID), ["@1.4.2 01T09:00 03T09:00", "@again 03T09:00 -"]);
    let conflict = ["@1.4.2 - - true [rebuilt]", "@again - - true [rebuilt]"];
    assert_eq!(rows(&ask_now, TAG), conflict);
    // On the instant, and a second before it.
    assert_eq!(rows(&ask(&mut story).at("03T09:00"), "digest conflict").len(), 2);
    assert_eq!(rows(&ask(&mut story).at("03T08:59:59"), "digest conflict"), ["@1.4.2 false"]);
}

#[test]
fn the_first_artifact_built_again_means_the_version_again() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T09:00", "1.4.2").build("01T09:30", "1.4.2");
    story.build_of("02T09:00", "1.4.2", "other", "c1.4.2").build("03T09:00", "1.4.2");
    let expected = ["@1.4.2 01T09:00 02T09:00", "@other 02T09:00 03T09:00", "@1.4.2 03T09:00 -"];
    assert_eq!(rows(&ask(&mut story), VALID), expected);
    assert_eq!(rows(&ask(&mut story), "built_at"), ["01T09:00", "02T09:00", "03T09:00"]);
}

#[test]
fn a_deploy_binds_what_nothing_else_did_and_uses_what_is_known() {
    let mut story = Story::of_api(&["us"]);
    story.live_with("01T09:00", "P1", "early", json!({"version": "1.4.2"}));
    story.build("02T09:00", "1.4.2");
    // Rolled back to the artifact of the first day: it is used, not bound again.
    story.live_with("03T09:00", "P2", "early", json!({"version": "1.4.2"}));
    story.live_with("03T10:00", "P3", "else", json!({"version": "1.4.3"}));
    let columns = "digest commit built_at first_live_at valid_from valid_until";
    let expected = ["@early - - 01T09:00 01T08:59 02T09:00", "@1.4.2 c1.4.2 02T09:00 - 02T09:00 -"];
    assert_eq!(rows(&ask(&mut story), columns), expected);
}

#[test]
fn only_a_success_of_the_production_stage_is_first_live() {
    let mut story = Story::of_api(&["us", "eu"]);
    story.build("01T09:00", "1.4.2");
    let live = |story: &mut Story| rows(&ask(story), "first_live_at");
    story.start("02T09:00", "S1", "staging", "1.4.2").finish(
        "02T09:05",
        "S1",
        "stg-1",
        "succeeded",
    );
    story.start("02T10:00", "C1", "canary", "1.4.2").progress("02T10:01", "C1", "us", 5);
    story.finish("02T10:30", "C1", "us", "succeeded");
    story.start("02T11:00", "F1", "production", "1.4.2").finish("02T11:05", "F1", "us", "failed");
    assert_eq!(live(&mut story), ["-"]);
    // Half of a deploy is enough; a later success that is recorded first is not the first.
    story.live("05T09:00", "P2", "1.4.2");
    assert_eq!(live(&mut story), ["05T09:00"]);
    story.start("04T09:00", "P1", "production", "1.4.2");
    story.finish("04T09:05", "P1", "us", "failed").finish("04T09:10", "P1", "eu", "succeeded");
    assert_eq!(live(&mut story), ["04T09:10"]);
}

#[test]
fn tags_that_moved_or_point_elsewhere_are_conflicts() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T09:00", "1.4.2").tag("01T10:00", "v1.4.2", "cx");
    assert_eq!(rows(&ask(&mut story), TAG), ["@1.4.2 cx - true [tag_mismatch]"]);
    let known = story.seq();
    let moved = |story: &mut Story, at: &str, commit: &str| {
        story.tag(at, "v1.4.2", commit).but(json!({"kind": "tag.moved"}));
    };
    moved(&mut story, "02T10:00", "c1.4.2");
    assert_eq!(rows(&ask(&mut story), TAG), ["@1.4.2 c1.4.2 02T10:00 true [tag_moved]"]);
    moved(&mut story, "03T10:00", "cy");
    let both = "@1.4.2 cy 03T10:00 true [tag_moved,tag_mismatch]";
    assert_eq!(rows(&ask(&mut story), TAG), [both]);
    let then = rows(&ask(&mut story).known(known), TAG);
    assert_eq!(then, ["@1.4.2 cx - true [tag_mismatch]"]);
    assert_eq!(rows(&ask(&mut story).at("02T12:00"), "tag_target"), ["c1.4.2"]);
    // A move from before that is recorded late does not make the tag point back.
    moved(&mut story, "01T12:00", "cz");
    assert_eq!(rows(&ask(&mut story), "tag_target tag_moved_at"), ["cy 03T10:00"]);
    // Made again elsewhere without a word of a move: it moved all the same.
    let mut story = Story::of_api(&["us"]);
    story.build("01T09:00", "1.4.2").tag("01T10:00", "v1.4.2", "c1.4.2");
    story.tag("02T10:00", "v1.4.2", "cx");
    let row = "@1.4.2 cx 02T10:00 true [tag_moved,tag_mismatch]";
    assert_eq!(rows(&ask(&mut story), TAG), [row]);
}

#[test]
fn a_tag_says_itself_which_version_it_is() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T09:00", "1.4.2");
    story.tag("01T10:00", "june", "c1.4.2").but(json!({"version": "1.4.2"}));
    assert_eq!(rows(&ask(&mut story), TAG), ["@1.4.2 c1.4.2 - false []"]);
    // Named like this version, but said to be another.
    story.tag("02T10:00", "v1.4.2", "cx").but(json!({"version": "1.4.3"}));
    assert_eq!(rows(&ask(&mut story), TAG), ["@1.4.2 c1.4.2 - false []"]);
}

#[test]
fn a_published_version_means_what_was_published() {
    let mut story = Story::empty();
    let fields = json!({"scheme": "semver", "release_model": "published", "tag_prefix": "v"});
    story.component("api", fields);
    story.publish("02T09:00", "1.4.2").but(json!({"commit": "c9"}));
    story.publish("03T09:00", "1.4.2").but(json!({"channel": "beta", "commit": "c9"}));
    let columns = "digest commit built_at first_live_at conflict";
    assert_eq!(rows(&ask(&mut story), columns), ["@1.4.2 c9 - 02T09:00 false"]);
    story.publish("04T09:00", "1.4.2").but(json!({"digest": digest("other")}));
    let both = ["@1.4.2 c9 - 02T09:00 true", "@other - - 04T09:00 true"];
    assert_eq!(rows(&ask(&mut story), columns), both);
}

#[test]
fn a_version_that_only_a_tag_names_has_a_row_without_an_artifact() {
    let mut story = Story::of_api(&["us"]);
    let seq = story.tag("01T10:00", "v1.4.2", "cx").seq();
    let answer = asked(&ask(&mut story), "api", "1.4.2").unwrap();
    let columns = "digest commit tag_target conflict valid_from valid_until";
    assert_eq!(lines(&answer.table, columns), ["- - cx false - -"]);
    assert_eq!(
        (evidence(&answer.table), warnings(&answer)),
        (vec![vec![seq]], vec!["missing_provenance"])
    );
}

#[test]
fn what_nothing_names_is_refused() {
    let mut story = Story::of_api(&["us"]);
    story.build("01T09:00", "1.4.2");
    let ask = ask(&mut story);
    for version in ["1.4.3", "v1.4.2", "1.4", "", "latest", " 1.4.2"] {
        let refused = asked(&ask, "api", version).unwrap_err();
        assert!(matches!(refused, AnswerError::UnknownVersion { .. }), "{version}");
    }
    assert!(matches!(asked(&ask, "x", "1.4.2"), Err(AnswerError::UnknownComponent { .. })));
    let early = asked(&ask.at("01T08:00"), "api", "1.4.2");
    assert!(matches!(early, Err(AnswerError::UnknownVersion { .. })));
}

#[test]
fn a_version_of_another_month_than_its_build_is_told() {
    let mut story = Story::of_api(&["us"]);
    let scheme = json!({"scheme": "calver:YYYY.0M.MICRO", "release_model": "deployed"});
    story.component("web", scheme).build("01T01:00", "2026.06.1").build("01T02:00", "2026.05.9");
    let warned = |ask: &Ask, question: &Question| {
        let warnings = ask.answer(question).unwrap().warnings;
        let mut dated = warnings.into_iter().filter(|w| w.code == "calver_date_mismatch");
        dated.next().map(|warning| warning.detail)
    };
    let bindings = |version: &str| Question::Bindings {
        component: "web".to_owned(),
        version: version.to_owned(),
    };
    let status = Question::Status { environment: "production".to_owned() };
    story.live("02T09:00", "W1", "2026.06.1");
    let asked = ask(&mut story);
    assert_eq!(warned(&asked, &bindings("2026.06.1")), None);
    assert_eq!(warned(&asked, &status), None);
    let told = "web 2026.05.9 was built in 2026-06 (UTC)";
    assert_eq!(warned(&asked, &bindings("2026.05.9")).as_deref(), Some(told));
    story.live("03T09:00", "W2", "2026.05.9");
    assert_eq!(warned(&ask(&mut story), &status).as_deref(), Some(told));
}
