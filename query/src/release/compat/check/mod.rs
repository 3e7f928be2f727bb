//! Checks that a matrix is coherent: the codes M01 to M14 of semantics A.13.
//!
//! A row that cannot be read (M01, M02, M03, M13) is left out of the other checks, so one typing
//! error is reported once, and as what follows from the row's absence. What cannot be checked for
//! want of facts is said in [`Checked::unchecked`], and never counts as coherent by silence.

mod chart;
mod finding;
mod rows;

pub use finding::{Checked, Code, Finding, Severity};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use relbook_ledger::event::{Body, TestResult};

use super::live::short_name;
use super::{Compatibility, LiveComponent, Matrix, Released};
use crate::release::index::Key;
use crate::release::product::{Component, Environment};
use crate::release::{Core, FactsError};

/// Everything that the checks read, read once.
struct Check {
    /// The whole matrix.
    matrix: Matrix,
    /// Its readable rows beside what is live.
    sound: Compatibility,
    /// The matrix before it beside what is live.
    before: Option<Compatibility>,
    /// The components that a row must speak of, by short name, with their released versions.
    subjects: Vec<Subject>,
    /// The component whose version the charts name.
    application: Option<Arc<Component>>,
    checked: Checked,
}

/// A component of the matrix.
struct Subject {
    component: Arc<Component>,
    released: Vec<Released>,
    is_chart: bool,
    /// Digests and commits whose last contract check passed.
    contracts: BTreeSet<String>,
}

impl Subject {
    fn key(&self) -> &str {
        short_name(&self.component)
    }

    /// Tells whether it is offered to users by version: CLI, SDK, chart.
    fn is_published(&self) -> bool {
        self.component.is_published()
    }
}

impl Core<'_> {
    /// Checks a matrix against what was released and what is live in an environment. `before` is
    /// the matrix that it replaces; `supposing` puts a version in place of what is live of a
    /// component.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn check_matrix(
        &self,
        matrix: Matrix,
        before: Option<Matrix>,
        environment: &Environment,
        supposing: Option<(&str, &str)>,
    ) -> Result<Checked, FactsError> {
        let subjects = self.subjects(&matrix)?;
        let components: Vec<_> = subjects.iter().map(|s| Arc::clone(&s.component)).collect();
        let mut checked = Checked::default();
        rows::unreadable(&matrix, &subjects, &self.known_keys()?, &mut checked);
        let mut sound = matrix.clone();
        sound.rows.retain(|row| !checked.findings.iter().any(|f| f.row.as_ref() == Some(&row.id)));
        let suppose = |compatibility: Compatibility| {
            let supposed = supposing.and_then(|(c, v)| compatibility.supposing(c, v));
            supposed.unwrap_or(compatibility)
        };
        let live = self.live_components(&components, environment)?;
        let before = match before {
            Some(before) => Some(suppose(self.live_beside(before, environment)?)),
            None => None,
        };
        let application = chart::application(&subjects);
        let sound = suppose(Compatibility { matrix: sound, live });
        let mut check = Check { matrix, sound, before, subjects, application, checked };
        check.run();
        Ok(check.checked)
    }

    /// Returns the components of a matrix and those that it must not forget: published ones with
    /// an alias of which something was released.
    fn subjects(&self, matrix: &Matrix) -> Result<Vec<Subject>, FactsError> {
        let mut subjects = Vec::new();
        for component in self.components()? {
            let released = self.released(&component)?;
            let offered =
                component.is_published() && component.spec.alias.is_some() && !released.is_empty();
            if !(offered || matrix.covers(&component.name)) {
                continue;
            }
            subjects.push(Subject {
                is_chart: chart::is_chart(&component, &released),
                contracts: self.contracts(&component.name)?,
                component,
                released,
            });
        }
        subjects.sort_by(|a, b| a.key().cmp(b.key()));
        Ok(subjects)
    }

    fn known_keys(&self) -> Result<Vec<String>, FactsError> {
        Ok(self.components()?.iter().map(|c| short_name(c).to_owned()).collect())
    }

    /// Returns the digests and commits of a component whose last contract check passed.
    fn contracts(&self, component: &str) -> Result<BTreeSet<String>, FactsError> {
        let key = Key::Suite { component: component.to_owned(), suite: "contract".to_owned() };
        let mut last: BTreeMap<String, bool> = BTreeMap::new();
        for fact in self.facts().find(&key)? {
            if let Body::CheckCompleted(check) = fact.body() {
                let passed = check.result == TestResult::Pass;
                let digest = check.digest.as_ref().map(ToString::to_string);
                let commit = check.commit.as_ref().map(ToString::to_string);
                for subject in digest.into_iter().chain(commit) {
                    last.insert(subject, passed);
                }
            }
        }
        Ok(last.into_iter().filter(|(_, passed)| *passed).map(|(subject, _)| subject).collect())
    }
}

