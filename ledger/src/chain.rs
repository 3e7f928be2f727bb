//! The BLAKE3 chain over the entries (ledger-format 3).
//!
//! Each entry holds the chain value before it and is hashed whole into the next, so no entry can
//! be changed, dropped or moved without changing every value after it. The contexts of the key
//! derivation keep these hashes apart from every other use of BLAKE3 and must never change.

use crate::key::PublicKey;

/// A chain value: 32 bytes.
pub type ChainHash = [u8; 32];

const GENESIS_CONTEXT: &str = "relbook 2026 genesis v1";
const LINK_CONTEXT: &str = "relbook 2026 chain v1";

/// Returns the chain value before the first entry of a book.
pub fn genesis(origin: &str, book_key: &PublicKey) -> ChainHash {
    let mut hasher = blake3::Hasher::new_derive_key(GENESIS_CONTEXT);
    hasher.update(origin.as_bytes()).update(b"\n").update(book_key.as_bytes());
    *hasher.finalize().as_bytes()
}

/// Returns the chain value after an entry, given its bytes, which hold the value before it.
pub fn link(entry: &[u8]) -> ChainHash {
    blake3::derive_key(LINK_CONTEXT, entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    #[test]
    fn origin_and_key_both_count() {
        let (a, b) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let values = [
            genesis("x", &a.public()),
            genesis("y", &a.public()),
            genesis("x", &b.public()),
            link(b""),
            link(b"x"),
        ];
        for (i, value) in values.iter().enumerate() {
            assert!(!values[..i].contains(value));
        }
    }

    #[test]
    fn genesis_is_the_key_derivation_that_the_format_names() {
        let key = SigningKey::from_seed(&[1; 32]).public();
        let mut material = b"orion\n".to_vec();
        material.extend_from_slice(key.as_bytes());
        assert_eq!(
            genesis("orion", &key),
            blake3::derive_key("relbook 2026 genesis v1", &material)
        );
        assert_eq!(link(b"entry"), blake3::derive_key("relbook 2026 chain v1", b"entry"));
    }
}
