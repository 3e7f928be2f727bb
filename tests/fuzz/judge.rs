//! What must hold for any bytes, one function per format: nothing panics, and what is read is read
//! in one way only.
//!
//! The fuzzer calls these with bytes that it invents (`targets/`); `tests/ledger/corpus.rs` calls
//! them with every file of `corpus/` in each ordinary test run.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a panic is the finding")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use relbook_ledger::checkpoint::Checkpoint;
use relbook_ledger::entry::Entry;
use relbook_ledger::envelope::{SignedEvent, pae, split_pae};
use relbook_ledger::json;
use relbook_ledger::key::{PublicKey, SigningKey};
use relbook_ledger::ndjson::{Input, LINE_BYTES_MAX, Lines};
use relbook_ledger::note::Note;
use relbook_ledger::receipt::Receipt;
use relbook_ledger::statement;
use relbook_ledger::store::{self, Ledger, NewBook, VerifyOptions, Writer};
use relbook_ledger::tree::proof::{
    TileSource, check_consistency, check_inclusion, prove_consistency, prove_inclusion, root_at,
};
use relbook_ledger::tree::tile::{Tile, TileEdge, TileId};
use relbook_ledger::tree::{Hash, leaf_hash};
use serde_json::Value;

/// A leaf entry has one encoding, and reading its event panics on nothing.
pub fn leaf(bytes: &[u8]) {
    let Ok(entry) = Entry::decode(bytes) else { return };
    assert_eq!(entry.encode().unwrap(), bytes);
    if let Ok((payload_type, body)) = split_pae(&entry.pae) {
        assert_eq!(pae(payload_type, body), entry.pae);
    }
    drop(entry.event());
}

/// A note comes back as it was read; the same for the checkpoint in it, and for a receipt.
pub fn note(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
        drop(Checkpoint::parse(&note.text));
        let key = SigningKey::from_seed(&[9; 32]).public();
        for line in &note.signatures {
            drop(Checkpoint::open(text, &line.name, &key));
        }
    }
    if let Ok(receipt) = Receipt::parse(text) {
        assert_eq!(receipt.to_string(), text);
        drop(receipt.check(&SigningKey::from_seed(&[9; 32]).public()));
    }
}

struct Tiles(HashMap<TileId, Tile>);

impl TileSource for Tiles {
    type Error = Infallible;

    fn tile(&self, id: TileId) -> Result<Option<Tile>, Infallible> {
        Ok(self.0.get(&id).cloned())
    }
}

const LEAVES: u64 = 600;

/// A tree of 600 leaves.
fn tree() -> &'static Tiles {
    static TREE: OnceLock<Tiles> = OnceLock::new();
    TREE.get_or_init(|| {
        let (mut tiles, mut edge) = (HashMap::new(), TileEdge::new());
        for n in 0..LEAVES {
            edge.append(leaf_hash(&n.to_be_bytes()), |id, tile| {
                drop(tiles.insert(id, tile.to_vec()))
            });
        }
        tiles.extend(edge.partial().map(|(id, tile)| (id, tile.to_vec())));
        Tiles(tiles)
    })
}

/// Takes integers off the front of the bytes; what is missing is 0.
struct Taker<'a>(&'a [u8]);

impl Taker<'_> {
    fn take(&mut self, count: usize) -> u64 {
        let (front, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        front.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn done(&self) -> bool {
        self.0.is_empty()
    }
}

/// Changes a proof as the bytes say.
fn changed(proof: &[Hash], bytes: &mut Taker<'_>) -> Vec<Hash> {
    let mut proof = proof.to_vec();
    while !bytes.done() {
        let (what, at) = (bytes.take(1), bytes.take(1) as usize);
        let place = at % (proof.len() + 1);
        match what % 4 {
            0 if place < proof.len() => proof[place][at % 32] ^= bytes.take(1) as u8,
            1 if place < proof.len() => drop(proof.remove(place)),
            2 => proof.insert(place, leaf_hash(&bytes.take(2).to_be_bytes())),
            3 if proof.len() > 1 => {
                let (one, other) = (place % proof.len(), bytes.take(1) as usize % proof.len());
                proof.swap(one, other);
            }
            _ => {}
        }
    }
    proof
}

/// Of all changes of a proof only the proof itself proves, and no size or index panics.
pub fn proof(bytes: &[u8]) {
    let mut taker = Taker(bytes);
    let size = 1 + taker.take(2) % LEAVES;
    let (index, earlier) = (taker.take(2) % size, taker.take(2) % (size + 1));
    let (root, earlier_root) = (root_at(tree(), size).unwrap(), root_at(tree(), earlier).unwrap());
    let honest = prove_inclusion(tree(), index, size).unwrap();
    let other = changed(&honest, &mut Taker(taker.0));
    let leaf = leaf_hash(&index.to_be_bytes());
    let verdict = check_inclusion(&leaf, index, size, &other, &root);
    assert_eq!(verdict.is_ok(), other == honest, "inclusion of {index} in {size}: {other:?}");
    let honest = prove_consistency(tree(), earlier, size).unwrap();
    let other = changed(&honest, &mut Taker(taker.0));
    let verdict = check_consistency((earlier, &earlier_root), (size, &root), &other);
    assert_eq!(verdict.is_ok(), other == honest, "{earlier} to {size}: {other:?}");
    // Sizes that no tree of ours has.
    let (wide_index, wide_size) = (taker.take(8), taker.take(8));
    assert!(check_inclusion(&leaf, wide_index, wide_size, &other, &[7; 32]).is_err());
    let tree = (wide_size, &[7; 32]);
    assert!(check_consistency((wide_index, &[8; 32]), tree, &other).is_err());
}

/// Numbers are compared as readers see them: -0 and 0.0 are one.
fn agree(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        // serde_json may be off by some units in the last place of a long fraction.
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= (16.0 * f64::EPSILON * one.abs()).max(f64::MIN_POSITIVE)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| agree(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| agree(one, other)))
        }
        _ => ours == theirs,
    }
}

