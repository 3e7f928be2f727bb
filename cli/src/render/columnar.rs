//! Parquet and Arrow IPC files, from the same table as every other form.

use relbook_query::table::Table;

use crate::error::Error;
use crate::ui::Ui;

/// Writes one file to standard output.
pub(super) fn write(ui: &mut Ui, _table: &Table, _evidence: bool) -> Result<(), Error> {
    refuse_terminal(ui)?;
    Err(Error::not_done("format", "parquet and arrow are not written yet")
        .hint("use --format csv, ndjson or json"))
}

fn refuse_terminal(ui: &Ui) -> Result<(), Error> {
    if ui.shows_terminal() {
        return Err(Error::usage("a binary file on a terminal helps nobody")
            .hint("redirect it: --format parquet > answer.parquet"));
    }
    Ok(())
}
