//! Puts saved objects together by id, into the bodies that webhooks have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::order::{decided, when};
use super::shape::{self, Shape};
use crate::import::git::Warning;
use crate::ingest::github_event_of;

/// A saved object: its value, its file, and its place for messages.
#[derive(Debug, Clone)]
struct Saved {
    value: Value,
    file: usize,
    place: String,
}

/// A body to be read as a webhook, with all files that it was put together from.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) event: &'static str,
    pub(super) value: Value,
    pub(super) files: Vec<usize>,
    pub(super) place: String,
    pub(super) parents: Vec<String>,
}

/// All saved objects.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) counts: BTreeMap<&'static str, usize>,
    pub(super) warnings: Vec<Warning>,
    deployments: BTreeMap<String, Saved>,
    statuses: BTreeMap<String, Vec<Saved>>,
    runs: BTreeMap<String, Saved>,
    decisions: Vec<(u64, Saved)>,
    pulls: BTreeMap<String, Saved>,
    reviews: BTreeMap<String, Vec<Saved>>,
    commits: BTreeMap<String, Saved>,
    others: Vec<Body>,
}

impl Saved {
    fn body(&self, event: &'static str, value: Value) -> Body {
        Body {
            event,
            value,
            files: vec![self.file],
            place: self.place.clone(),
            parents: Vec::new(),
        }
    }
}

