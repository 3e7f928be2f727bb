//! Tampering that means something: 32 kinds of it on 40 books each, counted.
//!
//! Goal: whoever changes what a book says is found, whatever else they recompute. Method: books
//! with random contents; attackers of four strengths, who all write the database freely and make
//! every hash anew that needs no key: with no key, with the key of one author, with an older copy
//! of the database, and with the pin as well. What only somebody outside can find is asked of a
//! checkpoint that was kept, and must be found by it.
#![allow(clippy::print_stdout, reason = "the table is the result")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use relbook_ledger::entry::Entry;
use relbook_ledger::envelope::{SignedEvent, pae, split_pae};
use relbook_ledger::key::SigningKey;
use relbook_ledger::store::VerifyOptions;
use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};

use crate::attack::Attack;
use crate::scratch::*;
use crate::verify::verify;

const SEEDS: u64 = 40;

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }
}

/// A book with random contents, an older copy of its files, and its newest checkpoint.
struct World {
    book: Scratch,
    old: tempfile::TempDir,
    kept: String,
}

fn releases(random: &mut Random) -> Vec<(Map<String, Value>, u8)> {
    let rounds = 3 + random.below(3);
    let mut events = Vec::new();
    for n in 0..rounds {
        let (digest, version) = (format!("sha256:{:064x}", n + 1), format!("1.{n}.0"));
        let stage = "production";
        let of = |kind: &str, fields: Value| {
            let mut fields = fields;
            fields["component"] = json!("api");
            event(kind, fields)
        };
        let id = format!("d{n}");
        let outcome = if n % 2 == 0 { "failed" } else { "succeeded" };
        let result = if n % 2 == 0 { "fail" } else { "pass" };
        let approval = json!({"approval_id": format!("a{n}"), "version": version, "digest": digest,
            "stage": stage, "comment": "fine"});
        let decision = if n % 2 == 0 { "approval.rejected" } else { "approval.granted" };
        events.extend([
            (
                of(
                    "build.completed",
                    json!({"version": version, "digest": digest, "commit": "c0ffee"}),
                ),
                1,
            ),
            (
                of("check.completed", json!({"suite": "unit", "result": result, "digest": digest})),
                1,
            ),
            (
                of(
                    "scan.completed",
                    json!({"digest": digest, "scanner": "trivy", "critical": 7 + n, "high": 1}),
                ),
                1,
            ),
            (of(decision, approval), 2),
            (
                of(
                    "deploy.started",
                    json!({"deploy_id": id, "stage": stage, "environment": stage,
                "targets": ["t1"], "digest": digest, "version": version, "break_glass": true}),
                ),
                1,
            ),
            (
                event(
                    "deploy.finished",
                    json!({"deploy_id": id, "target": "t1", "outcome": outcome, "restored": true}),
                ),
                1,
            ),
        ]);
        for _ in 0..random.below(3) {
            events.push((incident(), 1));
        }
    }
    events
}

