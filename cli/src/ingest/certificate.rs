//! What a signer's certificate says: who, and for Fulcio's also which build (ingest.md 3.5).
//!
//! Read, not trusted: whoever made the file chose the certificate. The signer is the workflow that
//! ran the signing, which for a reusable workflow is not the repository that called it; the two
//! stand in different claims and are never merged.

use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};
use x509_cert::Certificate as X509;
use x509_cert::der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::der::{Decode, Encode, pem};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::signature::VerifyKey;
use super::time::ReportTime;

/// Under this arc Fulcio writes what its identity provider said.
const FULCIO: &str = "1.3.6.1.4.1.57264.1.";

/// The claims by their last number in the arc. Those below 8 are of old certificates.
const CLAIMS: [(u32, &str); 23] = [
    (1, "issuer_v1"),
    (2, "workflow_trigger"),
    (3, "workflow_sha"),
    (4, "workflow_name"),
    (5, "workflow_repository"),
    (6, "workflow_ref"),
    (8, "issuer"),
    (9, "build_signer_uri"),
    (10, "build_signer_digest"),
    (11, "runner_environment"),
    (12, "source_repository"),
    (13, "source_commit"),
    (14, "source_ref"),
    (15, "source_repository_id"),
    (16, "source_owner"),
    (17, "source_owner_id"),
    (18, "build_config_uri"),
    (19, "build_config_digest"),
    (20, "trigger"),
    (21, "run_url"),
    (22, "visibility"),
    (23, "deployment_environment"),
    (24, "token_subject"),
];

/// A certificate, as far as it is read.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Certificate {
    /// The subject: an address of mail or of a workflow.
    pub(in crate::ingest) signer: Option<String>,
    /// From when it is valid; a Fulcio certificate lives for ten minutes.
    pub(in crate::ingest) not_before: Option<ReportTime>,
    /// The key that it is for; absent when it is of a kind that is not checked here.
    pub(in crate::ingest) key: Option<VerifyKey>,
    claims: Map<String, Value>,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::ingest) fn from_der(der: &[u8]) -> Result<Self, String> {
        let wrong = |error: x509_cert::der::Error| format!("not a certificate: {error}");
        let tbs = X509::from_der(der).map_err(wrong)?.tbs_certificate;
        let key = tbs.subject_public_key_info.to_der().map_err(wrong)?;
        let names = tbs.get::<SubjectAltName>().map_err(wrong)?;
        let signer = names.iter().flat_map(|(_, names)| &names.0).find_map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(uri.to_string()),
            GeneralName::Rfc822Name(address) => Some(address.to_string()),
            _ => None,
        });
        let mut claims = Map::new();
        for extension in tbs.extensions.iter().flatten() {
            let value = extension.extn_value.as_bytes();
            if let Some((name, text)) = claim(extension.extn_id, value) {
                claims.insert(name.to_owned(), json!(text));
            }
        }
        let seconds = tbs.validity.not_before.to_unix_duration().as_secs();
        let not_before = i64::try_from(seconds).ok().and_then(|seconds| {
            let utc = Time::from_micros(seconds.checked_mul(1_000_000)?).to_string();
            Some(ReportTime { raw: utc.clone(), utc })
        });
        Ok(Self { signer, not_before, key: VerifyKey::from_der(&key).ok(), claims })
    }

    /// Reads a certificate in PEM.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::ingest) fn from_pem(text: &str) -> Result<Self, String> {
        // A chain has the signer's own certificate first.
        const END: &str = "-----END CERTIFICATE-----";
        let first = text.find(END).and_then(|end| text.get(..end + END.len())).unwrap_or(text);
        let (_, der) = pem::decode_vec(first.trim_start().as_bytes())
            .map_err(|error| format!("not a certificate in PEM: {error}"))?;
        Self::from_der(&der)
    }

    /// Returns who vouched for the subject.
    pub(in crate::ingest) fn issuer(&self) -> Option<&str> {
        self.claim("issuer").or_else(|| self.claim("issuer_v1"))
    }

    /// Returns a claim by its name.
    pub(in crate::ingest) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Returns everything that was read.
    pub(in crate::ingest) fn json(&self) -> Value {
        let mut all = self.claims.clone();
        all.insert("subject".to_owned(), json!(self.signer));
        all.insert("not_before".to_owned(), json!(self.not_before.as_ref().map(|t| &t.utc)));
        Value::Object(all)
    }
}

/// Reads an extension of Fulcio; the first seven are bare text, the later ones DER.
fn claim(oid: ObjectIdentifier, value: &[u8]) -> Option<(&'static str, String)> {
    const CHARS_MAX: usize = 1024;
    let number: u32 = oid.to_string().strip_prefix(FULCIO)?.parse().ok()?;
    let text = match number {
        ..=7 => std::str::from_utf8(value).ok()?,
        _ => Utf8StringRef::from_der(value).ok()?.as_str(),
    };
    let (_, name) = CLAIMS.iter().find(|(known, _)| *known == number)?;
    Some((*name, text.chars().take(CHARS_MAX).collect()))
}
