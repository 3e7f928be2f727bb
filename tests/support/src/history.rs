//! Generates the life of a product line: the same seed gives the same events.
//!
//! Releases follow the promotion of the reference process (commits, build, tag, checks, dev,
//! staging, scans, approval, canary, production), with failed canaries, failed deploys, rollbacks
//! and redeploys at fixed rates, so that a million events have the mixture that a book has.

use relbook_ledger::time::Time;
use serde_json::{Value, json};

/// What a generated history is made of.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How many components there are.
    pub components: usize,
    /// How many targets production has.
    pub targets: usize,
    /// The seed.
    pub seed: u64,
}

/// A generator of events, in the order of their claimed times.
#[derive(Debug)]
pub struct History {
    shape: Shape,
    random: u64,
    at: Time,
    lines: Vec<Line>,
    ready: std::collections::VecDeque<Value>,
    deploys: u64,
}

/// What one component has come to.
#[derive(Debug, Clone)]
struct Line {
    name: String,
    version: (u64, u64, u64),
    head: Option<String>,
    commits: u64,
    live: Option<(String, String, String)>,
}

impl History {
    /// Makes a generator; its first events register the product.
    pub fn new(shape: Shape) -> Self {
        let line = |i| Line {
            name: format!("service-{i:02}"),
            version: (1, 0, 0),
            head: None,
            commits: 0,
            live: None,
        };
        let mut history = Self {
            random: shape.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            at: Time::parse("2020-01-01T00:00:00Z").unwrap_or_default(),
            lines: (0..shape.components).map(line).collect(),
            ready: std::collections::VecDeque::new(),
            deploys: 0,
            shape,
        };
        history.register();
        history
    }

    /// Returns the next `count` events.
    pub fn take(&mut self, count: usize) -> Vec<Value> {
        while self.ready.len() < count {
            self.release();
        }
        self.ready.drain(..count).collect()
    }

    fn random(&mut self, below: u64) -> u64 {
        // xorshift64*: a test needs repetition, not secrecy.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below.max(1)
    }

