//! May an artifact enter a stage? The gates of A.10 over the evidence of the view.
//!
//! Asked of an artifact, the gates judge a deploy that would start now, at the end of the view;
//! asked of a deploy, they judge it as it was started. Either way the policy in force at that
//! point counts: a later policy does not make an old deploy wrong, nor right. Whoever wants to
//! know what today's policy would have said asks for it by name.

use relbook_ledger::event::Stage;

use super::{AnswerError, Part, component, environment, warning};
use crate::projection::{gate_row, projection};
use crate::release::{
    Component, Core, Deploy, Environment, GateVerdict, Intent, Origin, Promotion,
};
use crate::table::{Cell, Column, ColumnType, Table};

/// What is asked of the gates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateAsk {
    /// Of what.
    pub of: GateOf,
    /// Judge by the policy at the head of the book, now, instead of that in force then.
    pub policy_of_today: bool,
}

/// What the gates judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateOf {
    /// A deploy that would start at the end of the view.
    Artifact {
        /// The component (name or alias).
        component: String,
        /// Its version, or the digest of its artifact.
        artifact: String,
        /// The stage to enter.
        stage: Stage,
        /// The environment, unless it follows from the stage.
        environment: Option<String>,
        /// The hotfix that it would ship.
        hotfix_id: Option<String>,
        /// Who would start it.
        initiated_by: Option<String>,
    },
    /// A deploy that was started.
    Deploy(String),
}

const HEADER: &[&str] = &[
    "component",
    "version",
    "digest",
    "commit",
    "stage",
    "environment",
    "deploy_id",
    "verdict",
    "failed",
    "bump",
    "approval_required",
    "held",
    "profile",
    "hotfix_id",
    "policy_seq",
    "policy",
];

pub(super) fn answer(core: &Core<'_>, ask: &GateAsk) -> Result<Part, AnswerError> {
    let columns = projection("gate_results").map_or(&[][..], |p| p.columns);
    let mut part = Part { table: Table::new(columns), ..Part::default() };
    part.table.columns.push(Column { name: "why".to_owned(), ty: ColumnType::Text });
    let (deploy, id) = match &ask.of {
        GateOf::Deploy(id) => {
            let unknown = || AnswerError::UnknownDeploy {
                id: id.clone(),
                environment: "this view of the book".to_owned(),
            };
            (core.deploy(id)?.ok_or_else(unknown)?, Some(id.as_str()))
        }
        GateOf::Artifact { .. } => (intended(core, &ask.of, &mut part)?, None),
    };
    let promotion = core.gates(&deploy)?;
    head(core, &deploy, id, &promotion, ask.policy_of_today, &mut part)?;
    for gate in &promotion.gates {
        let (mut cells, mut evidence) = gate_row(&deploy, id, &promotion, gate);
        cells.push(gate.why.as_str().into());
        evidence.extend(id.map(|_| deploy.fact.seq));
        part.table.push(cells, evidence);
    }
    part.holds = promotion.is_open();
    warnings(&deploy, &promotion, &mut part);
    let component = core.component(&deploy.component)?;
    if let Some(component) = component.as_ref().filter(|component| component.is_published()) {
        let detail = format!(
            "{} is published, not deployed: nothing of it is live on a target, so that every bump \
             is initial here; `relbook releases` has the steps between its publishes",
            component.name
        );
        part.warnings.push(warning("published", detail));
    }
    if let (Some(component), Some(origin)) = (component, &promotion.origin)
        && let Some(told) = core.misdated(&component, origin)?
    {
        part.warnings.push(warning("calver_date_mismatch", told));
    }
    Ok(part)
}

/// Returns the deploy that is asked about.
fn intended(core: &Core<'_>, of: &GateOf, part: &mut Part) -> Result<Deploy, AnswerError> {
    let GateOf::Artifact { component: name, artifact, stage, environment, hotfix_id, initiated_by } =
        of
    else {
        return Err(AnswerError::Read("a deploy is not an intent".to_owned()));
    };
    let component = component(core, name)?;
    let place = place(core, environment.as_deref(), *stage)?;
    let (digest, version) = artifact_of(core, &component, artifact, part)?;
    Ok(core.intended(&Intent {
        component: &component.name,
        digest: &digest,
        version: version.as_deref(),
        stage: *stage,
        environment: &place.name,
        targets: &place.targets,
        hotfix_id: hotfix_id.as_deref(),
        initiated_by: initiated_by.as_deref(),
    })?)
}

/// Returns the environment of a stage: canary lives in production, the others in their own.
fn place(core: &Core<'_>, asked: Option<&str>, stage: Stage) -> Result<Environment, AnswerError> {
    if let Some(name) = asked {
        return environment(core, name);
    }
    let name = if stage == Stage::Canary { Stage::Production } else { stage }.as_str();
    Ok(core.environment(name)?.unwrap_or_else(|| Environment::unregistered(name)))
}

