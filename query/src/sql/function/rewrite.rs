//! Puts the bounds of `bounded.rs` around what the parser makes functions or operators of by
//! itself: `||`, array literals, structs.
//!
//! Each step of `s || s` doubles a text, and nothing counts what lies between two operators of the
//! engine; so the length is checked before it is made.

use std::sync::Arc;

use arrow::array::{AsArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable as _, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::bounded::{bound, is_text};
use crate::sql::error::bad_argument;

/// The rewrite.
#[derive(Debug)]
pub(crate) struct Bounds;

impl FunctionRewrite for Bounds {
    fn name(&self) -> &str {
        "bounds"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _config: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        match expr {
            Expr::ScalarFunction(ScalarFunction { func, args }) => {
                let func = bound(func);
                Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
                let expr = BinaryExpr { left, op: Operator::StringConcat, right };
                let expr = Expr::BinaryExpr(expr);
                let ty = expr.get_type(schema);
                match (expr, ty) {
                    (Expr::BinaryExpr(BinaryExpr { left, right, .. }), Ok(ty)) if is_text(&ty) => {
                        let function = ScalarUDF::new_from_impl(TextConcat::new(ty));
                        let call = bound(Arc::new(function)).call(vec![*left, *right]);
                        Ok(Transformed::yes(call))
                    }
                    (expr, _) => Ok(Transformed::no(expr)),
                }
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// `a || b`: null when one of them is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TextConcat {
    ty: DataType,
    signature: Signature,
}

impl TextConcat {
    fn new(ty: DataType) -> Self {
        Self { ty, signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TextConcat {
    fn name(&self) -> &str {
        "text_concat"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.ty.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let [left, right] = args.args.as_slice() else {
            return Err(bad_argument("||", "arguments", "takes two"));
        };
        let texts = |value: &ColumnarValue| -> Result<_> {
            Ok(cast(&value.clone().into_array(rows)?, &DataType::Utf8View)?)
        };
        let (lefts, rights) = (texts(left)?, texts(right)?);
        let mut builder = StringViewBuilder::new();
        for pair in lefts.as_string_view().iter().zip(rights.as_string_view()) {
            match pair {
                (Some(left), Some(right)) => builder.append_value([left, right].concat()),
                _ => builder.append_null(),
            }
        }
        let joined = cast(&builder.finish(), &self.ty)?;
        match (left, right) {
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)) => {
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?))
            }
            _ => Ok(ColumnarValue::Array(joined)),
        }
    }
}
