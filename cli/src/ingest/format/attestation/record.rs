//! The events that attestations become.

use relbook_ledger::event::Digest;
use serde_json::{Map, Value, json};

use super::predicate::{self, Predicate};
use super::provenance::{self, Provenance};
use super::statement::{Statement, Subject};
use super::{Attestation, Said};
use crate::ingest::Context;
use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin, Trust};
use crate::ingest::error::IngestError;
use crate::ingest::time::ReportTime;

/// The most bytes of what was read out of an attestation; the rest is in the file.
const CONTENT_BYTES_MAX: usize = 24 * 1024;

/// The most characters of a text in it.
const TEXT_CHARS_MAX: usize = 1024;

/// The artifact that an attestation is recorded for.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) digest: String,
    /// `equal`, `from_report` or `not_in_report`.
    pub(super) check: &'static str,
    /// Which subject it is.
    subject: Option<usize>,
}

/// An attestation with everything that its events share.
pub(super) struct One<'a> {
    pub(super) document: &'a Document,
    pub(super) context: &'a Context,
    pub(super) attestation: &'a Attestation<'a>,
    pub(super) chosen: Chosen,
    provenance: Option<Provenance>,
}

/// Makes the events of a file's attestations.
pub(super) fn events(
    file: &Document,
    mut all: Vec<(&Document, Attestation<'_>)>,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    if let Some(given) = context.digest.as_deref() {
        Digest::parse(given).map_err(|reason| IngestError::BadDigest { reason })?;
        // Of a file about several artifacts, those count that are about the one that is meant.
        if all.iter().any(|(_, one)| one.names(given)) {
            all.retain(|(_, one)| one.names(given));
        }
    }
    let mut chosen = Vec::new();
    for (document, one) in &all {
        chosen.push(choose(document, &one.said, context)?);
    }
    check_one_artifact(file, &chosen)?;
    let mut made: Vec<Value> = Vec::new();
    for ((document, attestation), chosen) in all.iter().zip(chosen) {
        let provenance = read_provenance(&attestation.said)?;
        let one = One { document, context, attestation, chosen, provenance };
        for event in one.events()? {
            if !made.iter().any(|known| is_same_build(known, &event)) {
                made.push(event);
            }
        }
    }
    Ok(made)
}

/// Two attestations of one build tell of it once.
fn is_same_build(a: &Value, b: &Value) -> bool {
    let fields = ["kind", "version", "digest", "commit"];
    a["kind"] == "build.completed" && fields.iter().all(|field| a[*field] == b[*field])
}

fn read_provenance(said: &Said<'_>) -> Result<Option<Provenance>, IngestError> {
    let Said::Statement(statement) = said else { return Ok(None) };
    match statement.predicate()? {
        Some(predicate) => provenance::read(&statement.predicate_type, &predicate),
        None => Ok(None),
    }
}

/// Returns the algorithm of a digest.
pub(super) fn algorithm(digest: &str) -> &str {
    digest.split_once(':').map_or("", |(algorithm, _)| algorithm)
}

/// Decides which artifact an attestation is about: what was given must be among its subjects, and
/// when nothing was given there must be one only.
fn choose(document: &Document, said: &Said<'_>, context: &Context) -> Result<Chosen, IngestError> {
    let none = [];
    let (subjects, bytes): (&[Subject], Option<&String>) = match said {
        Said::Statement(statement) => (&statement.subjects, None),
        Said::Bytes(digest) => (&none, digest.as_ref()),
    };
    let file = || document.name().to_owned();
    let mut held: Vec<&String> = Vec::new();
    for digest in subjects.iter().filter_map(|one| one.digests.first()).chain(bytes) {
        if !held.contains(&digest) {
            held.push(digest);
        }
    }
    let broken = subjects.iter().find_map(|one| one.broken.first());
    if let Some(given) = &context.digest {
        let chosen = |check, subject| Chosen { digest: given.clone(), check, subject };
        return match said {
            Said::Statement(statement) if statement.position(given).is_some() => {
                Ok(chosen("equal", statement.position(given)))
            }
            Said::Bytes(Some(found)) if found == given => Ok(chosen("equal", None)),
            _ if !held.is_empty() => Err(IngestError::OtherDigest {
                file: file(),
                given: given.clone(),
                found: shown(&held),
                place: "subject",
            }),
            _ if broken.is_some() => Err(no_digest(document, broken)),
            _ => Ok(chosen("not_in_report", None)),
        };
    }
    match held.as_slice() {
        [] => Err(no_digest(document, broken)),
        [one] => {
            let subject = subjects.iter().position(|subject| subject.digests.contains(*one));
            Ok(Chosen { digest: (*one).clone(), check: "from_report", subject })
        }
        several => Err(IngestError::SeveralDigests {
            file: file(),
            count: several.len(),
            shown: shown(several),
        }),
    }
}

