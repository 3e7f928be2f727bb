//! Appending a batch: judge, place, commit, acknowledge (ledger-format 5).
//!
//! A batch enters whole or not at all. It is staged in memory first: every event is judged by the
//! state that the events before it leave, so a key enrolled on one line signs the next. One
//! transaction then stores entries, tree edge and one checkpoint; the pin follows, and only then is
//! the batch acknowledged. A commit that fails is never tried again on the same handle.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::ledger::{ReadError, read_entry};
use super::writer::Writer;
use super::{pin, tile};
use crate::admission::{Code, Refusal};
use crate::chain::{self, ChainHash};
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::entry::Entry;
use crate::envelope::SignedEvent;
use crate::event::{Body, Event, Kind};
use crate::intake::{self, Place, Target};
use crate::key::{KeyId, PublicKey};
use crate::limits::{CLOCK_BACK_SECONDS_MAX, ENTRY_HEADER_BYTES};
use crate::note::Note;
use crate::parallel;
use crate::registry::Registry;
use crate::statement;
use crate::time::Time;
use crate::tree::tile::{Tile, TileEdge, TileId};
use crate::tree::{self, Hash};

/// How many events are parsed and verified in parallel at a time; bounds the memory of a batch.
const CHUNK_EVENTS: usize = 2_048;

/// Says why a batch was not acknowledged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The batch breaks a rule; nothing was appended but, where its author is known, the refusal.
    #[error("{0}")]
    Refused(Refusal),
    /// The book cannot be read, so nothing was appended.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The commit failed; whether the batch is stored is unknown until the book is opened anew.
    #[error(
        "the commit failed ({source}); whether the batch is stored is unknown: open the book anew \
         and send the same events again, what is stored is recognised by its id"
    )]
    Commit {
        /// Why.
        source: rusqlite::Error,
    },
    /// The batch is stored, but the pin could not be written, so it is not acknowledged.
    #[error(
        "the batch is stored, but the pin {} could not be written: {source}; mend that, then send \
         the same events again",
        path.display()
    )]
    Pin {
        /// The pin.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An earlier commit of this writer failed; open the book anew, which checks its end.
    #[error("this writer stopped at an earlier failed commit; open the book anew")]
    Poisoned,
}

/// Says that an event is in the book, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The event's place.
    pub seq: u64,
    /// The event's id.
    pub id: Uuid,
    /// The chain value after its entry.
    pub chain_hash: ChainHash,
    /// The checkpoint of the commit that stored it.
    pub checkpoint: Arc<SignedCheckpoint>,
    /// Whether the event had been stored before, by an earlier call or an earlier line.
    pub duplicate: bool,
}

/// A batch that has been judged and placed, but not stored.
struct Stage {
    clock: Time,
    chain: ChainHash,
    edge: TileEdge,
    /// The tiles that the batch completes.
    whole_tiles: Vec<(TileId, Tile)>,
    /// The registry after the batch, when the batch changes it.
    registry: Option<Registry>,
    entries: Vec<StagedEntry>,
    ids: HashMap<Uuid, usize>,
    outcomes: Vec<Outcome>,
}

struct StagedEntry {
    id: Uuid,
    key_id: KeyId,
    signature: [u8; 64],
    bytes: Vec<u8>,
    chain_hash: ChainHash,
    is_registry: bool,
}

/// What became of one line of a batch.
enum Outcome {
    /// It is the staged entry with this index.
    New(usize),
    /// It repeats the staged entry with this index.
    Repeated(usize),
    /// It is in the book already, at this seq.
    Stored(u64, Uuid),
}

enum StageError {
    /// The line with this index, from 0, breaks a rule.
    Refused(usize, Refusal),
    /// The batch cannot be appended now, whoever sent it.
    Stopped(Refusal),
    Read(ReadError),
}

impl<E: Into<ReadError>> From<E> for StageError {
    fn from(error: E) -> Self {
        Self::Read(error.into())
    }
}

