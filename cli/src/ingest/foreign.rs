//! Formats that relbook knows by sight and does not read: a message can name them (ingest.md 2).
//!
//! Only for messages. A name here promises nothing about the content beyond its first signs.

use serde_json::Value;

use super::document::Document;
use super::format::release_please;

/// Returns what the document is, when it is something known.
pub(super) fn name(document: &Document) -> Option<&'static str> {
    let Some(json) = document.json() else {
        return (document.first_char() == Some('<')).then_some("XML (such as JUnit or CycloneDX)");
    };
    let has = |key: &str| json.get(key).is_some();
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let signs: [(bool, &'static str); 11] = [
        (text("mediaType").starts_with("application/vnd.dev.sigstore.bundle"), "a sigstore bundle"),
        (has("payload") && has("payloadType") && has("signatures"), "a DSSE envelope"),
        (text("_type").starts_with("https://in-toto.io/Statement/"), "an in-toto statement"),
        (text("bomFormat") == "CycloneDX", "a CycloneDX document"),
        (has("spdxVersion"), "an SPDX document"),
        (
            has("runs") && has("version"),
            "SARIF, whose levels cannot tell critical from high (write the scanner's own JSON)",
        ),
        (
            release_please::may_be_manifest(json),
            "a map of paths to versions: a manifest of release-please? it has no mark of its own, \
             so say --as release-please-manifest; otherwise something",
        ),
        (
            has("schemaVersion") && (has("manifests") || has("layers")),
            "a manifest or index of an image, whose digest is that of its bytes in the registry,",
        ),
        (
            has("rootfs") && has("architecture"),
            "the config of an image (its digest is no artifact)",
        ),
        (has("resultType") || json.pointer("/data/resultType").is_some(), "a Prometheus answer"),
        (has("apiVersion") && has("kind"), "a Kubernetes object"),
    ];
    signs.iter().find(|(matches, _)| *matches).map(|(_, name)| *name)
}
