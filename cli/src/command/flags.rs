//! One event from flags: the flags of a kind are the fields that its declaration has.
//!
//! Nothing is listed twice: a field that is added to the vocabulary is a flag from then on. Values
//! are only brought into the JSON type of the field here; whether they hold is for admission, so
//! that flags and NDJSON get the same refusals.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches};
use relbook_ledger::admission::{Code, Refusal};
use relbook_ledger::event::{FieldSpec, FieldType, HEADER_FIELDS, Kind};
use relbook_ledger::json;
use serde_json::{Map, Value};

/// Global options that a field may have the name of.
const TAKEN: [&str; 7] = ["book", "key", "format", "as_of", "as_known", "explain", "help"];

/// Fields whose value is a list of objects: one flag is one object.
const LISTS_OF_OBJECTS: [&str; 4] = ["rows", "members", "findings", "results"];

/// Returns the fields of a kind that can be given as flags, its own before those of every event.
pub(super) fn fields(kind: Kind) -> impl Iterator<Item = &'static FieldSpec> {
    let (component, rest): (Vec<_>, Vec<_>) = HEADER_FIELDS
        .iter()
        .filter(|field| field.name != "kind")
        .partition(|field| field.name == "component");
    component.into_iter().chain(kind.spec().fields).chain(rest)
}

fn id_of(field: &FieldSpec) -> String {
    format!("field:{}", field.name)
}

/// Returns the flags of a kind; those that `filled` names need not be given.
pub(super) fn args(kind: Kind, filled: &[&str]) -> Vec<Arg> {
    fields(kind).map(|field| arg(kind, field, filled.contains(&field.name))).collect()
}

fn arg(kind: Kind, field: &'static FieldSpec, filled: bool) -> Arg {
    let own = !HEADER_FIELDS.iter().any(|header| header.name == field.name);
    let required =
        (own && field.required) || (field.name == "component" && kind.spec().needs_component);
    let needed = required && !filled;
    let mut long = field.name.replace('_', "-");
    if TAKEN.contains(&field.name) {
        long = format!("field-{long}");
    }
    let doc = field.doc.trim();
    let doc = doc.strip_suffix('.').unwrap_or(doc);
    let heading = match (needed, own || field.name == "component") {
        (true, _) => "Required",
        (false, true) => "Fields",
        (false, false) => "Fields of every event",
    };
    let arg = Arg::new(id_of(field)).help(doc.to_owned()).help_heading(heading);
    let arg = match field.ty {
        FieldType::Text | FieldType::Time => arg.action(ArgAction::Set),
        FieldType::Int | FieldType::Float => {
            arg.action(ArgAction::Set).allow_negative_numbers(true)
        }
        FieldType::Bool => arg.action(ArgAction::Set).num_args(0..=1).default_missing_value("true"),
        FieldType::TextList | FieldType::Json => {
            arg.action(ArgAction::Append).allow_negative_numbers(true)
        }
    };
    let arg = arg.value_name(match field.ty {
        FieldType::Text => "TEXT",
        FieldType::Int | FieldType::Float => "NUMBER",
        FieldType::Bool => "BOOL",
        FieldType::Time => "TIME",
        FieldType::TextList => "A,B,...",
        FieldType::Json => "JSON|K=V",
    });
    if field.name.contains('_') && long != field.name {
        return arg.alias(field.name).long(long);
    }
    arg.long(long)
}

/// Reads the flags into the fields of an event.
///
/// # Errors
/// A [`Refusal`] when a nested value is not strict JSON.
pub(super) fn read(kind: Kind, matches: &ArgMatches) -> Result<Map<String, Value>, Refusal> {
    let mut event = Map::from_iter([("kind".to_owned(), kind.as_str().into())]);
    let mut given: BTreeMap<&str, (&FieldSpec, Vec<&str>)> = BTreeMap::new();
    for field in fields(kind) {
        let values = matches.get_many::<String>(&id_of(field));
        if let Some(values) = values {
            given.insert(field.name, (field, values.map(String::as_str).collect()));
        }
    }
    // In the order of the declaration, whatever the order of the flags: the same event again has
    // the same bytes.
    for field in fields(kind) {
        if let Some((field, values)) = given.remove(field.name) {
            event.insert(field.name.to_owned(), value(field, &values)?);
        }
    }
    Ok(event)
}

fn value(field: &FieldSpec, texts: &[&str]) -> Result<Value, Refusal> {
    let text = texts.last().copied().unwrap_or_default();
    Ok(match field.ty {
        FieldType::Text | FieldType::Time => text.into(),
        FieldType::Int | FieldType::Float => scalar(text),
        FieldType::Bool => match text {
            "true" | "yes" => true.into(),
            "false" | "no" => false.into(),
            other => other.into(),
        },
        FieldType::TextList => texts
            .iter()
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect(),
        FieldType::Json => nested(field, texts)?,
    })
}

/// Reads a number or a truth value; anything else stays a text, for admission to refuse.
fn scalar(text: &str) -> Value {
    match json::parse(text.as_bytes()) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => text.into(),
    }
}