impl Writer {
    /// Appends a batch of signed events, all or none, and acknowledges it once it is durable.
    ///
    /// An event that the book holds already, byte for byte, gets its earlier receipt.
    ///
    /// # Errors
    /// [`AppendError::Refused`] naming the first line that breaks a rule; then the refusal itself
    /// is recorded when its author holds, or held, a key and signed the bytes. Otherwise
    /// [`AppendError`] as its variants say.
    pub fn append(&mut self, batch: &[SignedEvent]) -> Result<Vec<Appended>, AppendError> {
        self.check_usable()?;
        match self.stage(batch, false) {
            Ok(stage) => self.commit(stage),
            Err(StageError::Read(error)) => Err(error.into()),
            Err(StageError::Stopped(refusal)) => Err(AppendError::Refused(refusal)),
            Err(StageError::Refused(index, refusal)) => {
                let line = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
                let refusal = refusal.on_line(line);
                if let Some(refused) = batch.get(index) {
                    self.record_signed_refusal(&refusal, refused)?;
                }
                Err(AppendError::Refused(refusal))
            }
        }
    }

    /// Appends an event that relbook itself writes, such as `gate.decided`, signed by the book.
    ///
    /// `fields` are those after `id`, `kind`, `ledger` and `occurred_at`.
    ///
    /// # Errors
    /// As [`Writer::append`], without recording a refusal.
    pub fn append_as_book(
        &mut self,
        kind: Kind,
        fields: Map<String, Value>,
    ) -> Result<Appended, AppendError> {
        self.check_usable()?;
        let clock = self.batch_clock();
        let mut event = Map::new();
        event.insert("id".to_owned(), new_id(clock).map_err(AppendError::Refused)?.into());
        event.insert("kind".to_owned(), kind.as_str().into());
        event.insert("ledger".to_owned(), self.ledger.origin.clone().into());
        event.insert("occurred_at".to_owned(), clock.to_string().into());
        event.extend(fields);
        let signed = statement::sign(&event, &self.book_key).map_err(AppendError::Refused)?;
        let stage =
            self.stage(std::slice::from_ref(&signed), true).map_err(|error| match error {
                StageError::Refused(_, refusal) | StageError::Stopped(refusal) => {
                    AppendError::Refused(refusal)
                }
                StageError::Read(error) => AppendError::Read(error),
            })?;
        let receipt = self.commit(stage)?.pop();
        Ok(receipt.expect("a batch of one event has one receipt"))
    }

    pub(super) fn check_usable(&self) -> Result<(), AppendError> {
        if self.poisoned { Err(AppendError::Poisoned) } else { Ok(()) }
    }

    /// Returns the clock of a batch: the system's, but never before the last event's.
    fn batch_clock(&self) -> Time {
        let last = self.ledger.clock;
        if self.ledger.simulated_clock { last } else { self.clock.now().max(last) }
    }

    /// Refuses new events while the system's clock is far behind the last event's: either it fell
    /// back, and what it says is wrong, or it ran ahead before, and then an admin can say by policy
    /// that the ledger's clock stands still until the right time is past it. It never goes back.
    fn check_clock(&self, registry: &Registry) -> Result<(), Refusal> {
        let (last, now) = (self.ledger.clock, self.clock.now());
        if self.ledger.simulated_clock
            || last.micros_since(now) <= CLOCK_BACK_SECONDS_MAX * 1_000_000
            || registry.policy().holds_clock(last)
        {
            return Ok(());
        }
        Err(Refusal::new(
            Code::ClockBackwards,
            format!(
                "this machine's clock says {now}, but the book took its last event at {last}; when \
                 this clock is wrong, set it right; when it is right, a clock ran ahead before: an \
                 admin can let the book's clock stand still until then, with `relbook append \
                 policy.set --policy-id clock --values clock_held_until={last}`"
            ),
        ))
    }

    fn stage(&self, batch: &[SignedEvent], by_book: bool) -> Result<Stage, StageError> {
        if batch.len() > self.batch_events_max {
            return Err(StageError::Stopped(Refusal::new(
                Code::TooLarge,
                format!(
                    "the batch has {} events, at most {} are taken at once; split it, or allow \
                     more with --batch",
                    batch.len(),
                    self.batch_events_max
                ),
            )));
        }
        let mut stage = Stage {
            clock: self.batch_clock(),
            chain: self.chain,
            edge: self.edge.clone(),
            whole_tiles: Vec::new(),
            registry: None,
            entries: Vec::with_capacity(batch.len()),
            ids: HashMap::with_capacity(batch.len()),
            outcomes: Vec::with_capacity(batch.len()),
        };
        for (chunk, events) in batch.chunks(CHUNK_EVENTS).enumerate() {
            self.stage_chunk(&mut stage, chunk * CHUNK_EVENTS, events)?;
        }
        // By the policy after the batch, which may be what it brings; of events that are in the
        // book already nothing is recorded, so a retry is answered whatever the clock says.
        if !by_book && !stage.entries.is_empty() {
            let registry = stage.registry.as_ref().unwrap_or(&self.ledger.registry);
            self.check_clock(registry).map_err(StageError::Stopped)?;
        }
        Ok(stage)
    }

