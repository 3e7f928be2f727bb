//! The questions and their answers, as commands, SQL and services see them (contract section 3).

mod approvals;
mod beyond;
mod bindings;
mod commit;
mod compat;
mod debt;
mod diff;
mod dora;
mod drift;
mod emergency;
mod exceptions;
mod exposure;
mod gate;
mod hotfix;
mod moment;
mod overlaps;
mod population;
mod releases;
mod rollback;
mod runbook;
mod status;
mod train;
mod whereabouts;

pub(crate) use beyond::ReadBlob;
pub use compat::{Codes, CompatAsk};
pub use gate::{GateAsk, GateOf};
pub use hotfix::HotfixAsk;
pub use population::Sample;

use std::sync::Arc;

use relbook_ledger::checkpoint::root_base64;
use serde_json::{Map, Value, json};

use relbook_ledger::time::Time;

use crate::release::{Component, Core, Environment, ExceptionCode, FactsError, Lens, Period};
use crate::table::{Cell, Table};

/// A question about the releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Q1: which version of every component is in an environment.
    Status {
        /// The environment.
        environment: String,
    },
    /// Q2: which commit that is.
    Commit {
        /// The environment.
        environment: String,
        /// Only this component (name or alias).
        component: Option<String>,
    },
    /// Q3: what changed between two releases of a component.
    Diff {
        /// The environment.
        environment: String,
        /// The component (name or alias).
        component: String,
        /// Two named versions instead of the last two production releases.
        versions: Option<(String, String)>,
        /// The last two live states instead of the last two releases.
        transitions: bool,
    },
    /// Q4: where a component can be rolled back to.
    Rollback {
        /// The environment.
        environment: String,
        /// The component (name or alias).
        component: String,
        /// Versions off the line of what is live too.
        any: bool,
    },
    /// Q5: which versions go together.
    Compat {
        /// The environment.
        environment: String,
        /// What exactly.
        ask: CompatAsk,
    },
    /// Q7: how a hotfix gets out in time.
    Hotfix {
        /// The environment.
        environment: String,
        /// The component (name or alias).
        component: String,
        /// What exactly.
        ask: HotfixAsk,
    },
    /// What is owed after hotfixes and broken glass.
    Debt {
        /// The environment.
        environment: String,
        /// Only this component (name or alias).
        component: Option<String>,
    },
    /// May an artifact enter a stage, or might it have?
    Gate(GateAsk),
    /// Q6: who approved a deploy.
    Approvals {
        /// The environment.
        environment: String,
        /// Only this component (name or alias).
        component: Option<String>,
        /// Which deploy.
        which: WhichDeploy,
    },
    /// N2: what ran where at a time, and what changed before it.
    At {
        /// The environment.
        environment: String,
        /// The time.
        at: Time,
        /// How long before it to look, in seconds.
        window_seconds: i64,
    },
    /// Did the release trains keep their rules?
    Train {
        /// Only this component (name or alias).
        component: Option<String>,
    },
    /// N9: the five DORA metrics.
    Dora {
        /// The environment.
        environment: String,
        /// Only this component (name or alias).
        component: Option<String>,
        /// When.
        period: Period,
        /// The commits and recoveries behind the metrics instead.
        detail: bool,
    },
    /// Every production change of a period, or a sample of them.
    Population {
        /// Only this component (name or alias).
        component: Option<String>,
        /// When.
        period: Period,
        /// How to draw a sample.
        sample: Option<Sample>,
    },
    /// N7: what violated policy.
    Exceptions {
        /// Only this component (name or alias).
        component: Option<String>,
        /// Only these codes; all when empty.
        codes: Vec<ExceptionCode>,
        /// When.
        period: Period,
    },
    /// N6: every deploy that broke the glass.
    Emergency {
        /// Only this component (name or alias).
        component: Option<String>,
        /// When.
        period: Period,
    },
    /// N8: deploys that overlap.
    Overlaps {
        /// Only this component (name or alias).
        component: Option<String>,
        /// When.
        period: Period,
    },
    /// N4: which artifact a version meant, and when.
    Bindings {
        /// The component (name or alias).
        component: String,
        /// The version.
        version: String,
    },
    /// The way of each component to its users, under the policy in force.
    Runbook {
        /// Only this component (name or alias).
        component: Option<String>,
    },
    /// The releases of a component.
    Releases {
        /// The environment.
        environment: String,
        /// The component (name or alias).
        component: String,
    },
    /// N1: where a commit or pull request is live.
    Where {
        /// The commit, or the number of a pull request.
        subject: String,
    },
    /// N3: which targets are not on the intended version.
    Drift {
        /// The environment.
        environment: String,
        /// Only this component (name or alias).
        component: Option<String>,
    },
    /// N5: which vulnerable versions were live.
    Exposure {
        /// Only this environment; every one with production deploys when absent.
        environment: Option<String>,
        /// A vulnerability, or a severity.
        subject: String,
    },
}

