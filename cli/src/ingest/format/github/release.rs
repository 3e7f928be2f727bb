//! `release` and `registry_package`: what was published.
//!
//! `published` is the only action that fires for every release: `created` comes for drafts too and
//! `created_at` is the commit's time. The artifact is joined through the build of the version.

use serde_json::{Value, json};

use super::hook::Hook;
use crate::ingest::digest::usable;
use crate::ingest::error::IngestError;
use crate::ingest::join::{Sought, artifact};
use crate::ingest::json::Place;
use crate::ingest::scope::version_of_tag;
use crate::ingest::time;

pub(super) fn release(hook: &Hook<'_>) -> Result<Vec<Value>, IngestError> {
    let release = hook.body.must("release", "an object `release`")?;
    let tag = release.required("tag_name", "a tag")?;
    match hook.action()? {
        "published" => {}
        "unpublished" | "deleted" => return yanked(hook, &release, tag),
        other => {
            return Err(hook.asked.no_event(format!(
                "with the action `{other}` does not say that {tag} was published: ingest the one \
                 with the action `published`, which comes once for every release"
            )));
        }
    }
    if release.is_true("draft")? {
        return Err(hook.asked.no_event(format!("is about a draft: {tag} is not published")));
    }
    let (component, version) = version(hook, tag)?;
    let commit = release.text("target_commitish")?.filter(|text| is_hash(text));
    let assets = release.list("assets")?.unwrap_or_default();
    let joined = artifact(
        &hook.asked,
        &Sought {
            component: &component,
            version: Some(&version),
            digest: only_asset(&assets)?.as_deref(),
            ..Sought::default()
        },
    )?;
    let mut draft =
        hook.draft("release.published", time::at(&release, "published_at")?.as_ref())?;
    draft.key(&["github", "release", &id(&release)?, "published"]);
    joined.put(&mut draft);
    draft.put("component", json!(component));
    draft.put("version", json!(version));
    draft.put("commit", json!(commit));
    draft.put("channel", json!(release.is_true("prerelease")?.then_some("prerelease")));
    draft.source("url", json!(release.text("html_url")?));
    draft.label("tag", Some(tag));
    draft.label("author", hook.person(&release, "author")?);
    Ok(vec![Value::Object(draft.finish())])
}

fn yanked(hook: &Hook<'_>, release: &Place<'_>, tag: &str) -> Result<Vec<Value>, IngestError> {
    let (component, version) = version(hook, tag)?;
    let action = hook.action()?;
    // No field says when it was taken back.
    let mut draft = hook.draft("release.yanked", None)?;
    draft.key(&["github", "release", &id(release)?, action]);
    draft.put("component", json!(component));
    draft.put("version", json!(version));
    draft.put("reason", json!(format!("the release was {action} on GitHub")));
    draft.source("url", json!(release.text("html_url")?));
    Ok(vec![Value::Object(draft.finish())])
}

fn id(place: &Place<'_>) -> Result<String, IngestError> {
    place.id("id")?.ok_or_else(|| place.expected_under("id", "a number"))
}

fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the component and the version that the tag names.
fn version(hook: &Hook<'_>, tag: &str) -> Result<(String, String), IngestError> {
    let component = hook.component(Some(tag))?;
    let version = hook.asked.version_of(&component, tag)?;
    Ok((component, version))
}

/// Returns the digest of the only file; of several, none is the artifact by itself.
fn only_asset(assets: &[Place<'_>]) -> Result<Option<String>, IngestError> {
    match assets {
        [one] => Ok(usable(one.text("digest")?)),
        _ => Ok(None),
    }
}

/// Reads a package of GitHub's registry.
pub(super) fn package(hook: &Hook<'_>, key: &str) -> Result<Vec<Value>, IngestError> {
    let package = hook.body.must(key, "the package")?;
    let action = hook.action()?;
    if action != "published" {
        return Err(hook.asked.no_event(format!(
            "with the action `{action}` does not say that a version was published"
        )));
    }
    let held = package.must("package_version", "an object `package_version`")?;
    let name = held.text("version")?.unwrap_or_default();
    let component = hook.component(None)?;
    let tag = held.down(&["container_metadata", "tag"])?;
    let tag_name = tag.as_ref().map(|tag| tag.text("name")).transpose()?.flatten();
    let tag_digest = tag.as_ref().map(|tag| tag.text("digest")).transpose()?.flatten();
    let own = usable(Some(name));
    if let (Some(own), Some(other)) = (&own, usable(tag_digest))
        && *own != other
        && hook.asked.context.digest.is_none()
    {
        return Err(hook.asked.needs(
            "digest",
            format!("names two digests, {own} for the version and {other} for the tag"),
            "say with --digest which one was published",
        ));
    }
    let named = if own.is_some() || name.is_empty() { tag_name } else { Some(name) };
    let of_scheme = named.and_then(|tag| version_of_tag(hook.asked.context, &component, tag));
    let named = of_scheme.clone().or_else(|| named.map(str::to_owned));
    let given = hook.asked.context.version.clone();
    if let (Some(given), Some(named)) = (&given, &of_scheme)
        && given != named
    {
        return Err(IngestError::Differs {
            file: hook.asked.document.name().to_owned(),
            field: "version",
            given: given.clone(),
            found: named.clone(),
        });
    }
    let version = given.or(named);
    let version = version.ok_or_else(|| {
        hook.asked.needs("version", "names a digest and no version", "say --version")
    })?;
    // Where the tag has another digest than the version, the caller chooses between the two.
    let chosen = hook.asked.context.digest.clone();
    let of_tag = usable(tag_digest);
    let own = own.filter(|_| chosen.is_none() || chosen != of_tag);
    let sought = Sought {
        component: &component,
        version: Some(&version),
        digest: own.as_deref(),
        ..Sought::default()
    };
    let joined = artifact(&hook.asked, &sought)?;
    let created = time::at(&held, "created_at")?;
    let time = created.or(time::at(&package, "updated_at")?);
    let mut draft = hook.draft("release.published", time.as_ref())?;
    let key = match held.id("id")? {
        Some(id) => ["github", key, &id, "published"].join("/"),
        // Without one it is known by what it is called.
        None => {
            let package = package.text("name")?.unwrap_or_default();
            ["github", key, package, name, tag_name.unwrap_or_default(), "published"].join("/")
        }
    };
    draft.key(&[&key]);
    joined.put(&mut draft);
    draft.put("component", json!(component));
    draft.put("version", json!(version));
    draft.source("url", json!(held.text("html_url")?));
    draft.label("package", package.text("name")?);
    draft.label("tag_digest", tag_digest);
    Ok(vec![Value::Object(draft.finish())])
}
