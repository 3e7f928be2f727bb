//! Ed25519 keys: making, reading, signing, checking (ledger-format 2, contract 6).
//!
//! A verdict is always `verify_strict`: batch verification accepts or refuses crafted signatures
//! depending on their neighbours. Keys of small order, with a torsion part or in a second spelling
//! are refused when read. A private key is never printed, not even by `Debug`.

use std::fmt;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
    PublicKeyBytes,
};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use sha2::{Digest, Sha256};

/// Says why a key cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is no Ed25519 private key in PEM (PKCS#8); give the file that `key new` wrote.
    #[error("not an Ed25519 private key in PEM (PKCS#8): {hint}")]
    Private {
        /// What the text looks like instead.
        hint: &'static str,
    },
    /// The text is no Ed25519 public key in PEM (SPKI); give the `.pub` file that `key new` wrote.
    #[error("not an Ed25519 public key in PEM (SPKI): {hint}")]
    Public {
        /// What the text looks like instead.
        hint: &'static str,
    },
    /// The 32 bytes are not the one spelling of a point on the curve.
    #[error("the 32 bytes are no Ed25519 public key")]
    NotAPoint,
    /// The point has small order: anybody can make signatures for it.
    #[error("a weak key: its order is small, so anybody can sign for it")]
    Weak,
    /// The point has a torsion part: verifiers disagree about its signatures.
    #[error("a key outside the prime-order group: verifiers disagree about its signatures")]
    Torsion,
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    Randomness,
}

/// Says that a signature is not one of this key over these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit the key and the bytes")]
pub struct BadSignature;

/// The name of a key: SHA-256 of the raw public key; shown as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 32]);

impl KeyId {
    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 32];
        hex::decode_to_slice(text, &mut id).ok().map(|()| Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A private key.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().id())
    }
}

impl SigningKey {
    /// Makes a key from the randomness of the operating system.
    ///
    /// # Errors
    /// [`KeyError::Randomness`] when there is none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| KeyError::Randomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// Makes the key of a seed: for tests and examples, whose keys must not change.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Reads a private key in PEM (PKCS#8, version 1 or 2).
    ///
    /// # Errors
    /// [`KeyError::Private`] when the text is something else.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(text.trim())
            .map(Self)
            .map_err(|_| KeyError::Private { hint: hint(text) })
    }

    /// Returns the private key in PEM. The text is a secret: write it to a file of mode 0600.
    pub fn to_pem(&self) -> String {
        // Version 1, without the public key: OpenSSL and many others do not read version 2.
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(LineEnding::LF);
        pem.expect("32 bytes always have a PEM form").to_string()
    }

    /// Returns the public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// A public key of prime order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_hex())
    }
}

impl PublicKey {
    /// Reads the 32 raw bytes.
    ///
    /// # Errors
    /// [`KeyError::NotAPoint`], [`KeyError::Weak`] or [`KeyError::Torsion`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotAPoint)?;
        let point = key.to_edwards();
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        if !point.is_torsion_free() {
            return Err(KeyError::Torsion);
        }
        // A few points have a second spelling, which would give one key two ids.
        if point.compress().as_bytes() != bytes {
            return Err(KeyError::NotAPoint);
        }
        Ok(Self(key))
    }

    /// Reads 64 hex digits.
    ///
    /// # Errors
    /// As [`PublicKey::from_bytes`]; [`KeyError::NotAPoint`] when the text is no such hex.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| KeyError::NotAPoint)?;
        Self::from_bytes(&bytes)
    }

    /// Reads a public key in PEM (SPKI).
    ///
    /// # Errors
    /// [`KeyError::Public`] when the text is something else; else as [`PublicKey::from_bytes`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let bytes = PublicKeyBytes::from_public_key_pem(text.trim())
            .map_err(|_| KeyError::Public { hint: hint(text) })?;
        Self::from_bytes(&bytes.0)
    }

    /// Returns the public key in PEM (SPKI).
    pub fn to_pem(&self) -> String {
        let pem = PublicKeyBytes(self.0.to_bytes()).to_public_key_pem(LineEnding::LF);
        pem.expect("32 bytes always have a PEM form")
    }

    /// Returns the 32 raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Returns the raw bytes as 64 hex digits.
    pub fn to_hex(&self) -> String {
        hex::encode(self.as_bytes())
    }

    /// Returns the key's id.
    pub fn id(&self) -> KeyId {
        KeyId(Sha256::digest(self.as_bytes()).into())
    }

    /// Checks a signature, strictly.
    ///
    /// # Errors
    /// [`BadSignature`] when it is not one of this key over these bytes.
    pub fn verify_strict(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).map_err(|_| BadSignature)
    }
}

