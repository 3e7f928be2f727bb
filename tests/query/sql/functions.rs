//! What SQL gains: version rules, JSON access and the table functions.

use relbook_query::sql::{Session, SqlError};
use relbook_testkit::story::Story;
use serde_json::json;

use super::{fails, line, lines, run, session};

fn plain() -> (Story, Session) {
    let mut story = Story::of_api(&["us"]);
    let session = session(&story.book());
    (story, session)
}

#[test]
fn version_keys_sort_by_precedence() {
    let (_story, session) = plain();
    assert_eq!(
        lines(
            &session,
            "SELECT v FROM (VALUES ('1.0.0'), ('1.0.0-rc.11'), ('1.0.0-rc.2'), ('1.10.0'), \
             ('1.9.0'), ('1.0.0-alpha')) t(v) ORDER BY version_key('semver', v)"
        ),
        ["1.0.0-alpha", "1.0.0-rc.2", "1.0.0-rc.11", "1.0.0", "1.9.0", "1.10.0"]
    );
    assert_eq!(
        lines(
            &session,
            "SELECT v FROM (VALUES ('2026.10.1'), ('2026.06.12'), ('2026.06.2')) t(v) \
             ORDER BY version_key('calver:YYYY.0M.MICRO', v) DESC"
        ),
        ["2026.10.1", "2026.06.12", "2026.06.2"]
    );
    let build = "version_key('semver', '1.0.0+a') = version_key('semver', '1.0.0+b')";
    assert_eq!(line(&session, &format!("SELECT {build}")), "true");
    let ty = run(&session, "SELECT version_key('semver', '1.0.0')").schema;
    assert_eq!(ty.field(0).data_type().to_string(), "Binary");
}

#[test]
fn bumps_are_those_of_the_scheme() {
    let (_story, session) = plain();
    for (scheme, a, b, class) in [
        ("semver", "1.4.1", "1.4.2", "patch"),
        ("semver", "1.4.2", "1.5.0", "minor"),
        ("semver", "1.5.0", "2.0.0", "major"),
        ("semver", "0.1.0", "0.1.1", "minor"),
        ("semver", "1.5.0", "1.4.2", "minor"),
        ("semver", "1.5.0", "1.5.0", "none"),
        ("calver:YYYY.0M.MICRO", "2026.06.3", "2026.07.0", "period"),
    ] {
        let sql = format!("SELECT version_bump('{scheme}', '{a}', '{b}')");
        assert_eq!(line(&session, &sql), class, "{scheme} {a} {b}");
    }
}

#[test]
fn ranges_match_versions() {
    let (_story, session) = plain();
    for (range, version, holds) in [
        ("1.4.x", "1.4.9", true),
        ("1.4.x", "1.5.0", false),
        (">=1.4.0, <2.0.0", "1.9.9", true),
        (">=1.4.0, <2.0.0", "2.0.0", false),
        (">=1.4.0, <2.0.0", "2.0.0-rc.1", false),
    ] {
        let sql = format!("SELECT version_matches('{range}', '{version}')");
        assert_eq!(line(&session, &sql), holds.to_string(), "{range} {version}");
    }
}

#[test]
fn what_no_version_rule_can_use() {
    let (_story, session) = plain();
    // Out of a column: not known. Written as a constant: a mistake.
    assert_eq!(
        lines(
            &session,
            "SELECT version_bump('semver', '1.0.0', v), version_matches('1.x', v), \
             version_key('semver', v) IS NULL FROM (VALUES ('v1.0'), (NULL)) t(v)"
        ),
        ["- - true", "- - true"]
    );
    // One bad range or scheme hides no other row.
    assert_eq!(
        lines(
            &session,
            "SELECT version_matches(r, '1.2.0'), version_key(r, '1.2.0') IS NULL \
             FROM (VALUES ('1.x'), ('>>1'), ('semver')) t(r)"
        ),
        ["true true", "- true", "- false"]
    );
    for (sql, named) in [
        ("SELECT version_key('semver', '1.0')", "version_key: version"),
        ("SELECT version_key('romver', '1.0.0')", "version_key: scheme"),
        ("SELECT version_matches('>>1', '1.0.0')", "version_matches: range"),
        ("SELECT version_bump('semver', '1.0.0', 'x')", "version_bump: b"),
    ] {
        let error = fails(&session, sql);
        assert!(matches!(error, SqlError::Argument { .. }), "{sql}: {error:?}");
        assert!(error.to_string().starts_with(named), "{sql}: {error}");
    }
}

