//! `docker buildx build|bake --metadata-file` (ingest.md 3.13).
//!
//! The digest is `containerimage.digest`, of an index or of a manifest; the config digest (the
//! "image ID") is another thing and never taken for it. Without a digest nothing was exported, and
//! what stays in the builder or is only loaded into the local engine is no artifact that anybody
//! could deploy. Version and commit are mostly the caller's; where the file names them (image tag,
//! provenance) both must agree. Bake nests one such object per target.

use serde_json::{Value, json};

use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::filter::CommandLine;
use crate::ingest::image::{self, Image};
use crate::ingest::json::Place;
use crate::ingest::release::{commit, missing, refused, version};
use crate::ingest::{Context, Reader, time};

/// The reader of the metadata file.
pub(super) struct Buildx;

const DIGEST: &str = "containerimage.digest";
const CONFIG: &str = "containerimage.config.digest";
const REF: &str = "buildx.build.ref";
const PROVENANCE: &str = "buildx.build.provenance";
const BUILDKIT: &str = "https://mobyproject.org/buildkit@v1#metadata";

fn is_build(value: &Value) -> bool {
    [DIGEST, REF, "containerimage.descriptor", CONFIG].iter().any(|key| value.get(key).is_some())
}

impl Reader for Buildx {
    fn name(&self) -> &'static str {
        "buildx"
    }

    fn detect(&self, document: &Document) -> bool {
        let Some(json) = document.json() else { return false };
        let nested = || json.as_object().is_some_and(|map| map.values().any(is_build));
        is_build(json) || nested()
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        check_command(document, context)?;
        if is_build(top.value()) {
            let names = images(&top)?;
            let hint = names.iter().find_map(|image| image.component(&context.registry));
            let hints: Vec<&str> = hint.into_iter().collect();
            let component = context.component_named(document, &hints)?.to_owned();
            return Ok(vec![build(&top, document, context, &component, None)?]);
        }
        let mut targets = Vec::new();
        for name in top.object()?.keys() {
            if let Some(target) = top.at(name)?.filter(|target| is_build(target.value())) {
                targets.push((name.as_str(), target));
            }
        }
        bake(&targets, document, context)
    }
}

