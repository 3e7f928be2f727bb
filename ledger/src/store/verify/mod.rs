//! Verifying a book on disk: feeds the verifier and keeps tampering apart from failing to read.
//!
//! The log is read by a table scan, never by an index that could hide rows, and inside one read
//! transaction, so a writer may go on meanwhile. Damage that SQLite itself notices is a finding;
//! a disk that cannot be read is not.

mod beside;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, ffi};

use super::ledger::ReadError;
use super::open_error::OpenError;
use super::{BookPaths, durable, pin, schema, sqlite};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::key::PublicKey;
use crate::note::Note;
use crate::parallel;
use crate::receipt::Receipt;
use crate::rotation::Rotation;
use crate::tree::Hash;
use crate::verifier_key::VerifierKey;
use crate::verify::{Known, Row, Verifier, VerifyError, Witness, Witnessed};

/// How many rows, and how many bytes of them, are verified at a time.
const CHUNK_ROWS: usize = 2_048;
const CHUNK_BYTES: usize = 8 << 20;

/// What to check a book against besides itself.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// The key that the book is known by; else that of `book/keys/book.pub`, where there is one.
    pub book_key: Option<PublicKey>,
    /// Signed checkpoints kept elsewhere, as their text.
    pub checkpoints: Vec<String>,
    /// Receipts kept elsewhere.
    pub receipts: Vec<Receipt>,
    /// A signed checkpoint up to which an earlier run verified the signatures, as its text.
    pub since: Option<String>,
    /// Witnesses that the caller knows; without any those of the book's policy count.
    pub witnesses: Vec<VerifierKey>,
    /// How many of them must have cosigned the newest checkpoint; else all that the caller names,
    /// or what the policy says.
    pub quorum: Option<u32>,
    /// Whether the blobs that events name are left out.
    pub skip_blobs: bool,
}

/// What was proven, and against what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The book's name.
    pub origin: String,
    /// The book's first key, by which it is known.
    pub book_key: PublicKey,
    /// The changes of its key since.
    pub rotations: Vec<Rotation>,
    /// What witnesses vouch for.
    pub witnessed: Witnessed,
    /// Whether the key was compared with one from outside the database.
    pub book_key_checked: bool,
    /// The number of events, all of them verified.
    pub events: u64,
    /// The root over them.
    pub root: Hash,
    /// How many authors' signatures were verified: all but those before `since`.
    pub verified_signatures: u64,
    /// How many stored checkpoints were verified: all of them.
    pub checkpoints: u64,
    /// The number of receipts that were verified.
    pub receipts: u64,
    /// The blobs that events name.
    pub blobs: BlobReport,
    /// The size of the checkpoint from which signatures were verified.
    pub since: Option<u64>,
    /// The number of events under the pin, if there is one.
    pub pin_size: Option<u64>,
    /// Whether anything from outside the database could have shown that its end was cut off.
    pub truncation_checked: bool,
    /// The sizes of the checkpoints that were given, and of those of the given receipts, sorted.
    pub given_sizes: Vec<u64>,
    /// Whether the ledger's clock moves only by events, so that it proves nothing about real time.
    pub simulated_clock: bool,
}

/// What became of the blobs that events name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlobReport {
    /// How many there are in all.
    pub named: u64,
    /// How many were read and have their digest.
    pub verified: u64,
    /// How many are not in the book's directory.
    pub missing: u64,
    /// The first event that names one that is not there, and its digest.
    pub first_missing: Option<(u64, String)>,
    /// Whether they were left out.
    pub skipped: bool,
}

/// Says why a book was not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyFailure {
    /// The book breaks a rule: it was tampered with or damaged.
    #[error("{0}")]
    Tampered(VerifyError),
    /// There is no book that could be verified.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file beside the database cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<VerifyError> for VerifyFailure {
    fn from(error: VerifyError) -> Self {
        Self::Tampered(error)
    }
}

impl From<rusqlite::Error> for VerifyFailure {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let damage = match &error {
            E::InvalidColumnType(..) | E::FromSqlConversionFailure(..) | E::Utf8Error(..) => true,
            E::SqliteFailure(failure, _) => {
                matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                    // The disk gave less than the file's own header promises: it was cut.
                    || failure.extended_code == ffi::SQLITE_IOERR_SHORT_READ
            }
            _ => false,
        };
        if damage {
            return Self::Tampered(VerifyError::Database { detail: error.to_string() });
        }
        Self::Read(ReadError::from(error))
    }
}

