//! `state_at(time)`, `diff(component, from_version, to_version)` and `history(component)`.
//!
//! Arguments are constants: a table function makes its table before any row is read.

use std::sync::Arc;

use datafusion::catalog::{TableFunction, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::scalar::ScalarValue;
use relbook_ledger::time::Time;

use crate::release::Lens;
use crate::sql::error::bad_argument;
use crate::sql::logs::Logs;
use crate::sql::projections::{AnswerTable, Projections, external};

/// Returns the functions.
pub(super) fn functions(
    projections: &Arc<dyn Projections>,
    logs: &Arc<Logs>,
) -> Vec<Arc<TableFunction>> {
    let make = |which: Which| {
        let lens = logs.lens;
        let function = AnswerFunction { which, projections: Arc::clone(projections), lens };
        Arc::new(TableFunction::new(which.name().to_owned(), Arc::new(function)))
    };
    [Which::StateAt, Which::Diff, Which::History].map(make).to_vec()
}

#[derive(Debug, Clone, Copy)]
enum Which {
    StateAt,
    Diff,
    History,
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Self::StateAt => "state_at",
            Self::Diff => "diff",
            Self::History => "history",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::StateAt => &["time"],
            Self::Diff => &["component", "from_version", "to_version"],
            Self::History => &["component"],
        }
    }
}

struct AnswerFunction {
    which: Which,
    projections: Arc<dyn Projections>,
    lens: Lens,
}

impl std::fmt::Debug for AnswerFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.which.name())
    }
}

impl AnswerFunction {
    fn constant<'e>(&self, exprs: &'e [Expr], position: usize) -> Result<&'e ScalarValue> {
        let argument = self.which.arguments()[position];
        match exprs.get(position) {
            Some(Expr::Literal(value, _)) if !value.is_null() => Ok(value),
            Some(_) => Err(bad_argument(self.which.name(), argument, "must be a constant")),
            None => Err(bad_argument(self.which.name(), argument, "is missing")),
        }
    }

    fn text<'e>(&self, exprs: &'e [Expr], position: usize) -> Result<&'e str> {
        let argument = self.which.arguments()[position];
        let text = self.constant(exprs, position)?.try_as_str().flatten();
        text.ok_or_else(|| bad_argument(self.which.name(), argument, "must be a text in quotes"))
    }

    fn time(&self, exprs: &[Expr]) -> Result<Time> {
        let value = self.constant(exprs, 0)?;
        let wrong = |error: &dyn std::fmt::Display| bad_argument(self.which.name(), "time", error);
        if let Some(text) = value.try_as_str().flatten() {
            return Time::parse_or_date(text).map_err(|error| wrong(&error));
        }
        let micros = match value {
            ScalarValue::TimestampSecond(Some(at), _) => at.checked_mul(1_000_000),
            ScalarValue::TimestampMillisecond(Some(at), _) => at.checked_mul(1_000),
            ScalarValue::TimestampMicrosecond(Some(at), _) => Some(*at),
            ScalarValue::TimestampNanosecond(Some(at), _) => Some(at.div_euclid(1_000)),
            _ => None,
        };
        micros.map(Time::from_micros).ok_or_else(|| {
            wrong(&"is no time; write '2026-06-10T09:05:00Z' or TIMESTAMP '2026-06-10 09:05:00'")
        })
    }
}

impl TableFunctionImpl for AnswerFunction {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let exprs = args.exprs();
        let names = self.which.arguments();
        if exprs.len() > names.len() {
            let takes = format!("takes {}: {}", names.len(), names.join(", "));
            return Err(bad_argument(self.which.name(), "arguments", takes));
        }
        let answer = match self.which {
            Which::StateAt => self.projections.state_at(self.time(exprs)?, self.lens),
            Which::Diff => {
                let (component, from) = (self.text(exprs, 0)?, self.text(exprs, 1)?);
                self.projections.diff(component, from, self.text(exprs, 2)?, self.lens)
            }
            Which::History => self.projections.history(self.text(exprs, 0)?, self.lens),
        };
        Ok(Arc::new(AnswerTable::new(&answer.map_err(external)?)?))
    }
}
