//! Tables of the range grammar and its meaning (semantics A.13). Goal: every accepted form with
//! versions on both sides of each bound, and every refused form with its place and remedy.

use super::{MONTHLY, cal, sv};
use crate::version::{Range, Scheme};

fn range(text: &str) -> Range {
    Range::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn ranges_hold_what_they_say() {
    for (text, inside, outside) in [
        ("*", "0.0.0 1.4.2 99999999999999999999.0.0 1.0.0+b", "1.0.0-rc.1"),
        ("1.x", "1.0.0 1.99.99", "0.9.9 2.0.0 10.0.0 1.4.0-rc.1 2.0.0-rc.1"),
        ("1.9.x", "1.9.0 1.9.99 1.9.0+b", "1.8.9 1.10.0 1.90.0 2.9.0 1.9.0-rc.1"),
        ("1.4.2", "1.4.2 1.4.2+b", "1.4.3 1.10.0 1.4.2-rc.1"),
        ("=1.4.2", "1.4.2", "1.4.1 1.4.3"),
        (">=1.4.0, <2.0.0", "1.4.0 1.5.0 1.10.0 1.999.0", "1.3.9 2.0.0 2.0.0-rc.1 1.4.0-rc.1"),
        (">=1.4.0,<2.0.0", "1.4.0", "2.0.0"),
        (">= 1.4.0 ,\t< 2.0.0", "1.4.0", "2.0.0"),
        (">=1.3.0, <1.5.0", "1.3.0 1.4.99", "1.5.0"),
        (">1.4.0", "1.4.1 2.0.0", "1.4.0 1.4.0+z 1.4.1-rc.1"),
        ("<=1.4.0", "1.4.0 0.0.0", "1.4.1 1.4.0-rc.1"),
        (">=1.4.0-rc.2", "1.4.0-rc.2 1.4.0-rc.11 1.4.0 1.4.1", "1.4.0-rc.1 1.5.0-rc.3 1.4.0-alpha"),
        ("1.4.0-rc.1", "1.4.0-rc.1 1.4.0-rc.1+b", "1.4.0 1.4.0-rc.2"),
        (">=1.4.0-rc.1, 1.4.x", "1.4.0 1.4.9", "1.5.0 1.4.1-rc.1 1.4.0-rc.2"),
        ("<2.0.0-0", "1.9.9", "2.0.0 2.0.0-rc.1 1.9.9-rc.1"),
        (">=1.0.0, <2.0.0-rc.2", "2.0.0-rc.1 2.0.0-alpha", "2.0.0-rc.2 1.5.0-rc.1 2.0.0"),
        ("1.0.0-x", "1.0.0-x", "1.0.0"),
        ("*, >1.0.0", "1.0.1", "1.0.0"),
    ] {
        let range = range(text);
        for version in inside.split(' ') {
            assert!(range.matches(&sv(version)), "{text} does not hold {version}");
        }
        for version in outside.split(' ') {
            assert!(!range.matches(&sv(version)), "{text} holds {version}");
        }
        assert!(!range.is_empty(), "{text}");
        assert_eq!(range.to_string(), text);
    }
}

#[test]
fn other_grammars_are_refused_at_the_place_of_the_fault() {
    for (text, position, told) in [
        ("", 0, "write * for any version"),
        ("  ", 0, "write * for any version"),
        ("^1.4.2", 0, "write both bounds"),
        ("~1.4", 0, "write both bounds"),
        (">=1.0.0, ^1.4.2", 9, "write both bounds"),
        ("1.4.2 || 1.5.0", 6, "one row for each"),
        ("1.4.0 - 1.6.0", 5, "no hyphen ranges"),
        (">=1.4.0 <2.0.0", 7, "with a comma"),
        ("1.4.2\n", 5, "white space at the end"),
        ("v1.4.2", 0, "leave the v out"),
        (">=v1.4.2", 2, "leave the v out"),
        ("V1.x", 0, "leave the v out"),
        ("1", 0, "write 1.x for all of it or 1.0.0"),
        ("1.4", 0, "write 1.4.x for all of it or 1.4.0"),
        (">=1.4", 2, "1.4.0"),
        (">=1.4.0,", 8, "remove the trailing comma"),
        (">=1.4.0, ", 9, "remove the trailing comma"),
        (",>=1.4.0", 0, "joins nothing"),
        (">=1.4.0,,<2.0.0", 8, "joins nothing"),
        (">=", 2, "no version"),
        ("==1.4.0", 1, "no operator"),
        ("!=1.4.0", 0, "no operator"),
        ("=>1.4.0", 1, "no operator"),
        ("x", 0, "write * for any version"),
        (">=1.9.x", 6, "without an operator"),
        (">*", 1, "without an operator"),
        ("1.9.*", 4, "write the wildcard as x: 1.9.x"),
        ("1.9.X", 4, "write the wildcard as x: 1.9.x"),
        ("1.x.x", 0, "write 1.x"),
        ("1.*.*", 0, "write 1.x"),
        ("1.x.3", 0, "digits only"),
        ("1.9.0.x", 0, "4 parts"),
        ("01.x", 0, "2 parts"),
        ("1.04.x", 0, "leading zero"),
        ("01.4.2", 0, "leading zero"),
        ("1.4.2+b1", 5, "leave it out"),
        (">=1.4.0, latest", 9, "three"),
        (">=1.4.0-01", 2, "leading zero"),
        ("\u{e9}1.4.0, ^1", 0, "digits only"),
    ] {
        let error = match Range::parse(text) {
            Ok(range) => panic!("{range:?} was accepted"),
            Err(error) => error,
        };
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(error.position, position, "{error}");
        assert_eq!(error.value(), text);
    }
    let told = Range::parse(">=1.0.0, ^1.4.2").unwrap_err().to_string();
    assert!(told.starts_with("range `>=1.0.0, ^1.4.2` is wrong at character 10: "), "{told}");
}

#[test]
fn impossible_ranges_are_empty() {
    for text in [
        ">=2.0.0, <1.0.0",
        ">1.0.0, <1.0.1",
        ">=1.0.0, <1.0.0",
        "<0.0.0",
        "1.4.2, 1.4.3",
        "1.x, 2.x",
        "1.9.x, >=1.10.0",
        "1.4.2, >1.4.2",
        "1.0.0-rc.1, *, 1.0.0",
        ">1.0.0-rc.1, <1.0.0-rc.1.0",
        "<1.0.0-0, >=1.0.0",
        ">=1.0.0-rc.2, <=1.0.0-rc.1",
    ] {
        assert!(range(text).is_empty(), "{text}");
        assert!(!range(text).overlaps(&range("*")), "{text}");
    }
    for text in [
        ">1.0.0, <1.0.2",
        "<0.0.1",
        "<=0.0.0",
        ">=1.0.0-rc.1, <1.0.0",
        ">1.0.0-rc.1, <1.0.0-rc.1.1",
        ">=1.9.9, <1.10.0",
        ">1.0.9, <1.0.11",
        ">9.9.9, <=9.9.10",
    ] {
        assert!(!range(text).is_empty(), "{text}");
    }
}

#[test]
fn ranges_overlap_exactly_when_a_version_is_in_both() {
    for (a, b, overlap) in [
        ("1.9.x", "1.8.x", false),
        ("1.9.x", "1.x", true),
        (">=1.4.0, <2.0.0", ">=1.3.0, <1.5.0", true),
        (">=1.4.0, <2.0.0", ">=2.0.0", false),
        (">=1.4.0, <=2.0.0", ">=2.0.0", true),
        (">1.4.2", "<1.4.3", false),
        (">1.4.2", "<=1.4.3", true),
        ("1.4.2", "1.4.x", true),
        ("1.4.2", "1.4.3", false),
        ("*", "*", true),
        ("1.4.0-rc.1", "*", false),
        ("1.4.0-rc.1", ">=1.4.0-alpha", true),
        ("<1.4.0-beta, >=1.4.0-alpha", ">=1.4.0-rc.1, <1.4.0", false),
        (">=1.4.0-rc.1, <1.4.0", ">=1.5.0-rc.1, <1.5.0", false),
        ("2.1.x", "2.10.x", false),
    ] {
        assert_eq!(range(a).overlaps(&range(b)), overlap, "{a} and {b}");
        assert_eq!(range(b).overlaps(&range(a)), overlap, "{b} and {a}");
    }
}

#[test]
fn a_range_covers_what_is_no_wider() {
    for (wide, narrow, covers) in [
        ("*", ">=1.4.0, <2.0.0", true),
        (">=1.4.0, <2.0.0", "*", false),
        (">=1.4.0, <2.0.0", ">=1.5.0, <2.0.0", true),
        (">=1.5.0, <2.0.0", ">=1.4.0, <2.0.0", false),
        (">=1.4.0, <2.0.0", ">=1.4.0, <2.0.1", false),
        ("1.x", ">=1.0.0, <2.0.0", true),
        (">=1.0.0, <2.0.0", "1.x", true),
        ("1.4.x", "1.4.2", true),
        ("1.4.2", "1.4.x", false),
        ("1.4.2", "1.4.2, 1.4.3", true),
        ("*", "1.4.0-rc.1", false),
        (">=1.4.0-alpha", "1.4.0-rc.1", true),
        (">=1.4.0-rc.2", ">=1.4.0-rc.1", false),
        (">=1.4.0", ">=1.4.0-rc.1", false),
        (">=1.4.0-rc.1", ">=1.4.0", true),
    ] {
        assert_eq!(range(wide).covers(&range(narrow)), covers, "{wide} and {narrow}");
    }
}

#[test]
fn calver_components_have_ranges_too() {
    let monthly = Scheme::parse(MONTHLY).unwrap();
    let parse = |text: &str| Range::parse_in(&monthly, text);
    for (text, inside, outside) in [
        ("*", "2026.06.3", ""),
        ("2026.x", "2026.01.0 2026.12.9", "2025.12.0"),
        ("2026.06.x", "2026.06.0 2026.06.10", "2026.07.0"),
        (">=2026.06.9, <2026.07.0", "2026.06.9 2026.06.10", "2026.06.8 2026.07.0"),
        ("2026.06.3", "2026.06.3", "2026.06.30"),
    ] {
        let range = parse(text).unwrap();
        for version in inside.split_whitespace() {
            assert!(range.matches(&cal(MONTHLY, version)), "{text} does not hold {version}");
        }
        for version in outside.split_whitespace() {
            assert!(!range.matches(&cal(MONTHLY, version)), "{text} holds {version}");
        }
        assert!(!range.matches(&sv("2026.6.3")), "{text}");
        assert!(!range.overlaps(&super::ranges::range("*")), "{text}");
    }
    assert!(parse(">=2026.07.0, <2026.06.0").unwrap().is_empty());
    for (text, told) in [
        ("2026.6.x", "write it like"),
        (">=2026.6.3", "write 2026.06.3"),
        ("2026.06.*", "write the wildcard as x"),
        ("2026.13.x", "write it like"),
        ("2026.6", "write it like"),
        ("2026.06.3.x", "write it like"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    let dashed = Scheme::parse("calver:YYYY.0M.0D-MICRO").unwrap();
    let range = Range::parse_in(&dashed, "2026.06.03-x").unwrap();
    assert!(range.matches(&dashed.parse_version("2026.06.03-7").unwrap()));
    assert!(!range.matches(&dashed.parse_version("2026.06.04-7").unwrap()));
}