    /// Stages some lines; `first` is the index of the first of them in the batch.
    fn stage_chunk(
        &self,
        stage: &mut Stage,
        first: usize,
        events: &[SignedEvent],
    ) -> Result<(), StageError> {
        let mut unverified = Vec::with_capacity(events.len());
        let mut stopped = Ok(());
        for (index, (signed, prepared)) in
            events.iter().zip(parallel::map(events, prepare)).enumerate()
        {
            match self.stage_one(stage, first + index, signed, prepared) {
                Ok(Some((entry, key))) => unverified.push((first + index, entry, key)),
                Ok(None) => {}
                Err(error) => {
                    stopped = Err(error);
                    break;
                }
            }
        }
        // Signatures are checked after the rest, in parallel, but the first bad line is what is
        // named: a bad signature stands before whatever stopped a later line.
        match first_unsigned(&stage.entries, &unverified) {
            Some(index) => Err(StageError::Refused(index, bad_signature())),
            None => stopped,
        }
    }

    /// Stages one line; returns what its signature is to be checked with, unless it is a repetition.
    fn stage_one(
        &self,
        stage: &mut Stage,
        index: usize,
        signed: &SignedEvent,
        prepared: Prepared,
    ) -> Result<Option<(usize, PublicKey)>, StageError> {
        let refused = |refusal| StageError::Refused(index, refusal);
        let (pae, value) = prepared.map_err(refused)?;
        // A retry is recognised before it is judged: its first sending was judged.
        let known = match id_of(&value) {
            Some(id) => self.known(stage, id, &pae)?,
            None => Known::No,
        };
        if let Known::Same(outcome) = known {
            stage.outcomes.push(outcome);
            return Ok(None);
        }
        let registry = stage.registry.as_ref().unwrap_or(&self.ledger.registry);
        let place = Place {
            origin: &self.ledger.origin,
            book_key: self.ledger.book_key,
            simulated_clock: self.ledger.simulated_clock,
            seq: stage.edge.size(),
            registry,
        };
        let (event, by_book) = intake::judge(&value, signed.key_id, &place).map_err(refused)?;
        self.check_rotation(&event).map_err(refused)?;
        if matches!(known, Known::Other) {
            return Err(refused(id_conflict(event.header.id)));
        }
        if let Some(target) = intake::correction_target(&event).map_err(refused)? {
            let principal = self.principal_of(stage, registry, target)?;
            intake::check_correction(&event, signed.key_id, &place, principal.as_deref())
                .map_err(refused)?;
        }
        let received = match self.ledger.simulated_clock {
            true => intake::simulated_received(&event, by_book, stage.clock),
            false => Ok(stage.clock),
        };
        let received = received.map_err(refused)?;
        intake::check_future(&event, received, registry).map_err(refused)?;
        let key = place
            .key_in_force(signed.key_id)
            .expect("a key that is not in force was refused by the judgement");
        let entry = stage.place(signed, &event, received, pae, &self.ledger.registry);
        Ok(Some((entry, key)))
    }

    /// Refuses a change of the book's key that this writer does not make itself: it needs the new
    /// private key too, and a commit of its own.
    fn check_rotation(&self, event: &Event) -> Result<(), Refusal> {
        let Body::BookRotated(spec) = &event.body else { return Ok(()) };
        let next = self.next_book_key.as_ref().map(|next| next.public().to_hex());
        if next.as_deref() == Some(spec.book_public_key.as_str()) {
            return Ok(());
        }
        let message = "the book's key is changed by `relbook key rotate-book` only";
        Err(Refusal::new(Code::Role, message).at("kind"))
    }

    /// Looks an id up among the lines before and in the book.
    fn known(&self, stage: &Stage, id: Uuid, pae: &[u8]) -> Result<Known, ReadError> {
        if let Some(&entry) = stage.ids.get(&id) {
            let same = stage.entries.get(entry).is_some_and(|staged| staged.pae() == pae);
            return Ok(if same { Known::Same(Outcome::Repeated(entry)) } else { Known::Other });
        }
        let Some(seq) = self.ledger.find(id)? else { return Ok(Known::No) };
        let stored = read_entry(&self.ledger.connection, seq)?;
        let same = stored.is_some_and(|raw| pae_of(&raw.bytes) == pae);
        Ok(if same { Known::Same(Outcome::Stored(seq, id)) } else { Known::Other })
    }

