//! Compatibility (semantics A.13, Q5, N10): one row must hold a whole set, under every lens.
//!
//! Goal: the verdict of a set, of the live sets and of a what-if is that of the definition. Method:
//! a small Orion book with tables of answers; generated matrices against a naive evaluator; every
//! code of the check once present and once absent.

mod check;
mod generated;
mod orion;

use orion::{API_142, API_150, Orion, matrix_m1};
use relbook_query::release::CompatVerdict;
use serde_json::json;

/// Asks for exactly these versions; returns supported, row ids and the first failing key.
fn set(orion: &Orion, members: &str) -> (Option<bool>, Vec<String>, Option<String>) {
    let answer = orion.set(members);
    let json = answer.to_json();
    let header = &json["header"];
    assert_eq!(answer.holds, header["supported"] == json!(true), "{members}");
    let rows = header["row_ids"].as_array().expect("the shape of an answer").iter();
    (
        header["supported"].as_bool(),
        rows.map(|id| id.as_str().expect("the shape of an answer").to_owned()).collect(),
        header["first_failing_key"].as_str().map(str::to_owned),
    )
}

#[test]
fn a_set_is_supported_when_one_row_holds_all_of_it() {
    let orion = Orion::live();
    for (members, row, failing) in [
        ("cli=1.9.0", "r1", None),
        ("cli=1.8.3 api=1.4.2", "r2", None),
        ("cli=1.9.0 api=1.4.2", "r1", None),
        ("api=1.4.2", "r1 r2", None),
        ("api=1.5.0", "r1", None),
        ("orion-cli=1.8.3 orion-api=1.4.2", "r2", None),
        ("cli=1.8.3 api=1.5.0", "", Some("api")),
        ("api=1.5.0 cli=1.8.3", "", Some("cli")),
        ("cli=1.9.0 api=1.3.5", "", Some("api")),
        ("cli=9.9.9 api=1.4.2", "", Some("cli")),
        // Bounds.
        ("api=1.4.0", "r1 r2", None),
        ("api=1.3.9", "r2", None),
        ("api=1.2.9", "", Some("api")),
        ("api=1.4.99", "r1 r2", None),
        ("api=1.999.0", "r1", None),
        ("api=2.0.0", "", Some("api")),
        // Pre-releases are in no range that does not name one.
        ("api=1.5.0-rc.1", "", Some("api")),
        ("api=2.0.0-rc.1", "", Some("api")),
        ("cli=1.9.0-rc.1", "", Some("cli")),
        // Build metadata has no precedence.
        ("api=1.4.2+build.7", "r1 r2", None),
        // Rows are never combined: cli 1.8.3 is in r2 and sdk 2.1.0 is in r1.
        ("cli=1.9.0 sdk=2.1.0 api=1.4.2 helm=1.4.0", "r1", None),
        ("cli=1.8.3 sdk=2.1.0 api=1.4.2 helm=1.4.0", "", Some("sdk")),
        ("cli=1.8.3 sdk=2.0.1 api=1.4.2 helm=1.4.0", "", Some("helm")),
        // The matrix says nothing of the web front end.
        ("web=2026.06.1 api=1.4.2", "", Some("web")),
    ] {
        let (supported, rows, first) = set(&orion, members);
        assert_eq!(rows.join(" "), row, "{members}");
        assert_eq!(supported, Some(!row.is_empty()), "{members}");
        assert_eq!(first.as_deref(), failing, "{members}");
    }
}

#[test]
fn a_range_that_names_a_pre_release_holds_those_of_that_version_only() {
    let mut orion = Orion::live();
    orion.matrix(
        json!([{"cli": "1.9.x", "sdk": "2.1.x", "api": ">=1.5.0-rc.2, <2.0.0", "helm": "*"}]),
    );
    for (version, supported) in [
        ("1.5.0-rc.1", false),
        ("1.5.0-rc.2", true),
        ("1.5.0-rc.11", true),
        ("1.5.0", true),
        ("1.6.0-rc.3", false),
        ("2.0.0-rc.1", false),
    ] {
        let (found, ..) = set(&orion, &format!("api={version}"));
        assert_eq!(found, Some(supported), "{version}");
    }
}

