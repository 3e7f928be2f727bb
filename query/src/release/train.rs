//! Release trains: was the branch cut, filled and tagged as agreed (semantics A.12)?
//!
//! A train is a branch `release/vX.Y`; its tag is `vX.Y.0`. Every rule that does not hold is a
//! finding T1 to T9; what the log does not show is a finding too, because nothing proves the rule.

use std::collections::BTreeSet;
use std::sync::Arc;

use relbook_ledger::event::Body;
use relbook_ledger::event::source::CommitMerged;
use relbook_ledger::time::Time;
use relbook_ledger::version::{Version, gomod, tag_version};

use super::change::merged;
use super::conventional;
use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::listing::TRAIN_BRANCH;
use super::{Component, Core};

const WEEK_SECONDS: i64 = 7 * 24 * 3600;

/// The tag of a train.
#[derive(Debug, Clone)]
pub struct TrainTag {
    /// The tag.
    pub tag: String,
    /// The version that it names.
    pub version: Version,
    /// The commit that it points to now.
    pub commit: String,
    /// When it was made.
    pub made_at: Time,
    /// The place of the event that says where it points now.
    pub moment: Moment,
}

/// A rule that a train does not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainFinding {
    /// `T1` to `T9`.
    pub code: &'static str,
    /// The commit that it is about.
    pub commit: Option<String>,
    /// What is wrong.
    pub detail: String,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

/// A train with its findings.
#[derive(Debug, Clone)]
pub struct Train {
    /// The component.
    pub component: String,
    /// The branch.
    pub branch: String,
    /// Its tag, once there is one.
    pub tag: Option<TrainTag>,
    /// The findings, by code, commits oldest first.
    pub findings: Vec<TrainFinding>,
    /// The seqs that the train rests on.
    pub evidence: Vec<u64>,
}

/// What the rules of one train look at.
struct Case<'a> {
    component: &'a Component,
    branch: &'a str,
    line: (String, String),
    cut: &'a Fact,
    base: &'a str,
    findings: Vec<TrainFinding>,
    /// The seqs that were looked at.
    evidence: Vec<u64>,
}

impl Case<'_> {
    fn find(&mut self, code: &'static str, commit: Option<&str>, detail: String, seqs: &[u64]) {
        let mut evidence = vec![self.cut.seq];
        evidence.extend(seqs);
        let commit = commit.map(str::to_owned);
        self.findings.push(TrainFinding { code, commit, detail, evidence });
    }
}

