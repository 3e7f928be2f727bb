//! Gates on the canary: it carried enough traffic for long enough, and kept its objectives.

use relbook_ledger::event::check::CheckCompleted;
use relbook_ledger::event::{Body, Stage, TestResult};
use relbook_ledger::time::Time;

use super::{Case, Finding, check, seconds, stage};
use crate::release::{Deploy, DeployOutcome, FactsError, Moment};

/// The time during which a canary deploy that succeeded had its share of the traffic.
struct Exposure {
    deploy: Deploy,
    from: Option<Moment>,
    until: Moment,
    /// The highest share that it had.
    weight: u8,
}

impl Exposure {
    fn seconds(&self) -> Option<f64> {
        self.from.map(|from| seconds(from.at, self.until.at))
    }

    fn judged(&self) -> impl Iterator<Item = Moment> {
        [self.deploy.started(), self.until].into_iter().chain(self.from)
    }
}

/// Returns the exposures of the canary deploys of the artifact that succeeded, oldest first.
fn exposures(case: &Case<'_>) -> Result<Vec<Exposure>, FactsError> {
    let mut exposures = Vec::new();
    for deploy in stage::deploys_to(case, case.digest(), Stage::Canary)? {
        let Some(until) = deploy.finished() else { continue };
        if deploy.outcome() != DeployOutcome::Succeeded {
            continue;
        }
        let progress = |fact: &std::sync::Arc<crate::release::Fact>| match fact.body() {
            Body::DeployProgressed(p) => Some((fact.moment(), p.weight)),
            _ => None,
        };
        let steps: Vec<(Moment, u8)> = deploy.events.iter().filter_map(progress).collect();
        let enough = steps.iter().filter(|(_, weight)| *weight >= case.policy.canary_weight);
        exposures.push(Exposure {
            from: enough.map(|(moment, _)| *moment).min(),
            weight: steps.iter().map(|(_, weight)| *weight).max().unwrap_or_default(),
            until,
            deploy,
        });
    }
    Ok(exposures)
}

fn not_a_canary(case: &Case<'_>) -> Finding {
    Finding::not_applicable(format!("{} does not bake as a canary", case.name()))
}

/// A canary deploy of the artifact succeeded after enough time with enough traffic.
pub(super) fn bake(case: &Case<'_>) -> Result<Finding, FactsError> {
    if !case.bakes() {
        return Ok(not_a_canary(case));
    }
    let least = case.bake_s();
    #[expect(clippy::cast_precision_loss, reason = "a limit in seconds is far below 2^53")]
    let enough = |exposure: &Exposure| exposure.seconds().is_some_and(|s| s >= least as f64);
    let exposures = exposures(case)?;
    let judged = exposures.iter().rev().find(|e| enough(e)).or(exposures.last());
    let Some(exposure) = judged else {
        return Ok(unfinished(case)?.threshold(least.to_string()));
    };
    let id = exposure.deploy.id();
    let (wanted, weight) = (case.policy.canary_weight, exposure.weight);
    Ok(match exposure.seconds() {
        Some(s) if enough(exposure) => {
            Finding::pass(format!("canary {id} baked for {s} s")).observed(s.to_string())
        }
        Some(s) => Finding::fail(format!("canary {id} baked for {s} s; it must bake {least} s"))
            .observed(s.to_string()),
        None if weight > 0 => {
            Finding::fail(format!("canary {id} had {weight} % of the traffic, not {wanted} %"))
                .observed(format!("weight={weight}"))
        }
        None => Finding::missing(format!("nothing says which share of the traffic {id} had")),
    }
    .threshold(least.to_string())
    .on_moments(exposure.judged()))
}