fn copy_files(from: &Path, to: &Path) {
    for name in ["ledger.db", "pin"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

fn world(seed: u64) -> World {
    let mut random = Random(seed);
    let book = Scratch::new().furnished();
    let admin = book.admin();
    let first = [
        event("policy.set", json!({"policy_id": "p", "values": {"quorum": 2}})),
        enrolment(4, "temp", &["ci"]),
    ];
    let mut batch: Vec<SignedEvent> = first.into_iter().map(|e| sign(e, &admin)).collect();
    book.writer().append(&batch).unwrap();
    let events = releases(&mut random);
    let half = events.len() / 2 + random.below(4);
    let old = tempfile::tempdir().unwrap();
    batch.clear();
    for (at, (event, signer)) in events.into_iter().enumerate() {
        batch.push(sign(event, &key(signer)));
        if at == half || random.below(4) == 0 {
            book.writer().append(&std::mem::take(&mut batch)).unwrap();
        }
        if at == half {
            copy_files(book.dir(), old.path());
        }
    }
    batch.push(sign(event("event.corrected", json!({"corrects": 7, "reason": "wrong"})), &key(1)));
    batch.push(sign(key_end("key.revoked", 4, "temp"), &admin));
    batch.push(sign(incident(), &key(1)));
    book.writer().append(&batch).unwrap();
    let kept = book.ledger().checkpoint().unwrap().note;
    World { book, old, kept }
}

/// One attack on a copy of a world's book.
struct Deed<'a> {
    world: &'a World,
    book: &'a Scratch,
    attack: &'a Attack,
    random: Random,
}

impl Deed<'_> {
    /// Returns the seq of a random event of a kind.
    fn any(&mut self, kind: &str) -> u64 {
        let all: Vec<u64> = (0..self.attack.size())
            .filter(|&seq| kind_of(&self.attack.entry(seq)) == kind)
            .collect();
        assert!(!all.is_empty(), "no {kind}");
        all[self.random.below(all.len())]
    }

    /// Replaces a text in a random event of a kind, and makes all hashes anew.
    fn rewrite(&mut self, kind: &str, from: &str, to: &str) {
        let marked: Vec<u64> = (0..self.attack.size())
            .filter(|&seq| {
                let entry = self.attack.entry(seq);
                kind_of(&entry) == kind && text(&entry).contains(from)
            })
            .collect();
        assert!(!marked.is_empty(), "no {kind} with {from}");
        let seq = marked[self.random.below(marked.len())];
        self.attack.change(seq, |entry| entry.pae = replaced(entry, from, to)).recompute();
    }

    /// Takes an event out, closes the gap, and makes all hashes anew.
    fn remove(&mut self, kind: &str) {
        let seq = self.any(kind);
        self.attack.sql(&format!("DELETE FROM events WHERE seq = {seq}"));
        for later in seq + 1..=self.attack.size() {
            self.attack.sql(&format!("UPDATE events SET seq = {} WHERE seq = {later}", later - 1));
        }
        self.attack.recompute();
    }

    /// Makes room before a place, and puts a row there.
    fn insert(&mut self, seq: u64, signed: &SignedEvent) {
        let id = uuid::Uuid::now_v7();
        let received = self.attack.entry(seq).received;
        for later in (seq..self.attack.size()).rev() {
            self.attack.sql(&format!("UPDATE events SET seq = {} WHERE seq = {later}", later + 1));
        }
        let entry = Entry {
            seq,
            received,
            prev_chain: [0; 32],
            key_id: signed.key_id,
            signature: signed.signature,
            pae: signed.pae(),
        };
        let id = id_of(&entry).unwrap_or(id);
        let row = (seq as i64, id.as_bytes().as_slice(), entry.encode().unwrap());
        self.attack.connection.execute("INSERT INTO events VALUES (?1, ?2, ?3)", row).unwrap();
        self.attack.recompute();
    }

    /// Cuts the end off after a random commit that is not the last, and says after which.
    fn cut(&mut self) -> u64 {
        let sizes: Vec<u64> =
            self.book.ledger().checkpoints(6..u64::MAX).unwrap().iter().map(|c| c.size).collect();
        let size = sizes[self.random.below(sizes.len() - 1)];
        self.attack.sql(&format!(
            "DELETE FROM events WHERE seq >= {size}; DELETE FROM checkpoints WHERE size > {size}"
        ));
        self.attack.recompute();
        size
    }

    fn note(&self, size: u64) -> String {
        let sql = "SELECT note FROM checkpoints WHERE size = ?1";
        self.attack.connection.query_row(sql, [size as i64], |row| row.get(0)).unwrap()
    }
}

fn text(entry: &Entry) -> String {
    String::from_utf8_lossy(split_pae(&entry.pae).map_or(&[], |(_, body)| body)).into_owned()
}

