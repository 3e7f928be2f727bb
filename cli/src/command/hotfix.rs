//! `relbook hotfix`: question 7, how a hotfix gets out in time (semantics A.11, C.1 Q7).
//!
//! Plans from what is live, opens (`--open` appends `hotfix.opened`), and says how far one came.

use clap::Args;
use relbook_ledger::store::Writer;
use relbook_query::question::{Answer, HotfixAsk, Question};
use relbook_query::table::Cell;
use serde_json::{Map, json};

use super::question;
use crate::author::Input;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::submit;
use crate::ui::Ui;

/// Arguments of `hotfix`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook hotfix api                          the plan: base commit, branch, version, latest times
  relbook hotfix api --open --incident INC-9  open it; its clock runs from now
  relbook hotfix api --status HF-1            how far it came, and what is still owed
  relbook debt                                what is owed by all of them

The base is the commit that is live in production. Where the targets differ, or one is in doubt,
there is no such commit and the plan is refused (exit 1).")]
pub struct HotfixArgs {
    /// The component (name or alias)
    pub component: String,
    /// Open a hotfix: append hotfix.opened, signed by your key
    #[arg(long, conflicts_with = "status")]
    pub open: bool,
    /// Say how far a hotfix has come
    #[arg(long, value_name = "ID")]
    pub status: Option<String>,
    /// How long it may take, in minutes; the latest time of each step follows [default: 30]
    #[arg(long, visible_alias = "deadline-minutes", value_name = "MINUTES", conflicts_with = "status",
        value_parser = clap::value_parser!(u32).range(1..=10_080))]
    pub deadline: Option<u32>,
    /// The id to open it under [default: HF-COMPONENT-VERSION]
    #[arg(long, value_name = "ID", requires = "open")]
    pub id: Option<String>,
    /// The incident
    #[arg(long, value_name = "ID", requires = "open")]
    pub incident: Option<String>,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Plans, opens or follows a hotfix.
pub(super) fn run(args: HotfixArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ask = match &args.status {
        Some(id) => HotfixAsk::Status(id.clone()),
        None => HotfixAsk::Plan(args.deadline),
    };
    let (environment, component) = (args.env.clone(), args.component.clone());
    let question = Question::Hotfix { environment, component, ask };
    if !args.open {
        return question::ask(config, ui, &question);
    }
    if config.as_of.is_some() || config.as_known.is_some() {
        return Err(Error::usage("a hotfix is opened now, not in an earlier view").hint(
            "leave --as-of and --as-known out; `append hotfix.opened` takes an --occurred-at",
        ));
    }
    let book = question::open(config, ui)?;
    let plan = book.answer(&question, book.lens(None, None))?;
    if !plan.holds {
        // Refused: the answer says why, and nothing was appended.
        question::show(config, ui, &book, &plan)?;
        return Ok(ExitCode::DoesNotHold);
    }
    drop(book);
    let id = open(&args, &plan, config, ui)?;
    let ask = HotfixAsk::Status(id);
    let Question::Hotfix { environment, component, .. } = question else {
        return Err(Error::Bug("a hotfix was asked as another question".to_owned()));
    };
    question::ask(config, ui, &Question::Hotfix { environment, component, ask })
}

/// Appends the opening; returns its id.
fn open(args: &HotfixArgs, plan: &Answer, config: &Config, ui: &mut Ui) -> Result<String, Error> {
    let head = |name: &str| plan.header(name).and_then(Cell::as_text).unwrap_or_default();
    let component = head("component");
    let id = args.id.clone().unwrap_or_else(|| format!("HF-{component}-{}", head("version")));
    let mut writer = submit::open(config)?;
    let known = {
        let book = question::open(config, ui)?;
        let (environment, component) = (args.env.clone(), component.to_owned());
        let ask = HotfixAsk::Status(id.clone());
        let question = Question::Hotfix { environment, component, ask };
        book.answer(&question, book.lens(None, None)).is_ok()
    };
    if known {
        return Err(Error::usage(format!("the hotfix `{id}` of {component} was opened already"))
            .hint(format!(
                "`relbook hotfix {component} --status {id}` says how far it is; --id opens another"
            )));
    }
    let mut event = Map::new();
    event.insert("kind".to_owned(), json!("hotfix.opened"));
    event.insert("component".to_owned(), json!(component));
    event.insert("hotfix_id".to_owned(), json!(id));
    if let Some(incident) = &args.incident {
        event.insert("incident_id".to_owned(), json!(incident));
    }
    let minutes = plan.header("deadline_minutes").map(Cell::to_json).unwrap_or_default();
    event.insert("deadline_minutes".to_owned(), minutes);
    if let Some(principal) = signer(&writer, config)? {
        event.insert("opened_by".to_owned(), json!(principal));
    }
    submit::append(config, ui, &mut writer, vec![(None, Input::Fields(event))])?;
    Ok(id)
}

/// Returns who holds the key that signs; the writer will refuse a key that nobody holds.
fn signer(writer: &Writer, config: &Config) -> Result<Option<String>, Error> {
    let id = config.signing_key()?.public().id();
    let grant = writer.registry().keyring().latest(id);
    Ok(grant.map(|grant| grant.principal.to_string()))
}