#[test]
fn version_rules_reach_columns() {
    let mut story = Story::of_api(&["us"]);
    for (at, version) in [("02T09:00", "1.10.0"), ("02T10:00", "1.9.0"), ("02T11:00", "1.9.1")] {
        story.build(at, version);
    }
    let session = session(&story.book());
    assert_eq!(
        lines(
            &session,
            "SELECT b.version, version_matches('1.9.x', b.version), \
             version_bump(c.scheme, '1.9.0', b.version) FROM builds b \
             JOIN components c ON c.component = b.component \
             ORDER BY version_key(c.scheme, b.version)"
        ),
        ["1.9.0 true none", "1.9.1 true patch", "1.10.0 false minor"]
    );
}

#[test]
fn json_is_reached_by_functions_and_operators() {
    let mut story = Story::of_api(&["us"]);
    story.build("02T09:00", "1.4.1").but(json!({
        "labels": {"team": "blue", "a b": "quoted"},
        "members": [{"platform": "linux/amd64", "digest": relbook_testkit::story::digest("m")}],
    }));
    story.commit("02T10:00", "c1", &["c0"], "p_ann", "say \"hi\" \\ \u{e9}").but(json!({"pr": 7}));
    let session = session(&story.book());
    for (expression, shown) in [
        ("json_text(payload, '$.version')", "1.4.1"),
        ("json_text(payload, 'labels.team')", "blue"),
        ("json_text(payload, '$.labels.\"a b\"')", "quoted"),
        ("json_text(payload, '$.members[0].platform')", "linux/amd64"),
        ("json_text(payload, '$.labels')", "-"),
        ("json_get(payload, '$.labels.team')", "\"blue\""),
        ("json_as_text(payload, '$.members[0].platform')", "linux/amd64"),
        ("json_exists(payload, '$.members[1]')", "false"),
        ("json_exists(payload, '$.members[0]')", "true"),
        ("json_get_str(payload, 'version')", "1.4.1"),
        ("payload -> 'version'", "\"1.4.1\""),
        ("payload ->> 'version'", "1.4.1"),
        ("payload -> 'labels' ->> 'team'", "blue"),
        ("payload ->> 'nothing'", "-"),
        ("payload -> 'members' -> '[0]' ->> 'platform'", "linux/amd64"),
        ("labels ->> 'team'", "blue"),
    ] {
        let table = if expression.starts_with("labels") { "builds" } else { "events" };
        let and = if table == "events" { "WHERE kind = 'build.completed'" } else { "" };
        let sql = format!("SELECT {expression} FROM {table} {and}");
        assert_eq!(line(&session, &sql), shown, "{expression}");
    }
    let commit = "FROM events WHERE kind = 'commit.merged'";
    for (expression, shown) in [
        ("json_int(payload, '$.pr')", "7"),
        ("json_float(payload, '$.pr')", "7.0"),
        ("json_bool(payload, '$.pr')", "-"),
        ("json_text(payload, '$.pr')", "-"),
        ("payload ->> 'pr'", "7"),
        ("payload ->> 'subject'", "say \"hi\" \\ \u{e9}"),
        ("payload ->> 'parents[0]'", "c0"),
        ("json_get(payload, 'parents')", "[\"c0\"]"),
    ] {
        assert_eq!(line(&session, &format!("SELECT {expression} {commit}")), shown, "{expression}");
    }
    let error = fails(&session, "SELECT payload -> '$..x' FROM events");
    assert!(error.to_string().contains("is no path"), "{error}");
    assert_eq!(line(&session, "SELECT json_text('no json', '$.a'), json_int(NULL, 'a')"), "- -");
}

#[test]
fn operators_bind_as_they_are_read() {
    let mut story = Story::of_api(&["us"]);
    story.build("02T09:00", "1.4.1").build("02T10:00", "1.4.2");
    let session = session(&story.book());
    let sql = "SELECT payload->>'version' FROM events WHERE payload->>'version' = '1.4.2' \
               AND payload->>'kind' LIKE 'build%'";
    assert_eq!(lines(&session, sql), ["1.4.2"]);
}

