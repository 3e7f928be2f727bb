//! release-please's manifest and configuration (ingest.md 3.12).
//!
//! The manifest is a flat map of paths to versions: it has no mark of its own, so it must be asked
//! for by name. It says which version a path is at, and nothing of an artifact or of the commit
//! that was tagged: it becomes a publish only of an artifact that the caller names by digest, or
//! that the book has as the one build of that version. The configuration names the component of a
//! path and the form of its tags; it proves no release.

use relbook_ledger::version::Scheme;
use serde_json::{Value, json};

use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::release::{given_digest, missing, refused, version};
use crate::ingest::{Context, Reader};

use super::changelog;

/// The reader of `.release-please-manifest.json`.
pub(super) struct Manifest;

/// The reader of `release-please-config.json`.
pub(super) struct Configuration;

const ORIGIN: Origin<'static> = Origin {
    system: "release-please",
    reader: "release-please-manifest",
    format: "release-please-manifest",
};

/// Tells whether the content could be a manifest: only versions, under paths.
pub(in crate::ingest) fn may_be_manifest(json: &Value) -> bool {
    let is_version = |value: &Value| {
        value.as_str().is_some_and(|text| Scheme::Semver.parse_version(text).is_ok())
    };
    json.as_object().is_some_and(|map| !map.is_empty() && map.values().all(is_version))
}

impl Reader for Configuration {
    fn name(&self) -> &'static str {
        "release-please-config"
    }

    fn detect(&self, document: &Document) -> bool {
        let Some(json) = document.json() else { return false };
        let Some(packages) = json.get("packages").and_then(Value::as_object) else { return false };
        let has_type = |value: &Value| value.get("release-type").is_some();
        let schema = json.get("$schema").and_then(Value::as_str).unwrap_or_default();
        has_type(json) || packages.values().any(has_type) || schema.contains("release-please")
    }

    fn accompanies(&self) -> Option<&'static str> {
        Some("release-please-manifest")
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        if context.beside.iter().filter_map(Document::json).any(may_be_manifest) {
            return Ok(Vec::new());
        }
        let reason = "the configuration of release-please proves no release; give it beside the \
                      manifest, which it explains";
        Err(refused(document, reason))
    }
}

impl Reader for Manifest {
    fn name(&self) -> &'static str {
        "release-please-manifest"
    }

    fn detect(&self, _: &Document) -> bool {
        // Nothing marks it as one.
        false
    }

    fn detect_beside(&self, document: &Document, context: &Context) -> bool {
        let configured = || context.beside.iter().any(|other| Configuration.detect(other));
        document.json().is_some_and(may_be_manifest) && configured()
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let configuration = context.beside.iter().find(|other| Configuration.detect(other));
        let mut packages = Vec::new();
        for path in top.object()?.keys() {
            let raw = top.text(path)?.ok_or_else(|| top.expected_under(path, "a version"))?;
            packages.push(Package { path, raw, names: names(configuration, path)? });
        }
        let chosen = choose(document, context, &packages)?;
        let several = chosen.len() > 1;
        let event = |(component, package): (String, &Package<'_>)| {
            publish(document, context, configuration, &component, package, several)
        };
        chosen.into_iter().map(event).collect()
    }
}

/// An entry of the manifest.
struct Package<'a> {
    path: &'a str,
    raw: &'a str,
    /// What its component may be called.
    names: Vec<String>,
}

/// Returns the names of a path: as configured, then its own last part.
fn names(configuration: Option<&Document>, path: &str) -> Result<Vec<String>, IngestError> {
    let mut names = Vec::new();
    if let Some(configuration) = configuration
        && let Some(package) = Place::top(configuration)?.down(&["packages", path])?
    {
        for key in ["component", "package-name"] {
            names.extend(package.text(key)?.map(str::to_owned));
        }
    }
    if path != "." {
        names.push(path.to_owned());
        names.extend(path.rsplit('/').next().map(str::to_owned));
    }
    Ok(names)
}

/// Pairs entries with components: the one that was given, or all.
fn choose<'a>(
    document: &Document,
    context: &Context,
    packages: &'a [Package<'a>],
) -> Result<Vec<(String, &'a Package<'a>)>, IngestError> {
    let resolve = |package: &Package<'_>| {
        let by_name = package.names.iter().find_map(|name| context.registry.resolve(name));
        let by_prefix = || {
            let mut all = context.registry.components();
            let of = |prefix: &str| {
                let path = prefix.strip_suffix('v').unwrap_or(prefix);
                path.strip_suffix(['/', '-', '@']) == Some(package.path)
            };
            all.find(|(_, component)| of(component.tag_prefix())).map(|(name, _)| name)
        };
        by_name.or_else(by_prefix).map(str::to_owned)
    };
    if let Some(given) = &context.component {
        let own = packages.iter().find(|package| resolve(package).as_deref() == Some(given));
        let only = match packages {
            [only] if resolve(only).is_none() => Some(only),
            _ => None,
        };
        let Some(package) = own.or(only) else {
            let paths: Vec<&str> = packages.iter().map(|package| package.path).collect();
            return Err(refused(
                document,
                format!(
                    "no path of the manifest is {given}: {}; give the configuration too, whose \
                     `component` names it",
                    paths.join(", ")
                ),
            ));
        };
        return Ok(vec![(given.clone(), package)]);
    }
    let pair = |package: &'a Package<'a>| match resolve(package) {
        Some(component) => Ok((component, package)),
        None => Err(missing(
            document,
            "component",
            format!(
                "the path `{}` is of no registered component; choose one with --component",
                package.path
            ),
        )),
    };
    packages.iter().map(pair).collect()
}

fn publish(
    document: &Document,
    context: &Context,
    configuration: Option<&Document>,
    component: &str,
    package: &Package<'_>,
    several: bool,
) -> Result<Value, IngestError> {
    let version = version(document, context, component, package.raw)?;
    let recorded = context.builds.digest(component, &version);
    let joined = recorded.is_some() && (several || context.digest.is_none());
    let digest = match recorded {
        Some(digest) if joined => digest,
        _ if several => {
            return Err(missing(
                document,
                "digest",
                format!(
                    "the manifest holds no digest, and the book has not one build of {component} \
                     {version}; choose one with --component, and give its --digest"
                ),
            ));
        }
        _ => given_digest(
            document,
            context,
            "a manifest says which version a path is at, not of which artifact; give --digest \
             sha256:... (the tags come with `relbook import git`)",
        )?,
    };
    let mut draft = Draft::new("release.published", ORIGIN, document, context, None);
    draft.put("component", json!(component));
    draft.put("version", json!(version));
    draft.put("digest", json!(digest));
    draft.put("commit", json!(context.commit));
    draft.once(document, &[&version, &digest]);
    draft.label("path", Some(package.path));
    draft.label("digest_from", Some(if joined { "recorded build" } else { "caller" }));
    if let Some(configuration) = configuration {
        draft.also_from(configuration);
    }
    changelog::mark(&mut draft, context, &version);
    Ok(Value::Object(draft.finish()))
}