/// Returns an id as a text: the API has numbers, GraphQL has texts.
fn id(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

impl Gathered {
    /// Takes the objects of one saved value.
    pub(super) fn take(&mut self, value: &Value, file: usize, name: &str) {
        let objects = shape::objects(value);
        let several = objects.len() > 1;
        for (i, object) in objects.into_iter().enumerate() {
            let place = if several { format!("{name}, object {}", i + 1) } else { name.to_owned() };
            self.take_one(object, file, place);
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn take_one(&mut self, value: &Value, file: usize, place: String) {
        let saved = Saved { value: value.clone(), file, place };
        match shape::of(value, github_event_of(value)) {
            Shape::Webhook { event, body } => self.webhook(event, body, &saved),
            Shape::Deployment => self.deployment(saved),
            Shape::Status { deployment } => self.status(deployment.to_owned(), saved),
            Shape::Release => {
                self.count("releases");
                let body = json!({"action": "published", "release": value});
                self.others.push(saved.body("release", body));
            }
            Shape::Run => self.run(saved),
            Shape::Job => {
                self.count("jobs");
                let body = json!({"action": "completed", "workflow_job": value});
                self.others.push(saved.body("workflow_job", body));
            }
            Shape::CheckRun => {
                self.count("check_runs");
                let body = json!({"action": "completed", "check_run": value});
                self.others.push(saved.body("check_run", body));
            }
            Shape::CommitStatus { commit } => {
                self.count("commit_statuses");
                let mut body = value.clone();
                body["sha"] = json!(commit);
                self.others.push(saved.body("status", body));
            }
            Shape::Pull => self.pull(saved),
            Shape::Review { pull } => self.review(pull.to_owned(), saved),
            Shape::Commit => {
                self.count("commits");
                self.commits.insert(id(value, "sha"), saved);
            }
            Shape::Decision { run: Some(run) } => {
                self.count("decisions");
                self.decisions.push((run, saved));
            }
            Shape::Decision { run: None } => {
                self.count("decisions");
                let detail = format!(
                    "{}: the decision names no run (the API leaves it out); save it with `run_id` \
                     beside it, or save the webhook deployment_review",
                    saved.place
                );
                self.warnings.push(Warning { code: "not_joined", detail });
            }
            Shape::Unknown => {
                self.count("unknown");
                let detail = format!("{}: no object that is read here", saved.place);
                self.warnings.push(Warning { code: "unknown_object", detail });
            }
        }
    }

    /// Takes a webhook apart where other objects belong to what it tells of.
    fn webhook(&mut self, event: &str, body: &Value, saved: &Saved) {
        self.count("webhooks");
        let part =
            |key: &str| body.get(key).map(|value| Saved { value: value.clone(), ..saved.clone() });
        match event {
            "deployment" | "deployment_status" => {
                let deployment = part("deployment");
                let of = deployment.as_ref().map(|saved| id(&saved.value, "id"));
                if let Some(mut deployment) = deployment {
                    // The run that asked for it stands beside it in a webhook.
                    if let (Some(run), Some(fields)) =
                        (body.get("workflow_run"), deployment.value.as_object_mut())
                    {
                        fields.insert("workflow_run".to_owned(), run.clone());
                    }
                    self.deployments.entry(of.clone().unwrap_or_default()).or_insert(deployment);
                }
                if let (Some(status), Some(of)) = (part("deployment_status"), of) {
                    self.statuses.entry(of).or_default().push(status);
                }
            }
            "pull_request" if body.get("action").and_then(Value::as_str) == Some("closed") => {
                if let Some(pull) = part("pull_request") {
                    self.pulls.insert(id(&pull.value, "number"), pull);
                }
            }
            "pull_request_review" => {
                let number = body.pointer("/pull_request/number").map(ToString::to_string);
                if let (Some(review), Some(number)) = (part("review"), number) {
                    self.reviews.entry(number).or_default().push(review);
                }
            }
            other => match NAMES.iter().find(|name| **name == other) {
                Some(name) => self.others.push(saved.body(name, body.clone())),
                None => {
                    let detail = format!("{}: no event is read from `{other}`", saved.place);
                    self.warnings.push(Warning { code: "no_event", detail });
                }
            },
        }
    }

    fn deployment(&mut self, saved: Saved) {
        self.count("deployments");
        self.deployments.insert(id(&saved.value, "id"), saved);
    }

    fn status(&mut self, deployment: String, saved: Saved) {
        self.count("statuses");
        self.statuses.entry(deployment).or_default().push(saved);
    }

    fn run(&mut self, saved: Saved) {
        self.count("runs");
        let body = json!({"action": "completed", "workflow_run": saved.value});
        if saved.value.get("conclusion").is_some_and(|conclusion| !conclusion.is_null()) {
            self.others.push(saved.body("workflow_run", body));
        }
        self.runs.insert(id(&saved.value, "id"), saved);
    }

    fn pull(&mut self, saved: Saved) {
        self.count("pull_requests");
        self.pulls.insert(id(&saved.value, "number"), saved);
    }

    fn review(&mut self, pull: String, saved: Saved) {
        self.count("reviews");
        self.reviews.entry(pull).or_default().push(saved);
    }

    /// Returns the bodies, what tells a beginning before what tells its end.
    pub(super) fn bodies(&mut self) -> Vec<Body> {
        let mut bodies = std::mem::take(&mut self.others);
        bodies.extend(self.merges());
        bodies.extend(self.reviewed_runs());
        bodies.extend(self.deploys());
        bodies
    }

    fn deploys(&mut self) -> Vec<Body> {
        let mut bodies = Vec::new();
        for (of, statuses) in &mut self.statuses {
            let Some(deployment) = self.deployments.get(of) else {
                let place = statuses.first().map_or("", |status| &status.place);
                let detail = format!(
                    "{place}: {} states are of the deployment {of}, which was not saved",
                    statuses.len()
                );
                self.warnings.push(Warning { code: "not_joined", detail });
                continue;
            };
            statuses.sort_by_key(|status| when(&status.value, "created_at"));
            for status in statuses {
                let state = id(&status.value, "state").to_ascii_lowercase();
                // Neither a beginning nor an end, and no fault of anybody.
                if !matches!(state.as_str(), "in_progress" | "success" | "failure" | "error") {
                    continue;
                }
                let value = with_run(deployment, json!({"deployment_status": status.value}));
                let mut body = status.body("deployment_status", value);
                body.files.push(deployment.file);
                bodies.push(body);
            }
        }
        for (of, deployment) in &self.deployments {
            match self.statuses.contains_key(of) {
                // States that tell no beginning: it waited, or was never seen to begin.
                true if !bodies.iter().any(|body| is_of(body, of)) => {
                    let detail = format!(
                        "{}: the deployment {of} has no state that tells a beginning or an end",
                        deployment.place
                    );
                    self.warnings.push(Warning { code: "no_event", detail });
                }
                true => {}
                false => {
                    bodies.push(deployment.body("deployment", with_run(deployment, json!({}))))
                }
            }
        }
        bodies
    }

    /// Returns the decisions about runs, as webhooks tell them.
    fn reviewed_runs(&mut self) -> Vec<Body> {
        let mut bodies = Vec::new();
        for (run_id, decision) in &self.decisions {
            let Some(run) = self.runs.get(&run_id.to_string()) else {
                let detail = format!(
                    "{}: the decision is of the run {run_id}, which was not saved",
                    decision.place
                );
                self.warnings.push(Warning { code: "not_joined", detail });
                continue;
            };
            let mut known = run.value.clone();
            if let Some(fields) = known.as_object_mut() {
                // By now the run is over: its last change is no bound of the decision.
                fields.remove("updated_at");
            }
            let since = run.value.get("run_started_at").or(run.value.get("created_at"));
            let environments = decision.value.get("environments").and_then(Value::as_array);
            let jobs = environments.into_iter().flatten();
            let jobs = jobs.map(|held| json!({"environment": held.get("name")}));
            let value = json!({
                "action": id(&decision.value, "state").to_ascii_lowercase(),
                "workflow_run": known,
                "since": since,
                "workflow_job_runs": jobs.collect::<Vec<_>>(),
                "approver": decision.value.get("user"),
                "comment": decision.value.get("comment"),
            });
            let mut body = decision.body("deployment_review", value);
            body.files.push(run.file);
            bodies.push(body);
        }
        bodies
    }

    /// Returns the merged pull requests, with their reviewers and the parents of their commits.
    fn merges(&mut self) -> Vec<Body> {
        let mut bodies = Vec::new();
        for (number, pull) in &self.pulls {
            if pull.value.get("merged_at").is_none_or(Value::is_null) {
                continue;
            }
            let none = Vec::new();
            let reviews = self.reviews.get(number).unwrap_or(&none);
            let mut value = pull.value.clone();
            value["approved_by"] = json!(decided(reviews.iter().map(|review| &review.value)));
            let value = json!({"action": "closed", "number": pull.value["number"],
                               "pull_request": value});
            let mut body = pull.body("pull_request", value);
            body.files.extend(reviews.iter().map(|review| review.file));
            let hash = id(&pull.value, "merge_commit_sha");
            if let Some(commit) = self.commits.get(&hash) {
                let parents = commit.value["parents"].as_array().into_iter().flatten();
                body.parents = parents.map(|parent| id(parent, "sha")).collect();
                body.files.push(commit.file);
            }
            bodies.push(body);
        }
        for number in self.reviews.keys().filter(|number| !self.pulls.contains_key(*number)) {
            let detail = format!("reviews of the pull request {number}, which was not saved");
            self.warnings.push(Warning { code: "not_joined", detail });
        }
        bodies
    }
}

/// The webhooks that are read by themselves.
const NAMES: [&str; 11] = [
    "push",
    "create",
    "release",
    "registry_package",
    "package",
    "deployment_review",
    "workflow_run",
    "workflow_job",
    "check_run",
    "check_suite",
    "status",
];

fn is_of(body: &Body, deployment: &str) -> bool {
    body.value.get("deployment").is_some_and(|held| id(held, "id") == deployment)
}

/// Returns a body with a deployment and, beside it, the run that asked for it.
fn with_run(deployment: &Saved, body: Value) -> Value {
    let mut fields: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
    let mut value = deployment.value.clone();
    if let Some(run) = value.as_object_mut().and_then(|held| held.shift_remove("workflow_run")) {
        // The states tell what became of it; how the run stood then says nothing more.
        let mut run = run;
        if let Some(run) = run.as_object_mut() {
            run.shift_remove("status");
        }
        fields.insert("workflow_run".to_owned(), run);
    }
    fields.insert("deployment".to_owned(), value);
    fields.insert("action".to_owned(), json!("created"));
    Value::Object(fields)
}
