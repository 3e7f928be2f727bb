//! What the filters of a query say about `seq`, `recorded_at` and `kind`, so that whole ranges of
//! the log need not be read. It only narrows: the engine still applies every filter.

use std::ops::Range;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, Operator};
use datafusion::scalar::ScalarValue;
use relbook_ledger::event::Kind;

/// The events that can pass the filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Narrow {
    pub(crate) seqs: Range<u64>,
    /// Microseconds of the ledger's clock, the end exclusive; all when absent.
    pub(crate) recorded: Option<Range<i64>>,
    /// All kinds when absent.
    kinds: Option<Vec<String>>,
}

/// The seqs and the times that can pass one filter, as half-open ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    seqs: (i64, i64),
    recorded: (i64, i64),
}

const ALL: (i64, i64) = (i64::MIN, i64::MAX);

impl Bounds {
    const ALL: Self = Self { seqs: ALL, recorded: ALL };

    fn both(self, other: Self) -> Self {
        let meet = |a: (i64, i64), b: (i64, i64)| (a.0.max(b.0), a.1.min(b.1));
        Self { seqs: meet(self.seqs, other.seqs), recorded: meet(self.recorded, other.recorded) }
    }

    fn either(self, other: Self) -> Self {
        let span = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        Self { seqs: span(self.seqs, other.seqs), recorded: span(self.recorded, other.recorded) }
    }

    fn of(filter: &Expr) -> Self {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                Self::of(left).both(Self::of(right))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                Self::of(left).either(Self::of(right))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op.swap() {
                _ if matches!(**right, Expr::Literal(..)) => Self::compared(left, *op, right),
                Some(op) => Self::compared(right, op, left),
                None => Self::ALL,
            },
            Expr::Between(between) if !between.negated => {
                let low = Self::compared(&between.expr, Operator::GtEq, &between.low);
                low.both(Self::compared(&between.expr, Operator::LtEq, &between.high))
            }
            Expr::InList(list) if !list.negated && !list.list.is_empty() => {
                let equal = |item| Self::compared(&list.expr, Operator::Eq, item);
                list.list.iter().map(equal).reduce(Self::either).unwrap_or(Self::ALL)
            }
            _ => Self::ALL,
        }
    }

    fn compared(column: &Expr, op: Operator, literal: &Expr) -> Self {
        let Expr::Literal(value, _) = literal else { return Self::ALL };
        if is_column(column, "seq") {
            let seq = i64::try_from(value.clone()).ok();
            return Self { seqs: range(op, seq.map(|seq| (seq, seq))), ..Self::ALL };
        }
        if is_column(uncast(column), "recorded_at") {
            return Self { recorded: range(op, micros(value)), ..Self::ALL };
        }
        Self::ALL
    }
}

/// Returns the values that a comparison lets through; a bound between two values is both.
fn range(op: Operator, bound: Option<(i64, i64)>) -> (i64, i64) {
    let Some((below, above)) = bound else { return ALL };
    let after = |value: i64| value.saturating_add(1);
    match op {
        Operator::Eq => (below, after(above)),
        Operator::Lt => (i64::MIN, above),
        Operator::LtEq => (i64::MIN, after(above)),
        Operator::Gt if below == above => (after(below), i64::MAX),
        Operator::Gt | Operator::GtEq => (below, i64::MAX),
        _ => ALL,
    }
}

/// Looks through a cast that changes no microsecond.
fn uncast(expr: &Expr) -> &Expr {
    let exact = |ty: &DataType| {
        matches!(ty, DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, _))
    };
    match expr {
        Expr::Cast(Cast { expr, field }) if exact(field.data_type()) => expr,
        other => other,
    }
}

/// Returns a point of time in microseconds, rounded down and up.
fn micros(value: &ScalarValue) -> Option<(i64, i64)> {
    let exact = |micros: i64| Some((micros, micros));
    match value {
        ScalarValue::TimestampSecond(Some(at), _) => exact(at.checked_mul(1_000_000)?),
        ScalarValue::TimestampMillisecond(Some(at), _) => exact(at.checked_mul(1_000)?),
        ScalarValue::TimestampMicrosecond(Some(at), _) => exact(*at),
        ScalarValue::TimestampNanosecond(Some(at), _) => {
            let down = at.div_euclid(1_000);
            Some((down, down + i64::from(at.rem_euclid(1_000) > 0)))
        }
        _ => None,
    }
}

impl Narrow {
    pub(crate) fn of(filters: &[Expr]) -> Self {
        let bounds = filters.iter().map(Bounds::of).fold(Bounds::ALL, Bounds::both);
        // No event has a seq below zero.
        let at = |seq: i64| u64::try_from(seq).unwrap_or(0);
        let end = if bounds.seqs.1 == i64::MAX { u64::MAX } else { at(bounds.seqs.1) };
        let (from, to) = bounds.recorded;
        let mut narrow = Self {
            seqs: at(bounds.seqs.0)..end,
            recorded: (bounds.recorded != ALL).then_some(from..to),
            kinds: None,
        };
        for filter in filters {
            narrow.apply(filter);
        }
        narrow
    }

