//! Asks the book of a story and shows the answer as lines of text, one per row.
//!
//! A cell is `-` when nothing is known, a list stands in brackets, a time as stories write it, a
//! digest as `@` and the label of its artifact; so a table of a test shows a whole answer.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::test_runner::Config as ProptestConfig;
use relbook_ledger::time::Time;
use relbook_query::Book;
use relbook_query::projection::Request;
use relbook_query::question::{Answer, AnswerError, Question, WhichDeploy};
use relbook_query::release::Lens;
use relbook_query::table::{Cell, Table};
use relbook_testkit::story::{self, Story};

/// A book that was opened to be asked, under one lens.
pub(crate) struct Ask {
    book: Book,
    lens: Lens,
    environment: String,
}

/// How many cases a property gets: `few`, unless PROPTEST_CASES asks for another number.
pub(crate) fn cases(few: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(few),
    }
}

/// Opens the book of a story as it is now.
pub(crate) fn ask(story: &mut Story) -> Ask {
    let book = Book::open(&story.book(), &|_, _| {}).unwrap();
    let lens = book.lens(None, None);
    Ask { book, lens, environment: "production".to_owned() }
}

impl Ask {
    /// Looks from a time.
    pub(crate) fn at(mut self, at: &str) -> Self {
        self.lens.as_of = Time::parse(&story::time(at)).unwrap();
        self
    }

    /// Looks with what the book knew at a seq.
    pub(crate) fn known(mut self, seq: u64) -> Self {
        self.lens.as_known = seq;
        self
    }

    /// Asks about another environment.
    pub(crate) fn of(mut self, environment: &str) -> Self {
        environment.clone_into(&mut self.environment);
        self
    }

    pub(crate) fn lens(&self) -> Lens {
        self.lens
    }

    pub(crate) fn book(&self) -> &Book {
        &self.book
    }

    /// Answers a question.
    pub(crate) fn answer(&self, question: &Question) -> Result<Answer, AnswerError> {
        self.book.answer(question, self.lens)
    }

    /// Returns the rows of a projection: these columns, of the environment.
    pub(crate) fn rows(&self, projection: &str, columns: &str) -> Vec<String> {
        self.rows_of("api", projection, columns)
    }

    /// Returns the rows of another component.
    pub(crate) fn rows_of(&self, component: &str, projection: &str, columns: &str) -> Vec<String> {
        let request = Request {
            component: Some(component.to_owned()),
            environment: Some(self.environment.clone()),
            columns: None,
        };
        let table = self.book.projection(projection, &request, self.lens).unwrap();
        lines(&table, columns)
    }

    /// Returns these columns of the one row of `current_versions` about `api`.
    pub(crate) fn status(&self, columns: &str) -> String {
        self.status_of("api", columns)
    }

    /// Returns these columns of the one row of `current_versions` about a component.
    pub(crate) fn status_of(&self, component: &str, columns: &str) -> String {
        let rows = self.rows_of(component, "current_versions", columns);
        assert_eq!(rows.len(), 1, "one row for each component and environment: {rows:?}");
        rows.into_iter().next().unwrap()
    }

    /// Returns these columns of `live_shares` of `api`.
    pub(crate) fn shares(&self, columns: &str) -> Vec<String> {
        self.rows("live_shares", columns)
    }

    /// Asks what changed between the last two releases.
    pub(crate) fn diff(&self) -> Answer {
        self.difference(None, false)
    }

    /// Asks what changed with the last transition.
    pub(crate) fn transitions(&self) -> Answer {
        self.difference(None, true)
    }

    /// Asks what changed between two named versions.
    pub(crate) fn between(&self, from: &str, to: &str) -> Answer {
        self.difference(Some((from.to_owned(), to.to_owned())), false)
    }

    fn difference(&self, versions: Option<(String, String)>, transitions: bool) -> Answer {
        let (environment, component) = (self.environment.clone(), "api".to_owned());
        let question = Question::Diff { environment, component, versions, transitions };
        self.answer(&question).unwrap()
    }

    /// Asks who approved a deploy.
    pub(crate) fn approvals(&self, id: &str) -> Answer {
        self.approvals_of(WhichDeploy::Id(id.to_owned()))
    }

    /// Asks who approved the deploy that is meant.
    pub(crate) fn approvals_of(&self, which: WhichDeploy) -> Answer {
        let (environment, component) = (self.environment.clone(), None);
        self.answer(&Question::Approvals { environment, component, which }).unwrap()
    }

    /// Returns these columns of one row of `deploys`.
    pub(crate) fn deploy(&self, id: &str, columns: &str) -> String {
        let rows = self.rows("deploys", &format!("deploy_id {columns}"));
        let row = rows.iter().find_map(|row| row.strip_prefix(&format!("{id} ")));
        row.unwrap_or_else(|| panic!("no deploy {id} in {rows:?}")).to_owned()
    }
}

/// Returns these header cells of an answer.
pub(crate) fn head(answer: &Answer, names: &str) -> String {
    let cell = |name| answer.header(name).unwrap_or_else(|| panic!("no `{name}`"));
    let texts: Vec<String> = names.split(' ').map(|name| text(cell(name))).collect();
    texts.join(" ")
}

/// Returns the codes of an answer's warnings.
pub(crate) fn warnings(answer: &Answer) -> Vec<&str> {
    answer.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

/// Returns the seqs of every row, in order and each once.
pub(crate) fn evidence(table: &Table) -> Vec<Vec<u64>> {
    let sorted = |seqs: &Vec<u64>| BTreeSet::from_iter(seqs.iter().copied()).into_iter().collect();
    table.rows.iter().map(|row| sorted(&row.evidence)).collect()
}

/// Returns these columns of every row.
pub(crate) fn lines(table: &Table, columns: &str) -> Vec<String> {
    let line = |row| {
        let cell = |name| table.cell(row, name).unwrap_or_else(|| panic!("no column `{name}`"));
        let texts: Vec<String> = columns.split(' ').map(|name| text(cell(name))).collect();
        texts.join(" ")
    };
    (0..table.rows.len()).map(line).collect()
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Text(text) => short(text),
        Cell::TextList(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| short(text)).collect();
            format!("[{}]", texts.join(","))
        }
        Cell::Time(time) => story::short(&time.to_string()).to_owned(),
        other => {
            let mut text = String::new();
            write!(text, "{}", other.to_json()).unwrap();
            text
        }
    }
}

fn short(text: &str) -> String {
    story::label(text).map_or_else(|| text.to_owned(), |label| format!("@{label}"))
}
