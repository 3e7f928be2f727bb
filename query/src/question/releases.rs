//! `releases`: the production releases of a component, or what it published, oldest first
//! (semantics A.6).

use relbook_ledger::event::Body;

use super::{AnswerError, Part, component, environment, warning};
use crate::projection::{Request, projection};
use crate::release::{Component, Core, Key};
use crate::table::ColumnType::{Text, Time};
use crate::table::{Cell, Column, Table};
use relbook_ledger::time::Time as Instant;

pub(super) fn answer(
    core: &Core<'_>,
    environment_name: &str,
    name: &str,
) -> Result<Part, AnswerError> {
    let component = component(core, name)?;
    let environment = environment(core, environment_name)?;
    let Some(releases) = projection("production_releases") else {
        return Err(AnswerError::Read("no projection `production_releases`".to_owned()));
    };
    let mut part = Part { table: Table::new(releases.columns), ..Part::default() };
    part.head("component", component.name.as_str());
    part.head("environment", environment.name.as_str());
    for (name, ty) in [("channel", Text), ("yanked_at", Time), ("deploy_bump", Text)] {
        part.table.columns.push(Column { name: name.to_owned(), ty });
    }
    if component.is_published() {
        published(core, &component, &mut part)?;
    } else {
        let request = Request {
            component: Some(component.name.clone()),
            environment: Some(environment.name.clone()),
            columns: None,
        };
        let deploy_id = part.table.position("deploy_id");
        for mut row in (releases.rows)(core, &request)?.rows {
            let id = deploy_id.and_then(|at| row.cells[at].as_text());
            let deploy = id.map(|id| core.deploy(id)).transpose()?.flatten();
            let class = deploy.map(|deploy| core.class(&deploy)).transpose()?;
            let bump = class.and_then(|class| class.bump).map(|bump| bump.as_str());
            row.cells.extend([Cell::Null, Cell::Null, bump.into()]);
            part.table.rows.push(row);
        }
    }
    if part.table.rows.is_empty() {
        let detail = format!("nothing of {} was released yet", component.name);
        part.warnings.push(warning("no_release", detail));
    }
    Ok(part)
}

/// Adds one row for each publish, with its place among the versions of the component.
fn published(core: &Core<'_>, component: &Component, part: &mut Part) -> Result<(), AnswerError> {
    let facts = core.facts().find(&Key::Publishes { component: component.name.clone() })?;
    let mut before: Option<(&str, &str)> = None;
    for (at, fact) in facts.iter().enumerate() {
        let Body::ReleasePublished(release) = fact.body() else { continue };
        let version = release.version.as_str();
        let yank = facts[at..].iter().find_map(|later| match later.body() {
            Body::ReleaseYanked(yank) if *yank.version == *version => {
                let same = yank.digest.as_ref().is_none_or(|digest| *digest == release.digest);
                same.then(|| (later.seq, later.moment().at))
            }
            _ => None,
        });
        let origin = core.origin(&component.name, &release.digest, Some(version))?;
        let commit = origin.as_ref().map(|origin| origin.commit.clone());
        let named = release.commit.as_ref().map(ToString::to_string);
        // The same artifact on another channel is no step.
        let same = before.is_some_and(|(_, digest)| digest == release.digest.as_str());
        let bump = component.change_class(before.map(|(version, _)| version), version, same);
        let yanked: Option<Instant> = yank.map(|(_, at)| at);
        let cells = vec![
            component.name.as_str().into(),
            Cell::Null,
            (part.table.rows.len() + 1).into(),
            version.into(),
            release.digest.as_str().into(),
            commit.or(named).into(),
            fact.moment().at.into(),
            Cell::Null,
            bump.map(|bump| bump.as_str()).into(),
            Cell::Null,
            Cell::Null,
            release.channel.as_ref().map(ToString::to_string).into(),
            yanked.into(),
            Cell::Null,
        ];
        let mut evidence = vec![fact.seq];
        evidence.extend(yank.map(|(seq, _)| seq));
        evidence.extend(origin.map(|origin| origin.seq));
        part.table.push(cells, evidence);
        before = Some((version, release.digest.as_str()));
    }
    Ok(())
}