fn no_digest(document: &Document, broken: Option<&String>) -> IngestError {
    let file = document.name().to_owned();
    match broken {
        Some(_) => IngestError::Shape {
            file,
            place: "subject[].digest".to_owned(),
            expected: "lower-case hex of the length that its algorithm has",
        },
        None => IngestError::NoDigest { file },
    }
}

fn shown(digests: &[&String]) -> String {
    const SHOWN: usize = 3;
    let list: Vec<&str> = digests.iter().take(SHOWN).map(|digest| digest.as_str()).collect();
    let more = if digests.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", list.join(", "))
}

/// Refuses lines about several artifacts when nothing says which one is meant.
fn check_one_artifact(file: &Document, chosen: &[Chosen]) -> Result<(), IngestError> {
    let mut digests: Vec<&String> = chosen.iter().map(|one| &one.digest).collect();
    digests.sort();
    digests.dedup();
    let rivals = |digest: &&String| {
        digests.iter().any(|other| other != digest && algorithm(other) == algorithm(digest))
    };
    let rivals: Vec<&String> = digests.iter().copied().filter(|digest| rivals(digest)).collect();
    if rivals.is_empty() {
        return Ok(());
    }
    let (name, count) = (file.name().to_owned(), rivals.len());
    Err(IngestError::SeveralDigests { file: name, count, shown: shown(&rivals) })
}

