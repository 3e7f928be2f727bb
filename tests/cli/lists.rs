//! The lists from outside: `population`, `exceptions`, `emergency`, `overlaps`, `drift`,
//! `exposure`, `debt`. Columns in the order of the specification, every form of output, exit codes
//! and wrong usage.

use relbook_testkit::environment::TestEnvironment;
use serde_json::{Value, json};

use crate::scratch::{COMMIT, digest, empty};

const PRODUCT: &str = "\
product: orion
components:
  orion-api: {alias: api, scheme: semver, release_model: deployed, tag_prefix: v}
environments:
  staging: {targets: [stg-1]}
  production: {targets: [us, eu]}
policy: {approval_sources: [signed, reported], gates: {production: [unit]}}
";

/// Every list, as it is asked for, with its columns in order.
const LISTS: [(&[&str], &str); 8] = [
    (
        &["population"],
        "change_id component environment targets from_version from_digest to_version to_digest \
         commit repo bump change_class reason description ticket security_impact requested_by \
         initiated_by authors reviewers approval_required approval_verdict approvers \
         first_approved_at started_at finished_at outcome tests_verdict scan_verdict scan_at \
         canary_minutes gates_failed rollback_target break_glass incident_id review_result \
         review_at exceptions seq_start seq_finish event_hash_start event_hash_finish \
         checkpoint_size",
    ),
    (
        &["population", "--sample", "1", "--seed", "s"],
        "rank change_id stratum selection_hash in_sample seed method n population_rows \
         checkpoint_size",
    ),
    (
        &["exceptions"],
        "code name severity change_id component detail seq detected_at owner disposition \
         disposition_seq",
    ),
    (
        &["emergency"],
        "change_id declared_by incident_id reason gates_skipped started_at finished_at outcome \
         retro_approver retro_approved_at review_due_at reviewer review_at review_result overdue \
         component environment reviews_not_counted",
    ),
    (
        &["overlaps"],
        "component environment stage deploy_a deploy_b target overlap_from overlap_to \
         finished_last downgrade",
    ),
    (
        &["drift"],
        "component target intended intended_digest live live_digest observed observed_digest kind \
         since",
    ),
    (
        &["exposure", "critical"],
        "cve severity component version digest environment target flagged_at exposed_from \
         exposed_until hours fixed_version reported_at role weight known_from known_hours",
    ),
    (&["debt"], "kind component subject due_at overdue detail"),
];

fn product() -> TestEnvironment {
    let env = empty();
    env.run(&["init", "--simulated-clock"]).exits(0);
    env.file("orion.yaml", PRODUCT);
    env.run(&["apply", "orion.yaml"]).exits(0);
    env
}

/// A book in which every list has a row.
fn lived() -> TestEnvironment {
    let env = product();
    let mut lines = Vec::new();
    let mut add = |at: &str, mut event: Value| {
        event["occurred_at"] = json!(format!("2026-06-{at}Z"));
        lines.push(event.to_string());
    };
    let component = "orion-api";
    for (version, digit) in [("1.4.0", 'a'), ("1.4.1", 'b')] {
        let commit = COMMIT.replace('9', &digit.to_string());
        let event = json!({"kind": "build.completed", "component": component, "version": version,
            "digest": digest(digit), "commit": commit});
        add("01T01:00:00", event);
    }
    let start = |id: &str, digit: char| {
        json!({"kind": "deploy.started", "component": component, "deploy_id": id,
            "stage": "production", "environment": "production", "targets": ["us"],
            "digest": digest(digit), "initiated_by": "ci"})
    };
    let finish = |id: &str| {
        json!({"kind": "deploy.finished", "deploy_id": id, "target": "us",
            "outcome": "succeeded"})
    };
    add("02T09:00:00", start("P0", 'a'));
    add("02T09:05:00", finish("P0"));
    let mut glass = start("P1", 'b');
    glass["break_glass"] = json!(true);
    add("03T09:00:00", glass);
    add("03T09:05:00", finish("P1"));
    add(
        "03T10:00:00",
        json!({"kind": "artifact.flagged", "component": component, "digest": digest('b'),
            "flag": "vulnerable", "cve": "CVE-2026-9", "severity": "critical"}),
    );
    add("04T09:00:00", start("P2", 'a'));
    add("04T09:01:00", start("P3", 'a'));
    let text = lines.join("\n");
    env.run_with_input(&["append", "--from", "-"], text.as_bytes()).exits(0);
    env
}

