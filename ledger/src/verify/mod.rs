//! The verifier: proves a book from its bytes alone (ledger-format 7).
//!
//! It is fed the rows of the log in order, then what the book stores beside it, and trusts none of
//! that: everything is recomputed from the entries. It does no I/O; `store::verify` feeds it. What
//! it cannot know without an outside witness (a pin, a checkpoint kept elsewhere) it does not
//! claim: a log that was cut off at a commit is a perfectly good shorter log.

mod cosigned;
mod error;

pub use cosigned::Witnessed;
pub use error::{VerifyError, Witness};

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::chain::{self, ChainHash};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entry::Entry;
use crate::envelope::split_pae;
use crate::event::{Body, Digest, Event};
use crate::intake::{self, Place, Target};
use crate::key::{KeyId, PublicKey};
use crate::note::Note;
use crate::parallel;
use crate::registry::Registry;
use crate::rotation::BookKeys;
use crate::time::Time;
use crate::tree::tile::{Tile, TileEdge, TileId};
use crate::tree::{self, Hash};
use crate::verifier_key::VerifierKey;

/// One row of the log as it is stored.
#[derive(Debug, Clone)]
pub struct Row {
    /// The row's seq.
    pub seq: i64,
    /// The id beside the entry.
    pub id: Vec<u8>,
    /// The entry.
    pub entry: Vec<u8>,
}

/// What the verifier is told before it begins.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The key that the book is known by, from outside the database.
    pub book_key: Option<PublicKey>,
    /// A checkpoint up to which signatures were verified before: they are not verified again, but
    /// everything else is, and the root at its size must be the same.
    pub since: Option<Checkpoint>,
    /// The sizes at which roots will be asked for.
    pub sizes: Vec<u64>,
}

/// Who the book is, by its genesis event.
#[derive(Debug, Clone)]
struct Book {
    origin: String,
    key: PublicKey,
    simulated_clock: bool,
}

/// Verifies a book row by row.
#[derive(Debug)]
pub struct Verifier {
    known_key: Option<PublicKey>,
    since: Option<Checkpoint>,
    // Sorted; the roots at these sizes are kept.
    sizes: Vec<u64>,
    roots: BTreeMap<u64, Hash>,
    book: Option<Book>,
    registry: Registry,
    registry_seqs: Vec<u64>,
    // Every witness that a policy of the book named.
    witnesses: Vec<VerifierKey>,
    edge: TileEdge,
    // Completed since they were last taken.
    whole_tiles: Vec<(TileId, Tile)>,
    chain: ChainHash,
    clock: Time,
    ids: HashMap<Uuid, u64>,
    // Per seq the place of its key in `keys`.
    authors: Vec<u32>,
    keys: Vec<KeyId>,
    key_places: HashMap<KeyId, u32>,
    // Per blob the first event that names it.
    blobs: BTreeMap<Digest, u64>,
    verified_signatures: u64,
    verified_checkpoints: u64,
}

/// A row that could be taken apart.
struct Parsed {
    entry: Entry,
    link: ChainHash,
    leaf: Hash,
    /// The event as JSON, or what is wrong with it.
    event: Result<serde_json::Value, VerifyError>,
}

/// What the rules say of one event by itself.
struct Judged {
    event: Event,
    by_book: bool,
}

impl Verifier {
    /// Makes a verifier of a log of which nothing was seen yet.
    pub fn new(known: Known) -> Self {
        let mut sizes = known.sizes;
        sizes.extend(known.since.iter().map(|since| since.size));
        sizes.sort_unstable();
        sizes.dedup();
        Self {
            known_key: known.book_key,
            since: known.since,
            sizes,
            roots: BTreeMap::new(),
            book: None,
            registry: Registry::default(),
            registry_seqs: Vec::new(),
            witnesses: Vec::new(),
            edge: TileEdge::new(),
            whole_tiles: Vec::new(),
            chain: [0; 32],
            clock: Time::EPOCH,
            ids: HashMap::new(),
            authors: Vec::new(),
            keys: Vec::new(),
            key_places: HashMap::new(),
            blobs: BTreeMap::new(),
            verified_signatures: 0,
            verified_checkpoints: 0,
        }
    }