/// Returns the digest that is meant, and the version by which it was asked for.
fn artifact_of(
    core: &Core<'_>,
    component: &Component,
    artifact: &str,
    part: &mut Part,
) -> Result<(String, Option<String>), AnswerError> {
    if artifact.contains(':') {
        let digest = relbook_ledger::event::Digest::parse(artifact).map_err(|reason| {
            let (component, version) = (component.name.clone(), artifact.to_owned());
            AnswerError::BadVersion { component, version, reason }
        })?;
        return Ok((digest.as_str().to_owned(), None));
    }
    let builds = core.builds_of_version(&component.name, artifact)?;
    let mut digests: Vec<&str> = Vec::new();
    for Origin { digest, .. } in builds.iter().rev() {
        if !digests.contains(&digest.as_str()) {
            digests.push(digest);
        }
    }
    let digest = match digests.first() {
        Some(digest) => (*digest).to_owned(),
        None => match core.publish_of(&component.name, artifact)? {
            Some((digest, ..)) => digest,
            None => {
                let (component, version) = (component.name.clone(), artifact.to_owned());
                return Err(AnswerError::UnknownVersion { component, version });
            }
        },
    };
    if digests.len() > 1 {
        let detail = format!(
            "{artifact} was built {} times with different digests; the latest, {digest}, is judged",
            digests.len()
        );
        part.warnings.push(warning("several_digests", detail));
    }
    Ok((digest, Some(artifact.to_owned())))
}

fn head(
    core: &Core<'_>,
    deploy: &Deploy,
    id: Option<&str>,
    promotion: &Promotion,
    policy_of_today: bool,
    part: &mut Part,
) -> Result<(), AnswerError> {
    let class = core.class(deploy)?;
    let origin = promotion.origin.as_ref();
    let version = origin.map(|origin| origin.version.as_str());
    let cells: Vec<Cell> = vec![
        deploy.component.as_str().into(),
        version.or(deploy.start.version.as_deref()).into(),
        deploy.start.digest.as_str().into(),
        origin.map(|origin| origin.commit.as_str()).into(),
        deploy.start.stage.as_str().into(),
        deploy.start.environment.as_str().into(),
        id.into(),
        if promotion.is_open() { "open" } else { "closed" }.into(),
        promotion.failed().into(),
        class.bump.map(|bump| bump.as_str()).into(),
        class.approval_required.into(),
        class.held.into(),
        if promotion.hotfix.is_some() { "hotfix" } else { "standard" }.into(),
        promotion.hotfix.as_deref().into(),
        promotion.policy_seq.into(),
        if policy_of_today { "now" } else { "then" }.into(),
    ];
    for (name, cell) in HEADER.iter().zip(cells) {
        part.head(name, cell);
    }
    Ok(())
}

fn warnings(deploy: &Deploy, promotion: &Promotion, part: &mut Part) {
    if promotion.gates.is_empty() {
        let stage = deploy.start.stage.as_str();
        let detail = format!("the policy has no gates for {stage}: nothing was judged");
        part.warnings.push(warning("no_gates", detail));
    }
    if promotion.origin.is_none() {
        let detail = "no build of this artifact is known: its version and commit are missing";
        part.warnings.push(warning("missing_provenance", detail));
    }
    if let Some(id) = &promotion.unknown_hotfix {
        let detail =
            format!("no hotfix {id} of this component was opened before: the standard gates hold");
        part.warnings.push(warning("unknown_hotfix", detail));
    }
    for gate in &promotion.gates {
        if let Some(waiver) = &gate.waiver {
            let detail = format!(
                "{} is waived by {} until {} (owner {}); it is {}",
                gate.gate,
                waiver.id,
                waiver.expires_at,
                waiver.owner,
                gate.verdict.as_str()
            );
            part.warnings.push(warning("waived", detail));
        }
        if gate.gate == "compat" && gate.verdict == GateVerdict::NotApplicable {
            part.warnings
                .push(warning("no_matrix", format!("compat was not judged: {}", gate.why)));
        }
        if gate.verdict == GateVerdict::Deferred {
            part.warnings.push(warning("deferred", format!("{}: {}", gate.gate, gate.why)));
        }
    }
    let closed = promotion.failed();
    for (waiver, why) in promotion.ignored_waivers.iter().filter(|(w, _)| closed.contains(&w.gate))
    {
        let detail = format!("waiver {} of {} does not count: {why}", waiver.id, waiver.gate);
        part.warnings.push(warning("waiver_ignored", detail));
    }
}
