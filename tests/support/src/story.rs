//! A scenario that reads like a story: a handful of events about one small product.
//!
//! Times are written `02T09:05`, which means 2026-06-02T09:05:00Z (seconds may follow). An
//! artifact is named by a label: its digest is the label in hex, so an answer can be read back
//! ([`label`]). Events are pushed in the order in which the book gets them, whatever times they
//! claim; the clock of the book is simulated.

use std::collections::BTreeMap;
use std::path::PathBuf;

use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::key::SigningKey;
use relbook_ledger::store::{AppendError, Writer};
use relbook_ledger::time::Time;
use serde_json::{Value, json};

use crate::scratch::{self, Scratch};

/// Events on their way into a scratch book.
#[derive(Debug)]
pub struct Story {
    scratch: Scratch,
    keys: BTreeMap<String, SigningKey>,
    environments: BTreeMap<String, Vec<String>>,
    component: String,
    pending: Vec<(Option<String>, Value)>,
    appended: u64,
}

/// What a story registers before it begins.
const BEGINNING: &str = "01T00:00";

impl Story {
    /// Begins with the deployed SemVer component `api` and production on these targets; approvals
    /// count whether signed or reported.
    pub fn of_api(targets: &[&str]) -> Self {
        let mut story = Self::empty();
        story.component(
            "api",
            json!({"scheme": "semver", "release_model": "deployed", "tag_prefix": "v"}),
        );
        story.environment(BEGINNING, "dev", &["dev-1"]);
        story.environment(BEGINNING, "staging", &["stg-1"]);
        story.environment(BEGINNING, "production", targets);
        story.policy(BEGINNING, json!({"approval_sources": ["signed", "reported"]}));
        story
    }

    /// Begins with nothing but a book and its admin key.
    pub fn empty() -> Self {
        Self {
            scratch: Scratch::simulated(),
            keys: BTreeMap::new(),
            environments: BTreeMap::new(),
            component: String::new(),
            pending: Vec::new(),
            // Genesis and the admin key.
            appended: 2,
        }
    }

    /// Puts an event of the admin key into the story.
    pub fn push(&mut self, at: &str, event: Value) -> &mut Self {
        self.push_as(None, at, event)
    }

    /// Puts an event into the story, signed by an enrolled principal.
    pub fn signed(&mut self, principal: &str, at: &str, event: Value) -> &mut Self {
        self.push_as(Some(principal.to_owned()), at, event)
    }

    fn push_as(&mut self, signer: Option<String>, at: &str, mut event: Value) -> &mut Self {
        event["occurred_at"] = json!(time(at));
        self.pending.push((signer, event));
        self
    }

    /// Changes fields of the last event; null takes a field away.
    ///
    /// # Panics
    /// When there is no event, or it was appended already.
    pub fn but(&mut self, fields: Value) -> &mut Self {
        let (_, event) = self.pending.last_mut().expect("an event that is not appended yet");
        let (Value::Object(event), Value::Object(fields)) = (event, fields) else {
            panic!("events and changes are objects");
        };
        for (name, value) in fields {
            match value {
                Value::Null => drop(event.remove(&name)),
                value => drop(event.insert(name, value)),
            }
        }
        self
    }

    /// Returns the seq of the last event.
    pub fn seq(&self) -> u64 {
        self.appended + self.pending.len() as u64 - 1
    }

    /// Registers a component; the events that follow are about it.
    pub fn component(&mut self, name: &str, fields: Value) -> &mut Self {
        self.component = name.to_owned();
        self.about("component.registered", BEGINNING).but(fields)
    }

    /// Lets the events that follow be about another component.
    pub fn turn_to(&mut self, name: &str) -> &mut Self {
        name.clone_into(&mut self.component);
        self
    }

    /// Registers an environment.
    pub fn environment(&mut self, at: &str, name: &str, targets: &[&str]) -> &mut Self {
        let declared = targets.iter().map(ToString::to_string).collect();
        self.environments.insert(name.to_owned(), declared);
        let kind = "environment.registered";
        self.push(at, json!({"kind": kind, "environment": name, "targets": targets}))
    }

    /// Sets policy values.
    pub fn policy(&mut self, at: &str, values: Value) -> &mut Self {
        self.push(at, json!({"kind": "policy.set", "policy_id": "pol", "values": values}))
    }

