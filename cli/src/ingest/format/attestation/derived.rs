//! The events that a predicate adds to its attestation: a build, a scan, a check, a publication, a
//! bill of materials.

use crate::bom::{Bom, SbomError};
use relbook_ledger::version::tag_version;
use serde_json::{Map, Value, json};

use super::Said;
use super::predicate::Test;
use super::provenance::Provenance;
use super::record::{One, algorithm};
use crate::ingest::Context;
use crate::ingest::draft::Trust;
use crate::ingest::error::IngestError;
use crate::ingest::format::sbom;
use crate::ingest::scan::Scan;

impl One<'_> {
    /// Makes the build's event, or says what it lacks.
    pub(super) fn build(&self, found: &Provenance) -> Result<Result<Value, String>, IngestError> {
        let component = self.context.component(self.document)?;
        let tagged = self.context.registry.component(component).and_then(|component| {
            let version = tag_version(found.tag()?, component.tag_prefix())?;
            component.scheme.parse_version(version).is_ok().then_some(version)
        });
        let version = self.agree("version", self.context.version.as_deref(), tagged)?;
        let commit =
            self.agree("commit", self.context.commit.as_deref(), found.commit.as_deref())?;
        let mut lacks = Vec::new();
        if version.is_none() {
            let from = match &found.reference {
                Some(reference) => format!("it was built from {reference}"),
                None => "the source has no ref".to_owned(),
            };
            lacks.push(format!("no version: {from}; give --version"));
        }
        if commit.is_none() {
            let why = found.no_commit.as_deref().unwrap_or("there is none");
            lacks.push(format!("no commit: {why}; give --commit"));
        }
        if !lacks.is_empty() {
            return Ok(Err(lacks.join("; ")));
        }
        let signing = &self.attestation.signing;
        let time = found.time().or(signing.time().map(|(time, _)| time));
        let mut draft = self.draft("build.completed", time)?;
        draft.put("version", json!(version));
        draft.put("digest", json!(self.chosen.digest));
        draft.put("commit", json!(commit));
        draft.put("repository", json!(found.repository));
        draft.put("branch", json!(found.branch()));
        draft.put("builder", json!(found.builder));
        let certified = signing.certificate.as_ref().and_then(|one| one.claim("run_url"));
        let run_url = found.run_url.as_deref().or(certified);
        draft.put("run_url", json!(run_url));
        draft.source("url", json!(run_url));
        draft.source("run_id", json!(found.run_id));
        draft.source("run_attempt", json!(found.run_attempt));
        if self.is_verified() {
            for (field, held) in [("version", tagged.is_some()), ("commit", found.commit.is_some())]
            {
                if !held {
                    draft.trust_field(field, Trust::Asserted);
                }
            }
        }
        draft.label("provenance", Some(self.predicate_type()));
        draft.label("ref", found.reference.clone());
        draft.label("actor", found.actor.clone());
        draft.label("actor_id", found.actor_id.clone());
        Ok(Ok(Value::Object(draft.finish())))
    }

    fn predicate_type(&self) -> String {
        match &self.attestation.said {
            Said::Statement(statement) => statement.predicate_type.clone(),
            Said::Bytes(_) => String::new(),
        }
    }

    /// Takes what was given or what the file says; both must be the same.
    fn agree<'t>(
        &self,
        field: &'static str,
        given: Option<&'t str>,
        found: Option<&'t str>,
    ) -> Result<Option<&'t str>, IngestError> {
        match (given, found) {
            (Some(given), Some(found)) if given != found => Err(IngestError::Differs {
                file: self.document.name().to_owned(),
                field,
                given: given.to_owned(),
                found: found.to_owned(),
            }),
            _ => Ok(given.or(found)),
        }
    }

    /// Makes the bill's event; `None` when the file that is kept is not the attestation alone.
    pub(super) fn sbom(&self, bom: Result<Bom, SbomError>) -> Result<Option<Value>, IngestError> {
        let own = format!("blake3:{}", blake3::hash(self.document.bytes()).to_hex());
        if own != self.document.digest() {
            return Ok(None);
        }
        let digest = Some(self.chosen.digest.clone());
        let context = Context { digest, ..self.context.clone() };
        let mut event = sbom::event(self.document, &context, self.attestation.reader, bom)?;
        self.mark(&mut event);
        Ok(Some(event))
    }

    /// Says of an event that was made elsewhere how far it is to be believed.
    fn mark(&self, event: &mut Value) {
        event["labels"]["digest_check"] = json!(self.chosen.check);
        event["labels"]["predicate"] = json!(self.predicate_type());
        if self.is_verified() {
            event["source"]["trust"] = json!("verified");
            event["source"]["field_trust"] = json!({"component": "asserted"});
        }
    }

    pub(super) fn scan(&self, mut scan: Scan) -> Result<Value, IngestError> {
        scan.reader = self.attestation.reader;
        let context = Context { digest: Some(self.chosen.digest.clone()), ..self.context.clone() };
        let mut event = scan.event(self.document, &context)?;
        self.mark(&mut event);
        Ok(event)
    }

    /// Makes the check's event; `None` without a suite.
    pub(super) fn check(&self, test: &Test) -> Result<Option<Value>, IngestError> {
        let Some(suite) = &self.context.suite else { return Ok(None) };
        let time = self.attestation.signing.time().map(|(time, _)| time);
        let mut draft = self.draft("check.completed", time)?;
        draft.put("suite", json!(suite));
        draft.put("result", json!(test.result));
        draft.put("stage", json!(self.context.stage));
        let is_commit = matches!(algorithm(&self.chosen.digest), "gitCommit" | "sha1");
        let (_, hex) = self.chosen.digest.split_once(':').unwrap_or_default();
        let held = is_commit.then_some(hex);
        draft.put("commit", json!(self.agree("commit", self.context.commit.as_deref(), held)?));
        if !is_commit {
            draft.put("digest", json!(self.chosen.digest));
        }
        let mut cases = Map::new();
        for (name, count) in [("passed", test.passed), ("failed", test.failed)] {
            if let Some(count) = count {
                cases.insert(name.to_owned(), json!(count));
            }
        }
        if !cases.is_empty() {
            draft.put("cases", Value::Object(cases));
        }
        draft.source("url", json!(test.url));
        if self.is_verified() {
            draft.trust_field("suite", Trust::Asserted);
        }
        draft.label("reported_result", Some(test.reported.clone()));
        draft.label("warned", test.warned.filter(|count| *count > 0).map(|n| n.to_string()));
        draft.label("version", self.context.version.clone());
        Ok(Some(Value::Object(draft.finish())))
    }

    /// Makes the publication's event; `None` without a version.
    pub(super) fn release(&self, held: Option<String>) -> Result<Option<Value>, IngestError> {
        let given = self.context.version.as_deref();
        let Some(version) = self.agree("version", given, held.as_deref())? else {
            return Ok(None);
        };
        let time = self.attestation.signing.time().map(|(time, _)| time);
        let mut draft = self.draft("release.published", time)?;
        draft.put("version", json!(version));
        draft.put("digest", json!(self.chosen.digest));
        draft.put("commit", json!(self.context.commit));
        if self.is_verified() && held.is_none() {
            draft.trust_field("version", Trust::Asserted);
        }
        draft.label("predicate", Some(self.predicate_type()));
        Ok(Some(Value::Object(draft.finish())))
    }
}
