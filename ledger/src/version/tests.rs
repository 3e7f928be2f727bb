//! Tables of the examples and edges in semantics A.1 (versions, keys, Go modules) and A.9 (change
//! class). Goal: each sentence there has a row here. The ranges of A.13 are in `ranges`, the
//! comparison with the `semver` crate and the key order in `properties`.

mod properties;
mod ranges;

use std::cmp::Ordering;

use super::*;

/// Reads a SemVer version that the test knows to be valid.
pub(super) fn sv(text: &str) -> Version {
    Scheme::Semver.parse_version(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Reads a version of a CalVer pattern that the test knows to be valid.
pub(super) fn cal(pattern: &str, text: &str) -> Version {
    let scheme = Scheme::parse(pattern).unwrap_or_else(|error| panic!("{error}"));
    scheme.parse_version(text).unwrap_or_else(|error| panic!("{error}"))
}

const MONTHLY: &str = "calver:YYYY.0M.MICRO";

fn refusal(scheme: &str, text: &str) -> VersionError {
    let scheme = Scheme::parse(scheme).unwrap();
    match scheme.parse_version(text) {
        Ok(version) => panic!("{version} was accepted under {scheme}"),
        Err(error) => error,
    }
}

#[test]
fn semver_accepts_the_grammar_of_the_specification() {
    for text in [
        "0.0.0",
        "1.4.2",
        "10.20.30",
        "1.0.0-alpha",
        "1.0.0-0a",
        "1.0.0-0",
        "1.0.0--",
        "1.0.0-0-0",
        "1.0.0-01a.0x1",
        "1.0.0-alpha.1.rc-7",
        "1.0.0+001",
        "1.0.0+a.-.0b",
        "1.0.0-rc.1+build.5",
        "1.0.0+a-b",
        "2.0.0+incompatible",
        "99999999999999999999999.999999999999999999.99999999999999999",
    ] {
        assert_eq!(sv(text).to_string(), text);
    }
}

#[test]
fn semver_refuses_everything_looser_with_its_reason() {
    let long = "9".repeat(256);
    for (text, told) in [
        ("", "three"),
        ("1", "as in 1.4.0"),
        ("1.4", "it has 2 parts"),
        ("1.2.3.4", "it has 4 parts"),
        ("1.4.", "the patch number is empty"),
        ("01.2.3", "leading zero"),
        ("1.02.3", "the minor number `02` has a leading zero"),
        ("2026.06.3", "calver scheme"),
        (" 1.0.0", "remove the white space: write 1.0.0"),
        ("1.0.0\n", "remove the white space: write 1.0.0"),
        ("1.0.0-", "empty identifier"),
        ("1.0.0-a..b", "empty identifier"),
        ("1.0.0-01", "leading zero"),
        ("1.0.0-rc.007", "leading zero"),
        ("1.0.0-rc_1", "letters, digits and hyphens"),
        ("1.0.0+", "build metadata has an empty identifier"),
        ("1.0.0+a+b", "letters, digits and hyphens"),
        ("1.0.0+ab_c", "letters, digits and hyphens"),
        ("1.-4.2", "three"),
        ("+1.4.2", "three"),
        ("1.\u{0664}.2", "digits only"),
        ("1.4.2\u{0}", "digits only"),
        ("latest", "three"),
        ("orion-cli/v1.9.0", "write 1.9.0"),
        ("orion-cli@1.9.0", "write 1.9.0"),
        (format!("1.{long}.0").as_str(), "256 digits"),
        (format!("1.0.0-rc.{long}").as_str(), "256 digits"),
    ] {
        let error = refusal("semver", text);
        assert_eq!(error.code(), "not_semver", "{text:?}");
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(error.value(), text);
    }
}

#[test]
fn a_leading_v_is_told_apart_from_other_faults() {
    for (scheme, text, told) in [
        ("semver", "v1.4.2", "write 1.4.2 (tag names carry the v, versions do not)"),
        ("semver", "V1.4.2", "write 1.4.2"),
        ("semver", "v1", "leave the v out"),
        ("semver", "v1.2", "leave the v out"),
        ("semver", "vNext", "leave the v out"),
        (MONTHLY, "v2026.06.3", "write 2026.06.3"),
    ] {
        let error = refusal(scheme, text);
        assert_eq!(error.code(), "version_prefix", "{text}");
        assert_eq!(error.fault(), VersionFault::VersionPrefix);
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(refusal("semver", "Version").code(), "not_semver");
}

#[test]
fn messages_escape_and_cut_the_value() {
    let shown = refusal("semver", "1\u{1b}[31m").to_string();
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let shown = refusal("semver", &"7".repeat(5000)).to_string();
    assert!(shown.len() < 300 && shown.contains("...`"), "{shown}");
}

#[test]
fn semver_precedence_is_that_of_the_specification() {
    let ascending = [
        "0.0.1",
        "0.9.9",
        "1.0.0-0",
        "1.0.0-2",
        "1.0.0-11",
        "1.0.0--",
        "1.0.0-RC",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.1.0",
        "1.0.0-alpha.beta",
        "1.0.0-alpha-",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0-rc.2",
        "1.0.0-rc.11",
        "1.0.0-rc11",
        "1.0.0-rc2",
        "1.0.0",
        "1.0.1",
        "1.4.9",
        "1.4.10",
        "1.10.0",
        "2.0.0-rc.1",
        "2.0.0",
        "10.0.0",
        "18446744073709551615.0.0",
        "18446744073709551616.0.0",
    ];
    assert_ascending(&ascending.map(sv));
}

/// Asserts that precedence and key order both are the order of the list.
fn assert_ascending(versions: &[Version]) {
    for (i, low) in versions.iter().enumerate() {
        for (j, high) in versions.iter().enumerate() {
            assert_eq!(low.cmp_precedence(high), Ok(i.cmp(&j)), "{low} and {high}");
            assert_eq!(low.key().cmp(high.key()), i.cmp(&j), "keys of {low} and {high}");
        }
    }
}

#[test]
fn build_metadata_has_no_precedence_and_is_not_in_the_key() {
    let (a, b) = (sv("1.4.2+a"), sv("1.4.2+b"));
    assert_ne!(a, b);
    assert_eq!(a.cmp_precedence(&b), Ok(Ordering::Equal));
    assert_eq!(a.key(), b.key());
    assert_eq!(a.build_metadata(), Some("a"));
    assert_eq!(sv("1.4.2-rc.1+x.y").prerelease(), Some("rc.1"));
    assert_eq!(sv("1.4.2").build_metadata(), None);
}

#[test]
fn keys_have_the_documented_bytes() {
    assert_eq!(sv("1.4.2").key(), b"\x011\x014\x012\xFF");
    assert_eq!(sv("1.10.0").key(), b"\x011\x0210\x010\xFF");
    assert_eq!(sv("1.0.0-rc.11+x").key(), b"\x011\x010\x010\x02rc\x00\x01\x0211\x00",);
    assert_eq!(cal(MONTHLY, "2026.06.10").key(), b"\x042026\x016\x0210\xFF");
    let longest = "9".repeat(255);
    let version = sv(&format!("{longest}.0.0"));
    let key = version.key();
    assert_eq!(key[0], 255);
    assert_eq!(key.len(), 1 + 255 + 2 + 2 + 1);
}

#[test]
fn parts_of_a_version_are_kept_as_written() {
    let version = sv("1.22.333-rc.1+5");
    assert_eq!(version.components().collect::<Vec<_>>(), ["1", "22", "333"]);
    assert!(version.is_prerelease());
    assert_eq!(version.as_str(), "1.22.333-rc.1+5");
    let version = cal(MONTHLY, "2026.06.0");
    assert_eq!(version.components().collect::<Vec<_>>(), ["2026", "6", "0"]);
    assert!(!version.is_prerelease());
    assert_eq!(version.year_month(), Some((2026, 6)));
    assert_eq!(sv("2026.6.0").year_month(), None);
}

#[test]
fn versions_of_different_schemes_have_no_order() {
    let error = sv("2026.6.3").cmp_precedence(&cal(MONTHLY, "2026.06.3")).unwrap_err();
    assert!(error.to_string().contains("2026.06.3 (calver:YYYY.0M.MICRO)`"), "{error}");
    assert!(!sv("2026.6.3").same_line(&cal(MONTHLY, "2026.06.3")));
}

#[test]
fn monthly_calver_is_the_documented_pattern() {
    for text in ["2026.06.0", "2026.06.3", "2026.12.10", "1000.01.1", "9999.10.123456789012345"] {
        assert_eq!(cal(MONTHLY, text).as_str(), text);
    }
    for (text, told) in [
        ("2026.6.3", "write 2026.06.3"),
        ("2026.06.03", "write 2026.06.3"),
        ("2026.6.03", "write 2026.06.3"),
        ("2026.13.0", "from 01 to 12"),
        ("2026.00.0", "from 01 to 12"),
        ("0026.06.0", "four-digit year"),
        ("26.06.0", "four-digit year"),
        ("20260.06.0", "four-digit year"),
        ("2026.006.0", "write 2026.06.0"),
        ("2026.06", "write it like 2026.06.2"),
        ("2026.06.3.1", "write it like 2026.06.2"),
        ("2026.06.3-rc.1", "write it like 2026.06.2"),
        ("2026.06.3+b", "write it like 2026.06.2"),
        ("2026-06-3", "write it like 2026.06.2"),
        ("2026.06.", "write it like 2026.06.2"),
        ("", "write it like 2026.06.2"),
        ("1.4.2", "write it like 2026.06.2"),
        ("2026.06.3\n", "remove the white space"),
        ("2026.\u{0660}6.3", "write it like 2026.06.2"),
    ] {
        let error = refusal(MONTHLY, text);
        assert_eq!(error.code(), "calver_format", "{text:?}");
        assert!(error.to_string().contains(told), "{error}");
    }
    let long = format!("2026.06.{}", "1".repeat(256));
    assert!(refusal(MONTHLY, &long).to_string().contains("at most 255 digits"));
}

#[test]
fn calver_order_is_numeric() {
    let ascending =
        ["2025.12.99", "2026.06.0", "2026.06.9", "2026.06.10", "2026.07.0", "2026.10.1"];
    assert_ascending(&ascending.map(|text| cal(MONTHLY, text)));
    let ascending = ["6.4.0", "16.10.1", "106.1.0"];
    assert_ascending(&ascending.map(|text| cal("calver:YY.MINOR.MICRO", text)));
    let ascending = ["06.04.0", "16.10.1", "106.01.0"];
    assert_ascending(&ascending.map(|text| cal("calver:0Y.0M.MICRO", text)));
}

#[test]
fn other_calver_tokens_check_their_own_writing() {
    for (pattern, good, bad) in [
        ("calver:YYYY.MM.DD", "2026.6.9", "2026.06.9"),
        ("calver:YYYY.0M.0D", "2024.02.29", "2026.02.29"),
        ("calver:YYYY.0M.0D", "2000.02.29", "1900.02.29"),
        ("calver:YYYY-0M-0D", "2026-04-30", "2026-04-31"),
        ("calver:YYYY-0M-0D", "2026-04-30", "2026.04.30"),
        ("calver:YYYY.MM.DD_MICRO", "2026.4.9_12", "2026.4.9-12"),
        ("calver:YYYY.0M.DD-MICRO", "2026.04.9-12", "2026.04.09-12"),
        ("calver:YYYY.0W.MICRO", "2026.05.1", "2026.5.1"),
        ("calver:YYYY.WW", "2026.53", "2026.54"),
        ("calver:YY.0M.MICRO", "6.10.0", "06.10.0"),
        ("calver:0Y.0M", "06.10", "6.10"),
        ("calver:0Y.0M", "106.10", "006.10"),
        ("calver:MAJOR.YYYY.MINOR.MICRO", "3.2026.0.1", "3.2026.00.1"),
        ("calver:YYYY.0M", "2026.06", "2026.06.1"),
        ("calver:YYYY", "2026", "2026.1"),
    ] {
        assert_eq!(cal(pattern, good).as_str(), good);
        assert_eq!(refusal(pattern, bad).code(), "calver_format", "{pattern} {bad}");
        let example = Scheme::parse(pattern).map(|scheme| match scheme {
            Scheme::Calver(pattern) => pattern.example(),
            Scheme::Semver => String::new(),
        });
        assert!(cal(pattern, &example.unwrap()).components().len() > 0);
    }
    assert_eq!(cal("calver:YY.0M.MICRO", "6.10.0").year_month(), Some((2006, 10)));
    assert_eq!(cal("calver:YYYY.0W.MICRO", "2026.05.1").year_month(), None);
}

#[test]
fn schemes_read_back_as_registered() {
    for text in ["semver", MONTHLY, "calver:YYYY.MM.DD-MICRO", "calver:YY.MINOR.MICRO"] {
        assert_eq!(Scheme::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn schemes_without_an_order_in_time_are_refused() {
    for (text, told) in [
        ("", "write semver"),
        ("SemVer", "small letters"),
        (" semver", "without spaces"),
        ("calver", "name the pattern"),
        ("CalVer:YYYY.0M", "small letters"),
        ("calver:", "no CalVer token"),
        ("calver:YYYY.0M.", "no CalVer token"),
        ("calver:YYYY.0M.PATCH", "write MICRO"),
        ("calver:yyyy.0m.micro", "as YYYY"),
        ("calver:YYYY0M.MICRO", "no CalVer token"),
        ("calver:MAJOR.MINOR", "no year"),
        ("calver:0M.YYYY", "YYYY cannot come after 0M"),
        ("calver:YYYY.YY", "YY cannot come after YYYY"),
        ("calver:YYYY.MICRO.MINOR", "MINOR cannot come after MICRO"),
        ("calver:YYYY.0D", "add MM or 0M"),
        ("calver:YYYY.0M.0W", "a week cannot stand"),
        ("pep440", "write semver"),
    ] {
        let error = Scheme::parse(text).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn lines_are_same_minor_or_same_month() {
    for (a, b, same) in [
        ("1.4.2", "1.4.3", true),
        ("1.4.2", "1.4.2-rc.1", true),
        ("1.4.2", "1.5.2", false),
        ("1.4.2", "2.4.2", false),
        ("0.4.2", "0.4.3", true),
    ] {
        assert_eq!(sv(a).same_line(&sv(b)), same, "{a} {b}");
        assert_eq!(sv(b).same_line(&sv(a)), same, "{b} {a}");
    }
    for (pattern, a, b, same) in [
        (MONTHLY, "2026.06.3", "2026.06.10", true),
        (MONTHLY, "2026.06.3", "2026.07.3", false),
        (MONTHLY, "2026.06.3", "2025.06.3", false),
        ("calver:YYYY.0M.0D", "2026.06.03", "2026.06.04", true),
        ("calver:YYYY.MINOR.MICRO", "2026.1.0", "2026.1.1", true),
        ("calver:YYYY.MINOR.MICRO", "2026.1.0", "2026.2.0", false),
        ("calver:YYYY.0W", "2026.05", "2026.06", false),
    ] {
        assert_eq!(cal(pattern, a).same_line(&cal(pattern, b)), same, "{a} {b}");
    }
}

#[test]
fn tags_lose_exactly_the_registered_prefix() {
    for (tag, prefix, version) in [
        ("v1.2.3", "v", Some("1.2.3")),
        ("V1.2.3", "v", None),
        ("V1.2.3", "V", None),
        ("cli/V1.2.3", "cli/V", None),
        ("DEV1.2.3", "DEV", Some("1.2.3")),
        ("1.2.3", "v", None),
        ("1.2.3", "", Some("1.2.3")),
        ("2026.06.3", "", Some("2026.06.3")),
        ("orion-cli/v1.9.0", "orion-cli/v", Some("1.9.0")),
        ("orion-web/v1.9.0", "orion-cli/v", None),
        ("v1.9.0", "orion-cli/v", None),
        ("v", "v", None),
        ("", "", None),
    ] {
        assert_eq!(tag_version(tag, prefix), version, "{tag} {prefix}");
    }
}

#[test]
fn go_modules_carry_their_major_version_in_the_path() {
    const SDK: &str = "github.com/orion/orion-sdk-go";
    for (module, version, told) in [
        (SDK, "0.3.0", None),
        (SDK, "1.9.9", None),
        (SDK, "2.1.0", Some("github.com/orion/orion-sdk-go/v2")),
        (SDK, "2.0.0-rc.1", Some("/v2")),
        (SDK, "0.0.0-20191109021931-daa7c04131f5", None),
        (SDK, "2.1.0+incompatible", None),
        (SDK, "1.1.0+incompatible", Some("v2 and later only")),
        ("github.com/orion/orion-sdk-go/v2", "2.1.0", None),
        ("github.com/orion/orion-sdk-go/v2", "3.0.0", Some("/v3")),
        ("github.com/orion/orion-sdk-go/v2", "20.0.0", Some("/v20")),
        ("github.com/orion/orion-sdk-go/v2", "1.9.0", Some("left out")),
        ("github.com/orion/orion-sdk-go/v2", "2.1.0+incompatible", Some("remove +incompatible")),
        ("github.com/orion/orion-sdk-go/v1", "1.0.0", Some("cannot end in /v1")),
        ("github.com/orion/orion-sdk-go/v0", "0.1.0", Some("cannot end in /v0")),
        ("github.com/orion/orion-sdk-go/v02", "2.1.0", Some("cannot end in /v02")),
        ("github.com/orion/orion-sdk-go/v2.1", "2.1.0", Some("cannot end in /v2.1")),
        ("github.com/orion/rev2", "1.0.0", None),
        ("github.com/orion/go1.4", "1.4.0", None),
        ("gopkg.in/yaml.v3", "3.0.1", None),
        ("gopkg.in/yaml.v3", "2.0.0", Some(".v2")),
        ("gopkg.in/yaml.v1", "1.0.0", None),
        ("gopkg.in/yaml.v0", "0.1.0", None),
        ("gopkg.in/yaml.v2-unstable", "2.0.0", None),
        ("gopkg.in/check.v1", "0.0.0-20161208181325-20d25e280405", None),
        ("gopkg.in/check.v1", "0.0.1", Some(".v0")),
        ("gopkg.in/yaml", "1.0.0", Some("ends in .vN")),
        ("gopkg.in/yaml.v", "1.0.0", Some("ends in .vN")),
        ("gopkg.in/yaml.v02", "2.0.0", Some("ends in .vN")),
        ("gopkg.in/yaml/v2", "2.0.0", Some("ends in .vN")),
        ("gopkg.in/yaml.v2", "2.0.0+incompatible", Some("remove +incompatible")),
        ("", "1.0.0", Some("no module path")),
        ("github.com/orion/sdk/", "1.0.0", Some("no module path")),
    ] {
        match (gomod::check(module, &sv(version)), told) {
            (Ok(()), None) => {}
            (Err(error), Some(told)) => {
                assert_eq!(error.code(), "go_path_major");
                assert!(error.to_string().contains(told), "{error}");
            }
            (outcome, _) => panic!("{module} {version}: {outcome:?}"),
        }
    }
    let shown = gomod::check("a/\u{1b}[31m", &sv("2.0.0")).unwrap_err().to_string();
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(gomod::check(SDK, &cal(MONTHLY, "2026.06.1")).is_err());
}

#[test]
fn change_classes_are_those_of_the_table_in_both_directions() {
    for (a, b, class) in [
        ("1.4.2", "1.4.3", "patch"),
        ("1.4.2", "1.4.9", "patch"),
        ("1.4.3", "1.5.1", "minor"),
        ("1.4.3", "1.6.3", "minor"),
        ("1.4.2", "2.0.0", "major"),
        ("1.4.2", "2.4.2", "major"),
        ("1.4.2+a", "1.4.2+b", "rebuild"),
        ("1.4.2", "1.4.2", "rebuild"),
        ("0.4.2", "0.4.3", "minor"),
        ("0.4.2", "0.5.0", "major"),
        ("0.4.2", "1.0.0", "major"),
        ("0.0.1", "0.0.2", "minor"),
        ("0.4.2", "0.4.2", "rebuild"),
    ] {
        for (live, new) in [(a, b), (b, a)] {
            let found = Scheme::Semver.change_class(Some(&sv(live)), &sv(new), false);
            assert_eq!(found.as_str(), class, "{live} to {new}");
        }
    }
    let monthly = Scheme::parse(MONTHLY).unwrap();
    for (a, b, class) in [
        ("2026.06.3", "2026.06.4", "micro"),
        ("2026.06.9", "2026.06.10", "micro"),
        ("2026.06.3", "2026.07.0", "period"),
        ("2026.06.3", "2027.06.3", "period"),
        ("2026.06.3", "2026.06.3", "rebuild"),
    ] {
        for (live, new) in [(a, b), (b, a)] {
            let (live, new) = (cal(MONTHLY, live), cal(MONTHLY, new));
            assert_eq!(monthly.change_class(Some(&live), &new, false).as_str(), class);
        }
    }
}

#[test]
fn change_classes_with_a_direction() {
    for (live, new, same_digest, class) in [
        (None, "1.0.0", false, "initial"),
        (None, "1.0.0-rc.1", true, "initial"),
        (Some("1.4.2"), "1.4.2", true, "none"),
        (Some("1.4.2"), "1.5.0-rc.1", true, "none"),
        (Some("1.4.2"), "1.4.3-rc.1", false, "prerelease"),
        (Some("1.4.3-rc.1"), "1.4.3-rc.2", false, "prerelease"),
        (Some("1.4.3-rc.1"), "1.4.3-rc.1", false, "prerelease"),
        (Some("1.4.2"), "2.0.0-rc.1", false, "prerelease"),
        (Some("1.4.3-rc.1"), "1.4.3", false, "minor"),
        (Some("1.4.3-rc.1"), "1.4.2", false, "minor"),
        (Some("1.5.0-rc.1"), "1.4.2", false, "minor"),
        (Some("2.0.0-rc.1"), "2.0.0", false, "minor"),
        (Some("2.0.0-rc.1"), "1.4.2", false, "major"),
        (Some("0.5.0-rc.1"), "0.5.0", false, "minor"),
        (Some("0.5.0-rc.1"), "0.4.0", false, "major"),
        (Some("99999999999999999999.0.0"), "99999999999999999999.0.1", false, "patch"),
    ] {
        let live = live.map(sv);
        let found = Scheme::Semver.change_class(live.as_ref(), &sv(new), same_digest);
        assert_eq!(found.as_str(), class, "{live:?} to {new}");
    }
    let after_scheme_change =
        Scheme::Semver.change_class(Some(&cal(MONTHLY, "2026.06.3")), &sv("1.0.0"), false);
    assert_eq!(after_scheme_change, ChangeClass::Major);
}

#[test]
fn change_classes_are_ordered_and_named() {
    assert!(ChangeClass::ALL.is_sorted());
    let names = ChangeClass::ALL.map(ChangeClass::as_str).join(" < ");
    assert_eq!(
        names,
        "none < micro < patch < period < minor < major < rebuild < prerelease < initial"
    );
    for class in ChangeClass::ALL {
        assert_eq!(ChangeClass::parse(&class.to_string()), Some(class));
    }
    assert_eq!(ChangeClass::parse("Minor"), None);
}