    fn hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            text += &format!("{:08x}", self.random(1 << 30) | (self.random(4) << 30));
        }
        text.truncate(digits);
        text
    }

    fn emit(&mut self, seconds: i64, mut event: Value) {
        self.at = self.at.plus_seconds(seconds);
        event["occurred_at"] = json!(self.at);
        self.ready.push_back(event);
    }

    fn targets(&self) -> Vec<String> {
        (1..=self.shape.targets).map(|i| format!("region-{i}")).collect()
    }

    fn register(&mut self) {
        for i in 0..self.lines.len() {
            let name = self.lines[i].name.clone();
            self.emit(
                1,
                json!({"kind": "component.registered", "component": name, "scheme": "semver",
                "release_model": "deployed", "tag_prefix": format!("{name}/v")}),
            );
        }
        for (environment, targets) in [
            ("dev", vec!["dev-1".to_owned()]),
            ("staging", vec!["stg-1".to_owned()]),
            ("production", self.targets()),
        ] {
            self.emit(1, json!({"kind": "environment.registered", "environment": environment, "targets": targets}));
        }
        self.emit(
            1,
            json!({"kind": "policy.set", "policy_id": "generated",
            "values": {"approval_sources": ["signed", "reported"]}}),
        );
    }

    /// Emits one release of one component, from its commits to production.
    fn release(&mut self) {
        let at = usize::try_from(self.random(self.lines.len() as u64)).unwrap_or_default();
        let mut line = self.lines[at].clone();
        self.commits(&mut line);
        let (major, minor, patch) = line.version;
        line.version = match self.random(20) {
            0 => (major + 1, 0, 0),
            1..=5 => (major, minor + 1, 0),
            _ => (major, minor, patch + 1),
        };
        let version = format!("{}.{}.{}", line.version.0, line.version.1, line.version.2);
        let digest = format!("sha256:{}", self.hex(64));
        let commit = line.head.clone().unwrap_or_default();
        let name = line.name.clone();
        self.emit(
            60,
            json!({"kind": "tag.created", "component": name, "tag": format!("{name}/v{version}"),
            "version": version, "commit": commit}),
        );
        self.emit(
            240,
            json!({"kind": "build.completed", "component": name, "version": version,
            "digest": digest, "commit": commit, "builder": "ci"}),
        );
        for suite in ["unit", "lint"] {
            self.emit(
                60,
                json!({"kind": "check.completed", "component": name, "suite": suite,
                "result": "pass", "commit": commit, "duration_s": 41}),
            );
        }
        self.deploy(&name, &digest, "dev", "dev", json!({}), "succeeded");
        self.emit(
            90,
            json!({"kind": "check.completed", "component": name, "suite": "smoke", "stage": "dev",
            "digest": digest, "result": "pass", "duration_s": 88}),
        );
        self.deploy(&name, &digest, "staging", "staging", json!({}), "succeeded");
        for suite in ["integration", "contract"] {
            self.emit(
                120,
                json!({"kind": "check.completed", "component": name, "suite": suite,
                "stage": "staging", "digest": digest, "result": "pass"}),
            );
        }
        for scanner in ["trivy", "grype"] {
            self.emit(
                30,
                json!({"kind": "scan.completed", "component": name, "digest": digest,
                "scanner": scanner, "critical": 0, "high": 0, "medium": 2, "status": "findings"}),
            );
        }
        self.emit(
            600,
            json!({"kind": "approval.granted", "approval_id": format!("A{}", self.deploys),
            "component": name, "version": version, "digest": digest, "stage": "production",
            "approver": "p_rita", "role": "release_engineer"}),
        );
        self.promote(&mut line, &version, &digest, &commit);
        self.lines[at] = line;
    }

    fn promote(&mut self, line: &mut Line, version: &str, digest: &str, commit: &str) {
        let name = line.name.clone();
        if self.random(20) == 0 {
            self.deploy(&name, digest, "production", "canary", json!({"weight": 5}), "failed");
            return;
        }
        self.deploy(&name, digest, "production", "canary", json!({"weight": 5}), "succeeded");
        self.emit(
            10,
            json!({"kind": "check.completed", "component": name, "suite": "slo", "stage": "canary",
            "digest": digest, "result": "pass", "error_rate_delta": 0.01, "p99_delta_ms": 4}),
        );
        if self.random(50) == 0 {
            self.deploy(
                &name,
                digest,
                "production",
                "production",
                json!({"reason": "promotion"}),
                "failed",
            );
            return;
        }
        let id = self.deploy(
            &name,
            digest,
            "production",
            "production",
            json!({"reason": "promotion"}),
            "succeeded",
        );
        let before = line.live.replace((version.to_owned(), digest.to_owned(), commit.to_owned()));
        match (self.random(30), before) {
            (0, Some((_, old, _))) => {
                let why = json!({"reason": "rollback", "rollback_of": id});
                self.deploy(&name, &old, "production", "production", why, "succeeded");
            }
            (1 | 2, _) => {
                self.deploy(
                    &name,
                    digest,
                    "production",
                    "production",
                    json!({"reason": "redeploy"}),
                    "succeeded",
                );
            }
            _ => {}
        }
    }

    fn commits(&mut self, line: &mut Line) {
        for _ in 0..=self.random(5) {
            let commit = self.hex(40);
            line.commits += 1;
            let kind = ["fix", "feat", "chore", "docs"]
                [usize::try_from(self.random(4)).unwrap_or_default()];
            let author = format!("p_{}", self.random(12));
            let parents: Vec<String> = line.head.replace(commit.clone()).into_iter().collect();
            self.emit(
                1800,
                json!({"kind": "commit.merged", "component": line.name, "commit": commit,
                "parents": parents, "branch": "main", "author": author, "reviewers": ["p_rev"],
                "subject": format!("{kind}(core): change {}", line.commits), "pr": line.commits}),
            );
        }
    }

    fn deploy(
        &mut self,
        name: &str,
        digest: &str,
        environment: &str,
        stage: &str,
        more: Value,
        outcome: &str,
    ) -> String {
        self.deploys += 1;
        let id = format!("D{}", self.deploys);
        let targets = match environment {
            "dev" => vec!["dev-1".to_owned()],
            "staging" => vec!["stg-1".to_owned()],
            _ => self.targets(),
        };
        let mut start = json!({"kind": "deploy.started", "deploy_id": id, "component": name, "stage": stage,
            "environment": environment, "targets": targets, "digest": digest, "initiated_by": "ci-bot"});
        if let (Some(start), Some(more)) = (start.as_object_mut(), more.as_object()) {
            start.extend(more.clone());
        }
        self.emit(120, start);
        for target in &targets {
            if stage == "canary" {
                self.emit(30, json!({"kind": "deploy.progressed", "deploy_id": id, "target": target, "weight": 5}));
            }
        }
        for target in targets {
            let mut finish = json!({"kind": "deploy.finished", "deploy_id": id, "target": target, "outcome": outcome});
            if outcome != "succeeded" {
                finish["restored"] = json!(true);
            }
            self.emit(if stage == "canary" { 1900 } else { 60 }, finish);
        }
        id
    }
}