    /// Checks the next rows of the log.
    ///
    /// # Errors
    /// The [`VerifyError`] of the first row that breaks a rule.
    pub fn check_rows(&mut self, rows: &[Row]) -> Result<(), VerifyError> {
        let mut parsed = parallel::map(rows, parse).into_iter().zip(rows).peekable();
        if self.book.is_none()
            && let Some((first, row)) = parsed.peek()
        {
            if row.seq != 0 {
                return Err(misplaced(0, row.seq, first));
            }
            self.meet_book(first)?;
        }
        let mut run = Vec::new();
        while let Some((next, row)) = parsed.next() {
            // A registry event changes what the events after it are judged by, so it ends a run
            // of events that can be judged side by side.
            let ends = next.as_ref().is_ok_and(Parsed::is_registry);
            run.push((next, row));
            if ends || parsed.peek().is_none() {
                self.check_run(std::mem::take(&mut run))?;
            }
        }
        Ok(())
    }

    /// Reads from the first entry who the book is; its rules are checked with the others'.
    fn meet_book(&mut self, first: &Result<Parsed, VerifyError>) -> Result<(), VerifyError> {
        let wrong = |detail: String| VerifyError::Genesis { detail };
        let parsed = first.as_ref().map_err(Clone::clone)?;
        let value = parsed.event.as_ref().map_err(Clone::clone)?;
        let event = crate::admission::admit(value, &Registry::default())
            .map_err(|refusal| wrong(refusal.to_string()))?;
        let Body::BookCreated(spec) = event.body else {
            return Err(wrong("it is not book.created".to_owned()));
        };
        let key = PublicKey::from_hex(&spec.book_public_key)
            .map_err(|error| wrong(format!("the book's key: {error}")))?;
        let origin = spec.origin.to_string();
        self.chain = chain::genesis(&origin, &key);
        self.book = Some(Book { origin, key, simulated_clock: spec.simulated_clock });
        Ok(())
    }

    /// Checks rows of which at most the last is a registry event.
    fn check_run(
        &mut self,
        run: Vec<(Result<Parsed, VerifyError>, &Row)>,
    ) -> Result<(), VerifyError> {
        let first = self.edge.size();
        let book = self.book.clone().ok_or(VerifyError::Empty)?;
        let skip_below = self.since.as_ref().map_or(0, |since| since.size);
        let numbered: Vec<_> = (first..).zip(&run).collect();
        let judged = parallel::map(&numbered, |(seq, (parsed, _))| {
            let parsed = parsed.as_ref().ok()?;
            Some(judge(&book, &self.registry, *seq, parsed, *seq >= skip_below))
        });
        for ((parsed, row), judged) in run.into_iter().zip(judged) {
            let seq = self.edge.size();
            if row.seq.cast_unsigned() != seq {
                return Err(misplaced(seq, row.seq, &parsed));
            }
            let parsed = parsed?;
            check_seq(seq, &parsed)?;
            // Before time and chain: of what was edited or brought from elsewhere those are wrong
            // too, and say less.
            let judged = judged.unwrap_or_else(|| Err(VerifyError::Empty))?;
            self.check_place(seq, &parsed)?;
            self.check_identity(seq, row, &parsed, &judged)?;
            self.check_time(&book, seq, &parsed, &judged)?;
            self.take(seq, &parsed, &judged)?;
            self.verified_signatures += u64::from(seq >= skip_below);
        }
        Ok(())
    }

    /// Checks that an entry follows the one before it.
    fn check_place(&self, seq: u64, parsed: &Parsed) -> Result<(), VerifyError> {
        let entry = &parsed.entry;
        // Of an edited clock the chain tells, which names the edit and not its follower's clock.
        if entry.prev_chain != self.chain {
            return Err(VerifyError::Chain { seq });
        }
        if entry.received < self.clock {
            let (before, found) = (self.clock, entry.received);
            return Err(VerifyError::ReceivedDecreasing { seq, before, found });
        }
        Ok(())
    }