/// What a verification tells while it runs.
pub struct Watch<'a> {
    /// Hears of events done and in all.
    pub progress: &'a dyn Fn(u64, u64),
    /// Hears of the newest stored checkpoint below which everything was verified, as its text: a
    /// run that is broken off can go on from there, with it as `since`.
    pub verified: &'a dyn Fn(&str),
}

/// Proves a whole book, or says what is wrong with it; `progress` hears of events done and in all.
///
/// # Errors
/// [`VerifyFailure::Tampered`] when the book breaks a rule, another [`VerifyFailure`] when it could
/// not be checked.
pub fn verify(
    dir: &Path,
    options: &VerifyOptions,
    progress: &dyn Fn(u64, u64),
) -> Result<Report, VerifyFailure> {
    verify_watched(dir, options, &Watch { progress, verified: &|_| {} })
}

/// As [`verify`], for whoever wants to be able to go on from where a run is broken off.
///
/// # Errors
/// As [`verify`].
pub fn verify_watched(
    dir: &Path,
    options: &VerifyOptions,
    watch: &Watch<'_>,
) -> Result<Report, VerifyFailure> {
    match prove(dir, options, options.since.is_some(), watch) {
        // Signatures were left out on the word of `since`. What is wrong is told from all of them,
        // so that it has the same name and place as without `since`.
        Err(VerifyFailure::Tampered(found)) if options.since.is_some() => {
            prove(dir, options, false, watch).and(Err(found.into()))
        }
        outcome => outcome,
    }
}

/// Proves the book, with or without the signatures below `since`.
fn prove(
    dir: &Path,
    options: &VerifyOptions,
    skip_signatures: bool,
    watch: &Watch<'_>,
) -> Result<Report, VerifyFailure> {
    let paths = BookPaths::new(dir);
    // The pin is read before the log: a writer may append in between, and a pin that is newer than
    // what is read of the log would look like a log that was cut off.
    let path = paths.pin();
    let pin = pin::read(&path).map_err(|source| VerifyFailure::Io { path, source })?;
    let connection = open(&paths, options)?;
    let transaction = connection.unchecked_transaction()?;
    check_schema(&transaction)?;
    let (book_key, since) = (known_key(&paths, options)?, since(options)?);
    let mut sizes =
        numbers(&transaction, "SELECT size FROM checkpoints NOT INDEXED ORDER BY size")?;
    let mut given_sizes = Vec::new();
    for (witness, note) in witnesses(pin.as_deref(), options) {
        let size = unverified(witness, note)?.size;
        sizes.push(size);
        given_sizes.extend((witness == Witness::Given).then_some(size));
    }
    sizes.extend(since.iter().map(|since| since.size));
    given_sizes.sort_unstable();
    given_sizes.dedup();
    let known = Known { book_key, since: since.clone().filter(|_| skip_signatures), sizes };
    let mut verifier = Verifier::new(known);
    // A wrong tile hides nothing that the entries do not show, so it is told last.
    let tile =
        scan(&transaction, &mut verifier, watch).map_err(|error| displaced(&transaction, error))?;
    let Some((origin, key)) = verifier.book().map(|(origin, key)| (origin.to_owned(), key)) else {
        return Err(VerifyError::Empty.into());
    };
    verifier.check_known_key()?;
    let book_keys = verifier.book_keys().ok_or(VerifyError::Empty)?;
    for receipt in &options.receipts {
        let seq = receipt.seq;
        receipt.check_by(&book_keys).map_err(|source| VerifyError::Receipt { seq, source })?;
    }
    let outside = || {
        let given = options.since.iter().map(|note| (Witness::Given, note.as_str()));
        witnesses(pin.as_deref(), options).chain(given)
    };
    let stored = stored_checkpoints(&transaction)?;
    verifier.check_stored(&stored).map_err(|error| cut(&verifier, outside(), error))?;
    for (witness, note) in outside() {
        verifier.check_witness(witness, note)?;
    }
    beside::check_meta(&transaction, &origin, key)?;
    let witnessed = beside::check(&transaction, &verifier, &stored, options)?;
    tile.map_or(Ok(()), Err)?;
    beside::check_tiles(&transaction, &verifier)?;
    // Last, because it names no event: what can be named is found before.
    check_structure(&transaction)?;
    let blobs = check_blobs(&paths, &verifier, options.skip_blobs)?;
    let pin_size = pin.as_deref().map(|note| unverified(Witness::Pin, note)).transpose()?;
    Ok(Report {
        origin,
        book_key: key,
        rotations: book_keys.rotations().to_vec(),
        witnessed,
        book_key_checked: book_key.is_some(),
        events: verifier.size(),
        root: verifier.root(),
        verified_signatures: verifier.verified_signatures(),
        checkpoints: verifier.verified_checkpoints(),
        since: since.map(|since| since.size),
        pin_size: pin_size.map(|pin| pin.size),
        truncation_checked: witnesses(pin.as_deref(), options).next().is_some(),
        given_sizes,
        receipts: options.receipts.len() as u64,
        blobs,
        simulated_clock: verifier.simulated_clock(),
    })
}