    /// Returns who wrote an event that a correction names.
    fn principal_of(
        &self,
        stage: &Stage,
        registry: &Registry,
        target: Target,
    ) -> Result<Option<String>, ReadError> {
        let size = self.ledger.size;
        let seq = match target {
            Target::Seq(seq) => Some(seq),
            Target::Id(id) => match stage.ids.get(&id) {
                Some(&entry) => Some(size + entry as u64),
                None => self.ledger.find(id)?,
            },
        };
        let Some(seq) = seq else { return Ok(None) };
        let key_id = if seq < size {
            self.ledger.record(seq)?.map(|record| record.key_id)
        } else {
            let entry = usize::try_from(seq - size).ok();
            entry.and_then(|entry| stage.entries.get(entry)).map(|staged| staged.key_id)
        };
        let author = key_id.and_then(|key_id| registry.keyring().author(key_id, seq));
        Ok(author.map(|grant| grant.principal.clone()))
    }

    /// Stores a staged batch and acknowledges it.
    fn commit(&mut self, stage: Stage) -> Result<Vec<Appended>, AppendError> {
        if stage.entries.is_empty() {
            return self.receipts(&stage, None);
        }
        let checkpoint = Checkpoint {
            origin: self.ledger.origin.clone(),
            size: stage.edge.size(),
            root: stage.edge.root(),
        };
        let mut signed = checkpoint.sign(&self.book_key).expect("the origin names this book's key");
        if let Some(next) = &self.next_book_key {
            let note = Note::parse(&signed.note).expect("a checkpoint is a note");
            signed.note = note.also_signed(&self.ledger.origin, next).to_string();
        }
        if let Err(source) = self.store(&stage, &signed) {
            self.poisoned = true;
            return Err(AppendError::Commit { source });
        }
        let path = self.ledger.paths.pin();
        if let Err(source) = pin::write(&path, &signed) {
            self.poisoned = true;
            return Err(AppendError::Pin { path, source });
        }
        self.chain = stage.chain;
        self.edge = stage.edge.clone();
        self.ledger.size = stage.edge.size();
        self.ledger.clock = stage.clock;
        if let Some(registry) = &stage.registry {
            self.ledger.registry = registry.clone();
        }
        self.receipts(&stage, Some(Arc::new(signed)))
    }

    fn store(&self, stage: &Stage, checkpoint: &SignedCheckpoint) -> rusqlite::Result<()> {
        let transaction = self.ledger.connection.unchecked_transaction()?;
        {
            let mut events = transaction
                .prepare_cached("INSERT INTO events(seq, id, entry) VALUES (?1, ?2, ?3)")?;
            let mut registry =
                transaction.prepare_cached("INSERT INTO registry(seq) VALUES (?1)")?;
            for (seq, entry) in (self.ledger.size.cast_signed()..).zip(&stage.entries) {
                events.execute((seq, entry.id.as_bytes().as_slice(), &entry.bytes))?;
                if entry.is_registry {
                    registry.execute([seq])?;
                }
            }
        }
        let size = checkpoint.size.cast_signed();
        transaction
            .prepare_cached("INSERT INTO checkpoints(size, note) VALUES (?1, ?2)")?
            .execute((size, &checkpoint.note))?;
        tile::store(&transaction, stage.changed_tiles())?;
        transaction.commit()
    }

    fn receipts(
        &self,
        stage: &Stage,
        commit: Option<Arc<SignedCheckpoint>>,
    ) -> Result<Vec<Appended>, AppendError> {
        let first = self.ledger.size - stage.entries.len() as u64;
        let receipt = |outcome: &Outcome| match *outcome {
            Outcome::Stored(seq, id) => self.stored_receipt(seq, id),
            Outcome::New(entry) | Outcome::Repeated(entry) => {
                let (Some(staged), Some(checkpoint)) = (stage.entries.get(entry), &commit) else {
                    unreachable!("an outcome names an entry of its own, committed batch");
                };
                Ok(Appended {
                    seq: first + entry as u64,
                    id: staged.id,
                    chain_hash: staged.chain_hash,
                    checkpoint: Arc::clone(checkpoint),
                    duplicate: matches!(outcome, Outcome::Repeated(_)),
                })
            }
        };
        stage.outcomes.iter().map(receipt).collect()
    }

