//! Signers for tests: keys, envelopes, and certificates as small as their parser takes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relbook_ledger::envelope::pae;
use relbook_ledger::key::SigningKey;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair,
};
use serde_json::{Value, json};

use super::super::{Context, Verification, VerifyKey};
use super::given;

pub(super) const TYPE: &str = "application/vnd.in-toto+json";

/// What stands before a point of P-256 in DER.
const P256_PREFIX: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

/// A key that can sign.
pub(super) enum Signer {
    Ed25519(SigningKey),
    Ecdsa { pair: EcdsaKeyPair, prefix: &'static str },
}

impl Signer {
    pub(super) fn ed25519() -> Self {
        Self::Ed25519(SigningKey::generate().unwrap())
    }

    pub(super) fn p256() -> Self {
        Self::ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, P256_PREFIX)
    }

    pub(super) fn p384() -> Self {
        let prefix = "3076301006072a8648ce3d020106052b81040022036200";
        Self::ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, prefix)
    }

    fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, prefix: &'static str) -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        Self::of_pkcs8(algorithm, prefix, document.as_ref())
    }

    fn of_pkcs8(
        algorithm: &'static EcdsaSigningAlgorithm,
        prefix: &'static str,
        document: &[u8],
    ) -> Self {
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document, &SystemRandom::new()).unwrap();
        Self::Ecdsa { pair, prefix }
    }

    /// A key of P-256 that something else made.
    pub(super) fn p256_of(pkcs8: &[u8]) -> Self {
        Self::of_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, P256_PREFIX, pkcs8)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign(message).to_vec(),
            Self::Ecdsa { pair, .. } => {
                pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
            }
        }
    }

    /// The public key in DER.
    pub(super) fn spki(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => {
                [&hex::decode("302a300506032b6570032100").unwrap(), &key.public().as_bytes()[..]]
                    .concat()
            }
            Self::Ecdsa { pair, prefix } => {
                [&hex::decode(prefix).unwrap(), pair.public_key().as_ref()].concat()
            }
        }
    }

    /// The public key in PEM.
    pub(super) fn pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki())
    }

    /// The key as a caller gives it.
    pub(super) fn verify_key(&self) -> VerifyKey {
        VerifyKey::from_pem(&self.pem()).unwrap()
    }

    /// A context that asks for this signer.
    pub(super) fn asked(&self) -> Context {
        let verification = Verification { keys: vec![self.verify_key()], root: None };
        Context { verification, ..given() }
    }

    /// A certificate of this key, as Fulcio writes them.
    pub(super) fn certificate(&self, subject: &str, claims: &[(u8, &str)]) -> Vec<u8> {
        let extension = |oid: Vec<u8>, value: Vec<u8>| der(0x30, &[oid, der(4, &[value])]);
        let name = der(0x30, &[der(0x86, &[subject.as_bytes().to_vec()])]);
        let mut extensions = vec![extension(der(6, &[vec![0x55, 0x1d, 0x11]]), name)];
        for (number, text) in claims {
            // 1.3.6.1.4.1.57264.1.<number>
            let oid = vec![0x2b, 6, 1, 4, 1, 0x83, 0xbf, 0x30, 1, *number];
            let text = text.as_bytes().to_vec();
            let value = if *number < 8 { text } else { der(0x0c, &[text]) };
            extensions.push(extension(der(6, &[oid]), value));
        }
        let algorithm = der(0x30, &[der(6, &[hex::decode("2a8648ce3d040302").unwrap()])]);
        let time = |text: &str| der(0x17, &[text.as_bytes().to_vec()]);
        let body = der(
            0x30,
            &[
                der(0xa0, &[vec![2, 1, 2]]),
                vec![2, 1, 1],
                algorithm.clone(),
                der(0x30, &[]),
                der(0x30, &[time("260610090000Z"), time("260610091000Z")]),
                der(0x30, &[]),
                self.spki(),
                der(0xa3, &[der(0x30, &extensions)]),
            ],
        );
        der(0x30, &[body, algorithm, der(3, &[vec![0, 1]])])
    }
}

/// One element of DER.
fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let mut whole = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 128 => whole.push(short),
        Ok(long) => whole.extend([0x81, long]),
        Err(_) => {
            let length = u16::try_from(content.len()).unwrap();
            whole.push(0x82);
            whole.extend(length.to_be_bytes());
        }
    }
    whole.extend(content);
    whole
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// An envelope around a statement.
pub(super) fn envelope(statement: &Value, signers: &[&Signer]) -> Value {
    let payload = statement.to_string();
    let sign = |signer: &&Signer| {
        let signature = signer.sign(&pae(TYPE, payload.as_bytes()));
        json!({"keyid": "", "sig": STANDARD.encode(signature)})
    };
    let signatures: Vec<Value> = signers.iter().map(sign).collect();
    json!({"payloadType": TYPE, "payload": STANDARD.encode(&payload), "signatures": signatures})
}
