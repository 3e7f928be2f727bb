//! Generated versions and ranges against independent judges. Goal: our grammar and order agree
//! with the `semver` crate wherever its 64-bit numbers reach, keys order like precedence, and the
//! extents of ranges agree with trying versions. Method: proptest; each case compares many pairs.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{MONTHLY, cal, sv};
use crate::version::extent::Extent;
use crate::version::number::{Identifier, Number};
use crate::version::{ChangeClass, Range, Scheme, Version};

/// Numbers on both sides of a change of length, so that comparing text would go wrong.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0_u64..12).prop_map(|n| n.to_string()),
        1 => (95_u64..105).prop_map(|n| n.to_string()),
        1 => any::<u64>().prop_map(|n| n.to_string()),
    ]
}

/// Identifiers from a small alphabet, so that equal ones and prefixes are common.
fn identifier() -> impl Strategy<Value = String> {
    prop_oneof![
        number(),
        "[a-bR0-]{0,2}[a-b-]",
        select(vec!["rc", "alpha", "rc1"]).prop_map(str::to_owned)
    ]
}

fn semver_text() -> impl Strategy<Value = String> {
    let pre = prop_oneof![Just(Vec::new()), vec(identifier(), 1..4)];
    let build = prop_oneof![3 => Just(Vec::new()), 1 => vec("[0-9a-b-]{1,2}", 1..3)];
    ([number(), number(), number()], pre, build).prop_map(|(numbers, pre, build)| {
        let mut text = numbers.join(".");
        for (mark, part) in [("-", pre), ("+", build)] {
            if !part.is_empty() {
                text += mark;
                text += &part.join(".");
            }
        }
        text
    })
}

/// Versions and conditions from a universe so small that trying all of it means something.
fn small_version() -> impl Strategy<Value = String> {
    let pre = select(vec!["", "", "", "-0", "-1", "-a", "-a.0", "-a.0.0", "-a.1", "-b", "-rc.1"]);
    ([0_u8..3, 0_u8..3, 0_u8..3], pre).prop_map(|([x, y, z], pre)| format!("{x}.{y}.{z}{pre}"))
}

fn small_range() -> impl Strategy<Value = String> {
    let operator = select(vec!["", "=", ">", ">=", "<", "<="]);
    let item = prop_oneof![
        8 => (operator, small_version()).prop_map(|(sign, version)| sign.to_owned() + &version),
        1 => (0_u8..3).prop_map(|x| format!("{x}.x")),
        1 => (0_u8..3, 0_u8..3).prop_map(|(x, y)| format!("{x}.{y}.x")),
        1 => Just("*".to_owned()),
    ];
    vec(item, 1..4).prop_map(|items| items.join(", "))
}

/// Says the same as one of our ranges in the grammar of the `semver` crate.
fn as_cargo(range: &str) -> String {
    let items: Vec<String> = range
        .split(", ")
        .filter(|item| *item != "*")
        .map(|item| match item.starts_with(|c: char| c.is_ascii_digit()) && !item.ends_with('x') {
            true => format!("={item}"),
            false => item.to_owned(),
        })
        .collect();
    if items.is_empty() { "*".to_owned() } else { items.join(", ") }
}

