//! `relbook append`: one event from flags, or many from NDJSON.
//!
//! Every kind is a subcommand whose flags are its fields; the short forms fill in what a CI job
//! should not have to repeat. One file is one atomic batch; `--batch N` makes it several.

mod stream;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use relbook_ledger::admission::{Code, Refusal, closest};
use relbook_ledger::event::Kind;
use relbook_ledger::limits::BATCH_EVENTS_MAX;
use relbook_ledger::ndjson::Lines;
use relbook_ledger::policy::Policy;
use relbook_ledger::store::{Appended, Ledger};
use serde_json::{Map, Value, json};

use super::flags;
use super::short::{SHORT_FORMS, Short};
use crate::author::Input;
use crate::ci::{self, summary};
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::remark;
use crate::sealing::Seal;
use crate::spool::{Delivered, Delivery, Spool, Way};
use crate::submit;
use crate::ui::Ui;
use crate::witness;
use stream::{Batches, Held};

const EXAMPLES: &str = "\
Examples:
  relbook append build --component api --version 1.4.2 --digest sha256:... --commit 9c5bd90e...
  relbook append check --component api --suite unit --result pass --commit 9c5bd90e...
  relbook append deploy --component api --stage production --digest sha256:... --outcome succeeded
  relbook append incident.opened --incident-id INC-7 --severity high
  relbook append --from events.ndjson               one batch: all of it, or nothing
  some-tool | relbook append --from - --batch 1000  a stream: batches of 1000; between them others
                                                    may write
  relbook append build ... --receipts proofs        keep the proof that the book took it
  relbook append approval ... --comment 'ok, Olga' --seal comment=p_olga
                                                    personal text: the log gets a commitment only
  relbook append build ... --spool waiting          keep it there while the book is out of reach

In a CI job the commit, the run and who started it are taken from the job's environment where they
are not given (GitHub Actions, GitLab, Jenkins, Buildkite, CircleCI, Azure; RELBOOK_CI=off: not).

`relbook append KIND --help` lists the fields of a kind. id, occurred_at and ledger are filled in
when they are left out; the same id with the same content is the same event, so a retry is safe.";

/// Arguments of `append`.
#[derive(Debug, Clone)]
pub struct AppendArgs {
    from: Option<String>,
    batch: Option<usize>,
    receipts: Option<PathBuf>,
    spool: Option<PathBuf>,
    cosign: bool,
    seals: Vec<Seal>,
    event: Option<Flags>,
}

/// The event that flags describe.
#[derive(Debug, Clone)]
struct Flags {
    /// A kind, or the name of a short form.
    name: String,
    matches: ArgMatches,
}

