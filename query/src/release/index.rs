//! The keys under which facts are found: the only index that the core needs.
//!
//! Adding a question may add a key; `keys` is the one place that says which events stand under
//! it. Progress and finish of a deploy do not name their component: whoever builds the index
//! joins them with their start, in whichever order the two arrive (`joined_keys`).

use std::fmt;

use relbook_ledger::event::check::CheckCompleted;
use relbook_ledger::event::deploy::DeployStarted;
use relbook_ledger::event::source::CommitMerged;
use relbook_ledger::event::{Body, Event, Reason, Stage};

/// What the name of a hotfix branch begins with (semantics A.11).
pub(super) const HOTFIX_BRANCH: &str = "hotfix/";

macro_rules! keys {
    ($( $(#[doc = $doc:literal])+ $variant:ident $name:literal ( $( $part:ident ),* ) ),+ $(,)?) => {
        /// A key under which facts stand.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Key { $( $(#[doc = $doc])+ $variant { $(
            #[doc = concat!("the ", stringify!($part))]
            $part: String
        ),* } ),+ }

        impl fmt::Display for Key {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $( Self::$variant { $( $part ),* } => {
                    f.write_str($name)?;
                    $( write!(f, "\u{1f}{}", $part)?; )*
                    Ok(())
                } )+ }
            }
        }
    };
}

keys! {
    /// Registrations of all components.
    Components "components" (),
    /// Registrations of all environments.
    Environments "environments" (),
    /// Policy values.
    Policies "policies" (),
    /// Compatibility matrices.
    Matrices "matrices" (),
    /// Builds of one artifact.
    BuildDigest "build.digest" (component, digest),
    /// Builds of one version.
    BuildVersion "build.version" (component, version),
    /// Tags of one version.
    TagVersion "tag.version" (component, version),
    /// Publishes and yanks of a component.
    Publishes "publishes" (component),
    /// Merges of one commit.
    Commit "commit" (commit),
    /// Merges of the children of one commit.
    Children "children" (parent),
    /// Start, progress and finish of one deploy.
    Deploy "deploy" (deploy_id),
    /// All starts of a component's deploys.
    Starts "starts" (component),
    /// Starts that put one artifact somewhere.
    StartDigest "start.digest" (component, digest),
    /// Starts that take one deploy back.
    RollbackOf "rollback.of" (deploy_id),
    /// What changes the live state of a component in an environment; joined.
    Live "live" (component, environment),
    /// Production-stage finishes in an environment; joined.
    Finishes "finishes" (environment),
    /// Production-stage finishes of a component in an environment; joined.
    FinishesOf "finishes.of" (component, environment),
    /// Decisions about one version.
    ApprovalVersion "approval.version" (component, version),
    /// All decisions about a component.
    Approvals "approvals" (component),
    /// Decisions and revocations with one id.
    Approval "approval" (approval_id),
    /// Enrolments, revocations and compromises of all keys.
    Keys "keys" (),
    /// Enrolments, revocations and compromises of one key.
    KeyLife "key" (key_id),
    /// All builds of a component.
    Builds "builds" (component),
    /// Checks of one suite.
    Suite "suite" (component, suite),
    /// Makings and moves of one tag.
    Tag "tag" (component, tag),
    /// Removals of a component from targets of an environment.
    Removals "removals" (component, environment),
    /// Rollbacks of a component that do not name the deploy that they take back.
    UnnamedRollbacks "rollbacks" (component),
    /// Checks of one suite that name a commit.
    CheckCommit "check.commit" (component, suite, commit),
    /// Checks of one suite that name an artifact.
    CheckDigest "check.digest" (component, suite, digest),
    /// Scans of one artifact by any scanner.
    ScansOf "scans.of" (component, digest),
    /// Scans of one artifact by one scanner.
    Scans "scans" (component, digest, scanner),
    /// Waivers about a component.
    Waivers "waivers" (component),
    /// Freezes, declared and lifted.
    Freezes "freezes" (),
    /// Flags of one artifact, set and taken back.
    Flags "flags" (component, digest),
    /// All flags of a component.
    FlagsOf "flags.of" (component),
    /// Branches of a component.
    Branches "branches" (component),
    /// All tags of a component.
    Tags "tags" (component),
    /// Hotfixes of a component.
    Hotfixes "hotfixes" (component),
    /// Commits and deploys that name one hotfix.
    OfHotfix "of.hotfix" (hotfix_id),
    /// Commits on one hotfix branch.
    HotfixBranch "hotfix.branch" (component, branch),
    /// Merges of commits that were picked from one commit.
    Picks "picks" (commit),
    /// Reviews of one deploy.
    Reviews "reviews" (deploy_id),
    /// Deploys of a component that broke the glass.
    BreakGlass "break.glass" (component),
    /// Production-stage starts of a component.
    ProductionStarts "starts.production" (component),
    /// Starts that name one version.
    StartVersion "start.version" (component, version),
    /// Starts that repair one deploy.
    FixesOf "fixes.of" (deploy_id),
    /// Incidents that one deploy caused.
    IncidentsOf "incidents.of" (deploy_id),
    /// Opening and resolution of one incident.
    Incident "incident" (incident_id),
    /// What was seen running of a component in an environment.
    Observations "observations" (component, environment),
    /// What was seen running of a component, wherever.
    Sightings "sightings" (component),
    /// Merges of one pull request, of any component.
    PullRequest "pull.request" (pr),
    /// Merges on the branch of one release train.
    TrainCommits "train.commits" (component, branch),
    /// Events that the ledger got late, by how late.
    Late "late" (bucket),
    /// Flags and scans that name one vulnerability, in upper case.
    Cve "cve" (cve),
    /// Flags and scans with vulnerabilities of one severity, in lower case.
    Severity "severity" (severity),
    /// Flags and scans of a component that say that an artifact is vulnerable.
    Vulnerable "vulnerable" (component),
    /// Bills of materials of one artifact.
    Sboms "sboms" (component, digest),
    /// Attestations about one artifact.
    Attestations "attestations" (component, digest),
    /// Erasures in one event, by its seq or its id, or `of ` a subject.
    Redactions "redactions" (target),
    /// Builds from one commit, of any component.
    BuildCommit "build.commit" (commit),
    /// What was recorded of one CI run, as `source.run_id` names it.
    Run "run" (run_id),
}