/// Which deploy Q6 is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WhichDeploy {
    /// The last that succeeded.
    #[default]
    LastSucceeded,
    /// The last, whatever came of it.
    LastAny,
    /// A named one.
    Id(String),
}

/// Something that an answer cannot hide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A stable code, such as `first_release`.
    pub code: String,
    /// What it is about.
    pub detail: String,
}

/// The answer to a question: a table, what stands above it, and where it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The question's name, such as `status`.
    pub question: String,
    /// The two clocks of the question.
    pub lens: Lens,
    /// The size and RFC 6962 root of the checkpoint that it rests on.
    pub checkpoint: (u64, [u8; 32]),
    /// Whether the book's clock is simulated.
    pub simulated_clock: bool,
    /// What holds for the whole answer, in order.
    pub header: Vec<(String, Cell)>,
    /// The rows.
    pub table: Table,
    /// What the reader must know beside them.
    pub warnings: Vec<Warning>,
    /// False when the question has a verdict and it is negative (exit code 1).
    pub holds: bool,
}

/// Says why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The component is not registered; the text names those that are.
    #[error("`{name}` is not a registered component; there are: {known}")]
    UnknownComponent {
        /// The name as asked.
        name: String,
        /// The registered names, comma-separated.
        known: String,
    },
    /// The environment is not registered; the text names those that are.
    #[error("`{name}` is not a registered environment; there are: {known}")]
    UnknownEnvironment {
        /// The name as asked.
        name: String,
        /// The registered names, comma-separated.
        known: String,
    },
    /// No build, tag, publish or deploy of the component has the version.
    #[error(
        "{component} has no version `{version}`; `relbook query \"SELECT version FROM builds\"` lists them"
    )]
    UnknownVersion {
        /// The component.
        component: String,
        /// The version as asked.
        version: String,
    },
    /// The text is no version of the component.
    #[error("`{version}` is no version of {component}: {reason}")]
    BadVersion {
        /// The component.
        component: String,
        /// The version as asked.
        version: String,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// A question about several components names one of them twice.
    #[error("`{name}` names {component} again; name each component once")]
    SameComponent {
        /// The second name.
        name: String,
        /// The component.
        component: String,
    },
    /// The log has no merge of a commit or pull request.
    #[error(
        "the log has no merge of `{subject}`; give the full commit id or the number of a pull request"
    )]
    UnknownCommit {
        /// The commit or pull request as asked.
        subject: String,
    },
    /// The period ends before it begins: an empty answer would look like proof that nothing
    /// happened.
    #[error("the period ends at {to}, before it begins at {from}; exchange --from and --to")]
    EmptyPeriod {
        /// The beginning as asked.
        from: Time,
        /// The end as asked.
        to: Time,
    },
    /// What is asked for has no name.
    #[error("name a vulnerability, such as CVE-2026-1234, or a severity, such as high")]
    NoSubject,
    /// No deploy has the id.
    #[error("no deploy `{id}` in {environment}")]
    UnknownDeploy {
        /// The id as asked.
        id: String,
        /// The environment.
        environment: String,
    },
    /// No hotfix of the component has the id.
    #[error("{component} has no hotfix `{id}`; there are: {known}")]
    UnknownHotfix {
        /// The component.
        component: String,
        /// The id as asked.
        id: String,
        /// The ids that there are, comma-separated.
        known: String,
    },
    /// The book or its views could not be read.
    #[error("the book could not be read: {0}")]
    Read(String),
}

impl From<FactsError> for AnswerError {
    fn from(error: FactsError) -> Self {
        Self::Read(error.to_string())
    }
}