impl Args for AppendArgs {
    fn augment_args(command: Command) -> Command {
        let from = Arg::new("from")
            .long("from")
            .value_name("FILE|-")
            .help("Read events from an NDJSON file, one per line; - is standard input");
        let batch = Arg::new("batch")
            .long("batch")
            .value_name("N")
            .requires("from")
            .value_parser(clap::value_parser!(u64).range(1..=BATCH_EVENTS_MAX as u64))
            .help("Append N events at a time, each batch atomic [default: the whole file]");
        let receipts = Arg::new("receipts")
            .long("receipts")
            .value_name("DIR")
            .global(true)
            .value_parser(clap::value_parser!(PathBuf))
            .help("Keep the receipt of each event there, as ID.tlog-proof");
        let spool = Arg::new("spool")
            .long("spool")
            .value_name("DIR")
            .env("RELBOOK_SPOOL")
            .global(true)
            .value_parser(clap::value_parser!(PathBuf))
            .help("Where signed events wait while the book cannot be reached (`relbook spool`)");
        let seal = Arg::new("seal")
            .long("seal")
            .value_name("FIELD=SUBJECT")
            .global(true)
            .action(ArgAction::Append)
            .value_parser(Seal::parse)
            .help("Seal a free text about SUBJECT (an opaque id, or @FIELD that holds it); `relbook erase SUBJECT` destroys it");
        let cosign =
            Arg::new("cosign").long("cosign").global(true).action(ArgAction::SetTrue).help(
                "Then ask the witnesses of the policy; without an answer the events stay appended",
            );
        let mut command = command
            .arg(from)
            .arg(batch)
            .arg(receipts)
            .arg(spool)
            .arg(cosign)
            .arg(seal)
            .after_help(EXAMPLES)
            .subcommand_value_name("KIND")
            .subcommand_help_heading("Short forms and kinds")
            .disable_help_subcommand(true)
            .args_conflicts_with_subcommands(true)
            .allow_external_subcommands(true)
            .override_usage(
                "relbook append KIND [--FIELD VALUE]...\n       relbook append --from FILE|- [--batch N]",
            );
        for short in SHORT_FORMS {
            command = command.subcommand(short.command());
        }
        for kind in Kind::ALL.iter().filter(|kind| !kind.is_written_by_book()) {
            command = command.subcommand(kind_command(*kind));
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn kind_command(kind: Kind) -> Command {
    let usage = format!("relbook append {kind} [--FIELD VALUE]...");
    let command = match kind {
        Kind::PolicySet => Command::new(kind.as_str()).after_help(policy_values()),
        _ => Command::new(kind.as_str()),
    };
    command
        .about(kind.spec().doc.trim())
        .override_usage(usage)
        .disable_version_flag(true)
        .args(flags::args(kind, &[]))
}

/// Lists the policy values for the help: name, form, default, meaning.
fn policy_values() -> String {
    let mut text = "\
Examples:
  relbook append policy.set --policy-id main --values '{\"quorum\": 2}'
  relbook append policy.set --policy-id main \\
                 --values '{\"approval_sources\": [\"signed\", \"reported\"]}'

Values; one that is not named stays as it is (docs/policy.md has them too):
"
    .to_owned();
    for value in Policy::VALUES {
        let (name, form) = (value.name, value.form);
        let default = match Policy::default_of(name) {
            Value::Null => "none".to_owned(),
            default => default.to_string(),
        };
        let meaning = Policy::doc_of(name);
        text.push_str(&format!("  {name}: {form}, default {default}\n      {meaning}\n"));
    }
    text
}

impl FromArgMatches for AppendArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let event = matches
            .subcommand()
            .map(|(name, matches)| Flags { name: name.to_owned(), matches: matches.clone() });
        let batch = matches.get_one::<u64>("batch").and_then(|n| usize::try_from(*n).ok());
        // A variable of a CI job that is set to nothing is not set.
        let path = |name: &str| {
            matches.get_one::<PathBuf>(name).filter(|path| !path.as_os_str().is_empty()).cloned()
        };
        let from = matches.get_one::<String>("from").cloned();
        let seals = matches.get_many::<Seal>("seal").into_iter().flatten().cloned().collect();
        let (receipts, spool) = (path("receipts"), path("spool"));
        let cosign = matches.get_flag("cosign");
        Ok(Self { from, batch, receipts, spool, cosign, seals, event })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Appends.
pub(super) fn run(args: AppendArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let way = Way { spool: args.spool.map(Spool::new), seals: args.seals };
    let delivered = match (args.from, args.event) {
        (Some(from), _) => append_from(&from, args.batch, way, config, ui)?,
        (None, Some(event)) => append_flags(&event, way, config, ui)?,
        (None, None) => {
            return Err(Error::usage("append needs a kind with its fields, or --from FILE")
                .hint("`relbook append --help` lists the kinds with examples"));
        }
    };
    let mut extra = Map::new();
    if delivered.spooled > 0 {
        extra.insert("spooled".to_owned(), json!(delivered.spooled));
    }
    if !delivered.remarks.is_empty() {
        extra.insert("warnings".to_owned(), remark::to_json(&delivered.remarks));
    }
    submit::show(ui, &delivered.receipts, extra)?;
    remark::show(ui, &delivered.remarks);
    // Whoever waits for the acknowledgement must not wait for witnesses.
    ui.flush()?;
    let cosigned = !delivered.receipts.is_empty() && cosign(args.cosign, config, ui);
    if let Some(dir) = args.receipts {
        keep(&dir, &delivered.receipts, cosigned, config)?;
    }
    Ok(ExitCode::Done)
}

/// Asks the witnesses, where a flag or the policy says so; tells whether any cosigned.
///
/// The events are in the book by now: what witnesses do or do not say is a remark.
fn cosign(asked_for: bool, config: &Config, ui: &mut Ui) -> bool {
    const FLAG_WAIT_S: u64 = 10;
    let policy = Ledger::open(&config.book).map(|book| book.registry().policy().clone());
    let wait = match (asked_for, policy.map_or(0, |policy| policy.witness_append_wait_s)) {
        (false, 0) => return false,
        (true, 0) => FLAG_WAIT_S,
        (_, wait) => u64::from(wait),
    };
    match witness::ask(config, &[], &[], Duration::from_secs(wait)) {
        Ok(asked) => {
            for (text, _) in asked.problems() {
                ui.note(&format!("appended, but not cosigned by all: {text}"));
            }
            asked.cosigned > 0
        }
        Err(error) => {
            ui.note(&format!("appended, but no witness was asked: {error}"));
            false
        }
    }
}

/// Writes the receipt of each event into a directory.
fn keep(dir: &Path, appended: &[Appended], cosigned: bool, config: &Config) -> Result<(), Error> {
    let failed = |path: &Path, error: &std::io::Error| {
        Error::file(path, "write", error)
            .hint("the events are in the book; `relbook receipt ID` gives their receipts again")
    };
    std::fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
    let ledger = Ledger::open(&config.book)?;
    for event in appended {
        let receipt = match cosigned {
            true => ledger.receipt(event.seq)?,
            false => ledger.receipt_under(event.seq, &event.checkpoint)?,
        };
        let path = dir.join(format!("{}.tlog-proof", event.id));
        std::fs::write(&path, receipt.to_string()).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

fn append_flags(event: &Flags, way: Way, config: &Config, ui: &mut Ui) -> Result<Delivered, Error> {
    let short = Short::find(&event.name);
    let kind = Kind::parse(&event.name);
    if short.is_none() && kind.is_none() {
        return Err(unknown_kind(&event.name).into());
    }
    let mut delivery = Delivery::open(config, way, ui)?;
    let run = ci::here();
    let events = match (short, kind) {
        (Some(short), _) => short.events(&event.matches, delivery.registry(), run.as_ref())?,
        (None, Some(kind)) => {
            let mut fields = flags::read(kind, &event.matches)?;
            if let Some(run) = run {
                run.fill(&mut fields);
            }
            vec![fields]
        }
        (None, None) => Vec::new(),
    };
    let batch = events.iter().map(|fields| (None, Input::Fields(fields.clone()))).collect();
    let mut delivered = delivery.append(ui, batch)?;
    // What waits in the spool is compared with no registry.
    if !delivered.receipts.is_empty() {
        delivered.remarks = remark::remarks(&events, delivery.registry());
    }
    summary::add(ui, || summary::appended(delivery.origin(), &events, &delivered.receipts));
    Ok(delivered)
}

/// Says which kind, or short form of one, may have been meant.
fn unknown_kind(name: &str) -> Refusal {
    let short = SHORT_FORMS.iter().map(|short| short.name);
    let near = closest(name, short.chain(Kind::ALL.iter().map(|kind| kind.as_str())));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let message = format!("`{name}` is no kind of event{hint}");
    Refusal::new(Code::UnknownKind, message).at("kind").with_value(name)
}

fn append_from(
    from: &str,
    batch: Option<usize>,
    way: Way,
    config: &Config,
    ui: &mut Ui,
) -> Result<Delivered, Error> {
    if from == "-" {
        let input = BufReader::with_capacity(1 << 16, std::io::stdin());
        return append_lines(Lines::new(input, "standard input"), batch, way, config, ui);
    }
    let path = Path::new(from);
    let file = File::open(path).map_err(|error| Error::file(path, "read", &error))?;
    let input = BufReader::with_capacity(1 << 16, file);
    append_lines(Lines::new(input, from), batch, way, config, ui)
}

fn append_lines(
    lines: Lines<impl BufRead + Send + 'static>,
    batch: Option<usize>,
    way: Way,
    config: &Config,
    ui: &mut Ui,
) -> Result<Delivered, Error> {
    let batches = Batches::of(lines, batch);
    let mut held: Option<Held<'_>> = None;
    let mut whole = Delivered::default();
    let bar = ui.progress("appending", 0);
    loop {
        held = held.filter(Held::may_be_kept);
        let read = match batches.soon() {
            Some(read) => read,
            None => {
                // A slow producer holds nobody up.
                held = held.filter(Held::is_away);
                batches.next()
            }
        };
        let begun = !whole.receipts.is_empty() || whole.spooled > 0;
        if begun && read.as_ref().is_ok_and(Vec::is_empty) {
            return Ok(whole);
        }
        let opened = match held.take() {
            Some(held) => Ok(held),
            None => Held::open(config, way.clone(), ui),
        };
        let mut now = opened.map_err(|error| error.after(&whole.receipts))?;
        let outcome = match read {
            Ok(events) if events.is_empty() => return Ok(whole),
            Ok(events) => now.delivery.append(ui, events),
            Err(error) => Err(now.delivery.refused(error)),
        };
        let delivered = outcome.map_err(|error| error.after(&whole.receipts))?;
        whole.receipts.extend(delivered.receipts);
        whole.spooled += delivered.spooled;
        if batch.is_none() {
            return Ok(whole);
        }
        let done = (whole.receipts.len() + whole.spooled) as u64;
        bar.of(done, done);
        held = Some(now);
    }
}
