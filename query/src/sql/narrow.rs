//! What the filters of a query say about `seq` and `kind`, so that whole ranges of the log need
//! not be read. It only narrows: the engine still applies every filter.

use std::ops::Range;

use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use relbook_ledger::event::Kind;

/// The events that can pass the filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Narrow {
    pub(crate) seqs: Range<u64>,
    /// All kinds when absent.
    kinds: Option<Vec<String>>,
}

impl Narrow {
    pub(crate) fn of(filters: &[Expr]) -> Self {
        let mut narrow = Self { seqs: 0..u64::MAX, kinds: None };
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
            return;
        }
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.apply(left);
                self.apply(right);
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                if let (true, Some(seq)) = (is_column(left, "seq"), number(right)) {
                    self.bound(*op, seq);
                } else if let (true, Some(seq), Some(op)) =
                    (is_column(right, "seq"), number(left), op.swap())
                {
                    self.bound(op, seq);
                }
            }
            Expr::Between(between) if !between.negated && is_column(&between.expr, "seq") => {
                if let (Some(low), Some(high)) = (number(&between.low), number(&between.high)) {
                    self.bound(Operator::GtEq, low);
                    self.bound(Operator::LtEq, high);
                }
            }
            _ => {}
        }
    }

    fn bound(&mut self, op: Operator, seq: i64) {
        // No event has a seq below zero; what asks for one finds nothing.
        let at = |seq: i64| u64::try_from(seq).unwrap_or(0);
        let Range { start, end } = &mut self.seqs;
        match op {
            Operator::Eq => {
                *start = (*start).max(at(seq));
                *end = (*end).min(at(seq.saturating_add(1)));
            }
            Operator::Lt => *end = (*end).min(at(seq)),
            Operator::LtEq => *end = (*end).min(at(seq.saturating_add(1))),
            Operator::Gt => *start = (*start).max(at(seq.saturating_add(1))),
            Operator::GtEq => *start = (*start).max(at(seq)),
            _ => {}
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

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(value, _) => i64::try_from(value.clone()).ok(),
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
        assert_eq!(seqs(&[col("pr").eq(lit(7_i64))]), 0..u64::MAX);
        let either = col("seq").eq(lit(1_i64)).or(col("seq").eq(lit(2_i64)));
        assert_eq!(seqs(&[either]), 0..u64::MAX);
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
