//! The short forms of `append` for CI: a kind under a plain name, with what can be known filled in.
//!
//! What is filled in comes from the flags and the registry alone, so that the same command with
//! the same `--id` writes the same events again.

use clap::{Arg, ArgMatches, Command};
use relbook_ledger::admission::{Code, Refusal, closest};
use relbook_ledger::event::{FinishOutcome, Kind, Stage};
use relbook_ledger::registry::Registry;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::flags;
use crate::ci::{self, Run};
use crate::event_id;

/// A short form.
#[derive(Debug)]
pub(super) struct Short {
    /// Its name.
    pub(super) name: &'static str,
    kind: Kind,
    /// The required fields that it fills in.
    filled: &'static [&'static str],
    about: &'static str,
    help: &'static str,
}

/// All short forms.
pub(super) const SHORT_FORMS: &[Short] = &[
    Short {
        name: "build",
        kind: Kind::BuildCompleted,
        filled: &[],
        about: "Short for build.completed",
        help: "\
Example:
  relbook append build --component api --version 1.4.2 --digest sha256:... --commit 9c5bd90e...",
    },
    Short {
        name: "tag",
        kind: Kind::TagCreated,
        filled: &[],
        about: "Short for tag.created; the version follows from the component's tag prefix",
        help: "\
Example:
  relbook append tag --component api --tag v1.4.2 --commit 9c5bd90e...",
    },
    Short {
        name: "check",
        kind: Kind::CheckCompleted,
        filled: &[],
        about: "Short for check.completed",
        help: "\
Example:
  relbook append check --component api --suite smoke --stage dev --result pass --digest sha256:...",
    },
    Short {
        name: "scan",
        kind: Kind::ScanCompleted,
        filled: &[],
        about: "Short for scan.completed; prefer `relbook ingest`, which reads the report",
        help: "\
Example:
  relbook append scan --component api --digest sha256:... --scanner trivy --critical 0 --high 0",
    },
    Short {
        name: "approval",
        kind: Kind::ApprovalGranted,
        filled: &["approval_id"],
        about: "Short for approval.granted; the approval_id is the event's id when left out",
        help: "\
Example:
  relbook append approval --component api --version 1.5.0 --digest sha256:... --stage production \\
    --key olga.pem",
    },
    Short {
        name: "deploy",
        kind: Kind::DeployStarted,
        filled: &["deploy_id", "environment", "targets"],
        about: "Short for deploy.started; with --outcome also deploy.finished on every target",
        help: "\
The environment follows from the stage (canary lives in production) and the targets from the
environment when they are left out; the deploy_id is the event's id.

Examples:
  relbook append deploy --component api --stage dev --digest sha256:... --outcome succeeded
  relbook append deploy --component api --stage production --digest sha256:... \\
    --deploy-id P7 --outcome failed --restored true",
    },
    Short {
        name: "publish",
        kind: Kind::ReleasePublished,
        filled: &[],
        about: "Short for release.published",
        help: "\
Example:
  relbook append publish --component cli --version 1.9.0 --digest sha256:... --channel stable",
    },
];

impl Short {
    /// Finds a short form.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        SHORT_FORMS.iter().find(|short| short.name == name)
    }

    /// Returns the subcommand.
    pub(super) fn command(&self) -> Command {
        // What the CI job tells need not be said again.
        let run = ci::here().unwrap_or_default();
        let mut filled = self.filled.to_vec();
        if run.commit.is_some() {
            filled.push("commit");
        }
        if run.tag.is_some() && self.kind == Kind::TagCreated {
            filled.push("tag");
        }
        let command = Command::new(self.name)
            .about(self.about)
            .override_usage(format!("relbook append {} [--FIELD VALUE]...", self.name))
            .disable_version_flag(true)
            .after_help(self.help)
            .args(flags::args(self.kind, &filled));
        if self.kind != Kind::DeployStarted {
            return command;
        }
        let outcome = Arg::new("outcome")
            .long("outcome")
            .value_name("succeeded|failed|aborted")
            .help("It has ended already, the same way on every target")
            .help_heading("Finished at once");
        let restored = Arg::new("restored")
            .long("restored")
            .value_name("BOOL")
            .requires("outcome")
            .num_args(0..=1)
            .default_missing_value("true")
            .help("Whether the previous state came back; needed unless it succeeded")
            .help_heading("Finished at once");
        command.arg(outcome).arg(restored)
    }

    /// Returns the events that the flags describe.
    ///
    /// # Errors
    /// A [`Refusal`] when a value cannot be read.
    pub(super) fn events(
        &self,
        matches: &ArgMatches,
        registry: &Registry,
        run: Option<&Run>,
    ) -> Result<Vec<Map<String, Value>>, Refusal> {
        let mut event = flags::read(self.kind, matches)?;
        let id = match event.get("id").and_then(Value::as_str) {
            Some(id) => id.to_owned(),
            None => Uuid::now_v7().to_string(),
        };
        event.insert("id".to_owned(), json!(id));
        if let Some(run) = run {
            run.fill(&mut event);
        }
        match self.kind {
            Kind::TagCreated => fill_version(&mut event, registry),
            Kind::ApprovalGranted => default(&mut event, "approval_id", || Some(json!(id))),
            Kind::DeployStarted => {
                default(&mut event, "deploy_id", || Some(json!(id)));
                fill_place(&mut event, registry)?;
                return with_finish(event, &id, matches);
            }
            _ => {}
        }
        Ok(vec![event])
    }
}

