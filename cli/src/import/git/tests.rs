//! What can be told without a repository: messages, patterns, paths, signatures.

use super::tag::TagPattern;
use super::{component_path, signature};
use crate::message::{author, cherry_picked_from, pull_request, shortened, without_addresses};

#[test]
fn a_pull_request_is_read_where_the_forges_write_it() {
    for (subject, body, number) in [
        ("feat: a thing (#123)", "", Some(123)),
        ("feat: a thing (#123) (#140)", "", Some(140)),
        ("Merge pull request #77 from someone/branch", "", Some(77)),
        ("Merge branch 'x' into 'main'", "feat\n\nSee merge request group/project!9", Some(9)),
        ("fix: closes (#abc)", "", None),
        ("fix: #123", "", None),
        ("fix: (#99999999999999999999999)", "", None),
    ] {
        assert_eq!(pull_request(subject, body), number, "{subject}");
    }
}

#[test]
fn the_nearest_original_of_a_pick_counts() {
    let (first, second) = ("a".repeat(40), "b".repeat(40));
    let body = format!(
        "text\n\n(cherry picked from commit {first})\n(cherry picked from commit {second})\n"
    );
    assert_eq!(cherry_picked_from(&body), Some(second.as_str()));
    assert_eq!(cherry_picked_from(&format!("cherry picked from commit {first}.")), Some(&*first));
    assert_eq!(cherry_picked_from("(cherry picked from commit somewhere)"), None);
}

#[test]
fn addresses_are_left_out_and_nothing_else() {
    let text = "Co-authored-by: A B <a.b@example.org>\nif a < b and c > d: x@y <not one>";
    let kept = "Co-authored-by: A B\nif a < b and c > d: x@y <not one>";
    assert_eq!(without_addresses(text), kept);
    assert_eq!(author("jane@example.org"), "jane");
    assert_eq!(author("@octocat"), "octocat");
    assert_eq!(author("  \u{7} "), "unknown");
}

#[test]
fn a_message_of_opening_brackets_costs_no_square() {
    let text = "<".repeat(2_000_000);
    assert_eq!(without_addresses(&text), text);
}

#[test]
fn a_long_message_keeps_its_beginning_and_its_end() {
    let text = format!("start{}BREAKING CHANGE: all", "\u{e9}".repeat(10_000));
    let short = shortened(&text, 1000).expect("it is too long");
    assert!(short.len() < 1100 && short.starts_with("start") && short.ends_with("all"), "{short}");
    assert_eq!(shortened("short", 1000), None);
}

#[test]
fn a_pattern_takes_the_version_out_of_a_tag() {
    let pattern = |text| TagPattern::parse(text).expect("a pattern");
    assert_eq!(pattern("core/v*").version("core/v1.2.3"), Some("1.2.3"));
    assert_eq!(pattern("core/v*").version("v1.2.3"), None);
    assert_eq!(pattern("v*-lts").version("v1.2-lts"), Some("1.2"));
    assert_eq!(pattern("v*").version("v"), None);
    assert!(TagPattern::parse("v1").is_err());
    assert!(TagPattern::parse("v*.*").is_err());
}

#[test]
fn a_path_stays_inside_the_repository() {
    let path = |text| component_path(text).ok().flatten();
    assert_eq!(path("./a//b/"), Some("a/b".to_owned()));
    assert!(matches!(component_path("."), Ok(None)));
    for outside in ["", "/etc", "../x", "a/../../b", "a\nb"] {
        assert!(component_path(outside).is_err(), "{outside:?}");
    }
}

#[test]
fn a_signature_names_its_key_and_a_broken_one_nobody() {
    let ssh = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAAAJobwAAAAA=\n\
               -----END SSH SIGNATURE-----\n";
    assert_eq!(signature::kind(ssh.as_bytes()), Some("ssh"));
    // SHA-256 of the two bytes that stand where the key belongs.
    let name = signature::signer(ssh.as_bytes());
    assert_eq!(name.as_deref(), Some("SHA256:qCHGLoEE+FGdY5tMCUiuzmQbFD9mAfoUWZO7LixymdQ"));
    for broken in ["", "-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END", "-----BEGIN PGP X\n\n\n"] {
        assert_eq!(signature::signer(broken.as_bytes()), None, "{broken}");
    }
}
