//! `relbook erase`: destroys the key of a subject, and with it everything sealed about them.
//!
//! First the log says which fields go, then the key goes: a crash between the two leaves a key
//! that the next run destroys, never a text that went without a record.

use std::collections::HashSet;
use std::ops::ControlFlow;

use clap::Args;
use relbook_ledger::event::{Body, Sealed, is_subject};
use relbook_ledger::limits::BATCH_EVENTS_MAX;
use relbook_ledger::store::{Appended, Ledger};
use serde_json::{Map, Value, json};

use crate::args::Format;
use crate::author::Input;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::submit::{self, Line};
use crate::ui::Ui;

/// Arguments of `erase`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook erase p_olga --reason 'request 2027-14' --legal-basis 'GDPR Art. 17(1)(b)' --by p_olga

Appends one redaction.applied for each sealed text about the subject, then destroys their key. The
log keeps every event: all proofs, counts and verdicts stay as they are, and in the place of the
text stands `p_olga (erased 2027-01-04)`. It cannot be taken back.

Backups that were made with --with-subject-keys hold the key: destroy them too.

Exit codes: 0 erased, or it was already; 2 nothing is sealed about the subject; 3 the signing key
may not do it; 4 it could not be done.")]
pub struct EraseArgs {
    /// Whom the sealed texts are about: the opaque id that they were sealed with
    #[arg(value_name = "SUBJECT")]
    subject: String,
    /// Why; it stays in the log, so it must hold no personal data
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The legal ground
    #[arg(long, value_name = "TEXT")]
    legal_basis: String,
    /// Who asked for it
    #[arg(long, value_name = "PRINCIPAL")]
    by: Option<String>,
}

/// A sealed text that is to go.
struct Target {
    seq: u64,
    field: String,
    seal: Sealed,
}

/// Erases.
pub(super) fn run(args: &EraseArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let subject = &args.subject;
    if !is_subject(subject) {
        return Err(Error::usage(format!("`{subject}` is no subject of sealed texts")));
    }
    let mut writer = submit::open(config)?;
    let (targets, erased) = {
        let bar = ui.progress("searching", writer.ledger().size());
        search(writer.ledger(), subject, &|done| bar.at(done))?
    };
    if targets.is_empty() && erased == 0 {
        return Err(Error::usage(format!("nothing in the book is sealed about `{subject}`"))
            .hint("`relbook append ... --seal FIELD=SUBJECT` seals a text"));
    }
    let mut appended = Vec::new();
    for part in targets.chunks(BATCH_EVENTS_MAX) {
        let batch = part.iter().map(|target| redaction(args, target)).collect();
        appended.extend(submit::append(config, ui, &mut writer, batch)?);
    }
    let paths = writer.ledger().paths();
    let destroyed = paths.destroy_subject_key(subject).map_err(|error| {
        Error::file(&paths.subject_key_file(subject), "destroy", &error)
            .hint("the log says already that it is erased: run the same command again")
    })?;
    show(ui, args, &targets, erased, destroyed, &appended)?;
    Ok(ExitCode::Done)
}

/// Finds the sealed texts about a subject that were not erased yet, and counts the others.
fn search(
    ledger: &Ledger,
    subject: &str,
    progress: &dyn Fn(u64),
) -> Result<(Vec<Target>, usize), Error> {
    const STEP: u64 = 4_096;
    let (mut sealed, mut gone) = (Vec::new(), HashSet::new());
    ledger.scan(0..u64::MAX, |record| {
        if record.seq % STEP == 0 {
            progress(record.seq);
        }
        if let Body::RedactionApplied(spec) = &record.event.body {
            for (at, (target, id)) in sealed.iter().enumerate() {
                let Target { seq, field, seal } = target;
                if spec.erases(*seq, id, field, seal) {
                    gone.insert(at);
                }
            }
        }
        let id = record.event.header.id;
        let about = record.event.sealed().into_iter().filter(|(_, s)| *s.subject == *subject);
        sealed.extend(about.map(|(field, seal)| (Target { seq: record.seq, field, seal }, id)));
        ControlFlow::Continue(())
    })?;
    let left = sealed.into_iter().enumerate().filter(|(at, _)| !gone.contains(at));
    Ok((left.map(|(_, (target, _))| target).collect(), gone.len()))
}

fn redaction(args: &EraseArgs, target: &Target) -> Line {
    let mut fields = Map::from_iter([
        ("kind".to_owned(), json!("redaction.applied")),
        ("target".to_owned(), json!(target.seq)),
        ("fields".to_owned(), json!([target.field])),
        ("subject".to_owned(), json!(args.subject)),
        ("commitment".to_owned(), json!(&*target.seal.commitment)),
        ("reason".to_owned(), json!(args.reason)),
        ("legal_basis".to_owned(), json!(args.legal_basis)),
    ]);
    if let Some(by) = &args.by {
        fields.insert("by".to_owned(), json!(by));
    }
    (None, Input::Fields(fields))
}

fn show(
    ui: &mut Ui,
    args: &EraseArgs,
    targets: &[Target],
    erased: usize,
    destroyed: bool,
    appended: &[Appended],
) -> Result<(), Error> {
    let seqs: Vec<u64> = appended.iter().map(|receipt| receipt.seq).collect();
    if ui.format() != Format::Table {
        let fields: Vec<Value> = targets
            .iter()
            .map(|target| {
                json!({"seq": target.seq, "field": target.field, "commitment": &*target.seal.commitment})
            })
            .collect();
        return ui.json(&json!({
            "subject": args.subject,
            "erased": fields,
            "erased_before": erased,
            "key_destroyed": destroyed,
            "redactions": seqs,
        }));
    }
    for target in targets {
        ui.line(&format!("erased {} of seq {}", target.field, target.seq))?;
    }
    let key = if destroyed { "its key is destroyed" } else { "its key was gone already" };
    ui.line(&format!(
        "{}: {} sealed texts erased, {erased} were before; {key}",
        args.subject,
        targets.len()
    ))?;
    ui.line("backups made with --with-subject-keys still hold the key: destroy them too")
}
