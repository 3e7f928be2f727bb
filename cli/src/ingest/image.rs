//! References to container images, and which of several belongs to a component.

use relbook_ledger::event::Digest;
use relbook_ledger::registry::Registry;
use relbook_ledger::version::{Scheme, tag_version};

use super::Context;

/// A reference: `repository[:tag][@digest]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct Image {
    pub(in crate::ingest) repository: String,
    pub(in crate::ingest) tag: Option<String>,
    pub(in crate::ingest) digest: Option<String>,
}

impl Image {
    /// Reads a reference; a digest that is none is left out.
    pub(in crate::ingest) fn parse(text: &str) -> Self {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is that of a port.
        let slash = name.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match name[slash..].rfind(':') {
            Some(colon) => (&name[..slash + colon], Some(&name[slash + colon + 1..])),
            None => (name, None),
        };
        Self {
            repository: repository.to_owned(),
            tag: tag.filter(|tag| !tag.is_empty()).map(str::to_owned),
            digest: digest.filter(|digest| Digest::parse(digest).is_ok()).map(str::to_owned),
        }
    }

    /// Returns the last part of the repository.
    pub(in crate::ingest) fn short_name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the registered component that is shipped as this image: by its repository, else by
    /// the last part of the repository's name.
    pub(in crate::ingest) fn component<'a>(&self, registry: &'a Registry) -> Option<&'a str> {
        let mut all = registry.components();
        let by_repository = all.find(|(_, component)| {
            component.spec.repository.as_deref() == Some(self.repository.as_str())
        });
        let by_name = || registry.resolve(self.short_name());
        by_repository.map(|(name, _)| name).or_else(by_name)
    }
}

/// Returns the image of a component among several: the one that is its own, or the only one.
pub(in crate::ingest) fn of<'a>(
    images: &'a [Image],
    component: &str,
    registry: &Registry,
) -> Option<&'a Image> {
    let mut own = images.iter().filter(|image| image.component(registry) == Some(component));
    match (own.next(), own.next()) {
        (Some(image), None) => Some(image),
        (Some(first), Some(second)) => (first == second).then_some(first),
        (None, _) => match images {
            [only] if only.component(registry).is_none() => Some(only),
            _ => None,
        },
    }
}

/// Returns the version that a tag of a component's image or repository names; none when it is none
/// of the component's scheme.
pub(in crate::ingest) fn version(context: &Context, component: &str, tag: &str) -> Option<String> {
    let registered = context.registry.component(component);
    let scheme = registered.map_or(&Scheme::Semver, |component| &component.scheme);
    let prefix = registered.map_or("", |component| component.tag_prefix());
    let bare = tag_version(tag, prefix).unwrap_or(tag);
    // `v1.2.3` is a common tag of an image whose repository tags differently.
    let bare = if scheme.is_semver() { bare.strip_prefix('v').unwrap_or(bare) } else { bare };
    scheme.parse_version(bare).is_ok().then(|| bare.to_owned())
}
