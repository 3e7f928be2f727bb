//! The examples of semantics A.1, A.9 and A.13, and agreement with the `semver` crate.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

fn semver() -> Scheme {
    Scheme::parse("semver").unwrap()
}

fn calver() -> Scheme {
    Scheme::parse("calver:YYYY.0M.MICRO").unwrap()
}

fn v(text: &str) -> Version {
    semver().parse_version(text).unwrap()
}

#[test]
fn what_is_not_semver_is_refused_with_its_code() {
    for (text, code) in [
        ("1.4", "not_semver"),
        ("01.2.3", "not_semver"),
        (" 1.0.0", "not_semver"),
        ("1.0.0 ", "not_semver"),
        ("1.0.0-01", "not_semver"),
        ("1.0.0-", "not_semver"),
        ("1.0.0-a..b", "not_semver"),
        ("1.0.0+", "not_semver"),
        ("1.0.0-a_b", "not_semver"),
        ("1.2.3.4", "not_semver"),
        ("-1.0.0", "not_semver"),
        ("", "not_semver"),
        ("2026.06.3", "not_semver"),
        ("v1.4.2", "version_prefix"),
        ("V1.4.2", "version_prefix"),
    ] {
        assert_eq!(semver().parse_version(text).unwrap_err().code(), code, "{text}");
    }
    let message = semver().parse_version("v1.4.2").unwrap_err().to_string();
    assert!(message.contains("`1.4.2`"), "{message}");
}

#[test]
fn precedence_of_the_specification() {
    let order = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.2.0",
        "1.10.0",
        "2.0.0",
    ];
    for pair in order.windows(2) {
        assert_eq!(v(pair[0]).cmp_precedence(&v(pair[1])), Ordering::Less, "{pair:?}");
    }
    assert!(v("1.0.0-rc.2").key() < v("1.0.0-rc.11").key());
    assert!(v("1.0.0-rc11").key() < v("1.0.0-rc2").key());
    assert_eq!(v("1.4.2+a").key(), v("1.4.2+b").key());
    assert!(v("18446744073709551616.0.0").key() > v("18446744073709551615.0.0").key());
}

#[test]
fn calver_has_its_own_grammar_and_order() {
    for text in [
        "2026.6.3",
        "2026.06.03",
        "2026.13.0",
        "2026.00.1",
        "26.06.1",
        "2026.06",
        "2026.06.1.2",
        "2026-06-1",
    ] {
        assert_eq!(calver().parse_version(text).unwrap_err().code(), "calver_format", "{text}");
    }
    let key = |text| calver().parse_version(text).unwrap().key().to_vec();
    assert!(key("2026.06.9") < key("2026.06.10"));
    assert!(key("2026.09.1") < key("2026.10.0"));
    for scheme in ["calver:", "calver:YYYY.0Q", "calver:YYYY.YYYY", "calver:MAJOR", "SemVer", ""] {
        assert!(Scheme::parse(scheme).is_err(), "{scheme}");
    }
    assert!(Scheme::parse("calver:YY.MM.MICRO").unwrap().parse_version("26.5.1").is_ok());
}

#[test]
fn classes_of_change() {
    use ChangeClass::*;
    for (live, new, class) in [
        ("1.4.1", "1.4.2", Patch),
        ("1.4.2", "1.4.1", Patch),
        ("1.4.3", "1.5.1", Minor),
        ("1.5.0", "1.4.3", Minor),
        ("1.4.3", "2.0.0", Major),
        ("2.0.0", "1.9.9", Major),
        ("1.4.2", "1.4.2", Rebuild),
        ("1.4.2+a", "1.4.2+b", Rebuild),
        ("1.4.2", "1.5.0-rc.1", Prerelease),
        ("1.5.0-rc.1", "1.5.0", Minor),
        ("1.5.0-rc.1", "2.0.0", Major),
        ("0.3.1", "0.3.2", Minor),
        ("0.3.1", "0.4.0", Major),
        ("0.9.0", "1.0.0", Major),
        ("1.0.0", "0.9.0", Major),
    ] {
        assert_eq!(semver().change_class(Some(&v(live)), &v(new), false), class, "{live} {new}");
    }
    assert_eq!(semver().change_class(Some(&v("1.0.0")), &v("1.0.0"), true), None);
    assert_eq!(semver().change_class(Option::None, &v("1.0.0"), false), Initial);
    let c = |text| calver().parse_version(text).unwrap();
    assert_eq!(calver().change_class(Some(&c("2026.06.1")), &c("2026.06.9"), false), Micro);
    assert_eq!(calver().change_class(Some(&c("2026.06.1")), &c("2026.07.0"), false), Period);
    assert!(None < Micro && Micro < Patch && Patch < Period && Period < Minor);
    assert!(Minor < Major && Major < Rebuild && Rebuild < Prerelease && Prerelease < Initial);
}

