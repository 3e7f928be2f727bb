//! The closed vocabularies: fields that take one word out of a few.

use super::field::{FieldType, FieldValue};

macro_rules! words {
    ($( $(#[doc = $doc:literal])+ $name:ident { $( $word:literal => $variant:ident ),+ $(,)? } )+) => { $(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, schemars::JsonSchema)]
        #[schemars(inline)]
        pub enum $name { $( #[doc = concat!("`", $word, "`")] #[serde(rename = $word)] $variant, )+ }

        impl $name {
            /// Returns the word as events and answers spell it.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }

            /// Finds the word.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $( $word => Some(Self::$variant), )+ _ => None }
            }
        }

        impl FieldValue for $name { const TYPE: FieldType = FieldType::Text; }
    )+ };
}

words! {
    /// Where in the promotion an artifact is; `canary` lives in production.
    Stage { "dev" => Dev, "staging" => Staging, "canary" => Canary, "production" => Production }

    /// How a component reaches its users.
    ReleaseModel { "deployed" => Deployed, "published" => Published }

    /// What a check came to; `inconclusive` never passes a gate.
    TestResult { "pass" => Pass, "fail" => Fail, "inconclusive" => Inconclusive }

    /// What a scan came to: four states that stay four (ingest.md 1.3).
    ScanStatus { "clean" => Clean, "findings" => Findings, "filtered" => Filtered, "not_scanned" => NotScanned }

    /// How a deploy ended on a target.
    FinishOutcome { "succeeded" => Succeeded, "failed" => Failed, "aborted" => Aborted }

    /// Why a deploy was started.
    Reason {
        "promotion" => Promotion, "redeploy" => Redeploy, "retry" => Retry,
        "rollback" => Rollback, "hotfix" => Hotfix,
    }

    /// What an approver decided.
    Decision { "granted" => Granted, "rejected" => Rejected, "revoked" => Revoked }
}
