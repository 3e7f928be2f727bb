//! What is no usable answer is recorded as none.

use std::time::{Duration, Instant};

use relbook_testkit::environment::Ran;

use super::slo_gate;
use super::web::{response, serve};
use crate::scratch::{digest, orion, size};

/// The value of a parameter of a request.
fn parameter(target: &str, name: &str) -> i64 {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// The answer of a Prometheus that has this value at all times.
fn answer(target: &str, value: &str) -> String {
    response("200 OK", "", &content(target, value))
}

fn content(target: &str, value: &str) -> String {
    if !target.contains("query_range") {
        let time = parameter(target, "time");
        return body("vector", &format!("{{\"metric\":{{}},\"value\":[{time},\"{value}\"]}}"));
    }
    let (start, step) = (parameter(target, "start"), parameter(target, "step"));
    let points: Vec<String> =
        (0..2).map(|n| format!("[{},\"{value}\"]", start + n * step)).collect();
    let points = points.join(",");
    body("matrix", &format!("{{\"metric\":{{}},\"values\":[{points}]}}"))
}

fn body(kind: &str, series: &str) -> String {
    let data = format!("{{\"resultType\":\"{kind}\",\"result\":[{series}]}}");
    format!("{{\"status\":\"success\",\"data\":{data}}}")
}

/// An answer with these series.
fn series(kind: &str, series: &str) -> String {
    response("200 OK", "", &body(kind, series))
}

/// Runs against a server that answers so, and checks the exit code and the message.
#[track_caller]
fn refuses(code: i32, says: &str, respond: impl Fn(&str) -> String + Send + 'static) {
    let env = orion();
    let before = size(&env);
    let url = format!("http://{}", serve(respond));
    let ran = slo_gate(&env, &url, &["--timeout", "1s"]).exits(code);
    let message = ran.json()["error"]["message"].as_str().expect("as the test made it").to_owned();
    assert!(message.contains(says), "{message}");
    let kinds = "SELECT count(*) AS n FROM checks";
    let checks = env.run(&["query", kinds, "--format", "json"]).exits(0).json();
    assert_eq!(checks["rows"][0]["n"], 0);
    // A refusal leaves its trace, a server that cannot be asked does not.
    assert_eq!(size(&env) - before, u64::from(code == 3));
    let dry = slo_gate(&env, &url, &["--timeout", "1s", "--dry-run"]).exits(code);
    assert!(dry.stdout.contains("error"));
}

#[test]
fn a_good_server_is_believed() {
    // The control of all others: the same stub, with usable answers.
    let env = orion();
    let before = size(&env);
    let url = format!("http://{}/", serve(|target| answer(target, "0.5")));
    let ran = slo_gate(&env, &url, &["--dry-run"]).exits(0).json();
    assert_eq!(ran["event"]["error_rate_delta"], 0.0);
    assert_eq!(size(&env), before);
    assert_eq!(slo_gate(&env, &url, &[]).exits(0).json()["appended"], 1);
}

#[test]
fn all_of_the_window_is_looked_at() {
    let env = orion();
    // Two parts of five seconds are answered, and twelve seconds are asked for.
    let url = format!("http://{}", serve(|target| answer(target, "0.5")));
    let ran = slo_gate(&env, &url, &["--window", "12s"]).exits(3);
    assert!(ran.stdout.contains("not covered"), "{ran:?}");
    // Without --step, a short window has two halves.
    let asked = ["--window", "30s", "--step", "15s", "--dry-run"];
    let wanted = slo_gate(&env, &url, &asked).exits(0).json();
    assert_eq!(wanted["event"]["labels"]["coverage_step_s"], "15");
}

#[test]
fn the_job_that_measures_stands_in_the_check_and_the_check_in_its_summary() {
    let env = orion();
    let url = format!("http://{}", serve(|target| answer(target, "0.5")));
    let (canary, baseline) = (digest('a'), digest('b'));
    let args = [
        ["slo-gate", "--prometheus", &url, "--component", "api", "--digest", &canary].as_slice(),
        &["--baseline-digest", &baseline, "--window", "20s", "--format", "json"],
        &["--error-query", "e{t=\"{{track}}\"}[{{window}}]"],
        &["--latency-query", "l{t=\"{{track}}\"}[{{window}}]"],
    ]
    .concat();
    let mut command = env.command(&args);
    command.envs([("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "9001"), ("GITHUB_SHA", "c")]);
    command.env("GITHUB_STEP_SUMMARY", env.path().join("summary.md"));
    let event = Ran::of(&mut command).exits(0).json()["event"].clone();
    assert_eq!(
        (&event["source"]["system"], &event["source"]["run_id"]),
        (&"prometheus".into(), &"9001".into())
    );
    assert!(event.get("commit").is_none(), "a check of an artifact");
    let summary = std::fs::read_to_string(env.path().join("summary.md")).expect("a summary");
    assert!(summary.contains("suite slo, result pass"), "{summary}");
}

#[test]
fn no_number_is_no_pass() {
    for value in ["NaN", "+Inf", "-Inf", "", "many"] {
        refuses(3, "no number", move |target| answer(target, value));
    }
    refuses(3, "outside of 0 to 1", |target| answer(target, "3.5"));
    refuses(3, "outside of 0 to 1", |target| answer(target, "-0.5"));
}

#[test]
fn no_series_several_and_other_types_are_refused() {
    refuses(3, "no traffic", |_| series("vector", ""));
    let two = "{\"metric\":{},\"value\":[1,\"1\"]},{\"metric\":{},\"value\":[1,\"2\"]}";
    refuses(3, "2 series", move |_| series("vector", two));
    refuses(3, "not a vector", |_| series("matrix", "{\"metric\":{},\"values\":[[1,\"1\"]]}"));
    refuses(3, "another time", |_| series("vector", "{\"metric\":{},\"value\":[1,\"0.1\"]}"));
    // The whole window has a number, and a part of it has none.
    refuses(3, "not covered", |target| match target.contains("query_range") {
        true => series("matrix", "{\"metric\":{},\"values\":[[1,\"0.1\"]]}"),
        false => answer(target, "0.1"),
    });
}

#[test]
fn partial_data_and_refused_queries_are_named() {
    refuses(3, "partial", |target| {
        let warned =
            content(target, "0.1").replacen('{', "{\"warnings\":[\"a shard is away\"],", 1);
        response("200 OK", "", &warned)
    });
    refuses(3, "partial", |target| {
        let partial = content(target, "0.1").replacen('{', "{\"isPartial\":true,", 1);
        response("200 OK", "", &partial)
    });
    let bad = "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}";
    refuses(3, "bad_data", move |_| response("400 Bad Request", "", bad));
}

#[test]
fn a_server_that_fails_is_no_verdict() {
    refuses(4, "answers 503", |_| response("503 Service Unavailable", "", "down"));
    refuses(4, "as a Prometheus does", |_| response("200 OK", "", "<html>welcome</html>"));
    refuses(4, "as a Prometheus does", |_| response("200 OK", "", "{\"status\":\"success\"}"));
    refuses(4, "cannot be asked", |_| "no HTTP at all\r\n\r\n".to_owned());
    refuses(4, "redirect to `http://127.0.0.1:9/`", |_| {
        response("302 Found", "Location: http://127.0.0.1:9/\r\n", "")
    });
    let env = orion();
    slo_gate(&env, "http://127.0.0.1:9", &[]).exits(4);
}

#[test]
fn a_slow_server_is_not_waited_for() {
    let begun = Instant::now();
    refuses(4, "did not answer within 1 s", |target| {
        std::thread::sleep(Duration::from_secs(3));
        answer(target, "0.1")
    });
    assert!(begun.elapsed() < Duration::from_secs(20));
    let huge = "x".repeat(5 << 20);
    refuses(4, "cannot be asked", move |_| response("200 OK", "", &huge));
}
