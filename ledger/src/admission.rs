//! What an event must be to enter a book, and the refusal when it is not (contract section 2).
//!
//! Checks shape and meaning against the registry: field names, types, the component, versions
//! under its scheme. Signature, role, id and size are the writer's (`store`), because they need
//! the signed bytes. Facts are not judged here: an approval by the author is admitted.

use std::fmt;

use serde_json::{Map, Value};

use crate::event::{Body, Event, FieldSpec, HEADER_FIELDS, Kind, KindSpec, ScanStatus};
use crate::json::{JsonError, JsonErrorKind};
use crate::policy::Policy;
use crate::registry::Registry;
use crate::version::{Scheme, VersionError, gomod};

macro_rules! codes {
    ($( $(#[doc = $doc:literal])+ $text:literal => $name:ident ),+ $(,)?) => {
        /// Why input was refused, as scripts and the table `refusals` see it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $( $(#[doc = $doc])+ $name, )+ }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[ $( Self::$name, )+ ];

            /// Returns the code as it is printed.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => $text, )+ }
            }
        }
    };
}

codes! {
    /// Not strict JSON, not UTF-8, or not an object.
    "json" => Json,
    /// A key stands twice in one object.
    "duplicate_key" => DuplicateKey,
    /// A field that the kind does not have.
    "unknown_field" => UnknownField,
    /// A field that the kind must have.
    "missing_field" => MissingField,
    /// A value of the wrong type, form or range.
    "bad_value" => BadValue,
    /// A kind that relbook does not know.
    "unknown_kind" => UnknownKind,
    /// A component that is not registered.
    "unknown_component" => UnknownComponent,
    /// A version that is not SemVer where the scheme is.
    "not_semver" => NotSemver,
    /// A version that does not fit the component's CalVer scheme.
    "calver_format" => CalverFormat,
    /// A version with the `v` of a tag name.
    "version_prefix" => VersionPrefix,
    /// A Go module path whose major does not fit the version.
    "go_path_major" => GoPathMajor,
    /// A key that was never enrolled.
    "unknown_key" => UnknownKey,
    /// A key that was revoked.
    "revoked_key" => RevokedKey,
    /// A kind, component or environment that the key's role does not allow.
    "role" => Role,
    /// An event signed for another book.
    "wrong_book" => WrongBook,
    /// A signature that does not verify.
    "bad_signature" => BadSignature,
    /// An id that the book holds with other bytes.
    "id_conflict" => IdConflict,
    /// A time later than the ledger's clock allows.
    "future_time" => FutureTime,
    /// A ledger clock that would go back.
    "clock_backwards" => ClockBackwards,
    /// An event or batch beyond a limit.
    "too_large" => TooLarge,
    /// Another writer holds the book.
    "locked" => Locked,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A refusal: nothing was appended. Displays as one sentence with the code at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub code: Code,
    /// The 1-based line of the batch.
    pub line: Option<u64>,
    /// The field.
    pub field: Option<String>,
    /// Its value, shortened.
    pub value: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Refusal {
    const VALUE_CHARS_MAX: usize = 120;

    /// Makes a refusal that concerns no field.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, line: None, field: None, value: None, message: message.into() }
    }

    /// Names the field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Shows the value, shortened.
    #[must_use]
    pub fn with_value(mut self, value: impl fmt::Display) -> Self {
        let text = value.to_string();
        let mut short: String = text.chars().take(Self::VALUE_CHARS_MAX).collect();
        if short.len() < text.len() {
            short.push_str("...");
        }
        self.value = Some(short);
        self
    }

    /// Names the 1-based line.
    #[must_use]
    pub fn on_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Refusal {}

/// Reads an event from strictly parsed JSON and checks all that the registry can tell.
///
/// # Errors
/// The [`Refusal`] of the first rule that the event breaks, with field and value.
pub fn admit(value: &Value, registry: &Registry) -> Result<Event, Refusal> {
    let Value::Object(fields) = value else {
        return Err(Refusal::new(Code::Json, "an event is a JSON object").with_value(value));
    };
    let spec = kind_of(fields)?.spec();
    check_names(fields, spec)?;
    let event = Event::from_fields(spec.kind, fields).map_err(|error| {
        if error.field == "version"
            && let Some(refusal) = bad_version(fields, registry)
        {
            return refusal;
        }
        let value = fields.get(error.field.split(['.', '[']).next().unwrap_or_default());
        let refusal = Refusal::new(Code::BadValue, error.message).at(error.field);
        match value {
            Some(value) => refusal.with_value(plain(value)),
            None => refusal,
        }
    })?;
    check_header(&event)?;
    check_body(&event)?;
    check_component(&event, registry)?;
    Ok(event)
}

fn kind_of(fields: &Map<String, Value>) -> Result<Kind, Refusal> {
    let Some(value) = fields.get("kind") else {
        return Err(Refusal::new(
            Code::MissingField,
            "an event needs a kind, such as build.completed",
        )
        .at("kind"));
    };
    let name = value.as_str().unwrap_or_default();
    Kind::parse(name).ok_or_else(|| {
        let hint = closest(name, Kind::ALL.iter().map(|kind| kind.as_str()))
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Refusal::new(Code::UnknownKind, format!("`{}` is no kind of event{hint}", plain(value)))
            .at("kind")
            .with_value(plain(value))
    })
}

fn check_names(fields: &Map<String, Value>, spec: &KindSpec) -> Result<(), Refusal> {
    let known = || HEADER_FIELDS.iter().chain(spec.fields).map(|field| field.name);
    if let Some((name, value)) = fields.iter().find(|(name, _)| !known().any(|k| k == *name)) {
        let hint = closest(name, known()).map_or_else(
            || "; free text goes under labels".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        );
        let message = format!("{} has no field `{name}`{hint}", spec.name);
        return Err(Refusal::new(Code::UnknownField, message).at(name).with_value(plain(value)));
    }
    let needs =
        |field: &FieldSpec| field.required || (field.name == "component" && spec.needs_component);
    for field in HEADER_FIELDS.iter().chain(spec.fields).filter(|field| needs(field)) {
        if matches!(fields.get(field.name), None | Some(Value::Null)) {
            let doc = field.doc.trim();
            let message = format!("{} needs the field `{}`: {doc}", spec.name, field.name);
            return Err(Refusal::new(Code::MissingField, message).at(field.name));
        }
    }
    Ok(())
}

fn check_header(event: &Event) -> Result<(), Refusal> {
    let id = event.header.id;
    if id.get_version_num() != 7 {
        return Err(bad("id", id, "must be a UUIDv7 (leave it out and relbook makes one)"));
    }
    Ok(())
}

fn bad(field: &str, value: impl fmt::Display, message: impl Into<String>) -> Refusal {
    Refusal::new(Code::BadValue, message).at(field).with_value(value)
}

fn missing(field: &str, message: &str) -> Refusal {
    Refusal::new(Code::MissingField, message).at(field)
}

/// Checks what one field says about another, or a range that its type does not hold.
fn check_body(event: &Event) -> Result<(), Refusal> {
    match &event.body {
        Body::ComponentRegistered(spec) => {
            let known = Scheme::parse(&spec.scheme);
            known.map(drop).map_err(|error| bad("scheme", &spec.scheme, error.to_string()))
        }
        Body::EnvironmentRegistered(spec) => check_targets(&spec.targets),
        Body::PolicySet(spec) => Policy::default().set(&spec.values).map_err(|error| {
            let value = spec.values.get(&error.field).cloned().unwrap_or_default();
            bad(&format!("values.{}", error.field), plain(&value), error.message)
        }),
        Body::DeployStarted(spec) => {
            check_targets(&spec.targets)?;
            check_weight(spec.weight)
        }
        Body::DeployProgressed(spec) => check_weight(Some(spec.weight)),
        Body::DeployFinished(spec) => {
            let succeeded = spec.outcome == crate::event::FinishOutcome::Succeeded;
            if !succeeded && spec.restored.is_none() {
                let outcome = spec.outcome.as_str();
                return Err(missing(
                    "restored",
                    &format!(
                        "a deploy that {outcome} must say whether the previous state was restored"
                    ),
                ));
            }
            Ok(())
        }
        Body::ScanCompleted(spec) if spec.status != Some(ScanStatus::NotScanned) => {
            match (spec.critical, spec.high) {
                (None, _) => Err(missing(
                    "critical",
                    "a scan needs its number of critical vulnerabilities (or status not_scanned)",
                )),
                (_, None) => Err(missing(
                    "high",
                    "a scan needs its number of high vulnerabilities (or status not_scanned)",
                )),
                _ => Ok(()),
            }
        }
        Body::CheckCompleted(spec) => check_window(spec),
        Body::KeyEnrolled(spec)
            if spec.role.is_none() && spec.roles.as_ref().is_none_or(Vec::is_empty) =>
        {
            Err(missing(
                "roles",
                "an enrolled key needs a role: admin, ci, approver, reporter, auditor or your own",
            ))
        }
        Body::EventCorrected(spec) if !(spec.corrects.is_string() || spec.corrects.is_u64()) => {
            Err(bad("corrects", plain(&spec.corrects), "must be the seq or the id of an event"))
        }
        _ => Ok(()),
    }
}

fn check_window(spec: &crate::event::check::CheckCompleted) -> Result<(), Refusal> {
    if let (Some(start), Some(end)) = (spec.window_start, spec.window_end)
        && end < start
    {
        return Err(bad("window_end", end, format!("is before window_start {start}")));
    }
    if let Some(seconds) = spec.duration_s
        && seconds < 0.0
    {
        return Err(bad("duration_s", seconds, "must not be negative"));
    }
    Ok(())
}

fn check_targets(targets: &[crate::event::Name]) -> Result<(), Refusal> {
    if targets.is_empty() {
        return Err(bad("targets", "[]", "must name at least one target"));
    }
    for (i, target) in targets.iter().enumerate() {
        if targets[..i].contains(target) {
            return Err(bad("targets", target, format!("names `{target}` twice")));
        }
    }
    Ok(())
}

fn check_weight(weight: Option<u8>) -> Result<(), Refusal> {
    match weight {
        Some(weight) if weight > 100 => Err(bad("weight", weight, "is a percentage, 0 to 100")),
        _ => Ok(()),
    }
}

fn check_component(event: &Event, registry: &Registry) -> Result<(), Refusal> {
    let name = event.component();
    if let Body::ComponentRegistered(spec) = &event.body {
        return check_alias(name, spec.alias.as_deref(), registry);
    }
    if name.is_empty() {
        return Ok(());
    }
    let Some(component) = registry.component(name) else {
        let names = registry.components().map(|(name, _)| name);
        let hint = closest(name, names).map_or_else(
            || "; register it with `relbook apply` or component.registered".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        );
        let message = format!("`{name}` is not a registered component{hint}");
        return Err(Refusal::new(Code::UnknownComponent, message).at("component").with_value(name));
    };
    let Some(version) = version_of(&event.body) else { return Ok(()) };
    let parsed = component.scheme.parse_version(version).map_err(|error| no_version(&error))?;
    if let Body::ReleasePublished(spec) = &event.body
        && let Some(module) = &spec.go_module
    {
        gomod::check(module, &parsed).map_err(|error| {
            Refusal::new(Code::GoPathMajor, error.to_string()).at("go_module").with_value(module)
        })?;
    }
    Ok(())
}

fn check_alias(name: &str, alias: Option<&str>, registry: &Registry) -> Result<(), Refusal> {
    for (word, field) in [(Some(name), "component"), (alias, "alias")] {
        let Some(word) = word else { continue };
        if let Some(holder) = registry.resolve(word)
            && holder != name
        {
            return Err(bad(
                field,
                word,
                format!("`{word}` is the name or alias of `{holder}` already"),
            ));
        }
    }
    Ok(())
}

/// Returns the version that an event carries, for the kinds whose version has the component's scheme.
pub fn version_of(body: &Body) -> Option<&str> {
    match body {
        Body::BuildCompleted(spec) => Some(&spec.version),
        Body::TagCreated(spec) => spec.version.as_deref(),
        Body::TagMoved(spec) => spec.version.as_deref(),
        Body::ApprovalGranted(spec) => Some(&spec.version),
        Body::ApprovalRejected(spec) => Some(&spec.version),
        Body::DeployStarted(spec) => spec.version.as_deref(),
        Body::ReleasePublished(spec) => Some(&spec.version),
        Body::ReleaseYanked(spec) => Some(&spec.version),
        Body::GateDecided(spec) => spec.version.as_deref(),
        _ => None,
    }
}

/// Returns the refusal of a version that is not even a name, such as one with white space before
/// it, by the component's scheme: that says more than that it is no name.
fn bad_version(fields: &Map<String, Value>, registry: &Registry) -> Option<Refusal> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let component = registry.component(text("component")?)?;
    let error = component.scheme.parse_version(text("version")?).err()?;
    Some(no_version(&error))
}

fn no_version(error: &VersionError) -> Refusal {
    Refusal::new(version_code(error), error.to_string()).at("version").with_value(error.value())
}

fn version_code(error: &VersionError) -> Code {
    match error.code() {
        "version_prefix" => Code::VersionPrefix,
        "calver_format" => Code::CalverFormat,
        _ => Code::NotSemver,
    }
}

/// Returns the text of a string value without quotes, other values as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Self {
        let message = error.to_string();
        match error.kind {
            JsonErrorKind::DuplicateKey { key } => Self::new(Code::DuplicateKey, message).at(key),
            _ => Self::new(Code::Json, message),
        }
    }
}

/// Returns the candidate that a writer most likely meant.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |candidate: &&'a str| strsim::damerau_levenshtein(word, candidate);
    let best = candidates.into_iter().min_by_key(near)?;
    (near(&best) <= (word.chars().count() / 3).max(2)).then_some(best)
}
