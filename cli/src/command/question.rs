//! What the commands that ask a question have in common: open the book, ask, show the answer.

use relbook_query::Book;
use relbook_query::question::Question;

use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::render;
use crate::ui::Ui;

/// Opens a book for asking; shows a bar while its views are brought up to the head of the log.
pub(super) fn open(config: &Config, ui: &Ui) -> Result<Book, Error> {
    let bar = ui.progress("reading the book", 0);
    Ok(Book::open(&config.book, &|done, total| bar.of(done, total))?)
}

/// Asks one question and shows the answer.
pub(super) fn ask(config: &Config, ui: &mut Ui, question: &Question) -> Result<ExitCode, Error> {
    let book = open(config, ui)?;
    let lens = book.lens(config.as_of, config.as_known);
    let answer = book.answer(question, lens)?;
    render::answer(ui, &answer)?;
    Ok(if answer.holds { ExitCode::Done } else { ExitCode::DoesNotHold })
}
