//! CSV by RFC 4180, with LF as the line end, as the export files have it (semantics B.3).
//!
//! NULL is an empty field, an empty text is `""`, lists are joined with `;`.

use relbook_query::table::{Cell, Table};

use crate::error::Error;
use crate::ui::Ui;

/// Writes a header line and the rows.
pub(super) fn write(ui: &mut Ui, table: &Table, evidence: bool) -> Result<(), Error> {
    let mut names: Vec<String> = table.columns.iter().map(|column| quote(&column.name)).collect();
    if evidence {
        names.push("evidence".to_owned());
    }
    ui.line(&names.join(","))?;
    for row in &table.rows {
        let mut fields: Vec<String> = row.cells.iter().map(field).collect();
        if evidence {
            fields.push(joined(&row.evidence));
        }
        ui.line(&fields.join(","))?;
    }
    Ok(())
}

fn field(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) if text.is_empty() => "\"\"".to_owned(),
        Cell::Text(text) => quote(text),
        Cell::TextList(texts) => quote(&joined(texts)),
        Cell::IntList(numbers) => joined(numbers),
        Cell::Json(value) => quote(&value.to_string()),
        Cell::Int(_) | Cell::Float(_) | Cell::Bool(_) | Cell::Time(_) | Cell::Bytes(_) => {
            match cell.to_json() {
                serde_json::Value::String(text) => quote(&text),
                other => other.to_string(),
            }
        }
    }
}

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")
}

fn quote(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use relbook_ledger::time::Time;
    use serde_json::json;

    use super::*;

    #[test]
    fn null_empty_and_awkward_texts_can_be_told_apart() {
        assert_eq!(field(&Cell::Null), "");
        assert_eq!(field(&Cell::from("")), "\"\"");
        assert_eq!(field(&Cell::from("a,b")), "\"a,b\"");
        assert_eq!(field(&Cell::from("say \"hi\"")), "\"say \"\"hi\"\"\"");
        assert_eq!(field(&Cell::from("two\nlines")), "\"two\nlines\"");
    }

    #[test]
    fn every_type_has_one_spelling() {
        assert_eq!(field(&Cell::from(vec!["a".to_owned(), "b".to_owned()])), "a;b");
        assert_eq!(field(&Cell::from(vec![3_i64, 1])), "3;1");
        assert_eq!(field(&Cell::from(true)), "true");
        assert_eq!(field(&Cell::from(0.1)), "0.1");
        assert_eq!(field(&Cell::from(Time::EPOCH)), "1970-01-01T00:00:00Z");
        assert_eq!(field(&Cell::from(json!({"a": 1}))), "\"{\"\"a\"\":1}\"");
        assert_eq!(field(&Cell::Bytes(vec![0, 255])), "00ff");
    }
}
