//! The report of `trivy k8s`: many resources of one cluster (ingest.md 2, row 12).
//!
//! An event is about one artifact, so `--digest` chooses one; without it the report must hold one
//! image only. The same image in several resources is one scan, not several. A resource whose
//! images' results were merged cannot be told apart and is refused.

use serde_json::Value;

use crate::ingest::digest::{Held, usable};
use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::format::trivy;
use crate::ingest::json::Place;
use crate::ingest::{Context, Reader};

/// The reader of `trivy k8s`.
pub(super) struct Cluster;

/// Where the resources stand: in the report of all, in the summary, and in that of 2022.
const LISTS: [&str; 3] = ["Resources", "Findings", "Vulnerabilities"];

impl Reader for Cluster {
    fn name(&self) -> &'static str {
        "trivy-k8s"
    }

    fn streams(&self) -> bool {
        true
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(|json| {
            json.get("ClusterName").is_some() && LISTS.iter().any(|key| json.get(key).is_some())
        })
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let top = Place::top(document)?;
        let refuse = |reason| IngestError::Unsupported {
            file: document.name().to_owned(),
            what: "a report of `trivy k8s`".to_owned(),
            reason,
        };
        let mut scan = trivy::new_scan("trivy-k8s-json", context);
        let mut found = Images::default();
        let (mut used, mut merged, mut told) = (0_u64, false, false);
        for key in LISTS {
            top.rows(key, &mut |resource| {
                let images = images(resource)?;
                for image in &images {
                    found.note(image);
                }
                let wanted = match &context.digest {
                    Some(digest) => images.iter().any(|image| image.has(digest)),
                    None => !images.is_empty(),
                };
                if !wanted {
                    return Ok(());
                }
                used += 1;
                merged |= images.len() > 1;
                // The same image again has the same results.
                let failed = resource.text("Error")?.is_some();
                if told || failed {
                    return Ok(());
                }
                if let Some(image) = images.into_iter().next() {
                    scan.held = image.held;
                }
                let name =
                    [resource.text("Namespace")?, resource.text("Kind")?, resource.text("Name")?];
                scan.label("resource", Some(name.map(Option::unwrap_or_default).join("/")));
                resource.rows("Results", &mut |target| {
                    told |= trivy::read_target(target, &mut scan)?;
                    Ok(())
                })?;
                Ok(())
            })?;
        }
        if found.names.is_empty() {
            return Err(refuse(
                "it names no image by digest; scan each image by its own: trivy image --format \
                 json repository@sha256:...",
            ));
        }
        if used == 0 || (context.digest.is_none() && found.names.len() > 1) {
            return Err(found.choose(document, context));
        }
        if merged {
            return Err(refuse(
                "a resource runs several images and their results are not kept apart; write it \
                 with --report all, or scan the image by its digest",
            ));
        }
        scan.scanned = told;
        scan.label("artifact_type", Some("kubernetes"));
        scan.label("cluster", top.text("ClusterName")?);
        scan.label("resources", Some(used.to_string()));
        Ok(vec![scan.event(document, context)?])
    }
}

/// An image of a resource.
struct Image {
    held: Held,
}

impl Image {
    fn has(&self, digest: &str) -> bool {
        self.held.config.as_deref() == Some(digest)
            || self.held.registry.iter().any(|known| known == digest)
    }

    /// Returns the digest that identifies it best.
    fn name(&self) -> Option<&String> {
        self.held.registry.first().or(self.held.config.as_ref())
    }
}

/// The images of the whole report.
#[derive(Default)]
struct Images {
    names: Vec<String>,
}

impl Images {
    fn note(&mut self, image: &Image) {
        if let Some(name) = image.name()
            && !self.names.contains(name)
        {
            self.names.push(name.clone());
        }
    }

    fn choose(self, document: &Document, context: &Context) -> IngestError {
        const SHOWN: usize = 3;
        let file = document.name().to_owned();
        let count = self.names.len();
        let shown = self.names.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
        match context.digest.clone() {
            Some(given) => IngestError::OtherDigest {
                file,
                given,
                found: shown,
                place: "Resources[].Metadata",
            },
            None => IngestError::SeveralDigests { file, count, shown },
        }
    }
}

/// Reads the images of a resource: one object, or a list of them.
fn images(resource: &Place<'_>) -> Result<Vec<Image>, IngestError> {
    let Some(metadata) = resource.at("Metadata")? else { return Ok(Vec::new()) };
    let all = if metadata.value().is_array() { metadata.items()? } else { vec![metadata] };
    let mut images = Vec::new();
    for one in all {
        let mut held =
            Held { registry_place: "Resources[].Metadata.RepoDigests", ..Held::default() };
        for reference in one.list("RepoDigests")?.unwrap_or_default() {
            let text = reference.value().as_str().ok_or_else(|| reference.expected("a text"))?;
            held.push_registry(text);
        }
        held.config = usable(one.text("ImageID")?);
        let image = Image { held };
        if image.name().is_some() {
            images.push(image);
        }
    }
    Ok(images)
}
