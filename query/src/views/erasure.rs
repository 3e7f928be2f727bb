//! Sealed texts that were erased: what is shown in their place.
//!
//! An erasure shows in every view, also in one of an earlier time: what is gone cannot be shown.

use std::collections::HashMap;

use relbook_ledger::event::Body;
use relbook_ledger::store::Record;
use relbook_ledger::time::Time;
use rusqlite::params;

use super::{Views, key_bytes, seq_of, sql};
use crate::release::{FactsError, Key};

impl Views {
    /// Marks the sealed texts of an event that were erased since.
    pub(super) fn show_erasures(&self, record: &mut Record) -> Result<(), FactsError> {
        let seals = record.event.sealed();
        if seals.is_empty() {
            return Ok(());
        }
        let id = record.event.header.id;
        let mut keys = vec![record.seq.to_string(), id.to_string()];
        keys.extend(seals.iter().map(|(_, seal)| format!("of {}", seal.subject)));
        keys.sort();
        keys.dedup();
        let mut erased: HashMap<String, Time> = HashMap::new();
        for target in keys {
            for seq in self.redactions(&Key::Redactions { target }, record.seq)? {
                let Some(later) = self.ledger.record(seq).map_err(FactsError::new)? else {
                    continue;
                };
                let Body::RedactionApplied(spec) = &later.event.body else { continue };
                for (field, seal) in &seals {
                    if spec.erases(record.seq, &id, field, seal) {
                        erased.entry(seal.commitment.to_string()).or_insert(later.received);
                    }
                }
            }
        }
        record.event.prose_mut(|prose| {
            let at = prose.sealed().and_then(|seal| erased.get(seal.commitment.as_str())).copied();
            if let Some(at) = at {
                prose.show_erased(at);
            }
        });
        Ok(())
    }

    /// Returns the seqs of the redactions under a key after an event, in log order.
    fn redactions(&self, key: &Key, after: u64) -> Result<Vec<u64>, FactsError> {
        let text = "SELECT seq FROM entry WHERE key = ?1 AND seq > ?2 ORDER BY seq";
        let mut statement = self.db.prepare_cached(text).map_err(FactsError::new)?;
        let rows = statement
            .query_map(params![key_bytes(key).as_slice(), sql(after)], |row| row.get(0))
            .map_err(FactsError::new)?;
        rows.map(|row| row.map(seq_of).map_err(FactsError::new)).collect()
    }
}
