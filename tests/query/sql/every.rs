//! A book with an event of every kind, every field of it given: what the log tables must show.

use std::collections::BTreeMap;
use std::path::PathBuf;

use relbook_ledger::event::Kind;
use relbook_ledger::key::SigningKey;
use relbook_ledger::store::Writer;
use relbook_testkit::story::{Story, digest, time};
use serde_json::{Map, Value, json};

/// A book with an event of every kind.
pub(crate) struct Every {
    story: Story,
    /// What was written of each kind, last event only, with the seq that it got.
    pub(crate) written: BTreeMap<&'static str, (u64, Map<String, Value>)>,
}

/// Tells a story in which every kind occurs; written times are `02T09:00` and later.
pub(crate) fn every() -> Every {
    let mut story = Story::of_api(&["us", "eu"]);
    story.enroll("p_olga", &["approver", "release_engineer"]);
    let mut written = BTreeMap::new();
    for (name, fields) in events() {
        let kind = Kind::parse(name).unwrap();
        let mut event = fields.as_object().unwrap().clone();
        if kind.spec().needs_component {
            event.insert("component".to_owned(), "api".into());
        }
        event.insert("labels".to_owned(), json!({"team": "blue"}));
        event.insert("source".to_owned(), json!({"system": "ci", "run_id": "7"}));
        event.insert("evidence".to_owned(), json!([digest("blob-1"), digest("blob-2")]));
        let mut pushed = event.clone();
        pushed.insert("kind".to_owned(), name.into());
        story.push("02T09:00", Value::Object(pushed));
        written.insert(kind.as_str(), (story.seq(), event));
    }
    let dir = story.book();
    let mut every = Every { story, written };
    every.write_as_book(&dir);
    every
}

impl Every {
    /// Returns the directory of the book.
    pub(crate) fn dir(&mut self) -> PathBuf {
        self.story.book()
    }

    /// Appends the kinds that relbook itself writes: a gate's decision and a refusal.
    fn write_as_book(&mut self, dir: &std::path::Path) {
        let mut writer = Writer::open(dir).unwrap();
        let decided = json!({"component": "api", "deploy_id": "D1", "version": "1.4.1",
            "digest": digest("1.4.1"), "stage": "production", "verdict": "closed",
            "results": [{"gate": "unit", "verdict": "fail"}], "policy_seq": 6,
            "evidence_seqs": [3, 5]});
        let decided = decided.as_object().unwrap().clone();
        let receipt = writer.append_as_book(Kind::GateDecided, decided.clone()).unwrap();
        self.written.insert("gate.decided", (receipt.seq, decided));
        let bad = json!({"kind": "tag.created", "component": "api", "tag": "v9",
            "occurred_at": time("02T09:00")});
        let signed = relbook_testkit::scratch::sign(&bad, 999, &admin_key(dir));
        writer.append(&[signed]).unwrap_err();
        let seq = writer.ledger().size() - 1;
        self.written.insert("append.refused", (seq, Map::new()));
        let rotated = writer.rotate_book_key(Some("every year")).unwrap();
        let fields = json!({"previous_public_key": rotated.previous.to_hex(),
            "book_public_key": rotated.key.to_hex(), "reason": "every year"});
        let fields = fields.as_object().unwrap().clone();
        self.written.insert("book.rotated", (rotated.appended.seq, fields));
        let (_, genesis) = (0, Map::new());
        self.written.insert("book.created", (0, genesis));
    }
}

/// Reads the admin key of a scratch book.
pub(crate) fn admin_key(dir: &std::path::Path) -> SigningKey {
    let pem = std::fs::read_to_string(dir.join("keys/admin.pem")).unwrap();
    SigningKey::from_pem(&pem).unwrap()
}

/// Every kind that an author may write, with every field that it has.
fn events() -> Vec<(&'static str, Value)> {
    let mut events = definitions();
    events.extend(work());
    events.extend(decisions());
    events.extend(trust());
    events
}

