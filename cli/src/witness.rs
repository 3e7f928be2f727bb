//! Asking witnesses to cosign the newest checkpoint (C2SP tlog-witness), and keeping what they say.
//!
//! This runs after a commit and never within one: an append is in the book whether or not a witness
//! answers. What a witness says is checked with a key that is known beforehand; what does not
//! verify is not stored. A witness that has seen more than the book holds, or something else, is
//! the finding that witnesses are for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use relbook_ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use relbook_ledger::cosignature::{self, Cosigned};
use relbook_ledger::note::{Note, NoteSignature};
use relbook_ledger::store::{Ledger, ReadError, store_cosignatures};
use relbook_ledger::time::Time;
use relbook_ledger::verifier_key::{SignatureKind, VerifierKey};
use relbook_ledger::witness::Submission;
use serde_json::{Value, json};

use crate::config::Config;
use crate::error::Error;

/// The most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 100_000;

/// How often a witness may tell another size before it is given up.
const TRIES: usize = 4;

/// Why a witness did not cosign.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Problem {
    /// It did not answer.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It answers something that is no answer of a witness.
    #[error("it answers {status}: {text}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says.
        text: String,
    },
    /// It signed with a key that nobody named.
    #[error(
        "it signed as {0}, whose key is not known; give it with --witness-key, or name it in the \
         policy (`witnesses`)"
    )]
    UnknownKey(String),
    /// Its line does not verify.
    #[error("{0}")]
    BadCosignature(String),
    /// It has seen more of this book than there is.
    #[error(
        "it has seen {known} events of this book, here are {size}: the end was cut off, or an \
         older copy was put back"
    )]
    Ahead {
        /// What it has seen.
        known: u64,
        /// What the book holds.
        size: u64,
    },
    /// It has seen another history of this book.
    #[error("it has seen another history of this book, of {known} events: the book was forked")]
    Forked {
        /// The size of what it has seen.
        known: u64,
    },
}

impl Problem {
    /// Returns the word that scripts see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Refused { .. } => "refused",
            Self::UnknownKey(_) => "unknown-witness",
            Self::BadCosignature(_) => "bad-cosignature",
            Self::Ahead { .. } => "witness-ahead",
            Self::Forked { .. } => "witness-forked",
        }
    }

    /// Tells whether it shows that the book is not what it was.
    pub fn is_finding(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::Forked { .. })
    }
}

/// What one witness said.
#[derive(Debug)]
pub struct Answer {
    /// Where it was asked.
    pub url: String,
    /// Its cosignatures, or why there are none.
    pub outcome: Result<Vec<Cosigned>, Problem>,
}

/// What all witnesses said of the newest checkpoint.
#[derive(Debug)]
pub struct Asked {
    /// The size of the checkpoint.
    pub size: u64,
    /// One answer per URL.
    pub answers: Vec<Answer>,
    /// How many witnesses had to cosign.
    pub needed: usize,
    /// How many known witnesses have cosigned the checkpoint, now or before.
    pub cosigned: usize,
}

impl Asked {
    /// Returns the answers as JSON output shows them.
    pub fn to_json(&self) -> Value {
        let answer = |answer: &Answer| match &answer.outcome {
            Ok(found) => json!({
                "url": answer.url, "outcome": "cosigned", "message": null,
                "cosignatures": found.iter().map(cosigned_json).collect::<Vec<_>>(),
            }),
            Err(problem) => json!({
                "url": answer.url, "outcome": problem.code(), "message": problem.to_string(),
                "cosignatures": [],
            }),
        };
        self.answers.iter().map(answer).collect()
    }

    /// Says what went wrong, a sentence per witness.
    pub fn problems(&self) -> impl Iterator<Item = (String, bool)> {
        self.answers.iter().filter_map(|answer| {
            let problem = answer.outcome.as_ref().err()?;
            let text = format!("witness {}: {problem} ({})", answer.url, problem.code());
            Some((text, problem.is_finding()))
        })
    }
}

/// Shows a cosignature as JSON.
pub fn cosigned_json(cosigned: &Cosigned) -> Value {
    json!({
        "name": cosigned.witness.name,
        "verifier_key": cosigned.witness.to_string(),
        "time": time_of(cosigned).to_string(),
    })
}

/// Returns when a witness signed.
pub fn time_of(cosigned: &Cosigned) -> Time {
    let seconds = i64::try_from(cosigned.time).unwrap_or(i64::MAX);
    Time::from_micros(seconds.saturating_mul(1_000_000))
}