/// Reads the stored checkpoints in the order of their sizes.
fn stored_checkpoints(connection: &Connection) -> rusqlite::Result<Vec<(u64, String)>> {
    let mut statement =
        connection.prepare("SELECT size, note FROM checkpoints NOT INDEXED ORDER BY size")?;
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?;
    rows.collect()
}

/// Says that the end was cut off where something from outside knows that it was: then that, and
/// not events that somebody added, is why no stored checkpoint covers it.
fn cut<'a>(
    verifier: &Verifier,
    mut outside: impl Iterator<Item = (Witness, &'a str)>,
    error: VerifyError,
) -> VerifyError {
    if !matches!(error, VerifyError::CheckpointMissing { .. }) {
        return error;
    }
    let beyond = |(witness, note)| match verifier.check_witness(witness, note) {
        Err(error @ VerifyError::Truncated { .. }) => Some(error),
        _ => None,
    };
    outside.find_map(beyond).unwrap_or(error)
}

/// Opens the database; damage to what was a book once is a finding.
fn open(paths: &BookPaths, options: &VerifyOptions) -> Result<Connection, VerifyFailure> {
    let pinned = paths.pin().exists();
    let was_book = pinned || witnesses(None, options).next().is_some();
    sqlite::open_read(&paths.database()).map_err(|error| match error {
        OpenError::Damaged { detail, .. } => VerifyError::Database { detail }.into(),
        OpenError::NotABook { detail, .. } if was_book => VerifyError::Database { detail }.into(),
        OpenError::Missing { .. } if pinned => {
            let detail = "ledger.db is gone, though the pin says that there was a book";
            VerifyError::Database { detail: detail.to_owned() }.into()
        }
        OpenError::Database { source, .. } => source.into(),
        other => other.into(),
    })
}

fn check_schema(connection: &Connection) -> Result<(), VerifyFailure> {
    let (found, expected) = (schema::read(connection)?, schema::expected()?);
    let differs = |rows: &[schema::SchemaRow], others: &[schema::SchemaRow]| {
        rows.iter().find(|row| !others.contains(row)).map(|row| format!("{} `{}`", row.0, row.1))
    };
    match differs(&found, &expected).or_else(|| differs(&expected, &found)) {
        Some(name) => Err(VerifyError::Schema { name }.into()),
        None => Ok(()),
    }
}

fn known_key(
    paths: &BookPaths,
    options: &VerifyOptions,
) -> Result<Option<PublicKey>, VerifyFailure> {
    if options.book_key.is_some() {
        return Ok(options.book_key);
    }
    let path = paths.public_key("book");
    let mut text = String::new();
    match durable::open_regular(&path).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => {
            let key = PublicKey::from_pem(&text);
            Ok(Some(key.map_err(|source| OpenError::Key { path, source })?))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(VerifyFailure::Io { path, source }),
    }
}

fn since(options: &VerifyOptions) -> Result<Option<Checkpoint>, VerifyError> {
    options.since.as_deref().map(|note| unverified(Witness::Given, note)).transpose()
}

fn witnesses<'a>(
    pin: Option<&'a str>,
    options: &'a VerifyOptions,
) -> impl Iterator<Item = (Witness, &'a str)> {
    // A receipt proves that its event led to the root that it names; the log must have that root.
    let receipts = options.receipts.iter().map(|receipt| &receipt.checkpoint);
    let given = options.checkpoints.iter().chain(receipts);
    let given = given.map(|note| (Witness::Given, note.as_str()));
    pin.into_iter().map(|note| (Witness::Pin, note)).chain(given)
}

/// Reads what a checkpoint says before the key that must have signed it is known.
fn unverified(witness: Witness, note: &str) -> Result<Checkpoint, VerifyError> {
    let parsed = Note::parse(note).map_err(CheckpointError::from);
    parsed
        .and_then(|note| Checkpoint::parse(&note.text))
        .map_err(|source| VerifyError::CheckpointInvalid { witness, size: None, source })
}

