//! SLSA provenance 0.1, 0.2 and 1.x: which commit and run made an artifact (ingest.md 3.4).
//!
//! Taken from the fields that the builder fills. What the one who started the build could choose
//! (parameters, inputs, the payload of a webhook) is not read.

use relbook_ledger::event::Digest;
use serde_json::Value;

use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::time::{self, ReportTime};

const TYPE: &str = "https://slsa.dev/provenance/";

/// What a provenance says, as far as it is taken.
#[derive(Debug, Default)]
pub(super) struct Provenance {
    pub(super) builder: Option<String>,
    pub(super) build_type: Option<String>,
    /// The source, without its ref.
    pub(super) repository: Option<String>,
    /// The ref, in full (`refs/tags/v1.4.2`).
    pub(super) reference: Option<String>,
    pub(super) commit: Option<String>,
    /// Why there is no commit.
    pub(super) no_commit: Option<String>,
    pub(super) run_id: Option<String>,
    pub(super) run_attempt: Option<String>,
    pub(super) run_url: Option<String>,
    pub(super) actor: Option<String>,
    pub(super) actor_id: Option<String>,
    pub(super) trigger: Option<String>,
    pub(super) started: Option<ReportTime>,
    pub(super) finished: Option<ReportTime>,
}

/// A source as a provenance names it: `git+https://host/owner/name@refs/heads/main`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Source {
    repository: String,
    reference: Option<String>,
}

/// Reads a provenance; `None` for another predicate.
pub(super) fn read(
    predicate_type: &str,
    predicate: &Place<'_>,
) -> Result<Option<Provenance>, IngestError> {
    match predicate_type.strip_prefix(TYPE) {
        Some("v0.1") => first(predicate).map(Some),
        Some("v0.2") => second(predicate).map(Some),
        Some("v1" | "v1.0" | "v1.1" | "v1.2") => third(predicate).map(Some),
        Some(other) => Err(IngestError::Unsupported {
            file: predicate.file().to_owned(),
            what: format!("SLSA provenance {other}"),
            reason: "relbook reads v0.1, v0.2 and v1",
        }),
        None => Ok(None),
    }
}

