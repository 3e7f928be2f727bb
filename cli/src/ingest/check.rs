//! One check, from whichever tool, and the `check.completed` event that it becomes (contract 2).
//!
//! A pass needs something that ran: no cases, or only skipped ones, are inconclusive, and so is a
//! report whose own numbers contradict what it holds (ingest.md 3.20).

use relbook_ledger::event::Digest;
use serde_json::{Value, json};

use super::Context;
use super::document::Document;
use super::draft::{Draft, Origin};
use super::error::IngestError;
use super::time::ReportTime;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Verdict {
    Pass,
    Fail,
    /// Nothing is proven; the word says why.
    Inconclusive(&'static str),
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive(_) => "inconclusive",
        }
    }
}

/// How many cases came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::ingest) struct Cases {
    pub(in crate::ingest) passed: u64,
    /// Failed or ended in an error.
    pub(in crate::ingest) failed: u64,
    pub(in crate::ingest) skipped: u64,
    /// Passed after a retry.
    pub(in crate::ingest) flaky: u64,
}

impl Cases {
    pub(in crate::ingest) fn total(self) -> u64 {
        self.executed() + self.skipped
    }

    pub(in crate::ingest) fn executed(self) -> u64 {
        self.passed + self.failed + self.flaky
    }

    /// Judges by the cases alone.
    pub(in crate::ingest) fn verdict(self) -> Verdict {
        if self.failed > 0 {
            Verdict::Fail
        } else if self.total() == 0 {
            Verdict::Inconclusive("no_cases")
        } else if self.executed() == 0 {
            Verdict::Inconclusive("all_skipped")
        } else {
            Verdict::Pass
        }
    }
}

/// What a reader found.
#[derive(Debug)]
pub(in crate::ingest) struct Check<'a> {
    pub(in crate::ingest) origin: Origin<'a>,
    /// The suite when the format settles it.
    pub(in crate::ingest) suite: Option<&'static str>,
    pub(in crate::ingest) verdict: Verdict,
    /// Its cases, where the format has any.
    pub(in crate::ingest) cases: Option<Cases>,
    pub(in crate::ingest) time: Option<ReportTime>,
    /// From the first to the last moment of the run; never a sum of cases, which overlap.
    pub(in crate::ingest) duration_s: Option<f64>,
}

impl Check<'_> {
    /// Makes the event, to which the reader may add labels.
    ///
    /// # Errors
    /// [`IngestError::NoComponent`], [`IngestError::NoSuite`], [`IngestError::BadDigest`].
    pub(in crate::ingest) fn draft(
        &self,
        document: &Document,
        context: &Context,
        what: &'static str,
    ) -> Result<Draft, IngestError> {
        if let Some(digest) = &context.digest {
            Digest::parse(digest).map_err(|reason| IngestError::BadDigest { reason })?;
        }
        let component = context.component(document)?;
        // What the format settles is no choice: a file of another sort in the same call has a suite.
        let suite = self.suite.or(context.suite.as_deref());
        let file = || document.name().to_owned();
        let suite = suite.ok_or_else(|| IngestError::NoSuite { file: file(), what })?;
        let verdict = match (self.verdict, context.exit_code) {
            // A tool that ended in an error did not say that all is well, whatever its report says.
            (Verdict::Pass, Some(code)) if code != 0 => Verdict::Inconclusive("exit_code"),
            (verdict, _) => verdict,
        };
        let mut event =
            Draft::new("check.completed", self.origin, document, context, self.time.as_ref());
        event.put("component", json!(component));
        event.put("suite", json!(suite));
        event.put("result", json!(verdict.as_str()));
        event.put("stage", json!(context.stage));
        event.put("digest", json!(context.digest));
        event.put("commit", json!(context.commit));
        event.put("duration_s", json!(context.duration_s.or(self.duration_s)));
        if let Some(cases) = self.cases {
            let Cases { passed, failed, skipped, flaky } = cases;
            let cases =
                json!({"passed": passed, "failed": failed, "skipped": skipped, "flaky": flaky});
            event.put("cases", cases);
        }
        if let Verdict::Inconclusive(reason) = verdict {
            event.label("reason", Some(reason));
        }
        let nothing = context.digest.is_none() && context.commit.is_none();
        event.label("subject", nothing.then_some("absent"));
        event.label("version", context.version.clone());
        event.label("environment", context.environment.clone());
        event.label("command_line", context.command_line.clone());
        event.label("exit_code", context.exit_code.map(|code| code.to_string()));
        Ok(event)
    }
}

/// Turns a draft into the event.
pub(in crate::ingest) fn finished(draft: Draft) -> Value {
    Value::Object(draft.finish())
}