fn definitions() -> Vec<(&'static str, Value)> {
    vec![
        (
            "component.registered",
            json!({"scheme": "semver", "release_model": "deployed", "tag_prefix": "v",
                "artifact": "oci-image", "repository": "registry.example/api",
                "cadence": "continuous", "go_module": "example.com/api", "alias": "a"}),
        ),
        ("environment.registered", json!({"environment": "edge", "targets": ["e1", "e2"]})),
        ("policy.set", json!({"policy_id": "pol-2", "values": {"quorum": 2}})),
        (
            "matrix.published",
            json!({"rows": [{"a": "1.4.x"}, {"a": ">=1.5.0, <2.0.0"}], "matrix_id": "m1"}),
        ),
    ]
}

fn work() -> Vec<(&'static str, Value)> {
    let artifact = digest("1.4.1");
    let mut events = source();
    events.extend([
        (
            "build.completed",
            json!({"version": "1.4.1", "digest": artifact, "commit": "c2",
                "repository": "registry.example/api", "branch": "main",
                "platforms": ["linux/amd64", "linux/arm64"],
                "members": [{"platform": "linux/amd64", "digest": digest("amd")}],
                "builder": "ci", "run_url": "https://ci.example/7", "outcome": "succeeded"}),
        ),
        (
            "check.completed",
            json!({"suite": "slo", "result": "pass", "stage": "canary", "digest": artifact,
                "commit": "c2", "duration_s": 12.5,
                "cases": {"passed": 9, "failed": 0, "skipped": 1, "flaky": 2},
                "window_start": time("02T08:00"), "window_end": time("02T08:30"),
                "error_rate_delta": 0.05, "p99_delta_ms": -3.5,
                "baseline_digest": digest("1.4.0")}),
        ),
        (
            "scan.completed",
            json!({"digest": artifact, "scanner": "trivy", "scanner_version": "0.60",
                "db_built_at": time("01T00:00"), "critical": 1, "high": 2, "medium": 3, "low": 4,
                "negligible": 5, "unknown": 6, "other_classes": {"secret": {"high": 1}},
                "suppressed": 7, "status": "findings", "digest_role": "index",
                "command_line": "trivy image", "exit_code": 1,
                "findings": [
                    {"vulnerability_id": "CVE-1", "severity": "critical", "package": "zlib",
                        "installed_version": "1.2", "fixed_version": "1.3"},
                    {"vulnerability_id": "CVE-2"}]}),
        ),
        (
            "release.published",
            json!({"version": "1.4.1", "digest": artifact, "channel": "stable",
                "app_version": "1.4.1", "go_module": "example.com/api", "commit": "c2"}),
        ),
        (
            "release.yanked",
            json!({"version": "1.4.1", "digest": artifact, "channel": "stable",
                "reason": "broken"}),
        ),
        (
            "attestation.recorded",
            json!({"digest": artifact, "blob": digest("blob-3"), "format": "in-toto v1",
                "signer": "ci", "verified_by": "cosign", "content": {"a": [1]}}),
        ),
        (
            "sbom.recorded",
            json!({"digest": artifact, "blob": digest("blob-4"), "format": "cyclonedx 1.6",
                "signer": "ci", "verified_by": "cosign", "content": {"b": null}}),
        ),
    ]);
    events.extend(deploys(&artifact));
    events.extend(flags(&artifact));
    events
}

fn source() -> Vec<(&'static str, Value)> {
    vec![
        ("branch.created", json!({"branch": "release/1.4", "base_commit": "c1"})),
        (
            "commit.merged",
            json!({"commit": "c2", "parents": ["c1", "c0"], "branch": "main", "author": "p_ann",
                "reviewers": ["p_bob", "p_cyd"], "subject": "feat(api)!: add paging",
                "body": "More.\n\nBREAKING CHANGE: pages", "pr": 41, "cherry_picked_from": "c9",
                "hotfix_id": "H1", "touches_component": true, "unchanged_from": ["c1"]}),
        ),
        (
            "tag.created",
            json!({"tag": "v1.4.1", "version": "1.4.1", "commit": "c2", "signed_by": "p_ann"}),
        ),
        (
            "tag.moved",
            json!({"tag": "v1.4.1", "version": "1.4.1", "commit": "c3", "previous_commit": "c2",
                "signed_by": "p_ann"}),
        ),
    ]
}

