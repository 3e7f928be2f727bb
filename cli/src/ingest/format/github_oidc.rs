//! Claims of a GitHub Actions OIDC token, and the same claims in a Fulcio certificate.
//!
//! They say which workflow run appended, not what was released: a bare file of claims names no
//! artifact. With `--digest` they are kept as evidence about that one. A file of claims is not a
//! token: nothing in it was verified here. `sub` is never taken apart, its form is configurable
//! (ingest.md 3.7), and an environment in it does not say who approved.

use serde_json::{Map, Value, json};

use crate::ingest::document::Document;
use crate::ingest::draft::{Draft, Origin};
use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::scope::Asked;
use crate::ingest::{Context, Reader, time};

/// The reader of claims.
pub(super) struct GithubOidc;

/// The issuer of tokens on the hosted service.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The claims that identify who acted; each stands for itself.
const CLAIMS: [&str; 19] = [
    "iss",
    "aud",
    "sub",
    "jti",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "job_workflow_ref",
    "job_workflow_sha",
    "workflow_ref",
    "environment",
    "ref",
    "sha",
    "run_id",
    "run_attempt",
    "event_name",
    "actor_id",
    "runner_environment",
];

/// The same in the extensions of a certificate.
const EXTENSIONS: [&str; 9] = [
    "issuer",
    "build_signer_uri",
    "build_signer_digest",
    "source_repository_uri",
    "source_repository_digest",
    "source_repository_ref",
    "source_repository_identifier",
    "runner_environment",
    "run_invocation_uri",
];

impl Reader for GithubOidc {
    fn name(&self) -> &'static str {
        "github-oidc"
    }

    fn detect(&self, document: &Document) -> bool {
        document.json().is_some_and(|json| {
            let has = |key: &str| json.get(key).is_some();
            let token = has("iss") && has("sub") && has("aud") && has("repository");
            let certificate = has("issuer") && has("build_signer_uri");
            token || certificate
        })
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let asked = Asked { document, context, what: "the file of GitHub OIDC claims" };
        let top = Place::top(document)?;
        let certificate = top.text("build_signer_uri")?;
        let Some(digest) = &context.digest else {
            return Err(asked.needs(
                "digest",
                "says which workflow run acted and names no artifact",
                "say --digest to keep it as evidence about one (the events of a run carry \
                 repository, run and attempt in `source` by themselves)",
            ));
        };
        let issuer = top.text(if certificate.is_some() { "issuer" } else { "iss" })?;
        let issuer = issuer.ok_or_else(|| top.expected("an issuer"))?;
        let names: &[&str] = if certificate.is_some() { &EXTENSIONS } else { &CLAIMS };
        let found = names.iter().filter_map(|name| {
            let value = top.value().get(*name).filter(|value| !value.is_null())?;
            Some(((*name).to_owned(), value.clone()))
        });
        let content: Map<String, Value> = found.collect();
        let format =
            if certificate.is_some() { "fulcio-certificate-claims" } else { "github-oidc-claims" };
        let origin = Origin { system: "github", reader: self.name(), format };
        let issued = time::spelled(&top, "iat")?;
        let mut draft =
            Draft::new("attestation.recorded", origin, document, context, issued.as_ref());
        draft.put("component", json!(component(&asked, &top)?));
        draft.put("digest", json!(digest));
        draft.put("blob", json!(document.digest()));
        draft.put("format", json!(format));
        draft.put("signer", json!(certificate.or(top.text("job_workflow_ref")?)));
        draft.put("content", Value::Object(content));
        draft.source("run_id", json!(top.id("run_id")?));
        draft.source("run_attempt", json!(top.id("run_attempt")?));
        draft.label("issuer", Some(issuer));
        draft.label("verified", Some("no: claims without their token prove nothing by themselves"));
        Ok(vec![Value::Object(draft.finish())])
    }
}

fn component(asked: &Asked<'_>, top: &Place<'_>) -> Result<String, IngestError> {
    let claimed = top.text("repository")?;
    // The claim leaves the host out; this issuer has one.
    let address = claimed
        .filter(|_| top.value().get("iss").and_then(Value::as_str) == Some(ISSUER))
        .map(|repository| format!("https://github.com/{repository}"));
    let mut names = Vec::new();
    names.extend(claimed);
    names.extend(address.as_deref());
    names.extend(top.text("source_repository_uri")?);
    asked.component(&names, None)
}