    /// Enrols a key of its own for a principal.
    pub fn enroll(&mut self, principal: &str, roles: &[&str]) -> &mut Self {
        let mut seed = [7; 32];
        for (byte, letter) in seed.iter_mut().zip(principal.bytes()) {
            *byte = letter;
        }
        let key = SigningKey::from_seed(&seed);
        let public = key.public();
        self.keys.insert(principal.to_owned(), key);
        self.push(
            BEGINNING,
            json!({"kind": "key.enrolled", "principal": principal, "roles": roles,
                "key_id": public.id().to_string(), "public_key": public.to_hex()}),
        )
    }

    /// Ends the key of a principal: `kind` is `key.revoked` or `key.compromised`.
    ///
    /// # Panics
    /// When the principal was never enrolled.
    pub fn end_key(&mut self, kind: &str, at: &str, principal: &str) -> &mut Self {
        let id = self.keys[principal].public().id().to_string();
        self.push(at, json!({"kind": kind, "principal": principal, "key_id": id}))
    }

    fn about(&mut self, kind: &str, at: &str) -> &mut Self {
        let component = self.component.clone();
        self.push(at, json!({"kind": kind, "component": component}))
    }

    /// Merges a commit.
    pub fn commit(
        &mut self,
        at: &str,
        commit: &str,
        parents: &[&str],
        author: &str,
        subject: &str,
    ) -> &mut Self {
        self.about("commit.merged", at).but(json!({"commit": commit, "parents": parents,
            "branch": "main", "author": author, "subject": subject}))
    }

    /// Builds a version: its artifact has the version as label, its commit is `c` and the version.
    pub fn build(&mut self, at: &str, version: &str) -> &mut Self {
        self.build_of(at, version, version, &format!("c{version}"))
    }

    /// Builds a version from a commit.
    pub fn build_of(&mut self, at: &str, version: &str, artifact: &str, commit: &str) -> &mut Self {
        self.about("build.completed", at)
            .but(json!({"version": version, "digest": digest(artifact), "commit": commit}))
    }

    /// Starts a deploy of an artifact on every target of the environment of the stage.
    pub fn start(&mut self, at: &str, id: &str, stage: &str, artifact: &str) -> &mut Self {
        let environment = match stage {
            "canary" | "production" => "production",
            other => other,
        };
        let targets = self.environments.get(environment).cloned().unwrap_or_default();
        self.about("deploy.started", at).but(json!({"deploy_id": id, "stage": stage,
            "environment": environment, "targets": targets, "digest": digest(artifact),
            "reason": "promotion", "initiated_by": "ci-bot"}))
    }

    /// Gives a deploy a share of a target's traffic.
    pub fn progress(&mut self, at: &str, id: &str, target: &str, weight: u8) -> &mut Self {
        let kind = "deploy.progressed";
        self.push(at, json!({"kind": kind, "deploy_id": id, "target": target, "weight": weight}))
    }

    /// Ends a deploy on a target: `succeeded`, or `failed` or `aborted` with the previous state
    /// restored; a trailing `!` says that it was not restored.
    pub fn finish(&mut self, at: &str, id: &str, target: &str, outcome: &str) -> &mut Self {
        let kind = "deploy.finished";
        let word = outcome.trim_end_matches('!');
        let event = json!({"kind": kind, "deploy_id": id, "target": target, "outcome": word});
        self.push(at, event);
        match word {
            "succeeded" => self,
            _ => self.but(json!({"restored": !outcome.ends_with('!')})),
        }
    }

    /// Takes the component off a target of production.
    pub fn remove(&mut self, at: &str, target: &str) -> &mut Self {
        self.about("deploy.removed", at).but(json!({"environment": "production", "target": target}))
    }

    /// Puts an artifact on every target of production: live at `at`, started a minute earlier.
    pub fn live(&mut self, at: &str, id: &str, artifact: &str) -> &mut Self {
        self.live_with(at, id, artifact, json!({}))
    }

    /// Does the same with changed fields of the start.
    ///
    /// # Panics
    /// When `at` is no time.
    pub fn live_with(&mut self, at: &str, id: &str, artifact: &str, fields: Value) -> &mut Self {
        let live = Time::parse(&time(at)).unwrap_or_else(|error| panic!("{at}: {error}"));
        let started = live.plus_seconds(-60).to_string();
        self.start(&started, id, "production", artifact).but(fields);
        let targets = self.pending.last().map(|(_, event)| event["targets"].clone());
        for target in targets.iter().filter_map(Value::as_array).flatten() {
            self.finish(at, id, target.as_str().unwrap_or_default(), "succeeded");
        }
        self
    }