impl One<'_> {
    fn events(&self) -> Result<Vec<Value>, IngestError> {
        let predicate = match &self.attestation.said {
            Said::Statement(statement) => predicate::read(statement)?,
            Said::Bytes(_) => Predicate::Other,
        };
        let mut derived = Vec::new();
        let mut missing = None;
        if let Some(provenance) = &self.provenance {
            match self.build(provenance)? {
                Ok(event) => derived.push(event),
                Err(why) => missing = Some(("no_build", why)),
            }
        }
        let mut verdict = Value::Null;
        let mut time = None;
        match predicate {
            Predicate::Scan(scan) => {
                time.clone_from(&scan.time);
                derived.push(self.scan(*scan)?);
            }
            Predicate::Uncounted(why) => missing = Some(("no_scan", why.to_owned())),
            Predicate::Test(test) => match self.check(&test)? {
                Some(event) => derived.push(event),
                None => {
                    let why = "the predicate does not say which suite it is: give --suite";
                    missing = Some(("no_check", why.to_owned()));
                }
            },
            Predicate::Release(version) => match self.release(version)? {
                Some(event) => derived.push(event),
                None => missing = Some(("no_release", "no version: give --version".to_owned())),
            },
            Predicate::Verdict(value, when) => (verdict, time) = (value, when),
            Predicate::Sbom(bom) => match self.sbom(*bom)? {
                Some(event) => derived.push(event),
                None => {
                    let why = "a bill among other lines cannot be found again: give its own file";
                    missing = Some(("no_sbom", why.to_owned()));
                }
            },
            Predicate::Other => {}
        }
        let mut all = vec![self.attestation_event(missing, verdict, time.as_ref())?];
        all.append(&mut derived);
        Ok(all)
    }

    fn origin(&self) -> Origin<'_> {
        let Attestation { reader, format, system, .. } = self.attestation;
        Origin { system, reader, format }
    }

    /// Starts an event; its trust is that of the signature, its component's that of the caller.
    pub(super) fn draft(
        &self,
        kind: &str,
        time: Option<&ReportTime>,
    ) -> Result<Draft, IngestError> {
        let mut draft = Draft::new(kind, self.origin(), self.document, self.context, time);
        draft.put("component", json!(self.context.component(self.document)?));
        if self.is_verified() {
            draft.trust(Trust::Verified);
            draft.trust_field("component", Trust::Asserted);
            if self.chosen.check == "not_in_report" {
                draft.trust_field("digest", Trust::Asserted);
            }
        }
        Ok(draft)
    }

    pub(super) fn is_verified(&self) -> bool {
        self.attestation.signing.verified_by.is_some()
    }

    fn attestation_event(
        &self,
        missing: Option<(&str, String)>,
        verdict: Value,
        scanned: Option<&ReportTime>,
    ) -> Result<Value, IngestError> {
        let signing = &self.attestation.signing;
        let built = self.provenance.as_ref().and_then(Provenance::time);
        let (time, time_source) = match signing.time() {
            Some((time, source)) => (Some(time), Some(source)),
            None => (built.or(scanned), built.or(scanned).map(|_| "predicate")),
        };
        let mut draft = self.draft("attestation.recorded", time)?;
        draft.put("digest", json!(self.chosen.digest));
        draft.put("blob", json!(self.document.digest()));
        let format = match &self.attestation.said {
            Said::Statement(statement) => statement.predicate_type.as_str(),
            Said::Bytes(_) => "message-signature",
        };
        draft.put("format", json!(short(format)));
        draft.put("signer", json!(signing.signer().map(short)));
        draft.put("verified_by", json!(signing.verified_by));
        let content = self.content(verdict);
        if content.to_string().len() <= CONTENT_BYTES_MAX {
            draft.put("content", content);
        } else {
            draft.label("content_in", Some("blob"));
        }
        draft.label("digest_check", Some(self.chosen.check));
        draft.label("version", self.context.version.clone());
        draft.label("stage", self.context.stage.clone());
        draft.label("time_source", time_source);
        if let Some(certificate) = &signing.certificate {
            draft.label("signer_issuer", certificate.issuer());
            // The workflow that signed, the workflow that was called, and whose source it was.
            for name in ["build_signer_uri", "build_config_uri", "source_repository", "source_ref"]
            {
                draft.label(name, certificate.claim(name));
            }
        }
        if let Some((name, why)) = missing {
            draft.label(name, Some(why));
        }
        Ok(Value::Object(draft.finish()))
    }

    /// What was read, in the words of the format.
    fn content(&self, verdict: Value) -> Value {
        let mut all = Map::new();
        if let Said::Statement(statement) = &self.attestation.said {
            all.insert("statement".to_owned(), json!(statement.version));
            all.insert("subjects".to_owned(), json!(statement.subjects.len()));
            if let Some(subject) = self.subject(statement) {
                let digests: Vec<&String> = subject.digests.iter().take(8).collect();
                let name = subject.name.as_deref().or(subject.uri.as_deref()).map(short);
                all.insert("subject".to_owned(), json!({"name": name, "digests": digests}));
            }
        }
        all.insert("signing".to_owned(), self.attestation.signing.json());
        if let Some(found) = &self.provenance {
            let text = |text: &Option<String>| json!(text.as_deref().map(short));
            let fields = [
                ("builder", text(&found.builder)),
                ("build_type", text(&found.build_type)),
                ("repository", text(&found.repository)),
                ("ref", text(&found.reference)),
                ("commit", text(&found.commit)),
                ("run_id", text(&found.run_id)),
                ("run_attempt", text(&found.run_attempt)),
                ("actor", text(&found.actor)),
                ("actor_id", text(&found.actor_id)),
                ("trigger", text(&found.trigger)),
                ("started_at", json!(found.started.as_ref().map(|time| &time.utc))),
                ("finished_at", json!(found.finished.as_ref().map(|time| &time.utc))),
            ];
            let fields: Map<String, Value> = { fields.into_iter() }
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            all.insert("provenance".to_owned(), Value::Object(fields));
        }
        if !verdict.is_null() {
            all.insert("verdict".to_owned(), verdict);
        }
        Value::Object(all)
    }

    fn subject<'s>(&self, statement: &'s Statement<'_>) -> Option<&'s Subject> {
        match self.chosen.subject {
            Some(index) => statement.subjects.get(index),
            None if statement.subjects.len() == 1 => statement.subjects.first(),
            None => None,
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}
