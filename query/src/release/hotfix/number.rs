//! The version of a hotfix: the next number that nothing has used (semantics A.11).
//!
//! A number is used by any build, tag or publish, also by a failed build or a pre-release: what
//! was once called so must not be called so again.

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;
use relbook_ledger::version::{Scheme, Version, tag_version};

use crate::release::Core;
use crate::release::fact::FactsError;
use crate::release::index::Key;
use crate::release::product::Component;

impl Core<'_> {
    /// Returns every version that a build, tag or publish of a component used.
    fn used_versions(&self, component: &Component) -> Result<Vec<Version>, FactsError> {
        let name = || component.name.clone();
        let mut used = Vec::new();
        let mut add = |text: &str| used.extend(component.scheme.parse_version(text).ok());
        for fact in self.facts.find(&Key::Builds { component: name() })? {
            if let Body::BuildCompleted(build) = fact.body() {
                add(&build.version);
            }
        }
        let prefix = component.spec.tag_prefix.as_deref().unwrap_or_default();
        for fact in self.facts.find(&Key::Tags { component: name() })? {
            let (tag, version) = match fact.body() {
                Body::TagCreated(t) => (&t.tag, &t.version),
                Body::TagMoved(t) => (&t.tag, &t.version),
                _ => continue,
            };
            match version.as_deref().or_else(|| tag_version(tag, prefix)) {
                Some(version) => add(version),
                None => continue,
            }
        }
        for fact in self.facts.find(&Key::Publishes { component: name() })? {
            if let Body::ReleasePublished(release) = fact.body() {
                add(&release.version);
            }
        }
        Ok(used)
    }

    /// Returns the version that a hotfix of `base` gets; none when the scheme has no number for
    /// it.
    pub(super) fn next_version(
        &self,
        component: &Component,
        base: &Version,
        now: Time,
    ) -> Result<Option<String>, FactsError> {
        let spell = |number: u64| match &component.scheme {
            Scheme::Semver => {
                let mut numbers = base.components();
                Some(format!("{}.{}.{number}", numbers.next()?, numbers.next()?))
            }
            Scheme::Calver(pattern) => pattern.dated(now.year_month_day(), base, number),
        };
        let first = spell(0).and_then(|text| component.scheme.parse_version(&text).ok());
        let Some(first) = first else { return Ok(None) };
        let last = |version: &Version| version.components().last()?.parse::<u64>().ok();
        let used = self.used_versions(component)?;
        let highest =
            used.iter().filter(|version| version.same_line(&first)).filter_map(last).max();
        let next = match highest {
            Some(highest) => highest.checked_add(1),
            None => Some(0),
        };
        Ok(next.and_then(spell))
    }
}
