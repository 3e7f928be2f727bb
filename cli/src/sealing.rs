//! `--seal FIELD=SUBJECT`: replaces free text by what proves it, before the event is signed.
//!
//! The ciphertext is kept as a blob, the key of the subject in the book's directory; both before
//! the event is appended. A retry under the same id seals nothing anew: where the book holds the
//! event already with the same text, its seal is taken again, so that the bytes are the same.

use std::path::Path;

use relbook_ledger::event::{Digest, Kind, Sealed, is_subject};
use relbook_ledger::json;
use relbook_ledger::seal::{self, SealError, SubjectKey};
use relbook_ledger::statement;
use relbook_ledger::store::Writer;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::author::Input;
use crate::blob::Blobs;
use crate::error::Error;
use crate::submit::Line;

/// One `FIELD=SUBJECT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The field, or `labels.KEY`.
    field: String,
    /// Whom it is about, or `@` and the field that says it.
    subject: String,
}

impl Seal {
    /// Reads an argument.
    ///
    /// # Errors
    /// A sentence for the usage error.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (field, subject) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is not FIELD=SUBJECT, such as comment=p_olga"))?;
        if !subject.starts_with('@') {
            check_subject(subject)?;
        }
        Ok(Self { field: field.to_owned(), subject: subject.to_owned() })
    }

    /// Returns whom the field of an event is about.
    fn subject_of(&self, fields: &Map<String, Value>) -> Result<String, Error> {
        let Some(field) = self.subject.strip_prefix('@') else { return Ok(self.subject.clone()) };
        let named = fields.get(field).and_then(Value::as_str).ok_or_else(|| {
            Error::usage(format!("`{}` names no subject: the event has no `{field}`", self.subject))
        })?;
        check_subject(named).map_err(Error::usage)?;
        Ok(named.to_owned())
    }

    /// Returns the place of the text in an event.
    fn place<'a>(&self, fields: &'a mut Map<String, Value>) -> Option<&'a mut Value> {
        match self.field.split_once('.') {
            Some((map, key)) => fields.get_mut(map)?.as_object_mut()?.get_mut(key),
            None => fields.get_mut(&self.field),
        }
    }
}

fn check_subject(subject: &str) -> Result<(), String> {
    match is_subject(subject) {
        true => Ok(()),
        false => Err(format!(
            "`{subject}` cannot be a subject: an opaque id of up to 128 letters, digits and any \
             of `._@-`, never a name or an address"
        )),
    }
}

/// Seals the fields of a batch.
///
/// # Errors
/// [`Error::Usage`] when no event has such a field or it takes no seal, [`Error::NotDone`] when
/// keys or blobs cannot be kept.
pub fn seal_batch(
    seals: &[Seal],
    writer: &Writer,
    batch: &mut [Line],
    blobs: &mut Blobs,
) -> Result<(), Error> {
    for seal in seals {
        let mut found = false;
        for (line, input) in batch.iter_mut() {
            let Input::Fields(fields) = input else { continue };
            found |= seal_one(seal, writer, fields, blobs).map_err(|e| e.on_line(*line))?;
        }
        if !found {
            return Err(Error::usage(format!("no event has a text `{}` to seal", seal.field))
                .hint("signed events cannot be sealed any more: seal before signing"));
        }
    }
    Ok(())
}

fn seal_one(
    seal: &Seal,
    writer: &Writer,
    fields: &mut Map<String, Value>,
    blobs: &mut Blobs,
) -> Result<bool, Error> {
    let kind = fields.get("kind").and_then(Value::as_str).and_then(Kind::parse);
    let subject = match seal.place(fields) {
        Some(Value::String(_)) => seal.subject_of(fields)?,
        _ => return Ok(false),
    };
    if let Some(kind) = kind {
        check_field(kind, &seal.field)?;
    }
    let first = first_seal(seal, writer, fields)?;
    let Some(place) = seal.place(fields) else { return Ok(false) };
    let text = place.as_str().unwrap_or_default();
    let book = writer.ledger().paths().dir();
    let key = subject_key(writer, &subject)?;
    if let Some((value, sealed)) = first
        && sealed.subject.as_str() == subject
        && let Some(key) = &key
        && opens_to(writer, key, &seal.field, &sealed, text)
    {
        *place = value;
        return Ok(true);
    }
    let key = match key {
        Some(key) => key,
        None => new_key(writer, &subject)?,
    };
    let (value, ciphertext) =
        seal::seal(&key, &subject, &seal.field, text).map_err(|error| not_sealed(&error))?;
    let digest = value["ciphertext_ref"].as_str().unwrap_or_default();
    blobs.keep(book, digest, &ciphertext)?;
    *place = value;
    Ok(true)
}

