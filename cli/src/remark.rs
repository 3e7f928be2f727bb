//! What was appended and may not be what was meant: names that nobody has registered.
//!
//! A reference to something that is not recorded (yet) is a fact like others and is never refused
//! (contract section 2). Whoever appends it hears of it while it is easy to put right.

use relbook_ledger::admission::closest;
use relbook_ledger::event::Kind;
use relbook_ledger::registry::Registry;
use serde_json::{Map, Value, json};

use crate::args::Format;
use crate::ui::Ui;

/// A remark on an event or on a definition; the code is stable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The word that scripts see.
    pub code: &'static str,
    /// What, and what to do.
    pub detail: String,
}

/// Returns the remarks on events, given what the book has registered.
pub fn remarks<'a>(
    events: impl IntoIterator<Item = &'a Map<String, Value>>,
    registry: &Registry,
) -> Vec<Remark> {
    let mut all = Vec::new();
    for event in events {
        for remark in remarks_on(event, registry) {
            if !all.contains(&remark) {
                all.push(remark);
            }
        }
    }
    all
}

/// Shows remarks to people; the JSON of an answer has them as `warnings`.
pub fn show(ui: &mut Ui, remarks: &[Remark]) {
    if ui.format() != Format::Json {
        for Remark { code, detail } in remarks {
            ui.note(&format!("warning: {detail} ({code})"));
        }
    }
}

/// Returns the form that remarks have in JSON.
pub fn to_json(remarks: &[Remark]) -> Value {
    remarks.iter().map(|one| json!({"code": one.code, "detail": one.detail})).collect()
}

fn remarks_on(event: &Map<String, Value>, registry: &Registry) -> Vec<Remark> {
    let text = |field: &str| event.get(field).and_then(Value::as_str);
    let list = |field: &str| {
        let values = event.get(field).and_then(Value::as_array).into_iter().flatten();
        values.filter_map(Value::as_str)
    };
    let kind = text("kind").and_then(Kind::parse);
    let mut all = Vec::new();
    let components = match kind {
        Some(Kind::KeyEnrolled) => list("components").collect(),
        Some(Kind::PolicySet) => of_policy(event).collect(),
        Some(Kind::MatrixPublished) => of_matrix(event).collect(),
        _ => Vec::new(),
    };
    let unknown = components.into_iter().filter(|name| registry.resolve(name).is_none());
    all.extend(unknown.map(|name| component_unregistered(name, registry)));
    let registers = kind == Some(Kind::EnvironmentRegistered);
    for name in text("environment").into_iter().filter(|_| !registers).chain(list("environments")) {
        match registry.environments().find(|(held, _)| *held == name) {
            None => all.push(environment_unregistered(name, registry)),
            Some((_, held)) => {
                let named = list("targets").chain(text("target"));
                let unknown = named.filter(|target| !held.iter().any(|one| one == target));
                all.extend(unknown.map(|target| target_unregistered(target, name, held)));
            }
        }
    }
    if kind == Some(Kind::CheckCompleted) && text("commit").is_none() && text("digest").is_none() {
        all.push(Remark {
            code: "check_of_nothing",
            detail: "the check names no commit and no digest, so it counts for nothing; give \
                     --commit or --digest"
                .to_owned(),
        });
    }
    if kind == Some(Kind::TagCreated) && text("version").is_none() {
        all.extend(tag_without_version(text("component"), text("tag"), registry));
    }
    all
}

/// The components that a policy names.
fn of_policy(event: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let values = event.get("values").and_then(|values| values.get("canary_components"));
    values.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The components that the rows of a matrix name.
fn of_matrix(event: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let rows = event.get("rows").and_then(Value::as_array).into_iter().flatten();
    rows.filter_map(Value::as_object).flat_map(|row| row.keys().map(String::as_str))
}

fn component_unregistered(name: &str, registry: &Registry) -> Remark {
    let names = registry.components().flat_map(|(name, component)| {
        [Some(name), component.spec.alias.as_deref()].into_iter().flatten()
    });
    let detail = format!("`{name}` is not a registered component{}", meant(name, names));
    Remark { code: "component_unregistered", detail }
}

fn environment_unregistered(name: &str, registry: &Registry) -> Remark {
    let names = registry.environments().map(|(name, _)| name);
    let detail = format!("`{name}` is not a registered environment{}", meant(name, names));
    Remark { code: "environment_unregistered", detail }
}

fn target_unregistered(target: &str, environment: &str, held: &[String]) -> Remark {
    let names = held.iter().map(String::as_str);
    let detail = format!("`{target}` is not a target of {environment}{}", meant(target, names));
    Remark { code: "target_unregistered", detail }
}

fn tag_without_version(
    component: Option<&str>,
    tag: Option<&str>,
    registry: &Registry,
) -> Option<Remark> {
    let name = registry.resolve(component?)?;
    let registered = registry.component(name)?;
    let detail = format!(
        "the tag `{}` is no version of {name}: its tags are `{}` and a version ({}); give --version \
         if it is one all the same",
        tag?,
        registered.tag_prefix(),
        registered.spec.scheme
    );
    Some(Remark { code: "tag_without_version", detail })
}

/// Says what may have been meant, or what there is.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    match closest(name, known.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => {
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            format!("; there are: {known}")
        }
    }
}