    /// Checks that the id is new and stored as it is, and what a correction names.
    fn check_identity(
        &self,
        seq: u64,
        row: &Row,
        parsed: &Parsed,
        judged: &Judged,
    ) -> Result<(), VerifyError> {
        let (event, key_id) = (&judged.event, parsed.entry.key_id);
        let id = event.header.id;
        if row.id != id.as_bytes() {
            return Err(VerifyError::IdColumn { seq });
        }
        if let Some(&first) = self.ids.get(&id) {
            return Err(VerifyError::DuplicateId { seq, first });
        }
        let inadmissible = |refusal| VerifyError::Inadmissible { seq, refusal };
        if let Some(target) = intake::correction_target(event).map_err(inadmissible)?
            && let Some(book) = &self.book
        {
            let target = match target {
                Target::Seq(target) => Some(target),
                Target::Id(id) => self.ids.get(&id).copied(),
            };
            let principal = target.and_then(|target| self.principal(target));
            let place = place(book, &self.registry, seq);
            intake::check_correction(event, key_id, &place, principal).map_err(inadmissible)?;
        }
        Ok(())
    }

    fn principal(&self, seq: u64) -> Option<&str> {
        let author = self.authors.get(usize::try_from(seq).ok()?)?;
        let key_id = self.keys.get(usize::try_from(*author).ok()?)?;
        Some(&self.registry.keyring().author(*key_id, seq)?.principal)
    }

    /// Checks the ledger's clock against the event's times.
    fn check_time(
        &self,
        book: &Book,
        seq: u64,
        parsed: &Parsed,
        judged: &Judged,
    ) -> Result<(), VerifyError> {
        let inadmissible = |refusal| VerifyError::Inadmissible { seq, refusal };
        let found = parsed.entry.received;
        if book.simulated_clock {
            let expected = intake::simulated_received(&judged.event, judged.by_book, self.clock)
                .map_err(inadmissible)?;
            if found != expected {
                return Err(VerifyError::SimulatedClock { seq, expected, found });
            }
        }
        intake::check_future(&judged.event, found, &self.registry).map_err(inadmissible)
    }

    /// Takes in an event that keeps all rules.
    fn take(&mut self, seq: u64, parsed: &Parsed, judged: &Judged) -> Result<(), VerifyError> {
        let key_id = parsed.entry.key_id;
        let next = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let author = *self.key_places.entry(key_id).or_insert(next);
        if author == next {
            self.keys.push(key_id);
        }
        self.authors.push(author);
        self.ids.insert(judged.event.header.id, seq);
        for blob in judged.event.blobs() {
            self.blobs.entry(blob).or_insert(seq);
        }
        if judged.event.kind().is_registry() {
            self.registry.apply(seq, &judged.event);
            self.registry_seqs.push(seq);
            self.note_witnesses();
        }
        self.clock = parsed.entry.received;
        self.chain = parsed.link;
        let whole = &mut self.whole_tiles;
        self.edge.append(parsed.leaf, |id, tile| whole.push((id, tile.to_vec())));
        let size = self.edge.size();
        if self.sizes.binary_search(&size).is_ok() {
            self.roots.insert(size, self.edge.root());
        }
        match &self.since {
            Some(since) if since.size == size && since.root != self.edge.root() => {
                let witness = Witness::Given;
                Err(VerifyError::CheckpointRoot { witness, size, from: 0 })
            }
            _ => Ok(()),
        }
    }

    /// Checks that the key that the book is known by is one of its keys.
    ///
    /// # Errors
    /// [`VerifyError::BookKey`] when it is none of them.
    pub fn check_known_key(&self) -> Result<(), VerifyError> {
        let Some(keys) = self.book_keys() else { return Ok(()) };
        match self.known_key {
            Some(known) if !keys.contains(&known) => {
                let found = keys.first().to_hex();
                Err(VerifyError::BookKey { known: known.to_hex(), found })
            }
            _ => Ok(()),
        }
    }

    /// Returns the keys that the book has had, once the first event was seen.
    pub fn book_keys(&self) -> Option<BookKeys> {
        BookKeys::of(self.registry.keyring())
    }

    /// Returns the number of events so far.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Returns the root over the events so far.
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// Returns the book's name and key, once the first event was seen.
    pub fn book(&self) -> Option<(&str, PublicKey)> {
        self.book.as_ref().map(|book| (book.origin.as_str(), book.key))
    }

    /// Tells whether the ledger's clock moves only by events.
    pub fn simulated_clock(&self) -> bool {
        self.book.as_ref().is_some_and(|book| book.simulated_clock)
    }

    /// Returns how many signatures were verified.
    pub fn verified_signatures(&self) -> u64 {
        self.verified_signatures
    }

