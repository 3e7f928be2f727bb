//! The questions and their answers, as commands, SQL and services see them (contract section 3).

mod approvals;
mod commit;
mod compat;
mod diff;
mod gate;
mod rollback;
mod status;

pub use compat::{Codes, CompatAsk};
pub use gate::{GateAsk, GateOf};

use std::sync::Arc;

use relbook_ledger::checkpoint::root_base64;
use serde_json::{Map, Value, json};

use crate::release::{Component, Core, Environment, FactsError, Lens};
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
    /// No deploy has the id.
    #[error("no deploy `{id}` in {environment}")]
    UnknownDeploy {
        /// The id as asked.
        id: String,
        /// The environment.
        environment: String,
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
    /// Returns the name that answers carry.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Commit { .. } => "commit",
            Self::Diff { .. } => "diff",
            Self::Rollback { .. } => "rollback",
            Self::Compat { .. } => "compat",
            Self::Gate(_) => "gate",
            Self::Approvals { .. } => "approvals",
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
    fn head(&mut self, name: &str, value: impl Into<Cell>) {
        self.header.push((name.to_owned(), value.into()));
    }
}

pub(crate) fn answer(core: &Core<'_>, question: &Question) -> Result<Part, AnswerError> {
    match question {
        Question::Status { environment } => status::answer(core, environment),
        Question::Commit { environment, component } => {
            commit::answer(core, environment, component.as_deref())
        }
        Question::Diff { environment, component, versions, transitions } => {
            let versions = versions.as_ref().map(|(from, to)| (from.as_str(), to.as_str()));
            diff::answer(core, environment, component, versions, *transitions)
        }
        Question::Rollback { environment, component, any } => {
            rollback::answer(core, environment, component, *any)
        }
        Question::Compat { environment, ask } => compat::answer(core, environment, ask),
        Question::Gate(ask) => gate::answer(core, ask),
        Question::Approvals { environment, component, which } => {
            approvals::answer(core, environment, component.as_deref(), which)
        }
    }
}

fn environment(core: &Core<'_>, name: &str) -> Result<Environment, AnswerError> {
    let all = core.environments()?;
    all.iter().find(|environment| environment.name == name).cloned().ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|e| e.name.as_str()).collect();
        AnswerError::UnknownEnvironment { name: name.to_owned(), known: listed(&names) }
    })
}

pub(crate) fn component(core: &Core<'_>, name: &str) -> Result<Arc<Component>, AnswerError> {
    core.component(name)?.ok_or_else(|| {
        let all = core.components().unwrap_or_default();
        let names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
        AnswerError::UnknownComponent { name: name.to_owned(), known: listed(&names) }
    })
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
