//! Entries of a transparency log (Rekor) as bundles carry them, as far as it can be told without a
//! key whether they are about the bundle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relbook_ledger::time::Time;
use serde_json::Value;

use super::envelope::base64;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::time::ReportTime;

/// SHA-256 of what a bundle holds.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// The payload of an envelope.
    pub(super) payload: Option<[u8; 32]>,
    /// What the signature is over.
    pub(super) signed: Option<[u8; 32]>,
}

/// An entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) index: Option<String>,
    /// When the log took it; the second version of the log does not say.
    pub(super) time: Option<ReportTime>,
}

/// Reads an entry.
///
/// # Errors
/// [`IngestError::NotAuthentic`] when it is of other content than the bundle.
pub(super) fn read(place: &Place<'_>, content: &Content) -> Result<Entry, IngestError> {
    let index = integer(place, "logIndex")?;
    if index.is_some_and(|index| index < 0) {
        return Err(place.expected_under("logIndex", "a place in the log, from 0"));
    }
    let index = index.map(|index| index.to_string());
    // Zero is how the second version of the log writes that there is none.
    let seconds = integer(place, "integratedTime")?.filter(|seconds| *seconds > 0);
    let time = match seconds {
        None => None,
        Some(seconds) => {
            let micros = seconds.checked_mul(1_000_000).filter(|_| seconds < 1 << 40);
            let micros =
                micros.ok_or_else(|| place.expected_under("integratedTime", "Unix seconds"))?;
            let utc = Time::from_micros(micros).to_string();
            Some(ReportTime { utc, raw: seconds.to_string() })
        }
    };
    if place.text("canonicalizedBody")?.is_some() {
        let bytes = base64(place, "canonicalizedBody")?;
        let body: Value = serde_json::from_slice(&bytes)
            .map_err(|_| place.expected_under("canonicalizedBody", "JSON in base64"))?;
        if !is_about(&body, content) {
            return Err(IngestError::NotAuthentic {
                file: place.file().to_owned(),
                reason: "the entry of the transparency log is of other content than the bundle: \
                         one of them was exchanged; fetch the bundle again"
                    .to_owned(),
            });
        }
    }
    Ok(Entry { index, time })
}

/// Compares what an entry names with what is there; what it does not name differs from nothing.
fn is_about(body: &Value, content: &Content) -> bool {
    let text = |path: &str| body.pointer(path).and_then(Value::as_str);
    let hex_of = |path: &str| text(path).and_then(|text| hex::decode(text).ok());
    let base64_of = |path: &str| text(path).and_then(|text| STANDARD.decode(text).ok());
    let same = |named: Option<Vec<u8>>, held: Option<[u8; 32]>| match (named, held) {
        (Some(named), Some(held)) if named.len() == held.len() => named == held,
        _ => true,
    };
    match (text("/kind"), text("/apiVersion")) {
        (Some("hashedrekord"), Some("0.0.1")) => {
            same(hex_of("/spec/data/hash/value"), content.signed)
        }
        (Some("hashedrekord"), Some("0.0.2")) => {
            same(base64_of("/spec/hashedRekordV002/data/digest"), content.signed)
        }
        (Some("dsse"), Some("0.0.1")) => same(hex_of("/spec/payloadHash/value"), content.payload),
        (Some("dsse"), Some("0.0.2")) => {
            same(base64_of("/spec/dsseV002/payloadHash/digest"), content.payload)
        }
        (Some("intoto"), Some("0.0.2")) => {
            same(hex_of("/spec/content/payloadHash/value"), content.payload)
        }
        _ => true,
    }
}

/// Reads a 64-bit number, which protobuf writes as a text in JSON.
fn integer(place: &Place<'_>, key: &str) -> Result<Option<i64>, IngestError> {
    let Some(found) = place.at(key)? else { return Ok(None) };
    let number = match found.value() {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    number.map(Some).ok_or_else(|| found.expected("a whole number"))
}
