//! JSON access: `json_get` and its typed kin, and the operators `->` and `->>`.
//!
//! A path is `a.b[0]`, or the same after `$.`; a name with other characters is quoted:
//! `$."a b"`. `json_text`, `json_int`, `json_float` and `json_bool` give null where nothing is
//! there, or something of another type; none of them converts. `document -> path` is `json_get`,
//! the value as JSON text; `document ->> path` is `json_as_text`, any value as plain text.
//! `json_get_str` and the like are other names. Text that is no JSON counts as nothing there.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::BinaryOperator;
use relbook_ledger::json;
use serde_json::Value;

use crate::sql::build::{Builder, data_type};
use crate::sql::error::bad_argument;
use crate::sql::span;
use crate::table::ColumnType;

/// Returns the functions.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let all = [
        Which::Text,
        Which::AsText,
        Which::Int,
        Which::Float,
        Which::Bool,
        Which::Exists,
        Which::Get,
    ];
    all.map(|which| Arc::new(ScalarUDF::new_from_impl(JsonFunction::new(which)))).to_vec()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Which {
    Text,
    AsText,
    Int,
    Float,
    Bool,
    Exists,
    Get,
}

impl Which {
    /// Returns the name that other tools for JSON in this engine use.
    fn alias(self) -> Option<&'static str> {
        match self {
            Self::Text => Some("json_get_str"),
            Self::Int => Some("json_get_int"),
            Self::Float => Some("json_get_float"),
            Self::Bool => Some("json_get_bool"),
            Self::Exists => Some("json_contains"),
            Self::AsText | Self::Get => None,
        }
    }
}

/// Plans `document -> path` as `json_get` and `document ->> path` as `json_text`.
#[derive(Debug)]
pub(crate) struct JsonOperators;

impl ExprPlanner for JsonOperators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        _schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let which = match expr.op {
            BinaryOperator::Arrow => Which::Get,
            BinaryOperator::LongArrow => Which::AsText,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let function = ScalarUDF::new_from_impl(JsonFunction::new(which));
        Ok(PlannerResult::Planned(function.call(vec![expr.left, expr.right])))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonFunction {
    which: Which,
    aliases: Vec<String>,
    signature: Signature,
}

impl JsonFunction {
    fn new(which: Which) -> Self {
        let texts = vec![DataType::Utf8View; 2];
        let aliases = which.alias().map(str::to_owned).into_iter().collect();
        Self { which, aliases, signature: Signature::exact(texts, Volatility::Immutable) }
    }

    fn column_type(&self) -> ColumnType {
        match self.which {
            Which::Text | Which::AsText | Which::Get => ColumnType::Text,
            Which::Int => ColumnType::Int,
            Which::Float => ColumnType::Float,
            Which::Bool | Which::Exists => ColumnType::Bool,
        }
    }