    /// Returns how many stored checkpoints were verified.
    pub fn verified_checkpoints(&self) -> u64 {
        self.verified_checkpoints
    }

    /// Returns the blobs that events name, each with the seq of the first that does.
    pub fn blobs(&self) -> impl Iterator<Item = (&Digest, u64)> {
        self.blobs.iter().map(|(digest, seq)| (digest, *seq))
    }

    /// Returns the seq of an event, given its id.
    pub fn seq_of(&self, id: &Uuid) -> Option<u64> {
        self.ids.get(id).copied()
    }

    /// Checks that a list holds the seqs of exactly the registry events, in order.
    ///
    /// # Errors
    /// [`VerifyError::RegistryList`] with the first seq that differs.
    pub fn check_registry_list(&self, listed: &[u64]) -> Result<(), VerifyError> {
        let (mut expected, mut listed) = (self.registry_seqs.iter(), listed.iter());
        loop {
            match (expected.next(), listed.next()) {
                (None, None) => return Ok(()),
                (Some(e), Some(l)) if e == l => {}
                (Some(&e), l) if l.is_none_or(|&l| e < l) => {
                    return Err(VerifyError::RegistryList { seq: e, listed: false });
                }
                (_, Some(&l)) => return Err(VerifyError::RegistryList { seq: l, listed: true }),
                (Some(&e), None) => {
                    return Err(VerifyError::RegistryList { seq: e, listed: false });
                }
            }
        }
    }

    /// Returns the tiles that the rows since the last call completed.
    pub fn take_whole_tiles(&mut self) -> Vec<(TileId, Tile)> {
        std::mem::take(&mut self.whole_tiles)
    }

    /// Returns the partial tiles at the right edge.
    pub fn partial_tiles(&self) -> impl Iterator<Item = (TileId, &[Hash])> {
        self.edge.partial()
    }

    /// Checks the book's stored checkpoints, all of them, in the order of their sizes.
    ///
    /// # Errors
    /// [`VerifyError::CheckpointInvalid`], [`VerifyError::CheckpointRoot`],
    /// [`VerifyError::Truncated`] for the first that is wrong, [`VerifyError::CheckpointMissing`]
    /// when none covers the end of the log.
    pub fn check_stored(&mut self, stored: &[(u64, String)]) -> Result<(), VerifyError> {
        let keys = self.book_keys().ok_or(VerifyError::Empty)?;
        let opened = parallel::map(stored, |(size, note)| {
            let invalid = |source| {
                let (witness, size) = (Witness::Stored, Some(*size));
                VerifyError::CheckpointInvalid { witness, size, source }
            };
            let checkpoint = self.open_checkpoint(&keys, note).map_err(invalid)?;
            let lines = 1 + usize::from(keys.signers(*size).1.is_some());
            let detail = if checkpoint.size != *size {
                "its size is not that of its row"
            } else if Note::parse(note).is_ok_and(|note| note.signatures.len() != lines) {
                "it has signature lines that the book did not write"
            } else {
                return Ok(checkpoint);
            };
            Err(invalid(CheckpointError::Form { detail }))
        });
        let mut vouched = 0;
        for checkpoint in opened {
            let checkpoint = checkpoint?;
            self.check_root(Witness::Stored, &checkpoint, vouched)?;
            vouched = checkpoint.size;
            self.verified_checkpoints += 1;
        }
        for rotation in keys.rotations() {
            let size = rotation.seq + 1;
            if stored.binary_search_by_key(&size, |(size, _)| *size).is_err() {
                return Err(VerifyError::RotationCheckpoint { seq: rotation.seq });
            }
        }
        let size = self.size();
        match vouched == size {
            true => Ok(()),
            false => Err(VerifyError::CheckpointMissing { size, from: vouched }),
        }
    }

    /// Tells whether a stored checkpoint is the book's and of the log as far as it was checked.
    pub fn vouches(&self, note: &str) -> bool {
        self.check_witness(Witness::Stored, note).is_ok()
    }

    /// Checks a checkpoint from outside the database, and returns its size.
    ///
    /// # Errors
    /// As [`Verifier::check_stored`].
    pub fn check_witness(&self, witness: Witness, note: &str) -> Result<u64, VerifyError> {
        let keys = self.book_keys().ok_or(VerifyError::Empty)?;
        let checkpoint = self
            .open_checkpoint(&keys, note)
            .map_err(|source| VerifyError::CheckpointInvalid { witness, size: None, source })?;
        self.check_root(witness, &checkpoint, 0)?;
        Ok(checkpoint.size)
    }

