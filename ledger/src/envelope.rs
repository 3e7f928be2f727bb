//! The signed event: DSSE pre-authentication encoding and envelope (ledger-format 2, dsse v1).
//!
//! The body's bytes are what was signed; they are kept verbatim and never written anew from parsed
//! JSON. The DSSE JSON form exists only for transport. The algorithm is never read from an
//! envelope: keys are Ed25519, as enrolled.

use base64::Engine as _;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, STANDARD, STANDARD_NO_PAD,
};
use serde_json::{Value, json};

use crate::json::{self, JsonError};
use crate::key::{BadSignature, KeyId, PublicKey, SigningKey};

/// The payload type of an event with a subject digest: an in-toto Statement.
pub const IN_TOTO_TYPE: &str = "application/vnd.in-toto+json";

/// The payload type of any other event.
pub const EVENT_TYPE: &str = "application/vnd.relbook.event.v1+json";

const PREFIX: &[u8] = b"DSSEv1 ";

/// Says why an envelope or encoding cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The bytes are not `DSSEv1 len type len body` in its one spelling.
    #[error("not a DSSE pre-authentication encoding: {detail}")]
    Pae {
        /// What is wrong.
        detail: &'static str,
    },
    /// The envelope is not strict JSON.
    #[error("the DSSE envelope is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// The envelope is JSON, but not a DSSE envelope with one named signature.
    #[error("not a DSSE envelope: {detail}")]
    Shape {
        /// What is wrong.
        detail: &'static str,
    },
}

/// Returns the pre-authentication encoding of a payload: the bytes that are signed.
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX.len() + payload_type.len() + body.len() + 16);
    bytes.extend_from_slice(PREFIX);
    bytes.extend_from_slice(
        format!("{} {payload_type} {} ", payload_type.len(), body.len()).as_bytes(),
    );
    bytes.extend_from_slice(body);
    bytes
}

/// Splits a pre-authentication encoding into type and body; accepts only what [`pae`] writes.
///
/// # Errors
/// [`EnvelopeError::Pae`] when the bytes are anything else.
pub fn split_pae(bytes: &[u8]) -> Result<(&str, &[u8]), EnvelopeError> {
    let error = |detail| EnvelopeError::Pae { detail };
    let rest = bytes.strip_prefix(PREFIX).ok_or(error("it does not begin with `DSSEv1 `"))?;
    let (payload_type, rest) = counted(rest)?;
    let rest = rest.strip_prefix(b" ").ok_or(error("no space after the type"))?;
    let (body, rest) = counted(rest)?;
    if !rest.is_empty() {
        return Err(error("bytes after the body"));
    }
    let payload_type =
        std::str::from_utf8(payload_type).map_err(|_| error("the type is not UTF-8"))?;
    Ok((payload_type, body))
}

/// Reads `len SP bytes` and returns the bytes and what follows them.
fn counted(bytes: &[u8]) -> Result<(&[u8], &[u8]), EnvelopeError> {
    let error = |detail| EnvelopeError::Pae { detail };
    let space = bytes.iter().position(|&byte| byte == b' ').ok_or(error("a length is missing"))?;
    let (digits, rest) = bytes.split_at(space);
    // One spelling only: no sign, no leading zero, no other digits.
    let plain = !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && (digits.len() == 1 || digits.first() != Some(&b'0'));
    let length = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<usize>().ok());
    let Some(length) = length.filter(|_| plain) else {
        return Err(error("a length is not a plain decimal number"));
    };
    rest.get(1..).and_then(|rest| rest.split_at_checked(length)).ok_or(error("cut short"))
}

/// An event as its author signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedEvent {
    /// What the body is: [`IN_TOTO_TYPE`] or [`EVENT_TYPE`].
    pub payload_type: String,
    /// The signed bytes.
    pub body: Vec<u8>,
    /// The key that signed.
    pub key_id: KeyId,
    /// Ed25519 over the pre-authentication encoding.
    pub signature: [u8; 64],
}

impl SignedEvent {
    /// Signs a payload.
    pub fn sign(payload_type: &str, body: Vec<u8>, key: &SigningKey) -> Self {
        let signature = key.sign(&pae(payload_type, &body));
        Self { payload_type: payload_type.to_owned(), body, key_id: key.public().id(), signature }
    }