fn with<'a>(list: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [list, more].concat()
}

#[test]
fn json_has_the_columns_in_order_and_the_evidence_of_every_row() {
    let env = lived();
    for (list, columns) in LISTS {
        let answer = env.run(&with(list, &["--format", "json"])).exits(0).json();
        assert_eq!(answer["question"], list[0]);
        assert_eq!(answer["as_known"], json!(14), "{list:?}");
        assert_eq!(answer["checkpoint"]["size"], json!(15));
        assert!(answer["header"].is_object() && answer["warnings"].is_array(), "{answer}");
        let rows = answer["rows"].as_array().unwrap();
        assert!(!rows.is_empty(), "{list:?} has no row");
        for row in rows {
            let names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            let expected: Vec<&str> = columns.split_whitespace().chain(["evidence"]).collect();
            assert_eq!(names, expected, "{list:?}");
            let seqs = row["evidence"].as_array().unwrap();
            assert!(!seqs.is_empty() && seqs.iter().all(Value::is_u64), "{row}");
        }
    }
}

#[test]
fn absent_values_are_null_and_empty_lists_are_lists() {
    let env = lived();
    let answer = env.run(&["population", "--format", "json"]).exits(0).json();
    let (first, last) = (&answer["rows"][0], &answer["rows"][3]);
    assert_eq!(first["targets"], json!(["us"]));
    assert_eq!((&first["authors"], &first["approvers"]), (&json!([]), &json!([])));
    assert_eq!((&first["from_version"], &first["canary_minutes"]), (&Value::Null, &Value::Null));
    assert_eq!((&last["outcome"], &last["finished_at"]), (&json!("in_flight"), &Value::Null));
    assert_eq!(last["seq_finish"], Value::Null, "unknown is not zero");
    assert_eq!(first["exceptions"], json!(["X01", "X04"]));
}

