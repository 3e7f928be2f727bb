//! Formats that relbook knows by sight and does not read: a message can name them (ingest.md 2).
//!
//! Only for messages. A name here promises nothing about the content beyond its first signs.

use serde_json::Value;

use super::document::Document;
use super::format::release_please;

/// Returns what the document is, when it is something known.
pub(super) fn name(document: &Document) -> Option<&'static str> {
    if let Some(root) = document.xml_root() {
        return xml(root);
    }
    let Some(json) = document.json() else {
        if let Some(name) = delivered(document.text().trim()) {
            return Some(name);
        }
        let text = document.text();
        let signs = [
            (
                is_codeowners(text),
                "CODEOWNERS, which says who may approve and not that anybody did (policy, no event)",
            ),
            (
                text.lines().skip(1).any(|line| line.starts_with(['{', '['])),
                "JSON behind other output; let the tool write it with its own --output, without \
                 its log",
            ),
        ];
        return signs.iter().find(|(matches, _)| *matches).map(|(_, name)| *name);
    };
    let has = |key: &str| json.get(key).is_some();
    let signs: &[(bool, &'static str)] = &[
        (
            release_please::may_be_manifest(json),
            "a map of paths to versions, which nothing marks as a manifest of release-please (if \
             it is one, say --as release-please-manifest)",
        ),
        (
            has("schemaVersion") && (has("manifests") || has("layers")),
            "a manifest or index of an image (its digest is that of its bytes in the registry)",
        ),
        (
            has("rootfs") && has("architecture"),
            "the config of an image (its digest is no artifact)",
        ),
        (
            json.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_descriptor)),
            "a list of an image's manifests (its digest is that of the index)",
        ),
        (
            json.pointer("/descriptor/name").is_some_and(|name| name == "syft"),
            "a bill of materials in Syft's own form (let it write cyclonedx-json or spdx-json)",
        ),
        (
            json["@context"].as_str().is_some_and(|context| context.contains("openvex")),
            "OpenVEX, which says what somebody thinks of a flaw and not what was scanned",
        ),
        (
            json.pointer("/document/csaf_version").is_some(),
            "CSAF, an advisory, which says nothing of one artifact",
        ),
        (
            json.pointer("/scan/scanner").is_some() && has("vulnerabilities"),
            "a security report of GitLab (give the report of the scanner itself)",
        ),
        (has("project_name") && has("builds"), "the configuration of goreleaser"),
        (
            has("name") && has("version") && has("apiVersion") && !has("kind"),
            "a Helm chart of an apiVersion other than v1 and v2",
        ),
        (
            has("approvers") || has("reviewers"),
            "OWNERS of Kubernetes, which says who may approve and not that anybody did",
        ),
        (has("apiVersion") && has("kind"), "a Kubernetes object"),
    ];
    signs.iter().find(|(matches, _)| *matches).map(|(_, name)| *name)
}

/// Names what a service delivers in another form than it is read in.
fn delivered(text: &str) -> Option<&'static str> {
    if text.starts_with("payload=%7B") {
        return Some(
            "the form of a webhook (let the hook send application/json, so that its signature is \
             of the body itself)",
        );
    }
    let is_part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !part.is_empty() && part.bytes().all(plain)
    };
    let parts: Vec<&str> = text.split('.').collect();
    (text.starts_with("eyJ") && parts.len() == 3 && parts.iter().all(|part| is_part(part)))
        .then_some("a token (keep it secret; give its claims as JSON)")
}

/// Names reports of tests and coverage by their element.
fn xml(root: &str) -> Option<&'static str> {
    Some(match root {
        "test-results" | "test-run" => "a report of NUnit (let it write JUnit XML)",
        "TestRun" => "a TRX report of Visual Studio (convert it to JUnit XML)",
        "assemblies" | "assembly" => "a report of xUnit.net (let it write JUnit XML)",
        "testExecutions" => "a generic report for Sonar (give the JUnit XML that it came from)",
        "coverage" | "report" => "a report of coverage, which says nothing of tests that failed",
        "checkstyle" => "a report of Checkstyle (let the tool write SARIF)",
        "RDF" => "RDF, perhaps of SPDX (let the tool write SPDX in JSON)",
        "bom" => "a bill of materials of no version that is read",
        _ => return None,
    })
}

/// Recognises CODEOWNERS: every line is a pattern with its owners, and somebody owns something.
fn is_codeowners(text: &str) -> bool {
    let is_owner = |word: &str| word.starts_with('@') || (word.contains('@') && word.contains('.'));
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let mut owned = false;
    for line in lines.filter(|line| !line.is_empty()) {
        // GitLab groups its lines under headings.
        if line.starts_with('[') || line.starts_with("^[") {
            continue;
        }
        let mut words = line.split_whitespace().skip(1);
        if !words.clone().all(is_owner) {
            return false;
        }
        owned |= words.next().is_some();
    }
    owned
}

fn is_descriptor(value: &Value) -> bool {
    ["mediaType", "digest", "size"].iter().all(|key| value.get(key).is_some())
}
