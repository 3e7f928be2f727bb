//! Exceptions X01 to X17: what did not go as the rules want, found by judging every event again
//! with the policy in force at its seq (semantics B.3 file 6, C.2 N7).
//!
//! A finding stands at the event that completes it. Nothing here knows a deploy by name: a rule
//! reads the same facts as the question that it belongs to.

mod arrival;
mod coherence;
mod deploy;
mod runtime;
mod version;

use std::collections::BTreeMap;

use relbook_ledger::event::Body;
use relbook_ledger::time::Time;

use super::fact::{Fact, FactsError, Moment};
use super::index::Key;
use super::{Component, Core, Deploy, Period};

macro_rules! codes {
    ($( $code:ident $name:literal $severity:ident, )+) => {
        /// The code of an exception.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the codes are those of semantics B.3")]
        pub enum ExceptionCode { $( $code ),+ }

        impl ExceptionCode {
            /// All codes, in their order.
            pub const ALL: &'static [Self] = &[ $( Self::$code ),+ ];

            /// Returns the code: letter and number.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$code => stringify!($code) ),+ }
            }

            /// Returns what it is called.
            pub fn name(self) -> &'static str {
                match self { $( Self::$code => $name ),+ }
            }

            /// Returns how grave it is as a rule.
            pub fn severity(self) -> Severity {
                match self { $( Self::$code => Severity::$severity ),+ }
            }
        }
    };
}

codes! {
    X01 "deployed_without_approval" Violation,
    X02 "unapproved_attempt" Warning,
    X03 "duties_conflict" Violation,
    X04 "gate_failed" Violation,
    X05 "breakglass_not_reviewed" Violation,
    X06 "missing_provenance" Violation,
    X07 "version_reused" Violation,
    X08 "overlap" Warning,
    X09 "unintended_downgrade" Violation,
    X10 "drift" Violation,
    X11 "late_evidence" Info,
    X12 "flagged_deployed" Violation,
    X13 "never_in_staging" Violation,
    X14 "untracked_runtime" Violation,
    X15 "underbumped" Warning,
    X16 "deployed_in_freeze" Violation,
    X17 "incoherent_set" Violation,
}

impl ExceptionCode {
    /// Finds a code by letter and number, in either case, with or without its name.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_uppercase();
        let code = text.split('_').next().unwrap_or_default();
        Self::ALL.iter().copied().find(|known| known.as_str() == code)
    }
}

/// How grave an exception is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the words are those of the contract")]
pub enum Severity {
    Info,
    Warning,
    Violation,
}

impl Severity {
    /// Returns the word that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Violation => "violation",
        }
    }
}

/// Who answers for an exception, by the waiver that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// Who owns it.
    pub owner: String,
    /// What became of it: `waived`.
    pub disposition: &'static str,
    /// The seq of the waiver.
    pub seq: u64,
}

/// Something that did not go as the rules want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The code.
    pub code: ExceptionCode,
    /// How grave it is.
    pub severity: Severity,
    /// The deploy that it is about.
    pub change_id: Option<String>,
    /// The component.
    pub component: Option<String>,
    /// What happened, in a sentence.
    pub detail: String,
    /// The seq of the event that completes it.
    pub seq: u64,
    /// When it was complete.
    pub detected_at: Time,
    /// The artifact that it is about.
    pub digest: Option<String>,
    /// What became of it.
    pub disposition: Option<Disposition>,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

impl Exception {
    fn new(code: ExceptionCode, component: &str, at: Moment, detail: String) -> Self {
        Self {
            code,
            severity: code.severity(),
            change_id: None,
            component: Some(component.to_owned()),
            detail,
            seq: at.seq,
            detected_at: at.at,
            digest: None,
            disposition: None,
            evidence: vec![at.seq],
        }
    }

    fn of(mut self, deploy: &Deploy) -> Self {
        self.change_id = Some(deploy.id().to_owned());
        self.digest = Some(deploy.start.digest.to_string());
        self.evidence.extend(deploy.evidence());
        self
    }

    fn on(mut self, seqs: impl IntoIterator<Item = u64>) -> Self {
        self.evidence.extend(seqs);
        self
    }

    fn grave(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
struct Search<'a> {
    codes: &'a [ExceptionCode],
    period: Period,
}

impl Search<'_> {
    fn wants(&self, codes: &[ExceptionCode]) -> bool {
        codes.iter().any(|code| self.codes.contains(code))
    }
}

