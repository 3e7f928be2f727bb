//! metadata.json: which version of which commit, and whether it is a release at all.
//!
//! `previous_tag` may be higher than the tag, or empty: it is kept as a label and believed by
//! nobody. `date` is the wall clock of the build, with its offset.

use super::{
    Context, Document, Facts, IngestError, Place, commit, no_release, refused, time, version,
};

/// Reads the facts.
pub(super) fn read(document: &Document, context: &Context) -> Result<Facts, IngestError> {
    let top = Place::top(document)?;
    let project = top.text("project_name")?;
    let component = context.component_named(document, project.as_slice())?.to_owned();
    let expect = |key, what| top.expected_under(key, what);
    let tag = top.text("tag")?.ok_or_else(|| expect("tag", "the tag"))?;
    let raw = top.text("version")?.ok_or_else(|| expect("version", "a version"))?;
    if let Some(what) = no_release(raw).or_else(|| no_release(tag)) {
        return Err(refused(
            document,
            format!("version {raw} is {what}, no release; run goreleaser release on a tag"),
        ));
    }
    let held = top.text("commit")?;
    if held.is_none_or(|commit| commit == "none") {
        return Err(refused(document, "it names no commit: the build ran outside a repository"));
    }
    let version = version(document, context, &component, raw)?;
    if !tag.ends_with(&version) {
        return Err(refused(
            document,
            format!("version {raw} is not that of the tag {tag}: a snapshot is no release"),
        ));
    }
    Ok(Facts {
        origin: super::METADATA,
        commit: commit(document, context, held)?,
        time: time::at(&top, "date")?,
        tag: Some(tag.to_owned()),
        previous_tag: top.text("previous_tag")?.map(str::to_owned),
        project: project.map(str::to_owned),
        component,
        version,
    })
}
