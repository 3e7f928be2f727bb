//! What an event looks like inside the signed payload (ledger-format 2).
//!
//! An event with a subject digest is the predicate of an in-toto Statement v1, so that any
//! attestation tool can read it; any other event is the payload itself. The two forms are never
//! interchangeable, and the digest that the Statement names must be the event's own: a tool that
//! reads one and a tool that reads the other must see the same subject.

use serde_json::{Map, Value, json};

use crate::admission::{Code, Refusal};
use crate::envelope::{EVENT_TYPE, IN_TOTO_TYPE, SignedEvent};
use crate::key::SigningKey;

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// Returns the predicate type of a kind, such as `https://relbook.dev/build.completed/v1`.
pub fn predicate_type(kind: &str) -> String {
    format!("https://relbook.dev/{kind}/v1")
}

/// Returns the payload type and the bytes to sign for an event.
///
/// # Errors
/// A [`Refusal`] when the event has no kind, or a digest that is not `<alg>:<hex>`.
pub fn payload(event: &Map<String, Value>) -> Result<(&'static str, Vec<u8>), Refusal> {
    let Some(digest) = event.get("digest").filter(|digest| !digest.is_null()) else {
        return Ok((EVENT_TYPE, bytes(event)));
    };
    let Some(kind) = event.get("kind").and_then(Value::as_str) else {
        return Err(Refusal::new(Code::MissingField, "an event needs a kind").at("kind"));
    };
    let (algorithm, hex) =
        digest.as_str().and_then(|text| text.split_once(':')).ok_or_else(|| {
            let message = "is not a digest; write <algorithm>:<hex>, such as sha256:...";
            Refusal::new(Code::BadValue, message).at("digest").with_value(digest)
        })?;
    let mut subject = json!({ "digest": { algorithm: hex } });
    if let (Some(component), Some(subject)) = (event.get("component"), subject.as_object_mut()) {
        subject.insert("name".to_owned(), component.clone());
    }
    let statement = json!({
        "_type": STATEMENT_TYPE,
        "subject": [subject],
        "predicateType": predicate_type(kind),
        "predicate": event,
    });
    Ok((IN_TOTO_TYPE, bytes(&statement)))
}

/// Signs an event in the form that its payload must have.
///
/// # Errors
/// As [`payload`].
pub fn sign(event: &Map<String, Value>, key: &SigningKey) -> Result<SignedEvent, Refusal> {
    let (payload_type, body) = payload(event)?;
    Ok(SignedEvent::sign(payload_type, body, key))
}

fn bytes(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a JSON value has text keys and finite numbers only")
}

/// Returns the event inside a strictly parsed payload.
///
/// # Errors
/// A [`Refusal`] with code `bad_value`, `unknown_field` or `missing_field` when the payload's type
/// and its shape do not fit each other.
pub fn open(payload_type: &str, payload: Value) -> Result<Value, Refusal> {
    match payload_type {
        EVENT_TYPE => {
            let digest = payload.get("digest").filter(|digest| !digest.is_null());
            match digest {
                Some(_) => Err(bad(
                    "payloadType",
                    payload_type,
                    format!("an event with a digest is signed as {IN_TOTO_TYPE}"),
                )),
                None => Ok(payload),
            }
        }
        IN_TOTO_TYPE => open_statement(payload),
        _ => Err(bad(
            "payloadType",
            payload_type,
            format!("is neither {IN_TOTO_TYPE} nor {EVENT_TYPE}"),
        )),
    }
}

fn open_statement(payload: Value) -> Result<Value, Refusal> {
    let Value::Object(mut statement) = payload else {
        return Err(Refusal::new(Code::Json, "an in-toto Statement is a JSON object"));
    };
    only(&statement, &["_type", "subject", "predicateType", "predicate"], "")?;
    let text = |field: &str| statement.get(field).and_then(Value::as_str).unwrap_or_default();
    if text("_type") != STATEMENT_TYPE {
        return Err(bad("_type", text("_type"), format!("must be {STATEMENT_TYPE}")));
    }
    let predicate_type_found = text("predicateType").to_owned();
    let subject = statement.remove("subject");
    let Some(event) = statement.remove("predicate") else {
        return Err(Refusal::new(Code::MissingField, "a Statement needs the event as predicate")
            .at("predicate"));
    };
    let kind = event.get("kind").and_then(Value::as_str).unwrap_or_default();
    if predicate_type_found != predicate_type(kind) {
        let expected = predicate_type(kind);
        return Err(bad("predicateType", predicate_type_found, format!("must be {expected}")));
    }
    let Some(digest) = event.get("digest").and_then(Value::as_str) else {
        return Err(bad(
            "payloadType",
            IN_TOTO_TYPE,
            format!("an event without a digest is signed as {EVENT_TYPE}"),
        ));
    };
    let named = subject_digest(subject.as_ref())?;
    if named != digest {
        return Err(bad("subject", named, format!("is not the event's digest, {digest}")));
    }
    Ok(event)
}

