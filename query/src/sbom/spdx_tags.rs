//! SPDX 2.x as tags and values, one on a line.
//!
//! A package begins with its name; what stands behind it is about it until the next package, file
//! or snippet begins. A text may go over several lines between `<text>` and `</text>`.

use std::collections::BTreeSet;

use super::spdx2::{known, of_document};
use super::{Bom, SbomError, Subject};

/// A package as far as it was read.
#[derive(Debug, Default)]
struct Package {
    id: String,
    subject: Subject,
}

/// What the lines that follow are about.
#[derive(Debug, Default, PartialEq, Eq)]
enum About {
    #[default]
    Document,
    Package,
    Other,
}

/// Tells whether a text is of this form, by its first line that says anything.
pub fn is_tags(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line.starts_with("SPDXVersion:"))
}

pub(super) fn read(text: &str, mut found: Bom) -> Result<Bom, SbomError> {
    let mut packages: Vec<Package> = Vec::new();
    let (mut described, mut about) = (BTreeSet::new(), About::default());
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((tag, value)) = line.split_once(':') else {
            return Err(SbomError::Shape {
                place: format!("line {}", number + 1),
                expected: "a tag, a colon and a value",
            });
        };
        let value = value.trim();
        if value.starts_with("<text>") && !value.contains("</text>") {
            let mut ended = false;
            for (_, line) in lines.by_ref() {
                ended = line.contains("</text>");
                if ended {
                    break;
                }
            }
            if !ended {
                return Err(SbomError::Shape {
                    place: format!("line {}", number + 1),
                    expected: "a text that ends with `</text>`",
                });
            }
        }
        match (tag, &about) {
            ("SPDXVersion", _) => {
                found.format = format!("spdx-tag-value/{}", known(value)?);
            }
            ("DocumentNamespace", _) => found.serial = some(value),
            ("Created", _) => found.created = some(value),
            ("Relationship", _) => {
                let words: Vec<&str> = value.split_whitespace().collect();
                if let [from, kind, to, ..] = words.as_slice() {
                    described.extend(of_document(from, kind, to).map(str::to_owned));
                }
            }
            ("PackageName", _) => {
                let subject = Subject { name: some(value), ..Subject::default() };
                packages.push(Package { subject, ..Package::default() });
                about = About::Package;
            }
            ("FileName" | "SnippetSPDXID" | "LicenseID", _) => about = About::Other,
            (tag, About::Package) => {
                if let Some(package) = packages.last_mut() {
                    package.field(tag, value);
                }
            }
            _ => {}
        }
    }
    if found.format.is_empty() {
        return Err(SbomError::Format);
    }
    found.components = Some(0);
    for mut package in packages {
        if described.len() == 1 && described.contains(&package.id) {
            package.subject.image();
            found.subject = package.subject;
            continue;
        }
        let Subject { name, version, purl, .. } = package.subject;
        found.note(purl.as_deref(), name, version.as_deref());
    }
    Ok(found)
}

impl Package {
    fn field(&mut self, tag: &str, value: &str) {
        match tag {
            "SPDXID" => value.clone_into(&mut self.id),
            "PackageVersion" => self.subject.version = some(value),
            "PackageChecksum" => {
                if let Some((algorithm, hex)) = value.split_once(':') {
                    self.subject.hash(algorithm.trim(), hex);
                }
            }
            "ExternalRef" => {
                let words: Vec<&str> = value.split_whitespace().collect();
                if let (None, [_, "purl", purl, ..]) = (&self.subject.purl, words.as_slice()) {
                    self.subject.purl = some(purl);
                }
            }
            _ => {}
        }
    }
}

fn some(value: &str) -> Option<String> {
    Some(value.to_owned()).filter(|value| !value.is_empty())
}
