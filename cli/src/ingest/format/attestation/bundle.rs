//! Sigstore bundles 0.1 to 0.3: a signature with the certificate or key hint, the log entries and
//! the timestamps that a verifier needs.
//!
//! What can be seen without any key is checked always: the parts of a bundle must be about each
//! other. That makes nothing verified; it refuses bundles that nobody could verify.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::envelope::{Opened, base64, own_key};
use super::log_entry::{self, Content};
use super::signing::Signing;
use super::{Attestation, Said, record};
use crate::ingest::certificate::Certificate;
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of bundles.
pub(in crate::ingest::format) struct Bundle;

const TYPE: &str = "application/vnd.dev.sigstore.bundle";

impl Reader for Bundle {
    fn name(&self) -> &'static str {
        "sigstore-bundle"
    }

    fn detect(&self, document: &Document) -> bool {
        let json = document.json();
        let kind = json.and_then(|json| json.get("mediaType")).and_then(Value::as_str);
        kind.is_some_and(|kind| kind.starts_with(TYPE))
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        record::events(document, vec![(document, read(document, context)?)], context)
    }
}

/// Reads a bundle.
pub(super) fn read<'a>(
    document: &'a Document,
    context: &Context,
) -> Result<Attestation<'a>, IngestError> {
    read_at(&Place::top(document)?, document, context)
}

/// Reads a bundle that stands at a place of a document.
pub(super) fn read_at<'a>(
    place: &Place<'_>,
    document: &'a Document,
    context: &Context,
) -> Result<Attestation<'a>, IngestError> {
    let version = version(place)?;
    let Some(material) = place.at("verificationMaterial")? else {
        return Err(place.expected("a bundle with `verificationMaterial`"));
    };
    let envelope = place.at("dsseEnvelope")?;
    let message = place.at("messageSignature")?;
    let mut signing = Signing::default();
    signer(&material, version, &mut signing)?;
    let (said, content) = match (envelope, message) {
        (Some(envelope), None) => {
            let opened = Opened::read(&envelope)?;
            if opened.signatures.len() != 1 {
                let what = "exactly one signature: a bundle vouches for one";
                return Err(envelope.expected_under("signatures", what));
            }
            signing.key_ids = opened.key_ids();
            signing.verified_by = opened.verify(place.file(), context)?;
            let key = signing.certificate.as_ref().and_then(|one| one.key.as_ref());
            own_key(place.file(), key.is_none_or(|key| opened.fits(key)))?;
            let content = Content {
                payload: Some(Sha256::digest(&opened.payload).into()),
                signed: Some(Sha256::digest(&opened.signed).into()),
            };
            (Said::Statement(opened.statement(document)?), content)
        }
        (None, Some(message)) => {
            signing.key_ids = vec![String::new()];
            base64(&message, "signature")?;
            let digest = message_digest(&message)?;
            let hash = digest.as_deref().and_then(|digest| digest.strip_prefix("sha256:"));
            let signed = hash.and_then(|hash| hex::decode(hash).ok()?.try_into().ok());
            (Said::Bytes(digest), Content { payload: None, signed })
        }
        _ => return Err(place.expected("either a `dsseEnvelope` or a `messageSignature`")),
    };
    log(&material, &content, &mut signing)?;
    if context.verification.asked() && signing.verified_by.is_none() {
        let reason = "its signature is over the bytes of the artifact, which are not here; verify \
                      it with cosign, or give an attestation";
        let file = place.file().to_owned();
        return Err(IngestError::NotAuthentic { file, reason: reason.to_owned() });
    }
    let format = format!("sigstore-bundle/{version}");
    Ok(Attestation { reader: "sigstore-bundle", format, system: "sigstore", said, signing })
}

fn version(place: &Place<'_>) -> Result<&'static str, IngestError> {
    let kind = place.text("mediaType")?.unwrap_or_default();
    match kind.strip_prefix(TYPE) {
        Some("+json;version=0.1") => Ok("0.1"),
        Some("+json;version=0.2") => Ok("0.2"),
        Some("+json;version=0.3" | ".v0.3+json") => Ok("0.3"),
        _ => Err(IngestError::Unsupported {
            file: place.file().to_owned(),
            what: format!("a sigstore bundle of `{kind}`"),
            reason: "relbook reads 0.1, 0.2 and 0.3",
        }),
    }
}

/// Reads the certificate or the hint at a key.
fn signer(material: &Place<'_>, version: &str, signing: &mut Signing) -> Result<(), IngestError> {
    let chain = material.at("x509CertificateChain")?;
    let own = match (material.at("certificate")?, chain) {
        (Some(own), None) => Some(own),
        (None, Some(_)) if version == "0.3" => {
            return Err(material.expected_under(
                "x509CertificateChain",
                "a single `certificate`, as bundles of version 0.3 have it",
            ));
        }
        (None, Some(chain)) => {
            let listed = chain.list("certificates")?.unwrap_or_default();
            let first = listed.into_iter().next();
            Some(first.ok_or_else(|| chain.expected("at least one certificate"))?)
        }
        (None, None) => None,
        (Some(_), Some(chain)) => return Err(chain.expected("either a certificate or a chain")),
    };
    let key = material.at("publicKey")?;
    match (own, key) {
        (Some(own), None) => {
            let der = base64(&own, "rawBytes")?;
            let certificate = Certificate::from_der(&der)
                .map_err(|_| own.expected_under("rawBytes", "a certificate in DER"))?;
            signing.certificate = Some(certificate);
        }
        (None, Some(key)) => signing.key_hint = key.text("hint")?.map(str::to_owned),
        _ => return Err(material.expected("either a certificate or a `publicKey`")),
    }
    Ok(())
}

/// Reads the log entries and counts the timestamps.
fn log(material: &Place<'_>, content: &Content, signing: &mut Signing) -> Result<(), IngestError> {
    for entry in material.list("tlogEntries")?.unwrap_or_default() {
        let entry = log_entry::read(&entry, content)?;
        signing.log_index = signing.log_index.take().or(entry.index);
        signing.logged_at = signing.logged_at.take().or(entry.time);
    }
    if let Some(data) = material.at("timestampVerificationData")? {
        signing.timestamps = data.list("rfc3161Timestamps")?.unwrap_or_default().len();
    }
    if signing.certificate.is_some() && signing.logged_at.is_none() && signing.timestamps == 0 {
        return Err(material.expected(
            "a time of signing (`integratedTime` or a signed timestamp), without which a \
             certificate of ten minutes proves nothing",
        ));
    }
    Ok(())
}

fn message_digest(message: &Place<'_>) -> Result<Option<String>, IngestError> {
    let Some(place) = message.at("messageDigest")? else { return Ok(None) };
    let (name, bytes) = match place.text("algorithm")? {
        Some("SHA2_256") => ("sha256", 32),
        Some("SHA2_384") => ("sha384", 48),
        Some("SHA2_512") => ("sha512", 64),
        _ => return Ok(None),
    };
    let digest = base64(&place, "digest")?;
    if digest.len() != bytes {
        return Err(place.expected_under("digest", "as many bytes as its algorithm has"));
    }
    Ok(Some(format!("{name}:{}", hex::encode(digest))))
}
