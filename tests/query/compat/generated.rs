//! Generated matrices against an evaluator that knows only the definition.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use relbook_ledger::version::Scheme;
use relbook_query::release::compat::{Compatibility, LiveComponent, Matrix, Member, Written};
use relbook_query::release::{CompatVerdict, Component, State};
use serde_json::json;

const NAMES: [&str; 3] = ["api", "cli", "sdk"];

type Numbers = (u8, u8, u8);

/// A range in the forms of the grammar, as data.
#[derive(Debug, Clone)]
enum Naive {
    Any,
    Major(u8),
    Minor(u8, u8),
    Exact(Numbers),
    Between(Numbers, Numbers),
    From(Numbers),
}

impl Naive {
    fn text(&self) -> String {
        let dotted = |(a, b, c): &Numbers| format!("{a}.{b}.{c}");
        match self {
            Self::Any => "*".to_owned(),
            Self::Major(a) => format!("{a}.x"),
            Self::Minor(a, b) => format!("{a}.{b}.x"),
            Self::Exact(v) => dotted(v),
            Self::Between(low, high) => format!(">={}, <{}", dotted(low), dotted(high)),
            Self::From(low) => format!(">{}", dotted(low)),
        }
    }

    fn holds(&self, v: Numbers) -> bool {
        match *self {
            Self::Any => true,
            Self::Major(a) => v.0 == a,
            Self::Minor(a, b) => (v.0, v.1) == (a, b),
            Self::Exact(exact) => v == exact,
            Self::Between(low, high) => low <= v && v < high,
            Self::From(low) => v > low,
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Between(low, high) if low >= high)
    }
}

fn numbers() -> impl Strategy<Value = Numbers> {
    (1..3_u8, 0..3_u8, 0..3_u8)
}

fn range() -> impl Strategy<Value = Naive> {
    prop_oneof![
        Just(Naive::Any),
        (1..3_u8).prop_map(Naive::Major),
        (1..3_u8, 0..3_u8).prop_map(|(a, b)| Naive::Minor(a, b)),
        numbers().prop_map(Naive::Exact),
        (numbers(), numbers()).prop_map(|(low, high)| Naive::Between(low, high)),
        numbers().prop_map(Naive::From),
    ]
}

fn component(name: &str) -> Arc<Component> {
    let spec = json!({"scheme": "semver", "release_model": "published"});
    Arc::new(Component {
        name: name.to_owned(),
        scheme: Scheme::Semver,
        schemes: vec![(1, Scheme::Semver)],
        spec: serde_json::from_value(spec).expect("a registration"),
        seq: 1,
    })
}

fn matrix(rows: &[[Naive; 3]]) -> Matrix {
    let row = |row: &[Naive; 3]| {
        NAMES.into_iter().zip(row).map(|(name, r)| (name, Written::Text(r.text()))).collect()
    };
    let known = |name: &str| NAMES.contains(&name).then(|| component(name));
    Matrix::new(Some(7), rows.iter().map(row), known)
}

/// The definition: one row holds all of the set. A row with an empty range supports nothing.
fn naive(rows: &[[Naive; 3]], set: [Numbers; 3]) -> Vec<String> {
    let holds = |row: &[Naive; 3]| {
        !row.iter().any(Naive::is_empty) && row.iter().zip(set).all(|(r, v)| r.holds(v))
    };
    let rows = rows.iter().enumerate().filter(|(_, row)| holds(row));
    rows.map(|(number, _)| format!("r{}", number + 1)).collect()
}

fn text((a, b, c): Numbers) -> String {
    format!("{a}.{b}.{c}")
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_set_is_in_the_rows_of_the_definition(
        rows in vec([range(), range(), range()], 0..5),
        sets in vec([numbers(), numbers(), numbers()], 12),
    ) {
        let matrix = matrix(&rows);
        for set in sets {
            let texts = set.map(text);
            let members = NAMES.into_iter().zip(texts.iter().map(|t| Some(t.as_str())));
            let found: Vec<String> = matrix.rows_with(members).map(|r| r.id.clone()).collect();
            prop_assert_eq!(found, naive(&rows, set), "{:?} {:?}", rows, set);
        }
    }

    /// Every combination of the live versions must have a row of its own.
    #[test]
    fn the_live_sets_hold_when_each_combination_does(
        rows in vec([range(), range(), range()], 0..5),
        live in [vec(numbers(), 0..3), vec(numbers(), 0..3), vec(numbers(), 1..3)],
    ) {
        let member = |name: &str, version: Numbers| Member {
            component: name.to_owned(),
            key: name.to_owned(),
            version: Some(text(version)),
            digest: None,
        };
        let components = NAMES.into_iter().zip(&live).map(|(name, versions)| LiveComponent {
            component: component(name),
            state: State::Live,
            members: versions.iter().map(|version| member(name, *version)).collect(),
            evidence: vec![3],
        });
        let compat = Compatibility { matrix: matrix(&rows), live: components.collect() };
        // Nothing live of a component: any version of it will do, in a row that can be read.
        let options = |at: usize| -> Vec<Option<Numbers>> {
            match live[at].is_empty() {
                true => vec![None],
                false => live[at].iter().copied().map(Some).collect(),
            }
        };
        let (mut holds, mut failing) = (true, 0);
        for a in options(0) {
            for b in options(1) {
                for c in options(2) {
                    let one = rows.iter().any(|row| {
                        !row.iter().any(Naive::is_empty)
                            && row.iter().zip([a, b, c]).all(|(r, v)| v.is_none_or(|v| r.holds(v)))
                    });
                    holds &= one;
                    failing += usize::from(!one);
                }
            }
        }
        let judged = compat.judge();
        prop_assert_eq!(judged.verdict == CompatVerdict::Holds, holds);
        prop_assert_eq!(judged.failing.len(), failing);
        prop_assert_eq!(judged.evidence, vec![3, 7]);
        // Supposing one version leaves the others as they are.
        if let Some(first) = live[2].first() {
            let supposed = compat.supposing("sdk", &text(*first)).unwrap();
            prop_assert!(supposed.judge().failing.iter().all(|set| judged.failing.contains(set)
                || set.members.iter().any(|m| m.component == "sdk")));
            prop_assert!(judged.verdict != CompatVerdict::Holds
                || supposed.judge().verdict == CompatVerdict::Holds);
        }
    }
}
