//! YAML as JSON values, with no guessing of types beyond what cannot lose anything.

use serde_json::{Map, Value, json};

use super::{Fault, Part};
use crate::bom;
use crate::yaml::{self, Node, Yaml};

/// Parses the documents of a text that looks like YAML; none when it looks like anything else.
pub(super) fn documents(text: &str) -> Result<Vec<Part<'_>>, Fault> {
    if !looks_like_yaml(text) {
        return Ok(Vec::new());
    }
    let nodes = yaml::parse_all(text).map_err(|refusal| Fault::NotYaml {
        line: refusal.line.unwrap_or(1),
        message: refusal.message,
    })?;
    let part = |node: Node| {
        let line = usize::try_from(node.line).unwrap_or(1);
        Part { line, text, value: value(node) }
    };
    // A document of nothing stands where a file ends in `---`, and says nothing.
    let says = |node: &Node| !matches!(node.value, Yaml::Nothing);
    Ok(nodes.into_iter().filter(says).map(part).collect())
}

/// Tells whether the first line that says anything is a key or the start of a document.
fn looks_like_yaml(text: &str) -> bool {
    // A heading of Markdown is a comment to YAML.
    let heading = text.trim_start().get(..8).unwrap_or_default().to_ascii_lowercase();
    if heading == "# change" || bom::is_tags(text) {
        return false;
    }
    let mut lines = text.lines().map(str::trim_end);
    let first = lines.find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    first.is_some_and(|line| {
        let key = line.split_once(':').filter(|(_, rest)| rest.is_empty() || rest.starts_with(' '));
        let is_word = |key: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
            !key.is_empty() && key.chars().all(plain)
        };
        line == "---" || key.is_some_and(|(key, _)| is_word(key))
    })
}

fn value(node: Node) -> Value {
    match node.value {
        Yaml::Nothing => Value::Null,
        Yaml::Text { text, plain: false } => Value::String(text),
        Yaml::Text { text, plain: true } => scalar(text),
        Yaml::List(items) => items.into_iter().map(value).collect(),
        Yaml::Map(entries) => {
            let pair = |entry: yaml::Entry| (entry.key, value(entry.node));
            Value::Object(Map::from_iter(entries.into_iter().map(pair)))
        }
    }
}

/// Reads a plain scalar; a number is one only when it is written as JSON would write it.
fn scalar(text: String) -> Value {
    match text.as_str() {
        "true" => json!(true),
        "false" => json!(false),
        whole => match whole.parse::<i64>() {
            Ok(number) if number.to_string() == whole => json!(number),
            _ => Value::String(text),
        },
    }
}