/// What our parser reads, serde_json reads as the same; the two forms of a payload panic on nothing.
pub fn json(bytes: &[u8]) {
    let Ok(ours) = json::parse(bytes) else { return };
    let theirs: Value = serde_json::from_slice(bytes).unwrap();
    assert!(agree(&ours, &theirs), "{ours} / {theirs}");
    assert!(agree(&json::parse(ours.to_string().as_bytes()).unwrap(), &ours));
    for payload_type in ["application/vnd.in-toto+json", "application/vnd.relbook.event.v1+json"] {
        drop(statement::open(payload_type, ours.clone()));
    }
}

/// An envelope comes back; what splits as signed bytes is what would be signed; keys in PEM or hex
/// are refused or read, and nothing panics.
pub fn envelope(bytes: &[u8]) {
    if let Ok(signed) = SignedEvent::from_dsse_json(bytes) {
        let again = SignedEvent::from_dsse_json(signed.to_dsse_json().to_string().as_bytes());
        assert_eq!(again.unwrap(), signed);
        let (payload_type, body) = (signed.payload_type.clone(), signed.body.clone());
        assert_eq!(split_pae(&signed.pae()).unwrap(), (payload_type.as_str(), body.as_slice()));
        assert!(signed.verify(&SigningKey::from_seed(&[9; 32]).public()).is_err());
    }
    if let Ok((payload_type, body)) = split_pae(bytes) {
        assert_eq!(pae(payload_type, body), bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(key) = PublicKey::from_pem(text) {
            assert_eq!(PublicKey::from_pem(&key.to_pem()), Ok(key));
        }
        drop(SigningKey::from_pem(text));
        drop(PublicKey::from_hex(text));
    }
}

/// Every event of an NDJSON input has its line, in order, up to the first line that is refused.
pub fn ndjson(bytes: &[u8]) {
    let mut lines = Lines::new(bytes, "fuzz");
    let (mut last, total) = (0, bytes.split(|byte| *byte == b'\n').count() as u64);
    while let Ok(Some((line, input))) = lines.next_event() {
        assert!(line > last && line <= total, "line {line} after {last} of {total}");
        last = line;
        if let Input::Fields(fields) = input {
            let text = Value::Object(fields).to_string();
            assert!(text.len() <= 6 * LINE_BYTES_MAX);
        }
    }
}

/// A small book, made once per process.
struct Template {
    _dir: tempfile::TempDir,
    book: PathBuf,
    database: Vec<u8>,
    events: u64,
    root: Hash,
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let book = dir.path().join("book");
        let origin = "relbook.example/fuzz".to_owned();
        Ledger::create(&book, NewBook { origin: origin.clone(), simulated_clock: true }).unwrap();
        let pem = std::fs::read_to_string(book.join("keys/admin.pem")).unwrap();
        let admin = SigningKey::from_pem(&pem).unwrap();
        let event = |n: u64| {
            let event = serde_json::json!({
                "id": format!("019d44d0-5980-7e71-aac2-{n:012x}"),
                "kind": "incident.opened",
                "ledger": origin,
                "occurred_at": "2026-01-01T00:00:00Z",
                "incident_id": format!("INC-{n}"),
            });
            statement::sign(event.as_object().unwrap(), &admin).unwrap()
        };
        let mut writer = Writer::open(&book).unwrap();
        writer.append(&[event(1), event(2), event(3)]).unwrap();
        drop(writer);
        let report = store::verify(&book, &VerifyOptions::default(), &|_, _| ()).unwrap();
        let database = std::fs::read(book.join("ledger.db")).unwrap();
        Template { _dir: dir, book, database, events: report.events, root: report.root }
    })
}

/// Makes a database of bytes: they are the file itself, or changes of a good one.
fn database_of(bytes: &[u8]) -> Vec<u8> {
    let (Some(0), Some(changes)) = (bytes.first(), bytes.get(1..)) else { return bytes.to_vec() };
    let mut database = template().database.clone();
    let mut taker = Taker(changes);
    while !taker.done() {
        let (what, at) = (taker.take(1), taker.take(3) as usize);
        if what == 1 {
            database.truncate(at);
        } else if let Some(byte) = database.get_mut(at) {
            *byte ^= what as u8;
        }
    }
    database
}

fn copy(name: &str, from: &Path, to: &Path) {
    std::fs::copy(from.join(name), to.join(name)).unwrap();
}

/// Whatever the database's bytes are, opening, reading, verifying and appending panic on nothing;
/// a book that verifies is the book that was written.
pub fn database(bytes: &[u8]) {
    let template = template();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("keys")).unwrap();
    for name in ["pin", "keys/book.pem", "keys/book.pub"] {
        copy(name, &template.book, dir.path());
    }
    std::fs::write(dir.path().join("ledger.db"), database_of(bytes)).unwrap();
    if let Ok(ledger) = Ledger::open(dir.path()) {
        for seq in 0..ledger.size().min(9) {
            drop(ledger.record(seq));
            drop(ledger.receipt(seq));
        }
        drop(ledger.checkpoints(0..u64::MAX));
    }
    if let Ok(report) = store::verify(dir.path(), &VerifyOptions::default(), &|_, _| ()) {
        assert_eq!((report.events, report.root), (template.events, template.root));
    }
    drop(Writer::open(dir.path()));
}
