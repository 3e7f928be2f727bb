//! JSON Schema (draft 2020-12) of every kind, generated from the types.
//!
//! The files under `schemas/event/v1` are what [`schema_files`] gives; a test keeps them in step.

use serde_json::{Map, Value, json};

use super::{Header, Kind, body_schema};

/// Returns the JSON Schema of events of one kind.
pub fn schema(kind: Kind) -> Value {
    let mut generator = schemars::SchemaGenerator::default();
    let body: Value = body_schema(kind, &mut generator).into();
    let head: Value = <Header as schemars::JsonSchema>::json_schema(&mut generator).into();
    let spec = kind.spec();
    let mut properties = Map::from_iter([("kind".to_owned(), json!({ "const": spec.name }))]);
    let mut required = vec![Value::from("kind")];
    for part in [&head, &body] {
        if let Some(Value::Object(more)) = part.get("properties") {
            properties.extend(more.clone());
        }
        if let Some(Value::Array(more)) = part.get("required") {
            required.extend(more.clone());
        }
    }
    if spec.needs_component {
        required.push("component".into());
    }
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("https://relbook.dev/{}/v1", spec.name),
        "title": spec.name,
        "description": spec.doc.trim(),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        whole["$defs"] = Value::Object(definitions);
    }
    whole
}

/// Returns the schema files: name below `schemas/event/v1` and content, ending in a line feed.
pub fn schema_files() -> Vec<(String, String)> {
    let file = |kind: &Kind| {
        let text = serde_json::to_string_pretty(&schema(*kind)).unwrap_or_default();
        (format!("{kind}.json"), text + "\n")
    };
    Kind::ALL.iter().map(file).collect()
}
