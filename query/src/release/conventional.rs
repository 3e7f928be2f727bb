//! Commit messages by Conventional Commits 1.0.0, as far as they follow it.

use git_conventional::Commit;

/// What a commit message says of itself; all empty where it does not follow the convention.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conventional {
    /// The type in lower case, such as `fix`.
    pub kind: Option<String>,
    /// The scope.
    pub scope: Option<String>,
    /// Whether it says that it breaks something.
    pub breaking: bool,
}

/// Reads a subject and body.
pub fn parse(subject: &str, body: Option<&str>) -> Conventional {
    let message = match body.map(str::trim).filter(|body| !body.is_empty()) {
        Some(body) => format!("{subject}\n\n{body}"),
        None => subject.to_owned(),
    };
    // A body that is no valid footer block must not cost us the type in the subject.
    match Commit::parse(&message).or_else(|_| Commit::parse(subject)) {
        Ok(commit) => Conventional {
            kind: Some(commit.type_().as_str().to_lowercase()),
            scope: commit.scope().map(|scope| scope.as_str().to_owned()),
            breaking: commit.breaking(),
        },
        Err(_) => Conventional::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_specification() {
        for (subject, body, kind, scope, breaking) in [
            ("fix(auth): token refresh", None, Some("fix"), Some("auth"), false),
            ("FEAT: shout", None, Some("feat"), None, false),
            ("feat(api)!: drop v1", None, Some("feat"), Some("api"), true),
            ("fix: x", Some("BREAKING CHANGE: y"), Some("fix"), None, true),
            ("fix: x", Some("text\n\nBREAKING-CHANGE: y"), Some("fix"), None, true),
            ("fix: x", Some("a breaking change in words"), Some("fix"), None, false),
            ("Merge pull request #3 from a/b", None, None, None, false),
            ("", None, None, None, false),
        ] {
            let got = parse(subject, body);
            assert_eq!(
                (got.kind.as_deref(), got.scope.as_deref(), got.breaking),
                (kind, scope, breaking),
                "{subject}"
            );
        }
    }
}
