//! Sigstore bundles against a trusted root that the caller gives, offline (ingest.md 3.5).
//!
//! The checks are those of `sigstore-verify`: certificate chain, time of signing, certificate
//! transparency, log inclusion, signature, and that the log entry is of this bundle. The cryptography
//! under it is what the rest of relbook links already. Who may have signed is pinned by the caller:
//! a bundle that anybody could have made is not verified.

use std::fmt;
use std::sync::Arc;

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use sha2::{Digest, Sha256, Sha384, Sha512};
use sigstore_verify::crypto::{
    CryptoProvider, Error as CryptoError, HashContext, SigningScheme, install_default_provider,
};
use sigstore_verify::trust_root::TrustedRoot as Root;
use sigstore_verify::types::{Artifact, ArtifactDigest, Bundle, HashAlgorithm, SignatureContent};
use sigstore_verify::{VerificationPolicy, Verifier};

use super::signature::p256_fits;

/// Roots of trust, and who must have signed.
#[derive(Clone)]
pub struct TrustedRoot {
    roots: Arc<Vec<(Verifier, VerificationPolicy)>>,
    /// SHA-256 of the file, as hex.
    fingerprint: String,
    identity: String,
    issuer: String,
}

impl fmt::Debug for TrustedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrustedRoot").field(&self.fingerprint).finish()
    }
}

impl TrustedRoot {
    /// Reads a `trusted_root.json`, or several on a line each, as `gh attestation trusted-root`
    /// prints them. What a root does not have (a log, certificate transparency) its bundles need
    /// not have either.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn new(text: &str, identity: &str, issuer: &str) -> Result<Self, String> {
        // The first call of the process settles it; later ones bring the same.
        let _ = install_default_provider(&Provider);
        let whole = Root::from_json(text).map(|root| vec![root]);
        let all = whole.or_else(|error| {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let all: Result<Vec<_>, _> = lines.map(Root::from_json).collect();
            all.map_err(|_| format!("not a trusted root of sigstore: {error}"))
        })?;
        if all.is_empty() {
            return Err("not a trusted root of sigstore: the file is empty".to_owned());
        }
        let mut roots = Vec::new();
        for root in all {
            let mut policy = VerificationPolicy::new(identity, issuer);
            if root.tlogs.is_empty() {
                policy = policy.skip_tlog_unsafe();
            }
            if root.ctlogs.is_empty() {
                policy = policy.skip_sct();
            }
            let verifier = Verifier::new(&root).map_err(|error| error.to_string())?;
            roots.push((verifier, policy));
        }
        Ok(Self {
            roots: Arc::new(roots),
            fingerprint: hex::encode(Sha256::digest(text.as_bytes())),
            identity: identity.to_owned(),
            issuer: issuer.to_owned(),
        })
    }

    /// Returns what `verified_by` says.
    pub(in crate::ingest) fn name(&self) -> String {
        let Self { fingerprint, identity, issuer, .. } = self;
        format!("sigstore trusted root sha256:{fingerprint}, identity {identity}, issuer {issuer}")
    }

    /// Returns who signed what is verified.
    pub(in crate::ingest) fn identity(&self) -> &str {
        &self.identity
    }

    /// Verifies a bundle that vouches for an artifact, or whose statement has it as a subject. The
    /// payload is what relbook read out of it; none for the signature of a file.
    ///
    /// # Errors
    /// Why it does not hold.
    pub(in crate::ingest) fn verify(
        &self,
        bundle: &str,
        payload: Option<&[u8]>,
        subject: &str,
    ) -> Result<(), String> {
        let bundle = Bundle::from_json(bundle).map_err(|error| error.to_string())?;
        let read = match &bundle.content {
            SignatureContent::DsseEnvelope(envelope) => Some(envelope.payload.as_bytes()),
            _ => None,
        };
        if read != payload {
            return Err("its payload can be read in two ways".to_owned());
        }
        let (name, hex) = subject.split_once(':').unwrap_or_default();
        let algorithm = match name {
            "sha256" => HashAlgorithm::Sha2256,
            "sha512" => HashAlgorithm::Sha2512,
            _ => return Err(format!("its subject goes by {name}; sha256 and sha512 are verified")),
        };
        let value = hex::decode(hex).map_err(|error| error.to_string())?;
        let digest = ArtifactDigest::new(algorithm, value).map_err(|error| error.to_string())?;
        let mut reasons = Vec::new();
        for (verifier, policy) in self.roots.iter() {
            match verifier.verify(Artifact::from_digest(digest.clone()), &bundle, policy) {
                Ok(_) => return Ok(()),
                Err(error) => reasons.push(error.to_string()),
            }
        }
        Err(reasons.join("; "))
    }
}

/// The cryptography that `sigstore-verify` is given.
#[derive(Debug)]
struct Provider;

/// A hash that takes its input in pieces.
struct Hash<D>(D);

impl<D: Digest + Send> HashContext for Hash<D> {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self: Box<Self>) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

impl CryptoProvider for Provider {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>, CryptoError> {
        match algorithm {
            HashAlgorithm::Sha2256 => Ok(Box::new(Hash(Sha256::new()))),
            HashAlgorithm::Sha2384 => Ok(Box::new(Hash(Sha384::new()))),
            HashAlgorithm::Sha2512 => Ok(Box::new(Hash(Sha512::new()))),
            other => Err(CryptoError::UnsupportedAlgorithm(other.to_string())),
        }
    }

    fn verify_raw(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        data: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let algorithm: &dyn VerificationAlgorithm = match scheme {
            SigningScheme::EcdsaP256Sha256 => &ECDSA_P256_SHA256_ASN1,
            SigningScheme::EcdsaP256Sha384 => &ECDSA_P256_SHA384_ASN1,
            SigningScheme::EcdsaP384Sha256 => &ECDSA_P384_SHA256_ASN1,
            SigningScheme::EcdsaP384Sha384 => &ECDSA_P384_SHA384_ASN1,
            SigningScheme::Ed25519 => &ED25519,
            SigningScheme::RsaPkcs1Sha256 => &RSA_PKCS1_2048_8192_SHA256,
            SigningScheme::RsaPkcs1Sha384 => &RSA_PKCS1_2048_8192_SHA384,
            SigningScheme::RsaPkcs1Sha512 => &RSA_PKCS1_2048_8192_SHA512,
            other => return Err(CryptoError::UnsupportedAlgorithm(other.name().to_owned())),
        };
        UnparsedPublicKey::new(algorithm, key)
            .verify(data, signature)
            .map_err(|_| CryptoError::Verification(format!("{} does not fit", scheme.name())))
    }

    fn verify_prehashed(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        match scheme {
            SigningScheme::EcdsaP256Sha256 if p256_fits(key, digest, signature) => Ok(()),
            SigningScheme::EcdsaP256Sha256 => {
                Err(CryptoError::Verification("the signature does not fit the digest".to_owned()))
            }
            other => {
                Err(CryptoError::UnsupportedAlgorithm(format!("{} over a digest", other.name())))
            }
        }
    }
}