#[test]
fn a_row_with_a_bad_value_supports_nothing() {
    let mut orion = Orion::live();
    for value in [json!("~1.9"), json!("v1.9.x"), json!(">=2.0.0, <1.0.0"), json!(1.9), json!(null)]
    {
        orion.matrix(json!([{"cli": value, "sdk": "*", "api": "*", "helm": "*"}]));
        assert_eq!(set(&orion, "api=1.4.2"), (Some(false), vec![], Some("api".into())), "{value}");
    }
    orion.matrix(json!([{"cli": "*", "sdk": "*", "api": "*", "helm": "*", "moon": "*"}]));
    assert_eq!(set(&orion, "api=1.4.2").0, Some(false), "a condition on nothing known");
}

#[test]
fn without_a_matrix_there_is_no_verdict() {
    let orion = Orion::without_matrix();
    assert_eq!(set(&orion, "cli=1.9.0 api=1.4.2"), (None, vec![], None));
    for ask in [orion.live_set(), orion.with("api", "1.5.0"), orion.check_book(None)] {
        assert!(ask.warnings.iter().any(|warning| warning.code == "no_matrix"), "{ask:?}");
        assert!(ask.table.rows.is_empty());
    }
    assert!(!orion.check_book(None).holds, "what was not checked is not coherent");
    assert_eq!(orion.with("api", "1.5.0").to_json()["header"]["live_set_ok"], json!(null));
    assert_eq!(orion.holds("orion-api", "1.4.2").verdict, CompatVerdict::Missing);
    assert_eq!(orion.pair("cli", "api").table.rows, []);
}

#[test]
fn a_pair_shows_the_released_versions_of_each_row() {
    let mut orion = Orion::live();
    let rows = orion.pair("cli", "api").to_json()["rows"].clone();
    let row = |id, cli, api, cli_versions, api_versions, live| {
        json!([id, cli, api, cli_versions, api_versions, live])
    };
    let cells = |rows: &serde_json::Value| -> serde_json::Value {
        let names = [
            "row_id",
            "cli_range",
            "api_range",
            "cli_versions",
            "api_versions",
            "contains_live_pair",
        ];
        rows.as_array()
            .unwrap()
            .iter()
            .map(|r| names.map(|n| r[n].clone()))
            .map(|r| json!(r))
            .collect()
    };
    let r1 =
        row("r1", "1.9.x", ">=1.4.0, <2.0.0", json!(["1.9.0"]), json!(["1.4.2", "1.5.0"]), true);
    let r2 = row(
        "r2",
        "1.8.x",
        ">=1.3.0, <1.5.0",
        json!(["1.8.0", "1.8.3"]),
        json!(["1.3.5", "1.4.2"]),
        false,
    );
    assert_eq!(cells(&rows), json!([r1, r2]));
    assert!(rows[0]["evidence"].as_array().unwrap().len() > 3, "matrix, publishes, builds");
    // What was yanked is not offered, a failed build made nothing, and a later one counts.
    orion.yank("orion-cli", "1.8.0");
    orion.failed_build("orion-api", "1.4.9");
    orion.build("orion-api", "1.4.10");
    orion.yank("orion-api", "1.3.5");
    let rows = orion.pair("api", "cli").to_json()["rows"].clone();
    assert_eq!(rows[1]["cli_versions"], json!(["1.8.3"]));
    assert_eq!(rows[1]["api_versions"], json!(["1.4.2", "1.4.10"]), "a build can be yanked too");
    assert_eq!(rows[0]["api_versions"], json!(["1.4.2", "1.4.10", "1.5.0"]), "by precedence");
    let names: Vec<_> =
        orion.pair("api", "cli").table.columns.into_iter().map(|c| c.name).collect();
    assert_eq!(names[1..3], ["api_range", "cli_range"], "in the order that was asked");
}

#[test]
fn a_pair_without_a_live_version_is_in_no_row() {
    let mut orion = Orion::live();
    for version in ["1.8.0", "1.8.3", "1.9.0"] {
        orion.yank("orion-cli", version);
    }
    let answer = orion.pair("cli", "api");
    let live = answer.to_json()["rows"].as_array().unwrap().clone();
    assert!(live.iter().all(|row| row["contains_live_pair"] == json!(false)), "{live:?}");
    assert!(answer.warnings.iter().any(|w| w.code == "not_live" && w.detail.contains("cli")));
}

#[test]
fn the_live_set_is_what_is_deployed_and_what_is_published() {
    let orion = Orion::live();
    let answer = orion.live_set();
    let json = answer.to_json();
    assert!(answer.holds);
    assert_eq!(json["header"]["live_sets"], json!(["api=1.4.2, cli=1.9.0, helm=1.4.0, sdk=2.1.0"]));
    assert_eq!(json["header"]["row_ids"], json!(["r1"]));
    let live: Vec<_> =
        json["rows"].as_array().unwrap().iter().map(|r| r["contains_live"].clone()).collect();
    assert_eq!(live, [json!(true), json!(false)]);
}