#[test]
fn the_other_forms_have_the_same_rows() {
    let env = lived();
    for (list, columns) in LISTS {
        let count = |format: &str| {
            let text = env.run(&with(list, &["--format", format])).exits(0).stdout;
            (text.lines().count(), text)
        };
        let answer = env.run(&with(list, &["--format", "json"])).exits(0).json();
        let rows = answer["rows"].as_array().unwrap().len();
        let (lines, csv) = count("csv");
        let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
        let expected: Vec<&str> = columns.split_whitespace().chain(["evidence"]).collect();
        assert_eq!((lines, header), (rows + 1, expected), "{list:?}");
        let (lines, ndjson) = count("ndjson");
        assert_eq!(lines, rows, "{list:?}");
        assert!(ndjson.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        assert!(!count("table").1.is_empty());
    }
}

#[test]
fn a_list_with_findings_exits_0_and_so_does_one_without() {
    let (full, bare) = (lived(), product());
    for (list, _) in LISTS {
        full.run(list).exits(0);
        full.run(&with(list, &["--as-of", "2026-06-01"])).exits(0);
        full.run(&with(list, &["--as-known", "0"])).exits(0);
        let empty = bare.run(&with(list, &["--format", "json"])).exits(0).json();
        assert_eq!(empty["rows"], json!([]), "{list:?}");
        assert!(bare.run(list).exits(0).stdout.contains("(no rows)"));
    }
}

#[test]
fn wrong_usage_is_refused_in_plain_words() {
    let env = lived();
    let cases: [(&[&str], &str); 17] = [
        (&["population", "moon"], "`moon` is not a registered component; there are: orion-api"),
        (&["exceptions", "moon"], "`moon` is not a registered component"),
        (&["emergency", "moon"], "`moon` is not a registered component"),
        (&["overlaps", "moon"], "`moon` is not a registered component"),
        (&["drift", "moon"], "`moon` is not a registered component"),
        (&["debt", "moon"], "`moon` is not a registered component"),
        (&["drift", "--env", "moon"], "`moon` is not a registered environment; there are:"),
        (&["debt", "--env", "moon"], "`moon` is not a registered environment"),
        (&["exposure", "high", "--env", "moon"], "`moon` is not a registered environment"),
        (&["exposure", ""], "name a vulnerability"),
        (&["exceptions", "--code", "X01,X18"], "the codes are X01 to X17"),
        (&["population", "--sample", "3"], "--seed <S>"),
        (&["population", "--seed", "3"], "--sample <N>"),
        (&["population", "--sample", "3", "--seed", ""], "--seed <S>"),
        (&["population", "--sample", "-3", "--seed", "s"], "unexpected argument"),
        (&["population", "--stratified"], "--sample <N>"),
        (&["emergency", "--from", "yesterday"], "is not a time"),
    ];
    for (args, message) in cases {
        let ran = env.run(args).exits(2);
        assert!(ran.stderr.contains(message), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
}

#[test]
fn a_period_that_ends_before_it_begins_is_refused() {
    let env = lived();
    for list in ["population", "exceptions", "emergency", "overlaps", "dora"] {
        let ran = env.run(&[list, "--from", "2026-07-01", "--to", "2026-06-01"]).exits(2);
        assert!(ran.stderr.contains("before it begins"), "{}", ran.stderr);
        env.run(&[list, "--from", "2026-06-01", "--to", "2026-06-01"]).exits(0);
    }
    let day = ["population", "--from", "2026-06-03", "--to", "2026-06-04", "--format", "json"];
    let answer = env.run(&day).exits(0).json();
    let header = json!({"from": "2026-06-03T00:00:00Z", "to": "2026-06-04T00:00:00Z"});
    assert_eq!(answer["header"], header);
    assert_eq!(answer["rows"].as_array().unwrap().len(), 1);
    assert_eq!(answer["rows"][0]["change_id"], "P1");
}

#[test]
fn aliases_and_several_codes_are_taken() {
    let env = lived();
    let codes = ["exceptions", "api", "--code", "x01,X08_overlap", "--format", "json"];
    let answer = env.run(&codes).exits(0).json();
    let found: Vec<&Value> =
        answer["rows"].as_array().unwrap().iter().map(|r| &r["code"]).collect();
    assert_eq!(found, ["X01", "X08"]);
    let cve = env.run(&["exposure", "cve-2026-9", "--format", "json"]).exits(0).json();
    assert_eq!(cve["rows"][0]["exposed_from"], "2026-06-03T09:05:00Z");
    let none = env.run(&["exposure", "CVE-0", "--format", "json"]).exits(0).json();
    assert_eq!(none["warnings"][0]["code"], "not_found");
    let glass = env.run(&["emergency", "--format", "json"]).exits(0).json();
    assert_eq!(glass["warnings"][0]["code"], "no_incident");
}

#[test]
fn the_tables_of_sql_have_the_rows_of_the_commands() {
    let env = lived();
    for table in ["population", "exceptions", "emergency"] {
        let sql = format!("SELECT count(*) AS n FROM {table}");
        let counted = env.run(&["query", &sql, "--format", "json"]).exits(0).json();
        let rows = env.run(&[table, "--format", "json"]).exits(0).json();
        assert_eq!(counted["rows"][0]["n"], json!(rows["rows"].as_array().unwrap().len()));
    }
    let duties = "SELECT change_id, person, is_initiator, conflict_kind FROM sod ORDER BY 1";
    let rows = env.run(&["query", duties, "--format", "csv"]).exits(0).stdout;
    assert_eq!(rows.lines().nth(1), Some("P0,ci,true,none"));
    let inventory = "SELECT target, version, provenance_level FROM inventory";
    let rows = env.run(&["query", inventory, "--format", "csv"]).exits(0).stdout;
    assert_eq!(rows.lines().nth(1), Some("us,1.4.1,recorded"));
}
