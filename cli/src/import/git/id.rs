//! Ids that say what an event is about, so that a second import finds them taken.
//!
//! An id has the shape of a UUIDv7: 48 bits of time in milliseconds, then bits that are otherwise
//! random and here are a BLAKE3 of the natural key. Repository and book are no part of the key:
//! two clones of one history give the same ids.

use uuid::{Builder, Uuid};

const CONTEXT: &str = "relbook 2026 git import id v1";

/// Makes the id of the event that `parts` name, at a time in seconds since the epoch.
pub(super) fn id(seconds: i64, parts: &[&str]) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    for part in parts {
        // With its length before it, no part can run into the next.
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let mut random = [0_u8; 10];
    hasher.finalize_xof().fill(&mut random);
    let millis = u64::try_from(seconds).unwrap_or_default().saturating_mul(1000);
    // The field has 48 bits; a commit that claims a later time is given the last one.
    let millis = millis.min((1 << 48) - 1);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
