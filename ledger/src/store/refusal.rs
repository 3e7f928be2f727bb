//! Recording what was refused: attempts by known authors are part of the history.
//!
//! A refused batch leaves one `append.refused` event, signed by the book, when its author holds or
//! held a key and really signed the bytes. Anybody else could otherwise fill the book from outside.

use serde_json::{Map, Value};

use super::append::{AppendError, Appended, id_of};
use super::writer::Writer;
use crate::admission::{Code, Refusal};
use crate::envelope::SignedEvent;
use crate::event::Kind;
use crate::json;
use crate::key::KeyId;

/// The most characters of a text that are kept of refused input.
const TEXT_CHARS_MAX: usize = 1_000;

impl Writer {
    /// Records a refusal that was found before signing, on behalf of the key that was to sign.
    ///
    /// Returns `None`, and records nothing, when the key was never enrolled.
    ///
    /// # Errors
    /// [`AppendError`] when the record itself cannot be committed.
    pub fn record_refusal(
        &mut self,
        refusal: &Refusal,
        author_key: KeyId,
        refused_kind: Option<&str>,
        refused_id: Option<&str>,
    ) -> Result<Option<Appended>, AppendError> {
        let Some(grant) = self.registry().keyring().latest(author_key) else { return Ok(None) };
        let author = grant.principal.clone();
        let mut fields = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        put("code", Some(refusal.code.as_str().into()));
        put("message", Some(shortened(&refusal.message)));
        put("line", refusal.line.map(Value::from));
        put("field", refusal.field.as_deref().map(shortened));
        put("value", refusal.value.as_deref().map(shortened));
        put("refused_kind", refused_kind.map(shortened));
        put("refused_id", refused_id.map(shortened));
        put("author", Some(author.into()));
        put("author_key", Some(author_key.to_string().into()));
        self.append_as_book(Kind::AppendRefused, fields).map(Some)
    }

    /// Records a refusal of signed bytes, when a known author signed them.
    pub(super) fn record_signed_refusal(
        &mut self,
        refusal: &Refusal,
        refused: &SignedEvent,
    ) -> Result<(), AppendError> {
        let unknown = matches!(refusal.code, Code::UnknownKey | Code::BadSignature | Code::Locked);
        let grant = self.registry().keyring().latest(refused.key_id);
        let signed = grant.is_some_and(|grant| refused.verify(&grant.public_key).is_ok());
        if unknown || !signed {
            return Ok(());
        }
        let event = json::parse(&refused.body).ok().map(|payload| {
            let inside = payload.get("predicate").cloned();
            inside.filter(|_| payload.get("kind").is_none()).unwrap_or(payload)
        });
        let kind = event.as_ref().and_then(|event| event.get("kind")?.as_str());
        let id = event.as_ref().and_then(id_of).map(|id| id.to_string());
        self.record_refusal(refusal, refused.key_id, kind, id.as_deref()).map(drop)
    }
}

fn shortened(text: &str) -> Value {
    let mut short: String = text.chars().take(TEXT_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short.into()
}