impl Question {
    /// Returns the environment that the question is about, where it is about one.
    fn environment(&self) -> Option<&str> {
        match self {
            Self::Status { environment }
            | Self::Commit { environment, .. }
            | Self::Diff { environment, .. }
            | Self::Rollback { environment, .. }
            | Self::Compat { environment, .. }
            | Self::Hotfix { environment, .. }
            | Self::Debt { environment, .. }
            | Self::Approvals { environment, .. }
            | Self::At { environment, .. }
            | Self::Dora { environment, .. }
            | Self::Releases { environment, .. }
            | Self::Drift { environment, .. } => Some(environment),
            _ => None,
        }
    }

    /// Returns the name that answers carry.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Commit { .. } => "commit",
            Self::Diff { .. } => "diff",
            Self::Rollback { .. } => "rollback",
            Self::Compat { .. } => "compat",
            Self::Hotfix { .. } => "hotfix",
            Self::Debt { .. } => "debt",
            Self::Gate(_) => "gate",
            Self::Approvals { .. } => "approvals",
            Self::At { .. } => "status",
            Self::Train { .. } => "train",
            Self::Dora { .. } => "dora",
            Self::Population { .. } => "population",
            Self::Exceptions { .. } => "exceptions",
            Self::Emergency { .. } => "emergency",
            Self::Overlaps { .. } => "overlaps",
            Self::Bindings { .. } => "bindings",
            Self::Runbook { .. } => "runbook",
            Self::Releases { .. } => "releases",
            Self::Where { .. } => "where",
            Self::Drift { .. } => "drift",
            Self::Exposure { .. } => "exposure",
        }
    }
}

/// What a question's own file gives.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) header: Vec<(String, Cell)>,
    pub(crate) table: Table,
    pub(crate) warnings: Vec<Warning>,
    /// False for a negative verdict.
    pub(crate) holds: bool,
}

impl Default for Part {
    fn default() -> Self {
        Self { header: Vec::new(), table: Table::default(), warnings: Vec::new(), holds: true }
    }
}

impl Part {
    fn period(&mut self, period: Period) -> Result<(), AnswerError> {
        self.head("from", period.from);
        self.head("to", period.to);
        match period {
            Period { from: Some(from), to: Some(to) } if to < from => {
                Err(AnswerError::EmptyPeriod { from, to })
            }
            _ => Ok(()),
        }
    }

    fn head(&mut self, name: &str, value: impl Into<Cell>) {
        self.header.push((name.to_owned(), value.into()));
    }
}

/// Answers a question; `read` gives the evidence that is kept outside the log.
pub(crate) fn answer(
    core: &Core<'_>,
    question: &Question,
    read: ReadBlob<'_>,
) -> Result<Part, AnswerError> {
    let mut part = seven(core, question, read)?;
    if question.environment() == Some(DEFAULT_ENVIRONMENT)
        && core.environment(DEFAULT_ENVIRONMENT)?.is_none()
    {
        part.warnings.push(warning(
            "environment_unregistered",
            format!(
                "no environment `{DEFAULT_ENVIRONMENT}` is registered; register it with its \
                 targets by `relbook apply`, or name another with --env"
            ),
        ));
    }
    Ok(part)
}

/// Answers the seven questions, and passes on the further ones.
fn seven(core: &Core<'_>, question: &Question, read: ReadBlob<'_>) -> Result<Part, AnswerError> {
    match question {
        Question::Status { environment } => status::answer(core, environment),
        Question::Commit { environment, component } => {
            commit::answer(core, environment, component.as_deref())
        }
        Question::Diff { environment, component, versions, transitions } => {
            let versions = versions.as_ref().map(|(from, to)| (from.as_str(), to.as_str()));
            diff::answer(core, environment, component, versions, *transitions, read)
        }
        Question::Rollback { environment, component, any } => {
            rollback::answer(core, environment, component, *any)
        }
        Question::Compat { environment, ask } => compat::answer(core, environment, ask),
        Question::Gate(ask) => gate::answer(core, ask),
        Question::Hotfix { environment, component, ask } => {
            hotfix::answer(core, environment, component, ask)
        }
        Question::Debt { environment, component } => {
            debt::answer(core, environment, component.as_deref())
        }
        Question::Approvals { environment, component, which } => {
            approvals::answer(core, environment, component.as_deref(), which)
        }
        _ => listing(core, question),
    }
}

