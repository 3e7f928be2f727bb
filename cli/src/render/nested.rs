//! Nested JSON in a table for people, in words.

use serde_json::Value;

/// How many entries of a list are named to people.
const NAMED: usize = 6;

/// Lists that say what an answer rests on rather than what it is.
const ASIDE: [&str; 2] = ["evidence", "scanners"];

/// Tells nested JSON in words: why something is unknown, how long a list is, what is in it.
pub(super) fn told(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.get("state") == Some(&Value::from("unknown")) => {
            format!("unknown: {}", fields.get("why").and_then(Value::as_str).unwrap_or("-"))
        }
        Value::Object(fields) => {
            let lists = fields
                .iter()
                .filter(|(name, field)| field.is_array() && !ASIDE.contains(&name.as_str()));
            let mut lists = lists.map(|(name, list)| format!("{name} {}", told(list))).peekable();
            if lists.peek().is_none() {
                return value.to_string();
            }
            lists.collect::<Vec<_>>().join("; ")
        }
        Value::Array(entries) if entries.is_empty() => "none".to_owned(),
        Value::Array(entries) => {
            let first = |entry: &Value| match entry {
                Value::Object(fields) => {
                    fields.values().find_map(Value::as_str).map_or(entry.to_string(), str::to_owned)
                }
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let mut names: Vec<String> = entries.iter().take(NAMED).map(first).collect();
            if entries.len() > NAMED {
                names.push(format!("and {} more", entries.len() - NAMED));
            }
            format!("{} ({})", entries.len(), names.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_json_is_told_in_words() {
        assert_eq!(told(&json!({"state": "unknown", "why": "no SBOM"})), "unknown: no SBOM");
        let lists = json!({"fixed": [], "added": [{"name": "a"}, {"name": "b"}], "evidence": [1]});
        assert_eq!(told(&lists), "fixed none; added 2 (a, b)");
        assert_eq!(told(&json!([1, 2, 3, 4, 5, 6, 7])), "7 (1, 2, 3, 4, 5, 6, and 1 more)");
        assert_eq!(told(&json!({"a": 1})), "{\"a\":1}");
    }
}
