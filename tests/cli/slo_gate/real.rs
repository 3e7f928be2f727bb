//! A real Prometheus, scraping an exporter with known rates.
//!
//! Without the program `prometheus` the test says that it did not run; under `CI=true` it fails.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use relbook_testkit::environment::TestEnvironment;
use relbook_testkit::report;

use super::slo_gate;
use super::web::{response, serve};
use crate::scratch::{digest, orion, size};

/// Requests per second of each track.
const RATE: f64 = 1000.0;

/// Errors in percent, and the shares of requests under 0.1, 0.2 and 0.3 seconds.
const TRACKS: [(&str, f64, [f64; 3]); 4] = [
    // p99: 0.1 + 0.1 * 0.49 / 0.50 = 198 ms.
    ("stable", 1.0, [0.5, 1.0, 1.0]),
    // p99: 0.2 + 0.1 * 0.03 / 0.04 ... over by 0.96: 0.2 + 0.1 * (0.99 - 0.985) / 0.015 = 233.3 ms.
    ("canary", 1.05, [0.5, 0.985, 1.0]),
    ("broken", 3.0, [0.5, 0.985, 1.0]),
    ("idle", 0.0, [0.0, 0.0, 0.0]),
];

/// The metrics after so many seconds.
fn metrics(seconds: f64) -> String {
    let mut text = String::new();
    for (track, errors, shares) in TRACKS {
        let total = if track == "idle" { 0.0 } else { seconds * RATE };
        let failed = total * errors / 100.0;
        let mut line = |name: &str, label: &str, value: f64| {
            text.push_str(&format!("{name}{{track=\"{track}\",{label}}} {value}\n"));
        };
        line("requests_total", "code=\"200\"", total - failed);
        line("requests_total", "code=\"500\"", failed);
        for (bound, share) in ["0.1", "0.2", "0.3"].into_iter().zip(shares) {
            line("seconds_bucket", &format!("le=\"{bound}\""), total * share);
        }
        line("seconds_bucket", "le=\"+Inf\"", total);
    }
    text
}

/// A Prometheus that ends with the test.
struct Prometheus {
    child: Child,
    url: String,
    begun: Instant,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts one; `None` when the machine has none.
fn prometheus(env: &TestEnvironment) -> Option<Prometheus> {
    let found = Command::new("prometheus").arg("--version").output();
    if found.is_err() {
        report::skip("slo-gate against a real Prometheus", "the program prometheus");
        return None;
    }
    let begun = Instant::now();
    let exporter = serve(move |_| {
        let body = metrics(begun.elapsed().as_secs_f64());
        response("200 OK", "Content-Type: text/plain; version=0.0.4\r\n", &body)
    });
    env.file(
        "prometheus.yml",
        format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs:\n- job_name: shop\n  static_configs: [{{targets: ['{exporter}']}}]\n"
        ),
    );
    let free = TcpListener::bind("127.0.0.1:0")
        .expect("as the test made it")
        .local_addr()
        .expect("as the test made it");
    let log =
        std::fs::File::create(env.path().join("prometheus.log")).expect("as the test made it");
    let child = Command::new("prometheus")
        .current_dir(env.path())
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
        .arg(format!("--web.listen-address={free}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("prometheus can be started");
    let server = Prometheus { child, url: format!("http://{free}"), begun };
    while TcpStream::connect(free).is_err() {
        let log = || std::fs::read_to_string(env.path().join("prometheus.log"));
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not start: {:?}", log());
        std::thread::sleep(Duration::from_millis(100));
    }
    Some(server)
}

#[test]
fn a_real_prometheus_is_measured_judged_and_recorded() {
    let env = orion();
    let Some(server) = prometheus(&env) else { return };
    let url = server.url.as_str();
    // Until two parts of five seconds are there, the window is not covered.
    let early = slo_gate(&env, url, &["--dry-run"]).exits(3);
    assert!(early.stdout.contains("no series") || early.stdout.contains("not covered"));
    let passed = loop {
        let ran = slo_gate(&env, url, &[]);
        if ran.code != 3 {
            break ran.exits(0).json();
        }
        assert!(server.begun.elapsed() < Duration::from_secs(60), "{}", ran.stdout);
        std::thread::sleep(Duration::from_millis(500));
    };
    let event = &passed["event"];
    assert_eq!((&event["result"], &event["suite"]), (&"pass".into(), &"slo".into()), "{passed}");
    let near = |name: &str, wanted: f64, slack: f64| {
        let value = event[name].as_f64().unwrap();
        assert!((value - wanted).abs() < slack, "{name}: {value}, not {wanted}");
    };
    near("error_rate_delta", 0.05, 0.01);
    near("p99_delta_ms", 35.333, 1.0);
    assert_eq!(event["baseline_digest"], digest('b'));
    assert!(event["labels"]["canary_error_query"].as_str().unwrap().contains("[10s]"));
    let window = format!("{}/{}", event["window_start"], event["window_end"]);
    assert!(window.contains("Z"), "{window}");
    // The questions and answers are kept under the digest that the event names.
    let hex = event["evidence"][0].as_str().unwrap().strip_prefix("blake3:").unwrap();
    let blob = env.path().join("book/blobs/blake3").join(&hex[..2]).join(hex);
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(blob).unwrap()).unwrap();
    assert_eq!(kept["exchanges"].as_array().unwrap().len(), 8);

    let failed = slo_gate(&env, url, &["--canary-track", "broken"]).exits(1).json();
    assert_eq!((&failed["event"]["result"], &failed["appended"]), (&"fail".into(), &1.into()));
    let before = size(&env);
    for (more, says) in [
        (&["--canary-track", "absent"][..], "no series"),
        (&["--canary-track", "idle"], "no number"),
        (&["--window", "10m", "--step", "1m"], "not covered"),
        (&["--error-query", "rate(requests_total{track=\"{{track}}\"}[{{window}}])"], "2 series"),
        (
            &["--error-query", "sum(rate(requests_total{track=\"{{track}}\"}[{{window}}])"],
            "bad_data",
        ),
        (&["--latency-query", "requests_total{track=\"{{track}}\"}[{{window}}]"], "matrix"),
        (&["--end", "2026-01-01T00:00:00Z"], "no series"),
    ] {
        let ran = slo_gate(&env, url, more).exits(3);
        assert!(ran.stdout.contains(says), "{more:?}: {}", ran.stdout);
    }
    assert_eq!(size(&env), before + 7, "seven refusals and no check");
    // Nothing was ever counted as an error: a rate of zero, as long as there is traffic.
    let none = "(sum(rate(requests_total{track=\"{{track}}\",code=\"599\"}[{{window}}])) or \
                vector(0)) / sum(rate(requests_total{track=\"{{track}}\"}[{{window}}]))";
    let clean = slo_gate(&env, url, &["--error-query", none]).exits(0).json();
    assert_eq!(clean["event"]["labels"]["error_rate_canary_percent"], "0");
    let bare = none.replace(" or vector(0)", "");
    let ran = slo_gate(&env, url, &["--error-query", &bare]).exits(3);
    assert!(ran.stdout.contains("or vector(0)"), "{}", ran.stdout);
    slo_gate(&env, url, &["--error-query", none, "--canary-track", "absent"]).exits(3);
    env.run(&["verify"]).exits(0);
}
