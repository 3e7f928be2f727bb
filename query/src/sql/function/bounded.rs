//! Bounds on functions of the engine whose result can be far larger than their arguments.
//!
//! The engine counts what operators hold, not what a function makes; a single call could take all
//! memory of the machine. The bound is on one call over one batch of rows.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use crate::sql::error::bad_argument;

/// The bytes that one call may make beyond twice its input.
const BYTES_MAX: u64 = 64 << 20;

/// The bytes that one call may put together: every such call may be the argument of the next.
const SUM_MAX: u64 = 256 << 20;

/// How large a result can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// The text, as often as the second argument says.
    Repeat,
    /// As many characters as the second argument says.
    Pad,
    /// The text, every match of the second argument replaced by the third.
    Replace,
    /// All arguments together.
    Sum,
}

/// Bounds a function, if it is one that needs it.
pub(super) fn bound(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let growth = match function.name() {
        "repeat" => Growth::Repeat,
        "lpad" | "rpad" => Growth::Pad,
        "replace" | "regexp_replace" => Growth::Replace,
        "text_concat" | "concat" | "concat_ws" | "overlay" | "make_array" | "array_append"
        | "array_prepend" | "array_concat" | "array_insert" | "array_to_string" | "struct"
        | "named_struct" | "map" => Growth::Sum,
        _ => return function,
    };
    if function.inner().is::<Bounded>() {
        return function;
    }
    Arc::new(ScalarUDF::new_from_impl(Bounded { inner: function, growth }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl Bounded {
    fn check(&self, args: &ScalarFunctionArgs) -> Result<()> {
        let rows = args.number_rows;
        if self.growth == Growth::Sum {
            return self.check_sum(args);
        }
        let lengths = |position: usize| -> Result<Vec<u64>> {
            match args.args.get(position) {
                Some(value) => lengths(&value.clone().into_array(rows)?),
                None => Ok(vec![0; rows]),
            }
        };
        let texts = lengths(0)?;
        let sum = |values: &mut dyn Iterator<Item = u64>| values.fold(0, u64::saturating_add);
        let made = match self.growth {
            Growth::Repeat => {
                let counts = numbers(args, 1)?;
                sum(&mut texts.iter().zip(counts).map(|(text, count)| text.saturating_mul(count)))
            }
            Growth::Pad => sum(&mut numbers(args, 1)?.into_iter()),
            Growth::Sum => 0,
            Growth::Replace => {
                // A pattern may match the empty text, so between any two characters.
                let old = match self.inner.name() {
                    "replace" => lengths(1)?,
                    _ => vec![1; rows],
                };
                let new = lengths(2)?;
                let matches = texts.iter().zip(&old).map(|(text, old)| text / (*old).max(1) + 1);
                sum(&mut matches.zip(&new).map(|(matches, new)| matches.saturating_mul(*new)))
            }
        };
        if made <= BYTES_MAX.saturating_add(sum(&mut texts.iter().copied()).saturating_mul(2)) {
            return Ok(());
        }
        let what = match self.growth {
            Growth::Repeat => "n",
            Growth::Pad => "length",
            Growth::Replace => "replacement",
            Growth::Sum => "arguments",
        };
        let limit = format!("the result would be larger than {} MiB", BYTES_MAX >> 20);
        Err(bad_argument(self.inner.name(), what, limit))
    }

    fn check_sum(&self, args: &ScalarFunctionArgs) -> Result<()> {
        let rows = args.number_rows as u64;
        let mut sum = 0_u64;
        for value in &args.args {
            sum = sum.saturating_add(match value {
                ColumnarValue::Array(array) if is_text(array.data_type()) => {
                    lengths(array)?.into_iter().fold(0, u64::saturating_add)
                }
                ColumnarValue::Array(array) => array.get_array_memory_size() as u64,
                ColumnarValue::Scalar(scalar) => rows.saturating_mul(scalar.size() as u64),
            });
        }
        if sum <= SUM_MAX {
            return Ok(());
        }
        let limit = format!("the result would be larger than {} MiB", SUM_MAX >> 20);
        Err(bad_argument(self.inner.name(), "arguments", limit))
    }
}

/// Tells whether a type is text.
pub(super) fn is_text(ty: &DataType) -> bool {
    matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Returns how long each text is; what is no text takes little room.
fn lengths(array: &ArrayRef) -> Result<Vec<u64>> {
    const LITTLE: u64 = 32;
    let texts = match is_text(array.data_type()) {
        true => cast(array, &DataType::Utf8View)?,
        false => return Ok(vec![LITTLE; array.len()]),
    };
    Ok(texts.as_string_view().iter().map(|text| text.map_or(0, |t| t.len() as u64)).collect())
}

fn numbers(args: &ScalarFunctionArgs, position: usize) -> Result<Vec<u64>> {
    let Some(value) = args.args.get(position) else { return Ok(vec![0; args.number_rows]) };
    let numbers = cast(&value.clone().into_array(args.number_rows)?, &DataType::Int64)?;
    let numbers = numbers.as_primitive::<Int64Type>().iter();
    Ok(numbers.map(|number| u64::try_from(number.unwrap_or(0)).unwrap_or(0)).collect())
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = self.inner.return_field_from_args(args)?;
        Ok(Arc::new(Field::new(self.name(), field.data_type().clone(), true)))
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(ScalarUDF::new_from_impl(Self { inner, growth: self.growth }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.check(&args)?;
        self.inner.invoke_with_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