/// Says what a text that is not the wanted key looks like.
fn hint(text: &str) -> &'static str {
    let label = text.split("-----BEGIN ").nth(1).and_then(|rest| rest.split("-----").next());
    match label {
        Some("PRIVATE KEY") => "it holds a private key, of another kind or damaged",
        Some("PUBLIC KEY") => "it holds a public key, of another kind or damaged",
        Some("OPENSSH PRIVATE KEY") => "it is an OpenSSH key; make one with `relbook key new FILE`",
        Some("ENCRYPTED PRIVATE KEY") => "it is encrypted; decrypt it first",
        Some(_) => "it is a PEM of another kind; make a key with `relbook key new FILE`",
        None => "there is no PEM in it; make a key with `relbook key new FILE`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_8032_first_vector() {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let key = SigningKey::from_seed(&hex::decode(seed).unwrap().try_into().unwrap());
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(key.public().to_hex(), public);
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                         5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        assert_eq!(hex::encode(key.sign(b"")), signature);
        assert_eq!(key.public().verify_strict(b"", &key.sign(b"")), Ok(()));
        assert_eq!(key.public().verify_strict(b"x", &key.sign(b"")), Err(BadSignature));
    }

    #[test]
    fn pem_comes_back_and_is_what_openssl_writes() {
        let key = SigningKey::from_seed(&[7; 32]);
        let pem = key.to_pem();
        // PKCS#8 version 1 of an Ed25519 key is 48 bytes: 64 base64 digits on one line.
        assert_eq!(pem.lines().nth(1).map(str::len), Some(64));
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI"));
        assert_eq!(SigningKey::from_pem(&pem).unwrap().public(), key.public());
        let public = key.public().to_pem();
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"));
        assert_eq!(PublicKey::from_pem(&format!("\n{public}\n")).unwrap(), key.public());
    }

    #[test]
    fn the_wrong_file_is_named() {
        let key = SigningKey::from_seed(&[7; 32]);
        let error = SigningKey::from_pem(&key.public().to_pem()).unwrap_err();
        assert!(error.to_string().contains("it holds a public key"), "{error}");
        let error = PublicKey::from_pem(&key.to_pem()).unwrap_err();
        assert!(error.to_string().contains("it holds a private key"), "{error}");
        assert!(SigningKey::from_pem("hello").unwrap_err().to_string().contains("key new"));
        assert!(!format!("{key:?}").contains(&hex::encode([7; 32])));
    }

    #[test]
    fn weak_torsion_and_misspelt_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(&identity), Err(KeyError::Weak));
        // Order 8, from the CCTV Ed25519 edge vectors.
        let small = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
        assert_eq!(PublicKey::from_hex(small), Err(KeyError::Weak));
        // The same plus a prime-order point: a mixed-order key.
        let small = VerifyingKey::from_bytes(&hex::decode(small).unwrap().try_into().unwrap());
        let good = SigningKey::from_seed(&[3; 32]).0.verifying_key().to_edwards();
        let mixed = (good + small.unwrap().to_edwards()).compress().to_bytes();
        assert_eq!(PublicKey::from_bytes(&mixed), Err(KeyError::Torsion));
        assert_eq!(PublicKey::from_bytes(&[2; 32]), Err(KeyError::NotAPoint));
        assert_eq!(PublicKey::from_hex("00"), Err(KeyError::NotAPoint));
    }

    #[test]
    fn key_ids_come_back() {
        let id = SigningKey::from_seed(&[1; 32]).public().id();
        assert_eq!(KeyId::parse(&id.to_string()), Some(id));
        assert_eq!(KeyId::parse("12"), None);
    }
}