fn default(event: &mut Map<String, Value>, field: &str, value: impl FnOnce() -> Option<Value>) {
    if !event.contains_key(field)
        && let Some(value) = value()
    {
        event.insert(field.to_owned(), value);
    }
}

/// Takes the version from the tag where the registered prefix and scheme say that it is one.
fn fill_version(event: &mut Map<String, Value>, registry: &Registry) {
    let text = |field: &str| event.get(field).and_then(Value::as_str);
    let (Some(component), Some(tag)) = (text("component"), text("tag")) else { return };
    let Some(component) = registry.resolve(component).and_then(|name| registry.component(name))
    else {
        return;
    };
    let version = tag.strip_prefix(component.tag_prefix());
    let version = version.filter(|version| component.scheme.parse_version(version).is_ok());
    let version = version.map(|version| json!(version));
    default(event, "version", || version);
}

/// Takes the environment from the stage and the targets from the environment.
///
/// # Errors
/// A [`Refusal`] when targets are left out and the environment has none to take.
fn fill_place(event: &mut Map<String, Value>, registry: &Registry) -> Result<(), Refusal> {
    if let Some(stage) = event.get("stage").and_then(Value::as_str)
        && Stage::parse(stage).is_none()
    {
        let message = "must be dev, staging, canary or production";
        return Err(Refusal::new(Code::BadValue, message).at("stage").with_value(stage));
    }
    let environment = match event.get("stage").and_then(Value::as_str) {
        Some("canary" | "production") => Some("production"),
        Some("staging") => Some("staging"),
        Some("dev") => Some("dev"),
        _ => None,
    };
    default(event, "environment", || environment.map(|name| json!(name)));
    let environment = event.get("environment").and_then(Value::as_str);
    let targets = environment
        .and_then(|name| registry.environments().find(|(held, _)| *held == name))
        .map(|(_, targets)| json!(targets));
    let known: Vec<&str> = registry.environments().map(|(name, _)| name).collect();
    if let (Some(name), None, None) = (environment, &targets, event.get("targets"))
        && !known.is_empty()
    {
        let hint = closest(name, known.iter().copied()).map_or_else(
            || format!("there are: {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!(
            "`{name}` is not a registered environment, so that its targets are not known; {hint} \
             (or give --targets)"
        );
        return Err(Refusal::new(Code::BadValue, message).at("environment").with_value(name));
    }
    default(event, "targets", || targets);
    Ok(())
}

/// Adds a finish per target when the flags say how the deploy ended.
fn with_finish(
    event: Map<String, Value>,
    id: &str,
    matches: &ArgMatches,
) -> Result<Vec<Map<String, Value>>, Refusal> {
    let Some(outcome) = matches.get_one::<String>("outcome") else { return Ok(vec![event]) };
    if FinishOutcome::parse(outcome).is_none() {
        let message = "must be succeeded, failed or aborted";
        return Err(Refusal::new(Code::BadValue, message).at("outcome").with_value(outcome));
    }
    let restored = matches.get_one::<String>("restored").map(|text| match text.as_str() {
        "true" | "yes" => json!(true),
        "false" | "no" => json!(false),
        other => json!(other),
    });
    let targets = event.get("targets").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut events = vec![event];
    for (number, target) in (1_u64..).zip(targets) {
        let mut finish = Map::new();
        finish.insert("id".to_owned(), json!(following_id(id, number)));
        finish.insert("kind".to_owned(), json!(Kind::DeployFinished.as_str()));
        for shared in ["occurred_at", "recorded_at", "labels", "source", "deploy_id"] {
            if let Some(value) = events[0].get(shared) {
                finish.insert(shared.to_owned(), value.clone());
            }
        }
        finish.insert("target".to_owned(), target);
        finish.insert("outcome".to_owned(), json!(outcome));
        if let Some(restored) = &restored {
            finish.insert("restored".to_owned(), restored.clone());
        }
        events.push(finish);
    }
    Ok(events)
}

/// An id that is no UUID stays as it is, for admission to refuse.
fn following_id(first: &str, number: u64) -> String {
    Uuid::parse_str(first)
        .map_or_else(|_| first.to_owned(), |id| event_id::following(&id, number).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_form_has_flags_that_clap_accepts() {
        for short in SHORT_FORMS {
            short.command().debug_assert();
        }
    }
}
