//! `relbook ask`: the seven questions at once.
//!
//! A question that cannot be asked is named as such: silence would read as "none".

use clap::Args;
use relbook_query::Book;
use relbook_query::question::{Answer, CompatAsk, HotfixAsk, Question, WhichDeploy};
use relbook_query::table::Cell;
use serde_json::{Value, json};

use super::question;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `ask`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook ask
  relbook ask --component web --env staging
  relbook ask --as-of 2026-06-10 --format json")]
pub struct AskArgs {
    /// The component of the questions that are about one [default: that of the last deploy]
    #[arg(long, value_name = "NAME")]
    pub component: Option<String>,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// A question with its place among the seven, and what came of it.
enum Part {
    Answered(Box<Answer>),
    NotAnswered(&'static str, String),
}

const TITLES: [&str; 7] = [
    "Which version of every component is live?",
    "Which commit is that?",
    "What changed between the last two releases?",
    "Where can we roll back to?",
    "Which versions go together?",
    "Who approved the last production deploy, and when?",
    "How does a hotfix get out in time?",
];

/// Asks them all and shows the answers.
pub(super) fn run(args: &AskArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let book = question::open(config, ui)?;
    show(config, ui, &book, &parts(args, config, &book)?)?;
    Ok(ExitCode::Done)
}

/// Asks them all; returns the answers as JSON.
pub(super) fn answers(args: &AskArgs, config: &Config, ui: &mut Ui) -> Result<Vec<Value>, Error> {
    let book = question::open(config, ui)?;
    parts(args, config, &book)?.iter().map(|part| to_json(config, &book, part)).collect()
}

fn parts(args: &AskArgs, config: &Config, book: &Book) -> Result<[Part; 7], Error> {
    let ask = |question: &Question| question::answer(config, book, question);
    let environment = || args.env.clone();
    let component = args.component.clone();
    let approvals = ask(&Question::Approvals {
        environment: environment(),
        component: component.clone(),
        which: WhichDeploy::LastSucceeded,
    })?;
    // The component that was deployed last is the one that most likely matters now.
    let deployed = approvals.header("component").and_then(Cell::as_text).map(str::to_owned);
    let registered = || {
        let mut all = book.ledger().registry().components();
        all.next().map(|(name, _)| name.to_owned())
    };
    let component = component.or(deployed).or_else(registered);
    let of_one = |name: &'static str, question: &dyn Fn(String) -> Question| match &component {
        Some(component) => ask(&question(component.clone())).map(answered),
        None => Ok(Part::NotAnswered(name, "no component is registered".to_owned())),
    };
    let diff = of_one("diff", &|component| {
        let (versions, transitions) = (None, false);
        Question::Diff { environment: environment(), component, versions, transitions }
    })?;
    let rollback = of_one("rollback", &|component| Question::Rollback {
        environment: environment(),
        component,
        any: false,
    })?;
    let hotfix = of_one("hotfix", &|component| {
        let ask = HotfixAsk::Plan(None);
        Question::Hotfix { environment: environment(), component, ask }
    })?;
    Ok([
        answered(ask(&Question::Status { environment: environment() })?),
        answered(ask(&Question::Commit { environment: environment(), component: None })?),
        diff,
        rollback,
        answered(ask(&Question::Compat { environment: environment(), ask: CompatAsk::Live })?),
        answered(approvals),
        hotfix,
    ])
}

fn answered(answer: Answer) -> Part {
    Part::Answered(Box::new(answer))
}

fn show(config: &Config, ui: &mut Ui, book: &Book, parts: &[Part]) -> Result<(), Error> {
    if matches!(ui.format(), Format::Json | Format::Ndjson) {
        let answers: Result<Vec<Value>, Error> =
            parts.iter().map(|part| to_json(config, book, part)).collect();
        let answers = answers?;
        if ui.format() == Format::Json {
            return ui.json(&json!({ "answers": answers }));
        }
        return answers.iter().try_for_each(|answer| ui.json(answer));
    }
    if ui.format() != Format::Table {
        return Err(Error::usage("seven answers do not fit into one table of this form")
            .hint("use --format json, or ask one question at a time"));
    }
    for (number, (title, part)) in TITLES.iter().zip(parts).enumerate() {
        ui.line(&format!("{}. {title}", number + 1))?;
        match part {
            Part::Answered(answer) => question::show(config, ui, book, answer)?,
            Part::NotAnswered(_, why) => ui.line(why)?,
        }
        if number + 1 < parts.len() {
            ui.line("")?;
        }
    }
    Ok(())
}

fn to_json(config: &Config, book: &Book, part: &Part) -> Result<Value, Error> {
    match part {
        Part::Answered(answer) => question::to_json(config, book, answer),
        Part::NotAnswered(question, why) => {
            Ok(json!({ "question": question, "not_answered": why }))
        }
    }
}