    fn stored_receipt(&self, seq: u64, id: Uuid) -> Result<Appended, AppendError> {
        let missing = || ReadError::Damaged { detail: format!("nothing covers seq {seq}") };
        let raw = read_entry(&self.ledger.connection, seq)?.ok_or_else(missing)?;
        let checkpoint = self.ledger.checkpoint_covering(seq)?.ok_or_else(missing)?;
        Ok(Appended {
            seq,
            id,
            chain_hash: chain::link(&raw.bytes),
            checkpoint: Arc::new(checkpoint),
            duplicate: true,
        })
    }
}

impl Stage {
    /// Returns the tiles that the batch completes, and the partial ones that it changes.
    fn changed_tiles(&self) -> impl Iterator<Item = (TileId, &[Hash])> {
        let whole = self.whole_tiles.iter().map(|(id, tile)| (*id, tile.as_slice()));
        // A level changes when the one below completes a tile.
        let highest = self.whole_tiles.iter().map(|(id, _)| id.level + 1).max().unwrap_or(0);
        whole.chain(self.edge.partial().filter(move |(id, _)| id.level <= highest))
    }

    /// Gives an event its place; returns the index of its entry.
    fn place(
        &mut self,
        signed: &SignedEvent,
        event: &Event,
        received: Time,
        pae: Vec<u8>,
        before: &Registry,
    ) -> usize {
        let seq = self.edge.size();
        let entry = Entry {
            seq,
            received,
            prev_chain: self.chain,
            key_id: signed.key_id,
            signature: signed.signature,
            pae,
        };
        let bytes = entry.encode().expect("size and clock were checked before");
        let is_registry = event.kind().is_registry();
        if is_registry {
            self.registry.get_or_insert_with(|| before.clone()).apply(seq, event);
        }
        self.clock = received;
        self.chain = chain::link(&bytes);
        let whole = &mut self.whole_tiles;
        self.edge.append(tree::leaf_hash(&bytes), |id, tile| whole.push((id, tile.to_vec())));
        let index = self.entries.len();
        self.entries.push(StagedEntry {
            id: event.header.id,
            key_id: signed.key_id,
            signature: signed.signature,
            bytes,
            chain_hash: self.chain,
            is_registry,
        });
        self.ids.insert(event.header.id, index);
        self.outcomes.push(Outcome::New(index));
        index
    }
}

impl StagedEntry {
    fn pae(&self) -> &[u8] {
        pae_of(&self.bytes)
    }

    fn is_signed_with(&self, key: &PublicKey) -> bool {
        key.verify_strict(self.pae(), &self.signature).is_ok()
    }
}

fn pae_of(entry: &[u8]) -> &[u8] {
    entry.get(ENTRY_HEADER_BYTES..).unwrap_or_default()
}

/// What is known of an id.
enum Known {
    No,
    Same(Outcome),
    Other,
}

/// The bytes to check and the event inside, or why there is none.
type Prepared = Result<(Vec<u8>, Value), Refusal>;

fn prepare(signed: &SignedEvent) -> Prepared {
    let pae = signed.pae();
    intake::check_size(pae.len())?;
    Ok((pae, intake::parse_payload(&signed.payload_type, &signed.body)?))
}

/// Returns the index of the first line whose signature does not verify.
fn first_unsigned(
    entries: &[StagedEntry],
    unverified: &[(usize, usize, PublicKey)],
) -> Option<usize> {
    let good = parallel::map(unverified, |(_, entry, key)| {
        entries.get(*entry).is_some_and(|staged| staged.is_signed_with(key))
    });
    let bad = good.iter().position(|good| !good)?;
    unverified.get(bad).map(|(index, ..)| *index)
}

/// Reads the id of an event whose other fields may still be wrong.
pub(super) fn id_of(event: &Value) -> Option<Uuid> {
    event.get("id")?.as_str()?.parse().ok()
}

fn bad_signature() -> Refusal {
    Refusal::new(
        Code::BadSignature,
        "the signature does not fit the key and the bytes: the event was changed after signing, \
         or signed with another key",
    )
}

fn id_conflict(id: Uuid) -> Refusal {
    Refusal::new(
        Code::IdConflict,
        "the book holds another event with this id; a retry must send the same bytes, a new event \
         needs a new id",
    )
    .at("id")
    .with_value(id)
}

/// Makes a UUIDv7 whose time is the ledger's.
fn new_id(clock: Time) -> Result<String, Refusal> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|_| {
        Refusal::new(Code::BadValue, "the operating system gave no randomness").at("id")
    })?;
    let millis = u64::try_from(clock.micros() / 1_000).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string())
}
