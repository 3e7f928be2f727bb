//! `relbook slo-gate`: measures a canary against its baseline and records the check (contract 3).
//!
//! relbook asks Prometheus for four numbers over one window and computes the differences itself,
//! in units that are written down. Each series must be there in every part of the window. What
//! was asked and answered is kept as evidence. The policy in force decides between pass and fail.

mod measure;
mod prometheus;
mod template;

use clap::Args;
use relbook_ledger::event::{Digest, Stage};
use relbook_ledger::policy::Policy;
use relbook_ledger::store::{Clock as _, Ledger, SystemClock};
use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};

use crate::args::{Format, duration, time};
use crate::author::Input;
use crate::blob::Blobs;
use crate::ci::{self, summary};
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::submit;
use crate::ui::Ui;
use measure::{Deltas, ErrorUnit, LatencyUnit, Plan};
use prometheus::Server;
use template::{Side, Template};

/// How many parts of the window are looked at for gaps.
const PARTS: i64 = 6;

/// How long a part of a short window is, so that it holds two samples: a rate needs them.
const PART_S_MIN: i64 = 60;

/// Arguments of `slo-gate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook slo-gate --prometheus http://prometheus.example:9090 --component api \\
    --digest sha256:... --baseline-digest sha256:... --window 30m \\
    --error-query 'sum(rate(http_requests_total{track=\"{{track}}\",code=~\"5..\"}[{{window}}]))
                 / sum(rate(http_requests_total{track=\"{{track}}\"}[{{window}}]))' \\
    --latency-query 'histogram_quantile(0.99, sum by (le)
      (rate(http_request_duration_seconds_bucket{track=\"{{track}}\"}[{{window}}])))'

A query must give one number. It is asked twice, once for the canary and once for the baseline:
{{track}} is canary or stable (--canary-track, --baseline-track), {{digest}} and {{hex}} (the
digest without its algorithm) are those of --digest and --baseline-digest, {{component}} is the
component's name, {{window}} the range. Where the two sides need different queries, give
--baseline-error-query and --baseline-latency-query as well.

A service without a single error has no series of errors: write the numerator as
`(sum(rate(...)) or vector(0))`. Without traffic the denominator is still empty, and that is refused.

The error query gives a ratio from 0 to 1 (--error-unit percent: from 0 to 100); the latency query
gives seconds (--latency-unit ms: milliseconds). Recorded are percentage points and milliseconds,
canary less baseline. Refused, with nothing recorded: no series, several, NaN and infinity, a
window that is not covered by data from end to end, warnings of the server, redirects.
Exit 0 when the canary keeps the limits of the policy in force, 1 when it does not.")]
pub struct SloGateArgs {
    /// The Prometheus server: the address under which /api/v1 lies
    #[arg(long, value_name = "URL")]
    pub prometheus: String,
    /// The component (name or alias)
    #[arg(long, value_name = "NAME")]
    pub component: String,
    /// The digest of the canary
    #[arg(long, value_name = "ALG:HEX")]
    pub digest: String,
    /// The digest that it is compared with
    #[arg(long, value_name = "ALG:HEX")]
    pub baseline_digest: String,
    /// The query of the error rate, for both sides unless --baseline-error-query is given
    #[arg(long, visible_alias = "canary-error-query", value_name = "QUERY")]
    pub error_query: String,
    /// The query of the 99th percentile, for both sides unless --baseline-latency-query is given
    #[arg(long, visible_alias = "canary-latency-query", value_name = "QUERY")]
    pub latency_query: String,
    /// The query of the error rate of the baseline
    #[arg(long, value_name = "QUERY")]
    pub baseline_error_query: Option<String>,
    /// The query of the 99th percentile of the baseline
    #[arg(long, value_name = "QUERY")]
    pub baseline_latency_query: Option<String>,
    /// What {{track}} is for the canary
    #[arg(long, value_name = "TEXT", default_value = "canary", value_parser = track)]
    pub canary_track: String,
    /// What {{track}} is for the baseline
    #[arg(long, value_name = "TEXT", default_value = "stable", value_parser = track)]
    pub baseline_track: String,
    /// How long the window is
    #[arg(long, value_name = "LENGTH", value_parser = duration)]
    pub window: i64,
    /// The end of the window [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub end: Option<Time>,
    /// How long the parts are in which data must be there, at most half the window [default: a
    /// sixth of the window, of a short one a minute or half]
    #[arg(long, value_name = "LENGTH", value_parser = duration)]
    pub step: Option<i64>,
    /// What the error query gives
    #[arg(long, value_enum, default_value = "ratio")]
    pub error_unit: ErrorUnit,
    /// What the latency query gives
    #[arg(long, value_enum, default_value = "s")]
    pub latency_unit: LatencyUnit,
    /// The stage that was measured
    #[arg(long, value_name = "STAGE", default_value = "canary", value_parser = stage)]
    pub stage: Stage,
    /// A file with a bearer token for the server
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<std::path::PathBuf>,
    /// How long one question may take
    #[arg(long, value_name = "LENGTH", default_value = "10s", value_parser = duration)]
    pub timeout: i64,
    /// Measure and show the event, and append nothing
    #[arg(long)]
    pub dry_run: bool,
}

fn track(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("must be letters, digits, `_`, `-` and `.`".to_owned()),
    }
}

fn stage(text: &str) -> Result<Stage, String> {
    Stage::parse(text)
        .ok_or_else(|| format!("`{text}` is no stage; there are dev, staging, canary, production"))
}

/// Measures, judges and records.
pub(super) fn run(args: &SloGateArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let component =
        ledger.registry().resolve(&args.component).unwrap_or(&args.component).to_owned();
    let policy = ledger.registry().policy().clone();
    drop(ledger);
    let plan = plan(args, &component)?;
    let server = server(args)?;
    let measured = match plan.measure(&server) {
        Ok(deltas) => deltas,
        Err(error) if args.dry_run => return Err(error),
        Err(error) => {
            let mut writer = submit::open(config)?;
            return Err(submit::refused(config, &mut writer, error));
        }
    };
    let holds = measured.holds(&policy);
    let (mut event, evidence) = event(args, &component, &plan, &server, &measured, &policy);
    if let Some(run) = ci::here() {
        run.fill(&mut event);
    }
    let code = if holds { ExitCode::Done } else { ExitCode::DoesNotHold };
    if ui.format() == Format::Table {
        for line in measured.lines(&policy) {
            ui.line(&line)?;
        }
        let least = i64::try_from(policy.canary_min_bake_s).unwrap_or(i64::MAX);
        if plan.window < least {
            let window = plan.window;
            ui.note(&format!("the slo gate wants a window of {least} s; this one has {window} s"));
        }
    }
    if args.dry_run {
        return show(ui, event, code);
    }
    let mut blobs = Blobs::default();
    let digest = event["evidence"][0].as_str().unwrap_or_default().to_owned();
    blobs.keep(&config.book, &digest, evidence.as_bytes())?;
    let appended = submit::open(config).and_then(|mut writer| {
        let batch = vec![(None, Input::Fields(event.clone()))];
        let receipts = submit::append(config, ui, &mut writer, batch)?;
        Ok((writer.origin().to_owned(), receipts))
    });
    let receipts = match appended {
        Ok((origin, receipts)) => {
            summary::add(ui, || {
                summary::appended(&origin, std::slice::from_ref(&event), &receipts)
            });
            receipts
        }
        Err(error) => {
            blobs.take_back();
            return Err(error);
        }
    };
    submit::show(ui, &receipts, Map::from_iter([("event".to_owned(), Value::Object(event))]))?;
    Ok(code)
}

fn show(ui: &mut Ui, event: Map<String, Value>, code: ExitCode) -> Result<ExitCode, Error> {
    match ui.format() {
        Format::Table => {
            let text = serde_json::to_string_pretty(&event);
            ui.line(&text.map_err(|error| Error::Bug(error.to_string()))?)?;
            ui.note("nothing was appended (--dry-run)");
        }
        Format::Ndjson => ui.json(&Value::Object(event))?,
        _ => ui.json(&json!({ "event": event, "appended": 0, "receipts": [] }))?,
    }
    Ok(code)
}

fn plan(args: &SloGateArgs, component: &str) -> Result<Plan, Error> {
    for (option, digest) in
        [("--digest", &args.digest), ("--baseline-digest", &args.baseline_digest)]
    {
        Digest::parse(digest).map_err(|reason| Error::usage(format!("{option}: {reason}")))?;
    }
    if args.digest == args.baseline_digest {
        return Err(Error::usage("--digest and --baseline-digest are the same")
            .hint("a canary that is compared with itself always passes"));
    }
    let now = SystemClock.now().micros().div_euclid(1_000_000);
    let end = args.end.map_or(now, |end| end.micros().div_euclid(1_000_000));
    if end > now {
        return Err(Error::usage("--end lies in the future").hint("nothing is known of it yet"));
    }
    // Two halves at least, or data at its end alone would cover the window.
    let step = args.step.unwrap_or_else(|| {
        (args.window.saturating_add(PARTS - 1) / PARTS).max(PART_S_MIN).min(args.window / 2)
    });
    if step < 1 || step > args.window / 2 {
        return Err(Error::usage("--window and --step leave no two parts to look at")
            .hint("such as --window 30m, in parts of five minutes"));
    }
    let canary = Side { digest: args.digest.clone(), track: args.canary_track.clone() };
    let baseline =
        Side { digest: args.baseline_digest.clone(), track: args.baseline_track.clone() };
    let pair = |option: &str, text: &str, other: Option<&String>| {
        let own = Template::new(option, text, component, &canary)?;
        let text = other.map_or(text, String::as_str);
        let base =
            Template::new(&format!("--baseline-{}", &option[2..]), text, component, &baseline)?;
        if own.over(args.window) == base.over(args.window) {
            return Err(Error::usage(format!("{option} asks the same of canary and baseline"))
                .hint("tell them apart by {{track}} or {{digest}}, or give a query for each"));
        }
        Ok([own, base])
    };
    Ok(Plan {
        errors: pair("--error-query", &args.error_query, args.baseline_error_query.as_ref())?,
        latency: pair(
            "--latency-query",
            &args.latency_query,
            args.baseline_latency_query.as_ref(),
        )?,
        error_unit: args.error_unit,
        latency_unit: args.latency_unit,
        window: args.window,
        end,
        step,
    })
}

fn server(args: &SloGateArgs) -> Result<Server, Error> {
    let token = match &args.token_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| Error::file(path, "read", &error))?;
            Some(text.trim().to_owned())
        }
    };
    Server::new(&args.prometheus, token, args.timeout)
}

/// Makes the event and the evidence that it names.
fn event(
    args: &SloGateArgs,
    component: &str,
    plan: &Plan,
    server: &Server,
    measured: &Deltas,
    policy: &Policy,
) -> (Map<String, Value>, String) {
    let clock = |seconds: i64| Time::from_micros(seconds.saturating_mul(1_000_000)).to_string();
    let evidence = measured.evidence(server.base()).to_string();
    let digest = format!("blake3:{}", blake3::hash(evidence.as_bytes()).to_hex());
    let result = if measured.holds(policy) { "pass" } else { "fail" };
    let event = json!({
        "kind": "check.completed",
        "component": component,
        "suite": "slo",
        "result": result,
        "stage": args.stage.as_str(),
        "digest": args.digest,
        "baseline_digest": args.baseline_digest,
        "window_start": clock(plan.end - plan.window),
        "window_end": clock(plan.end),
        "error_rate_delta": measured.error_rate_delta(),
        "p99_delta_ms": measured.p99_delta_ms(),
        "labels": measured.labels(plan, policy),
        "source": {
            "system": "prometheus",
            "url": server.base(),
            "format": "prometheus-api/v1",
            "reader": "slo-gate/1",
            "trust": "asserted",
            "bytes": evidence.len(),
        },
        "evidence": [digest],
    });
    let Value::Object(event) = event else { return (Map::new(), evidence) };
    (event, evidence)
}