fn numbers(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<u64>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))?;
    rows.collect()
}

/// Verifies the rows of the log; returns the first tile that is not that of its tree.
fn scan(
    connection: &Connection,
    verifier: &mut Verifier,
    watch: &Watch<'_>,
) -> Result<Option<VerifyError>, VerifyFailure> {
    let total = connection
        .query_row("SELECT coalesce(max(seq), -1) + 1 FROM events", [], |row| row.get::<_, i64>(0))?
        .cast_unsigned();
    (watch.progress)(0, total);
    let mut wrong_tile = None;
    let mut statement =
        connection.prepare("SELECT seq, id, entry FROM events NOT INDEXED ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let (mut chunk, mut bytes) = (Vec::with_capacity(CHUNK_ROWS), 0);
    loop {
        let row = rows.next()?;
        if let Some(row) = row {
            let row = Row { seq: row.get(0)?, id: row.get(1)?, entry: row.get(2)? };
            bytes += row.entry.len();
            chunk.push(row);
            if chunk.len() < CHUNK_ROWS && bytes < CHUNK_BYTES {
                continue;
            }
        }
        let ended = row.is_none();
        verifier.check_rows(&chunk)?;
        for (id, hashes) in verifier.take_whole_tiles() {
            match beside::check_tile(connection, id, &hashes) {
                Err(VerifyFailure::Tampered(wrong @ VerifyError::Tile { .. })) => {
                    wrong_tile.get_or_insert(wrong);
                }
                other => other?,
            }
        }
        (watch.progress)(verifier.size(), total);
        (bytes, _) = (0, chunk.clear());
        if ended {
            return Ok(wrong_tile);
        }
        if let Some(note) = newest_below(connection, verifier)? {
            (watch.verified)(&note);
        }
    }
}

/// Returns the newest stored checkpoint of what was verified so far, if it is one.
fn newest_below(connection: &Connection, verifier: &Verifier) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT note FROM checkpoints WHERE size <= ?1 ORDER BY size DESC LIMIT 1",
    )?;
    let note = statement.query_row([verifier.size().cast_signed()], |row| row.get(0)).optional()?;
    Ok(note.filter(|note: &String| verifier.vouches(note)))
}

/// Finds damage inside the database that a scan passes by: a wrong key in an inner page leads a
/// look-up, which every reader makes, to the wrong place.
fn check_structure(connection: &Connection) -> Result<(), VerifyFailure> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(VerifyError::Database { detail: found }.into()) }
}

/// Tells an entry that was removed from one that was moved: of the latter another row has the seq.
fn displaced(connection: &Connection, failure: VerifyFailure) -> VerifyFailure {
    let VerifyFailure::Tampered(VerifyError::SeqMismatch { seq, found }) = failure else {
        return failure;
    };
    let sql =
        "SELECT count(*) FROM events NOT INDEXED WHERE seq > ?1 AND substr(entry, 17, 8) = ?2";
    let bytes = seq.to_be_bytes();
    let elsewhere = connection
        .query_row(sql, (seq.cast_signed(), bytes.as_slice()), |row| row.get::<_, i64>(0));
    match elsewhere {
        Ok(0) => VerifyError::Removed { seq, found }.into(),
        _ => VerifyError::SeqMismatch { seq, found }.into(),
    }
}

/// Compares every blob that an event names with its digest.
fn check_blobs(
    paths: &BookPaths,
    verifier: &Verifier,
    skipped: bool,
) -> Result<BlobReport, VerifyFailure> {
    let mut named: Vec<_> = verifier.blobs().collect();
    named.sort_by_key(|(_, seq)| *seq);
    let mut report = BlobReport { named: named.len() as u64, skipped, ..BlobReport::default() };
    if skipped {
        return Ok(report);
    }
    let checked = parallel::map(&named, |(digest, _)| paths.blob_holds(digest));
    for ((digest, seq), held) in named.into_iter().zip(checked) {
        let digest = digest.to_string();
        match held {
            Ok(Some(true)) => report.verified += 1,
            Ok(Some(false)) => return Err(VerifyError::Blob { seq, digest }.into()),
            Ok(None) => {
                report.missing += 1;
                report.first_missing.get_or_insert((seq, digest));
            }
            Err(source) => {
                let path = paths.blob(&digest).unwrap_or_default();
                return Err(VerifyFailure::Io { path, source });
            }
        }
    }
    Ok(report)
}
