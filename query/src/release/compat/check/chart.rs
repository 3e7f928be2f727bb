//! Checks of charts against the application that they install: M07 and M12.
//!
//! A chart's version and the application's version are two things (semantics Z9): coherence is
//! checked, and neither is ever derived from the other.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Check, Code, Finding, Subject};
use crate::release::compat::Released;
use crate::release::product::Component;

/// Finds the component whose version the charts name: the only deployed one of the matrix, else
/// the one with the alias `api`.
pub(super) fn application(subjects: &[Subject]) -> Option<Arc<Component>> {
    let mut deployed = subjects.iter().filter(|subject| !subject.is_published());
    let first = deployed.next()?;
    if deployed.next().is_none() {
        return Some(Arc::clone(&first.component));
    }
    let api = subjects.iter().find(|s| !s.is_published() && s.key() == "api");
    api.map(|subject| Arc::clone(&subject.component))
}

/// Tells whether a component is a chart: it is registered as one, or it was published with the
/// version of an application. Without either the usual short names speak for it.
pub(super) fn is_chart(component: &Component, released: &[Released]) -> bool {
    let named = || matches!(component.spec.alias.as_deref(), Some("helm" | "chart"));
    match component.spec.artifact.as_deref() {
        Some(artifact) => artifact == "helm-chart",
        None => named() || released.iter().any(|r| r.app_version.is_some()),
    }
}

impl Check {
    fn charts(&self) -> impl Iterator<Item = &Subject> {
        self.subjects.iter().filter(|subject| subject.is_chart)
    }

    /// M07: charts of a row whose application is not in the row.
    pub(super) fn charts_outside(&mut self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut unchecked = Vec::new();
        if self.application.is_none() && self.charts().next().is_some() {
            let detail = "several deployed components are in the matrix and none has the alias \
                          `api`: which of them the charts install is unknown";
            unchecked.push(("chart_application_unknown", detail.to_owned()));
        }
        for chart in self.charts() {
            for released in &chart.released {
                let Some(app_version) = &released.app_version else {
                    let detail = format!(
                        "{} {} was published without app_version: what it installs is unknown",
                        chart.key(),
                        released.text
                    );
                    unchecked.push(("app_version_missing", detail));
                    continue;
                };
                found.extend(self.chart_outside(chart, released, app_version));
            }
        }
        self.checked.unchecked.extend(unchecked);
        found
    }

    fn chart_outside(
        &self,
        chart: &Subject,
        released: &Released,
        app_version: &str,
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        let Some(application) = &self.application else { return found };
        for row in &self.sound.matrix.rows {
            let Some(cell) = row.cell(&application.name) else { continue };
            if row.holds(&chart.component.name, &released.text) && !cell.holds(app_version) {
                let detail = format!(
                    "{} {} installs {} {app_version}, which is outside {}",
                    chart.key(),
                    released.text,
                    cell.key,
                    cell.text
                );
                let key = Some(chart.key());
                found.push(Finding::new(Code::M07, Some(&row.id), key, detail, [released.seq]));
            }
        }
        found
    }

    /// M12: the newest chart does not install what is live.
    pub(super) fn stale_chart(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let Some(application) = &self.application else { return found };
        let Some(live) = self.live(&application.name) else { return found };
        let versions: Vec<&str> =
            live.members.iter().filter_map(|m| m.version.as_deref()).collect();
        let same = |one: &str, other: &str| {
            let (one, other) =
                (application.scheme.parse_version(one), application.scheme.parse_version(other));
            one.ok().zip(other.ok()).and_then(|(a, b)| a.cmp_precedence(&b).ok())
                == Some(Ordering::Equal)
        };
        for chart in self.charts() {
            let newest = self.live(&chart.component.name).and_then(|live| live.members.first());
            let version = newest.and_then(|member| member.version.as_deref());
            let Some(released) = chart.released.iter().find(|r| Some(r.text.as_str()) == version)
            else {
                continue;
            };
            let Some(app_version) = &released.app_version else { continue };
            if versions.is_empty() || versions.iter().any(|version| same(version, app_version)) {
                continue;
            }
            let detail = format!(
                "{} {} installs {} {app_version}; live is {}",
                chart.key(),
                released.text,
                live.key(),
                versions.join(", ")
            );
            let mut evidence = live.evidence.clone();
            evidence.push(released.seq);
            found.push(Finding::new(Code::M12, None, Some(chart.key()), detail, evidence));
        }
        found
    }
}