    /// Publishes a version; its artifact has the version as label.
    pub fn publish(&mut self, at: &str, version: &str) -> &mut Self {
        self.about("release.published", at)
            .but(json!({"version": version, "digest": digest(version)}))
    }

    /// Withdraws a published version.
    pub fn yank(&mut self, at: &str, version: &str) -> &mut Self {
        self.about("release.yanked", at).but(json!({"version": version}))
    }

    /// Makes a tag.
    pub fn tag(&mut self, at: &str, tag: &str, commit: &str) -> &mut Self {
        self.about("tag.created", at).but(json!({"tag": tag, "commit": commit}))
    }

    /// Reports that a release engineer approved an artifact for production.
    pub fn approve(&mut self, at: &str, id: &str, approver: &str, version: &str) -> &mut Self {
        self.about("approval.granted", at).but(json!({"approval_id": id, "version": version,
            "digest": digest(version), "stage": "production", "approver": approver,
            "role": "release_engineer"}))
    }

    /// Reports that a release engineer rejected an artifact for production.
    pub fn reject(&mut self, at: &str, id: &str, approver: &str, version: &str) -> &mut Self {
        self.approve(at, id, approver, version).but(json!({"kind": "approval.rejected"}))
    }

    /// Takes an approval back.
    pub fn revoke(&mut self, at: &str, id: &str) -> &mut Self {
        self.push(at, json!({"kind": "approval.revoked", "approval_id": id}))
    }

    /// Takes the event of a seq out of the views.
    pub fn correct(&mut self, at: &str, seq: u64) -> &mut Self {
        self.push(at, json!({"kind": "event.corrected", "corrects": seq, "reason": "wrong"}))
    }

    /// Takes the events that were not appended yet out of the story, each with its signer.
    pub fn take(&mut self) -> Vec<(Option<String>, Value)> {
        std::mem::take(&mut self.pending)
    }

    /// Puts events back into the story.
    pub fn give(&mut self, events: Vec<(Option<String>, Value)>) -> &mut Self {
        self.pending.extend(events);
        self
    }

    /// Appends what the story has come to and returns the directory of the book.
    ///
    /// # Panics
    /// When the book refuses an event.
    pub fn book(&mut self) -> PathBuf {
        self.try_book().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Appends what the story has come to.
    ///
    /// # Errors
    /// The refusal of the book; the events are then gone from the story.
    ///
    /// # Panics
    /// When the book cannot be opened, or an event names a signer that was never enrolled.
    pub fn try_book(&mut self) -> Result<PathBuf, AppendError> {
        let batch: Vec<SignedEvent> = std::mem::take(&mut self.pending)
            .iter()
            .zip(self.appended..)
            .map(|((signer, event), seq)| {
                let key = signer.as_ref().map_or(self.scratch.key(), |name| &self.keys[name]);
                scratch::sign(event, seq, key)
            })
            .collect();
        if !batch.is_empty() {
            let mut writer = Writer::open(&self.scratch.path()).expect("nobody else writes");
            self.appended += writer.append(&batch)?.len() as u64;
        }
        Ok(self.scratch.path())
    }
}

/// Returns the time that a story writes as `02T09:05`.
pub fn time(at: &str) -> String {
    match at.len() {
        8 => format!("2026-06-{at}:00Z"),
        11 => format!("2026-06-{at}Z"),
        _ => at.to_owned(),
    }
}

/// Returns a time as a story writes it.
pub fn short(time: &str) -> &str {
    let time = time.strip_prefix("2026-06-").unwrap_or(time);
    time.strip_suffix(":00Z").or(time.strip_suffix('Z')).unwrap_or(time)
}

/// Returns the digest of an artifact with that label.
///
/// # Panics
/// When the label is longer than 32 bytes.
pub fn digest(label: &str) -> String {
    assert!(label.len() <= 32, "a label has up to 32 bytes");
    let hex: String = label.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex:0<64}")
}

/// Returns the label of an artifact, where its digest was made of one.
pub fn label(digest: &str) -> Option<String> {
    let hex = digest.strip_prefix("sha256:")?;
    let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let bytes = (0..hex.len()).step_by(2).map_while(byte).take_while(|byte| *byte != 0);
    String::from_utf8(bytes.collect()).ok()
}