    fn open_checkpoint(&self, keys: &BookKeys, note: &str) -> Result<Checkpoint, CheckpointError> {
        let origin = self.book.as_ref().map_or("", |book| book.origin.as_str());
        keys.open(note, origin)
    }

    fn check_root(
        &self,
        witness: Witness,
        checkpoint: &Checkpoint,
        vouched: u64,
    ) -> Result<(), VerifyError> {
        let (size, claimed) = (self.size(), checkpoint.size);
        if claimed > size {
            return Err(VerifyError::Truncated { witness, size, claimed });
        }
        let root = match claimed {
            0 => Some(tree::empty_root()),
            _ => self.roots.get(&claimed).copied(),
        };
        if root == Some(checkpoint.root) {
            return Ok(());
        }
        Err(VerifyError::CheckpointRoot { witness, size: claimed, from: vouched })
    }
}

impl Parsed {
    fn is_registry(&self) -> bool {
        let kind = self.event.as_ref().ok().and_then(|event| event.get("kind")?.as_str());
        kind.and_then(crate::event::Kind::parse).is_some_and(crate::event::Kind::is_registry)
    }
}

/// Says what a row in the place of `seq` shows, where another row stands.
fn misplaced(seq: u64, row: i64, parsed: &Result<Parsed, VerifyError>) -> VerifyError {
    let before = |found: &u64| *found < seq;
    match parsed.as_ref().ok().map(|parsed| parsed.entry.seq).filter(before) {
        _ if row < 0 => VerifyError::Stray { row, seq },
        // All rows so far were in their places, so this one has its like before it.
        Some(found) => VerifyError::Inserted { seq, found },
        None => VerifyError::SeqGap { seq, found: row },
    }
}

/// Checks that an entry stands where it says.
fn check_seq(seq: u64, parsed: &Parsed) -> Result<(), VerifyError> {
    let found = parsed.entry.seq;
    match found.cmp(&seq) {
        Ordering::Equal => Ok(()),
        // What is lower stood before: all rows so far were in their places.
        Ordering::Less => Err(VerifyError::Inserted { seq, found }),
        Ordering::Greater => Err(VerifyError::SeqMismatch { seq, found }),
    }
}

/// Takes a row apart; nothing here depends on the rows before it.
fn parse(row: &Row) -> Result<Parsed, VerifyError> {
    let seq = row.seq.cast_unsigned();
    let entry = Entry::decode(&row.entry).map_err(|source| VerifyError::Entry { seq, source })?;
    let event = match split_pae(&entry.pae) {
        Ok((payload_type, body)) => intake::check_size(entry.pae.len())
            .and_then(|()| intake::parse_payload(payload_type, body))
            .map_err(|refusal| VerifyError::Inadmissible { seq, refusal }),
        Err(source) => Err(VerifyError::Envelope { seq, source }),
    };
    Ok(Parsed { link: chain::link(&row.entry), leaf: tree::leaf_hash(&row.entry), entry, event })
}

fn place<'a>(book: &'a Book, registry: &'a Registry, seq: u64) -> Place<'a> {
    Place {
        origin: &book.origin,
        book_key: book.key,
        simulated_clock: book.simulated_clock,
        seq,
        registry,
    }
}

/// Judges an event by itself: signature, rules of admission, key and role.
///
/// The signature comes first: of an event that was changed, the change is the finding, not what
/// the changed text happens to say.
fn judge(
    book: &Book,
    registry: &Registry,
    seq: u64,
    parsed: &Parsed,
    verify_signature: bool,
) -> Result<Judged, VerifyError> {
    let entry = &parsed.entry;
    let place = place(book, registry, seq);
    if verify_signature
        && let Some(key) = place.key_in_force(entry.key_id)
        && key.verify_strict(&entry.pae, &entry.signature).is_err()
    {
        return Err(VerifyError::Signature { seq });
    }
    let value = parsed.event.as_ref().map_err(Clone::clone)?;
    let (event, by_book) = intake::judge(value, entry.key_id, &place)
        .map_err(|refusal| VerifyError::Inadmissible { seq, refusal })?;
    Ok(Judged { event, by_book })
}
