//! `relbook apply`: brings the book in step with a product file (contract section 8).

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;
use relbook_ledger::admission::{Code, Refusal};
use relbook_ledger::event::Body;
use relbook_ledger::registry::Registry;
use relbook_ledger::store::Ledger;
use serde_json::{Map, Value, json};

use crate::args::Format;
use crate::author::Input;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::product::{Change, Product};
use crate::remark;
use crate::submit;
use crate::ui::Ui;

/// The most bytes of a product file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Arguments of `apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook apply orion.yaml
  relbook apply orion.yaml --check      show what would change; exit 1 when something would
  relbook apply RELEASES.md             the fenced ```yaml block of a Markdown file

A product file:
  product: orion
  components:
    orion-api: {alias: api, scheme: semver, release_model: deployed, tag_prefix: v}
    orion-web: {alias: web, scheme: \"calver:YYYY.0M.MICRO\", release_model: deployed}
  environments:
    production: {targets: [us-east-1, eu-west-1]}
  policy: {quorum: 1, scanners: [trivy, grype]}
  matrix:
    - {api: \">=1.4.0, <2.0.0\", web: \"2026.x\"}

Only what differs from the book is appended, as one atomic batch.")]
pub struct ApplyArgs {
    /// The product file: YAML, or Markdown with one fenced YAML block
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Show the plan and change nothing; exit 1 when something would change
    #[arg(long)]
    pub check: bool,
}

/// Applies the file, or shows what it would do.
pub(super) fn run(args: &ApplyArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let product = read(&args.file)?;
    if args.check {
        let ledger = Ledger::open(&config.book)?;
        let changes = plan(&product, ledger.registry(), &ledger)?;
        show_plan(ui, &changes)?;
        remark::show(ui, &product.remarks(ledger.registry())?);
        return Ok(if changes.is_empty() { ExitCode::Done } else { ExitCode::DoesNotHold });
    }
    let mut writer = submit::open(config)?;
    let changes = plan(&product, writer.registry(), writer.ledger())?;
    if changes.is_empty() {
        show_plan(ui, &changes)?;
        return Ok(ExitCode::Done);
    }
    let input = |change: &Change| (Some(change.line), Input::Fields(change.fields.clone()));
    let batch = changes.iter().map(input).collect();
    let receipts = submit::append(config, ui, &mut writer, batch)?;
    if ui.format() == Format::Table {
        show_plan(ui, &changes)?;
    }
    let mut extra = Map::from_iter([("changes".to_owned(), changes_json(&changes))]);
    let remarks = product.remarks(writer.registry())?;
    if !remarks.is_empty() {
        extra.insert("warnings".to_owned(), remark::to_json(&remarks));
    }
    submit::show(ui, &receipts, extra)?;
    remark::show(ui, &remarks);
    Ok(ExitCode::Done)
}

/// Returns the events that bring a book in step with a product file.
pub(super) fn events(path: &Path, config: &Config) -> Result<Vec<Map<String, Value>>, Error> {
    let ledger = Ledger::open(&config.book)?;
    let changes = plan(&read(path)?, ledger.registry(), &ledger)?;
    Ok(changes.into_iter().map(|change| change.fields).collect())
}

fn read(path: &Path) -> Result<Product, Error> {
    let (text, name) = read_text(path)?;
    Ok(Product::read(&text, &name)?)
}

/// Reads the text of a product file; returns it with the name of the file.
pub(super) fn read_text(path: &Path) -> Result<(String, String), Error> {
    let file = |error: std::io::Error| Error::file(path, "read", &error);
    let length = std::fs::metadata(path).map_err(file)?.len();
    if length > FILE_BYTES_MAX {
        let message = format!("the product file has {length} bytes, at most {FILE_BYTES_MAX}");
        return Err(Refusal::new(Code::TooLarge, message).into());
    }
    let bytes = std::fs::read(path).map_err(file)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count() as u64;
        Refusal::new(Code::BadValue, "not UTF-8; save the file as UTF-8").on_line(line)
    })?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    Ok((text, name.to_owned()))
}

fn plan(product: &Product, registry: &Registry, ledger: &Ledger) -> Result<Vec<Change>, Error> {
    let held = if product.has_matrix() { latest_matrix(ledger)? } else { None };
    Ok(product.plan(registry, held.as_deref())?)
}

/// Returns the rows of the matrix in force: those of the last `matrix.published`.
///
/// The registry does not hold the matrix, which admission never asks for, so the log is read from
/// its end, a piece at a time.
fn latest_matrix(ledger: &Ledger) -> Result<Option<Vec<Map<String, Value>>>, Error> {
    const PIECE: u64 = 1_024;
    let mut end = ledger.size();
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        let mut found = None;
        ledger.scan(start..end, |record| {
            if let Body::MatrixPublished(spec) = record.event.body {
                found = Some(spec.rows);
            }
            ControlFlow::Continue(())
        })?;
        if found.is_some() {
            return Ok(found);
        }
        end = start;
    }
    Ok(None)
}

fn changes_json(changes: &[Change]) -> Value {
    let change = |change: &Change| {
        json!({
            "kind": change.fields.get("kind"),
            "subject": change.subject,
            "line": change.line,
            "details": change.details,
        })
    };
    changes.iter().map(change).collect()
}

fn show_plan(ui: &mut Ui, changes: &[Change]) -> Result<(), Error> {
    if ui.format() != Format::Table {
        return ui
            .json(&json!({ "changes": changes_json(changes), "appended": 0, "receipts": [] }));
    }
    if changes.is_empty() {
        return ui.line("nothing to change");
    }
    for change in changes {
        ui.line(&format!("{:<28} {}", change.subject, change.details.join("; ")))?;
    }
    Ok(())
}
