//! The HTTP API of Prometheus, as far as one number at one time needs it (ingest.md 3.19).
//!
//! Nothing is believed that is not exactly what was asked for: one series with one finite value,
//! of the asked time, without a warning. A redirect is not followed: it could lead to another
//! server's numbers. Answers are bounded in time and size.

use std::time::Duration;

use relbook_ledger::admission::{Code, Refusal};
use serde_json::{Value, json};

use crate::error::Error;

/// The most bytes of an answer.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// How far the time of an answer may lie from the one that was asked for, in seconds.
const TIME_SLACK_S: f64 = 1.0;

/// A server.
pub(super) struct Server {
    agent: ureq::Agent,
    /// Its address, without a slash at the end.
    base: String,
    token: Option<String>,
    timeout: i64,
}

/// A number and the answer that it stands in.
pub(super) struct Measured {
    pub(super) value: f64,
    /// Remarks of the server that do not make the answer partial.
    pub(super) infos: Vec<String>,
    /// The question and the answer, for the record.
    pub(super) exchange: Value,
}

impl Server {
    /// Takes an address.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is none of HTTP, or holds credentials or a query.
    pub(super) fn new(url: &str, token: Option<String>, timeout: i64) -> Result<Self, Error> {
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let Some(rest) = rest.filter(|rest| !rest.is_empty() && !rest.starts_with('/')) else {
            return Err(Error::usage(format!("--prometheus: `{url}` is no http or https address"))
                .hint("such as http://prometheus.example:9090"));
        };
        if rest.contains('@') {
            return Err(Error::usage("--prometheus holds a user or password")
                .hint("the address is recorded; give a token with --token-file"));
        }
        if rest.contains(['?', '#']) {
            return Err(Error::usage("--prometheus holds a query")
                .hint("give the address under which /api/v1 lies"));
        }
        let seconds = u64::try_from(timeout).unwrap_or_default().max(1);
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(seconds)))
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("relbook/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self { agent, base: url.trim_end_matches('/').to_owned(), token, timeout })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Asks for one number at one time.
    ///
    /// # Errors
    /// [`Error::NotDone`] when the server does not answer as a Prometheus, [`Error::Refused`] when
    /// its answer is not one finite number.
    pub(super) fn number(&self, what: &str, query: &str, at: i64) -> Result<Measured, Error> {
        let parameters = [("query", query.to_owned()), ("time", at.to_string())];
        let answer = self.ask(what, "query", &parameters)?;
        let series = series(what, &answer, "vector")?;
        let value = point(what, series.get("value"), Some(at))?;
        let infos = texts(&answer, "infos");
        Ok(Measured { value, infos, exchange: exchange("query", &parameters, answer) })
    }

    /// Asks for a number at each of several times and checks that it is there each time.
    ///
    /// # Errors
    /// As [`Server::number`]; a gap is refused with the times around it.
    pub(super) fn covers(&self, what: &str, query: &str, times: &Times) -> Result<Value, Error> {
        let parameters = [
            ("query", query.to_owned()),
            ("start", times.first().to_string()),
            ("end", times.end.to_string()),
            ("step", times.step.to_string()),
        ];
        let answer = self.ask(what, "query_range", &parameters)?;
        let series = series(what, &answer, "matrix")?;
        let none = Vec::new();
        let points = series.get("values").and_then(Value::as_array).unwrap_or(&none);
        for at in times.all() {
            let found = points.iter().find(|point| {
                let time = point.get(0).and_then(Value::as_f64);
                time.is_some_and(|time| is_near(time, at))
            });
            if found.is_none() {
                let (from, to) = (clock(at - times.step), clock(at));
                return Err(refused(format!(
                    "{what}: no data between {from} and {to}, so the window is not covered; wait \
                     until it is, or measure in longer steps with --step"
                )));
            }
            point(&format!("{what}, up to {}", clock(at)), found, Some(at))?;
        }
        Ok(exchange("query_range", &parameters, answer))
    }

    fn ask(&self, what: &str, call: &str, parameters: &[(&str, String)]) -> Result<Value, Error> {
        let url = format!("{}/api/v1/{call}", self.base);
        let mut request = self.agent.get(&url);
        for (name, value) in parameters {
            request = request.query(*name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut response = request.call().map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        if (300..400).contains(&status) {
            let to = response.headers().get("location").and_then(|to| to.to_str().ok());
            let message = format!(
                "`{}` answers with a redirect to `{}`, which is not followed",
                self.base,
                short(to.unwrap_or("nowhere")),
            );
            return Err(Error::not_done("unreachable", message)
                .hint("give the address that really serves the API with --prometheus"));
        }
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_string()
            .map_err(|error| self.unreachable(&error))?;
        let answer = serde_json::from_str::<Value>(&body).ok();
        if status != 200 {
            return Err(self.failed(what, status, answer.as_ref()));
        }
        let Some(answer) = answer.filter(|answer| answer.get("data").is_some()) else {
            let message = format!("`{url}` does not answer as a Prometheus does");
            return Err(Error::not_done("unreachable", message)
                .hint("give the address under which /api/v1/query lies"));
        };
        if answer.get("status").and_then(Value::as_str) != Some("success") {
            return Err(refused(format!("{what}: the server does not say success")));
        }
        let warnings = texts(&answer, "warnings");
        if !warnings.is_empty() {
            let shown = short(&warnings.join("; "));
            return Err(refused(format!(
                "{what}: the server warns that its data may be partial: {shown}"
            )));
        }
        // VictoriaMetrics says so without a warning.
        if answer.get("isPartial").and_then(Value::as_bool) == Some(true) {
            return Err(refused(format!("{what}: the server says that its data is partial")));
        }
        Ok(answer)
    }

    fn unreachable(&self, error: &ureq::Error) -> Error {
        let message = match error {
            ureq::Error::Timeout(_) => {
                format!("`{}` did not answer within {} s", self.base, self.timeout)
            }
            other => format!("`{}` cannot be asked: {other}", self.base),
        };
        Error::not_done("unreachable", message).hint("nothing was recorded; ask again")
    }

    fn failed(&self, what: &str, status: u16, answer: Option<&Value>) -> Error {
        let text = |key: &str| answer.and_then(|answer| answer.get(key)?.as_str());
        let said = short(text("error").unwrap_or("no reason"));
        match (status, text("errorType")) {
            // The server understood us and cannot do what the query says.
            (400 | 422, Some(kind)) => {
                refused(format!("{what}: the query is refused by the server ({kind}): {said}"))
            }
            _ => {
                let message = format!("`{}` answers {status}: {said}", self.base);
                Error::not_done("unreachable", message).hint("nothing was recorded; ask again")
            }
        }
    }
}

/// The ends of the steps of a window, oldest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// The end of the window, in seconds since the epoch.
    pub(super) end: i64,
    pub(super) step: i64,
    pub(super) count: i64,
}

impl Times {
    fn first(&self) -> i64 {
        self.end - (self.count - 1) * self.step
    }

    fn all(&self) -> impl Iterator<Item = i64> {
        let (first, step) = (self.first(), self.step);
        (0..self.count).map(move |n| first + n * step)
    }
}

/// Returns the one series of an answer.
fn series<'a>(what: &str, answer: &'a Value, wanted: &str) -> Result<&'a Value, Error> {
    let kind = answer.pointer("/data/resultType").and_then(Value::as_str).unwrap_or("nothing");
    if kind != wanted {
        return Err(refused(format!(
            "{what}: the answer is a {}, not a {wanted}; the query must give one number",
            short(kind)
        )));
    }
    let all = answer.pointer("/data/result").and_then(Value::as_array);
    match all.map(Vec::as_slice) {
        Some([one]) => Ok(one),
        None | Some([]) => Err(refused(format!(
            "{what}: no series matches, so there was no traffic to measure, or the labels of the \
             query are others; where no error was counted yet, the numerator is \
             `(sum(...) or vector(0))`"
        ))),
        Some(several) => Err(refused(format!(
            "{what}: {} series where one is needed; aggregate them, as in sum(...)",
            several.len()
        ))),
    }
}

