//! `relbook gate`: may this artifact be promoted, or might that deploy have been? (semantics A.10)
//!
//! Exit 1 when a required gate fails or nothing is known for it. `--record` keeps the decision in
//! the book as it was made, with the policy and the evidence that it rests on.

use clap::Args;
use relbook_ledger::event::Stage;
use relbook_query::question::{Answer, GateAsk, GateOf, Question};
use relbook_query::table::Cell;
use serde_json::{Map, Value, json};

use super::question;
use crate::args::Format;
use crate::author::Input;
use crate::ci::summary;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::submit;
use crate::ui::Ui;

/// Arguments of `gate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook gate api 1.4.2 --to production
  relbook gate api sha256:... --to canary --explain
  relbook gate api 1.4.3 --to production --hotfix HF-1 --record --key ci.pem
  relbook gate --deploy P7                    was this deploy right, by the policy of its time?
  relbook gate --deploy P7 --policy now       would it be right by today's?

Verdicts: pass, fail, missing (nothing was recorded), deferred (a hotfix may come without it for
now), not_applicable. A waived gate keeps its verdict and is no longer required.")]
pub struct GateArgs {
    /// The component (name or alias)
    #[arg(required_unless_present = "deploy", requires_all = ["artifact", "to"])]
    pub component: Option<String>,
    /// Its version, or the digest of its artifact
    #[arg(value_name = "VERSION|DIGEST")]
    pub artifact: Option<String>,
    /// The stage to enter: dev, staging, canary or production
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    pub to: Option<Stage>,
    /// The environment [default: that of the stage; canary lives in production]
    #[arg(long, value_name = "NAME", conflicts_with = "deploy")]
    pub env: Option<String>,
    /// Judge by the profile of this hotfix, which must be open
    #[arg(long, value_name = "ID", conflicts_with = "deploy")]
    pub hotfix: Option<String>,
    /// Who would start it: an approval by the same person does not count
    #[arg(long, value_name = "PRINCIPAL", conflicts_with = "deploy")]
    pub initiated_by: Option<String>,
    /// Judge a deploy that was started, as it was started
    #[arg(long, value_name = "ID", conflicts_with_all = ["component", "artifact", "to"])]
    pub deploy: Option<String>,
    /// Whose policy judges: that in force then, or today's
    #[arg(long, value_enum, default_value = "then")]
    pub policy: Which,
    /// Append the decision to the book, signed by your key
    #[arg(long, conflicts_with_all = ["as_of", "as_known", "deploy"])]
    pub record: bool,
}

/// Which policy judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// That in force at the deploy
    Then,
    /// That in force now
    Now,
}

fn stage(text: &str) -> Result<Stage, String> {
    Stage::parse(text)
        .ok_or_else(|| format!("`{text}` is no stage; there are dev, staging, canary, production"))
}

/// Asks the gates, and records what they say if wanted.
pub(super) fn run(args: GateArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let record = args.record;
    if record && args.policy == Which::Now {
        return Err(Error::usage("a decision is recorded by the policy in force")
            .hint("leave --policy out"));
    }
    let question = Question::Gate(ask(args)?);
    let book = question::open(config, ui)?;
    let answer = question::answer(config, &book, &question)?;
    let recorded = if record { Some(record_decision(&answer, config, ui)?) } else { None };
    summary::add(ui, || section(&answer));
    if ui.format() == Format::Json {
        let mut whole = question::to_json(config, &book, &answer)?;
        if let Some(seq) = recorded {
            whole["recorded_seq"] = json!(seq);
        }
        ui.json(&whole)?;
    } else {
        question::show(config, ui, &book, &answer)?;
        if let (Some(seq), Format::Table) = (recorded, ui.format()) {
            ui.line(&format!("recorded as gate.decided, seq {seq}"))?;
        }
    }
    Ok(if answer.holds { ExitCode::Done } else { ExitCode::DoesNotHold })
}

/// Returns what the summary of a CI job says of it.
fn section(answer: &Answer) -> String {
    const COLUMNS: [&str; 5] = ["gate", "verdict", "observed", "threshold", "why"];
    let head = |name: &str| answer.header(name).map(plain).unwrap_or_default();
    let verdict = if answer.holds { "open" } else { "closed" };
    let title =
        format!("Gate {verdict}: {} {} to {}", head("component"), head("version"), head("stage"));
    let rows = answer.to_json()["rows"].as_array().cloned().unwrap_or_default();
    let row = |row: &Value| COLUMNS.iter().map(|name| text(&row[*name])).collect();
    summary::table(&title, &COLUMNS, &rows.iter().map(row).collect::<Vec<_>>())
}

fn plain(cell: &Cell) -> String {
    text(&cell.to_json())
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn ask(args: GateArgs) -> Result<GateAsk, Error> {
    let policy_of_today = args.policy == Which::Now;
    let of = match (args.deploy, args.component, args.artifact, args.to) {
        (Some(id), ..) => GateOf::Deploy(id),
        (None, Some(component), Some(artifact), Some(stage)) => GateOf::Artifact {
            component,
            artifact,
            stage,
            environment: args.env,
            hotfix_id: args.hotfix,
            initiated_by: args.initiated_by,
        },
        _ => return Err(Error::usage("gate needs COMPONENT VERSION --to STAGE, or --deploy ID")),
    };
    Ok(GateAsk { of, policy_of_today })
}

/// Appends the decision; returns its seq.
fn record_decision(answer: &Answer, config: &Config, ui: &Ui) -> Result<u64, Error> {
    let head = |name: &str| answer.header(name).map(Cell::to_json).unwrap_or_default();
    let mut event = Map::new();
    event.insert("kind".to_owned(), json!("gate.decided"));
    for name in ["component", "version", "digest", "stage", "verdict", "policy_seq"] {
        let value = head(name);
        if !value.is_null() {
            event.insert(name.to_owned(), value);
        }
    }
    let rows = answer.to_json()["rows"].as_array().cloned().unwrap_or_default();
    let mut seqs: Vec<u64> =
        answer.table.rows.iter().flat_map(|row| row.evidence.iter().copied()).collect();
    seqs.sort_unstable();
    seqs.dedup();
    let result = |row: Value| {
        let named = ["gate", "required", "verdict", "observed", "threshold", "evidence_seq", "why"];
        let cell =
            |name: &str| Some((name.to_owned(), row.get(name).filter(|v| !v.is_null())?.clone()));
        Value::Object(named.into_iter().filter_map(cell).collect())
    };
    event.insert("results".to_owned(), rows.into_iter().map(result).collect());
    event.insert("evidence_seqs".to_owned(), json!(seqs));
    let mut writer = submit::open(config)?;
    let receipts = submit::append(config, ui, &mut writer, vec![(None, Input::Fields(event))])?;
    let seq = receipts.first().map(|receipt| receipt.seq);
    seq.ok_or_else(|| Error::Bug("an event was appended without a receipt".to_owned()))
}