/// Writes the lowest version of an extent, if it has one.
fn lowest(extent: &Extent) -> Option<String> {
    let dotted = |numbers: &[Number<'_>]| -> String {
        numbers.iter().map(Number::digits).collect::<Vec<_>>().join(".")
    };
    if !extent.releases.is_empty() {
        return Some(dotted(&extent.releases.low));
    }
    let (numbers, interval) = extent.prereleases.iter().find(|(_, held)| !held.is_empty())?;
    let identifiers = interval.low.iter().map(|identifier| match identifier {
        Identifier::Numeric(number) => number.digits(),
        Identifier::Text(text) => text,
    });
    Some(format!("{}-{}", dotted(numbers), identifiers.collect::<Vec<_>>().join(".")))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 160,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// 160 cases of 16 versions: 40,960 pairs.
    #[test]
    fn precedence_and_keys_agree_with_the_semver_crate(texts in vec(semver_text(), 16)) {
        let versions: Vec<(Version, ::semver::Version)> = texts
            .iter()
            .map(|text| (sv(text), ::semver::Version::parse(text).unwrap()))
            .collect();
        let keys: Vec<&[u8]> = versions.iter().map(|(version, _)| version.key()).collect();
        for ((ours, theirs), key) in versions.iter().zip(&keys) {
            for ((our_other, their_other), other_key) in versions.iter().zip(&keys) {
                let expected = theirs.cmp_precedence(their_other);
                let found = ours.cmp_precedence(our_other);
                prop_assert_eq!(found, Ok(expected), "{} {}", ours, our_other);
                prop_assert_eq!(key.cmp(other_key), expected, "{} {}", ours, our_other);
            }
        }
    }

    /// 160 cases of 24 near-versions, valid and not.
    #[test]
    fn the_grammar_agrees_with_the_semver_crate(
        texts in vec(prop_oneof![
            "[v0-2]{0,2}\\.?[0-2]{1,2}\\.[0-2]{1,2}([-+][0-1a-b.+-]{0,4})?",
            "[0-9.+ab-]{0,8}",
            semver_text(),
        ], 24),
    ) {
        for text in texts {
            let ours = Scheme::Semver.parse_version(&text);
            let theirs = ::semver::Version::parse(&text);
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?} {:?}", text, ours, theirs);
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                prop_assert_eq!(ours.prerelease().unwrap_or(""), theirs.pre.as_str());
                prop_assert_eq!(ours.build_metadata().unwrap_or(""), theirs.build.as_str());
                let numbers = [theirs.major, theirs.minor, theirs.patch].map(|n| n.to_string());
                prop_assert_eq!(ours.components().collect::<Vec<_>>(), numbers);
            }
        }
    }

    /// Numbers far beyond 64 bits still order by value: 128 bits are the judge.
    #[test]
    fn large_numbers_order_by_value(numbers in vec(any::<u128>(), 2..12)) {
        let versions: Vec<Version> =
            numbers.iter().map(|n| sv(&format!("1.{n}.0-rc.{n}"))).collect();
        for (low, a) in versions.iter().zip(&numbers) {
            for (high, b) in versions.iter().zip(&numbers) {
                prop_assert_eq!(low.cmp_precedence(high), Ok(a.cmp(b)));
                prop_assert_eq!(low.key().cmp(high.key()), a.cmp(b));
            }
        }
    }

    #[test]
    fn a_successor_is_one_higher(n in 0_u128..u128::MAX) {
        let (digits, next) = (n.to_string(), (n + 1).to_string());
        let successor = Number::new(&digits).successor();
        prop_assert_eq!(successor.digits(), next.as_str());
        let nines = "9".repeat(digits.len());
        let rolled = Number::new(&nines).successor();
        prop_assert_eq!(rolled.digits(), format!("1{}", "0".repeat(digits.len())));
    }

    /// 160 cases of 12 versions: 23,040 pairs.
    #[test]
    fn calver_precedence_and_keys_are_the_order_of_the_numbers(
        triples in vec((1990_u16..2110, 1_u8..=12, 0_u64..120), 12),
    ) {
        let versions: Vec<Version> =
            triples.iter().map(|(y, m, n)| cal(MONTHLY, &format!("{y}.{m:02}.{n}"))).collect();
        let keys: Vec<&[u8]> = versions.iter().map(Version::key).collect();
        for (i, a) in triples.iter().enumerate() {
            for (j, b) in triples.iter().enumerate() {
                prop_assert_eq!(versions[i].cmp_precedence(&versions[j]), Ok(a.cmp(b)));
                prop_assert_eq!(keys[i].cmp(keys[j]), a.cmp(b));
            }
        }
    }

    #[test]
    fn ranges_match_like_the_semver_crate(
        text in small_range(),
        versions in vec(small_version(), 24),
    ) {
        let ours = Range::parse(&text).unwrap();
        let theirs = ::semver::VersionReq::parse(&as_cargo(&text)).unwrap();
        for version in versions {
            let theirs = theirs.matches(&::semver::Version::parse(&version).unwrap());
            prop_assert_eq!(ours.matches(&sv(&version)), theirs, "{} {}", text, version);
        }
    }

    #[test]
    fn emptiness_and_overlap_agree_with_trying_versions(
        a in small_range(),
        b in small_range(),
        versions in vec(small_version(), 24),
    ) {
        let (first, second) = (Range::parse(&a).unwrap(), Range::parse(&b).unwrap());
        for version in versions.iter().map(|text| sv(text)) {
            if first.matches(&version) {
                prop_assert!(!first.is_empty(), "{} holds {}", a, version);
                if second.matches(&version) {
                    prop_assert!(first.overlaps(&second), "{} and {} hold {}", a, b, version);
                } else {
                    prop_assert!(!second.covers(&first), "{} lacks {} of {}", b, version, a);
                }
            }
        }
        match lowest(&first.extent()) {
            Some(version) => {
                prop_assert!(first.matches(&sv(&version)), "{} lacks {}", a, version);
                prop_assert!(!first.is_empty());
                prop_assert!(first.overlaps(&first) && first.covers(&first));
            }
            None => prop_assert!(first.is_empty()),
        }
        prop_assert_eq!(first.overlaps(&second), second.overlaps(&first));
        let shared = lowest(&first.extent().intersection(&second.extent()));
        prop_assert_eq!(shared.is_some(), first.overlaps(&second));
        if let Some(version) = shared {
            let version = sv(&version);
            prop_assert!(first.matches(&version) && second.matches(&version), "{} and {}", a, b);
        }
    }

    #[test]
    fn change_class_is_symmetric_between_releases(
        a in [number(), number(), number()],
        b in [number(), number(), number()],
    ) {
        let (a, b) = (sv(&a.join(".")), sv(&b.join(".")));
        let forward = Scheme::Semver.change_class(Some(&a), &b, false);
        prop_assert_eq!(forward, Scheme::Semver.change_class(Some(&b), &a, false));
        prop_assert_eq!(forward == ChangeClass::Rebuild, a.key() == b.key());
        if forward == ChangeClass::Patch {
            prop_assert!(a.same_line(&b));
        }
        prop_assert_eq!(Scheme::Semver.change_class(Some(&a), &b, true), ChangeClass::None);
        prop_assert_eq!(Scheme::Semver.change_class(None, &b, false), ChangeClass::Initial);
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in any::<String>(), prefix in any::<String>()) {
        for scheme in ["semver", MONTHLY, "calver:YY.MM.DD-MICRO"] {
            let scheme = Scheme::parse(scheme).unwrap();
            if let Err(error) = scheme.parse_version(&text) {
                prop_assert!(!error.to_string().is_empty());
            }
            if let Err(error) = Range::parse_in(&scheme, &text) {
                prop_assert!(error.position <= text.len());
                prop_assert!(!error.to_string().is_empty());
            }
        }
        let pattern = format!("calver:{text}");
        if let Ok(scheme) = Scheme::parse(&pattern) {
            prop_assert_eq!(scheme.as_str(), pattern);
        }
        let _ = crate::version::tag_version(&text, &prefix);
        let _ = crate::version::gomod::check(&text, &sv("7.0.0"));
    }

    /// Texts from the alphabet of ranges reach deeper than arbitrary ones.
    #[test]
    fn no_range_text_makes_the_parser_panic(text in "[0-2xv*.,<>=^~| a+\u{e9}-]{0,14}") {
        match Range::parse(&text) {
            Ok(range) => prop_assert!(range.is_empty() || lowest(&range.extent()).is_some()),
            Err(error) => prop_assert!(error.position <= text.len(), "{}", error),
        }
    }
}
