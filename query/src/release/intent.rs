//! A deploy that nobody has started: what gates, rollbacks and hotfixes ask about.
//!
//! It stands at the end of the view, after everything that the view shows on both clocks, and is
//! judged by the same rules as a real one. It is never counted as a deploy by anything else.

use std::sync::Arc;

use relbook_ledger::event::{Body, Event, Kind, Stage};
use relbook_ledger::key::KeyId;
use serde_json::{Map, Value, json};

use super::Core;
use super::deploy::{Deploy, TargetOutcome};
use super::fact::{Fact, FactsError};

/// The id that an intended deploy carries; nothing is looked up by it.
const INTENDED: &str = "(intended)";

/// What somebody intends to deploy.
#[derive(Debug, Clone, Copy)]
pub struct Intent<'a> {
    /// The component.
    pub component: &'a str,
    /// The artifact.
    pub digest: &'a str,
    /// The version, where one was named.
    pub version: Option<&'a str>,
    /// The stage to enter.
    pub stage: Stage,
    /// The environment.
    pub environment: &'a str,
    /// Where it would go.
    pub targets: &'a [String],
    /// The hotfix that it would ship.
    pub hotfix_id: Option<&'a str>,
    /// Who would start it; nobody in particular when absent.
    pub initiated_by: Option<&'a str>,
}

impl Core<'_> {
    /// Returns the deploy that an intent would be if it were started at the end of the view.
    ///
    /// # Errors
    /// [`FactsError`] when a name in it is none.
    pub fn intended(&self, intent: &Intent<'_>) -> Result<Deploy, FactsError> {
        let lens = self.facts.lens();
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
        put("id", json!("00000000-0000-0000-0000-000000000000"));
        put("occurred_at", json!(lens.as_of));
        put("component", json!(intent.component));
        put("deploy_id", json!(INTENDED));
        put("stage", json!(intent.stage.as_str()));
        put("environment", json!(intent.environment));
        put("targets", json!(intent.targets));
        put("digest", json!(intent.digest));
        for (name, value) in [
            ("version", intent.version),
            ("hotfix_id", intent.hotfix_id),
            ("initiated_by", intent.initiated_by),
        ] {
            if let Some(value) = value {
                put(name, json!(value));
            }
        }
        let event = Event::from_fields(Kind::DeployStarted, &fields).map_err(FactsError::new)?;
        let Body::DeployStarted(start) = &event.body else {
            return Err(FactsError::new("a deploy.started was made and is none"));
        };
        let target = |target: &String| TargetOutcome {
            target: target.clone(),
            outcome: None,
            restored: None,
            finished: None,
        };
        Ok(Deploy {
            start: start.clone(),
            component: intent.component.to_owned(),
            targets: intent.targets.iter().map(target).collect(),
            events: Vec::new(),
            fact: Arc::new(Fact {
                seq: lens.as_known.saturating_add(1),
                recorded_at: lens.as_of,
                principal: String::new(),
                key_id: KeyId([0; 32]),
                body_digest: [0; 32],
                event,
            }),
        })
    }
}