/// Reads the number of a pair of time and value.
fn point(what: &str, point: Option<&Value>, at: Option<i64>) -> Result<f64, Error> {
    let time = point.and_then(|point| point.get(0)?.as_f64());
    let text = point.and_then(|point| point.get(1)?.as_str());
    let (Some(time), Some(text)) = (time, text) else {
        return Err(refused(format!("{what}: the answer holds no value")));
    };
    if let Some(at) = at
        && !is_near(time, at)
    {
        return Err(refused(format!("{what}: the answer is for another time ({time}, not {at})")));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(refused(format!(
            "{what}: the value is {}, which is no number: there was no traffic, or too little",
            short(text)
        ))),
    }
}

fn is_near(time: f64, at: i64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "seconds since the epoch are far below 2^53")]
    let at = at as f64;
    (time - at).abs() <= TIME_SLACK_S
}

fn exchange(call: &str, parameters: &[(&str, String)], answer: Value) -> Value {
    let asked: serde_json::Map<String, Value> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({ "call": call, "asked": asked, "answer": answer })
}

fn texts(answer: &Value, key: &str) -> Vec<String> {
    let list = answer.get(key).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

fn refused(message: String) -> Error {
    Refusal::new(Code::BadValue, message).into()
}

fn clock(seconds: i64) -> String {
    relbook_ledger::time::Time::from_micros(seconds.saturating_mul(1_000_000)).to_string()
}

fn short(text: &str) -> String {
    const CHARS: usize = 200;
    let mut short: String =
        text.chars().take(CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(CHARS).is_some() {
        short.push_str("...");
    }
    short
}