/// 1.4.1, then 1.5.0 on both targets.
fn lived() -> Story {
    let mut story = Story::of_api(&["us", "eu"]);
    story.commit("01T01:00", "c1.4.1", &[], "p_ann", "feat: one");
    story.commit("01T02:00", "c1.5.0", &["c1.4.1"], "p_bob", "feat: two");
    story.build("01T03:00", "1.4.1").build("01T04:00", "1.5.0");
    story.live("02T09:00", "P1", "1.4.1").live("03T09:00", "P2", "1.5.0");
    story
}

#[test]
fn state_at_is_what_was_live_then() {
    let session = session(&lived().book());
    let sql = |time: &str| {
        format!(
            "SELECT component, target, version, since FROM state_at({time}) ORDER BY target DESC"
        )
    };
    let then = ["api us 1.4.1 02T09:00", "api eu 1.4.1 02T09:00"];
    assert_eq!(lines(&session, &sql("'2026-06-02T12:00:00Z'")), then);
    assert_eq!(lines(&session, &sql("TIMESTAMP '2026-06-02 12:00:00'")), then);
    assert_eq!(lines(&session, &sql("to_timestamp('2026-06-02T12:00:00Z')")), then);
    assert_eq!(lines(&session, &sql("'2026-06-03'")), then);
    assert!(lines(&session, &sql("'2026-06-01'")).is_empty());
    assert_eq!(lines(&session, &sql("now()")), lines(&session, &sql("'2026-06-03T09:00:00Z'")));
    let names = run(&session, "SELECT * FROM state_at('2026-06-03')").column_names();
    assert_eq!(names, run(&session, "SELECT * FROM live_shares").column_names());
}

#[test]
fn diff_and_history_take_a_component_or_its_alias() {
    let mut story = lived();
    let fields = json!({"scheme": "semver", "release_model": "deployed", "tag_prefix": "v",
        "alias": "a"});
    story.component("api", fields);
    let session = session(&story.book());
    for name in ["api", "a"] {
        let sql = format!("SELECT commit, subject FROM diff('{name}', '1.4.1', '1.5.0')");
        assert_eq!(lines(&session, &sql), ["c1.5.0 feat: two"]);
        let sql = format!(
            "SELECT at, target, from_version, to_version, deploy_id FROM history('{name}')"
        );
        assert_eq!(
            lines(&session, &sql),
            [
                "02T09:00 us - 1.4.1 P1",
                "02T09:00 eu - 1.4.1 P1",
                "03T09:00 us 1.4.1 1.5.0 P2",
                "03T09:00 eu 1.4.1 1.5.0 P2",
            ]
        );
    }
}

#[test]
fn what_the_book_does_not_hold_is_no_damage_of_the_book() {
    let session = session(&lived().book());
    for sql in ["SELECT * FROM diff('api', '1.4.1', '9.9.9')", "SELECT * FROM history('nothing')"] {
        let error = fails(&session, sql);
        assert!(matches!(error, SqlError::Unknown { .. }), "{sql}: {error:?}");
    }
}

#[test]
fn table_functions_say_what_is_wrong_with_their_arguments() {
    let session = session(&lived().book());
    for (sql, told) in [
        ("SELECT * FROM state_at()", "time"),
        ("SELECT * FROM state_at('yesterday')", "time"),
        ("SELECT * FROM state_at(NULL)", "time"),
        ("SELECT * FROM state_at(7)", "time"),
        ("SELECT * FROM diff('api', '1.4.1')", "to_version"),
        ("SELECT * FROM diff('api', '1.4.1', '9.9.9')", "9.9.9"),
        ("SELECT * FROM diff('nothing', '1.4.1', '1.5.0')", "nothing"),
        ("SELECT * FROM history('nothing')", "nothing"),
        ("SELECT * FROM history('api', 'x')", "takes 1"),
        ("SELECT h.* FROM builds b, history(b.component) h", "constant"),
    ] {
        let error = fails(&session, sql).to_string();
        assert!(error.contains(told), "{sql}: {error}");
    }
}
