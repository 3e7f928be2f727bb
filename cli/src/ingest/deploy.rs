//! A deploy as a tool tells it afterwards: where it went, how it ended, and the two or three
//! events that say so.
//!
//! The environment, the stage and the target are the caller's, or what of the file has the name of
//! one that is registered. Nothing is taken for granted: a deploy of which the artifact is not
//! known by digest is none, and where something ran is never guessed.

use relbook_ledger::event::Stage;
use serde_json::{Value, json};

use super::Context;
use super::document::Document;
use super::draft::{Draft, Origin};
use super::error::IngestError;
use super::time::ReportTime;

/// Where a deploy goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct Ground {
    pub(in crate::ingest) environment: String,
    pub(in crate::ingest) stage: &'static str,
    pub(in crate::ingest) targets: Vec<String>,
}

impl Ground {
    /// Finds the place among the registered ones: as given, or by one of the words that the file
    /// uses for it (cluster, namespace, a label), taken whole.
    ///
    /// # Errors
    /// [`IngestError::Missing`] for what neither says.
    pub(in crate::ingest) fn find(
        document: &Document,
        context: &Context,
        words: &[&str],
    ) -> Result<Self, IngestError> {
        let missing = |field, why: String| {
            Err(IngestError::Missing { file: document.name().to_owned(), field, why })
        };
        let Some((environment, targets)) = environment(context, words) else {
            let names = context.registry.environments().map(|(name, _)| name);
            let names = names.collect::<Vec<_>>().join(", ");
            return match &context.environment {
                Some(given) => missing(
                    "environment",
                    format!("`{given}` is no registered environment; there are {names}"),
                ),
                None => missing(
                    "environment",
                    format!(
                        "nothing says which environment this is; name it with --environment ({names})"
                    ),
                ),
            };
        };
        let named = context.stage.as_deref().unwrap_or(environment);
        let Some(stage) = Stage::parse(named) else {
            return missing(
                "stage",
                format!(
                    "the environment {environment} has not the name of a stage; say with --stage \
                     dev, staging, canary or production"
                ),
            );
        };
        let chosen = match &context.target {
            Some(given) => targets.iter().find(|target| *target == given),
            None => match targets {
                [only] => Some(only),
                several => several.iter().find(|target| words.contains(&target.as_str())),
            },
        };
        let Some(target) = chosen else {
            let (all, seen) = (targets.join(", "), words.join(", "));
            return missing(
                "targets",
                match &context.target {
                    Some(given) => format!("{environment} has no target `{given}`; it has {all}"),
                    None => format!(
                        "{environment} has the targets {all}, and the file names none of them \
                         (it says: {seen}); choose with --target"
                    ),
                },
            );
        };
        Ok(Self {
            environment: environment.to_owned(),
            stage: stage.as_str(),
            targets: vec![target.clone()],
        })
    }
}

fn environment<'a>(context: &'a Context, words: &[&str]) -> Option<(&'a str, &'a [String])> {
    let mut all = context.registry.environments();
    if let Some(given) = &context.environment {
        return all.find(|(name, _)| name == given);
    }
    let has = |word: &str| words.contains(&word);
    let by_name = all.find(|(name, _)| has(name));
    by_name.or_else(|| {
        let mut all = context.registry.environments();
        let with = |targets: &[String]| targets.iter().any(|target| has(target));
        let first = all.find(|(_, targets)| with(targets));
        // A target of two environments names neither.
        first.filter(|_| !all.any(|(_, targets)| with(targets)))
    })
}

/// How a deploy ended.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Finish {
    pub(in crate::ingest) at: Option<ReportTime>,
    /// `succeeded`, `failed` or `aborted`.
    pub(in crate::ingest) outcome: &'static str,
    /// Whether the previous state came back; `None` for a success.
    pub(in crate::ingest) restored: Option<bool>,
}

/// A deploy.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Deploy {
    pub(in crate::ingest) deploy_id: String,
    pub(in crate::ingest) component: String,
    pub(in crate::ingest) ground: Ground,
    pub(in crate::ingest) digest: String,
    pub(in crate::ingest) version: Option<String>,
    pub(in crate::ingest) reason: Option<&'static str>,
    pub(in crate::ingest) initiated_by: Option<String>,
    pub(in crate::ingest) started: Option<ReportTime>,
    /// Traffic that it has been given, in percent, and when.
    pub(in crate::ingest) progress: Option<(u8, Option<ReportTime>)>,
    pub(in crate::ingest) finish: Option<Finish>,
    /// Labels of the start.
    pub(in crate::ingest) labels: Vec<(&'static str, String)>,
}

