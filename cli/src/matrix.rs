//! The compatibility matrix of a product file, as it was written.
//!
//! `apply` reads every value as the text that it is; a check must also see that the file says
//! `1.10` without quotes, which any other reader of YAML takes for the number 1.1 (semantics M13).

use relbook_ledger::admission::{Code, Refusal};
use relbook_query::release::compat::Written;

use crate::product::{MATRIX_SUFFIX, yaml_of};
use crate::yaml::{self, Node, Yaml};

/// A row: keys with their values, in the order of the file.
pub type Row = Vec<(String, Written)>;

/// Reads the matrix of a product file, or of a file that is only a matrix; the rest of the file
/// is not looked at.
///
/// # Errors
/// A [`Refusal`] when the file is no YAML, has no matrix, or a row is not a map.
pub fn read(text: &str, file_name: &str) -> Result<Vec<Row>, Refusal> {
    let (text, skipped) = yaml_of(text, file_name)?;
    let root = yaml::parse(text, skipped)?;
    let items = match &root.value {
        Yaml::List(items) => items,
        Yaml::Map(entries) => {
            let mut found =
                entries.iter().filter(|e| e.key == "matrix" || e.key.ends_with(MATRIX_SUFFIX));
            let Some(entry) = found.next() else {
                let message = "no matrix in the file; it stands under the key `matrix`";
                return Err(Refusal::new(Code::BadValue, message).on_line(root.line));
            };
            if let Some(second) = found.next() {
                let message = "the matrix stands in this file twice";
                let refusal = Refusal::new(Code::DuplicateKey, message);
                return Err(refusal.at(&second.key).on_line(second.line));
            }
            let Yaml::List(items) = &entry.node.value else {
                return Err(bad(&entry.node, "must be a list of rows, each alias: range"));
            };
            items
        }
        _ => return Err(bad(&root, "must be a product file, or a list of rows")),
    };
    items.iter().map(row).collect()
}

fn row(item: &Node) -> Result<Row, Refusal> {
    let Yaml::Map(entries) = &item.value else {
        return Err(bad(item, "a row must be a map of alias: range"));
    };
    Ok(entries.iter().map(|entry| (entry.key.clone(), written(&entry.node.value))).collect())
}

fn bad(node: &Node, message: &str) -> Refusal {
    Refusal::new(Code::BadValue, message).at("matrix").on_line(node.line)
}

fn written(value: &Yaml) -> Written {
    match value {
        Yaml::Text { text, plain: true } if is_typed(text) => Written::Other(text.clone()),
        Yaml::Text { text, .. } => Written::Text(text.clone()),
        Yaml::Nothing => Written::Other("null".to_owned()),
        Yaml::List(_) => Written::Other("[...]".to_owned()),
        Yaml::Map(_) => Written::Other("{...}".to_owned()),
    }
}

/// Tells whether some reader of YAML (1.1 or 1.2) takes a plain scalar for a number or a truth
/// value.
fn is_typed(text: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "y", "n"];
    let digits = text.trim_start_matches(['+', '-']);
    let number = digits.replace('_', "");
    let starts_as_number = number.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let based = |prefix: &str, radix: u32| {
        number.strip_prefix(prefix).is_some_and(|rest| u64::from_str_radix(rest, radix).is_ok())
    };
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        || (starts_as_number && number.parse::<f64>().is_ok())
        || based("0x", 16)
        || based("0o", 8)
        || matches!(digits.to_ascii_lowercase().as_str(), ".inf" | ".nan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quoted_or_unmistakable_texts_are_texts() {
        for text in ["1.10", "1", "2026.06", "0x10", "1e3", "1_0.5", ".5", ".inf", "true", "No"] {
            assert!(is_typed(text), "{text}");
            let rows = read(&format!("- {{api: {text}, cli: \"{text}\"}}\n"), "m.yaml").unwrap();
            let other = ("api".to_owned(), Written::Other(text.to_owned()));
            let quoted = ("cli".to_owned(), Written::Text(text.to_owned()));
            assert_eq!(rows, [[other, quoted]], "{text}");
        }
        for text in ["1.9.x", "1.4.2", "2026.06.1", "v1", "infinity", "nan", "1.x", "<2.0.0"] {
            assert!(!is_typed(text), "{text}");
        }
    }

    #[test]
    fn the_matrix_is_found_wherever_a_product_may_have_it() {
        let rows = [vec![("api".to_owned(), Written::Text("1.x".to_owned()))]];
        for (text, name) in [
            ("matrix:\n  - {api: 1.x}\n", "m.yaml"),
            ("orion-compatibility-matrix: [{api: 1.x}]\nother: 1\n", "m.yaml"),
            ("- api: 1.x\n", "m.yaml"),
            ("# M\n\n```yaml\nmatrix: [{api: '1.x'}]\n```\n", "M.md"),
        ] {
            assert_eq!(read(text, name).unwrap(), rows, "{text}");
        }
        for (text, line) in [
            ("product: x\n", 1),
            ("matrix: 1\n", 1),
            ("matrix:\n  - 1.x\n", 2),
            ("matrix: []\nx-compatibility-matrix: []\n", 2),
            ("one\n", 1),
        ] {
            let refusal = read(text, "m.yaml").expect_err(text);
            assert_eq!(refusal.line, Some(line), "{text}: {refusal}");
        }
    }
}
