//! A book in a scratch directory, keys with known seeds, and short ways to make events.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use relbook_ledger::admission::{Code, Refusal};
use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::key::SigningKey;
use relbook_ledger::statement;
use relbook_ledger::store::{AppendError, Appended, BookPaths, Clock, Ledger, NewBook, Writer};
use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};

pub(crate) const ORIGIN: &str = "relbook.example/test";

/// A clock that the test sets.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn at(text: &str) -> Self {
        Self(Arc::new(AtomicI64::new(Time::parse(text).unwrap().micros())))
    }

    pub(crate) fn set(&self, text: &str) {
        self.0.store(Time::parse(text).unwrap().micros(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Time {
        Time::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A book in a directory that is removed at the end of the test.
pub(crate) struct Scratch {
    dir: tempfile::TempDir,
    pub(crate) clock: HandClock,
}

impl Scratch {
    /// Makes a book whose clock stands at 2026-06-01.
    pub(crate) fn new() -> Self {
        Self::with(false)
    }

    /// Makes a book whose clock moves by events.
    pub(crate) fn simulated() -> Self {
        Self::with(true)
    }

    fn with(simulated_clock: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = HandClock::at("2026-06-01T00:00:00Z");
        let book = NewBook { origin: ORIGIN.into(), simulated_clock };
        Ledger::create_with_clock(dir.path(), book, Box::new(clock.clone())).unwrap();
        Self { dir, clock }
    }

    /// Makes another directory with the same files.
    pub(crate) fn copy(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("keys")).unwrap();
        for name in ["ledger.db", "pin", "keys/book.pem", "keys/book.pub", "keys/admin.pem"] {
            std::fs::copy(self.dir().join(name), dir.path().join(name)).unwrap();
        }
        Self { dir, clock: self.clock.clone() }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn paths(&self) -> BookPaths {
        BookPaths::new(self.dir())
    }

    pub(crate) fn writer(&self) -> Writer {
        Writer::open_with_clock(self.dir(), Box::new(self.clock.clone())).unwrap()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::open(self.dir()).unwrap()
    }

    pub(crate) fn admin(&self) -> SigningKey {
        let pem = std::fs::read_to_string(self.paths().private_key("admin")).unwrap();
        SigningKey::from_pem(&pem).unwrap()
    }

    pub(crate) fn book_key(&self) -> SigningKey {
        let pem = std::fs::read_to_string(self.paths().private_key("book")).unwrap();
        SigningKey::from_pem(&pem).unwrap()
    }

    /// Appends one signed event with a new writer.
    pub(crate) fn append(&self, signed: SignedEvent) -> Appended {
        self.writer().append(&[signed]).unwrap().remove(0)
    }

    /// Registers the component `api` and enrols `ci` (key 1) and `olga`, an approver (key 2).
    pub(crate) fn furnished(self) -> Self {
        let admin = self.admin();
        let events = [
            component("api"),
            enrolment(1, "ci", &["ci"]),
            enrolment(2, "olga", &["approver", "release_engineer"]),
        ];
        let batch: Vec<_> = events.into_iter().map(|event| sign(event, &admin)).collect();
        self.writer().append(&batch).unwrap();
        self
    }

    /// Adds commits of `sizes` incidents each, so that there is something to tamper with.
    pub(crate) fn with_commits(self, sizes: &[usize]) -> Self {
        let mut writer = self.writer();
        for &size in sizes {
            let batch: Vec<_> = (0..size).map(|_| sign(incident(), &key(1))).collect();
            writer.append(&batch).unwrap();
        }
        drop(writer);
        self
    }
}

/// The key of a seed.
pub(crate) fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// An event of this book with a new id, at 2026-05-31.
pub(crate) fn event(kind: &str, fields: Value) -> Map<String, Value> {
    let mut event = json!({
        "id": new_id(), "kind": kind, "ledger": ORIGIN, "occurred_at": "2026-05-31T00:00:00Z",
    });
    let map = event.as_object_mut().unwrap();
    map.extend(fields.as_object().unwrap().clone());
    map.clone()
}

pub(crate) fn component(name: &str) -> Map<String, Value> {
    let fields = json!({"component": name, "scheme": "semver", "release_model": "deployed"});
    event("component.registered", fields)
}

pub(crate) fn enrolment(n: u8, principal: &str, roles: &[&str]) -> Map<String, Value> {
    let public = key(n).public();
    event(
        "key.enrolled",
        json!({
            "principal": principal, "key_id": public.id().to_string(),
            "public_key": public.to_hex(), "roles": roles,
        }),
    )
}

pub(crate) fn key_end(kind: &str, n: u8, principal: &str) -> Map<String, Value> {
    let key_id = key(n).public().id().to_string();
    event(kind, json!({"principal": principal, "key_id": key_id}))
}

pub(crate) fn digest() -> String {
    format!("sha256:{}", "a".repeat(64))
}

pub(crate) fn build(version: &str) -> Map<String, Value> {
    event(
        "build.completed",
        json!({"component": "api", "version": version, "digest": digest(), "commit": "c0ffee"}),
    )
}

pub(crate) fn approval(approver: Option<&str>) -> Map<String, Value> {
    event(
        "approval.granted",
        json!({
            "component": "api", "approval_id": "a1", "version": "1.0.0", "digest": digest(),
            "stage": "production", "approver": approver,
        }),
    )
}

pub(crate) fn incident() -> Map<String, Value> {
    event("incident.opened", json!({"incident_id": "i1"}))
}

pub(crate) fn sign(event: Map<String, Value>, key: &SigningKey) -> SignedEvent {
    statement::sign(&event, key).unwrap()
}

/// Appends a batch that must be refused, and returns the refusal.
#[track_caller]
pub(crate) fn refused(writer: &mut Writer, batch: &[SignedEvent]) -> Refusal {
    match writer.append(batch) {
        Err(AppendError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Appends one event that must be refused for this reason.
#[track_caller]
pub(crate) fn refused_for(writer: &mut Writer, signed: SignedEvent, code: Code) -> Refusal {
    let refusal = refused(writer, &[signed]);
    assert_eq!(refusal.code, code, "{refusal}");
    assert_eq!(refusal.line, Some(1));
    refusal
}
