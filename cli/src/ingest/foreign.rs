//! Formats that relbook knows by sight and does not read: a message can name them (ingest.md 2).
//!
//! Only for messages. A name here promises nothing about the content beyond its first signs.

use serde_json::Value;

use super::document::Document;

/// Returns what the document is, when it is something known.
pub(super) fn name(document: &Document) -> Option<&'static str> {
    let Some(json) = document.json() else {
        return (document.first_char() == Some('<')).then_some("XML (such as JUnit or CycloneDX)");
    };
    let has = |key: &str| json.get(key).is_some();
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let signs: [(bool, &'static str); 9] = [
        (text("mediaType").starts_with("application/vnd.dev.sigstore.bundle"), "a sigstore bundle"),
        (has("payload") && has("payloadType") && has("signatures"), "a DSSE envelope"),
        (text("_type").starts_with("https://in-toto.io/Statement/"), "an in-toto statement"),
        (text("bomFormat") == "CycloneDX", "a CycloneDX document"),
        (has("spdxVersion"), "an SPDX document"),
        (
            has("runs") && has("version"),
            "SARIF, whose levels cannot tell critical from high (write the scanner's own JSON)",
        ),
        (has("containerimage.digest"), "metadata of docker buildx"),
        (has("resultType") || json.pointer("/data/resultType").is_some(), "a Prometheus answer"),
        (has("apiVersion") && has("kind"), "a Kubernetes object"),
    ];
    signs.iter().find(|(matches, _)| *matches).map(|(_, name)| *name)
}