impl Core<'_> {
    /// Returns the exceptions with these codes that were complete in a period, in the order
    /// detected_at, code, change_id.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn exceptions(
        &self,
        component: Option<&str>,
        codes: &[ExceptionCode],
        period: Period,
    ) -> Result<Vec<Exception>, FactsError> {
        let search = Search { codes, period };
        let mut found = Vec::new();
        for known in self.components()? {
            if component.is_none_or(|name| name == known.name) {
                self.exceptions_of(&known, search, &mut found)?;
            }
        }
        if search.wants(&[ExceptionCode::X11]) {
            found.extend(self.late_events(period)?);
        }
        if search.wants(&[ExceptionCode::X17]) {
            found.extend(self.incoherent_sets(period)?);
        }
        found.retain(|e| {
            codes.contains(&e.code)
                && period.contains(e.detected_at)
                && (component.is_none() || e.component.as_deref() == component)
        });
        for exception in &mut found {
            exception.disposition = self.disposition(exception)?;
        }
        found.sort_by(|a, b| {
            let key = |e: &Exception| (e.detected_at, e.code, e.change_id.clone(), e.seq);
            (key(a), &a.detail).cmp(&(key(b), &b.detail))
        });
        Ok(found)
    }

    fn exceptions_of(
        &self,
        component: &Component,
        search: Search<'_>,
        found: &mut Vec<Exception>,
    ) -> Result<(), FactsError> {
        use ExceptionCode as X;
        let of_deploys = [X::X01, X::X02, X::X03, X::X04, X::X06, X::X12, X::X13, X::X16];
        if search.wants(&of_deploys) {
            for deploy in self.deploys_touching(component, search.period)? {
                self.deploy_exceptions(&deploy, search, found)?;
            }
        }
        if search.wants(&[X::X05]) {
            self.unreviewed(component, found)?;
        }
        if search.wants(&[X::X07]) {
            self.reused_versions(component, search.period, found)?;
        }
        if search.wants(&[X::X08]) {
            self.overlap_exceptions(component, search.period, found)?;
        }
        if search.wants(&[X::X09]) {
            self.downgrades(component, search.period, found)?;
        }
        if search.wants(&[X::X10, X::X14]) {
            self.runtime_exceptions(component, search.period, found)?;
        }
        if search.wants(&[X::X15]) {
            self.underbumped(component, search.period, found)?;
        }
        Ok(())
    }

    /// Returns the production-stage deploys that started or finished in a period.
    fn deploys_touching(
        &self,
        component: &Component,
        period: Period,
    ) -> Result<Vec<Deploy>, FactsError> {
        let mut deploys: BTreeMap<u64, Deploy> = BTreeMap::new();
        for deploy in self.production_deploys(&component.name, period)? {
            deploys.insert(deploy.fact.seq, deploy);
        }
        for environment in self.environments()? {
            let key = Key::FinishesOf {
                component: component.name.clone(),
                environment: environment.name.clone(),
            };
            for finish in self.within(&key, period)? {
                let Body::DeployFinished(finish) = finish.body() else { continue };
                if let Some(deploy) = self.deploy(&finish.deploy_id)? {
                    deploys.insert(deploy.fact.seq, deploy);
                }
            }
        }
        Ok(deploys.into_values().collect())
    }

    /// Returns what became of an exception: the last waiver that names its code and
    /// had not expired when it was detected.
    fn disposition(&self, exception: &Exception) -> Result<Option<Disposition>, FactsError> {
        let Some(component) = exception.component.clone() else { return Ok(None) };
        let waivers = self.facts.find(&Key::Waivers { component })?;
        let fits = |fact: &Fact| match fact.body() {
            Body::WaiverGranted(waiver) => {
                ExceptionCode::parse(&waiver.gate) == Some(exception.code)
                    && waiver.expires_at > exception.detected_at
                    && (waiver.digest.is_none()
                        || waiver.digest.as_deref() == exception.digest.as_deref())
            }
            _ => false,
        };
        Ok(waivers.iter().rev().find(|fact| fits(fact)).and_then(|fact| match fact.body() {
            Body::WaiverGranted(waiver) => Some(Disposition {
                owner: waiver.owner.to_string(),
                disposition: "waived",
                seq: fact.seq,
            }),
            _ => None,
        }))
    }
}
