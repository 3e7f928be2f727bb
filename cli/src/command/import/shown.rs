//! What an import says of itself, the same for every origin: warnings, what a dry run would append,
//! what was appended.

use relbook_ledger::checkpoint::root_base64;
use relbook_ledger::store::Appended;
use serde_json::{Map, Value, json};

use crate::args::Format;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::import::git::Warning;
use crate::submit;
use crate::ui::{Ui, counted};

/// Shows the first warnings; JSON has all of them in its summary.
pub(super) fn warnings(ui: &mut Ui, warnings: &[Warning]) {
    const SHOWN: usize = 20;
    if ui.format() == Format::Json {
        return;
    }
    for warning in warnings.iter().take(SHOWN) {
        ui.note(&format!("warning: {} ({})", warning.detail, warning.code));
    }
    let more = warnings.len().saturating_sub(SHOWN);
    if more > 0 {
        ui.note(&format!("warning: and {more} more; --format json has them all"));
    }
}

/// Returns the fields of a summary, with the warnings as its last.
pub(super) fn summary<const N: usize>(
    fields: [(&str, Value); N],
    warnings: &[Warning],
) -> Map<String, Value> {
    let one = |warning: &Warning| json!({ "code": warning.code, "detail": warning.detail });
    let warnings: Vec<Value> = warnings.iter().map(one).collect();
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    fields.chain([("warnings".to_owned(), Value::Array(warnings))]).collect()
}

/// Shows the events of a dry run.
pub(super) fn dry(
    ui: &mut Ui,
    mut summary: Map<String, Value>,
    events: &[Map<String, Value>],
) -> Result<ExitCode, Error> {
    if ui.format() == Format::Json {
        summary.insert("appended".to_owned(), json!(0));
        summary.insert("events".to_owned(), json!(events));
        ui.json(&Value::Object(summary))?;
        return Ok(ExitCode::Done);
    }
    for event in events {
        let text = serde_json::to_string(event);
        ui.line(&text.map_err(|error| Error::Bug(error.to_string()))?)?;
    }
    let count = counted(events.len(), "event");
    ui.note(&format!("{count} would be appended; nothing was (--dry-run)"));
    Ok(ExitCode::Done)
}

/// Returns how many events were new.
pub(super) fn new_ones(receipts: &[Appended]) -> usize {
    receipts.iter().filter(|receipt| !receipt.duplicate).count()
}

/// Shows what was appended; `lines` are for people.
pub(super) fn appended(
    ui: &mut Ui,
    mut summary: Map<String, Value>,
    lines: &[String],
    receipts: &[Appended],
) -> Result<(), Error> {
    match ui.format() {
        Format::Ndjson => submit::show(ui, receipts, Map::new()),
        Format::Table => {
            for line in lines {
                ui.line(line)?;
            }
            let Some(last) = receipts.last() else { return Ok(()) };
            let root = root_base64(&last.checkpoint.root);
            ui.line(&format!("checkpoint size {} root {root}", last.checkpoint.size))
        }
        _ => {
            let checkpoint = receipts.last().map(|receipt| {
                let point = &receipt.checkpoint;
                json!({ "size": point.size, "root": root_base64(&point.root), "note": point.note })
            });
            for (name, value) in [
                ("appended", json!(new_ones(receipts))),
                ("first_seq", json!(receipts.first().map(|receipt| receipt.seq))),
                ("last_seq", json!(receipts.last().map(|receipt| receipt.seq))),
                ("checkpoint", json!(checkpoint)),
            ] {
                summary.insert(name.to_owned(), value);
            }
            ui.json(&Value::Object(summary))
        }
    }
}