fn value(entry: &Entry) -> Option<Value> {
    let value: Value = serde_json::from_str(&text(entry)).ok()?;
    Some(value.get("predicate").cloned().unwrap_or(value))
}

fn kind_of(entry: &Entry) -> String {
    value(entry).and_then(|v| v["kind"].as_str().map(str::to_owned)).unwrap_or_default()
}

fn id_of(entry: &Entry) -> Option<uuid::Uuid> {
    value(entry)?["id"].as_str()?.parse().ok()
}

fn replaced(entry: &Entry, from: &str, to: &str) -> Vec<u8> {
    let (kind, body) = split_pae(&entry.pae).unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap().replace(from, to);
    pae(kind, body.as_bytes())
}

/// Signs a changed event anew with a key.
fn signed_anew(entry: &Entry, from: &str, to: &str, key: &SigningKey) -> (Vec<u8>, [u8; 64]) {
    let pae = replaced(entry, from, to);
    let signature = key.sign(&pae);
    (pae, signature)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// By the book and its pin alone.
    Inside,
    /// By what somebody kept outside.
    Outside,
}

type Kind = (&'static str, &'static str, Found, fn(&mut Deed<'_>));

const NONE: &str = "no key";
const AUTHOR: &str = "an author's key";
const OLD: &str = "an older database";
const PIN: &str = "the pin as well";

const KINDS: &[Kind] = &[
    ("version of a deploy changed", NONE, Found::Inside, |d| {
        d.rewrite("deploy.started", "\"1.", "\"9.")
    }),
    ("artifact of an approval changed", NONE, Found::Inside, |d| {
        d.rewrite("approval.granted", "00000", "00001")
    }),
    ("comment of an approval changed", NONE, Found::Inside, |d| {
        d.rewrite("approval.granted", "fine", "fin3")
    }),
    ("rejection turned into approval", NONE, Found::Inside, |d| {
        d.rewrite("approval.rejected", "approval.rejected", "approval.granted")
    }),
    ("failed check turned into a pass", NONE, Found::Inside, |d| {
        d.rewrite("check.completed", "\"fail\"", "\"pass\"")
    }),
    ("critical findings lowered", NONE, Found::Inside, |d| {
        d.rewrite("scan.completed", "\"critical\":", "\"critical\":0,\"low\":")
    }),
    ("failed deploy turned into a success", NONE, Found::Inside, |d| {
        d.rewrite("deploy.finished", "failed", "succeeded")
    }),
    ("broken glass hidden", NONE, Found::Inside, |d| {
        d.rewrite("deploy.started", "\"break_glass\":true", "\"break_glass\":false")
    }),
    ("claimed time moved", NONE, Found::Inside, |d| {
        d.rewrite("approval.granted", "2026-05-31T00", "2026-05-30T00")
    }),
    ("policy loosened", NONE, Found::Inside, |d| {
        d.rewrite("policy.set", "\"quorum\":2", "\"quorum\":1")
    }),
    ("role widened", NONE, Found::Inside, |d| d.rewrite("key.enrolled", "[\"ci\"]", "[\"admin\"]")),
    ("ledger's time moved", NONE, Found::Inside, |d| {
        let first = d.any("deploy.started");
        for seq in first..d.attack.size() {
            d.attack.change(seq, |e| e.received = Time::from_micros(e.received.micros() + 1));
        }
        d.attack.recompute();
    }),
    ("rejection removed", NONE, Found::Inside, |d| d.remove("approval.rejected")),
    ("check removed", NONE, Found::Inside, |d| d.remove("check.completed")),
    ("revocation of a key removed", NONE, Found::Inside, |d| d.remove("key.revoked")),
    ("correction removed", NONE, Found::Inside, |d| d.remove("event.corrected")),
    ("two events exchanged", NONE, Found::Inside, |d| {
        let (a, b) = (d.any("approval.granted"), d.any("deploy.started"));
        d.attack.sql(&format!(
            "UPDATE events SET seq = -1 WHERE seq = {a}; UPDATE events SET seq = {a} WHERE seq = {b}; \
             UPDATE events SET seq = {b} WHERE seq = -1;"
        ));
        d.attack.recompute();
    }),
    ("event repeated", NONE, Found::Inside, |d| {
        let copied = d.attack.entry(d.any("approval.granted"));
        let (kind, body) = split_pae(&copied.pae).unwrap();
        let signed = SignedEvent {
            payload_type: kind.to_owned(),
            body: body.to_vec(),
            key_id: copied.key_id,
            signature: copied.signature,
        };
        // The index forbids the same id twice: the attacker writes another beside the entry.
        let at = d.any("incident.opened");
        d.attack.sql("DROP INDEX events_id");
        d.insert(at, &signed);
        let other = uuid::Uuid::now_v7();
        d.attack.sql(&format!("UPDATE events SET id = x'{}' WHERE seq = {at}", other.simple()));
        d.attack.sql("CREATE UNIQUE INDEX events_id ON events(id)");
    }),
    ("two signatures exchanged", NONE, Found::Inside, |d| {
        let (a, b) = (d.any("build.completed"), d.any("check.completed"));
        let (one, other) = (d.attack.entry(a).signature, d.attack.entry(b).signature);
        d.attack.change(a, |e| e.signature = other).change(b, |e| e.signature = one).recompute();
    }),
    ("event given to another author", NONE, Found::Inside, |d| {
        let seq = d.any("approval.granted");
        d.attack.change(seq, |e| e.key_id = key(1).public().id()).recompute();
    }),
    ("event replaced by another of the book", NONE, Found::Inside, |d| {
        let (from, to) = (d.any("approval.granted"), d.any("approval.rejected"));
        let copied = d.attack.entry(from);
        d.attack.change(to, |e| {
            (e.pae, e.signature, e.key_id) = (copied.pae, copied.signature, copied.key_id);
        });
        d.attack.recompute();
    }),
    ("event of another book put in", NONE, Found::Inside, |d| {
        let mut foreign = approval(None);
        foreign.insert("ledger".into(), json!("relbook.example/other"));
        let at = d.any("deploy.started");
        d.insert(at, &sign(foreign, &key(2)));
    }),
    ("end cut off after a commit", NONE, Found::Inside, |d| _ = d.cut()),
    ("end cut off within a commit", NONE, Found::Inside, |d| {
        let size = d.attack.size();
        d.attack.sql(&format!("DELETE FROM events WHERE seq = {}", size - 1)).recompute();
    }),
    ("event added at the end", AUTHOR, Found::Inside, |d| {
        d.attack.push(&sign(incident(), &key(1)), None).recompute();
    }),
    ("event put in before others", AUTHOR, Found::Inside, |d| {
        let at = d.any("deploy.started");
        d.insert(at, &sign(incident(), &key(1)));
    }),
    ("own event signed anew with another outcome", AUTHOR, Found::Inside, |d| {
        let seq = d.any("deploy.finished");
        let entry = d.attack.entry(seq);
        let (from, to) = match text(&entry).contains("failed") {
            true => ("failed", "succeeded"),
            false => ("succeeded", "failed"),
        };
        let (pae, signature) = signed_anew(&entry, from, to, &key(1));
        d.attack.change(seq, |e| (e.pae, e.signature) = (pae, signature)).recompute();
    }),
    ("another's event signed with the own key", AUTHOR, Found::Inside, |d| {
        let seq = d.any("approval.rejected");
        let entry = d.attack.entry(seq);
        let (pae, signature) =
            signed_anew(&entry, "approval.rejected", "approval.granted", &key(1));
        d.attack.change(seq, |e| {
            (e.pae, e.signature, e.key_id) = (pae, signature, key(1).public().id());
        });
        d.attack.recompute();
    }),
    ("older database put back", OLD, Found::Inside, |_| ()),
    ("older database continued", OLD, Found::Inside, |d| {
        let names = "seq, id, entry";
        let old = d.world.old.path().join("ledger.db");
        d.attack.sql(&format!("ATTACH '{}' AS old", old.display()));
        d.attack.sql(&format!(
            "DELETE FROM events; INSERT INTO events SELECT {names} FROM old.events; \
             DELETE FROM checkpoints; INSERT INTO checkpoints SELECT * FROM old.checkpoints; DETACH old"
        ));
        d.attack.push(&sign(incident(), &key(1)), None).recompute();
    }),
    ("older database and its pin put back", PIN, Found::Outside, |_| ()),
    ("end cut off, and the pin of that commit", PIN, Found::Outside, |d| {
        let size = d.cut();
        fs::write(d.book.paths().pin(), d.note(size)).unwrap();
    }),
];

/// Returns what a book's files say, to see that an attack did something.
fn contents(book: &Scratch) -> (Vec<(i64, Vec<u8>)>, Vec<u8>) {
    let connection = rusqlite::Connection::open(book.paths().database()).unwrap();
    let mut statement = connection.prepare("SELECT seq, entry FROM events ORDER BY seq").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    (rows.collect::<Result<_, _>>().unwrap(), fs::read(book.paths().pin()).unwrap())
}

#[test]
fn every_kind_of_tampering_is_found_on_every_book() {
    let worlds: Vec<World> = (0..SEEDS).map(world).collect();
    println!("{:<45} {:<18} runs inside outside  codes", "tampering", "attacker has");
    let (mut runs, mut inside, mut outside) = (0, 0, 0);
    for (name, attacker, expected, deed) in KINDS {
        let (mut by_book, mut by_kept, mut codes) = (0, 0, BTreeMap::<&str, u32>::new());
        for (seed, world) in (0..).zip(&worlds) {
            let book = world.book.copy();
            let honest = contents(&book);
            let attack = Attack::on(&book);
            deed(&mut Deed { world, book: &book, attack: &attack, random: Random(seed ^ 0xA77A) });
            attack.cover_tracks();
            if name.ends_with("put back") {
                // Files are replaced once no handle is left that could write over them.
                copy_over(world, &book, name);
            }
            assert_ne!(contents(&book), honest, "{name}: nothing was done with seed {seed}");
            if let Err(error) = verify(&book, &VerifyOptions::default()) {
                by_book += 1;
                *codes.entry(error.code()).or_default() += 1;
            }
            let kept =
                VerifyOptions { checkpoints: vec![world.kept.clone()], ..Default::default() };
            by_kept += u64::from(verify(&book, &kept).is_err());
        }
        let codes: Vec<String> = codes.iter().map(|(code, n)| format!("{code} {n}")).collect();
        println!(
            "{name:<45} {attacker:<18} {SEEDS:>4} {by_book:>6} {by_kept:>7}  {}",
            codes.join(", ")
        );
        if *expected == Found::Inside {
            assert_eq!(by_book, SEEDS, "{name}");
        }
        assert_eq!(by_kept, SEEDS, "{name}");
        (runs, inside, outside) = (runs + SEEDS, inside + by_book, outside + by_kept);
    }
    println!(
        "{} kinds, {runs} runs: {inside} found by the book and its pin, {outside} with a kept checkpoint",
        KINDS.len()
    );
}

/// Puts the older files back.
fn copy_over(world: &World, book: &Scratch, name: &str) {
    for suffix in ["-wal", "-shm"] {
        drop(fs::remove_file(book.dir().join(format!("ledger.db{suffix}"))));
    }
    fs::copy(world.old.path().join("ledger.db"), book.paths().database()).unwrap();
    if name.contains("its pin") {
        fs::copy(world.old.path().join("pin"), book.paths().pin()).unwrap();
    }
}
