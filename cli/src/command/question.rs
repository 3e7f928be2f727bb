//! What the commands that ask a question have in common: open the book, ask, show the answer.

use relbook_ledger::store::{Ledger, OpenError};
use relbook_query::Book;
use relbook_query::question::{Answer, Question, Warning, warning};
use serde_json::Value;

use super::explain;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::render;
use crate::ui::Ui;

/// Opens a book for asking; shows a bar while its views are brought up to the head of the log.
///
/// A book that holds less than was acknowledged, or something else, still answers: of what is there,
/// and it is said.
pub(super) fn open(config: &Config, ui: &mut Ui) -> Result<Book, Error> {
    let bar = ui.progress("reading the book", 0);
    let book = Book::open(&config.book, &|done, total| bar.of(done, total))?;
    drop(bar);
    let is_finding = |error: &OpenError| {
        matches!(error, OpenError::BehindPin { .. } | OpenError::Damaged { .. })
    };
    // A commit since the book was opened leaves the pin ahead of what this handle sees.
    if book.ledger().check_pin().is_err()
        && let Err(error) = Ledger::open(&config.book).and_then(|newest| newest.check_pin())
        && is_finding(&error)
    {
        ui.note(&format!("warning: {error}; what follows is of what is there"));
    }
    Ok(book)
}

/// Asks one question and shows the answer.
pub(super) fn ask(config: &Config, ui: &mut Ui, question: &Question) -> Result<ExitCode, Error> {
    let book = open(config, ui)?;
    let answer = answer(config, &book, question)?;
    show(config, ui, &book, &answer)?;
    Ok(if answer.holds { ExitCode::Done } else { ExitCode::DoesNotHold })
}

/// Answers a question by the two clocks of the command line.
pub(super) fn answer(config: &Config, book: &Book, question: &Question) -> Result<Answer, Error> {
    let mut answer = book.answer(question, book.lens(config.as_of, config.as_known))?;
    answer.warnings.extend(beyond_end(config, answer.checkpoint.0));
    Ok(answer)
}

/// Warns of an `--as-known` that the book of so many events has not come to.
pub(super) fn beyond_end(config: &Config, size: u64) -> Option<Warning> {
    let asked = config.as_known.filter(|seq| *seq >= size)?;
    let last = size.saturating_sub(1);
    let detail = format!("the book has no event {asked} yet: it is asked as of its last, {last}");
    Some(warning("as_known_beyond_end", detail))
}

/// Shows an answer; with `--explain`, the events that it rests on too.
pub(super) fn show(
    config: &Config,
    ui: &mut Ui,
    book: &Book,
    answer: &Answer,
) -> Result<(), Error> {
    match ui.format() {
        _ if !config.explain => render::answer(ui, answer),
        Format::Json => ui.json(&to_json(config, book, answer)?),
        Format::Table => {
            render::answer(ui, answer)?;
            explain::lines(book, answer)?.iter().try_for_each(|line| ui.line(line))
        }
        _ => Err(Error::usage("rows of this form have no place for an explanation")
            .hint("use --explain with --format table or json; the column `evidence` has the seqs")),
    }
}

/// Returns the envelope of an answer; with `--explain`, the events too.
pub(super) fn to_json(config: &Config, book: &Book, answer: &Answer) -> Result<Value, Error> {
    let mut whole = answer.to_json();
    if config.explain {
        whole["events"] = Value::Array(explain::events(book, answer)?);
    }
    Ok(whole)
}