impl Deploy {
    /// Makes the events: started, progressed, and finished for each target.
    pub(in crate::ingest) fn events(
        self,
        origin: Origin<'_>,
        document: &Document,
        context: &Context,
    ) -> Vec<Value> {
        let id = &short(self.deploy_id);
        let draft = |kind: &str, time: Option<&ReportTime>, key: &str| {
            let mut draft = Draft::new(kind, origin, document, context, time);
            draft.key(&[key]);
            draft.put("deploy_id", json!(id));
            draft
        };
        let mut start = draft("deploy.started", self.started.as_ref(), id);
        start.put("component", json!(self.component));
        start.put("stage", json!(self.ground.stage));
        start.put("environment", json!(self.ground.environment));
        start.put("targets", json!(self.ground.targets));
        start.put("digest", json!(self.digest));
        start.put("version", json!(self.version));
        start.put("reason", json!(self.reason));
        match self.initiated_by.as_deref().map(str::trim) {
            Some(who) if is_name(who) => start.put("initiated_by", json!(who)),
            odd => start.label("initiated_by", odd),
        }
        if let Some((weight, _)) = self.progress {
            start.put("weight", json!(weight));
        }
        for (name, value) in self.labels {
            start.label(name, Some(value));
        }
        let mut events = vec![Value::Object(start.finish())];
        for target in &self.ground.targets {
            if let Some((weight, time)) = &self.progress {
                let key = format!("{id} {weight}");
                let mut step = draft("deploy.progressed", time.as_ref(), &key);
                step.put("target", json!(target));
                step.put("weight", json!(weight));
                events.push(Value::Object(step.finish()));
            }
            if let Some(finish) = &self.finish {
                let mut end = draft("deploy.finished", finish.at.as_ref(), id);
                end.put("target", json!(target));
                end.put("outcome", json!(finish.outcome));
                // What the tool does not tell, the caller may know.
                let told = finish.restored.map(|back| back || context.restored == Some(true));
                end.put("restored", json!(told));
                events.push(Value::Object(end.finish()));
            }
        }
        events
    }
}

const NAME_CHARS_MAX: usize = 256;

/// Tells whether a text can be a name in an event.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= NAME_CHARS_MAX
        && !text.chars().any(char::is_control)
}

/// Takes the hash of an id that is too long for an event.
fn short(id: String) -> String {
    if is_name(&id) {
        return id;
    }
    let tool = id.split(':').next().unwrap_or_default();
    format!("{tool}:{}", blake3::hash(id.as_bytes()).to_hex())
}

/// A canary that was promoted.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct CanaryEnd<'a> {
    pub(in crate::ingest) id: &'a str,
    pub(in crate::ingest) target: &'a str,
    pub(in crate::ingest) at: Option<&'a ReportTime>,
}

/// The deploys that an object tells of.
#[derive(Debug, Default)]
pub struct History {
    /// The events of the deploys, oldest first.
    pub events: Vec<Value>,
    /// How many deploys they are.
    pub deploys: usize,
    /// What is told and cannot be recorded: which, and why.
    pub gaps: Vec<String>,
}

impl History {
    /// Adds a deploy.
    pub(in crate::ingest) fn push(
        &mut self,
        deploy: Deploy,
        origin: Origin<'_>,
        document: &Document,
        context: &Context,
    ) {
        self.deploys += 1;
        self.events.extend(deploy.events(origin, document, context));
    }

    /// Ends a canary that was recorded earlier and has become the version for all: its object now
    /// tells of that only.
    ///
    /// # Errors
    /// [`IngestError::Book`].
    pub(in crate::ingest) fn end_canary(
        &mut self,
        canary: &CanaryEnd<'_>,
        origin: Origin<'_>,
        document: &Document,
        context: &Context,
    ) -> Result<(), IngestError> {
        let id = short(canary.id.to_owned());
        let Some(book) = &context.recorded else { return Ok(()) };
        let file = || document.name().to_owned();
        let recorded =
            book.deploy(&id).map_err(|reason| IngestError::Book { file: file(), reason })?;
        // One that was aborted and tried again has its end.
        if recorded.is_none_or(|deploy| deploy.ended) {
            return Ok(());
        }
        let mut end = Draft::new("deploy.finished", origin, document, context, canary.at);
        end.key(&[&id]);
        end.put("deploy_id", json!(id));
        end.put("target", json!(canary.target));
        end.put("outcome", json!("succeeded"));
        self.events.push(Value::Object(end.finish()));
        Ok(())
    }

    /// Returns the events; what is left out is said on the first of them.
    ///
    /// # Errors
    /// [`IngestError::Missing`] for the digest when there are none.
    pub(in crate::ingest) fn or_refuse(
        mut self,
        document: &Document,
    ) -> Result<Vec<Value>, IngestError> {
        let gaps = self.gaps.join("; ");
        if self.events.is_empty() {
            let why = match gaps.is_empty() {
                true => "it tells of no deploy".to_owned(),
                false => gaps,
            };
            let file = document.name().to_owned();
            return Err(IngestError::Missing { file, field: "digest", why });
        }
        if !gaps.is_empty()
            && let Some(first) = self.events.first_mut().and_then(Value::as_object_mut)
        {
            const CHARS_MAX: usize = 1024;
            let gaps: String = gaps.chars().take(CHARS_MAX).collect();
            let labels = first.entry("labels").or_insert_with(|| json!({}));
            labels["left_out"] = json!(gaps);
        }
        Ok(self.events)
    }
}
