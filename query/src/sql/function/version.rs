//! `version_key`, `version_bump` and `version_matches`: the version rules of the ledger in SQL.
//!
//! A constant that is no good scheme, range or version is an error that names the argument. One
//! out of a column that does not fit gives null: a table holds components of several schemes, and
//! one bad range must not hide the other rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use relbook_ledger::version::{Range, Scheme, Version};

use crate::sql::error::bad_argument;

/// Returns the functions.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let all = [Which::Key, Which::Bump, Which::Matches];
    all.map(|which| Arc::new(ScalarUDF::new_from_impl(VersionFunction::new(which)))).to_vec()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Which {
    /// The sort key: byte order is precedence.
    Key,
    /// The class of the step from one version to another.
    Bump,
    /// Whether a version is in a range.
    Matches,
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Self::Key => "version_key",
            Self::Bump => "version_bump",
            Self::Matches => "version_matches",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Key => &["scheme", "version"],
            Self::Bump => &["scheme", "a", "b"],
            Self::Matches => &["range", "version"],
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct VersionFunction {
    which: Which,
    signature: Signature,
}

impl VersionFunction {
    fn new(which: Which) -> Self {
        let texts = vec![DataType::Utf8View; which.arguments().len()];
        Self { which, signature: Signature::exact(texts, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for VersionFunction {
    fn name(&self) -> &str {
        self.which.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(match self.which {
            Which::Key => DataType::Binary,
            Which::Bump => DataType::Utf8View,
            Which::Matches => DataType::Boolean,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let given = args.args.iter().zip(self.which.arguments());
        let columns = given
            .map(|(value, argument)| Texts::new(value, self.which.name(), argument, rows))
            .collect::<Result<Vec<_>>>()?;
        let result = match (self.which, columns.as_slice()) {
            (Which::Key, [scheme, version]) => keys(scheme, version, rows)?,
            (Which::Bump, [scheme, a, b]) => bumps(scheme, a, b, rows)?,
            (Which::Matches, [range, version]) => matches(range, version, rows)?,
            _ => return Err(bad_argument(self.which.name(), "arguments", "wrong number")),
        };
        if args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_))) {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// An argument as texts, row by row.
struct Texts {
    array: ArrayRef,
    constant: bool,
    function: &'static str,
    argument: &'static str,
}

impl Texts {
    fn new(
        value: &ColumnarValue,
        function: &'static str,
        argument: &'static str,
        rows: usize,
    ) -> Result<Self> {
        let constant = matches!(value, ColumnarValue::Scalar(_));
        // A constant is kept once: it is read again for every row but parsed once.
        let array = value.clone().into_array(if constant { 1 } else { rows })?;
        Ok(Self { array: cast(&array, &DataType::Utf8View)?, constant, function, argument })
    }

    fn at(&self, row: usize) -> Option<&str> {
        let row = if self.constant { 0 } else { row };
        let texts = self.array.as_string_view();
        texts.is_valid(row).then(|| texts.value(row))
    }

    /// Parses a scheme or a range.
    fn definition<T, E: std::fmt::Display>(
        &self,
        row: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>> {
        let Some(text) = self.at(row) else { return Ok(None) };
        match parse(text) {
            Ok(value) => Ok(Some(value)),
            Err(error) if self.constant => Err(bad_argument(self.function, self.argument, error)),
            Err(_) => Ok(None),
        }
    }

    fn version(&self, row: usize, scheme: &Scheme) -> Result<Option<Version>> {
        let Some(text) = self.at(row) else { return Ok(None) };
        match scheme.parse_version(text) {
            Ok(version) => Ok(Some(version)),
            Err(error) if self.constant => Err(bad_argument(self.function, self.argument, error)),
            Err(_) => Ok(None),
        }
    }
}

/// Parses again only when the text differs from the row before.
struct Last<T> {
    text: Option<String>,
    value: Option<T>,
}

impl<T> Last<T> {
    const fn new() -> Self {
        Self { text: None, value: None }
    }

    fn get<E: std::fmt::Display>(
        &mut self,
        texts: &Texts,
        row: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<&T>> {
        let text = texts.at(row);
        if self.text.as_deref() != text || self.value.is_none() {
            self.value = texts.definition(row, parse)?;
            self.text = text.map(str::to_owned);
        }
        Ok(self.value.as_ref())
    }
}

fn keys(scheme: &Texts, version: &Texts, rows: usize) -> Result<ArrayRef> {
    let mut builder = BinaryBuilder::new();
    let mut last = Last::new();
    for row in 0..rows {
        let key = match last.get(scheme, row, Scheme::parse)? {
            Some(scheme) => version.version(row, scheme)?,
            None => None,
        };
        builder.append_option(key.as_ref().map(Version::key));
    }
    Ok(Arc::new(builder.finish()))
}

fn bumps(scheme: &Texts, a: &Texts, b: &Texts, rows: usize) -> Result<ArrayRef> {
    let mut builder = StringViewBuilder::new();
    let mut last = Last::new();
    for row in 0..rows {
        let class = match last.get(scheme, row, Scheme::parse)? {
            Some(scheme) => match (a.version(row, scheme)?, b.version(row, scheme)?) {
                // Digests are not known here; the same text stands for the same artifact.
                (Some(from), Some(to)) => {
                    Some(scheme.change_class(Some(&from), &to, from.as_str() == to.as_str()))
                }
                _ => None,
            },
            None => None,
        };
        builder.append_option(class.map(relbook_ledger::version::ChangeClass::as_str));
    }
    Ok(Arc::new(builder.finish()))
}

fn matches(range: &Texts, version: &Texts, rows: usize) -> Result<ArrayRef> {
    let semver =
        Scheme::parse("semver").map_err(|e| bad_argument("version_matches", "range", e))?;
    let mut builder = BooleanBuilder::new();
    let mut last = Last::new();
    for row in 0..rows {
        let holds = match last.get(range, row, Range::parse)? {
            Some(range) => version.version(row, &semver)?.map(|version| range.matches(&version)),
            None => None,
        };
        builder.append_option(holds);
    }
    Ok(Arc::new(builder.finish()))
}
