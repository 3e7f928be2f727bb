//! Every code of `compat --check`, present and absent.

use relbook_query::question::Codes;
use relbook_query::release::compat::Code;
use serde_json::{Value, json};

use super::orion::{API_142, API_150, Orion, digest, matrix_m1};

/// Returns the findings as `code row key`.
fn found(answer: &relbook_query::question::Answer) -> Vec<String> {
    let json = answer.to_json();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row = |row: &Value| {
        assert!(!row["detail"].as_str().expect("the shape of an answer").is_empty());
        format!("{} {} {}", text(&row["code"]), text(&row["row"]), text(&row["key"]))
    };
    json["rows"].as_array().expect("the shape of an answer").iter().map(row).collect()
}

/// Returns the matrix with one value of one row replaced.
fn changed(row: usize, key: &str, value: Value) -> Value {
    let mut rows = matrix_m1();
    rows[row][key] = value;
    rows
}

#[test]
fn a_coherent_matrix_has_no_findings() {
    let orion = Orion::live();
    let answer = orion.check(&matrix_m1(), Codes::All);
    assert_eq!(found(&answer), Vec::<String>::new());
    assert!(answer.holds);
    let answer = orion.check_book(None);
    assert_eq!(found(&answer), Vec::<String>::new());
    let header = answer.to_json()["header"].clone();
    assert_eq!((&header["coherent"], &header["errors"]), (&json!(true), &json!(0)));
}

