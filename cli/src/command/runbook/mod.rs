//! `relbook runbook`: RELEASING.md, written from the policy in force.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use minijinja::Environment;
use relbook_query::question::{Answer, Question};
use serde_json::{Map, Value, json};

use super::question;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// The text around the facts.
const TEMPLATE: &str = include_str!("RELEASING.md.j2");

/// How many trains the calendar shows.
const TRAINS: usize = 3;

/// The days between the cut of a train and its tag.
const TRAIN_DAYS: i64 = 7;

/// Arguments of `runbook`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook runbook > RELEASING.md
  relbook runbook api --output docs/RELEASING-api.md
  relbook runbook --as-of 2026-01-31          as it was then
  relbook runbook --format csv                one row per stage and gate

Markdown: per component the stages with their gates, limits and owners (who holds the role), the
calendar of the trains, the way back, the hotfix path. Written from the book, so it cannot be stale.")]
pub struct RunbookArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
    /// Write to this file instead
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Writes the runbook; the other forms have its rows.
pub(super) fn run(args: RunbookArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let question = Question::Runbook { component: args.component };
    if ui.format() != Format::Table || config.explain {
        if args.output.is_some() {
            return Err(Error::usage("--output takes the Markdown")
                .hint("redirect what is not: relbook runbook --format csv > FILE"));
        }
        return question::ask(config, ui, &question);
    }
    let book = question::open(config, ui)?;
    let answer = question::answer(config, &book, &question)?;
    let text = render(book.ledger().origin(), &answer)?;
    match args.output {
        Some(path) => fs::write(&path, format!("{text}\n")).map_err(|error| {
            Error::not_done("io", format!("{} cannot be written: {error}", path.display()))
        })?,
        None => ui.line(&text)?,
    }
    Ok(ExitCode::Done)
}

fn render(origin: &str, answer: &Answer) -> Result<String, Error> {
    let whole = answer.to_json();
    let head = &whole["header"];
    let rows = whole["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let component = |described: &Value| {
        let of_it = |row: &&Value| row["component"] == described["name"];
        let rows: Vec<&Value> = rows.iter().filter(of_it).collect();
        describe(described, &rows)
    };
    let described = head["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    let components: Vec<Value> = described.iter().map(component).collect();
    let mut approval = rows.iter().filter(|row| row["gate"] == "approval");
    let approval = approval.next().map_or_else(
        || json!("The policy asks for no approval."),
        |row| row["requirement"].clone(),
    );
    let mut environment = Environment::new();
    // The file is Markdown: nothing is escaped as in HTML.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let broken = |error: minijinja::Error| Error::Bug(format!("the runbook's text: {error}"));
    let template = environment.template_from_str(TEMPLATE).map_err(broken)?;
    let facts = json!({
        "origin": origin,
        "components": components,
        "approval": approval,
        "as_of": whole["as_of"],
        "simulated": answer.simulated_clock,
        "checkpoint": whole["checkpoint"],
        "policy_seq": head["policy_seq"],
        "policy": head["policy"],
        "environments": head["environments"],
        "hotfix": head["hotfix"],
        "calendar": calendar(answer)?,
    });
    let text = template.render(minijinja::value::Serde(facts));
    Ok(text.map_err(broken)?.trim_end().to_owned())
}

/// Puts the rows of a component under its stages.
fn describe(described: &Value, rows: &[&Value]) -> Value {
    let mut whole = described.as_object().cloned().unwrap_or_default();
    let text = |name: &str| described[name].as_str().unwrap_or_default();
    let example = if text("scheme") == "semver" { "1.4.2" } else { "VERSION" };
    let deployed = text("release_model") == "deployed";
    whole.insert("example_tag".to_owned(), json!(format!("{}{example}", text("tag_prefix"))));
    let leaves = match (deployed, rows.is_empty()) {
        (true, _) => "deploys",
        (false, false) => "release train, published",
        (false, true) => "published",
    };
    whole.insert("leaves_by".to_owned(), json!(leaves));
    if deployed {
        whole.insert("stages".to_owned(), stages(rows));
    } else {
        whole.insert("rules".to_owned(), json!(rows));
        whole
            .insert("owners".to_owned(), rows.first().map_or(Value::Null, |r| r["owners"].clone()));
    }
    Value::Object(whole)
}

fn stages(rows: &[&Value]) -> Value {
    let mut stages: Vec<Map<String, Value>> = Vec::new();
    for row in rows {
        if stages.last().is_none_or(|stage| stage["stage"] != row["stage"]) {
            let stage = json!({"stage": row["stage"], "gates": [], "repeats": false});
            stages.extend(stage.as_object().cloned());
        }
        let Some(stage) = stages.last_mut() else { continue };
        if row["new"] == json!(true) {
            stage.get_mut("gates").and_then(Value::as_array_mut).into_iter().for_each(|gates| {
                gates.push((*row).clone());
            });
        } else {
            stage.insert("repeats".to_owned(), json!(true));
        }
    }
    json!(stages)
}

/// Returns the next trains: cut on the first day of a month, tagged a week later.
fn calendar(answer: &Answer) -> Result<Vec<Value>, Error> {
    let bug = |error: jiff::Error| Error::Bug(format!("the calendar: {error}"));
    let (year, month, _) = answer.lens.as_of.year_month_day();
    let first = i16::try_from(year).ok().zip(i8::try_from(month).ok());
    let Some(Ok(mut cut)) = first.map(|(year, month)| jiff::civil::Date::new(year, month, 1))
    else {
        return Ok(Vec::new());
    };
    let mut trains = Vec::with_capacity(TRAINS);
    while trains.len() < TRAINS {
        cut = cut.checked_add(jiff::Span::new().months(1)).map_err(bug)?;
        let tag = cut.checked_add(jiff::Span::new().days(TRAIN_DAYS)).map_err(bug)?;
        trains.push(json!({"cut": cut.to_string(), "tag": tag.to_string()}));
    }
    Ok(trains)
}