    fn add(&self, builder: &mut Builder, document: Option<&str>, path: &Path) {
        let Some(document) = document else { return builder.null() };
        let found = path.find(document);
        match self.which {
            Which::Exists => builder.bool(found.is_some()),
            Which::Get => builder.json(found.as_ref(), true),
            Which::AsText => match found {
                None | Some(Value::Null) => builder.null(),
                Some(Value::String(text)) => builder.text(&text),
                Some(other) => builder.text(&other.to_string()),
            },
            Which::Int => match found.as_ref().and_then(Value::as_i64) {
                Some(number) => builder.int(number),
                None => builder.null(),
            },
            Which::Text | Which::Float | Which::Bool => builder.json(found.as_ref(), false),
        }
    }
}

impl ScalarUDFImpl for JsonFunction {
    fn name(&self) -> &str {
        match self.which {
            Which::Text => "json_text",
            Which::AsText => "json_as_text",
            Which::Int => "json_int",
            Which::Float => "json_float",
            Which::Bool => "json_bool",
            Which::Exists => "json_exists",
            Which::Get => "json_get",
        }
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(data_type(self.column_type()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [documents, paths] = args.args.as_slice() else {
            return Err(bad_argument(self.name(), "arguments", "give a JSON text and a path"));
        };
        let texts = |value: &ColumnarValue| -> Result<ArrayRef> {
            Ok(cast(&value.clone().into_array(rows)?, &DataType::Utf8View)?)
        };
        let (document_texts, path_texts) = (texts(documents)?, texts(paths)?);
        let (document_texts, path_texts) =
            (document_texts.as_string_view(), path_texts.as_string_view());
        let mut builder = Builder::new(self.column_type());
        let mut parsed: Option<(&str, Path)> = None;
        for row in 0..rows {
            if path_texts.is_null(row) {
                builder.null();
                continue;
            }
            let text = path_texts.value(row);
            if parsed.as_ref().is_none_or(|(known, _)| *known != text) {
                let path = Path::parse(text)
                    .map_err(|message| bad_argument(self.name(), "path", message))?;
                parsed = Some((text, path));
            }
            if let Some((_, path)) = &parsed {
                let document = document_texts.is_valid(row).then(|| document_texts.value(row));
                self.add(&mut builder, document, path);
            }
        }
        let result = builder.finish();
        match (documents, paths) {
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)) => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?))
            }
            _ => Ok(ColumnarValue::Array(result)),
        }
    }
}

/// The way from the whole document to a value in it.
#[derive(Debug, PartialEq, Eq)]
struct Path {
    steps: Vec<Step>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

impl Path {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is no path; write $.name, $.name.inner, $.list[0] or $.\"any name\"")
        };
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut steps = Vec::new();
        let mut first = rest.len() == text.len();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (number, after) = inner.split_once(']').ok_or_else(wrong)?;
                steps.push(Step::Item(number.parse().map_err(|_| wrong())?));
                rest = after;
            } else {
                let name = match rest.strip_prefix('.') {
                    Some(name) => name,
                    None if first => rest,
                    None => return Err(wrong()),
                };
                let (name, after) = member(name).ok_or_else(wrong)?;
                steps.push(Step::Member(name.to_owned()));
                rest = after;
            }
            first = false;
        }
        Ok(Self { steps })
    }

    fn find(&self, document: &str) -> Option<Value> {
        let mut part = document.as_bytes();
        let mut steps = self.steps.as_slice();
        // Members are skipped to without building the rest of the document.
        while let [Step::Member(name), rest @ ..] = steps {
            part = span::member(part, name)?;
            steps = rest;
        }
        let whole = json::parse(part).ok()?;
        let mut value = &whole;
        for step in steps {
            value = match step {
                Step::Member(name) => value.get(name)?,
                Step::Item(number) => value.get(number)?,
            };
        }
        Some(value.clone())
    }
}

/// Splits the name of a member off a path.
fn member(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"');
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (!name.is_empty() && !name.contains(['"', '$', ']', ' '])).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_reach_members_and_items() {
        let document = r#"{"a":{"b":[10,{"c":"x"}]},"a b":1,"n":null}"#;
        let find = |path: &str| Path::parse(path).unwrap().find(document).map(|v| v.to_string());
        assert_eq!(find("$.a.b[0]").as_deref(), Some("10"));
        assert_eq!(find("a.b[1].c").as_deref(), Some("\"x\""));
        assert_eq!(find("$.\"a b\"").as_deref(), Some("1"));
        assert_eq!(find("$.n").as_deref(), Some("null"));
        assert_eq!(find("$").as_deref(), Some(r#"{"a":{"b":[10,{"c":"x"}]},"a b":1,"n":null}"#));
        for missing in ["$.x", "$.a.b[2]", "$.a.b.c", "$.n.x", "$[0]"] {
            assert_eq!(find(missing), None, "{missing}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["$a", "$.", "$..a", "$.a[", "$.a[x]", "$.a[-1]", "a b", "$.\"a"] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }
}