/// Returns the keys that an event stands under by itself.
pub fn keys(event: &Event) -> Vec<Key> {
    let component = || event.component().to_owned();
    match &event.body {
        Body::ComponentRegistered(_) => vec![Key::Components {}],
        Body::EnvironmentRegistered(_) => vec![Key::Environments {}],
        Body::PolicySet(_) => vec![Key::Policies {}],
        Body::MatrixPublished(_) => vec![Key::Matrices {}],
        Body::BuildCompleted(b) => vec![
            Key::BuildDigest { component: component(), digest: b.digest.to_string() },
            Key::BuildVersion { component: component(), version: b.version.to_string() },
            Key::Builds { component: component() },
            Key::BuildCommit { commit: b.commit.to_string() },
        ],
        Body::TagCreated(t) => tag(component(), &t.tag, t.version.as_deref()),
        Body::TagMoved(t) => tag(component(), &t.tag, t.version.as_deref()),
        Body::ReleasePublished(_) | Body::ReleaseYanked(_) => {
            vec![Key::Publishes { component: component() }]
        }
        Body::CommitMerged(c) => {
            let child =
                |parent: &relbook_ledger::event::Name| Key::Children { parent: parent.to_string() };
            let itself = Key::Commit { commit: c.commit.to_string() };
            let keys = std::iter::once(itself).chain(c.parents.iter().map(child));
            keys.chain(hotfix_commit(component(), c)).collect()
        }
        Body::DeployStarted(d) => start(component(), d),
        Body::DeployProgressed(d) => vec![Key::Deploy { deploy_id: d.deploy_id.to_string() }],
        Body::DeployFinished(d) => vec![Key::Deploy { deploy_id: d.deploy_id.to_string() }],
        Body::DeployRemoved(d) => vec![
            Key::Live { component: component(), environment: d.environment.to_string() },
            Key::Removals { component: component(), environment: d.environment.to_string() },
        ],
        Body::ApprovalGranted(a) => approval(component(), &a.version, &a.approval_id),
        Body::ApprovalRejected(a) => approval(component(), &a.version, &a.approval_id),
        Body::ApprovalRevoked(a) => vec![Key::Approval { approval_id: a.approval_id.to_string() }],
        Body::KeyEnrolled(k) => vec![Key::Keys {}, Key::KeyLife { key_id: k.key_id.clone() }],
        Body::KeyRevoked(k) => vec![Key::Keys {}, Key::KeyLife { key_id: k.key_id.clone() }],
        Body::KeyCompromised(k) => vec![Key::Keys {}, Key::KeyLife { key_id: k.key_id.clone() }],
        Body::RedactionApplied(r) => {
            let subject = || r.subject.as_deref().map(|subject| format!("of {subject}"));
            let target = match &r.target {
                Some(serde_json::Value::String(id)) => Some(id.to_lowercase()),
                Some(target) => Some(target.to_string()),
                None => subject(),
            };
            target.into_iter().map(|target| Key::Redactions { target }).collect()
        }
        _ => evidence(event),
    }
}