/// Answers the questions beyond the seven.
fn listing(core: &Core<'_>, question: &Question) -> Result<Part, AnswerError> {
    match question {
        Question::At { environment, at, window_seconds } => {
            moment::answer(core, environment, *at, *window_seconds)
        }
        Question::Runbook { component } => runbook::answer(core, component.as_deref()),
        Question::Train { component } => train::answer(core, component.as_deref()),
        Question::Dora { environment, component, period, detail } => {
            dora::answer(core, environment, component.as_deref(), *period, *detail)
        }
        Question::Population { component, period, sample } => {
            population::answer(core, component.as_deref(), *period, sample.as_ref())
        }
        Question::Exceptions { component, codes, period } => {
            exceptions::answer(core, component.as_deref(), codes, *period)
        }
        Question::Emergency { component, period } => {
            emergency::answer(core, component.as_deref(), *period)
        }
        Question::Overlaps { component, period } => {
            overlaps::answer(core, component.as_deref(), *period)
        }
        Question::Bindings { component, version } => bindings::answer(core, component, version),
        Question::Releases { environment, component } => {
            releases::answer(core, environment, component)
        }
        Question::Where { subject } => whereabouts::answer(core, subject),
        Question::Drift { environment, component } => {
            drift::answer(core, environment, component.as_deref())
        }
        Question::Exposure { environment, subject } => {
            exposure::answer(core, environment.as_deref(), subject)
        }
        other => Err(AnswerError::Read(format!("nobody answers `{}`", other.name()))),
    }
}

/// The environment that a question is about when it names none.
const DEFAULT_ENVIRONMENT: &str = "production";

/// Returns an environment by its name. The one that nobody needs to name needs no registration
/// either: a book of imported tags has answers before anything was deployed.
fn environment(core: &Core<'_>, name: &str) -> Result<Environment, AnswerError> {
    let all = core.environments()?;
    match all.iter().find(|environment| environment.name == name) {
        Some(environment) => Ok(environment.clone()),
        None if name == DEFAULT_ENVIRONMENT => Ok(Environment::unregistered(name)),
        None => {
            let names: Vec<&str> = all.iter().map(|e| e.name.as_str()).collect();
            Err(AnswerError::UnknownEnvironment { name: name.to_owned(), known: listed(&names) })
        }
    }
}

pub(crate) fn component(core: &Core<'_>, name: &str) -> Result<Arc<Component>, AnswerError> {
    core.component(name)?.ok_or_else(|| {
        let all = core.components().unwrap_or_default();
        let names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
        AnswerError::UnknownComponent { name: name.to_owned(), known: listed(&names) }
    })
}

/// Returns the component that was named, or all of them.
pub(crate) fn components(
    core: &Core<'_>,
    only: Option<&str>,
) -> Result<Vec<Arc<Component>>, AnswerError> {
    match only {
        Some(name) => Ok(vec![component(core, name)?]),
        None => Ok(core.components()?),
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}

impl Answer {
    /// Returns the stable JSON envelope of the contract.
    pub fn to_json(&self) -> Value {
        let header: Map<String, Value> =
            self.header.iter().map(|(name, cell)| (name.clone(), cell.to_json())).collect();
        let rows: Vec<Value> = self
            .table
            .rows
            .iter()
            .map(|row| {
                let mut object = Map::new();
                for (column, cell) in self.table.columns.iter().zip(&row.cells) {
                    object.insert(column.name.clone(), cell.to_json());
                }
                object.insert("evidence".to_owned(), json!(row.evidence));
                Value::Object(object)
            })
            .collect();
        let warnings: Vec<Value> =
            self.warnings.iter().map(|w| json!({"code": w.code, "detail": w.detail})).collect();
        json!({
            "question": self.question,
            "as_of": self.lens.as_of,
            "as_known": self.lens.as_known,
            "checkpoint": { "size": self.checkpoint.0, "root": root_base64(&self.checkpoint.1) },
            "simulated_clock": self.simulated_clock,
            "header": header,
            "rows": rows,
            "warnings": warnings,
        })
    }

    /// Returns the header cell of that name.
    pub fn header(&self, name: &str) -> Option<&Cell> {
        self.header.iter().find(|(key, _)| key == name).map(|(_, cell)| cell)
    }
}

/// Makes a warning.
pub fn warning(code: &str, detail: impl Into<String>) -> Warning {
    Warning { code: code.to_owned(), detail: detail.into() }
}
