//! Events about the book itself: its genesis, keys, corrections, refusals.

use serde_json::Value;

use super::field::{Digest, Name};
use super::prose::{Prose, Sealed};

event! {
    /// The genesis event, seq 0, written by relbook.
    "book.created" BookCreated of_book {
        /// The name of the book; checkpoints carry it.
        required origin: Name,
        /// The book's Ed25519 public key, 64 hex digits.
        required book_public_key: String,
        /// The version of the ledger format.
        required format_version: u32,
        /// Whether the ledger's clock moves only by events.
        required simulated_clock: bool,
    }
}

event! {
    /// The book's own key was replaced, from the next event on, written by relbook and signed by
    /// the key that goes; the checkpoint that ends with this event is signed by both keys.
    "book.rotated" BookRotated of_book {
        /// The Ed25519 public key that goes, 64 hex digits.
        required previous_public_key: String,
        /// The Ed25519 public key that comes, 64 hex digits.
        required book_public_key: String,
        /// Why.
        optional reason: String,
    }
}

event! {
    /// A key may sign for a principal from the next event on; a later enrolment replaces it.
    "key.enrolled" KeyEnrolled of_book {
        /// Who holds the key.
        required principal: Name,
        /// SHA-256 of the raw public key, 64 hex digits.
        required key_id: String,
        /// The Ed25519 public key, 64 hex digits.
        required public_key: String,
        /// The only role, where there is one.
        optional role: Name,
        /// The roles.
        optional roles: Vec<Name>,
        /// The components that the key may write about; all when absent.
        optional components: Vec<Name>,
        /// The environments that the key may write about; all when absent.
        optional environments: Vec<Name>,
    }
}

event! {
    /// A key signs nothing from the next event on.
    "key.revoked" KeyRevoked of_book {
        /// Who held the key.
        required principal: Name,
        /// SHA-256 of the raw public key, 64 hex digits.
        required key_id: String,
        /// Why.
        optional reason: String,
    }
}

event! {
    /// What a key signed since `from_seq` is suspect; nothing is deleted.
    "key.compromised" KeyCompromised of_book {
        /// Who held the key.
        required principal: Name,
        /// SHA-256 of the raw public key, 64 hex digits.
        required key_id: String,
        /// The first suspect seq.
        optional from_seq: u64,
        /// Why.
        optional reason: String,
    }
}

event! {
    /// Takes an event out of the projections whose view includes the correction; the log keeps both.
    "event.corrected" EventCorrected of_book {
        /// The corrected event: its id, or its seq.
        required corrects: Value,
        /// Why.
        optional reason: Prose,
    }
}

event! {
    /// Sealed fields were erased.
    "redaction.applied" RedactionApplied of_book {
        /// The seq or id of the event whose fields were erased.
        optional target: Value,
        /// The erased fields.
        optional fields: Vec<Name>,
        /// The data subject, as an opaque id.
        optional subject: Name,
        /// The commitment that stays.
        optional commitment: Digest,
        /// Why.
        optional reason: String,
        /// The legal ground.
        optional legal_basis: String,
        /// Who asked.
        optional by: Name,
    }
}

impl RedactionApplied {
    /// Tells whether it erases a sealed field of an event that stands before it.
    pub fn erases(&self, seq: u64, id: &uuid::Uuid, field: &str, seal: &Sealed) -> bool {
        let about = self.subject.as_ref().map(|subject| *subject == seal.subject);
        let event = match &self.target {
            // Without a target, all that is sealed about the subject.
            None => about == Some(true),
            Some(Value::String(text)) => text.parse().is_ok_and(|target: uuid::Uuid| target == *id),
            Some(target) => target.as_u64() == Some(seq),
        };
        let named = |fields: &Vec<Name>| fields.iter().any(|name| name.as_str() == field);
        event && about != Some(false) && self.fields.as_ref().is_none_or(named)
    }
}

event! {
    /// Input by an enrolled author that was refused, written by relbook.
    "append.refused" AppendRefused of_book {
        /// The refusal code, such as `unknown_field`.
        required code: Name,
        /// The message that the author saw.
        required message: String,
        /// The 1-based line of a batch.
        optional line: u64,
        /// The field.
        optional field: String,
        /// The value, shortened.
        optional value: String,
        /// The kind of the refused event.
        optional refused_kind: String,
        /// The id of the refused event.
        optional refused_id: String,
        /// The principal whose key signed.
        optional author: Name,
        /// The key, 64 hex digits.
        optional author_key: String,
    }
}
