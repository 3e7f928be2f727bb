//! `relbook import github`: what a directory of saved API answers and webhooks tells.
//!
//! What GitHub forgets after days is put together by id, joined with the book's builds, and
//! appended as one atomic batch. What could not be joined is a warning; nothing is guessed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;
use relbook_ledger::admission::closest;
use relbook_ledger::limits::BATCH_EVENTS_MAX;
use relbook_ledger::store::{Appended, Ledger};
use serde_json::{Map, Value, json};

use super::{append, shown, unknown_component};
use crate::args::none_empty;
use crate::blob::Blobs;
use crate::config::Config;
use crate::derived::Told;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::import::github::{Import, import};
use crate::ingest::Context;
use crate::recorded::BookRecords;
use crate::submit;
use crate::ui::{Ui, counted};

/// Arguments of `import github`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  gh api --paginate repos/orion/api/deployments > saved/deployments.json
  gh api repos/orion/api/deployments/31/statuses > saved/statuses-31.json
  gh api --paginate repos/orion/api/releases > saved/releases.json
  gh api --paginate repos/orion/api/actions/runs > saved/runs.json
  gh api --paginate 'repos/orion/api/pulls?state=closed' > saved/pulls.json
  gh api repos/orion/api/pulls/12/reviews > saved/reviews-12.json
  relbook import github saved --component api --restored true

Webhooks are taken as they are, or as {\"event\": NAME, \"payload\": BODY}. Objects are told apart by
their content and put together by id; names of files say nothing. Deployments and reviews are joined
with artifacts through the builds of their commits that the book has: record those first. A merge
needs the API's commit object for its parents, and is named by import git too: whichever comes first
stands. Importing again adds only what is new. Approvals need a key of role reporter or admin.")]
pub struct GithubArgs {
    /// The directory with the saved files
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The component that they are about (name or alias)
    #[arg(long, value_name = "NAME")]
    pub component: String,
    /// Whether deploys that did not succeed left what ran before; without it they have no end
    #[arg(long, value_name = "BOOL")]
    pub restored: Option<bool>,
    /// The role in which reported approvers decided
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// Append N events at a time, each batch atomic [default: all at once]
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=BATCH_EVENTS_MAX as u64))]
    pub batch: Option<u64>,
    /// Print the events as NDJSON and append nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Imports.
pub(super) fn run(args: &GithubArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let found = read(args, config, &ledger);
    let mut found = match found {
        Ok(found) => found,
        Err(error @ Error::Refused { .. }) if !args.dry_run => {
            drop(ledger);
            return Err(submit::refused(config, &mut submit::open(config)?, error));
        }
        Err(error) => return Err(error),
    };
    // A dry run may have no key: keyed events have their ids without one.
    let author = match args.dry_run {
        true => String::new(),
        false => config.signing_key()?.public().id().to_string(),
    };
    let events = std::mem::take(&mut found.events);
    let (events, told) = Told::new(&ledger, &author).first(events)?;
    found.known += told.len();
    drop(ledger);
    let kinds = kinds(&events);
    shown::warnings(ui, &found.warnings);
    if args.dry_run {
        return shown::dry(ui, summary(&found, &kinds, found.known), &events);
    }
    let receipts = append_with_evidence(args, config, ui, &found, events)?;
    show(ui, &found, &kinds, &receipts)?;
    Ok(ExitCode::Done)
}

fn read(args: &GithubArgs, config: &Config, ledger: &Ledger) -> Result<Import, Error> {
    none_empty([("component", Some(&args.component)), ("role", args.role.as_ref())])?;
    let registry = ledger.registry();
    let component = registry.resolve(&args.component).unwrap_or(&args.component).to_owned();
    if registry.component(&component).is_none() {
        let near = closest(&component, registry.components().map(|(name, _)| name));
        return Err(unknown_component(&component, near));
    }
    let context = Context {
        registry: registry.clone(),
        component: Some(component),
        role: args.role.clone(),
        restored: args.restored,
        recorded: Some(Rc::new(BookRecords::new(&config.book))),
        ..Context::default()
    };
    Ok(import(&args.dir, &context)?)
}

/// Keeps the files that the events name, and appends.
fn append_with_evidence(
    args: &GithubArgs,
    config: &Config,
    ui: &Ui,
    found: &Import,
    events: Vec<Map<String, Value>>,
) -> Result<Vec<Appended>, Error> {
    let mut blobs = Blobs::default();
    for document in &found.documents {
        let is_named = events.iter().any(|event| {
            let list = event.get("evidence").and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|held| held == document.digest()))
        });
        if is_named
            && let Err(error) = blobs.keep(&config.book, document.digest(), document.bytes())
        {
            blobs.take_back();
            return Err(error);
        }
    }
    match append(args.batch, config, ui, events) {
        Ok(receipts) => Ok(receipts),
        Err(error) => {
            // Of several batches, those before may be in the book and name them.
            if args.batch.is_none() {
                blobs.take_back();
            }
            Err(error)
        }
    }
}

fn kinds(events: &[Map<String, Value>]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for event in events {
        let kind = event.get("kind").and_then(Value::as_str).unwrap_or_default();
        *kinds.entry(kind.to_owned()).or_default() += 1;
    }
    kinds
}

fn summary(found: &Import, kinds: &BTreeMap<String, usize>, known: usize) -> Map<String, Value> {
    let fields = [
        ("files", json!(found.documents.len())),
        ("objects", json!(found.objects)),
        ("kinds", json!(kinds)),
        ("known", json!(known)),
    ];
    shown::summary(fields, &found.warnings)
}

fn show(
    ui: &mut Ui,
    found: &Import,
    kinds: &BTreeMap<String, usize>,
    receipts: &[Appended],
) -> Result<(), Error> {
    let appended = shown::new_ones(receipts);
    let known = found.known + receipts.len() - appended;
    let objects = found.objects.iter().map(|(what, count)| format!("{count} {what}"));
    let objects = objects.collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("{}: {objects}", counted(found.documents.len(), "file"))];
    lines.extend(kinds.iter().map(|(kind, count)| format!("{count} {kind}")));
    lines.push(format!("appended {appended}, {known} known already"));
    shown::appended(ui, summary(found, kinds, known), &lines, receipts)
}
