//! Whether a webhook comes from who it says: GitHub signs the bytes, GitLab sends a token.
//!
//! What is proved is the channel, not the content: fields are of trust class `transport` then
//! (ingest.md 1.2). No part of a secret enters a message.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::error::IngestError;

/// Checks the header `X-Hub-Signature-256` against the exact bytes of the body.
///
/// # Errors
/// [`IngestError::NotAuthentic`].
pub fn check_github(
    file: &str,
    bytes: &[u8],
    secret: &str,
    header: &str,
) -> Result<(), IngestError> {
    let refuse = |reason: &str| IngestError::NotAuthentic {
        file: file.to_owned(),
        reason: reason.to_owned(),
    };
    if secret.is_empty() {
        return Err(refuse("the webhook secret is empty; an empty secret proves nothing"));
    }
    let hex = header.trim().strip_prefix("sha256=").ok_or_else(|| {
        refuse("--signature takes the header X-Hub-Signature-256, which begins with sha256=")
    })?;
    let given = hex::decode(hex)
        .map_err(|_| refuse("--signature: what follows sha256= is not hexadecimal"))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| refuse("the webhook secret cannot be used"))?;
    mac.update(bytes);
    // In constant time.
    mac.verify_slice(&given).map_err(|_| {
        refuse(
            "the signature does not fit these bytes and this secret; nothing of it is believed \
             (is the body byte for byte what was sent?)",
        )
    })
}

/// Checks the header `X-Gitlab-Token` against the token that the hook was given.
///
/// # Errors
/// [`IngestError::NotAuthentic`].
pub fn check_gitlab(file: &str, secret: &str, header: &str) -> Result<(), IngestError> {
    let refuse = |reason: &str| IngestError::NotAuthentic {
        file: file.to_owned(),
        reason: reason.to_owned(),
    };
    if secret.is_empty() {
        return Err(refuse("the webhook token is empty; an empty token proves nothing"));
    }
    // Hashes of equal length are compared, so that the time tells nothing of the token.
    let hash = |text: &str| blake3::hash(text.as_bytes());
    if hash(secret) == hash(header) {
        return Ok(());
    }
    Err(refuse("the token of the delivery is not the one of the hook; nothing of it is believed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_documentation_fits_and_nothing_else_does() {
        // What GitHub publishes to test an implementation with.
        let header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let secret = "It's a Secret to Everybody";
        let check = |bytes: &[u8], secret: &str, header: &str| {
            check_github("body.json", bytes, secret, header).map_err(|error| error.to_string())
        };
        assert_eq!(check(b"Hello, World!", secret, header), Ok(()));
        for (bytes, secret, header) in [
            (&b"Hello, World"[..], secret, header),
            (b"Hello, World!", "another", header),
            (b"Hello, World!", secret, &header[..header.len() - 2]),
            (b"Hello, World!", secret, "sha256="),
            (b"Hello, World!", secret, "sha1=757107"),
            (b"Hello, World!", "", header),
        ] {
            let message = check(bytes, secret, header).unwrap_err();
            assert!(!message.contains("Secret to"), "{message}");
        }
    }

    #[test]
    fn a_token_is_the_one_of_the_hook_or_nothing() {
        assert!(check_gitlab("b", "s3cret", "s3cret").is_ok());
        assert!(check_gitlab("b", "s3cret", "s3cre").is_err());
        assert!(check_gitlab("b", "", "").is_err());
    }
}
