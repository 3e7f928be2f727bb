//! What an event of a service is about: component, version, environment, targets, stage.
//!
//! A service knows a repository, a tag and an environment of its own; the book knows what was
//! registered. Only what matches exactly one registration is taken, everything else is asked for.

use super::Context;
use super::document::Document;
use super::error::IngestError;

/// What is asked about, for messages.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Asked<'a> {
    /// The file.
    pub(in crate::ingest) document: &'a Document,
    /// What the caller knows.
    pub(in crate::ingest) context: &'a Context,
    /// What the file is, such as "the webhook `deployment`".
    pub(in crate::ingest) what: &'a str,
}

/// A registered environment.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Scene {
    pub(in crate::ingest) environment: String,
    pub(in crate::ingest) targets: Vec<String>,
}

impl<'a> Asked<'a> {
    /// Makes the error that says what to give.
    pub(in crate::ingest) fn needs(
        &self,
        field: &'static str,
        missing: impl Into<String>,
        remedy: impl Into<String>,
    ) -> IngestError {
        IngestError::Needs {
            file: self.document.name().to_owned(),
            what: self.what.to_owned(),
            missing: missing.into(),
            remedy: remedy.into(),
            field,
        }
    }

    /// Makes the error that says why there is no event.
    pub(in crate::ingest) fn no_event(&self, reason: impl Into<String>) -> IngestError {
        IngestError::NoEvent {
            file: self.document.name().to_owned(),
            what: self.what.to_owned(),
            reason: reason.into(),
        }
    }

