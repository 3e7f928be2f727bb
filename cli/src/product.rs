//! The product file of `apply` (contract section 8): components, environments, policy, matrix.
//!
//! Reads YAML, or the fenced YAML block of a Markdown file, and compares it with what the book
//! holds. The plan is the list of events that change something, in an order that admission can
//! follow. Which keys exist is asked of the event vocabulary, so the two cannot drift.

use relbook_ledger::admission::{Code, Refusal, admit, closest};
use relbook_ledger::event::release::ComponentRegistered;
use relbook_ledger::event::{Body, Event, Kind};
use relbook_ledger::policy::Policy;
use relbook_ledger::registry::Registry;
use serde_json::{Map, Value, json};

use crate::remark::{self, Remark};
use crate::ui::counted;
use crate::yaml::{self, Entry, Node, Yaml};

/// A product as its file defines it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Product {
    /// The name.
    pub name: String,
    components: Vec<Part>,
    environments: Vec<Part>,
    policy: Option<Part>,
    matrix: Option<Part>,
}

/// One event to be: its line in the file and its fields.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    line: u64,
    subject: String,
    fields: Map<String, Value>,
}

/// An event that would change the book, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The line of the file.
    pub line: u64,
    /// What it is about, such as `component orion-api`.
    pub subject: String,
    /// What changes, such as `new` or `scheme: semver -> calver:YYYY.0M.MICRO`.
    pub details: Vec<String>,
    /// The fields of the event, without id and time.
    pub fields: Map<String, Value>,
}

pub(crate) const MATRIX_SUFFIX: &str = "-compatibility-matrix";
const KEYS: [&str; 5] = ["product", "components", "environments", "policy", "matrix"];

/// Finds the YAML in a product file: all of it, or the one fenced block of a Markdown file.
///
/// # Errors
/// A [`Refusal`] when a Markdown file has no such block, or several.
pub fn yaml_of<'a>(text: &'a str, file_name: &str) -> Result<(&'a str, u64), Refusal> {
    let lower = file_name.to_ascii_lowercase();
    if !(lower.ends_with(".md") || lower.ends_with(".markdown")) {
        return Ok((text, 0));
    }
    let mut blocks = Vec::new();
    let (mut open, mut at) = (None, 0);
    for (number, line) in (0_u64..).zip(text.split_inclusive('\n')) {
        let mark = line.trim();
        match open {
            None if matches!(mark, "```yaml" | "```yml") => {
                open = Some((at + line.len(), number + 1));
            }
            Some((start, skipped)) if mark == "```" => {
                blocks.push((&text[start..at], skipped));
                open = None;
            }
            _ => {}
        }
        at += line.len();
    }
    blocks.retain(|(block, _)| block.lines().any(defines_a_product));
    match blocks[..] {
        [block] => Ok(block),
        [] => Err(Refusal::new(
            Code::BadValue,
            "no product definition: the file has no ```yaml block with components, environments, \
             policy or a matrix",
        )),
        [_, (_, second), ..] => Err(Refusal::new(
            Code::BadValue,
            "a second ```yaml block defines a product; keep one per file",
        )
        .on_line(second)),
    }
}

fn defines_a_product(line: &str) -> bool {
    let key = line.split(':').next().unwrap_or_default();
    KEYS.contains(&key) || key.ends_with(MATRIX_SUFFIX)
}

impl Product {
    /// Reads a product file.
    ///
    /// # Errors
    /// A [`Refusal`] naming the line and key that cannot be.
    pub fn read(text: &str, file_name: &str) -> Result<Self, Refusal> {
        let (text, skipped) = yaml_of(text, file_name)?;
        let root = yaml::parse(text, skipped)?;
        let mut product = Self { name: "product".to_owned(), ..Self::default() };
        let entries = map(&root, "a product file")?;
        if let Some(entry) = entries.iter().find(|entry| entry.key == "product") {
            product.name = text_of(&entry.node, "product")?;
        } else if let Some(name) =
            entries.iter().find_map(|entry| entry.key.strip_suffix(MATRIX_SUFFIX))
        {
            product.name = name.to_owned();
        }
        let matrix_key = format!("{}{MATRIX_SUFFIX}", product.name);
        for entry in entries {
            match entry.key.as_str() {
                "product" => {}
                "components" => product.components = components(entry)?,
                "environments" => product.environments = environments(entry)?,
                "policy" => product.policy = Some(policy(entry, &product.name)?),
                key if key == "matrix" || key == matrix_key => {
                    if product.matrix.is_some() {
                        let message = "the matrix stands in this file twice";
                        return Err(at(Code::DuplicateKey, entry, message));
                    }
                    product.matrix = Some(matrix(entry, &product.name)?);
                }
                _ => return Err(unknown(entry, "the product file", KEYS)),
            }
        }
        Ok(product)
    }

