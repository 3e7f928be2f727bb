//! `keys`: one row per enrolment of a key, with how long it held in log order (contract 3).
//!
//! The keyring itself is the ledger's; this only lays it out. Here `principal` is who holds the
//! key; who signed the enrolment is `enrolled_by`.

use relbook_ledger::event::Event;
use relbook_ledger::keyring::{GrantEnd, KeyGrant, Keyring};
use relbook_ledger::time::Time;

use super::Derived;
use crate::sql::log::{LogError, open_entry};
use crate::sql::logs::Logs;
use crate::sql::rows::Rows;
use crate::table::ColumnType::{self, Int, Text, TextList};
use crate::table::{Cell, Table};

pub(super) const TABLE: Derived = Derived {
    name: "keys",
    doc: "Enrolments of keys, with how long each held in log order.",
    fixed: COLUMNS,
    columns: None,
    rows,
    docs: &[
        ("seq", "The place of the enrolment in the log."),
        ("occurred_at", "When it happened, as claimed."),
        ("recorded_at", "The ledger's clock when it came."),
        ("principal", "Who holds the key."),
        ("key_id", "SHA-256 of the raw public key, 64 hex digits."),
        ("public_key", "The Ed25519 public key, 64 hex digits."),
        ("role", "The role, where there is exactly one."),
        ("roles", "The roles."),
        ("components", "The components that the key may write about; all when null."),
        ("environments", "The environments that the key may write about; all when null."),
        ("enrolled_by", "Who signed the enrolment."),
        ("valid_from_seq", "The first seq that the key may sign."),
        ("valid_to_seq", "The last seq that the key may sign; null while it is in force."),
        ("status", "active, replaced, revoked or compromised."),
        ("ended_seq", "The event that ended it."),
        ("from_seq", "The first seq since which its events are suspect."),
        ("reason", "Why it ended."),
    ],
};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("seq", Int),
    ("occurred_at", ColumnType::Time),
    ("recorded_at", ColumnType::Time),
    ("principal", Text),
    ("key_id", Text),
    ("public_key", Text),
    ("role", Text),
    ("roles", TextList),
    ("components", TextList),
    ("environments", TextList),
    ("enrolled_by", Text),
    ("valid_from_seq", Int),
    ("valid_to_seq", Int),
    ("status", Text),
    ("ended_seq", Int),
    ("from_seq", Int),
    ("reason", Text),
];

/// What a key event says beside the keyring.
struct Signed {
    seq: u64,
    occurred_at: Time,
    recorded_at: Time,
    by: String,
    reason: Option<String>,
}

fn rows(logs: &Logs) -> Result<Table, LogError> {
    let mut keyring = Keyring::default();
    let mut signed = Vec::new();
    for batch in logs.read("key_events", &["seq"])? {
        let seqs = Rows::new(&batch);
        for row in 0..batch.num_rows() {
            if let Some(seq) = seqs.seq(row, "seq") {
                signed.extend(apply(logs, seq, &mut keyring)?);
            }
        }
    }
    let mut table = Table::new(COLUMNS);
    for grant in keyring.grants() {
        let find = |seq: u64| signed.iter().find(|event| event.seq == seq);
        table.push(
            cells(grant, find(grant.add_seq), grant.end.and_then(|(seq, _)| find(seq))),
            vec![],
        );
    }
    Ok(table)
}

fn apply(logs: &Logs, seq: u64, keyring: &mut Keyring) -> Result<Option<Signed>, LogError> {
    let mut signed = None;
    for entry in logs.source.entries(seq..seq + 1)? {
        open_entry(
            &entry,
            seq,
            |_| true,
            |row| {
                let event = Event::from_fields(row.kind, &row.fields).map_err(LogError::new)?;
                keyring.apply(seq, &event);
                signed = Some(Signed {
                    seq,
                    occurred_at: row.occurred_at()?,
                    recorded_at: row.recorded_at,
                    by: logs.source.principal(row.key_id, seq),
                    reason: row.text("reason").map(str::to_owned),
                });
                Ok(())
            },
        )?;
    }
    Ok(signed)
}

fn cells(grant: &KeyGrant, added: Option<&Signed>, ended: Option<&Signed>) -> Vec<Cell> {
    let is_genesis = grant.is_book() && grant.add_seq == 0;
    let (valid_to, status) = match grant.end {
        // The event that replaces a grant may itself be signed under it.
        Some((seq, GrantEnd::Replaced)) => (Some(seq), "replaced"),
        Some((seq, GrantEnd::Revoked)) => (Some(seq.saturating_sub(1)), "revoked"),
        Some((seq, GrantEnd::Compromised)) => (Some(seq.saturating_sub(1)), "compromised"),
        None => (None, "active"),
    };
    vec![
        grant.add_seq.into(),
        added.map(|event| event.occurred_at).into(),
        added.map(|event| event.recorded_at).into(),
        grant.principal.as_str().into(),
        grant.key_id.to_string().into(),
        grant.public_key.to_hex().into(),
        match grant.roles.as_slice() {
            [one] => one.as_str().into(),
            _ => Cell::Null,
        },
        grant.roles.clone().into(),
        grant.components.clone().into(),
        grant.environments.clone().into(),
        added.map(|event| event.by.as_str()).into(),
        // The genesis event is signed with the key that it brings.
        (grant.add_seq + u64::from(!is_genesis)).into(),
        valid_to.into(),
        status.into(),
        grant.end.map(|(seq, _)| seq).into(),
        grant.suspect_from.into(),
        ended.and_then(|event| event.reason.as_deref()).into(),
    ]
}
