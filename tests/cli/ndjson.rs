//! Files that are broken as files: cut off, in another encoding, endless, wrong in their last line.

use serde_json::json;

use crate::scratch::{build_line, orion, refused, refused_lines, size};

fn good(count: usize) -> String {
    (0..count).map(|n| build_line(&format!("1.4.{n}"))).collect()
}

#[test]
fn a_file_that_is_cut_off_is_refused_whole() {
    let env = orion();
    let before = size(&env);
    let lines = good(3);
    env.file("cut.ndjson", &lines[..lines.len() - 20]);
    let error = refused(&env, &["append", "--from", "cut.ndjson"]);
    assert_eq!((&error["code"], &error["line"]), (&json!("json"), &json!(3)));
    assert!(error["message"].as_str().unwrap().contains("cut off"), "{error}");
    assert_eq!(size(&env), before + 1);
    // Without its last line feed a file is whole all the same.
    env.file("whole.ndjson", lines.trim_end());
    env.run(&["append", "--from", "whole.ndjson"]).exits(0);
    assert_eq!(size(&env), before + 4);
}

#[test]
fn bytes_that_are_no_utf8_are_refused_with_their_line() {
    let env = orion();
    let mut lines = good(2).into_bytes();
    lines.extend(b"{\"kind\":\"incident.opened\",\"incident_id\":\"caf\xe9\"}\n");
    let error = refused_lines(&env, &lines);
    assert_eq!((&error["code"], &error["line"]), (&json!("json"), &json!(3)));
    assert!(error["message"].as_str().unwrap().contains("UTF-8"), "{error}");
    // UTF-16, as some editors save it.
    let utf16: Vec<u8> = good(1).encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(refused_lines(&env, &utf16)["code"], "json");
}

#[test]
fn a_byte_order_mark_is_refused_with_a_remedy() {
    let env = orion();
    let error = refused_lines(&env, format!("\u{feff}{}", good(1)).as_bytes());
    assert_eq!((&error["code"], &error["line"]), (&json!("json"), &json!(1)));
    assert!(error["message"].as_str().unwrap().contains("without BOM"), "{error}");
}

#[test]
fn a_line_of_10_mb_is_too_large() {
    let env = orion();
    let before = size(&env);
    let long = json!({"kind": "incident.opened", "incident_id": "x".repeat(10 << 20)});
    let lines = format!("{}{long}\n{}", good(1), good(1));
    let error = refused_lines(&env, lines.as_bytes());
    assert_eq!((&error["code"], &error["line"]), (&json!("too_large"), &json!(2)));
    assert!(error["message"].as_str().unwrap().contains("blob"), "{error}");
    assert_eq!(size(&env), before + 1);
}

#[test]
fn a_bad_last_line_keeps_the_whole_batch_out() {
    let env = orion();
    let before = size(&env);
    let lines = format!("{}\n\n{}", good(50), build_line("v9.9.9"));
    let error = refused_lines(&env, lines.as_bytes());
    assert_eq!((&error["code"], &error["line"]), (&json!("version_prefix"), &json!(53)));
    assert_eq!(size(&env), before + 1, "nothing of the batch, and the record of its refusal");
    env.run(&["verify"]).exits(0);
}

#[test]
fn what_is_no_ndjson_is_refused_with_a_remedy() {
    let env = orion();
    let pretty = serde_json::to_string_pretty(&json!({"kind": "incident.opened"})).unwrap();
    for (text, word) in [(pretty.as_str(), "ends before"), ("[{}]", "one event per line")] {
        let error = refused_lines(&env, text.as_bytes());
        assert_eq!(error["code"], "json", "{text}");
        assert!(error["message"].as_str().unwrap().contains(word), "{error}");
    }
    for text in ["[]", "7", "null", "\"text\"", "NaN", "{} {}", "\0", "{\"a\":1e999}"] {
        assert_eq!(refused_lines(&env, text.as_bytes())["code"], "json", "{text}");
    }
}

#[test]
fn the_same_id_twice_in_a_file_is_one_event_or_a_conflict() {
    let env = orion();
    let before = size(&env);
    let id = "019eb0c2-8a80-700e-a7fb-3f86c95cc290";
    let line = |incident: &str| {
        json!({"id": id, "kind": "incident.opened", "incident_id": incident}).to_string() + "\n"
    };
    let twice = line("A").repeat(2);
    let args = ["append", "--from", "-", "--format", "json"];
    let receipt = env.run_with_input(&args, twice.as_bytes()).exits(0).json();
    assert_eq!(receipt["appended"], 1);
    assert_eq!(receipt["receipts"][1]["duplicate"], true);
    assert_eq!(size(&env), before + 1);
    let error = refused_lines(&env, line("B").as_bytes());
    assert_eq!((&error["code"], &error["line"]), (&json!("id_conflict"), &json!(1)));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let env = orion();
    let ran = env.run(&["append", "--from", "missing.ndjson"]).exits(4);
    assert!(ran.stderr.contains("missing.ndjson"), "{}", ran.stderr);
}