/// Returns the keys of what gates, rollbacks and hotfixes look up.
fn evidence(event: &Event) -> Vec<Key> {
    let component = || event.component().to_owned();
    match &event.body {
        Body::CheckCompleted(c) => check(component(), c),
        Body::ScanCompleted(s) => vec![
            Key::ScansOf { component: component(), digest: s.digest.to_string() },
            Key::Scans {
                component: component(),
                digest: s.digest.to_string(),
                scanner: s.scanner.to_string(),
            },
        ],
        Body::WaiverGranted(_) => vec![Key::Waivers { component: component() }],
        Body::FreezeDeclared(_) | Body::FreezeLifted(_) => vec![Key::Freezes {}],
        Body::ArtifactFlagged(f) => flag(component(), &f.digest),
        Body::ArtifactUnflagged(f) => flag(component(), &f.digest),
        Body::BranchCreated(_) => vec![Key::Branches { component: component() }],
        Body::HotfixOpened(_) => vec![Key::Hotfixes { component: component() }],
        Body::BreakglassReviewed(r) => vec![Key::Reviews { deploy_id: r.deploy_id.to_string() }],
        _ => Vec::new(),
    }
}

fn check(component: String, c: &CheckCompleted) -> Vec<Key> {
    let suite = c.suite.to_string();
    let mut keys = vec![Key::Suite { component: component.clone(), suite: suite.clone() }];
    if let Some(commit) = &c.commit {
        let (component, suite) = (component.clone(), suite.clone());
        keys.push(Key::CheckCommit { component, suite, commit: commit.to_string() });
    }
    if let Some(digest) = &c.digest {
        keys.push(Key::CheckDigest { component, suite, digest: digest.to_string() });
    }
    keys
}

fn flag(component: String, digest: &str) -> Vec<Key> {
    let digest = digest.to_owned();
    vec![Key::FlagsOf { component: component.clone() }, Key::Flags { component, digest }]
}

/// Returns the keys under which a hotfix finds a commit.
fn hotfix_commit(component: String, c: &CommitMerged) -> Vec<Key> {
    let mut keys = Vec::new();
    if c.branch.starts_with(HOTFIX_BRANCH) {
        keys.push(Key::HotfixBranch { component, branch: c.branch.to_string() });
    }
    keys.extend(c.hotfix_id.as_deref().map(|id| Key::OfHotfix { hotfix_id: id.to_owned() }));
    let picked = c.cherry_picked_from.as_deref();
    keys.extend(picked.map(|commit| Key::Picks { commit: commit.to_owned() }));
    keys
}

fn tag(component: String, tag: &str, version: Option<&str>) -> Vec<Key> {
    let by_name = Key::Tag { component: component.clone(), tag: tag.to_owned() };
    let version = version.map(str::to_owned);
    let all = Key::Tags { component: component.clone() };
    let by_version = version.map(|version| Key::TagVersion { component, version });
    [all, by_name].into_iter().chain(by_version).collect()
}

fn start(component: String, d: &DeployStarted) -> Vec<Key> {
    let mut keys = vec![
        Key::Deploy { deploy_id: d.deploy_id.to_string() },
        Key::Starts { component: component.clone() },
        Key::StartDigest { component: component.clone(), digest: d.digest.to_string() },
        Key::Live { component: component.clone(), environment: d.environment.to_string() },
    ];
    if d.break_glass == Some(true) {
        keys.push(Key::BreakGlass { component: component.clone() });
    }
    keys.extend(d.hotfix_id.as_deref().map(|id| Key::OfHotfix { hotfix_id: id.to_owned() }));
    if d.reason == Some(Reason::Rollback) && d.rollback_of.is_none() {
        keys.push(Key::UnnamedRollbacks { component });
    }
    keys.extend(d.rollback_of.as_deref().map(|id| Key::RollbackOf { deploy_id: id.to_owned() }));
    keys
}

fn approval(component: String, version: &str, id: &str) -> Vec<Key> {
    vec![
        Key::ApprovalVersion { component: component.clone(), version: version.to_owned() },
        Key::Approvals { component },
        Key::Approval { approval_id: id.to_owned() },
    ]
}

/// Returns the keys that a progress or finish stands under once its deploy's start is known.
pub fn joined_keys(event: &Event, component: &str, start: &DeployStarted) -> Vec<Key> {
    let (component, environment) = (component.to_owned(), start.environment.to_string());
    let live = Key::Live { component: component.clone(), environment: environment.clone() };
    match &event.body {
        Body::DeployProgressed(_) => vec![live],
        Body::DeployFinished(_) if start.stage == Stage::Production => vec![
            live,
            Key::Finishes { environment: environment.clone() },
            Key::FinishesOf { component, environment },
        ],
        Body::DeployFinished(_) => vec![live],
        _ => Vec::new(),
    }
}

/// Returns the deploy that a progress or finish belongs to.
pub fn joins(event: &Event) -> Option<&str> {
    match &event.body {
        Body::DeployProgressed(d) => Some(&d.deploy_id),
        Body::DeployFinished(d) => Some(&d.deploy_id),
        _ => None,
    }
}
