//! The exact extent of a range, to tell whether it is empty and whether two ranges overlap.
//!
//! Releases form one half-open interval of number lists. Pre-releases count only for the X.Y.Z
//! that a condition names, and there form a half-open interval of identifier lists. Both orders
//! have a next element (`1.4.2` then `1.4.3`; `rc.1` then `rc.1.0`), so every bound can be made
//! half-open and an interval is empty exactly when its low end is not below its high end.
//!
//! Rules: semantics A.13. For CalVer the numbers are not held against the calendar, so a range
//! between the 12th month and the next year counts as non-empty.

use std::cmp::Ordering;

use super::number::{Identifier, Number};
use super::range::{Item, Op};

type Numbers = Vec<Number<'static>>;
type Identifiers = Vec<Identifier<'static>>;

/// All values from `low` on and below `high`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interval<T> {
    pub(super) low: T,
    high: Option<T>,
}

impl<T: Ord + Clone> Interval<T> {
    fn from(low: T) -> Self {
        Interval { low, high: None }
    }

    fn raise(&mut self, low: T) {
        if low > self.low {
            self.low = low;
        }
    }

    fn lower(&mut self, high: T) {
        if self.high.as_ref().is_none_or(|current| high < *current) {
            self.high = Some(high);
        }
    }

    fn clear(&mut self) {
        self.high = Some(self.low.clone());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.high.as_ref().is_some_and(|high| *high <= self.low)
    }

    fn intersection(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.raise(other.low.clone());
        if let Some(high) = &other.high {
            both.lower(high.clone());
        }
        both
    }
}

/// The versions that a range can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) releases: Interval<Numbers>,
    /// The pre-releases, for each X.Y.Z of which a condition names one.
    pub(super) prereleases: Vec<(Numbers, Interval<Identifiers>)>,
}

impl Extent {
    /// Works out the extent of conditions over versions of `length` numbers.
    pub(super) fn of(items: &[Item], length: usize) -> Extent {
        let mut releases = Interval::from(vec![Number::zero(); length]);
        let mut named: Vec<Numbers> = Vec::new();
        for item in items {
            narrow_releases(&mut releases, item, length);
            if let Item::Compare(_, operand) = item
                && operand.is_prerelease()
            {
                named.push(operand.numbers().map(Number::into_owned).collect());
            }
        }
        named.sort();
        named.dedup();
        let prereleases = named.into_iter().map(|numbers| {
            let lowest = vec![Identifier::Numeric(Number::zero())];
            let mut interval = Interval::from(lowest);
            for item in items {
                narrow_prereleases(&mut interval, item, &numbers);
            }
            (numbers, interval)
        });
        Extent { releases, prereleases: prereleases.collect() }
    }

    /// Returns whether no version is left.
    pub(super) fn is_empty(&self) -> bool {
        self.releases.is_empty() && self.prereleases.iter().all(|(_, interval)| interval.is_empty())
    }

    /// Returns the versions that both hold.
    pub(super) fn intersection(&self, other: &Extent) -> Extent {
        let mut prereleases = Vec::new();
        for (numbers, mine) in &self.prereleases {
            for (_, theirs) in other.prereleases.iter().filter(|(named, _)| named == numbers) {
                prereleases.push((numbers.clone(), mine.intersection(theirs)));
            }
        }
        Extent { releases: self.releases.intersection(&other.releases), prereleases }
    }

    /// Returns whether everything that `other` holds is held here too.
    pub(super) fn covers(&self, other: &Extent) -> bool {
        let both = self.intersection(other);
        let kept = |numbers: &Numbers, interval: &Interval<Identifiers>| {
            both.prereleases.iter().any(|(named, kept)| named == numbers && kept == interval)
        };
        (other.releases.is_empty() || both.releases == other.releases)
            && other.prereleases.iter().all(|(numbers, i)| i.is_empty() || kept(numbers, i))
    }
}

fn narrow_releases(interval: &mut Interval<Numbers>, item: &Item, length: usize) {
    match item {
        Item::Any => {}
        Item::Line(fixed) => {
            let fill = |mut numbers: Numbers| {
                numbers.resize(length, Number::zero());
                numbers
            };
            interval.raise(fill(fixed.clone()));
            interval.lower(fill(next_numbers(fixed)));
        }
        Item::Compare(op, operand) => {
            let at: Numbers = operand.numbers().map(Number::into_owned).collect();
            let next = next_numbers(&at);
            // The release of the same X.Y.Z lies above every pre-release operand.
            match (op, operand.is_prerelease()) {
                (Op::GreaterEq, _) | (Op::Greater, true) => interval.raise(at),
                (Op::Greater, false) => interval.raise(next),
                (Op::Less, _) | (Op::LessEq, true) => interval.lower(at),
                (Op::LessEq, false) => interval.lower(next),
                (Op::Exact, false) => {
                    interval.raise(at);
                    interval.lower(next);
                }
                (Op::Exact, true) => interval.lower(vec![Number::zero(); length]),
            }
        }
    }
}

fn narrow_prereleases(interval: &mut Interval<Identifiers>, item: &Item, numbers: &Numbers) {
    let (op, operand) = match item {
        Item::Any => return,
        Item::Line(_) => {
            interval.clear();
            return;
        }
        Item::Compare(op, operand) => (*op, operand),
    };
    // A release operand of the same X.Y.Z lies above all of its pre-releases.
    let order = numbers.iter().cloned().cmp(operand.numbers());
    let side =
        if order == Ordering::Equal && !operand.is_prerelease() { Ordering::Less } else { order };
    let at = || operand.identifiers().map(Identifier::into_owned).collect::<Identifiers>();
    let next = || at().into_iter().chain([Identifier::Numeric(Number::zero())]).collect();
    match (side, op) {
        (Ordering::Greater, Op::Greater | Op::GreaterEq)
        | (Ordering::Less, Op::Less | Op::LessEq) => {}
        (Ordering::Greater | Ordering::Less, _) => interval.clear(),
        (Ordering::Equal, Op::GreaterEq) => interval.raise(at()),
        (Ordering::Equal, Op::Greater) => interval.raise(next()),
        (Ordering::Equal, Op::Less) => interval.lower(at()),
        (Ordering::Equal, Op::LessEq) => interval.lower(next()),
        (Ordering::Equal, Op::Exact) => {
            interval.raise(at());
            interval.lower(next());
        }
    }
}

/// Returns the next list of the same length: the last number one higher.
fn next_numbers(numbers: &[Number<'static>]) -> Numbers {
    let mut next = numbers.to_vec();
    if let Some(last) = next.last_mut() {
        *last = last.successor();
    }
    next
}