/// Asks witnesses to cosign the newest checkpoint of the book, and stores what they sign.
///
/// Without `urls` those of the policy are asked. `keys` are known beside those of the policy.
///
/// # Errors
/// [`Error`] when there is no witness to ask, or the book cannot be read or written.
pub fn ask(
    config: &Config,
    urls: &[String],
    keys: &[VerifierKey],
    timeout: Duration,
) -> Result<Asked, Error> {
    let ledger = Ledger::open(&config.book)?;
    let policy = ledger.registry().policy();
    let urls = if urls.is_empty() { policy.witness_urls.clone() } else { urls.to_vec() };
    if urls.is_empty() {
        return Err(Error::usage("no witness is named").hint(
            "give --witness URL, or set `witness_urls` and `witnesses` in the policy (apply)",
        ));
    }
    let mut known = policy.witness_keys();
    known.extend(keys.iter().filter(|key| key.kind == SignatureKind::Cosignature).cloned());
    let quorum = policy.witness_quorum as usize;
    let needed = if quorum > 0 { quorum } else { urls.len() };
    let point = ledger.checkpoint()?;
    let note = Note::parse(&point.note).map_err(|error| Error::Bug(error.to_string()))?;
    let guess = ledger.newest_cosigned_size()?.unwrap_or(0);
    let ledger = Mutex::new(ledger);
    let client =
        Client { known: &known, ledger: &ledger, point: &point, note: &note, guess, timeout };
    let answers: Result<Vec<_>, ReadError> = std::thread::scope(|scope| {
        let asked: Vec<_> =
            urls.iter().map(|url| (url.clone(), scope.spawn(|| client.ask(url)))).collect();
        let answer = |(url, thread): (String, std::thread::ScopedJoinHandle<'_, _>)| {
            let panicked = || Ok(Err(Problem::Unreachable("asking it failed".to_owned())));
            thread.join().unwrap_or_else(|_| panicked()).map(|outcome| (url, outcome))
        };
        asked.into_iter().map(answer).collect()
    });
    let mut lines: Vec<NoteSignature> = Vec::new();
    let mut answers_shown = Vec::new();
    for (url, outcome) in answers? {
        let outcome = outcome.map(|found: Vec<(NoteSignature, Cosigned)>| {
            let (new, cosigned): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            lines.extend(new);
            cosigned
        });
        answers_shown.push(Answer { url, outcome });
    }
    if !lines.is_empty() {
        store_cosignatures(&config.book, point.size, &lines)?;
    }
    let mut whole = note;
    whole.signatures.extend(lines);
    let cosigned = cosignature::cosigners(&whole, &known).map_or(0, |found| found.len());
    Ok(Asked { size: point.size, answers: answers_shown, needed, cosigned })
}

/// What is the same for all witnesses.
struct Client<'a> {
    known: &'a [VerifierKey],
    ledger: &'a Mutex<Ledger>,
    point: &'a SignedCheckpoint,
    note: &'a Note,
    /// What witnesses probably saw last.
    guess: u64,
    timeout: Duration,
}

type Outcome = Result<Vec<(NoteSignature, Cosigned)>, Problem>;

impl Client<'_> {
    /// Asks one witness, with the size that it says it saw last.
    fn ask(&self, url: &str) -> Result<Outcome, ReadError> {
        let size = self.point.size;
        let mut old = self.guess.min(size);
        for _ in 0..TRIES {
            let proof = match old {
                0 => Vec::new(),
                _ => {
                    let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
                    ledger.prove_consistency(old, size)?
                }
            };
            let (status, text) = match self.post(url, self.submission(old, proof)) {
                Ok(answer) => answer,
                Err(problem) => return Ok(Err(problem)),
            };
            match (status, text.trim().parse::<u64>()) {
                (200, _) => return Ok(self.read(&text)),
                (409, Ok(known)) if known == old => return Ok(Err(Problem::Forked { known })),
                (409, Ok(known)) if known > size => {
                    return Ok(Err(Problem::Ahead { known, size }));
                }
                (409, Ok(known)) => old = known,
                (422, _) => return Ok(Err(Problem::Forked { known: old })),
                _ => {
                    let text = text.trim().chars().take(200).collect();
                    return Ok(Err(Problem::Refused { status, text }));
                }
            }
        }
        let text = "it tells another size each time".to_owned();
        Ok(Err(Problem::Refused { status: 409, text }))
    }

    fn submission(&self, old_size: u64, proof: Vec<[u8; 32]>) -> String {
        let mut note = self.note.clone();
        // The book's own lines; those of other witnesses are none of this one's business.
        let origin = note.text.lines().next().unwrap_or_default().to_owned();
        note.signatures.retain(|line| line.name == origin);
        let checkpoint = Checkpoint { origin, size: self.point.size, root: self.point.root };
        Submission { old_size, proof, note, checkpoint }.to_string()
    }

    fn post(&self, url: &str, body: String) -> Result<(u16, String), Problem> {
        let unreachable = |error: ureq::Error| Problem::Unreachable(error.to_string());
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let mut answer = agent
            .post(&url)
            .content_type("text/plain; charset=utf-8")
            .send(body)
            .map_err(unreachable)?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        Ok((status, text.map_err(unreachable)?))
    }

    /// Reads the lines of an answer; those of keys that are not known are ignored.
    fn read(&self, text: &str) -> Outcome {
        let mut found = Vec::new();
        let mut strangers = Vec::new();
        for line in text.lines() {
            let line = NoteSignature::parse(line)
                .map_err(|error| Problem::BadCosignature(format!("its answer: {error}")))?;
            let Some(witness) = self.known.iter().find(|key| cosignature::is_by(&line, key)) else {
                strangers.push(format!("{}+{}", line.name, hex::encode(line.key_hash)));
                continue;
            };
            let time = cosignature::check(&self.note.text, &line, witness)
                .map_err(|error| Problem::BadCosignature(error.to_string()))?;
            found.push((line, Cosigned { witness: witness.clone(), time }));
        }
        match found.is_empty() {
            true => Err(Problem::UnknownKey(strangers.join(", "))),
            false => Ok(found),
        }
    }
}
