//! Four numbers, two differences, and what the policy says of them.

use relbook_ledger::policy::Policy;
use serde_json::{Map, Value, json};

use super::prometheus::{Measured, Server, Times};
use super::template::Template;
use crate::error::Error;
use relbook_ledger::admission::{Code, Refusal};

/// What the error query gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ErrorUnit {
    /// From 0 to 1
    Ratio,
    /// From 0 to 100
    Percent,
}

/// What the latency query gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LatencyUnit {
    /// Seconds
    S,
    /// Milliseconds
    Ms,
}

/// What is to be measured; of a pair, the canary stands first.
pub(super) struct Plan {
    pub(super) errors: [Template; 2],
    pub(super) latency: [Template; 2],
    pub(super) error_unit: ErrorUnit,
    pub(super) latency_unit: LatencyUnit,
    /// In seconds.
    pub(super) window: i64,
    /// In seconds since the epoch.
    pub(super) end: i64,
    pub(super) step: i64,
}

const NAMES: [[&str; 2]; 2] = [
    ["the error rate of the canary", "the error rate of the baseline"],
    ["the p99 of the canary", "the p99 of the baseline"],
];

/// What was measured: error rates in percent, latencies in milliseconds.
pub(super) struct Deltas {
    errors: [f64; 2],
    latency: [f64; 2],
    infos: Vec<String>,
    exchanges: Vec<Value>,
}

impl Plan {
    /// Asks the server.
    ///
    /// # Errors
    /// What [`Server::number`] and [`Server::covers`] say, [`Error::Refused`] for a rate or a
    /// latency that cannot be one.
    pub(super) fn measure(&self, server: &Server) -> Result<Deltas, Error> {
        // The first part may begin before the window, so that none of it is left out.
        let count = self.window.saturating_add(self.step - 1) / self.step;
        let times = Times { end: self.end, step: self.step, count };
        let mut deltas = Deltas {
            errors: [0.0; 2],
            latency: [0.0; 2],
            infos: Vec::new(),
            exchanges: Vec::new(),
        };
        for (measure, templates) in [&self.errors, &self.latency].into_iter().enumerate() {
            for (side, template) in templates.iter().enumerate() {
                let what = NAMES[measure][side];
                let query = template.over(self.window);
                let Measured { value, infos, exchange } = server.number(what, &query, self.end)?;
                let covered = server.covers(what, &template.over(self.step), &times)?;
                match measure {
                    0 => deltas.errors[side] = self.error_rate(what, value)?,
                    _ => deltas.latency[side] = self.latency(what, value)?,
                }
                deltas.infos.extend(infos);
                deltas.exchanges.extend([exchange, covered]);
            }
        }
        Ok(deltas)
    }

    /// Returns an error rate in percent.
    fn error_rate(&self, what: &str, value: f64) -> Result<f64, Error> {
        let (factor, most, other) = match self.error_unit {
            ErrorUnit::Ratio => (100.0, 1.0, "percent"),
            ErrorUnit::Percent => (1.0, 100.0, "ratio"),
        };
        match (0.0..=most).contains(&value) {
            true => Ok(value * factor),
            false => Err(refused(format!(
                "{what} is {value}, which lies outside of 0 to {most}; is it --error-unit {other}?"
            ))),
        }
    }

    /// Returns a latency in milliseconds.
    fn latency(&self, what: &str, value: f64) -> Result<f64, Error> {
        let factor = match self.latency_unit {
            LatencyUnit::S => 1000.0,
            LatencyUnit::Ms => 1.0,
        };
        match value >= 0.0 {
            true => Ok(value * factor),
            false => Err(refused(format!("{what} is {value}; no request takes less than no time"))),
        }
    }
}

fn refused(message: String) -> Error {
    Refusal::new(Code::BadValue, message).into()
}

/// Rounds away what binary fractions add: 2.1 less 2.0 is 0.1, and 0.1 keeps a limit of 0.1.
fn exact(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

impl Deltas {
    pub(super) fn error_rate_delta(&self) -> f64 {
        exact(self.errors[0] - self.errors[1])
    }

    pub(super) fn p99_delta_ms(&self) -> f64 {
        exact(self.latency[0] - self.latency[1])
    }

    /// Tells whether both differences keep the limits of the policy.
    pub(super) fn holds(&self, policy: &Policy) -> bool {
        self.error_rate_delta() <= policy.max_error_rate_delta
            && self.p99_delta_ms() <= policy.max_p99_delta_ms
    }

    /// Returns a line for each measure.
    pub(super) fn lines(&self, policy: &Policy) -> [String; 2] {
        let word = |delta: f64, most: f64| if delta <= most { "holds" } else { "does not hold" };
        let (errors, latency) = (self.error_rate_delta(), self.p99_delta_ms());
        let (most_errors, most_latency) = (policy.max_error_rate_delta, policy.max_p99_delta_ms);
        [
            format!(
                "error rate  canary {} %  baseline {} %  delta {errors} (limit {most_errors})  {}",
                exact(self.errors[0]),
                exact(self.errors[1]),
                word(errors, most_errors)
            ),
            format!(
                "p99         canary {} ms  baseline {} ms  delta {latency} (limit {most_latency})  {}",
                exact(self.latency[0]),
                exact(self.latency[1]),
                word(latency, most_latency)
            ),
        ]
    }

    /// Returns the numbers, the limits and the queries.
    pub(super) fn labels(&self, plan: &Plan, policy: &Policy) -> Map<String, Value> {
        const CHARS_MAX: usize = 1024;
        let mut labels = Map::new();
        let mut put = |name: &str, value: String| {
            let value: String = value.chars().take(CHARS_MAX).collect();
            labels.insert(name.to_owned(), json!(value));
        };
        put("error_rate_canary_percent", exact(self.errors[0]).to_string());
        put("error_rate_baseline_percent", exact(self.errors[1]).to_string());
        put("p99_canary_ms", exact(self.latency[0]).to_string());
        put("p99_baseline_ms", exact(self.latency[1]).to_string());
        put("max_error_rate_delta", policy.max_error_rate_delta.to_string());
        put("max_p99_delta_ms", policy.max_p99_delta_ms.to_string());
        put("coverage_step_s", plan.step.to_string());
        for (name, templates) in [("error_query", &plan.errors), ("latency_query", &plan.latency)] {
            put(&format!("canary_{name}"), templates[0].over(plan.window));
            put(&format!("baseline_{name}"), templates[1].over(plan.window));
        }
        if !self.infos.is_empty() {
            put("prometheus_infos", self.infos.join("; "));
        }
        labels
    }

    /// Returns all questions and answers.
    pub(super) fn evidence(&self, server: &str) -> Value {
        json!({ "server": server, "exchanges": self.exchanges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_on_the_limit_holds_whatever_binary_fractions_say() {
        let policy = Policy::default();
        let deltas = |errors: [f64; 2], latency: [f64; 2]| Deltas {
            errors,
            latency,
            infos: Vec::new(),
            exchanges: Vec::new(),
        };
        // In binary 2.1 - 2.0 is 0.10000000000000009.
        assert!(deltas([2.1, 2.0], [250.0, 200.0]).holds(&policy));
        assert!(!deltas([2.101, 2.0], [250.0, 200.0]).holds(&policy));
        assert!(!deltas([2.1, 2.0], [250.001, 200.0]).holds(&policy));
        assert!(deltas([0.0, 5.0], [10.0, 900.0]).holds(&policy), "better is no fault");
    }
}
