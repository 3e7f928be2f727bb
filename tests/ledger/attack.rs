//! An attacker with write access to the book's files, and, for insiders, some of its keys.
//!
//! Triggers are dropped and put back, rows changed with plain SQL, and everything that needs no key
//! recomputed: chain, edge of the tree, lists. An insider with the book's key also signs anew.

use relbook_ledger::chain;
use relbook_ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use relbook_ledger::entry::Entry;
use relbook_ledger::envelope::{SignedEvent, split_pae};
use relbook_ledger::event::Kind;
use relbook_ledger::json;
use relbook_ledger::key::SigningKey;
use relbook_ledger::store::BookPaths;
use relbook_ledger::time::Time;
use relbook_ledger::tree::tile::{TileEdge, TileId};
use relbook_ledger::tree::{Frontier, leaf_hash};
use rusqlite::Connection;

use crate::scratch::{ORIGIN, Scratch};

pub(crate) struct Attack {
    pub(crate) connection: Connection,
    paths: BookPaths,
    triggers: Vec<(String, String)>,
}

impl Attack {
    /// Opens the database and takes the seat belts off.
    pub(crate) fn on(book: &Scratch) -> Self {
        let connection = Connection::open(book.paths().database()).unwrap();
        // An attacker need not survive a loss of power.
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        let triggers: Vec<(String, String)> = connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for (name, _) in &triggers {
            connection.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
        }
        Self { connection, paths: book.paths(), triggers }
    }

    /// Puts the seat belts back, so that only the deed itself can be found.
    pub(crate) fn cover_tracks(self) {
        for (_, sql) in &self.triggers {
            self.connection.execute_batch(sql).unwrap();
        }
    }

    pub(crate) fn sql(&self, sql: &str) -> &Self {
        self.connection.execute_batch(sql).unwrap();
        self
    }

    /// Rewrites rows of `sqlite_schema` itself.
    pub(crate) fn schema_sql(&self, sql: &str) -> &Self {
        self.sql("PRAGMA writable_schema = ON").sql(sql).sql("PRAGMA writable_schema = RESET")
    }

    pub(crate) fn size(&self) -> u64 {
        let size = self.connection.query_row("SELECT count(*) FROM events", [], |r| r.get(0));
        u64::try_from(size.unwrap_or(0i64)).unwrap()
    }

    pub(crate) fn bytes(&self, seq: u64) -> Vec<u8> {
        let sql = "SELECT entry FROM events WHERE seq = ?1";
        self.connection.query_row(sql, [seq as i64], |row| row.get(0)).unwrap()
    }

    pub(crate) fn entry(&self, seq: u64) -> Entry {
        Entry::decode(&self.bytes(seq)).unwrap()
    }

    pub(crate) fn put_bytes(&self, seq: u64, bytes: &[u8]) -> &Self {
        let sql = "UPDATE events SET entry = ?2 WHERE seq = ?1";
        assert_eq!(self.connection.execute(sql, (seq as i64, bytes)).unwrap(), 1);
        self
    }

    /// Changes one entry and nothing around it.
    pub(crate) fn change(&self, seq: u64, change: impl FnOnce(&mut Entry)) -> &Self {
        let mut entry = self.entry(seq);
        change(&mut entry);
        self.put_bytes(seq, &entry.encode().unwrap())
    }

    /// Adds a row at the end.
    pub(crate) fn push(&self, signed: &SignedEvent, received: Option<Time>) -> &Self {
        self.push_pae(signed, signed.pae(), received)
    }

    pub(crate) fn push_pae(
        &self,
        signed: &SignedEvent,
        pae: Vec<u8>,
        received: Option<Time>,
    ) -> &Self {
        let seq = self.size();
        let last = self.entry(seq - 1);
        let entry = Entry {
            seq,
            received: received.unwrap_or(last.received),
            prev_chain: chain::link(&self.bytes(seq - 1)),
            key_id: signed.key_id,
            signature: signed.signature,
            pae,
        };
        let id = event_of(&entry)
            .and_then(|event| event["id"].as_str()?.parse().ok())
            .unwrap_or_else(uuid::Uuid::now_v7);
        self.connection
            .execute(
                "INSERT INTO events(seq, id, entry) VALUES (?1, ?2, ?3)",
                (seq as i64, id.as_bytes().as_slice(), entry.encode().unwrap()),
            )
            .unwrap();
        self
    }

    /// Links all entries anew and recomputes what is stored beside the log without any key.
    pub(crate) fn recompute(&self) -> &Self {
        let mut link = None;
        let mut edge = TileEdge::new();
        self.sql("DELETE FROM registry; DELETE FROM tiles");
        for seq in 0..self.size() {
            if let Ok(mut entry) = Entry::decode(&self.bytes(seq)) {
                entry.seq = seq;
                entry.prev_chain = link.unwrap_or(entry.prev_chain);
                self.put_bytes(seq, &entry.encode().unwrap());
                let kind = event_of(&entry).and_then(|event| Kind::parse(event["kind"].as_str()?));
                if kind.is_some_and(Kind::is_registry) {
                    self.sql(&format!("INSERT INTO registry VALUES ({seq})"));
                }
            }
            link = Some(chain::link(&self.bytes(seq)));
            edge.append(leaf_hash(&self.bytes(seq)), |id, tile| self.put_tile(id, tile));
        }
        edge.partial().for_each(|(id, tile)| self.put_tile(id, tile));
        self
    }

    fn put_tile(&self, id: TileId, tile: &[[u8; 32]]) {
        let row = (id.index << 3 | u64::from(id.level)) as i64;
        let sql = "INSERT INTO tiles VALUES (?1, ?2)";
        self.connection.execute(sql, (row, tile.as_flattened())).unwrap();
    }

    /// Signs the log as it now is with the book's key: one checkpoint, and the pin.
    pub(crate) fn reseal(&self, book_key: &SigningKey) -> &Self {
        self.recompute();
        let mut frontier = Frontier::new();
        for seq in 0..self.size() {
            frontier.append(leaf_hash(&self.bytes(seq)));
        }
        let signed = checkpoint(frontier.size(), frontier.root(), book_key);
        self.sql("DELETE FROM checkpoints");
        self.connection
            .execute("INSERT INTO checkpoints VALUES (?1, ?2)", (signed.size as i64, &signed.note))
            .unwrap();
        std::fs::write(self.paths.pin(), signed.note).unwrap();
        self
    }
}

pub(crate) fn checkpoint(size: u64, root: [u8; 32], key: &SigningKey) -> SignedCheckpoint {
    Checkpoint { origin: ORIGIN.into(), size, root }.sign(key).unwrap()
}

fn event_of(entry: &Entry) -> Option<serde_json::Value> {
    let (_, body) = split_pae(&entry.pae).ok()?;
    let value = json::parse(body).ok()?;
    Some(value.get("predicate").cloned().unwrap_or(value))
}
