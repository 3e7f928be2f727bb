//! Who signed an attestation and when, as far as its file tells.

use serde_json::{Map, Value, json};

use crate::ingest::certificate::Certificate;
use crate::ingest::time::ReportTime;

/// The most signatures of an envelope that are shown.
const SHOWN: usize = 20;

/// What stands around a signed payload. Nothing of it is proven, except `verified_by`.
#[derive(Debug, Default)]
pub(super) struct Signing {
    /// The key ids of the signatures: hints, empty when there are none.
    pub(super) key_ids: Vec<String>,
    /// A hint at the key of a bundle.
    pub(super) key_hint: Option<String>,
    pub(super) certificate: Option<Certificate>,
    /// The index and time of the entry in a transparency log, as the file has it.
    pub(super) log_index: Option<String>,
    pub(super) logged_at: Option<ReportTime>,
    /// How many timestamps of a timestamp authority there are.
    pub(super) timestamps: usize,
    /// What the signature was checked against, when it was and it fits.
    pub(super) verified_by: Option<String>,
    /// Who signed according to what it was verified against.
    pub(super) verified_signer: Option<String>,
}

impl Signing {
    /// Returns who signed, as the file says.
    pub(super) fn signer(&self) -> Option<&str> {
        let certificate = self.certificate.as_ref().and_then(|one| one.signer.as_deref());
        let hint = self.key_hint.as_deref();
        let key = self.key_ids.iter().map(String::as_str).find(|id| !id.is_empty());
        self.verified_signer.as_deref().or(certificate).or(hint).or(key)
    }

    /// Returns when it was signed and what says so.
    pub(super) fn time(&self) -> Option<(&ReportTime, &'static str)> {
        let certificate = self.certificate.as_ref().and_then(|one| one.not_before.as_ref());
        let logged = self.logged_at.as_ref().map(|time| (time, "transparency_log"));
        logged.or_else(|| certificate.map(|time| (time, "certificate")))
    }

    /// Returns what is known, for the event.
    pub(super) fn json(&self) -> Value {
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                all.insert(name.to_owned(), value);
            }
        };
        put("signatures", json!(self.key_ids.len()));
        let ids: Vec<&String> = self.key_ids.iter().filter(|id| !id.is_empty()).collect();
        if !ids.is_empty() {
            put("key_ids", json!(ids.iter().take(SHOWN).collect::<Vec<_>>()));
        }
        put("key_hint", json!(self.key_hint));
        put("certificate", json!(self.certificate.as_ref().map(Certificate::json)));
        put("log_index", json!(self.log_index));
        put("logged_at", json!(self.logged_at.as_ref().map(|time| &time.utc)));
        if self.timestamps > 0 {
            put("timestamps", json!(self.timestamps));
        }
        Value::Object(all)
    }
}
