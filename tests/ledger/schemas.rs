//! The JSON Schemas under `schemas/event/v1` and the page of policy values are those of the Rust
//! types.
//!
//! `RELBOOK_BLESS=1 cargo test -p relbook-ledger --test ledger schemas` rewrites them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use relbook_ledger::event::{HEADER_FIELDS, Kind, schema, schema_files};
use relbook_ledger::policy;

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/event/v1")
}

#[test]
fn schema_files_are_in_step_with_the_types() {
    if std::env::var_os("RELBOOK_BLESS").is_some() {
        std::fs::create_dir_all(dir()).unwrap();
        for (name, text) in schema_files() {
            std::fs::write(dir().join(name), text).unwrap();
        }
    }
    let expected: BTreeSet<String> = schema_files().into_iter().map(|(name, _)| name).collect();
    let found: BTreeSet<String> = std::fs::read_dir(dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected, "one file per kind");
    for (name, text) in schema_files() {
        let file = std::fs::read_to_string(dir().join(&name)).unwrap();
        assert_eq!(file, text, "{name}: RELBOOK_BLESS=1 rewrites it");
    }
}

#[test]
fn the_page_of_policy_values_is_in_step_with_the_type() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.md");
    if std::env::var_os("RELBOOK_BLESS").is_some() {
        std::fs::write(&path, policy::page()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap();
    assert_eq!(page, policy::page(), "RELBOOK_BLESS=1 rewrites it");
    for name in policy::Policy::NAMES {
        let line = page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        let meaning = line.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        assert!(meaning.ends_with('.') && meaning.len() > 20, "{name}: {meaning}");
    }
}

#[test]
fn admission_and_schema_name_the_same_fields() {
    for kind in Kind::ALL {
        let schema = schema(*kind);
        let properties: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let fields: BTreeSet<&str> =
            HEADER_FIELDS.iter().chain(kind.spec().fields).map(|field| field.name).collect();
        assert_eq!(properties, fields, "{kind}");
        let required: BTreeSet<&str> = schema["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        let needed: BTreeSet<&str> = HEADER_FIELDS
            .iter()
            .chain(kind.spec().fields)
            .filter(|f| f.required || (f.name == "component" && kind.spec().needs_component))
            .map(|field| field.name)
            .collect();
        assert_eq!(required, needed, "{kind}");
    }
}