/// Version 0.1, which Google Cloud Build still writes.
fn first(predicate: &Place<'_>) -> Result<Provenance, IngestError> {
    let mut found = Provenance { builder: builder(predicate)?, ..Provenance::default() };
    metadata(predicate, &mut found)?;
    let materials = predicate.list("materials")?.unwrap_or_default();
    let recipe = predicate.at("recipe")?;
    let mut defined_in = None;
    if let Some(recipe) = &recipe {
        found.build_type = recipe.text("type")?.map(str::to_owned);
        // Cloud Build writes -1 where there is none.
        let index = recipe.at("definedInMaterial")?;
        defined_in = match index.map(|index| index.value().as_i64()) {
            Some(Some(index)) => u64::try_from(index).ok(),
            Some(None) => return Err(recipe.expected_under("definedInMaterial", "a whole number")),
            None => None,
        };
    }
    let source = match (defined_in, materials.as_slice()) {
        (Some(index), all) => usize::try_from(index).ok().and_then(|index| all.get(index)),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(source) = source else {
        found.no_commit = Some("several materials, and none is named as the source".to_owned());
        return Ok(found);
    };
    if let Some(uri) = source.text("uri")? {
        // Cloud Build names the commit in the address only.
        let (uri, commit) = match uri.split_once("/commit/") {
            Some((uri, commit)) => (uri, git(commit)),
            None => (uri, None),
        };
        found.source(Some(Source::parse(uri)));
        found.commit = commit;
    }
    if let Some(digest) = source.at("digest")? {
        found.commit = commit(&digest, &mut found.no_commit)?;
    }
    found.explain("the source has no commit");
    Ok(found)
}

fn second(predicate: &Place<'_>) -> Result<Provenance, IngestError> {
    let mut found = Provenance { builder: builder(predicate)?, ..Provenance::default() };
    found.build_type = predicate.text("buildType")?.map(str::to_owned);
    metadata(predicate, &mut found)?;
    if let Some(config) = predicate.down(&["invocation", "configSource"])? {
        found.source(config.text("uri")?.map(Source::parse));
        if let Some(digest) = config.at("digest")? {
            found.commit = commit(&digest, &mut found.no_commit)?;
        }
    }
    if let Some(environment) = predicate.down(&["invocation", "environment"])? {
        found.actor = environment.text("github_actor")?.map(str::to_owned);
        found.actor_id = word(&environment, "github_actor_id");
        let trigger = environment.text("github_event_name")?;
        found.trigger = trigger.or(environment.text("GITHUB_EVENT_NAME")?).map(str::to_owned);
    }
    found.explain("`invocation.configSource` has no commit");
    Ok(found)
}

fn third(predicate: &Place<'_>) -> Result<Provenance, IngestError> {
    let mut found = Provenance::default();
    let definition = predicate.at("buildDefinition")?;
    if let Some(run) = predicate.at("runDetails")? {
        found.builder = builder(&run)?;
        metadata(&run, &mut found)?;
    }
    let Some(definition) = definition else {
        found.explain("there is no `buildDefinition`");
        return Ok(found);
    };
    found.build_type = definition.text("buildType")?.map(str::to_owned);
    if let Some(internal) = definition.at("internalParameters")? {
        let github = internal.at("github")?;
        let github = github.as_ref().unwrap_or(&internal);
        let own = |name: &str, old: &str| word(github, name).or_else(|| word(github, old));
        found.actor_id = own("actor_id", "GITHUB_ACTOR_ID");
        found.trigger = own("event_name", "GITHUB_EVENT_NAME");
    }
    let source = external_source(&definition)?;
    dependencies(&definition, source.as_ref(), &mut found)?;
    if source.is_some() {
        found.source(source);
    }
    Ok(found)
}

/// The source as the build's own parameters name it, in the two ways that are known.
fn external_source(definition: &Place<'_>) -> Result<Option<Source>, IngestError> {
    if let Some(workflow) = definition.down(&["externalParameters", "workflow"])?
        && let Some(repository) = workflow.text("repository")?
    {
        let reference = workflow.text("ref")?.map(str::to_owned);
        return Ok(Some(Source { reference, ..Source::parse(repository) }));
    }
    let Some(source) = definition.down(&["externalParameters", "source"])? else { return Ok(None) };
    let uri = match source.value() {
        Value::String(uri) => Some(uri.as_str()),
        Value::Object(_) => source.text("uri")?,
        _ => None,
    };
    Ok(uri.map(Source::parse))
}

/// Finds the commit among the dependencies: of the source where it is known, else of the only
/// repository there is.
fn dependencies(
    definition: &Place<'_>,
    source: Option<&Source>,
    found: &mut Provenance,
) -> Result<(), IngestError> {
    let mut commits: Vec<String> = Vec::new();
    for dependency in definition.list("resolvedDependencies")?.unwrap_or_default() {
        let uri = dependency.text("uri")?.unwrap_or_default();
        let own = Source::parse(uri);
        let Some(digest) = dependency.at("digest")? else { continue };
        let named = digest.at("gitCommit")?.is_some() || uri.starts_with("git+");
        if !named || source.is_some_and(|source| !source.matches(&own)) {
            continue;
        }
        let Some(commit) = commit(&digest, &mut found.no_commit)? else { continue };
        if !commits.contains(&commit) {
            commits.push(commit);
        }
        if source.is_none() {
            found.source(Some(own));
        }
    }
    match commits.as_slice() {
        [one] => found.commit = Some(one.clone()),
        [] => found.explain("`resolvedDependencies` has no commit of the source"),
        several => {
            let count = several.len();
            found.no_commit = Some(format!("`resolvedDependencies` has {count} commits"));
            if source.is_none() {
                (found.repository, found.reference) = (None, None);
            }
        }
    }
    Ok(())
}

impl Source {
    fn parse(uri: &str) -> Self {
        let uri = uri.strip_prefix("git+").unwrap_or(uri);
        let (repository, reference) = match uri.split_once("@refs/") {
            Some((repository, rest)) => (repository, Some(format!("refs/{rest}"))),
            None => (uri, None),
        };
        Self { repository: repository.to_owned(), reference }
    }

    /// Tells whether both are the same repository, and the same ref where both name one.
    fn matches(&self, other: &Self) -> bool {
        let plain = |repository: &str| {
            let short = repository.trim_end_matches('/');
            short.strip_suffix(".git").unwrap_or(short).to_ascii_lowercase()
        };
        let refs = match (&self.reference, &other.reference) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => true,
        };
        refs && plain(&self.repository) == plain(&other.repository)
    }
}