    pub(crate) fn allows(&self, kind: Kind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|name| name == kind.as_str()))
    }

    fn apply(&mut self, filter: &Expr) {
        if let Some(kinds) = kinds(filter) {
            let both = |name: &String| self.kinds.as_ref().is_none_or(|known| known.contains(name));
            self.kinds = Some(kinds.into_iter().filter(both).collect());
        } else if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) = filter {
            self.apply(left);
            self.apply(right);
        }
    }
}

/// Returns the kinds that a filter allows, when it is about the kind only.
fn kinds(filter: &Expr) -> Option<Vec<String>> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let value = if is_column(left, "kind") {
                text(right)
            } else if is_column(right, "kind") {
                text(left)
            } else {
                None
            };
            Some(vec![value?])
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let mut all = kinds(left)?;
            all.extend(kinds(right)?);
            Some(all)
        }
        Expr::InList(list) if !list.negated && is_column(&list.expr, "kind") => {
            list.list.iter().map(text).collect()
        }
        _ => None,
    }
}

/// Tells whether an expression is a plain column of that name.
pub(crate) fn is_column(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Column(column) if column.name == name)
}

/// Returns the text of a literal.
pub(crate) fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{col, lit};

    #[test]
    fn bounds_on_seq_meet() {
        let seqs = |filters: &[Expr]| Narrow::of(filters).seqs;
        assert_eq!(seqs(&[]), 0..u64::MAX);
        assert_eq!(seqs(&[col("seq").gt(lit(4_i64)), col("seq").lt_eq(lit(9_i64))]), 5..10);
        assert_eq!(seqs(&[lit(7_i64).eq(col("seq"))]), 7..8);
        assert_eq!(seqs(&[lit(7_i64).gt(col("seq"))]), 0..7);
        assert_eq!(seqs(&[col("seq").between(lit(2_i64), lit(3_i64))]), 2..4);
        assert_eq!(seqs(&[col("seq").lt(lit(-1_i64))]), 0..0);
        assert_eq!(seqs(&[col("seq").in_list(vec![lit(9_i64), lit(4_i64)], false)]), 4..10);
        assert_eq!(seqs(&[col("seq").in_list(vec![lit(9_i64)], true)]), 0..u64::MAX);
        assert_eq!(seqs(&[col("pr").eq(lit(7_i64))]), 0..u64::MAX);
        let either = col("seq").eq(lit(1_i64)).or(col("seq").eq(lit(2_i64)));
        assert_eq!(seqs(std::slice::from_ref(&either)), 1..3);
        assert_eq!(seqs(&[either.or(col("pr").eq(lit(7_i64)))]), 0..u64::MAX);
    }

    #[test]
    fn bounds_on_the_ledgers_clock_meet() {
        let at = |micros| lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
        let nanos = |nanos| lit(ScalarValue::TimestampNanosecond(Some(nanos), None));
        let recorded = |filter: Expr| Narrow::of(&[filter]).recorded;
        let column = || col("recorded_at");
        assert_eq!(recorded(column().eq(at(5))), Some(5..6));
        assert_eq!(recorded(column().lt(at(5)).and(column().gt(at(2)))), Some(3..5));
        assert_eq!(recorded(column().gt_eq(nanos(1_500))), Some(1..i64::MAX));
        assert_eq!(recorded(column().lt_eq(nanos(1_500))), Some(i64::MIN..3));
        assert_eq!(recorded(col("occurred_at").eq(at(5))), None);
        assert_eq!(recorded(column().eq(at(5)).or(col("seq").eq(lit(1_i64)))), None);
        assert_eq!(recorded(column().not_eq(at(5))), None);
    }

    #[test]
    fn kinds_are_those_that_every_filter_allows() {
        let one = col("kind").eq(lit("tag.moved"));
        let some = col("kind").in_list(vec![lit("tag.moved"), lit("tag.created")], false);
        let narrow = Narrow::of(&[one.clone(), some.clone()]);
        assert!(narrow.allows(Kind::TagMoved) && !narrow.allows(Kind::TagCreated));
        let narrow = Narrow::of(&[one.clone().or(col("kind").eq(lit("tag.created")))]);
        assert!(narrow.allows(Kind::TagCreated) && !narrow.allows(Kind::BuildCompleted));
        let narrow = Narrow::of(&[one.or(col("seq").eq(lit(1_i64)))]);
        assert!(narrow.allows(Kind::BuildCompleted));
        let narrow = Narrow::of(&[some.not_eq(lit(true))]);
        assert!(narrow.allows(Kind::BuildCompleted));
    }
}