/// Reads a nested value: JSON, or `key=value` pairs separated by commas.
fn nested(field: &FieldSpec, texts: &[&str]) -> Result<Value, Refusal> {
    let mut objects = Vec::new();
    let mut pairs = Map::new();
    for text in texts {
        let text = text.trim();
        if text.starts_with(['{', '[']) {
            objects.push(parse(field, text)?);
            continue;
        }
        if !text.contains('=') {
            objects.push(scalar(text));
            continue;
        }
        let mut object = Map::new();
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                Refusal::new(Code::BadValue, "write key=value pairs, or a JSON value")
                    .at(field.name)
                    .with_value(text)
            })?;
            let value = if field.name == "labels" { value.into() } else { scalar(value) };
            object.insert(key.to_owned(), value);
        }
        if LISTS_OF_OBJECTS.contains(&field.name) {
            objects.push(Value::Object(object));
        } else {
            pairs.extend(object);
        }
    }
    if !pairs.is_empty() {
        // Pairs given beside a JSON object belong to the same object.
        if let [Value::Object(whole)] = objects.as_mut_slice() {
            whole.extend(pairs);
        } else if objects.is_empty() {
            return Ok(Value::Object(pairs));
        }
    }
    let list = LISTS_OF_OBJECTS.contains(&field.name);
    Ok(match <[Value; 1]>::try_from(objects) {
        Ok([Value::Object(object)]) if list => Value::Array(vec![Value::Object(object)]),
        Ok([only]) => only,
        Err(several) => Value::Array(several),
    })
}

fn parse(field: &FieldSpec, text: &str) -> Result<Value, Refusal> {
    json::parse(text.as_bytes()).map_err(|error| {
        Refusal::new(Code::Json, error.to_string()).at(field.name).with_value(text)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_flags(kind: Kind, words: &[&str]) -> Value {
        let command = clap::Command::new("x").disable_version_flag(true).args(args(kind, &[]));
        let words = std::iter::once("x").chain(words.iter().copied());
        let matches = command.try_get_matches_from(words).expect("flags of the kind");
        Value::Object(read(kind, &matches).expect("values of the fields"))
    }

    #[test]
    fn every_kind_has_flags_that_clap_accepts() {
        for kind in Kind::ALL {
            clap::Command::new("x")
                .disable_version_flag(true)
                .args(args(*kind, &[]))
                .debug_assert();
        }
    }

    #[test]
    fn values_take_the_type_of_their_field() {
        let event = read_flags(
            Kind::CheckCompleted,
            &[
                "--suite",
                "slo",
                "--p99-delta-ms",
                "-4.5",
                "--cases",
                "passed=10,failed=0",
                "--labels",
                "run=7",
                "--component",
                "api",
                "--evidence",
                "a:1,b:2",
                "--evidence",
                "c:3",
            ],
        );
        assert_eq!(
            event,
            json!({
                "kind": "check.completed", "component": "api", "suite": "slo",
                "cases": {"passed": 10, "failed": 0}, "p99_delta_ms": -4.5,
                "labels": {"run": "7"}, "evidence": ["a:1", "b:2", "c:3"],
            })
        );
    }

    #[test]
    fn either_spelling_of_a_name_is_taken() {
        for name in ["--break-glass", "--break_glass"] {
            let event = read_flags(Kind::DeployStarted, &[name, "--targets", "a, b"]);
            assert_eq!(event["break_glass"], true);
            assert_eq!(event["targets"], json!(["a", "b"]));
        }
        let event = read_flags(Kind::DeployFinished, &["--restored", "false"]);
        assert_eq!(event["restored"], false);
        let event = read_flags(Kind::SbomRecorded, &["--field-format", "cyclonedx"]);
        assert_eq!(event["format"], "cyclonedx");
    }

    #[test]
    fn nested_values_are_json_or_pairs() {
        let rows = json!([{"api": "1.x"}, {"api": "2.x", "cli": "1.9.x"}]);
        let whole = rows.to_string();
        for words in [
            vec!["--rows", whole.as_str()],
            vec!["--rows", "api=1.x", "--rows", "api=2.x,cli=1.9.x"],
            vec!["--rows", r#"{"api":"1.x"}"#, "--rows", r#"{"api":"2.x","cli":"1.9.x"}"#],
        ] {
            assert_eq!(read_flags(Kind::MatrixPublished, &words)["rows"], rows);
        }
        assert_eq!(
            read_flags(Kind::MatrixPublished, &["--rows", "api=1.x"])["rows"],
            json!([{"api": "1.x"}])
        );
        assert_eq!(read_flags(Kind::EventCorrected, &["--corrects", "12"])["corrects"], 12);
        let none = read_flags(Kind::CommitMerged, &["--parents", ""]);
        assert_eq!(none["parents"], json!([]));
    }

    #[test]
    fn what_has_another_type_is_left_for_admission() {
        let event = read_flags(Kind::DeployStarted, &["--weight", "five", "--break-glass=maybe"]);
        assert_eq!(event["weight"], "five");
        assert_eq!(event["break_glass"], "maybe");
    }
}