impl Core<'_> {
    /// Returns the trains of a component, in the order of their cuts.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn trains(&self, component: &Component) -> Result<Vec<Train>, FactsError> {
        let mut trains: Vec<Train> = Vec::new();
        for cut in self.facts.find(&Key::Branches { component: component.name.clone() })? {
            let Body::BranchCreated(spec) = cut.body() else { continue };
            let Some(line) = line_of(&spec.branch) else { continue };
            if trains.iter().any(|train| *train.branch == *spec.branch) {
                continue;
            }
            let case = Case {
                component,
                branch: &spec.branch,
                line,
                cut: &cut,
                base: &spec.base_commit,
                findings: Vec::new(),
                evidence: vec![cut.seq, component.seq],
            };
            trains.push(self.train(case)?);
        }
        Ok(trains)
    }

    fn train(&self, mut case: Case<'_>) -> Result<Train, FactsError> {
        let commits = self.facts.find(&Key::TrainCommits {
            component: case.component.name.clone(),
            branch: case.branch.to_owned(),
        })?;
        self.cut(&mut case)?;
        let tag = self.train_tag(&case, &commits)?;
        if let Some(tag) = &tag {
            case.evidence.push(tag.moment.seq);
            self.contents(&mut case, tag)?;
            tagging(&mut case, tag, &commits);
            self.published_from(&mut case, tag)?;
        }
        let Case { component, branch, mut findings, evidence, .. } = case;
        // Stable: within a code the commits keep their topological order.
        findings.sort_by_key(|finding| finding.code);
        Ok(Train {
            component: component.name.clone(),
            branch: branch.to_owned(),
            tag,
            findings,
            evidence,
        })
    }

    /// T1 and T2: when and where the branch was cut.
    fn cut(&self, case: &mut Case<'_>) -> Result<(), FactsError> {
        let at = case.cut.moment().at;
        let (_, _, day) = at.year_month_day();
        let base = case.base.to_owned();
        if day != 1 {
            let detail = format!("cut at {at}, which is day {day} of the month and not day 1");
            case.find("T1", Some(&base), detail, &[]);
        }
        let merges = self.facts.find(&Key::Commit { commit: base.clone() })?;
        case.evidence.extend(merges.iter().map(|fact| fact.seq));
        match self.on_main(&base)? {
            Some(true) => {}
            Some(false) => {
                let detail = format!("the base commit {base} did not reach main");
                case.find("T2", Some(&base), detail, &[]);
            }
            None => {
                let detail = format!("the log has no merge of the base commit {base}");
                case.find("T2", Some(&base), detail, &[]);
            }
        }
        Ok(())
    }

    /// Returns the tag of the train: `vX.Y.0`, else the first full release on the branch.
    fn train_tag(
        &self,
        case: &Case<'_>,
        commits: &[Arc<Fact>],
    ) -> Result<Option<TrainTag>, FactsError> {
        let prefix = case.component.spec.tag_prefix.as_deref().unwrap_or_default();
        let mut tags: Vec<TrainTag> = Vec::new();
        for fact in self.facts.find(&Key::Tags { component: case.component.name.clone() })? {
            let (tag, version, commit) = match fact.body() {
                Body::TagCreated(t) => (&t.tag, &t.version, &t.commit),
                Body::TagMoved(t) => (&t.tag, &t.version, &t.commit),
                _ => continue,
            };
            let named = version.as_deref().or_else(|| tag_version(tag, prefix));
            let parsed = named.and_then(|v| case.component.scheme.parse_version(v).ok());
            let Some(version) = parsed.filter(|version| !version.is_prerelease()) else {
                continue;
            };
            let moment = fact.moment();
            match tags.iter_mut().find(|known| *known.tag == **tag) {
                Some(known) => {
                    known.commit = commit.to_string();
                    known.moment = moment;
                }
                None => tags.push(TrainTag {
                    tag: tag.to_string(),
                    version,
                    commit: commit.to_string(),
                    made_at: moment.at,
                    moment,
                }),
            }
        }
        let on_branch = |tag: &TrainTag| {
            commits.iter().filter_map(|fact| merged(fact)).any(|m| *m.commit == *tag.commit)
        };
        let exact = tags.iter().find(|tag| numbers(&tag.version) == (case.line.clone(), true));
        let other = || {
            let since = tags.iter().filter(|tag| tag.made_at >= case.cut.moment().at);
            since.clone().find(|tag| numbers(&tag.version).0 == case.line || on_branch(tag))
        };
        Ok(exact.or_else(other).cloned())
    }

    /// T3 and T4: what is between the base and the tag.
    fn contents(&self, case: &mut Case<'_>, tag: &TrainTag) -> Result<(), FactsError> {
        let (added, unknown) =
            self.added_or_unknown(&case.component.name, &[case.base], &tag.commit)?;
        for commit in &unknown {
            let detail = format!("the log has no merge of {commit}, so what it brings is unknown");
            case.find("T3", Some(commit), detail, &[tag.moment.seq]);
        }
        for fact in &added {
            case.evidence.push(fact.seq);
            let Some(merge) = merged(fact) else { continue };
            let said = conventional::parse(&merge.subject, merge.body.as_deref());
            let is_fix = said.kind.as_deref() == Some("fix");
            let is_release =
                said.kind.as_deref() == Some("chore") && said.scope.as_deref() == Some("release");
            if said.breaking || !(is_fix || is_release) {
                let what = if said.breaking { "breaks something" } else { "is no fix" };
                let detail = format!("`{}` {what}", merge.subject);
                case.find("T3", Some(&merge.commit), detail, &[fact.seq]);
            }
            if is_fix && let Some(detail) = self.not_on_main(merge)? {
                case.find("T4", Some(&merge.commit), detail, &[fact.seq]);
            }
        }
        Ok(())
    }

    /// Returns why a fix does not count as one that main has too.
    fn not_on_main(&self, merge: &CommitMerged) -> Result<Option<String>, FactsError> {
        if self.on_main(&merge.commit)? == Some(true) {
            return Ok(None);
        }
        let Some(original) = merge.cherry_picked_from.as_deref() else {
            return Ok(Some(format!("`{}` was not picked from main", merge.subject)));
        };
        Ok(match self.on_main(original)? {
            Some(true) => None,
            Some(false) => Some(format!("picked from {original}, which did not reach main")),
            None => Some(format!("picked from {original}, of which the log has no merge")),
        })
    }

    /// T8 and T9: what was published under the version of the tag.
    fn published_from(&self, case: &mut Case<'_>, tag: &TrainTag) -> Result<(), FactsError> {
        let name = &case.component.name;
        let registered = case.component.spec.go_module.as_deref();
        let mut modules: Vec<(String, Vec<u64>)> = Vec::new();
        for fact in self.facts.find(&Key::Publishes { component: name.clone() })? {
            let Body::ReleasePublished(release) = fact.body() else { continue };
            if *release.version != *tag.version.as_str() {
                continue;
            }
            let origin = self.origin(name, &release.digest, Some(&release.version))?;
            let mut seqs = vec![fact.seq, tag.moment.seq];
            seqs.extend(origin.iter().map(|origin| origin.seq));
            case.evidence.extend(&seqs);
            let commit =
                origin.map(|o| o.commit).or(release.commit.as_ref().map(|c| c.to_string()));
            let detail = match commit {
                Some(commit) if commit == tag.commit => None,
                Some(commit) => Some(format!(
                    "{} was built from {commit}, {} points to {}",
                    release.digest, tag.tag, tag.commit
                )),
                None => Some(format!("the log has no build of {}", release.digest)),
            };
            if let Some(detail) = detail {
                case.find("T8", Some(&tag.commit), detail, &seqs);
            }
            let module = release.go_module.as_ref().map(ToString::to_string);
            if let Some(module) = module.filter(|m| modules.iter().all(|(known, _)| known != m)) {
                modules.push((module, vec![fact.seq]));
            }
        }
        if modules.is_empty() {
            modules.extend(registered.map(|module| (module.to_owned(), vec![case.component.seq])));
        }
        for (module, seqs) in modules {
            if let Err(error) = gomod::check(&module, &tag.version) {
                case.find("T9", Some(&tag.commit), error.to_string(), &seqs);
            }
        }
        Ok(())
    }
}

