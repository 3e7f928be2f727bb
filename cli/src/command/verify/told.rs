//! What `verify` says: what was proven, and what was not.

use relbook_ledger::checkpoint::root_base64;
use relbook_ledger::store::Report;
use serde_json::{Value, json};

use super::Derived;
use crate::args::Format;
use crate::error::Error;
use crate::ui::{Ui, counted};
use crate::witness::cosigned_json;

/// The outcome of a verification that found nothing wrong.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) report: &'a Report,
    pub(super) derived: &'a Derived,
    /// Whether the book's key was given, rather than read beside the book.
    pub(super) key_given: bool,
    /// Whether an earlier run verified the signatures up to `since`.
    pub(super) resumed: bool,
}

impl Told<'_> {
    /// Says what was proven, in the order in which it rests on each other.
    fn checked(&self) -> Vec<String> {
        let Self { report, derived, key_given, .. } = *self;
        let mut checked = vec![
            format!(
                "{}: bytes, strict JSON, schema of their kind, ids",
                counted(report.events, "event")
            ),
            format!(
                "{} author signatures, strictly, each by a key in force",
                report.verified_signatures
            ),
            "roles by log order; sequence without gaps; ledger clock never back".to_owned(),
            "BLAKE3 chain from the genesis event to the last".to_owned(),
            format!("RFC 6962 root against {} stored checkpoints", report.checkpoints),
            "database schema, registry list and tiles of the tree".to_owned(),
        ];
        if let Some(size) = report.pin_size {
            checked.push(format!("the pin outside the database, at size {size}"));
        }
        if report.receipts > 0 {
            checked.push(format!("{} kept elsewhere", counted(report.receipts, "receipt")));
        }
        if !report.given_sizes.is_empty() {
            let sizes: Vec<String> = report.given_sizes.iter().map(ToString::to_string).collect();
            checked.push(format!("what was kept elsewhere, at size {}", sizes.join(", ")));
        }
        if report.blobs.verified > 0 {
            checked.push(format!(
                "{} blobs that events name, by their digests",
                report.blobs.verified
            ));
        }
        if let Derived::Checked(check) = derived {
            if let Some(events) = check.views {
                checked.push(format!("the kept views equal a fresh replay of {events} events"));
            }
            if check.segments > 0 {
                checked.push(format!("{} kept segments equal fresh ones", check.segments));
            }
        }
        match (report.book_key_checked, key_given) {
            (false, _) => {}
            (true, true) => checked.push("the book's key against the one of --pub".to_owned()),
            (true, false) => checked.push(
                "the book's key against keys/book.pub of the same directory: another book in its \
                 place would have its own there, so give yours with --pub"
                    .to_owned(),
            ),
        }
        if !report.rotations.is_empty() {
            checked.push(format!(
                "{} changes of the book's key, each signed by the old key and both under its \
                 checkpoint",
                report.rotations.len()
            ));
        }
        let witnessed = &report.witnessed;
        if witnessed.checked > 0 {
            checked.push(format!("{} cosignatures of witnesses", witnessed.checked));
        }
        if !witnessed.newest.is_empty() {
            let names: Vec<&str> =
                witnessed.newest.iter().map(|by| by.witness.name.as_str()).collect();
            checked.push(format!("the newest checkpoint is cosigned by {}", names.join(", ")));
        }
        checked
    }

    /// Says what was not proven.
    fn not_checked(&self) -> Vec<String> {
        let Self { report, derived, resumed, .. } = *self;
        let mut not_checked = Vec::new();
        if !report.truncation_checked {
            not_checked.push(
                "TRUNCATION: there is no pin and no checkpoint was given, so an end that was cut \
                 off would not show"
                    .to_owned(),
            );
        }
        // A pin is of the newest commit, but for a crash between the two.
        let kept = report.given_sizes.last().filter(|_| report.pin_size.is_none());
        if let Some(size) = kept.filter(|size| **size < report.events) {
            not_checked.push(format!(
                "truncation beyond size {size}: there is no pin, and nothing given covers more"
            ));
        }
        if !report.book_key_checked {
            not_checked.push("whose book it is: give the key that you know with --pub".to_owned());
        }
        if let Some(size) = report.since {
            let how = if resumed {
                "the run that was broken off verified them (--resume)"
            } else {
                "--since"
            };
            not_checked.push(format!("author signatures of the first {size} events ({how})"));
        }
        let blobs = &report.blobs;
        if blobs.skipped && blobs.named > 0 {
            not_checked.push(format!("{} blobs that events name (--skip)", blobs.named));
        }
        if let Some((seq, digest)) = &blobs.first_missing {
            not_checked.push(format!(
                "{} of {} blobs, which are not there: the first is {digest}, named by seq {seq}",
                blobs.missing, blobs.named
            ));
        }
        match derived {
            Derived::Skipped => {
                not_checked.push("projections against a fresh replay (--skip)".into())
            }
            Derived::Checked(check) if check.views.is_none() && check.segments == 0 => {
                not_checked.push("projections: none are kept, the next question makes them".into());
            }
            Derived::Checked(_) => {}
        }
        if report.simulated_clock {
            not_checked.push("real time: the clock of this book is simulated".to_owned());
        }
        let witnessed = &report.witnessed;
        if witnessed.witnesses == 0 {
            not_checked.push(
                "a second history: no witness is named, by the policy or with --witness".to_owned(),
            );
        } else if witnessed.newest.is_empty() && witnessed.quorum == 0 {
            not_checked.push(format!(
                "a second history beyond {} events: no witness cosigned the newest checkpoint",
                witnessed.size.unwrap_or(0)
            ));
        }
        if witnessed.unknown > 0 {
            not_checked.push(format!(
                "{} cosignatures of witnesses whose key is not known",
                witnessed.unknown
            ));
        }
        not_checked
    }

    /// Prints the verdict.
    pub(super) fn show(&self, ui: &mut Ui, needed: u32, witnessed: bool) -> Result<(), Error> {
        let report = self.report;
        let root = root_base64(&report.root);
        if ui.format() != Format::Table {
            return ui.json(&json!({
                "verified": true,
                "origin": report.origin,
                "events": report.events,
                "checkpoint": { "size": report.events, "root": root },
                "book_key": report.book_key.id().to_string(),
                "book_key_checked": report.book_key_checked,
                "verified_signatures": report.verified_signatures,
                "checkpoints": report.checkpoints,
                "pin_size": report.pin_size,
                "truncation_checked": report.truncation_checked,
                "given_sizes": report.given_sizes,
                "simulated_clock": report.simulated_clock,
                "since": report.since,
                "blobs": {
                    "named": report.blobs.named,
                    "verified": report.blobs.verified,
                    "missing": report.blobs.missing,
                },
                "checked": self.checked(),
                "not_checked": self.not_checked(),
                "tampering": Value::Null,
                "rotations": report.rotations.iter().map(|rotation| json!({
                    "seq": rotation.seq,
                    "previous_key": rotation.previous.id().to_string(),
                    "key": rotation.key.id().to_string(),
                })).collect::<Vec<_>>(),
                "witnesses": {
                    "known": report.witnessed.witnesses,
                    "needed": needed,
                    "holds": witnessed,
                    "newest": report.witnessed.newest.iter().map(cosigned_json).collect::<Vec<_>>(),
                    "size": report.witnessed.size,
                    "cosignatures": report.witnessed.checked,
                    "unknown": report.witnessed.unknown,
                    "message": (!witnessed).then(|| missing(report, needed)),
                },
            }));
        }
        let clock = if report.simulated_clock { "  (simulated clock)" } else { "" };
        let verdict = if report.truncation_checked { "holds" } else { "holds, as far as it goes" };
        ui.line(&format!("the book {} {verdict}{clock}", report.origin))?;
        for item in self.checked() {
            ui.line(&format!("  checked      {item}"))?;
        }
        for item in self.not_checked() {
            ui.line(&format!("  not checked  {item}"))?;
        }
        if !witnessed {
            ui.line(&missing(report, needed))?;
        }
        ui.line(&format!("checkpoint size {} root {root}", report.events))
    }
}

/// Says that too few witnesses cosigned the newest checkpoint.
fn missing(report: &Report, needed: u32) -> String {
    let witnessed = &report.witnessed;
    let newest = witnessed.size.map_or_else(
        || "none has enough".to_owned(),
        |size| format!("the newest that has enough is of {size} events"),
    );
    format!(
        "NOT WITNESSED: {} of {needed} needed witnesses cosigned the checkpoint of {} events; \
         {newest}; `relbook checkpoint --cosign` asks them (witness-quorum)",
        witnessed.newest.len(),
        report.events
    )
}