fn deploys(artifact: &str) -> Vec<(&'static str, Value)> {
    vec![
        (
            "deploy.started",
            json!({"deploy_id": "D1", "stage": "production", "environment": "production",
                "targets": ["us", "eu"], "digest": artifact, "version": "1.4.1", "weight": 5,
                "reason": "hotfix", "initiated_by": "p_ann", "rollback_of": "D0", "fixes": "D0",
                "hotfix_id": "H1", "break_glass": true, "incident_id": "I1", "ticket": "T-1",
                "description": "why", "security_impact": "none"}),
        ),
        ("deploy.progressed", json!({"deploy_id": "D1", "target": "us", "weight": 50})),
        (
            "deploy.finished",
            json!({"deploy_id": "D1", "target": "us", "outcome": "failed", "restored": true}),
        ),
        ("deploy.removed", json!({"environment": "production", "target": "us"})),
        (
            "runtime.observed",
            json!({"environment": "production", "target": "us", "digest": artifact}),
        ),
    ]
}

fn flags(artifact: &str) -> Vec<(&'static str, Value)> {
    let flag = json!({"digest": artifact, "flag": "vulnerable", "cve": "CVE-1",
        "severity": "high", "reason": "zlib"});
    vec![("artifact.flagged", flag.clone()), ("artifact.unflagged", flag)]
}

fn decisions() -> Vec<(&'static str, Value)> {
    let approval = |id: &str| {
        json!({"approval_id": id, "version": "1.4.1", "digest": digest("1.4.1"),
            "stage": "production", "approver": "p_zoe", "role": "release_engineer",
            "expires_at": time("09T00:00"), "comment": "fine"})
    };
    let freeze = json!({"freeze_id": "F1", "environment": "production",
        "until": time("03T00:00"), "reason": "holiday"});
    let incident = json!({"incident_id": "I1", "caused_by": "D0", "severity": "high"});
    vec![
        ("approval.granted", approval("A1")),
        ("approval.rejected", approval("A2")),
        ("approval.revoked", json!({"approval_id": "A1", "by": "p_zoe", "reason": "wrong"})),
        (
            "waiver.granted",
            json!({"waiver_id": "W1", "gate": "scan", "digest": digest("1.4.1"),
                "reason": "no fix", "owner": "p_olga", "expires_at": time("09T00:00")}),
        ),
        ("freeze.declared", freeze.clone()),
        ("freeze.lifted", freeze),
        ("incident.opened", incident.clone()),
        ("incident.resolved", incident),
        (
            "hotfix.opened",
            json!({"hotfix_id": "H1", "incident_id": "I1", "deadline_minutes": 60,
                "opened_by": "p_ann"}),
        ),
        (
            "breakglass.reviewed",
            json!({"deploy_id": "D1", "reviewer": "p_olga", "result": "accepted"}),
        ),
    ]
}

fn trust() -> Vec<(&'static str, Value)> {
    let key = SigningKey::from_seed(&[9; 32]).public();
    let id = key.id().to_string();
    vec![
        (
            "key.enrolled",
            json!({"principal": "p_kim", "key_id": id, "public_key": key.to_hex(),
                "roles": ["ci"], "components": ["api"], "environments": ["production"]}),
        ),
        (
            "key.compromised",
            json!({"principal": "p_kim", "key_id": id, "from_seq": 3, "reason": "lost"}),
        ),
        ("key.revoked", json!({"principal": "p_kim", "key_id": id, "reason": "left"})),
        ("event.corrected", json!({"corrects": 8, "reason": "twice"})),
        (
            "redaction.applied",
            json!({"target": 8, "fields": ["comment"], "subject": "p_zoe",
                "commitment": digest("commitment"), "reason": "asked", "legal_basis": "law",
                "by": "p_olga"}),
        ),
    ]
}