impl Provenance {
    fn source(&mut self, source: Option<Source>) {
        if let Some(source) = source.filter(|source| !source.repository.is_empty()) {
            self.repository = Some(source.repository);
            self.reference = source.reference;
        }
    }

    /// Says why there is no commit, where nothing said so yet.
    fn explain(&mut self, why: &str) {
        if self.commit.is_none() {
            self.no_commit.get_or_insert_with(|| why.to_owned());
        } else {
            self.no_commit = None;
        }
    }

    /// Returns when the artifact was built.
    pub(super) fn time(&self) -> Option<&ReportTime> {
        self.finished.as_ref().or(self.started.as_ref())
    }

    /// Returns the branch, when it was built from one.
    pub(super) fn branch(&self) -> Option<&str> {
        self.reference.as_deref()?.strip_prefix("refs/heads/")
    }

    /// Returns the tag, when it was built from one.
    pub(super) fn tag(&self) -> Option<&str> {
        self.reference.as_deref()?.strip_prefix("refs/tags/")
    }
}

fn builder(place: &Place<'_>) -> Result<Option<String>, IngestError> {
    let Some(builder) = place.at("builder")? else { return Ok(None) };
    Ok(builder.text("id")?.map(str::to_owned))
}

/// Reads times and the run, under the names that the versions and their writers use.
fn metadata(place: &Place<'_>, found: &mut Provenance) -> Result<(), IngestError> {
    let Some(metadata) = place.at("metadata")? else { return Ok(()) };
    let times = |old: &str, new: &str| match time::at(&metadata, old)? {
        Some(time) => Ok(Some(time)),
        None => time::at(&metadata, new),
    };
    found.started = times("buildStartedOn", "startedOn")?;
    found.finished = times("buildFinishedOn", "finishedOn")?;
    let mut invocation = None;
    for name in ["buildInvocationID", "buildInvocationId", "invocationId"] {
        invocation = invocation.or(metadata.text(name)?);
    }
    let Some(invocation) = invocation else { return Ok(()) };
    let (id, attempt) = run(invocation);
    found.run_url = invocation.starts_with("https://").then(|| invocation.to_owned());
    found.run_id = Some(id.to_owned());
    found.run_attempt = attempt.map(str::to_owned);
    Ok(())
}

/// Splits `<run>-<attempt>` and `.../runs/<run>/attempts/<attempt>`; anything else is an id.
fn run(invocation: &str) -> (&str, Option<&str>) {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let split = match invocation.split_once("/runs/") {
        Some((_, rest)) => rest.split_once("/attempts/"),
        None => invocation.split_once('-'),
    };
    match split {
        Some((run, attempt)) if digits(run) && digits(attempt) => (run, Some(attempt)),
        _ => (invocation, None),
    }
}

/// Reads a short word, which may be written as a number.
fn word(place: &Place<'_>, key: &str) -> Option<String> {
    match place.value().get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Takes the commit of a digest set, where it is written as one.
fn commit(
    digest: &Place<'_>,
    no_commit: &mut Option<String>,
) -> Result<Option<String>, IngestError> {
    for name in ["gitCommit", "sha1"] {
        if let Some(hex) = digest.text(name)? {
            if Digest::parse(&format!("{name}:{hex}")).is_ok() {
                return Ok(Some(hex.to_owned()));
            }
            *no_commit = Some(format!("`{name}` is not {name}: {} characters", hex.len()));
            return Ok(None);
        }
    }
    for (name, value) in digest.object()? {
        let length = value.as_str().map_or(0, str::len);
        if length == 40 {
            *no_commit =
                Some(format!("40 digits under `{name}`, which is not how a commit stands"));
        }
    }
    Ok(None)
}

/// Takes a text when it is the full name of a commit.
fn git(text: &str) -> Option<String> {
    Digest::parse(&format!("gitCommit:{text}")).ok().map(|_| text.to_owned())
}
