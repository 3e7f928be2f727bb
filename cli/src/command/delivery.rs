//! How a webhook came: the proof of its channel, for `ingest`.

use clap::Args;

use crate::error::Error;
use crate::ingest::{Document, IngestError, webhook};

/// What the delivery of a webhook brings beside its body.
#[derive(Debug, Args)]
pub struct DeliveryArgs {
    /// The secret of the GitHub webhook: a file, or env:NAME
    #[arg(long, value_name = "FILE", requires = "signature", help_heading = "Webhooks")]
    pub github_secret: Option<String>,
    /// The token of the GitLab webhook: a file, or env:NAME
    #[arg(
        long,
        value_name = "FILE",
        requires = "signature",
        conflicts_with = "github_secret",
        help_heading = "Webhooks"
    )]
    pub gitlab_token: Option<String>,
    /// The header X-Hub-Signature-256 or X-Gitlab-Token as it came, or env:NAME
    #[arg(long, value_name = "VALUE", help_heading = "Webhooks")]
    pub signature: Option<String>,
    /// The id of the delivery (X-GitHub-Delivery, X-Gitlab-Event-UUID)
    #[arg(long, value_name = "ID", help_heading = "Webhooks")]
    pub delivery: Option<String>,
}

impl DeliveryArgs {
    /// Returns the format that a proof is for.
    pub(super) fn format(&self) -> Option<&'static str> {
        match (&self.github_secret, &self.gitlab_token) {
            (Some(_), _) => Some("github-webhook"),
            (_, Some(_)) => Some("gitlab-webhook"),
            _ => None,
        }
    }

    /// Checks the proof of the channel; false when none was asked for.
    ///
    /// # Errors
    /// [`Error::Refused`] when it does not fit, [`Error::NotDone`] when a secret cannot be read.
    pub(super) fn check(&self, document: &Document) -> Result<bool, Error> {
        let Some(given) = &self.signature else { return Ok(false) };
        let outcome: Result<(), IngestError> = match (&self.github_secret, &self.gitlab_token) {
            (Some(secret), _) => {
                let secret = value(secret, "--github-secret")?;
                let header = header(given)?;
                let whole = document.whole()?;
                webhook::check_github(document.name(), whole.bytes(), &secret, &header)
            }
            (_, Some(secret)) => {
                let secret = value(secret, "--gitlab-token")?;
                webhook::check_gitlab(document.name(), &secret, &header(given)?)
            }
            _ => {
                return Err(Error::usage("--signature proves nothing without the secret")
                    .hint("give --github-secret or --gitlab-token too"));
            }
        };
        outcome?;
        Ok(true)
    }
}

/// Reads a secret from a file, or from the variable that `env:` names.
fn value(place: &str, flag: &str) -> Result<String, Error> {
    if let Some(name) = place.strip_prefix("env:") {
        return variable(name, flag);
    }
    let path = std::path::Path::new(place);
    let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, "read", &error))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn header(given: &str) -> Result<String, Error> {
    match given.strip_prefix("env:") {
        Some(name) => variable(name, "--signature"),
        None => Ok(given.to_owned()),
    }
}

fn variable(name: &str, flag: &str) -> Result<String, Error> {
    // An unset variable must not pass as an empty secret.
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => Ok(text),
        _ => Err(Error::usage(format!("{flag}: the variable {name} is not set or is empty"))),
    }
}