#[test]
fn ranges_of_the_matrix() {
    let in_range = |range: &str, version: &str| Range::parse(range).unwrap().matches(&v(version));
    assert!(in_range("1.9.x", "1.9.7") && !in_range("1.9.x", "1.10.0"));
    assert!(in_range("1.x", "1.99.0") && !in_range("1.x", "2.0.0"));
    assert!(in_range("1.4.2", "1.4.2") && !in_range("1.4.2", "1.10.0"));
    assert!(in_range(">=1.4.0, <2.0.0", "1.5.0") && !in_range(">=1.4.0, <2.0.0", "2.0.0"));
    assert!(!in_range(">=1.4.0, <2.0.0", "2.0.0-rc.1") && !in_range("*", "1.0.0-rc.1"));
    assert!(in_range(">=2.0.0-rc.1", "2.0.0-rc.2") && !in_range(">=2.0.0-rc.1", "2.1.0-rc.1"));
    for range in [
        "~1.4",
        "^1.4.0",
        "1 || 2",
        "1.0.0 - 2.0.0",
        ">=1.4.0 <2.0.0",
        "v1.4.2",
        "1.4",
        "1.4.2,",
        "",
        "x",
        "1.x.2",
        ">=1.x",
        "1.4.x.x",
        "01.x",
        "1.X",
    ] {
        assert!(Range::parse(range).is_err(), "{range}");
    }
}

#[test]
fn go_module_paths_name_their_major() {
    for (path, version, fits) in [
        ("example.org/m", "1.2.3", true),
        ("example.org/m", "0.2.3", true),
        ("example.org/m", "2.1.0", false),
        ("example.org/m", "2.1.0+incompatible", true),
        ("example.org/m/v2", "2.1.0", true),
        ("example.org/m/v2", "3.1.0", false),
        ("example.org/m/v2", "1.1.0", false),
        ("example.org/m/v1", "1.1.0", false),
        ("gopkg.in/yaml.v3", "3.0.1", true),
        ("gopkg.in/yaml.v3", "2.0.1", false),
        ("gopkg.in/yaml", "1.0.1", false),
    ] {
        assert_eq!(gomod::check(path, &v(version)).is_ok(), fits, "{path} {version}");
    }
}

#[test]
fn only_the_registered_prefix_is_stripped_from_tags() {
    assert_eq!(tag_version("v1.2.3", "v"), Some("1.2.3"));
    assert_eq!(tag_version("orion-cli/v1.9.0", "orion-cli/v"), Some("1.9.0"));
    assert_eq!(tag_version("V1.2.3", "v"), None);
    assert_eq!(tag_version("v", "v"), None);
}

prop_compose! {
    fn identifier()(text in "[0-9]{1,3}|[0-9A-Za-z-]{1,5}|rc|beta") -> String { text }
}

prop_compose! {
    fn version()(
        numbers in prop::array::uniform3(prop_oneof![0u64..4, 8u64..12, any::<u64>()]),
        pre in prop::option::of(prop::collection::vec(identifier(), 1..4)),
        build in prop::option::of(prop::collection::vec(identifier(), 1..3)),
    ) -> String {
        let mut text = format!("{}.{}.{}", numbers[0], numbers[1], numbers[2]);
        if let Some(pre) = pre { text += &format!("-{}", pre.join(".")); }
        if let Some(build) = build { text += &format!("+{}", build.join(".")); }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn grammar_and_order_are_those_of_the_semver_crate(texts in prop::collection::vec(version(), 5)) {
        let mut versions = Vec::new();
        for text in &texts {
            let (ours, theirs) = (semver().parse_version(text), ::semver::Version::parse(text));
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", text);
            versions.extend(ours.ok().zip(theirs.ok()));
        }
        for (a, x) in &versions {
            for (b, y) in &versions {
                prop_assert_eq!(a.cmp_precedence(b), x.cmp_precedence(y), "{} {}", a, b);
            }
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,20}|[0-9.x*<>=, ~^+-]{0,16}") {
        drop(semver().parse_version(&text));
        drop(calver().parse_version(&text));
        drop(Range::parse(&text));
        drop(Scheme::parse(&format!("calver:{text}")));
    }

    #[test]
    fn ranges_agree_with_the_semver_crate(
        low in prop::array::uniform3(0u64..4), high in prop::array::uniform3(0u64..4),
        at in prop::array::uniform3(0u64..5), pre in prop::option::of(Just("rc.1")),
    ) {
        let text = |n: [u64; 3]| format!("{}.{}.{}", n[0], n[1], n[2]);
        let range = format!(">={}, <{}", text(low), text(high));
        let version = text(at) + &pre.map_or_else(String::new, |pre| format!("-{pre}"));
        let theirs = ::semver::VersionReq::parse(&range).unwrap();
        let ours = Range::parse(&range).unwrap();
        prop_assert_eq!(ours.matches(&v(&version)), theirs.matches(&version.parse().unwrap()));
    }

    #[test]
    fn calver_order_is_that_of_the_numbers(a in (2000u32..2100, 1u32..13, 0u32..120), b in (2000u32..2100, 1u32..13, 0u32..120)) {
        let key = |(y, m, n): (u32, u32, u32)| {
            calver().parse_version(&format!("{y}.{m:02}.{n}")).unwrap().key().to_vec()
        };
        prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
    }
}
