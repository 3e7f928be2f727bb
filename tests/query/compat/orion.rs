//! The book of these tests: five components, three API builds, one matrix, one live set.

use std::cell::Cell;

use relbook_ledger::time::Time;
use relbook_query::Book;
use relbook_query::projection::{Request, columns_of};
use relbook_query::question::{Answer, AnswerError, Codes, CompatAsk, Question};
use relbook_query::release::compat::Written;
use relbook_query::release::{Compat, Core, Lens};
use relbook_query::table::Table;
use relbook_testkit::scratch::Scratch;
use serde_json::{Value, json};

/// Digests of the API builds are one digit over and over.
pub(crate) const API_135: char = '3';
pub(crate) const API_142: char = '4';
pub(crate) const API_150: char = '5';

pub(crate) struct Orion {
    scratch: Scratch,
    minutes: Cell<u32>,
}

/// The rows of the matrix that everything goes together in.
pub(crate) fn matrix_m1() -> Value {
    json!([
        {"cli": "1.9.x", "sdk": "2.1.x", "api": ">=1.4.0, <2.0.0", "helm": "1.4.x"},
        {"cli": "1.8.x", "sdk": "2.0.x", "api": ">=1.3.0, <1.5.0", "helm": "1.3.x"},
    ])
}

pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

impl Orion {
    /// Makes a book with everything but a matrix; API 1.4.2 is live on both targets.
    pub(crate) fn without_matrix() -> Self {
        let mut orion = Self { scratch: Scratch::simulated(), minutes: Cell::new(0) };
        let component = |name: &str, alias: &str, scheme: &str, model: &str| {
            json!({"kind": "component.registered", "component": name, "alias": alias,
                "scheme": scheme, "release_model": model})
        };
        let mut events = vec![
            component("orion-api", "api", "semver", "deployed"),
            component("orion-web", "web", "calver:YYYY.0M.MICRO", "deployed"),
            component("orion-sdk-go", "sdk", "semver", "published"),
            component("orion-cli", "cli", "semver", "published"),
            component("orion-helm", "helm", "semver", "published"),
            json!({"kind": "environment.registered", "environment": "production",
                "targets": ["us-east-1", "eu-west-1"]}),
        ];
        for (component, version) in [
            ("orion-cli", "1.8.0"),
            ("orion-cli", "1.8.3"),
            ("orion-cli", "1.9.0"),
            ("orion-sdk-go", "2.0.1"),
            ("orion-sdk-go", "2.1.0"),
        ] {
            events.push(json!({"kind": "release.published", "component": component,
                "version": version, "digest": digest('9')}));
        }
        for (version, app_version) in [("1.3.2", "1.3.5"), ("1.4.0", "1.4.2")] {
            events.push(json!({"kind": "release.published", "component": "orion-helm",
                "version": version, "digest": digest('8'), "app_version": app_version}));
        }
        for digit in [API_135, API_142, API_150] {
            let version = orion.version(digit);
            events.push(build("orion-api", version, digit));
            // So that no declared pair lacks a contract check (M11).
            events.push(json!({"kind": "check.completed", "component": "orion-api",
                "suite": "contract", "result": "pass", "digest": digest(digit)}));
        }
        let events: Vec<Value> = events.into_iter().map(|event| orion.timed(event)).collect();
        orion.scratch.append(&events);
        orion.deploy(API_142, &["us-east-1", "eu-west-1"]);
        orion
    }

    /// As above, with the matrix.
    pub(crate) fn live() -> Self {
        let mut orion = Self::without_matrix();
        orion.matrix(matrix_m1());
        orion
    }

