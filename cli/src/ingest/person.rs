//! People as services know them: `github:olga#4711`.
//!
//! A login can be renamed and taken by somebody else, an id cannot. Both stand in the name, and a
//! login without an id names nobody (ingest.md 3.6).

use super::error::IngestError;
use super::json::Place;

/// Names the person under a key; `None` when there is nobody, or no id.
pub(in crate::ingest) fn under(
    place: &Place<'_>,
    key: &str,
    system: &str,
    login: &str,
) -> Result<Option<String>, IngestError> {
    let Some(person) = place.at(key)? else { return Ok(None) };
    let (login, id) = (person.text(login)?, person.id("id")?);
    Ok(login.zip(id).map(|(login, id)| format!("{system}:{login}#{id}")))
}