    /// Tells whether the file says anything about the matrix.
    pub fn has_matrix(&self) -> bool {
        self.matrix.is_some()
    }

    /// Returns the events that change something, given what the book holds.
    ///
    /// # Errors
    /// A [`Refusal`] naming the line of a definition that the book would not admit.
    pub fn plan(
        &self,
        registry: &Registry,
        matrix_rows: Option<&[Map<String, Value>]>,
    ) -> Result<Vec<Change>, Refusal> {
        let mut registry = registry.clone();
        let mut changes = Vec::new();
        for part in self.components.iter().chain(&self.environments) {
            let event = admitted(part, &registry)?;
            let details = match &event.body {
                Body::ComponentRegistered(spec) => component_changes(spec, &event, &registry),
                Body::EnvironmentRegistered(spec) => {
                    let targets = spec.targets.iter().map(ToString::to_string).collect::<Vec<_>>();
                    environment_changes(&spec.environment, &targets, &registry)
                }
                _ => Vec::new(),
            };
            registry.apply(u64::MAX, &event);
            changes.extend(change(part, details, part.fields.clone()));
        }
        if let Some(part) = &self.policy {
            changes.extend(policy_change(part, &registry)?);
        }
        if let Some(part) = &self.matrix {
            admitted(part, &registry)?;
            let rows = part.fields.get("rows").and_then(Value::as_array);
            let rows: Vec<_> = rows.into_iter().flatten().filter_map(Value::as_object).collect();
            let same = matrix_rows.is_some_and(|held| held.iter().eq(rows.iter().copied()));
            let details = match matrix_rows {
                _ if same => Vec::new(),
                Some(held) => matrix_changes(held, &rows),
                None => vec![format!("new, {}", counted(rows.len(), "row"))],
            };
            changes.extend(change(part, details, part.fields.clone()));
        }
        Ok(changes)
    }

    /// Returns what the policy and the matrix name and nobody has registered.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub fn remarks(&self, registry: &Registry) -> Result<Vec<Remark>, Refusal> {
        let mut registry = registry.clone();
        for part in self.components.iter().chain(&self.environments) {
            registry.apply(u64::MAX, &admitted(part, &registry)?);
        }
        let naming = self.policy.iter().chain(&self.matrix);
        Ok(remark::remarks(naming.map(|part| &part.fields), &registry))
    }
}

fn change(part: &Part, details: Vec<String>, fields: Map<String, Value>) -> Option<Change> {
    let subject = part.subject.clone();
    (!details.is_empty()).then_some(Change { line: part.line, subject, details, fields })
}

/// Admits the event that a part would become, so that a refusal names the line of the file.
fn admitted(part: &Part, registry: &Registry) -> Result<Event, Refusal> {
    let mut fields = part.fields.clone();
    fields.insert("id".to_owned(), json!(uuid::Uuid::now_v7().to_string()));
    fields.insert("occurred_at".to_owned(), json!("1970-01-01T00:00:00Z"));
    admit(&Value::Object(fields), registry).map_err(|refusal| refusal.on_line(part.line))
}

fn component_changes(
    spec: &ComponentRegistered,
    event: &Event,
    registry: &Registry,
) -> Vec<String> {
    let Some(held) = registry.component(event.component()) else { return vec!["new".to_owned()] };
    let show = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let (before, after) = (component_fields(&held.spec), component_fields(spec));
    let pairs = before.into_iter().zip(after).filter(|(before, after)| before != after);
    pairs
        .map(|((name, before), (_, after))| format!("{name}: {} -> {}", show(before), show(after)))
        .collect()
}

