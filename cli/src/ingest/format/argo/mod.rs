//! The Argo projects: Argo CD (what was synced) and Argo Rollouts (canaries and their analysis).

mod analysis;
pub(in crate::ingest) mod application;
mod rollout;

use serde_json::Value;

use crate::ingest::document::Document;
use crate::ingest::error::IngestError;
use crate::ingest::kubernetes::{self, Object};
use crate::ingest::{Context, Reader};

/// The API group of all of them.
const GROUP: &str = "argoproj.io";

/// The reader of Argo CD's Application.
pub(super) struct ArgoCd;

/// The reader of Argo Rollouts' AnalysisRun and Rollout.
pub(super) struct Rollouts;

impl Reader for ArgoCd {
    fn name(&self) -> &'static str {
        "argocd"
    }

    fn detect(&self, document: &Document) -> bool {
        kubernetes::is(document, GROUP, &["Application", "ApplicationSet", "AppProject"])
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let object = Object::of(document)?;
        if object.kind()? != "Application" {
            let reason = "it makes Applications and deploys nothing itself; give the Applications";
            return Err(object.unsupported(document, "Argo CD", reason)?);
        }
        application::history(document, context)?.or_refuse(document)
    }
}

impl Reader for Rollouts {
    fn name(&self) -> &'static str {
        "argo-rollouts"
    }

    fn detect(&self, document: &Document) -> bool {
        kubernetes::is(document, GROUP, &[]) && !ArgoCd.detect(document)
    }

    fn read(&self, document: &Document, context: &Context) -> Result<Vec<Value>, IngestError> {
        let object = Object::of(document)?;
        match object.kind()? {
            "AnalysisRun" => analysis::read(&object, document, context),
            "Rollout" => rollout::read(&object, document, context)?.or_refuse(document),
            _ => {
                let reason = "of Argo Rollouts, AnalysisRun and Rollout are read";
                Err(object.unsupported(document, "Argo", reason)?)
            }
        }
    }
}