/// Returns the one digest of the one subject, as `<alg>:<hex>`.
fn subject_digest(subject: Option<&Value>) -> Result<String, Refusal> {
    let shape = || {
        let message = "must hold one subject with one digest, that of the event";
        Refusal::new(Code::BadValue, message).at("subject")
    };
    let [Value::Object(subject)] =
        subject.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    else {
        return Err(shape());
    };
    only(subject, &["name", "digest"], "subject.")?;
    let digests = subject.get("digest").and_then(Value::as_object).ok_or_else(shape)?;
    let mut digests = digests.iter();
    match (digests.next(), digests.next()) {
        (Some((algorithm, Value::String(hex))), None) => Ok(format!("{algorithm}:{hex}")),
        _ => Err(shape()),
    }
}

fn only(fields: &Map<String, Value>, known: &[&str], at: &str) -> Result<(), Refusal> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Refusal::new(
            Code::UnknownField,
            format!("a Statement of relbook has no field `{name}` here"),
        )
        .at(format!("{at}{name}"))),
        None => Ok(()),
    }
}

fn bad(field: &str, value: impl std::fmt::Display, message: impl Into<String>) -> Refusal {
    Refusal::new(Code::BadValue, message).at(field).with_value(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn build() -> Value {
        let digest = format!("sha256:{}", "a".repeat(64));
        json!({"id": "x", "kind": "build.completed", "component": "api", "digest": digest})
    }

    fn opened(payload_type: &str, value: Value) -> Result<Value, (Code, String)> {
        open(payload_type, value)
            .map_err(|refusal| (refusal.code, refusal.field.unwrap_or_default()))
    }

    fn statement() -> Value {
        let (_, body) = payload(build().as_object().unwrap()).unwrap();
        json::parse(&body).unwrap()
    }

    #[test]
    fn the_form_follows_from_the_digest() {
        let (payload_type, body) = payload(build().as_object().unwrap()).unwrap();
        assert_eq!(payload_type, IN_TOTO_TYPE);
        let statement = json::parse(&body).unwrap();
        assert_eq!(statement["predicateType"], "https://relbook.dev/build.completed/v1");
        assert_eq!(statement["subject"][0]["digest"]["sha256"], "a".repeat(64));
        assert_eq!(open(payload_type, statement).unwrap(), build());

        let plain = json!({"kind": "incident.opened", "digest": null});
        let (payload_type, body) = payload(plain.as_object().unwrap()).unwrap();
        assert_eq!((payload_type, body.as_slice()), (EVENT_TYPE, plain.to_string().as_bytes()));
        assert_eq!(open(payload_type, plain.clone()).unwrap(), plain);
    }

    #[test]
    fn the_wrong_form_is_refused() {
        let field = |name: &str| Err((Code::BadValue, name.to_owned()));
        assert_eq!(opened(EVENT_TYPE, build()), field("payloadType"));
        assert_eq!(opened("text/plain", build()), field("payloadType"));
        let mut without = statement();
        without["predicate"].as_object_mut().unwrap().remove("digest");
        assert_eq!(opened(IN_TOTO_TYPE, without), field("payloadType"));
        assert_eq!(opened(IN_TOTO_TYPE, build()).unwrap_err().0, Code::UnknownField);
        assert_eq!(opened(IN_TOTO_TYPE, json!([])).unwrap_err().0, Code::Json);
        let no_digest = json!({"kind": "x", "digest": "abc"});
        assert_eq!(payload(no_digest.as_object().unwrap()).unwrap_err().code, Code::BadValue);
    }

    #[test]
    fn the_statement_must_say_what_the_event_says() {
        let broken = |change: fn(&mut Value)| {
            let mut value = statement();
            change(&mut value);
            opened(IN_TOTO_TYPE, value)
        };
        let field = |code, name: &str| Err((code, name.to_owned()));
        assert_eq!(broken(|_| ()).unwrap(), build());
        assert_eq!(
            broken(|s| s["predicateType"] = "https://relbook.dev/tag.created/v1".into()),
            field(Code::BadValue, "predicateType")
        );
        assert_eq!(broken(|s| s["_type"] = "x".into()), field(Code::BadValue, "_type"));
        assert_eq!(
            broken(|s| s["subject"][0]["digest"]["sha256"] = "b".repeat(64).into()),
            field(Code::BadValue, "subject")
        );
        assert_eq!(
            broken(|s| s["subject"][0]["digest"]["sha512"] = "b".repeat(128).into()),
            field(Code::BadValue, "subject")
        );
        assert_eq!(broken(|s| s["subject"] = json!([])), field(Code::BadValue, "subject"));
        assert_eq!(broken(|s| s["extra"] = 1.into()), field(Code::UnknownField, "extra"));
        assert_eq!(
            broken(|s| s["subject"][0]["uri"] = "x".into()),
            field(Code::UnknownField, "subject.uri")
        );
    }
}