/// T5, T6 and T7: when the tag was made, its name, and where it points.
fn tagging(case: &mut Case<'_>, tag: &TrainTag, commits: &[Arc<Fact>]) {
    let seqs = [tag.moment.seq];
    let due = case.cut.moment().at.plus_seconds(WEEK_SECONDS);
    if tag.made_at < due {
        let made = tag.made_at;
        let detail = format!("{} was made at {made}, 168 h after the cut is {due}", tag.tag);
        case.find("T5", Some(&tag.commit), detail, &seqs);
    }
    let (major, minor) = &case.line;
    let prefix = case.component.spec.tag_prefix.as_deref().unwrap_or_default();
    let name =
        tag_version(&tag.tag, prefix).and_then(|v| case.component.scheme.parse_version(v).ok());
    let wanted = (case.line.clone(), true);
    if numbers(&tag.version) != wanted || name.is_none_or(|name| numbers(&name) != wanted) {
        let detail = format!("{} is not {prefix}{major}.{minor}.0 of {}", tag.tag, case.branch);
        case.find("T6", Some(&tag.commit), detail, &seqs);
    }
    let head = head(commits, tag);
    let commit = head.and_then(|fact| merged(fact)).map_or(case.base, |m| m.commit.as_str());
    if commit != tag.commit {
        let detail =
            format!("{} points to {}, the head of the branch was {commit}", tag.tag, tag.commit);
        let seqs: Vec<u64> = seqs.into_iter().chain(head.map(|fact| fact.seq)).collect();
        case.find("T7", Some(&tag.commit), detail, &seqs);
    }
}

/// Returns the head of the branch when it was tagged: the newest commit that is nobody's parent.
/// The branch may go on after its tag; the commit that the tag names was there in any case.
fn head<'a>(commits: &'a [Arc<Fact>], tag: &TrainTag) -> Option<&'a Arc<Fact>> {
    let there = |fact: &&Arc<Fact>| {
        fact.moment() < tag.moment || merged(fact).is_some_and(|m| *m.commit == *tag.commit)
    };
    let before: Vec<&Arc<Fact>> = commits.iter().filter(there).collect();
    let parents: BTreeSet<&str> = before
        .iter()
        .filter_map(|fact| merged(fact))
        .flat_map(|merge| merge.parents.iter().map(|parent| parent.as_str()))
        .collect();
    let tip =
        |fact: &&&Arc<Fact>| merged(fact).is_some_and(|m| !parents.contains(m.commit.as_str()));
    before.iter().filter(tip).max_by_key(|fact| fact.moment()).copied()
}

/// Returns X and Y of a version, and whether its Z is 0.
fn numbers(version: &Version) -> ((String, String), bool) {
    let mut parts = version.components().map(str::to_owned);
    let line = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (line, parts.next().as_deref() == Some("0"))
}

/// Returns X and Y of `release/vX.Y`.
fn line_of(branch: &str) -> Option<(String, String)> {
    let (major, minor) = branch.strip_prefix(TRAIN_BRANCH)?.split_once('.')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (number(major) && number(minor)).then(|| (major.to_owned(), minor.to_owned()))
}
