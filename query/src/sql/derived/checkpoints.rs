//! `checkpoints`: the signed checkpoints, each at the place of the last event under it.

use relbook_ledger::checkpoint::root_base64;
use relbook_ledger::entry::Entry;
use relbook_ledger::keyring::BOOK_PRINCIPAL;

use super::Derived;
use crate::sql::log::LogError;
use crate::sql::logs::Logs;
use crate::table::ColumnType::{self, Int, Text};
use crate::table::Table;

pub(super) const TABLE: Derived = Derived {
    name: "checkpoints",
    doc: "Signed checkpoints, each at the place of the last event under it.",
    fixed: COLUMNS,
    columns: None,
    rows,
    docs: &[
        ("seq", "The seq of the last event under it."),
        ("occurred_at", "The ledger's clock when it was signed."),
        ("recorded_at", "The same."),
        ("principal", "Who signed it: relbook."),
        ("origin", "The name of the book."),
        ("size", "How many events are under it."),
        ("root", "The RFC 6962 root, in base64."),
        ("note", "The signed note."),
    ],
};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("seq", Int),
    ("occurred_at", ColumnType::Time),
    ("recorded_at", ColumnType::Time),
    ("principal", Text),
    ("origin", Text),
    ("size", Int),
    ("root", Text),
    ("note", Text),
];

fn rows(logs: &Logs) -> Result<Table, LogError> {
    let mut table = Table::new(COLUMNS);
    let origin = logs.source.origin();
    for checkpoint in logs.source.checkpoints(1..logs.end() + 1)? {
        let seq = checkpoint.size - 1;
        let entries = logs.source.entries(seq..seq + 1)?;
        let Some(entry) = entries.first() else { continue };
        let signed_at = Entry::decode(entry).map_err(LogError::new)?.received;
        if signed_at > logs.lens.as_of {
            continue;
        }
        let cells = vec![
            seq.into(),
            signed_at.into(),
            signed_at.into(),
            BOOK_PRINCIPAL.into(),
            origin.as_str().into(),
            checkpoint.size.into(),
            root_base64(&checkpoint.root).into(),
            checkpoint.note.into(),
        ];
        table.push(cells, vec![]);
    }
    Ok(table)
}