/// Reads the targets of bake: the one of the component that was given, or all.
fn bake(
    targets: &[(&str, Place<'_>)],
    document: &Document,
    context: &Context,
) -> Result<Vec<Value>, IngestError> {
    let mut events = Vec::new();
    for (name, target) in targets {
        let by_image = |images: Vec<Image>| {
            images.iter().find_map(|image| image.component(&context.registry)).map(str::to_owned)
        };
        if context.target.as_deref().is_some_and(|chosen| chosen != *name) {
            continue;
        }
        let own = match context.registry.resolve(name) {
            Some(component) => Some(component.to_owned()),
            None => by_image(images(target)?),
        };
        let component = match (own, context.component.as_deref()) {
            (Some(own), Some(given)) if own != given => continue,
            (Some(own), _) => own,
            (None, Some(given)) if targets.len() == 1 || context.target.is_some() => {
                given.to_owned()
            }
            (None, Some(_)) => continue,
            (None, None) => {
                return Err(missing(
                    document,
                    "component",
                    format!(
                        "the target `{name}` is no registered component; choose one with \
                         --component, and --target {name} where its name says nothing"
                    ),
                ));
            }
        };
        events.push(build(target, document, context, &component, Some(name))?);
    }
    if events.is_empty() {
        let names: Vec<&str> = targets.iter().map(|(name, _)| *name).collect();
        let given = context.component(document)?;
        return Err(refused(
            document,
            format!(
                "no target is {given}: {}; choose the one that is with --target",
                names.join(", ")
            ),
        ));
    }
    Ok(events)
}

/// Refuses an image that was only loaded into the local engine, where the command line tells.
fn check_command(document: &Document, context: &Context) -> Result<(), IngestError> {
    let Some(line) = &context.command_line else { return Ok(()) };
    let line = CommandLine::split(line);
    let output = line.value("output", Some('o'), "BUILDX_OUTPUT");
    let local = line.is_on("load", "BUILDX_LOAD") || output.is_some_and(is_local);
    if local && !line.is_on("push", "BUILDX_PUSH") {
        let reason = "it was built with --load: the digest of the local engine differs from that \
                      of the registry; build with --push";
        return Err(refused(document, reason));
    }
    Ok(())
}

fn is_local(output: &str) -> bool {
    output.split(',').any(|part| part == "type=docker")
}

fn images(build: &Place<'_>) -> Result<Vec<Image>, IngestError> {
    let names = build.text("image.name")?.unwrap_or_default();
    Ok(names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Image::parse).collect())
}

fn build(
    place: &Place<'_>,
    document: &Document,
    context: &Context,
    component: &str,
    target: Option<&str>,
) -> Result<Value, IngestError> {
    let (digest, role) = digest(place, document, context)?;
    let descriptor = place.at("containerimage.descriptor")?;
    let created = match &descriptor {
        Some(descriptor) => descriptor.at("annotations")?,
        None => None,
    };
    let provenance = Provenance::read(place, document)?;
    let time = match (&provenance.finished, &created) {
        (Some(time), _) => Some(time.clone()),
        (None, Some(notes)) => time::at(notes, "org.opencontainers.image.created")?,
        _ => None,
    };
    let images = images(place)?;
    let origin = Origin { system: "buildx", reader: "buildx", format: "buildx-metadata" };
    let mut draft = Draft::new("build.completed", origin, document, context, time.as_ref());
    let (version, version_from) = version_of(document, context, component, &images)?;
    draft.put("component", json!(component));
    draft.put("version", json!(version));
    draft.put("digest", json!(digest));
    draft.put("commit", json!(commit(document, context, provenance.commit.as_deref())?));
    draft.once(document, &[&version, &digest]);
    draft.put("repository", json!(images.first().map(|image| &image.repository)));
    draft.put("builder", json!(provenance.builder));
    if let Some(platform) = platform(descriptor.as_ref())? {
        draft.put("platforms", json!([platform]));
    } else if !provenance.platforms.is_empty() {
        draft.put("platforms", json!(provenance.platforms));
    }
    draft.label("digest_role", role);
    draft.label("version_from", Some(version_from));
    draft.label("target", target);
    draft.label("build_ref", place.text(REF)?);
    draft.label("config_digest", place.text(CONFIG)?);
    let names: Vec<&str> = place.text("image.name")?.into_iter().collect();
    draft.label("image_names", names.first().copied());
    draft.label("warnings", warnings(place)?);
    Ok(Value::Object(draft.finish()))
}

/// Returns the digest and its role.
fn digest(
    place: &Place<'_>,
    document: &Document,
    context: &Context,
) -> Result<(String, Option<&'static str>), IngestError> {
    let descriptor = place.at("containerimage.descriptor")?;
    let described = match &descriptor {
        Some(descriptor) => descriptor.text("digest")?,
        None => None,
    };
    let Some(digest) = place.text(DIGEST)?.or(described) else {
        let reason = "it names no digest: nothing was exported, so there is no image (the \
                      docker-container driver keeps it in its cache); build with --push";
        return Err(refused(document, reason));
    };
    if relbook_ledger::event::Digest::parse(digest).is_err() {
        return Err(place.expected_under(DIGEST, "a digest"));
    }
    if described.is_some_and(|described| described != digest) {
        return Err(refused(document, "containerimage.digest and its descriptor differ"));
    }
    if place.text(CONFIG)? == Some(digest) {
        let reason = "its digest is that of the image's config (an image ID of the local engine), \
                      not of a manifest; build with --push";
        return Err(refused(document, reason));
    }
    if let Some(given) = context.digest.as_deref().filter(|given| *given != digest) {
        return Err(refused(document, format!("it built {digest}, not {given} (--digest)")));
    }
    let media_type = match &descriptor {
        Some(descriptor) => descriptor.text("mediaType")?.unwrap_or_default(),
        None => "",
    };
    let role = match media_type {
        t if t.contains("image.index") || t.contains("manifest.list") => Some("index"),
        t if t.contains("manifest") => Some("manifest"),
        _ => None,
    };
    Ok((digest.to_owned(), role))
}

/// Returns the version that was given, else the one that the image's tags name.
fn version_of(
    document: &Document,
    context: &Context,
    component: &str,
    images: &[Image],
) -> Result<(String, &'static str), IngestError> {
    let tags = images.iter().filter_map(|image| image.tag.as_deref());
    let mut named: Vec<String> =
        tags.filter_map(|tag| image::version(context, component, tag)).collect();
    named.sort();
    named.dedup();
    match (&context.version, named.as_slice()) {
        (Some(given), []) => Ok((version(document, context, component, given)?, "caller")),
        (Some(given), named) if named.contains(given) => Ok((given.clone(), "caller and tag")),
        (Some(given), named) => Err(refused(
            document,
            format!("the image is tagged {}, not {given} (--version)", named.join(", ")),
        )),
        (None, [one]) => Ok((one.clone(), "tag")),
        (None, []) => Err(missing(
            document,
            "version",
            "the file names no version; give it with --version (an image tag may be one)",
        )),
        (None, several) => Err(missing(
            document,
            "version",
            format!("the image is tagged {}; choose with --version", several.join(", ")),
        )),
    }
}

fn platform(descriptor: Option<&Place<'_>>) -> Result<Option<String>, IngestError> {
    let Some(descriptor) = descriptor else { return Ok(None) };
    let Some(platform) = descriptor.at("platform")? else { return Ok(None) };
    let variant = platform.text("variant")?.map(|v| format!("/{v}")).unwrap_or_default();
    Ok(match (platform.text("os")?, platform.text("architecture")?) {
        (Some(os), Some(arch)) if os != "unknown" => Some(format!("{os}/{arch}{variant}")),
        _ => None,
    })
}

fn warnings(place: &Place<'_>) -> Result<Option<String>, IngestError> {
    // `{}` where there are none.
    let found = place.at("buildx.build.warnings")?;
    let count = found.and_then(|found| found.value().as_array().map(Vec::len)).unwrap_or(0);
    Ok((count > 0).then(|| count.to_string()))
}

/// What the unsigned provenance of the metadata says.
#[derive(Default)]
struct Provenance {
    commit: Option<String>,
    builder: Option<String>,
    finished: Option<time::ReportTime>,
    platforms: Vec<String>,
}

impl Provenance {
    fn read(place: &Place<'_>, document: &Document) -> Result<Self, IngestError> {
        let mut found = Self::default();
        if let Some(one) = place.at(PROVENANCE)? {
            found.add(&one, document)?;
        }
        // Several platforms have one each, under the key with the platform behind it.
        for key in place.object()?.keys() {
            let Some(platform) = key.strip_prefix(PROVENANCE).and_then(|k| k.strip_prefix('/'))
            else {
                continue;
            };
            if let Some(one) = place.at(key)? {
                found.platforms.push(platform.to_owned());
                found.add(&one, document)?;
            }
        }
        Ok(found)
    }

    fn add(&mut self, one: &Place<'_>, document: &Document) -> Result<(), IngestError> {
        let text = |keys: &[&str], key: &str| -> Result<Option<String>, IngestError> {
            let place = one.down(keys)?;
            Ok(place.map_or(Ok(None), |place| place.text(key))?.map(str::to_owned))
        };
        let commits = [
            text(&["metadata", BUILDKIT, "vcs"], "revision")?,
            text(&["invocation", "configSource", "digest"], "sha1")?,
            text(&["runDetails", "metadata", "buildkit_metadata", "vcs"], "revision")?,
            text(&["buildDefinition", "externalParameters", "configSource", "digest"], "sha1")?,
        ];
        for commit in commits.into_iter().flatten() {
            if commit.ends_with("-dirty") {
                let reason = format!(
                    "it was built from a changed work tree ({commit}): no commit has what is in it"
                );
                return Err(refused(document, reason));
            }
            if self.commit.as_ref().is_some_and(|held| *held != commit) {
                return Err(refused(document, "its provenance names two commits"));
            }
            self.commit = Some(commit);
        }
        let builders = [text(&["builder"], "id")?, text(&["runDetails", "builder"], "id")?];
        self.builder = self.builder.take().or_else(|| builders.into_iter().flatten().next());
        for (keys, key) in [
            (&["metadata"][..], "buildFinishedOn"),
            (&["runDetails", "metadata"][..], "finishedOn"),
        ] {
            if let Some(metadata) = one.down(keys)?
                && let Some(time) = time::at(&metadata, key)?
                && self.finished.as_ref().is_none_or(|held| held.utc < time.utc)
            {
                self.finished = Some(time);
            }
        }
        Ok(())
    }
}
