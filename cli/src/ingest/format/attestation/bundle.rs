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
use crate::ingest::signature::VerifyKey;
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
            let key = signing.certificate.as_ref().and_then(|one| one.key.as_ref());
            own_key(place.file(), key.is_none_or(|key| opened.fits(key)))?;
            let content = Content {
                payload: Some(Sha256::digest(&opened.payload).into()),
                signed: Some(Sha256::digest(&opened.signed).into()),
            };
            let statement = opened.statement(document)?;
            let subjects = statement.subjects.iter().flat_map(|one| one.digests.clone()).collect();
            let payload = Some(opened.payload.as_slice());
            let signed = Signed { subjects, payload, fits: &|key| opened.fits(key) };
            verify(place, signed, context, &mut signing)?;
            (Said::Statement(statement), content)
        }
        (None, Some(message)) => {
            signing.key_ids = vec![String::new()];
            let signature = base64(&message, "signature")?;
            let digest = message_digest(&message)?;
            // An older bundle does not say of which file it is; then the caller does.
            let of = digest.clone().or_else(|| context.digest.clone());
            let sha256 = of.as_deref().and_then(sha256);
            let fits =
                |key: &VerifyKey| sha256.is_some_and(|digest| key.fits_digest(&digest, &signature));
            let key = signing.certificate.as_ref().and_then(|one| one.key.as_ref());
            let own = key.filter(|key| key.takes_digests() && sha256.is_some());
            own_key(place.file(), own.is_none_or(fits))?;
            let signed = Signed { subjects: Vec::from_iter(of), payload: None, fits: &fits };
            verify(place, signed, context, &mut signing)?;
            let signed = digest.as_deref().and_then(self::sha256);
            (Said::Bytes(digest), Content { payload: None, signed })
        }
        _ => return Err(place.expected("either a `dsseEnvelope` or a `messageSignature`")),
    };
    log(&material, &content, &mut signing)?;
    let format = format!("sigstore-bundle/{version}");
    Ok(Attestation { reader: "sigstore-bundle", format, system: "sigstore", said, signing })
}

/// What a bundle's signature is over.
struct Signed<'a> {
    /// The digests of what it vouches for.
    subjects: Vec<String>,
    /// The payload of its envelope; none for the signature of a file.
    payload: Option<&'a [u8]>,
    /// Tells whether the signature is of a key.
    fits: &'a dyn Fn(&VerifyKey) -> bool,
}

/// Checks a signature against what the caller gave: a key that fits, else the trusted root.
///
/// # Errors
/// [`IngestError::NotAuthentic`] when something was given and nothing of it vouches for the bundle.
fn verify(
    place: &Place<'_>,
    signed: Signed<'_>,
    context: &Context,
    signing: &mut Signing,
) -> Result<(), IngestError> {
    let asked = &context.verification;
    let refuse =
        |reason: String| IngestError::NotAuthentic { file: place.file().to_owned(), reason };
    if let Some(key) = asked.keys.iter().find(|key| (signed.fits)(key)) {
        signing.verified_by = Some(key.name());
    } else if let (Some(root), Some(_)) = (&asked.root, &signing.certificate) {
        let known =
            |digest: &&String| ["sha256:", "sha512:"].iter().any(|name| digest.starts_with(name));
        let meant = { context.digest.iter() }.find(|digest| signed.subjects.contains(digest));
        let subject = meant.filter(known).or_else(|| signed.subjects.iter().find(known));
        let Some(subject) = subject else {
            return Err(refuse(
                "it is not about a sha256 or sha512 digest; give --digest".to_owned(),
            ));
        };
        root.verify(&place.value().to_string(), signed.payload, subject).map_err(|reason| {
            refuse(format!(
                "it does not hold against the trusted root: {reason}; fetch the bundle and the \
                 root again, or do not use the file"
            ))
        })?;
        signing.verified_by = Some(root.name());
        signing.verified_signer = Some(root.identity().to_owned());
    } else if asked.root.is_some() && asked.keys.is_empty() {
        let reason = "it names a key, not a certificate, which a trusted root does not vouch for; \
                      give the key with --verify-key as well";
        return Err(refuse(reason.to_owned()));
    } else if asked.asked() {
        let reason = match signed.payload {
            Some(_) => {
                "its signature was not made with the given key over this payload; give the \
                        signer's own key, or do not use the file"
            }
            None => {
                "its signature was not made with the given key over the file with this digest; \
                     give the signer's own key (ECDSA P-256: other kinds need the file itself), or \
                     verify it with cosign"
            }
        };
        return Err(refuse(reason.to_owned()));
    }
    Ok(())
}

/// Returns the bytes of a SHA-256 digest.
fn sha256(digest: &str) -> Option<[u8; 32]> {
    hex::decode(digest.strip_prefix("sha256:")?).ok()?.try_into().ok()
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