/// Says why no canary deploy counts.
fn unfinished(case: &Case<'_>) -> Result<Finding, FactsError> {
    let deploys = stage::deploys_to(case, case.digest(), Stage::Canary)?;
    Ok(match deploys.last() {
        None => Finding::missing("this artifact never was a canary"),
        Some(last) if last.outcome() == DeployOutcome::InFlight => {
            Finding::missing(format!("canary {} has not finished", last.id()))
                .on_moments([stage::last_of(last)])
        }
        Some(last) => {
            let outcome = last.outcome().as_str();
            Finding::fail(format!("canary {} {outcome}", last.id()))
                .observed(outcome)
                .on_moments([stage::last_of(last)])
        }
    })
}

/// What an objective measured, with its limit.
struct Measure {
    name: &'static str,
    value: f64,
    limit: f64,
    holds: bool,
}

/// The latest check of the canary's objectives passed, inside its exposure and within the limits.
pub(super) fn slo(case: &Case<'_>) -> Result<Finding, FactsError> {
    if !case.bakes() {
        return Ok(not_a_canary(case));
    }
    #[expect(clippy::cast_precision_loss, reason = "a limit in seconds is far below 2^53")]
    let window = case.bake_s() as f64;
    let limits = (window, case.policy.max_error_rate_delta, case.policy.max_p99_delta_ms);
    let threshold =
        format!("window_s={},error_rate_delta={},p99_delta_ms={}", limits.0, limits.1, limits.2);
    let mut checks = check::of_artifact(case, "slo")?;
    // What is measured after the rollout is another stage's.
    checks.retain(|fact| {
        check::check_of(fact).is_some_and(|c| c.stage.is_none_or(|s| s == Stage::Canary))
    });
    let Some(fact) = checks.last() else {
        let why = "no check of the canary's objectives was recorded before";
        return Ok(Finding::missing(why).threshold(threshold));
    };
    let Some(check) = check::check_of(fact) else {
        return Ok(Finding::missing("not a check").threshold(threshold));
    };
    let exposures = exposures(case)?;
    Ok(measured(check, limits, &exposures).threshold(threshold).on(fact))
}

fn measured(check: &CheckCompleted, limits: (f64, f64, f64), exposures: &[Exposure]) -> Finding {
    if check.result != TestResult::Pass {
        let word = check.result.as_str();
        return Finding::fail(format!("the latest check of the objectives says {word}"))
            .observed(word);
    }
    let (Some(start), Some(end), Some(errors), Some(latency)) =
        (check.window_start, check.window_end, check.error_rate_delta, check.p99_delta_ms)
    else {
        return Finding::missing("the check does not give its window and both deltas");
    };
    let length = seconds(start, end);
    let measures = [
        Measure { name: "window_s", value: length, limit: limits.0, holds: length >= limits.0 },
        Measure {
            name: "error_rate_delta",
            value: errors,
            limit: limits.1,
            holds: errors <= limits.1,
        },
        Measure {
            name: "p99_delta_ms",
            value: latency,
            limit: limits.2,
            holds: latency <= limits.2,
        },
    ];
    let spelled = |only_bad: bool| {
        let shown = measures.iter().filter(|m| !only_bad || !m.holds);
        shown.map(|m| format!("{}={}", m.name, m.value)).collect::<Vec<_>>().join(",")
    };
    if let Some(bad) = measures.iter().find(|measure| !measure.holds) {
        let Measure { name, value, limit, .. } = bad;
        return Finding::fail(format!("{name} is {value}; the limit is {limit}"))
            .observed(spelled(true));
    }
    if exposures.is_empty() {
        return Finding::missing(
            "no canary of the artifact succeeded, so the window proves nothing",
        )
        .observed(spelled(false));
    }
    if !exposures.iter().any(|exposure| inside(exposure, start, end)) {
        return Finding::fail(
            "the measured window lies outside the time that the canary had traffic",
        )
        .observed(format!("window={start}/{end}"));
    }
    Finding::pass("the canary kept its objectives").observed(spelled(false))
}

fn inside(exposure: &Exposure, start: Time, end: Time) -> bool {
    exposure.from.is_some_and(|from| from.at <= start) && end <= exposure.until.at
}