    /// Returns the component: the one given, else the only one registered with one of the
    /// `repositories` whose tag prefix and scheme fit `tag`.
    pub(in crate::ingest) fn component(
        &self,
        repositories: &[&str],
        tag: Option<&str>,
    ) -> Result<String, IngestError> {
        let names: Vec<&str> = self.context.registry.components().map(|(name, _)| name).collect();
        let at_home = |name: &&str| {
            let registered = self.context.registry.component(name);
            let home = registered.and_then(|component| component.spec.repository.as_deref());
            home.is_some_and(|home| repositories.iter().any(|seen| same_repository(home, seen)))
        };
        let own: Vec<&str> = names.iter().copied().filter(at_home).collect();
        if let Some(given) = &self.context.component {
            // What is registered for one of its own can be somewhere else, such as an image.
            if own.is_empty() || own.contains(&given.as_str()) {
                return Ok(given.clone());
            }
            return Err(self.no_event(format!(
                "is of the repository {}, which is registered for {}, not for {given}; leave \
                 --component out",
                repositories.first().unwrap_or(&""),
                own.join(", ")
            )));
        }
        // A component that is registered elsewhere is not meant; one registered nowhere may be.
        let homeless = |name: &&str| {
            let registered = self.context.registry.component(name);
            registered.is_some_and(|component| component.spec.repository.is_none())
        };
        let mut found = match (own.is_empty(), tag) {
            (false, _) => own,
            (true, Some(_)) => names.into_iter().filter(homeless).collect(),
            (true, None) => Vec::new(),
        };
        if let Some(tag) = tag {
            found.retain(|name| version_of_tag(self.context, name, tag).is_some());
        }
        match found.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => Err(IngestError::NoComponent { file: self.document.name().to_owned() }),
            several => Err(IngestError::SeveralComponents {
                file: self.document.name().to_owned(),
                what: self.what.to_owned(),
                shown: several.join(", "),
            }),
        }
    }

    /// Returns the version: that of the tag, else the one given. One that was given and is another
    /// contradicts the file.
    pub(in crate::ingest) fn version_of(
        &self,
        component: &str,
        tag: &str,
    ) -> Result<String, IngestError> {
        let (named, given) = (version_of_tag(self.context, component, tag), &self.context.version);
        if let (Some(named), Some(given)) = (&named, given)
            && named != given
        {
            return Err(IngestError::Differs {
                file: self.document.name().to_owned(),
                field: "version",
                given: given.clone(),
                found: format!("{named} (the tag `{tag}`)"),
            });
        }
        named.or_else(|| given.clone()).ok_or_else(|| {
            self.needs(
                "version",
                format!("is of the tag `{tag}`, which names no version of `{component}`"),
                "say --version, or register the component's tag_prefix",
            )
        })
    }

    /// Returns the registered environment: the one given, else the one of the source's name, in
    /// whichever case it writes it.
    pub(in crate::ingest) fn scene(&self, raw: Option<&str>) -> Result<Scene, IngestError> {
        let given = self.context.environment.as_deref();
        let Some(wanted) = given.or(raw) else {
            return Err(self.needs(
                "environment",
                "names no environment",
                "name it with --environment",
            ));
        };
        let all: Vec<_> = self.context.registry.environments().collect();
        let exact = all.iter().find(|(name, _)| *name == wanted);
        let folded: Vec<_> =
            all.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).collect();
        let found = exact.or(match folded.as_slice() {
            [one] => Some(*one),
            _ => None,
        });
        let Some((environment, targets)) = found else {
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            let known = match names.is_empty() {
                true => "none is registered".to_owned(),
                false => format!("registered are {}", names.join(", ")),
            };
            return Err(self.needs(
                "environment",
                format!("is about the environment `{wanted}`, which is not registered"),
                format!("name a registered one with --environment ({known})"),
            ));
        };
        Ok(Scene { environment: (*environment).to_owned(), targets: targets.to_vec() })
    }

    /// Refuses something that is merely called like a suite that gates know; `why` says why its
    /// outcome proves no such suite.
    pub(in crate::ingest) fn not_like_a_gate(
        &self,
        name: Option<&str>,
        why: &str,
    ) -> Result<(), IngestError> {
        const GATED: [&str; 6] = ["unit", "lint", "smoke", "integration", "contract", "slo"];
        let Some(name) = name.filter(|_| self.context.suite.is_none()) else { return Ok(()) };
        if !GATED.iter().any(|suite| suite.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        let suite = name.to_lowercase();
        Err(self.needs(
            "suite",
            format!("is called `{name}`, and {why}"),
            format!("ingest its test report, or say --suite {suite} if that is what it is"),
        ))
    }

    /// Returns the stage: the one given, else the environment where it is called like one.
    pub(in crate::ingest) fn stage(&self, environment: &str) -> Result<String, IngestError> {
        const STAGES: [&str; 4] = ["dev", "staging", "canary", "production"];
        if let Some(stage) = &self.context.stage {
            return Ok(stage.clone());
        }
        let stage = STAGES.iter().find(|stage| stage.eq_ignore_ascii_case(environment));
        stage.map(|stage| (*stage).to_owned()).ok_or_else(|| {
            self.needs(
                "stage",
                format!("is about the environment `{environment}`, which is no stage by its name"),
                "say which with --stage dev, staging, canary or production",
            )
        })
    }
}

/// Returns the version that a tag names for a component: its prefix, then a version of its scheme.
pub(in crate::ingest) fn version_of_tag(
    context: &Context,
    component: &str,
    tag: &str,
) -> Option<String> {
    let component = context.registry.component(component)?;
    let version = tag.strip_prefix(component.tag_prefix())?;
    component.scheme.parse_version(version).ok()?;
    Some(version.to_owned())
}

/// Compares a registered repository with one that a service names, as `owner/name` or address.
fn same_repository(registered: &str, seen: &str) -> bool {
    let plain = |text: &str| {
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let text = text.trim_end_matches('/').trim_end_matches(".git");
        text.to_ascii_lowercase()
    };
    let (registered, seen) = (plain(registered), plain(seen));
    // `owner/name` was registered where the host goes without saying.
    registered == seen
        || (registered.matches('/').count() == 1 && seen.ends_with(&format!("/{registered}")))
}