    /// Returns the bytes that were signed.
    pub fn pae(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.body)
    }

    /// Checks the signature, strictly.
    ///
    /// # Errors
    /// [`BadSignature`] when `key` did not sign these bytes.
    pub fn verify(&self, key: &PublicKey) -> Result<(), BadSignature> {
        key.verify_strict(&self.pae(), &self.signature)
    }

    /// Returns the DSSE envelope.
    pub fn to_dsse_json(&self) -> Value {
        json!({
            "payload": STANDARD.encode(&self.body),
            "payloadType": self.payload_type,
            "signatures": [{
                "keyid": self.key_id.to_string(),
                "sig": STANDARD.encode(self.signature),
            }],
        })
    }

    /// Reads a DSSE envelope with exactly one signature, in either base64 alphabet.
    ///
    /// # Errors
    /// [`EnvelopeError::Json`] or [`EnvelopeError::Shape`].
    pub fn from_dsse_json(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let shape = |detail| EnvelopeError::Shape { detail };
        let envelope = json::parse(bytes)?;
        let text = |value: &Value, field: &str| value.get(field)?.as_str().map(str::to_owned);
        let payload_type =
            text(&envelope, "payloadType").ok_or(shape("`payloadType` must be a text"))?;
        let payload = text(&envelope, "payload").ok_or(shape("`payload` must be a text"))?;
        let body = decode(&payload).ok_or(shape("`payload` is not base64"))?;
        let signatures = envelope.get("signatures").and_then(Value::as_array);
        let Some([signature]) = signatures.map(Vec::as_slice) else {
            return Err(shape("`signatures` must hold exactly one signature, the author's"));
        };
        let key_id = text(signature, "keyid").and_then(|id| KeyId::parse(&id));
        let key_id = key_id.ok_or(shape("`keyid` must be the 64 hex digits of the key's id"))?;
        let signature = text(signature, "sig").and_then(|sig| decode(&sig));
        let signature = signature.and_then(|sig| <[u8; 64]>::try_from(sig).ok());
        let signature = signature.ok_or(shape("`sig` must be 64 bytes in base64"))?;
        Ok(Self { payload_type, body, key_id, signature })
    }
}

/// Decodes base64 of either alphabet, padded or not: DSSE asks readers to take both.
fn decode(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new();
    let url_safe = GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        config
            .with_encode_padding(false)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
    );
    let bare = text.trim_end_matches('=');
    if text.len() - bare.len() > 2 {
        return None;
    }
    STANDARD_NO_PAD.decode(bare).or_else(|_| url_safe.decode(bare)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_dsse_specification() {
        let bytes = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        assert_eq!(
            split_pae(&bytes).unwrap(),
            ("http://example.com/HelloWorld", b"hello world".as_slice())
        );
    }

    #[test]
    fn only_the_one_spelling_is_split() {
        for bad in [
            "",
            "DSSEv1",
            "DSSEv2 1 a 1 b",
            "DSSEv1 01 a 1 b",
            "DSSEv1 +1 a 1 b",
            "DSSEv1 1 a 1 bc",
            "DSSEv1 1 a 2 b",
            "DSSEv1 1 a  1 b",
            "DSSEv1 1 a1 b",
            "DSSEv1  a 1 b",
            "DSSEv1 99999999999999999999999 a 1 b",
            "DSSEv1 18446744073709551615 a 1 b",
            "dssev1 1 a 1 b",
        ] {
            assert!(split_pae(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(split_pae(b"DSSEv1 1 \xff 1 b").is_err());
    }

    #[test]
    fn an_envelope_comes_back_in_both_alphabets() {
        let key = SigningKey::from_seed(&[5; 32]);
        let signed = SignedEvent::sign(EVENT_TYPE, vec![0xfb, 0xff, 0xfe, 1], &key);
        assert_eq!(signed.verify(&key.public()), Ok(()));
        let text = signed.to_dsse_json().to_string();
        assert_eq!(SignedEvent::from_dsse_json(text.as_bytes()).unwrap(), signed);
        let mut url_safe = signed.to_dsse_json();
        url_safe["payload"] = "-__-AQ".into();
        let text = url_safe.to_string();
        assert_eq!(SignedEvent::from_dsse_json(text.as_bytes()).unwrap(), signed);
    }

    #[test]
    fn what_is_no_envelope_says_why() {
        let signed =
            SignedEvent::sign(EVENT_TYPE, b"{}".to_vec(), &SigningKey::from_seed(&[5; 32]));
        let broken = |change: fn(&mut Value)| {
            let mut value = signed.to_dsse_json();
            change(&mut value);
            SignedEvent::from_dsse_json(value.to_string().as_bytes()).unwrap_err().to_string()
        };
        assert!(broken(|v| v["payload"] = "*".into()).contains("base64"));
        assert!(broken(|v| v["payloadType"] = 1.into()).contains("payloadType"));
        assert!(broken(|v| v["signatures"] = json!([])).contains("exactly one"));
        assert!(broken(|v| v["signatures"][0]["keyid"] = "x".into()).contains("keyid"));
        assert!(broken(|v| v["signatures"][0]["sig"] = "AAAA".into()).contains("64 bytes"));
        assert!(SignedEvent::from_dsse_json(b"[").is_err());
    }

    proptest! {
        #[test]
        fn pae_comes_back(payload_type in ".{0,20}", body in prop::collection::vec(any::<u8>(), 0..64)) {
            let bytes = pae(&payload_type, &body);
            prop_assert_eq!(split_pae(&bytes).unwrap(), (payload_type.as_str(), body.as_slice()));
        }

        #[test]
        fn what_splits_is_what_pae_writes(tail in "[0-9a ]{0,14}") {
            let bytes = format!("DSSEv1 {tail}").into_bytes();
            if let Ok((payload_type, body)) = split_pae(&bytes) {
                prop_assert_eq!(pae(payload_type, body), bytes);
            }
        }
    }
}