#[test]
fn a_canary_must_be_supported_beside_the_stable_version() {
    let mut orion = Orion::live();
    orion.canary(API_150, "us-east-1", 5);
    let answer = orion.live_set();
    assert_eq!(
        answer.to_json()["header"]["live_sets"],
        json!([
            "api=1.4.2, cli=1.9.0, helm=1.4.0, sdk=2.1.0",
            "api=1.5.0, cli=1.9.0, helm=1.4.0, sdk=2.1.0"
        ])
    );
    assert!(answer.holds && answer.warnings.iter().any(|w| w.code == "canary"), "{answer:?}");
    // Without the row that holds the canary, the set is not supported; the stable one still is.
    orion.matrix(
        json!([{"cli": "1.9.x", "sdk": "2.1.x", "api": ">=1.4.0, <1.5.0", "helm": "1.4.x"}]),
    );
    let answer = orion.live_set();
    assert!(!answer.holds);
    assert_eq!(answer.to_json()["header"]["first_failing_key"], json!("api"));
    assert_eq!(answer.to_json()["header"]["row_ids"], json!([]), "no row holds every live version");
    assert_eq!(orion.findings(None, "M09"), ["api=1.5.0, cli=1.9.0, helm=1.4.0, sdk=2.1.0"]);
}

#[test]
fn every_version_of_a_mixed_api_must_be_supported() {
    let mut orion = Orion::live();
    orion.deploy(API_150, &["eu-west-1"]);
    assert!(orion.live_set().holds, "r1 holds both");
    assert_eq!(orion.holds("orion-cli", "1.9.0").verdict, CompatVerdict::Holds);
    // Two rows, one version each: every version is in a row, and no row has both.
    orion.matrix(json!([
        {"cli": "1.9.x", "sdk": "2.1.x", "api": "1.4.x", "helm": "1.4.x"},
        {"cli": "1.9.x", "sdk": "2.1.x", "api": "1.5.x", "helm": "1.4.x"},
    ]));
    let answer = orion.live_set();
    assert!(answer.holds, "each live set has its row");
    assert_eq!(answer.to_json()["header"]["row_ids"], json!([]));
    orion.matrix(json!([{"cli": "1.9.x", "sdk": "2.1.x", "api": "1.5.x", "helm": "1.4.x"}]));
    let compat = orion.holds("orion-cli", "1.9.0");
    assert_eq!(compat.verdict, CompatVerdict::Fails);
    let failing: Vec<String> = compat.failing.iter().map(ToString::to_string).collect();
    assert_eq!(failing, ["api=1.4.2, cli=1.9.0, helm=1.4.0, sdk=2.1.0"]);
    // A candidate takes the place of every live version of its component.
    assert_eq!(orion.holds("orion-api", "1.5.0").verdict, CompatVerdict::Holds);
}

#[test]
fn a_candidate_is_judged_with_everything_else_unchanged() {
    let orion = Orion::live();
    for (component, version, verdict) in [
        ("orion-api", "1.4.2", CompatVerdict::Holds),
        ("orion-api", "1.5.0", CompatVerdict::Holds),
        ("orion-api", "1.3.5", CompatVerdict::Fails),
        ("orion-api", "2.0.0", CompatVerdict::Fails),
        ("orion-cli", "1.8.3", CompatVerdict::Fails),
        ("orion-sdk-go", "2.0.1", CompatVerdict::Fails),
        ("orion-web", "2026.06.1", CompatVerdict::NotCovered),
    ] {
        let compat = orion.holds(component, version);
        assert_eq!(compat.verdict, verdict, "{component} {version}");
        assert_eq!(compat.failing.is_empty(), verdict != CompatVerdict::Fails);
        assert!(!compat.evidence.is_empty(), "the matrix at least");
    }
}

#[test]
fn an_artifact_without_provenance_is_in_no_row() {
    let mut orion = Orion::live();
    orion.deploy('e', &["us-east-1", "eu-west-1"]);
    let answer = orion.live_set();
    assert!(!answer.holds);
    assert!(answer.warnings.iter().any(|w| w.code == "unknown_live_version"), "{answer:?}");
    assert_eq!(orion.holds("orion-cli", "1.9.0").verdict, CompatVerdict::Fails);
}

