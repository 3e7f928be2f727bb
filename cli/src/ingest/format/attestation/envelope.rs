//! DSSE envelopes around in-toto statements (DSSE v1).
//!
//! The payload is decoded once; those bytes are what a signature is checked over and what the
//! statement is read from. A key id is a hint that anybody may write and chooses nothing.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use relbook_ledger::envelope::{IN_TOTO_TYPE, pae};
use serde_json::Value;

use super::signing::Signing;
use super::statement::Statement;
use super::{Attestation, Said, record};
use crate::ingest::certificate::Certificate;
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of envelopes.
pub(in crate::ingest::format) struct Envelope;

impl Reader for Envelope {
    fn name(&self) -> &'static str {
        "dsse"
    }

    fn detect(&self, document: &Document) -> bool {
        let keys = ["payload", "payloadType", "signatures"];
        document.json().is_some_and(|json| keys.iter().all(|key| json.get(key).is_some()))
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        record::events(document, vec![(document, read(document, context)?)], context)
    }
}

/// Reads an envelope that stands alone.
pub(super) fn read<'a>(
    document: &'a Document,
    context: &Context,
) -> Result<Attestation<'a>, IngestError> {
    let opened = Opened::read(&Place::top(document)?)?;
    let signing = opened.alone(document, context)?;
    let statement = opened.statement(document)?;
    Ok(Attestation {
        reader: "dsse",
        format: format!("dsse+in-toto-statement/{}", statement.version),
        system: "in-toto",
        said: Said::Statement(statement),
        signing,
    })
}

/// An envelope with its payload decoded.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) payload: Vec<u8>,
    pub(super) signatures: Vec<Signature>,
    /// The bytes that are signed.
    pub(super) signed: Vec<u8>,
}

/// A signature of an envelope.
#[derive(Debug)]
pub(super) struct Signature {
    key_id: String,
    pub(super) bytes: Vec<u8>,
    /// The certificate that some writers put beside it.
    certificate: Option<Certificate>,
}

impl Opened {
    /// Decodes an envelope; only in-toto statements are taken.
    pub(super) fn read(place: &Place<'_>) -> Result<Self, IngestError> {
        let kind = place.text("payloadType")?.unwrap_or_default();
        if kind != IN_TOTO_TYPE {
            return Err(IngestError::Unsupported {
                file: place.file().to_owned(),
                what: format!("a DSSE envelope of `{kind}`"),
                reason: "only in-toto statements (application/vnd.in-toto+json) are read",
            });
        }
        let payload = base64(place, "payload")?;
        let mut signatures = Vec::new();
        for one in place.list("signatures")?.unwrap_or_default() {
            let certificate = match one.text("cert")? {
                None => None,
                Some(text) => Some(
                    Certificate::from_pem(text)
                        .map_err(|_| one.expected_under("cert", "a certificate in PEM"))?,
                ),
            };
            signatures.push(Signature {
                key_id: one.text("keyid")?.unwrap_or_default().to_owned(),
                bytes: base64(&one, "sig")?,
                certificate,
            });
        }
        if signatures.is_empty() {
            return Err(place.expected_under("signatures", "at least one signature"));
        }
        let signed = pae(kind, &payload);
        Ok(Self { payload, signatures, signed })
    }

    /// Returns the statement that the payload is.
    pub(super) fn statement(&self, document: &Document) -> Result<Statement<'static>, IngestError> {
        let name = format!("{}, payload", document.name());
        Statement::read(Cow::Owned(Document::from_bytes(name, self.payload.clone())?))
    }

    /// Returns the key ids of the signatures.
    pub(super) fn key_ids(&self) -> Vec<String> {
        self.signatures.iter().map(|one| one.key_id.clone()).collect()
    }

    /// Returns the name of the given key that a signature fits, when keys were given.
    ///
    /// # Errors
    /// [`IngestError::NotAuthentic`] when no signature fits any of them.
    pub(super) fn verify(
        &self,
        file: &str,
        context: &Context,
    ) -> Result<Option<String>, IngestError> {
        let keys = &context.verification.keys;
        if keys.is_empty() {
            return Ok(None);
        }
        let fits = |key: &&_| self.fits(key);
        match keys.iter().find(fits) {
            Some(key) => Ok(Some(key.name())),
            None => Err(IngestError::NotAuthentic {
                file: file.to_owned(),
                reason: format!(
                    "none of its {} signature(s) was made with the given key over this payload; \
                     give the signer's own key, or do not use the file",
                    self.signatures.len()
                ),
            }),
        }
    }

    /// Tells whether one of the signatures is of a key.
    pub(super) fn fits(&self, key: &crate::ingest::signature::VerifyKey) -> bool {
        self.signatures.iter().any(|one| key.fits(&self.signed, &one.bytes))
    }

    /// Checks an envelope without a bundle around it.
    fn alone(&self, document: &Document, context: &Context) -> Result<Signing, IngestError> {
        let file = document.name();
        let verified_by = self.verify(file, context)?;
        if verified_by.is_none() && context.verification.asked() {
            return Err(IngestError::NotAuthentic {
                file: file.to_owned(),
                reason: "a DSSE envelope alone holds no log entry or timestamp to check against a \
                         trusted root; give the signer's key with --verify-key, or the bundle"
                    .to_owned(),
            });
        }
        for one in &self.signatures {
            let key = one.certificate.as_ref().and_then(|certificate| certificate.key.as_ref());
            own_key(file, key.is_none_or(|key| key.fits(&self.signed, &one.bytes)))?;
        }
        let certificate = self.signatures.iter().find_map(|one| one.certificate.clone());
        Ok(Signing { key_ids: self.key_ids(), certificate, verified_by, ..Signing::default() })
    }
}

/// Refuses a signature that is not even one of the certificate beside it.
pub(super) fn own_key(file: &str, fits: bool) -> Result<(), IngestError> {
    if fits {
        return Ok(());
    }
    Err(IngestError::NotAuthentic {
        file: file.to_owned(),
        reason: "the signature does not fit the certificate beside it: the payload, the signature \
                 or the certificate was exchanged; fetch the file again from where it was made"
            .to_owned(),
    })
}

/// Decodes the base64 under a key, in the standard or the URL alphabet, with or without padding.
pub(super) fn base64(place: &Place<'_>, key: &str) -> Result<Vec<u8>, IngestError> {
    const EITHER: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, EITHER);
    const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, EITHER);
    let Some(text) = place.text(key)? else {
        return Err(place.expected_under(key, "base64"));
    };
    let decoded = STANDARD.decode(text).or_else(|_| URL.decode(text));
    decoded.map_err(|_| place.expected_under(key, "base64"))
}
