//! Keys that signatures are checked against, and the check itself (ingest.md 1.2, 3.4).
//!
//! A key comes from the caller, never from the file: what a file says about its own key (a key id,
//! a hint, a certificate) proves nothing about who signed. Ed25519 is checked strictly, ECDSA on
//! P-256 and P-384 in either spelling of a signature.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use relbook_ledger::key::PublicKey;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, UnparsedPublicKey, VerificationAlgorithm,
};
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, pem};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::sigstore::TrustedRoot;

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// What signatures are checked against; nothing when empty.
#[derive(Debug, Clone, Default)]
pub struct Verification {
    /// Keys, of which one must have signed.
    pub keys: Vec<VerifyKey>,
    /// What bundles without such a key are checked against.
    pub root: Option<TrustedRoot>,
}

impl Verification {
    /// Tells whether anything must be verified.
    pub fn asked(&self) -> bool {
        !self.keys.is_empty() || self.root.is_some()
    }
}

/// A public key whose signatures can be checked.
#[derive(Debug, Clone)]
pub struct VerifyKey {
    kind: Kind,
    /// SHA-256 of the key in DER, as hex.
    fingerprint: String,
}

#[derive(Debug, Clone)]
enum Kind {
    Ed25519(PublicKey),
    P256(Vec<u8>),
    P384(Vec<u8>),
}

impl VerifyKey {
    /// Reads a public key in PEM, as `openssl`, `cosign` and `relbook key new` write it.
    ///
    /// # Errors
    /// A sentence that says what the text is instead.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        const WANTED: &str = "give a public key in PEM (BEGIN PUBLIC KEY)";
        let (label, der) = pem::decode_vec(text.trim().as_bytes())
            .map_err(|error| format!("not a key in PEM: {error}; {WANTED}"))?;
        match label {
            "PUBLIC KEY" => Self::from_der(&der),
            label if label.contains("PRIVATE") => {
                Err(format!("this is a private key, which relbook must not see; {WANTED}"))
            }
            label => Err(format!("this is `{label}` in PEM; {WANTED}")),
        }
    }

    /// Reads a `SubjectPublicKeyInfo` in DER.
    pub(in crate::ingest) fn from_der(der: &[u8]) -> Result<Self, String> {
        let wrong = |error: x509_cert::der::Error| format!("not a public key: {error}");
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(wrong)?;
        let bytes = info.subject_public_key.raw_bytes();
        let curve = info.algorithm.parameters_oid().ok();
        let kind = match (info.algorithm.oid, curve) {
            (ED25519, _) => {
                let raw = bytes.try_into().map_err(|_| "not 32 bytes of Ed25519".to_owned())?;
                let key = PublicKey::from_bytes(raw).map_err(|error| error.to_string())?;
                Kind::Ed25519(key)
            }
            (EC, Some(P256)) => Kind::P256(bytes.to_vec()),
            (EC, Some(P384)) => Kind::P384(bytes.to_vec()),
            (other, _) => {
                return Err(format!(
                    "a key of another kind ({other}); relbook checks Ed25519, ECDSA P-256 and P-384"
                ));
            }
        };
        let whole = info.to_der().map_err(wrong)?;
        Ok(Self { kind, fingerprint: hex::encode(Sha256::digest(&whole)) })
    }

    /// Returns the name of the key, as `verified_by` has it.
    pub(in crate::ingest) fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Ed25519(_) => "ed25519",
            Kind::P256(_) => "ecdsa-p256",
            Kind::P384(_) => "ecdsa-p384",
        };
        format!("{kind} key sha256:{}", self.fingerprint)
    }

    /// Tells whether a signature is one of this key over the message.
    pub(in crate::ingest) fn fits(&self, message: &[u8], signature: &[u8]) -> bool {
        let any = |point: &[u8], algorithms: &[&'static dyn VerificationAlgorithm]| {
            algorithms.iter().any(|algorithm| {
                UnparsedPublicKey::new(*algorithm, point).verify(message, signature).is_ok()
            })
        };
        match &self.kind {
            Kind::Ed25519(key) => signature
                .try_into()
                .is_ok_and(|signature| key.verify_strict(message, signature).is_ok()),
            Kind::P256(point) => any(point, &[&ECDSA_P256_SHA256_ASN1, &ECDSA_P256_SHA256_FIXED]),
            Kind::P384(point) => any(
                point,
                &[&ECDSA_P384_SHA384_ASN1, &ECDSA_P384_SHA256_ASN1, &ECDSA_P384_SHA384_FIXED],
            ),
        }
    }
    /// Tells whether a signature of this key can be checked from the SHA-256 digest of the bytes:
    /// Ed25519 signs the bytes themselves, P-384 another digest.
    pub(in crate::ingest) fn takes_digests(&self) -> bool {
        matches!(self.kind, Kind::P256(_))
    }

    /// Tells whether a signature is one of this key over the bytes with the SHA-256 digest.
    pub(in crate::ingest) fn fits_digest(&self, sha256: &[u8; 32], signature: &[u8]) -> bool {
        matches!(&self.kind, Kind::P256(point) if p256_fits(point, sha256, signature))
    }
}

/// Tells whether a signature of ECDSA P-256, in either spelling, is one over a digest.
pub(in crate::ingest) fn p256_fits(point: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    let signature = p256::ecdsa::Signature::from_der(signature)
        .or_else(|_| p256::ecdsa::Signature::from_slice(signature));
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point);
    matches!((key, signature), (Ok(key), Ok(signature))
        if key.verify_prehash(digest, &signature).is_ok())
}