#[test]
fn a_what_if_names_the_versions_that_lose_their_last_row() {
    let orion = Orion::live();
    for (component, version, rows, ok, lost, gained) in [
        (
            "api",
            "1.5.0",
            json!([true, false]),
            true,
            json!(["orion-cli=1.8.0", "orion-cli=1.8.3", "orion-helm=1.3.2", "orion-sdk-go=2.0.1"]),
            json!([]),
        ),
        ("api", "1.4.2", json!([true, true]), true, json!([]), json!([])),
        (
            "api",
            "1.3.5",
            json!([false, true]),
            false,
            json!(["orion-cli=1.9.0", "orion-helm=1.4.0", "orion-sdk-go=2.1.0"]),
            json!([]),
        ),
        (
            "orion-cli",
            "1.8.3",
            json!([false, true]),
            false,
            json!(["orion-api=1.5.0", "orion-helm=1.4.0", "orion-sdk-go=2.1.0"]),
            json!(["orion-api=1.3.5", "orion-helm=1.3.2", "orion-sdk-go=2.0.1"]),
        ),
    ] {
        let answer = orion.with(component, version).to_json();
        let header = &answer["header"];
        let held: Vec<_> = answer["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["still_supported"].clone())
            .collect();
        assert_eq!(json!(held), rows, "{component} {version}");
        assert_eq!(header["live_set_ok"], json!(ok), "{component} {version}");
        assert_eq!(header["lost_versions"], lost, "{component} {version}");
        assert_eq!(header["gained_versions"], gained, "{component} {version}");
    }
    let web = orion.with("web", "2026.06.1");
    assert!(web.warnings.iter().any(|warning| warning.code == "not_in_matrix"));
    assert_eq!(web.to_json()["rows"][0]["still_supported"], json!(null));
}

#[test]
fn the_matrix_of_a_view_is_the_last_one_by_its_time() {
    let mut orion = Orion::live();
    let known = orion.head();
    orion.matrix(json!([{"cli": "*", "sdk": "*", "api": "1.3.x", "helm": "*"}]));
    assert!(!orion.live_set().holds);
    assert!(orion.live_set_known(known).holds);
    // A matrix that is recorded late and was in force earlier does not replace a newer one.
    orion.matrix_at("2026-06-01T00:30:00Z", matrix_m1());
    assert!(!orion.live_set().holds);
}

#[test]
fn the_table_has_two_columns_per_alias_of_the_matrix() {
    let mut orion = Orion::without_matrix();
    let names = |orion: &Orion| -> Vec<String> {
        let table = orion.projection();
        table.columns.iter().map(|column| column.name.clone()).collect()
    };
    assert!(names(&orion).contains(&"web_range".to_owned()), "every alias, before a matrix");
    assert_eq!(orion.projection().rows, []);
    orion.matrix(json!([{"api": "1.x", "orion-cli": "1.x"}, {"api": "1.x", "sdk": "*"}]));
    let ranges = ["row_id", "api_range", "cli_range", "sdk_range"].map(str::to_owned);
    assert_eq!(names(&orion)[..4], ranges, "named by alias, however the row names it");
    let table = orion.projection();
    assert!(table.cell(0, "sdk_range").unwrap().is_null(), "not in the row");
    assert!(table.cell(0, "sdk_versions").unwrap().is_null());
    assert_eq!(table.cell(1, "contains_live").unwrap().to_json(), json!(false));
    assert_eq!(names(&orion), orion.columns(), "the columns that SQL is told of");
}

#[test]
fn an_unregistered_or_repeated_component_is_refused_with_what_there_is() {
    let orion = Orion::live();
    for (members, told) in [
        ("moon=1.0.0", "orion-cli"),
        ("cli=1.9", "is no version of orion-cli"),
        ("cli=v1.9.0", "is no version of orion-cli"),
        ("web=1.4.2", "is no version of orion-web"),
        ("cli=1.9.0 orion-cli=1.8.3", "once"),
    ] {
        let error = orion.try_set(members).unwrap_err().to_string();
        assert!(error.contains(told), "{members}: {error}");
    }
    let unknown = orion.set("cli=1.9.7 api=1.4.2");
    let warning = unknown.warnings.iter().find(|w| w.code == "unknown_version").unwrap();
    assert!(warning.detail.contains("1.9.0, 1.8.3"), "{warning:?}");
    assert!(unknown.holds, "r1 holds it whether it exists or not");
    assert!(orion.set(&format!("api={}", orion.version(API_142))).warnings.is_empty());
}
