//! `relbook init`: makes a book, its key and an admin key; never touches one that exists.

use clap::Args;
use relbook_ledger::store::{BookPaths, Ledger, NewBook};
use serde_json::json;

use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook init
  relbook --book /srv/orion init --origin orion.example/releases
  relbook init --simulated-clock        for histories that happened long ago, and for tests

The keys lie in BOOK/keys: book.pem signs checkpoints, admin.pem signs what you append until you
enroll other keys. Keep both out of version control.")]
pub struct InitArgs {
    /// The name of the book; every event and checkpoint carries it [default: DIR-xxxxxxxx]
    #[arg(long, value_name = "NAME")]
    pub origin: Option<String>,
    /// Let the clock of the book move only by its events; all reports of such a book say so
    #[arg(long)]
    pub simulated_clock: bool,
}

/// Makes the book.
pub(super) fn run(args: &InitArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let origin = args.origin.clone().unwrap_or_else(|| default_origin(config));
    let new = NewBook { origin: origin.clone(), simulated_clock: args.simulated_clock };
    let created = Ledger::create(&config.book, new)?;
    let paths = BookPaths::new(&config.book);
    let [book_key, admin_key] = ["book", "admin"].map(|name| paths.public_key(name));
    if ui.format() != Format::Table {
        ui.json(&json!({
            "book": config.book.to_string_lossy(),
            "origin": origin,
            "book_key": book_key.to_string_lossy(),
            "book_key_id": created.book_key.id().to_string(),
            "admin_key": paths.private_key("admin").to_string_lossy(),
            "admin_key_id": created.admin_key.id().to_string(),
            "simulated_clock": args.simulated_clock,
        }))?;
        return Ok(ExitCode::Done);
    }
    ui.line(&format!("made the book {} in {}", origin, config.book.display()))?;
    ui.line(&format!(
        "book key   {}  {}",
        &created.book_key.id().to_string()[..12],
        book_key.display()
    ))?;
    ui.line(&format!(
        "admin key  {}  {}",
        &created.admin_key.id().to_string()[..12],
        admin_key.display()
    ))?;
    if args.simulated_clock {
        ui.line("its clock is simulated: it moves only by events, and every report says so")?;
    }
    ui.note("next: `relbook apply PRODUCT.yaml` registers components and environments");
    Ok(ExitCode::Done)
}

/// Names the book after its directory, with random digits: an event signed for one book must not
/// be admitted by another that happens to have the same directory name.
fn default_origin(config: &Config) -> String {
    let name = std::path::absolute(&config.book).ok();
    let name = name.as_deref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
    let name: String = name
        .unwrap_or("book")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') { c } else { '-' })
        .collect();
    // The end of a UUIDv7 is random.
    let random = uuid::Uuid::now_v7().simple().to_string();
    format!("{name}-{}", &random[24..])
}
