//! `slo-gate`: against a real Prometheus that scrapes an exporter of this test, and against a stub
//! that answers as a broken or hostile server would.

mod faults;
mod real;
mod web;

use relbook_testkit::environment::{Ran, TestEnvironment};

use crate::scratch::digest;

const ERRORS: &str = "sum(rate(requests_total{track=\"{{track}}\",code=\"500\"}[{{window}}])) \
                      / sum(rate(requests_total{track=\"{{track}}\"}[{{window}}]))";
const LATENCY: &str = "histogram_quantile(0.99, sum by (le) \
                       (rate(seconds_bucket{track=\"{{track}}\"}[{{window}}])))";

/// Runs `slo-gate` for orion-api; what `more` says comes last and so counts.
fn slo_gate(env: &TestEnvironment, url: &str, more: &[&str]) -> Ran {
    let (canary, baseline) = (digest('a'), digest('b'));
    let mut args = vec!["slo-gate", "--prometheus", url, "--component", "api"];
    let pairs = [
        ("--digest", canary.as_str()),
        ("--baseline-digest", baseline.as_str()),
        ("--error-query", ERRORS),
        ("--latency-query", LATENCY),
        ("--window", "10s"),
        ("--step", "5s"),
        ("--format", "json"),
    ];
    for (option, value) in pairs {
        if !more.contains(&option) {
            args.extend([option, value]);
        }
    }
    args.extend(more);
    env.run(&args)
}

#[test]
fn what_would_always_pass_is_wrong_usage() {
    let env = crate::scratch::orion();
    let before = crate::scratch::size(&env);
    let url = "http://127.0.0.1:9";
    let same = digest('a');
    for (more, says) in [
        (&["--baseline-digest", same.as_str()][..], "the same"),
        (&["--digest", ""], "--digest"),
        (&["--error-query", "sum(rate(errors{t=\"{{track}}\"}[5m]))"], "{{window}}"),
        (&["--error-query", "sum(rate(errors[{{window}}]))"], "asks the same"),
        (&["--latency-query", ""], "empty"),
        (&["--end", "2999-01-01"], "future"),
        (&["--window", "0s"], "--window"),
        (&["--step", "6s"], "two parts"),
        (&["--canary-track", "a\"b"], "must be letters"),
    ] {
        let ran = slo_gate(&env, url, more).exits(2);
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(shown.contains(says), "{more:?}: {shown}");
    }
    for (url, says) in [
        ("prometheus:9090", "no http or https address"),
        ("http://user:secret@127.0.0.1:9", "user or password"),
    ] {
        let ran = slo_gate(&env, url, &[]).exits(2);
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(shown.contains(says) && !shown.contains("secret"), "{shown}");
    }
    assert_eq!(crate::scratch::size(&env), before);
}