    pub(crate) fn version(&self, digit: char) -> &'static str {
        match digit {
            API_135 => "1.3.5",
            API_142 => "1.4.2",
            API_150 => "1.5.0",
            _ => panic!("no build has the digest {digit}"),
        }
    }

    /// Gives an event without a time the minute after the last one.
    fn timed(&self, mut event: Value) -> Value {
        if event.get("occurred_at").is_none() {
            let minute = self.minutes.get() + 1;
            self.minutes.set(minute);
            let start = Time::parse("2026-06-01T01:00:00Z").expect("a time");
            let at = start.plus_seconds(i64::from(minute) * 60);
            event["occurred_at"] = json!(at.to_string());
        }
        event
    }

    /// Appends an event.
    pub(crate) fn append(&mut self, event: Value) -> u64 {
        let event = self.timed(event);
        self.scratch.append(&[event])[0].seq
    }

    pub(crate) fn matrix(&mut self, rows: Value) -> u64 {
        self.append(json!({"kind": "matrix.published", "rows": rows}))
    }

    pub(crate) fn matrix_at(&mut self, at: &str, rows: Value) {
        self.append(json!({"kind": "matrix.published", "rows": rows, "occurred_at": at}));
    }

    pub(crate) fn build(&mut self, component: &str, version: &str) {
        self.append(build(component, version, 'f'));
    }

    pub(crate) fn failed_build(&mut self, component: &str, version: &str) {
        let mut event = build(component, version, '0');
        event["outcome"] = json!("failed");
        self.append(event);
    }

    pub(crate) fn publish(&mut self, component: &str, version: &str, app_version: Option<&str>) {
        let mut event = json!({"kind": "release.published", "component": component,
            "version": version, "digest": digest('7')});
        if let Some(app_version) = app_version {
            event["app_version"] = json!(app_version);
        }
        self.append(event);
    }

    pub(crate) fn yank(&mut self, component: &str, version: &str) {
        self.append(json!({"kind": "release.yanked", "component": component,
            "version": version, "reason": "test"}));
    }

    /// Deploys an API artifact to targets of production, and it succeeds.
    pub(crate) fn deploy(&mut self, digit: char, targets: &[&str]) {
        let id = format!("d{}", self.minutes.get());
        self.append(start(&id, digit, "production", targets));
        for target in targets {
            self.append(json!({"kind": "deploy.finished", "deploy_id": id, "target": target,
                "outcome": "succeeded"}));
        }
    }

    /// Puts an API artifact beside the stable one.
    pub(crate) fn canary(&mut self, digit: char, target: &str, weight: u8) {
        let id = format!("d{}", self.minutes.get());
        self.append(start(&id, digit, "canary", &[target]));
        self.append(json!({"kind": "deploy.progressed", "deploy_id": id, "target": target,
            "weight": weight}));
    }

    pub(crate) fn book(&self) -> Book {
        Book::open(&self.scratch.path(), &|_, _| {}).expect("a good book")
    }

    pub(crate) fn head(&self) -> u64 {
        self.book().ledger().size() - 1
    }

    fn ask_at(&self, ask: CompatAsk, known: Option<u64>) -> Result<Answer, AnswerError> {
        let book = self.book();
        let question = Question::Compat { environment: "production".to_owned(), ask };
        let lens: Lens = book.lens(None, known);
        book.answer(&question, lens)
    }

    fn ask(&self, ask: CompatAsk) -> Answer {
        self.ask_at(ask, None).expect("a good book")
    }

    pub(crate) fn try_set(&self, members: &str) -> Result<Answer, AnswerError> {
        let member = |text: &str| {
            let (component, version) = text.split_once('=').expect("component=version");
            (component.to_owned(), version.to_owned())
        };
        self.ask_at(CompatAsk::Set(members.split(' ').map(member).collect()), None)
    }

    pub(crate) fn set(&self, members: &str) -> Answer {
        self.try_set(members).unwrap_or_else(|error| panic!("{members}: {error}"))
    }

    pub(crate) fn pair(&self, one: &str, other: &str) -> Answer {
        self.ask(CompatAsk::Pair(one.to_owned(), other.to_owned()))
    }

    pub(crate) fn live_set(&self) -> Answer {
        self.ask(CompatAsk::Live)
    }

    pub(crate) fn live_set_known(&self, seq: u64) -> Answer {
        self.ask_at(CompatAsk::Live, Some(seq)).expect("a good book")
    }

    pub(crate) fn with(&self, component: &str, version: &str) -> Answer {
        self.ask(CompatAsk::With(component.to_owned(), version.to_owned()))
    }

    /// Checks the matrix of the book, with a version supposed.
    pub(crate) fn check_book(&self, with: Option<(&str, &str)>) -> Answer {
        let with = with.map(|(component, version)| (component.to_owned(), version.to_owned()));
        self.ask(CompatAsk::Check { rows: None, with, codes: Codes::All })
    }

    /// Checks other rows than those of the book.
    pub(crate) fn check(&self, rows: &Value, codes: Codes) -> Answer {
        let written = |value: &Value| match value {
            Value::String(text) => Written::Text(text.clone()),
            other => Written::Other(other.to_string()),
        };
        let row = |row: &Value| {
            let cells = row.as_object().expect("the shape of an answer").iter();
            cells.map(|(key, value)| (key.clone(), written(value))).collect()
        };
        let rows = rows.as_array().expect("the shape of an answer").iter().map(row).collect();
        self.ask(CompatAsk::Check { rows: Some(rows), with: None, codes })
    }

    /// Returns the details of the findings with a code, up to ` are live together`.
    pub(crate) fn findings(&self, with: Option<(&str, &str)>, code: &str) -> Vec<String> {
        let answer = self.check_book(with).to_json();
        let rows = answer["rows"]
            .as_array()
            .expect("the shape of an answer")
            .iter()
            .filter(|row| row["code"] == code);
        let detail = |row: &Value| {
            let detail = row["detail"].as_str().expect("the shape of an answer");
            detail.split(" are live together").next().expect("a good book").to_owned()
        };
        rows.map(detail).collect()
    }

    /// What gates and rollback ask.
    pub(crate) fn holds(&self, component: &str, version: &str) -> Compat {
        let book = self.book();
        let view = book.views().view(book.lens(None, None));
        let core = Core::new(&view);
        let production = core.environment("production").expect("a good book").expect("a good book");
        core.compat_holds(&production, component, version).expect("a good book")
    }

    pub(crate) fn projection(&self) -> Table {
        let book = self.book();
        book.projection("compat", &Request::default(), book.lens(None, None)).expect("a good book")
    }

    pub(crate) fn columns(&self) -> Vec<String> {
        let book = self.book();
        let view = book.views().view(book.lens(None, None));
        let columns =
            columns_of(&Core::new(&view), "compat").expect("a good book").expect("a good book");
        columns.into_iter().map(|column| column.name).collect()
    }
}

fn build(component: &str, version: &str, digit: char) -> Value {
    json!({"kind": "build.completed", "component": component, "version": version,
        "digest": digest(digit), "commit": digit.to_string().repeat(40)})
}

fn start(id: &str, digit: char, stage: &str, targets: &[&str]) -> Value {
    json!({"kind": "deploy.started", "deploy_id": id, "component": "orion-api", "stage": stage,
        "environment": "production", "targets": targets, "digest": digest(digit)})
}