fn component_fields(spec: &ComponentRegistered) -> [(&'static str, Option<String>); 8] {
    let text = |value: &Option<_>| value.as_ref().map(ToString::to_string);
    [
        ("scheme", Some(spec.scheme.clone())),
        ("release_model", Some(spec.release_model.as_str().to_owned())),
        ("tag_prefix", spec.tag_prefix.clone()),
        ("artifact", text(&spec.artifact)),
        ("repository", spec.repository.clone()),
        ("cadence", spec.cadence.clone()),
        ("go_module", text(&spec.go_module)),
        ("alias", text(&spec.alias)),
    ]
}

fn environment_changes(name: &str, targets: &[String], registry: &Registry) -> Vec<String> {
    match registry.environments().find(|(held, _)| *held == name) {
        None => vec!["new".to_owned()],
        Some((_, held)) if held == targets => Vec::new(),
        Some((_, held)) => vec![format!("targets: {} -> {}", held.join(","), targets.join(","))],
    }
}

/// Says what becomes of each row of the matrix: rows are known by their place.
fn matrix_changes(held: &[Map<String, Value>], rows: &[&Map<String, Value>]) -> Vec<String> {
    let range = |row: &Map<String, Value>, alias: &str| match row.get(alias) {
        Some(Value::String(range)) => range.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    };
    let mut details = Vec::new();
    for place in 0..held.len().max(rows.len()) {
        let row = format!("r{}", place + 1);
        match (held.get(place), rows.get(place)) {
            (Some(before), Some(after)) => {
                let new = after.keys().filter(|alias| !before.contains_key(*alias));
                for alias in before.keys().chain(new) {
                    let (before, after) = (range(before, alias), range(after, alias));
                    if before != after {
                        details.push(format!("{row} {alias}: {before} -> {after}"));
                    }
                }
            }
            (None, Some(after)) => {
                let ranges = after.keys().map(|alias| format!("{alias} {}", range(after, alias)));
                details.push(format!("{row}: new, {}", ranges.collect::<Vec<_>>().join(" with ")));
            }
            (Some(_), None) => details.push(format!("{row}: gone")),
            (None, None) => {}
        }
    }
    details
}

/// Keeps only the values that differ from those in force: `policy.set` replaces what it names.
fn policy_change(part: &Part, registry: &Registry) -> Result<Option<Change>, Refusal> {
    admitted(part, registry)?;
    let Some(Value::Object(values)) = part.fields.get("values") else { return Ok(None) };
    let (mut kept, mut details) = (Map::new(), Vec::new());
    for (name, value) in values {
        let value = if name == "gates" {
            changed_gates(registry.policy(), value)
        } else {
            changes_policy(registry.policy(), name, value).then(|| value.clone())
        };
        if let Some(value) = value {
            details.push(format!("{name}: {value}"));
            kept.insert(name.clone(), value);
        }
    }
    let mut fields = part.fields.clone();
    fields.insert("values".to_owned(), Value::Object(kept));
    Ok(change(part, details, fields))
}

fn changed_gates(policy: &Policy, gates: &Value) -> Option<Value> {
    let stages = gates.as_object()?.iter();
    let changed: Map<_, _> = stages
        .filter(|(stage, list)| changes_policy(policy, "gates", &json!({ stage.as_str(): list })))
        .map(|(stage, list)| (stage.clone(), list.clone()))
        .collect();
    (!changed.is_empty()).then_some(Value::Object(changed))
}

fn changes_policy(policy: &Policy, name: &str, value: &Value) -> bool {
    let mut next = policy.clone();
    let set = next.set(&Map::from_iter([(name.to_owned(), value.clone())]));
    set.is_err() || next != *policy
}

fn components(entry: &Entry) -> Result<Vec<Part>, Refusal> {
    let known = || Kind::ComponentRegistered.spec().fields.iter().map(|field| field.name);
    let mut parts = Vec::new();
    for component in map(&entry.node, "components")? {
        let mut fields = Map::from_iter([
            ("kind".to_owned(), json!(Kind::ComponentRegistered.as_str())),
            ("component".to_owned(), json!(component.key)),
        ]);
        for field in map(&component.node, &component.key)? {
            if !known().any(|name| name == field.key) {
                return Err(unknown(field, &format!("the component `{}`", component.key), known()));
            }
            if field.node.value != Yaml::Nothing {
                fields.insert(field.key.clone(), json!(text_of(&field.node, &field.key)?));
            }
        }
        let subject = format!("component {}", component.key);
        parts.push(Part { line: component.line, subject, fields });
    }
    Ok(parts)
}

fn environments(entry: &Entry) -> Result<Vec<Part>, Refusal> {
    let mut parts = Vec::new();
    for environment in map(&entry.node, "environments")? {
        let mut fields = Map::from_iter([
            ("kind".to_owned(), json!(Kind::EnvironmentRegistered.as_str())),
            ("environment".to_owned(), json!(environment.key)),
        ]);
        for field in map(&environment.node, &environment.key)? {
            if field.key != "targets" {
                let place = format!("the environment `{}`", environment.key);
                return Err(unknown(field, &place, ["targets"]));
            }
            fields.insert("targets".to_owned(), json!(texts(&field.node, "targets")?));
        }
        let subject = format!("environment {}", environment.key);
        parts.push(Part { line: environment.line, subject, fields });
    }
    Ok(parts)
}

fn policy(entry: &Entry, product: &str) -> Result<Part, Refusal> {
    let mut values = Map::new();
    for value in map(&entry.node, "policy")? {
        if !Policy::NAMES.contains(&value.key.as_str()) {
            return Err(unknown(value, "the policy", Policy::NAMES.iter().copied()));
        }
        values.insert(value.key.clone(), policy_value(&value.node, &value.key)?);
    }
    let fields = Map::from_iter([
        ("kind".to_owned(), json!(Kind::PolicySet.as_str())),
        ("policy_id".to_owned(), json!(format!("{product}-policy"))),
        ("values".to_owned(), Value::Object(values)),
    ]);
    Ok(Part { line: entry.line, subject: "policy".to_owned(), fields })
}

/// Reads a policy value: every scalar value of the policy is a number, every list holds names.
fn policy_value(node: &Node, key: &str) -> Result<Value, Refusal> {
    Ok(match &node.value {
        Yaml::Text { text, plain: true } => match relbook_ledger::json::parse(text.as_bytes()) {
            Ok(number @ Value::Number(_)) => number,
            _ => json!(text),
        },
        Yaml::Text { text, plain: false } => json!(text),
        Yaml::List(_) => json!(texts(node, key)?),
        Yaml::Map(entries) => {
            let mut object = Map::new();
            for entry in entries {
                object.insert(entry.key.clone(), json!(texts(&entry.node, &entry.key)?));
            }
            Value::Object(object)
        }
        Yaml::Nothing => return Err(bad(node, key, "needs a value")),
    })
}

fn matrix(entry: &Entry, product: &str) -> Result<Part, Refusal> {
    let Yaml::List(items) = &entry.node.value else {
        return Err(bad(&entry.node, &entry.key, "must be a list of rows, each alias: range"));
    };
    let mut rows = Vec::new();
    for item in items {
        let mut row = Map::new();
        for cell in map(item, "a row of the matrix")? {
            row.insert(cell.key.clone(), json!(text_of(&cell.node, &cell.key)?));
        }
        rows.push(Value::Object(row));
    }
    let fields = Map::from_iter([
        ("kind".to_owned(), json!(Kind::MatrixPublished.as_str())),
        ("matrix_id".to_owned(), json!(format!("{product}-matrix"))),
        ("rows".to_owned(), Value::Array(rows)),
    ]);
    Ok(Part { line: entry.line, subject: "matrix".to_owned(), fields })
}

fn map<'a>(node: &'a Node, what: &str) -> Result<&'a [Entry], Refusal> {
    match &node.value {
        Yaml::Map(entries) => Ok(entries),
        _ => Err(bad(node, what, "must be a map of `key: value`")),
    }
}

