//! `relbook import argocd|kargo`: the deploys that these tools will soon have forgotten.

use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;
use relbook_ledger::admission::{Code, Refusal};
use relbook_ledger::limits::BATCH_EVENTS_MAX;
use relbook_ledger::store::{Appended, Ledger};
use serde_json::{Map, Value, json};

use super::shown;
use crate::args::none_empty;
use crate::author::Input;
use crate::blob::Blobs;
use crate::config::Config;
use crate::derived::Told;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::import::deploys::{self, Found, Memory, Place};
use crate::ingest::{Builds, Context, Document};
use crate::recorded::BookRecords;
use crate::submit;
use crate::ui::{Ui, counted};

/// Arguments of `import argocd` and `import kargo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kubectl get applications.argoproj.io -A -o json > apps.json
  relbook import argocd apps.json
  relbook import argocd exports/ --component api --map eu-cluster=production/eu-west-1
  kubectl get promotions,freights,stages -A -o json > kargo.json
  relbook import kargo kargo.json --map prod=production --dry-run

Component, environment and target are those whose registered name the object has in its labels,
name, cluster or namespace, or those given here. A deploy whose artifact is known by no digest
(pinned in the source, in the Freight, recorded as a build of that version) is left out and named.
Argo CD keeps the last ten successful syncs and no failures; its revision is that of the
configuration repository. Importing again, a later export too, adds only what is new.")]
pub struct DeployArgs {
    /// Files of `kubectl get -o json|yaml`, or directories of them; - is standard input
    #[arg(value_name = "FILE|DIR", required = true)]
    pub paths: Vec<PathBuf>,
    /// The component (name or alias) [default: what the objects name]
    #[arg(long, value_name = "NAME")]
    pub component: Option<String>,
    /// The environment [default: what the objects name]
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// The stage [default: the environment's name]
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// The target of the environment [default: what the objects name]
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Where a Stage of Kargo, an Application, cluster or namespace belongs; repeatable
    #[arg(long, value_name = "NAME=ENVIRONMENT[/TARGET]")]
    pub map: Vec<Place>,
    /// Print the events as NDJSON and append nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Imports.
pub(super) fn run(
    memory: Memory,
    args: DeployArgs,
    config: &Config,
    ui: &mut Ui,
) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let outcome = read(memory, &args, config, &ledger);
    drop(ledger);
    let mut found = match outcome {
        Err(error @ Error::Refused { .. }) if !args.dry_run => {
            return Err(submit::refused(config, &mut submit::open(config)?, error));
        }
        outcome => outcome?,
    };
    shown::warnings(ui, &found.0.warnings);
    if args.dry_run {
        return shown::dry(ui, summary(memory, &found.0, found.1), &found.0.events);
    }
    let events = std::mem::take(&mut found.0.events);
    let receipts = append(config, ui, &found.0, events)?;
    show(memory, ui, &found.0, found.1, &receipts)?;
    Ok(ExitCode::Done)
}

/// Reads what the book does not have, and counts what it has.
fn read(
    memory: Memory,
    args: &DeployArgs,
    config: &Config,
    ledger: &Ledger,
) -> Result<(Found, usize), Error> {
    none_empty([
        ("component", args.component.as_ref()),
        ("environment", args.environment.as_ref()),
        ("stage", args.stage.as_ref()),
        ("target", args.target.as_ref()),
    ])?;
    let registry = ledger.registry().clone();
    let resolve = |name: &String| registry.resolve(name).unwrap_or(name).to_owned();
    let context = Context {
        component: args.component.as_ref().map(resolve),
        environment: args.environment.clone(),
        stage: args.stage.clone(),
        target: args.target.clone(),
        builds: Builds::of(Rc::new(BookRecords::new(&config.book))),
        registry,
        ..Context::default()
    };
    let mut documents = Vec::new();
    for file in deploys::files(&args.paths)? {
        documents.push(if file.as_os_str() == "-" {
            Document::from_reader("standard input", std::io::stdin())?
        } else {
            Document::open(&file)?
        });
    }
    let mut found = deploys::read(memory, documents, &context, &args.map)?;
    // Every event has a key of its own: the author's id is part of none of the ids.
    let (new, known) = Told::new(ledger, "").first(std::mem::take(&mut found.events))?;
    found.events = new;
    Ok((found, known.len()))
}

fn append(
    config: &Config,
    ui: &Ui,
    found: &Found,
    events: Vec<Map<String, Value>>,
) -> Result<Vec<Appended>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut writer = submit::open(config)?;
    if events.len() > BATCH_EVENTS_MAX {
        let message = format!(
            "{} events are more than the {BATCH_EVENTS_MAX} of one batch; import fewer files at \
             a time",
            events.len()
        );
        let refusal = Refusal::new(Code::TooLarge, message);
        return Err(submit::refused(config, &mut writer, refusal.into()));
    }
    let named = |digest: &str| {
        let lists = events.iter().filter_map(|event| event.get("evidence")?.as_array());
        lists.flatten().any(|held| held == digest)
    };
    let mut blobs = Blobs::default();
    for (digest, file) in found.files.iter().filter(|(digest, _)| named(digest)) {
        if let Err(error) = blobs.keep(&config.book, digest, file.bytes()) {
            blobs.take_back();
            return Err(error);
        }
    }
    let batch = events.into_iter().map(|event| (None, Input::Fields(event))).collect();
    submit::append(config, ui, &mut writer, batch).inspect_err(|_| blobs.take_back())
}

fn show(
    memory: Memory,
    ui: &mut Ui,
    found: &Found,
    known: usize,
    receipts: &[Appended],
) -> Result<(), Error> {
    let appended = shown::new_ones(receipts);
    let known = known + receipts.len() - appended;
    let Found { files, objects, deploys, .. } = found;
    let mut lines = vec![
        format!(
            "{}: {} in {}",
            memory.as_str(),
            counted(*objects, "object"),
            counted(files.len(), "file")
        ),
        format!(
            "{}: appended {}, {known} known already",
            counted(*deploys, "deploy"),
            counted(appended, "event")
        ),
    ];
    let ignored = found.ignored.iter().map(|(kind, count)| format!("{count} {kind}"));
    let ignored = ignored.collect::<Vec<_>>().join(", ");
    if !ignored.is_empty() {
        lines.insert(1, format!("not read: {ignored}"));
    }
    shown::appended(ui, summary(memory, found, known), &lines, receipts)
}

fn summary(memory: Memory, found: &Found, known: usize) -> Map<String, Value> {
    let fields = [
        ("system", json!(memory.as_str())),
        ("files", json!(found.files.len())),
        ("objects", json!(found.objects)),
        ("ignored", json!(found.ignored)),
        ("deploys", json!(found.deploys)),
        ("known", json!(known)),
    ];
    shown::summary(fields, &found.warnings)
}