impl Check {
    fn run(&mut self) {
        let mut found = std::mem::take(&mut self.checked.findings);
        found.extend(self.unmatched_ranges());
        found.extend(self.overlaps());
        found.extend(self.charts_outside());
        found.extend(self.releases_in_no_row());
        found.extend(self.unsupported_live_sets());
        found.extend(self.unproven_pairs());
        found.extend(self.stale_chart());
        found.extend(self.lost_rows());
        let number = |f: &Finding| {
            let row = f.row.as_deref().and_then(|id| id.strip_prefix('r'));
            row.and_then(|number| number.parse::<usize>().ok()).unwrap_or(usize::MAX)
        };
        found.sort_by_key(|finding| (number(finding), finding.code));
        for finding in &mut found {
            finding.evidence.extend(self.matrix.seq);
        }
        let silent = self.sound.live.iter().filter(|live| live.members.is_empty());
        let absent = silent.map(|live| {
            let detail = format!("nothing of {} is live: it is in no live set", live.key());
            ("not_live", detail)
        });
        self.checked.unchecked.extend(absent);
        self.checked.findings = found;
    }

    fn subject(&self, component: &str) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.component.name == component)
    }

    fn live(&self, component: &str) -> Option<&LiveComponent> {
        self.sound.live_of(component)
    }

    /// M08 and M10: what users can get and no row speaks of. Pre-releases are not offered.
    fn releases_in_no_row(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for subject in self.subjects.iter().filter(|subject| subject.is_published()) {
            let name = subject.component.name.as_str();
            for released in subject.released.iter().filter(|r| !r.version.is_prerelease()) {
                if self.sound.matrix.rows.iter().any(|row| row.holds(name, &released.text)) {
                    continue;
                }
                let code = if subject.is_chart { Code::M08 } else { Code::M10 };
                let detail = format!("{} {} is in no row", subject.key(), released.text);
                found.push(Finding::new(code, None, Some(subject.key()), detail, [released.seq]));
            }
        }
        found
    }

    /// M09: what is live together and no single row holds.
    fn unsupported_live_sets(&self) -> Vec<Finding> {
        let compat = self.sound.judge();
        let finding = |set: &super::LiveSet| {
            let detail = format!("{set} are live together and in no single row");
            Finding::new(Code::M09, None, None, detail, compat.evidence.iter().copied())
        };
        compat.failing.iter().map(finding).collect()
    }

    /// M11: a row pairs a published component with a deployed one; somebody should have tried it.
    fn unproven_pairs(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let users = || self.subjects.iter().filter(|s| s.is_published() && !s.is_chart);
        for row in &self.sound.matrix.rows {
            let proven = |subject: &Subject| {
                let held =
                    subject.released.iter().filter(|r| row.holds(&subject.component.name, &r.text));
                held.into_iter().any(|r| {
                    let commit = r.commit.as_ref();
                    subject.contracts.contains(&r.digest)
                        || commit.is_some_and(|commit| subject.contracts.contains(commit))
                })
            };
            for server in self.subjects.iter().filter(|s| !s.is_published()) {
                for user in users().filter(|user| !proven(user) && !proven(server)) {
                    let detail = format!(
                        "no passing contract check of a version of {} or {} in this row",
                        user.key(),
                        server.key()
                    );
                    let key = format!("{}, {}", user.key(), server.key());
                    found.push(Finding::new(Code::M11, Some(&row.id), Some(&key), detail, []));
                }
            }
        }
        found
    }

    /// M14: a row that the live set stands in must stay as wide as it is.
    fn lost_rows(&self) -> Vec<Finding> {
        let Some(before) = &self.before else { return Vec::new() };
        let sets = before.sets();
        let mut found = Vec::new();
        for row in before.matrix.rows.iter().filter(|row| row.is_sound()) {
            let stands = |set: &&super::LiveSet| {
                set.versions().all(|(c, version)| version.is_some_and(|v| row.holds(c, v)))
            };
            let Some(set) = sets.iter().find(stands) else { continue };
            if self.sound.matrix.rows.iter().any(|new| rows::covers(new, row)) {
                continue;
            }
            let detail = format!(
                "{} of the matrix before holds the live set {set}; no row is as wide any more",
                row.id
            );
            let evidence = before.judge().evidence;
            found.push(Finding::new(Code::M14, Some(&row.id), None, detail, evidence));
        }
        found
    }
}
