//! A small product and what its book has recorded, for readers that join.

use std::rc::Rc;

use relbook_ledger::admission::admit;
use relbook_ledger::registry::Registry;
use serde_json::{Value, json};

use super::digest;
use crate::ingest::{Build, Context, Deploy, Recorded, Run, Tag};

pub(super) const COMMIT: &str = "9c5bd90ef73464414575f9903a0ab22a31eda54f";

/// A registry with two components of one repository, one of another, and three environments.
pub(super) fn registry() -> Registry {
    let component = |name: &str, prefix: &str, home: &str| {
        json!({"kind": "component.registered", "component": name, "scheme": "semver",
               "release_model": "deployed", "tag_prefix": prefix, "repository": home})
    };
    let environment = |name: &str, targets: &[&str]| json!({"kind": "environment.registered", "environment": name, "targets": targets});
    let events = [
        component("app", "v", "https://github.com/orion/app"),
        component("mono-api", "api/v", "orion/mono"),
        component("mono-cli", "cli/v", "orion/mono"),
        environment("dev", &["d1"]),
        environment("production", &["us", "eu"]),
    ];
    let mut registry = Registry::default();
    for (seq, mut event) in (0..).zip(events) {
        event["id"] = json!("0198c1f0-0000-7000-8000-000000000000");
        event["occurred_at"] = json!("2026-01-01T00:00:00Z");
        registry.apply(seq, &admit(&event, &registry).unwrap());
    }
    registry
}

/// What a book has recorded.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) builds: Vec<Build>,
    pub(super) runs: Vec<(String, Run)>,
    pub(super) deploys: Vec<(String, Deploy)>,
    pub(super) tags: Vec<(String, Tag)>,
}

impl Recorded for Records {
    fn builds_of_commit(&self, commit: &str) -> Result<Vec<Build>, String> {
        Ok(self.builds.iter().filter(|build| build.commit == commit).cloned().collect())
    }

    fn builds_of_version(&self, component: &str, version: &str) -> Result<Vec<Build>, String> {
        let of = |build: &&Build| build.component == component && build.version == version;
        Ok(self.builds.iter().filter(of).cloned().collect())
    }

    fn builds_of_digest(&self, component: &str, digest: &str) -> Result<Vec<Build>, String> {
        let of = |build: &&Build| build.component == component && build.digest == digest;
        Ok(self.builds.iter().filter(of).cloned().collect())
    }

    fn run(&self, run_id: &str) -> Result<Vec<Run>, String> {
        let of = self.runs.iter().filter(|(id, _)| id == run_id);
        Ok(of.map(|(_, run)| run.clone()).collect())
    }

    fn deploy(&self, deploy_id: &str) -> Result<Option<Deploy>, String> {
        let of = self.deploys.iter().find(|(id, _)| id == deploy_id);
        Ok(of.map(|(_, deploy)| deploy.clone()))
    }

    fn commit(&self, _: &str, _: &str) -> Result<Option<u64>, String> {
        Ok(None)
    }

    fn tag(&self, _: &str, tag: &str) -> Result<Option<Tag>, String> {
        Ok(self.tags.iter().find(|(name, _)| name == tag).map(|(_, tag)| tag.clone()))
    }
}

/// A build of `app` 1.4.2 from [`COMMIT`], with a digest of that digit.
pub(super) fn build(seq: u64, digit: char, run: Option<&str>) -> Build {
    Build {
        seq,
        component: "app".to_owned(),
        version: "1.4.2".to_owned(),
        digest: digest(digit),
        commit: COMMIT.to_owned(),
        run_id: run.map(str::to_owned),
    }
}

/// A context of the product, with records.
pub(super) fn knowing(records: Records) -> Context {
    Context { registry: registry(), recorded: Some(Rc::new(records)), ..Context::default() }
}

/// A context of the product whose book has one build.
pub(super) fn one_build() -> Context {
    knowing(Records { builds: vec![build(7, 'a', None)], ..Records::default() })
}

/// Asserts that a book with this product takes the events.
pub(super) fn check_admitted(events: &[Value]) {
    for event in events {
        let mut full = event.clone();
        full["id"] = json!("0198c1f0-0000-7000-8000-000000000000");
        if full.get("occurred_at").is_none() {
            full["occurred_at"] = json!("2026-06-10T09:00:00Z");
        }
        admit(&full, &registry()).unwrap();
    }
}