#[test]
fn a_range_that_is_none_is_found_with_its_reason() {
    let orion = Orion::live();
    for (text, told) in [
        ("", "write * for any version"),
        ("^1.8.0", "write both bounds"),
        ("~1.8.0", "write both bounds"),
        ("1.8.0 || 1.8.3", "one row for each"),
        ("1.8.0 - 1.8.3", "hyphen"),
        (">=1.8.0 <1.9.0", "comma"),
        ("v1.8.x", "leave the v out"),
        ("1.8", "1.8.x"),
        ("1", "1.x"),
        ("1.8.x,", "trailing comma"),
        ("1.*.*", "1.x"),
        (">=1.8.x", "without an operator"),
        ("1.8.0+b", "leave it out"),
        ("01.8.x", ""),
        ("latest", ""),
    ] {
        let answer = orion.check(&changed(1, "cli", json!(text)), Codes::Only(vec![Code::M01]));
        assert_eq!(found(&answer), ["M01 r2 cli"], "{text}");
        let detail = answer.to_json()["rows"][0]["detail"].to_string();
        assert!(detail.contains(told), "{text}: {detail}");
        assert!(!answer.holds);
    }
    for text in ["*", "1.x", "1.8.x", "1.8.3", "=1.8.3", ">=1.8.0, <1.9.0", ">1.7.9", "<=1.8.3"] {
        let answer = orion.check(&changed(1, "cli", json!(text)), Codes::Only(vec![Code::M01]));
        assert_eq!(found(&answer), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_row_that_cannot_be_read_is_left_out_of_the_other_checks() {
    let orion = Orion::live();
    let without = ["M08 - helm", "M10 - cli", "M10 - cli", "M10 - sdk"];
    let missing = {
        let mut rows = matrix_m1();
        rows[1].as_object_mut().unwrap().remove("helm");
        rows
    };
    for (rows, first) in [
        (changed(1, "cli", json!("v1.8.x")), "M01 r2 cli"),
        (missing, "M02 r2 helm"),
        (changed(1, "moon", json!("*")), "M02 r2 moon"),
        (changed(1, "orion-cli", json!("1.8.x")), "M02 r2 orion-cli"),
        (changed(1, "api", json!(">=2.0.0, <1.5.0")), "M03 r2 api"),
        (changed(1, "cli", json!(1.8)), "M13 r2 cli"),
        (changed(1, "cli", json!(["1.8.x"])), "M13 r2 cli"),
        (changed(1, "cli", json!(null)), "M13 r2 cli"),
    ] {
        let answer = orion.check(&rows, Codes::All);
        let expected: Vec<&str> = std::iter::once(first).chain(without).collect();
        assert_eq!(found(&answer), expected, "{rows}");
        assert!(!answer.holds);
    }
}

#[test]
fn a_published_component_must_not_be_forgotten_by_every_row() {
    let orion = Orion::live();
    let rows = json!([{"cli": "1.9.x", "sdk": "2.1.x", "api": "1.4.x"}]);
    assert_eq!(found(&orion.check(&rows, Codes::Only(vec![Code::M02]))), ["M02 r1 helm"]);
    // Nothing was ever asked of the front end: it is deployed, and in no row.
    assert_eq!(found(&orion.check(&json!([]), Codes::Only(vec![Code::M02]))), Vec::<String>::new());
    let codes = Codes::Only(vec![Code::M08, Code::M09, Code::M10]);
    assert_eq!(found(&orion.check(&json!([]), codes)).len(), 2 + 1 + 5, "nothing is supported");
}

#[test]
fn the_rows_are_held_against_what_was_released() {
    let mut orion = Orion::live();
    let codes = |codes: &[Code]| Codes::Only(codes.to_vec());
    // M04: a range for versions that are not there.
    let mut rows = matrix_m1();
    rows.as_array_mut()
        .unwrap()
        .push(json!({"cli": "1.10.x", "sdk": "2.1.x", "api": "2.x", "helm": "1.4.x"}));
    let answer = orion.check(&rows, codes(&[Code::M04]));
    assert_eq!(found(&answer), ["M04 r3 cli", "M04 r3 api"]);
    assert!(answer.holds, "a warning");
    // M06: the rows overlap when the last key does.
    let overlap = changed(1, "helm", json!("*"));
    assert_eq!(found(&orion.check(&overlap, codes(&[Code::M06]))), Vec::<String>::new());
    let rows = json!([
        {"cli": "1.x", "sdk": "2.x", "api": ">=1.4.0, <2.0.0", "helm": "1.x"},
        {"cli": "1.8.x", "sdk": "2.0.x", "api": ">=1.3.0, <1.4.1", "helm": "1.3.x"},
    ]);
    let answer = orion.check(&rows, codes(&[Code::M06]));
    assert_eq!(found(&answer), ["M06 r2 -"]);
    assert!(!answer.holds);
    // M07: the chart of r1 installs API 1.4.2.
    let narrow = changed(0, "api", json!(">=1.4.3, <2.0.0"));
    let answer = orion.check(&narrow, codes(&[Code::M07]));
    assert_eq!(found(&answer), ["M07 r1 helm"]);
    let detail = answer.to_json()["rows"][0]["detail"].to_string();
    assert!(detail.contains("1.4.0") && detail.contains("1.4.2"), "{detail}");
    // A chart without appVersion cannot be judged: it is said, not passed over.
    orion.publish("orion-helm", "1.4.1", None);
    let answer = orion.check_book(None);
    assert!(answer.warnings.iter().any(|w| w.code == "app_version_missing"), "{answer:?}");
    // An appVersion that is no version of the API is outside every row.
    orion.publish("orion-helm", "1.4.1", Some("latest"));
    assert_eq!(found(&orion.check_book(None)), ["M07 r1 helm", "M12 - helm"]);
    orion.yank("orion-helm", "1.4.1");
    assert_eq!(found(&orion.check_book(None)), Vec::<String>::new());
}

#[test]
fn what_users_can_get_must_be_in_a_row() {
    let mut orion = Orion::live();
    orion.publish("orion-helm", "1.5.0", Some("1.4.2"));
    assert_eq!(found(&orion.check_book(None)), ["M08 - helm", "M09 - -"]);
    orion.yank("orion-helm", "1.5.0");
    orion.publish("orion-cli", "1.7.0", None);
    assert_eq!(found(&orion.check_book(None)), ["M10 - cli"]);
    assert!(orion.check_book(None).holds, "a warning");
    orion.yank("orion-cli", "1.7.0");
    orion.publish("orion-cli", "1.10.0-rc.1", None);
    assert_eq!(found(&orion.check_book(None)), Vec::<String>::new(), "a pre-release is no offer");
}

#[test]
fn the_live_set_must_be_in_a_single_row() {
    let mut orion = Orion::live();
    assert_eq!(orion.findings(Some(("api", "1.5.0")), "M09"), Vec::<String>::new());
    let set = "api=2.0.0, cli=1.9.0, helm=1.4.0, sdk=2.1.0";
    assert_eq!(orion.findings(Some(("orion-api", "2.0.0")), "M09"), [set]);
    assert!(!orion.check_book(Some(("api", "2.0.0"))).holds);
    // M12: the newest chart installs another version than what is live; a canary counts as live.
    orion.canary(API_150, "us-east-1", 5);
    assert_eq!(found(&orion.check_book(None)), Vec::<String>::new());
    orion.deploy(API_150, &["us-east-1", "eu-west-1"]);
    assert_eq!(found(&orion.check_book(None)), ["M12 - helm"]);
    assert!(orion.check_book(None).holds, "a warning");
}

#[test]
fn a_declared_pair_needs_a_contract_check_of_one_side() {
    let mut orion = Orion::live();
    let contract = |digit, result| {
        json!({"kind": "check.completed", "component": "orion-api", "suite": "contract",
            "result": result, "digest": digest(digit)})
    };
    orion.append(contract(API_142, "fail"));
    assert_eq!(found(&orion.check_book(None)), Vec::<String>::new(), "1.5.0 and 1.3.5 passed");
    orion.append(contract(API_150, "inconclusive"));
    assert_eq!(found(&orion.check_book(None)), ["M11 r1 cli, api", "M11 r1 sdk, api"]);
    orion.append(json!({"kind": "check.completed", "component": "orion-cli", "suite": "contract",
        "result": "pass", "digest": digest('9')}));
    assert_eq!(found(&orion.check_book(None)), ["M11 r1 sdk, api"]);
    orion.append(contract(API_142, "pass"));
    assert_eq!(found(&orion.check_book(None)), Vec::<String>::new());
}

#[test]
fn a_row_that_the_live_set_uses_stays_as_wide_as_it_is() {
    let mut orion = Orion::live();
    let only = || Codes::Only(vec![Code::M14]);
    let mut swapped = matrix_m1();
    swapped.as_array_mut().unwrap().reverse();
    for (rows, codes) in [
        (swapped, &[][..]),
        (changed(1, "cli", json!("1.8.3")), &[]),
        (changed(0, "cli", json!(">=1.9.0, <1.11.0")), &[]),
        (changed(0, "api", json!(">=1.4.0, <1.9.0")), &["M14 r1 -"]),
        (changed(0, "cli", json!("1.9.0")), &["M14 r1 -"]),
        (changed(0, "cli", json!("v1.9.x")), &["M14 r1 -"]),
        (json!([matrix_m1()[1]]), &["M14 r1 -"]),
        (json!([]), &["M14 r1 -"]),
    ] {
        assert_eq!(found(&orion.check(&rows, only())), codes, "{rows}");
    }
    // The book's own matrix is held against the one before it.
    orion.matrix(changed(0, "api", json!(">=1.4.1, <2.0.0")));
    let answer = orion.check_book(None);
    assert_eq!(found(&answer), ["M14 r1 -"]);
    assert!(!answer.holds);
    orion.matrix(changed(0, "api", json!(">=1.4.1, <2.0.0")));
    assert_eq!(found(&orion.check_book(None)), Vec::<String>::new());
}

#[test]
fn only_the_chosen_codes_count() {
    let orion = Orion::live();
    let rows = changed(1, "cli", json!("v1.8.x"));
    let answer = orion.check(&rows, Codes::Only(vec![Code::M10]));
    assert_eq!(found(&answer), ["M10 - cli", "M10 - cli", "M10 - sdk"]);
    assert!(answer.holds, "no error among them");
    let answer = orion.check(&rows, Codes::Except(vec![Code::M01, Code::M10]));
    assert_eq!(found(&answer), ["M08 - helm"]);
    assert!(!answer.holds);
}

#[test]
fn findings_name_row_and_key_and_rest_on_events() {
    let orion = Orion::live();
    let answer = orion.check_book(Some(("api", "2.0.0"))).to_json();
    let row = &answer["rows"][0];
    assert_eq!((&row["code"], &row["severity"]), (&json!("M09"), &json!("E")));
    assert_eq!(row["row"], json!(null));
    assert!(row["evidence"].as_array().unwrap().len() > 3, "the matrix and what is live");
}
