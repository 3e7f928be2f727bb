//! A deploy as services tell it: one thing with an id, a commit and an environment.
//!
//! It becomes `deploy.started`, and `deploy.finished` on each target. A service that tells only
//! the end tells the start with it: then both are derived, and the start is not recorded twice.

use serde_json::{Value, json};

use super::draft::{Draft, Origin};
use super::error::IngestError;
use super::join::{Joined, Sought, artifact, ask};
use super::recorded::Deploy;
use super::scope::{Asked, Scene};
use super::time::ReportTime;

/// How a deploy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Ending {
    Succeeded,
    Failed,
    Aborted,
}

impl Ending {
    fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

/// A deploy.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Rollout<'a> {
    pub(in crate::ingest) asked: Asked<'a>,
    pub(in crate::ingest) origin: Origin<'a>,
    /// Its id in the book; also the natural key of its start.
    pub(in crate::ingest) deploy_id: String,
    pub(in crate::ingest) component: String,
    /// The environment as the source calls it.
    pub(in crate::ingest) environment: Option<&'a str>,
    pub(in crate::ingest) commit: Option<&'a str>,
    /// The version that the source names.
    pub(in crate::ingest) version: Option<&'a str>,
    /// The digest that the source names.
    pub(in crate::ingest) digest: Option<&'a str>,
    pub(in crate::ingest) run: Option<String>,
    pub(in crate::ingest) run_attempt: Option<String>,
    pub(in crate::ingest) started: Option<ReportTime>,
    pub(in crate::ingest) initiated_by: Option<String>,
    pub(in crate::ingest) reason: Option<&'static str>,
    pub(in crate::ingest) url: Option<&'a str>,
    /// Further fields of `source`.
    pub(in crate::ingest) source: Vec<(&'static str, Value)>,
    /// Further labels.
    pub(in crate::ingest) labels: Vec<(&'static str, String)>,
}

impl Rollout<'_> {
    /// Returns the recorded start.
    pub(in crate::ingest) fn recorded(&self) -> Result<Option<Deploy>, IngestError> {
        ask(&self.asked, |book| book.deploy(&self.deploy_id))
    }

    fn artifact(&self) -> Result<Joined, IngestError> {
        artifact(
            &self.asked,
            &Sought {
                component: &self.component,
                commit: self.commit,
                version: self.version,
                run: self.run.as_deref(),
                digest: self.digest,
            },
        )
    }

    fn scene(&self) -> Result<Scene, IngestError> {
        self.asked.scene(self.environment)
    }

    /// Returns the start.
    pub(in crate::ingest) fn start(&self) -> Result<Value, IngestError> {
        let scene = self.scene()?;
        let stage = self.asked.stage(&scene.environment)?;
        let Asked { document, context, .. } = self.asked;
        let mut draft =
            Draft::new("deploy.started", self.origin, document, context, self.started.as_ref());
        draft.key(&[&self.deploy_id, "start"]);
        draft.put("deploy_id", json!(self.deploy_id));
        draft.put("component", json!(self.component));
        draft.put("stage", json!(stage));
        draft.put("environment", json!(scene.environment));
        draft.put("targets", json!(scene.targets));
        self.artifact()?.put(&mut draft);
        draft.put("reason", json!(self.reason));
        draft.put("initiated_by", json!(self.initiated_by));
        draft.source("url", json!(self.url));
        draft.source("run_id", json!(self.run));
        draft.source("run_attempt", json!(self.run_attempt));
        draft.label("commit", self.commit);
        draft.label("environment", self.environment.filter(|raw| *raw != scene.environment));
        self.tell_more(&mut draft);
        Ok(Value::Object(draft.finish()))
    }

    fn tell_more(&self, draft: &mut Draft) {
        for (name, value) in &self.source {
            draft.source(name, value.clone());
        }
        for (name, text) in &self.labels {
            draft.label(name, Some(text.as_str()));
        }
    }

    /// Returns the end on each target, after the start where that is not recorded.
    ///
    /// `key` names the report of the end as its source knows it, `word` is its own word for it.
    pub(in crate::ingest) fn end(
        &self,
        ending: Ending,
        key: &str,
        word: &str,
        time: Option<&ReportTime>,
    ) -> Result<Vec<Value>, IngestError> {
        let Asked { document, context, .. } = self.asked;
        if ending != Ending::Succeeded && context.restored.is_none() {
            return Err(self.asked.needs(
                "restored",
                format!("says `{word}` and not whether what ran before runs again"),
                "say --restored true or --restored false",
            ));
        }
        let (mut events, targets) = match self.recorded()? {
            Some(deploy) => (Vec::new(), deploy.targets),
            None => (vec![self.start()?], self.scene()?.targets),
        };
        for target in targets {
            let mut draft = Draft::new("deploy.finished", self.origin, document, context, time);
            draft.key(&[key, "finish", &target]);
            draft.put("deploy_id", json!(self.deploy_id));
            draft.put("target", json!(target));
            draft.put("outcome", json!(ending.as_str()));
            if ending != Ending::Succeeded {
                draft.put("restored", json!(context.restored));
            }
            draft.source("url", json!(self.url));
            draft.label("state", Some(word));
            self.tell_more(&mut draft);
            events.push(Value::Object(draft.finish()));
        }
        Ok(events)
    }
}