fn text_of(node: &Node, key: &str) -> Result<String, Refusal> {
    match &node.value {
        Yaml::Text { text, .. } => Ok(text.clone()),
        Yaml::Nothing => Err(bad(node, key, "needs a value")),
        _ => Err(bad(node, key, "must be one text")),
    }
}

fn texts(node: &Node, key: &str) -> Result<Vec<String>, Refusal> {
    match &node.value {
        Yaml::List(items) => items.iter().map(|item| text_of(item, key)).collect(),
        _ => Err(bad(node, key, "must be a list, such as [a, b]")),
    }
}

fn bad(node: &Node, key: &str, message: &str) -> Refusal {
    Refusal::new(Code::BadValue, message).at(key).on_line(node.line)
}

fn at(code: Code, entry: &Entry, message: impl Into<String>) -> Refusal {
    Refusal::new(code, message).at(&entry.key).on_line(entry.line)
}

fn unknown<'a>(entry: &Entry, place: &str, known: impl IntoIterator<Item = &'a str>) -> Refusal {
    let known: Vec<&str> = known.into_iter().collect();
    let hint = closest(&entry.key, known.iter().copied()).map_or_else(
        || format!("; there are {}", known.join(", ")),
        |near| format!("; did you mean `{near}`?"),
    );
    at(Code::UnknownField, entry, format!("{place} has no key `{}`{hint}", entry.key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORION: &str = "\
product: orion
components:
  orion-api: {alias: api, scheme: semver, release_model: deployed, tag_prefix: v}
environments:
  production: {targets: [us-east-1, eu-west-1]}
policy: {quorum: 2, smoke_max_s: 300, gates: {dev: [unit, lint, smoke]}}
matrix:
  - {cli: \"1.9.x\", api: 1.10}
";

    fn subjects(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|change| change.subject.as_str()).collect()
    }

    fn applied(changes: &[Change]) -> Registry {
        let mut registry = Registry::default();
        for change in changes {
            let part = Part { line: 1, subject: String::new(), fields: change.fields.clone() };
            let event = admitted(&part, &registry).expect("the plan is admitted");
            registry.apply(2, &event);
        }
        registry
    }

    #[test]
    fn only_what_changes_is_planned() {
        let product = Product::read(ORION, "orion.yaml").expect("a product");
        let changes = product.plan(&Registry::default(), None).expect("a plan");
        assert_eq!(
            subjects(&changes),
            ["component orion-api", "environment production", "policy", "matrix"]
        );
        // smoke_max_s has its default already.
        assert_eq!(
            changes[2].fields["values"],
            json!({"quorum": 2, "gates": {"dev": ["unit", "lint", "smoke"]}})
        );
        let rows =
            [Map::from_iter([("cli".into(), json!("1.9.x")), ("api".into(), json!("1.10"))])];
        let registry = applied(&changes);
        assert_eq!(product.plan(&registry, Some(&rows)).expect("a plan"), []);
        let other = ORION.replace("tag_prefix: v", "tag_prefix: api/v").replace(", eu-west-1", "");
        let other = Product::read(&other, "orion.yaml").expect("a product");
        let changes = other.plan(&registry, Some(&rows)).expect("a plan");
        assert_eq!(changes[0].details, ["tag_prefix: v -> api/v"]);
        assert_eq!(changes[1].details, ["targets: us-east-1,eu-west-1 -> us-east-1"]);
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn what_is_unknown_is_refused_with_line_and_remedy() {
        for (text, line, word) in [
            ("produkt: x\n", 1, "`product`"),
            ("components:\n  a:\n    shceme: semver\n", 3, "`scheme`"),
            ("environments:\n  p: {target: [a]}\n", 2, "`targets`"),
            ("policy:\n  quorun: 2\n", 2, "`quorum`"),
            ("policy:\n  quorum: \"2\"\n", 1, "quorum"),
            ("components:\n  a: {release_model: deployed}\n", 2, "scheme"),
            ("environments:\n  p: {targets: a}\n", 2, "list"),
            ("matrix: {a: b}\n", 1, "rows"),
            ("matrix:\n  - {api: }\n", 2, "value"),
            ("matrix: []\norion-compatibility-matrix: []\n", 2, "twice"),
        ] {
            let refusal = Product::read(text, "p.yaml")
                .and_then(|product| product.plan(&Registry::default(), None))
                .expect_err(text);
            assert_eq!(refusal.line, Some(line), "{text}: {refusal}");
            assert!(refusal.to_string().contains(word), "{text}: {refusal}");
        }
    }

    #[test]
    fn the_block_of_a_markdown_file_is_found() {
        let text = format!("# Orion\n\n```yaml\nother: 1\n```\n\n```yaml\n{ORION}```\ntail\n");
        let product = Product::read(&text, "ORION.md").expect("a product");
        assert_eq!(product.name, "orion");
        assert_eq!(product.components[0].line, 10);
        assert!(Product::read("# Orion\n", "ORION.md").is_err());
        let twice = format!("```yaml\n{ORION}```\n```yaml\n{ORION}```\n");
        assert_eq!(Product::read(&twice, "o.md").expect_err("two").line, Some(11));
    }

    #[test]
    fn the_key_of_the_matrix_may_name_the_product() {
        let text = "orion-compatibility-matrix:\n  - {api: 1.x}\n";
        let product = Product::read(text, "m.yaml").expect("a product");
        assert_eq!(product.name, "orion");
        assert!(product.has_matrix());
    }
}