/// Refuses to seal what is no free text, with the fields of the kind that are.
fn check_field(kind: Kind, field: &str) -> Result<(), Error> {
    let fields = kind.spec().fields;
    let label = field.strip_prefix("labels.").is_some_and(|key| !key.is_empty());
    if label || fields.iter().any(|spec| spec.name == field && spec.is_prose) {
        return Ok(());
    }
    let mut free: Vec<&str> =
        fields.iter().filter(|spec| spec.is_prose).map(|spec| spec.name).collect();
    free.push("labels.KEY");
    Err(Error::usage(format!("`{field}` of {kind} cannot be sealed: it decides what counts"))
        .hint(format!("free text can be sealed: {}", free.join(", "))))
}

/// Returns the seal that the book holds for the field, when it holds the event.
fn first_seal(
    seal: &Seal,
    writer: &Writer,
    fields: &Map<String, Value>,
) -> Result<Option<(Value, Sealed)>, Error> {
    let id = fields.get("id").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
    let Some(id) = id else { return Ok(None) };
    let Some(seq) = writer.find(id)? else { return Ok(None) };
    let Some(record) = writer.record(seq)? else { return Ok(None) };
    let value = json::parse(&record.body).ok();
    let value = value.and_then(|value| statement::open(&record.payload_type, value).ok());
    let Some(Value::Object(mut first)) = value else { return Ok(None) };
    let Some(value) = seal.place(&mut first) else { return Ok(None) };
    let sealed = serde_json::from_value(value.clone()).ok();
    Ok(sealed.map(|sealed| (value.clone(), sealed)))
}

fn opens_to(writer: &Writer, key: &SubjectKey, field: &str, sealed: &Sealed, text: &str) -> bool {
    let read = |digest: &Digest| writer.ledger().paths().read_blob(digest).ok();
    read(&sealed.ciphertext_ref)
        .and_then(|ciphertext| seal::open(key, field, sealed, &ciphertext).ok())
        .is_some_and(|opened| opened.text == text)
}

fn subject_key(writer: &Writer, subject: &str) -> Result<Option<SubjectKey>, Error> {
    let paths = writer.ledger().paths();
    let failed = |e: std::io::Error| Error::file(&paths.subject_key_file(subject), "read", &e);
    paths.subject_key(subject).map_err(failed)
}

fn new_key(writer: &Writer, subject: &str) -> Result<SubjectKey, Error> {
    let paths = writer.ledger().paths();
    let path = paths.subject_key_file(subject);
    let key = SubjectKey::generate().map_err(|error| not_sealed(&error))?;
    paths
        .keep_subject_key(subject, &key)
        .map_err(|error| Error::file(Path::new(&path), "write", &error))?;
    Ok(key)
}

fn not_sealed(error: &SealError) -> Error {
    Error::not_done("seal", format!("the text was not sealed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_names_a_field_and_an_opaque_subject() {
        let seal = Seal::parse("labels.note=p_olga").expect("a seal");
        assert_eq!((seal.field.as_str(), seal.subject.as_str()), ("labels.note", "p_olga"));
        assert!(Seal::parse("body=@author").is_ok());
        for bad in ["comment", "comment=", "comment=Olga Example", "comment=a:b", "comment=ü"] {
            assert!(Seal::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_free_text_can_be_sealed() {
        let may = |kind, field| check_field(kind, field).is_ok();
        assert!(may(Kind::ApprovalGranted, "comment"));
        assert!(may(Kind::CommitMerged, "subject"));
        assert!(may(Kind::CheckCompleted, "labels.note"));
        assert!(!may(Kind::CommitMerged, "author"));
        assert!(!may(Kind::DeployStarted, "reason"));
        assert!(!may(Kind::ApprovalGranted, "labels"));
    }
}
