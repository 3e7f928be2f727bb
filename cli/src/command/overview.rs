//! `relbook` alone: the seven questions, each with the command that answers it.

use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

const QUESTIONS: [(&str, &str); 7] = [
    ("Which version of every component is live?", "relbook status"),
    ("Which commit is that?", "relbook commit"),
    ("What changed between the last two releases?", "relbook diff COMPONENT"),
    ("Where can we roll back to?", "relbook rollback COMPONENT"),
    ("Which versions go together?", "relbook compat"),
    ("Who approved the last production deploy?", "relbook approvals"),
    ("How does a hotfix get out in time?", "relbook hotfix COMPONENT"),
];

/// Prints the overview.
pub(super) fn run(ui: &mut Ui) -> Result<ExitCode, Error> {
    ui.line("relbook: the book of record for releases\n\nThe seven questions:")?;
    for (number, (question, command)) in QUESTIONS.iter().enumerate() {
        ui.line(&format!("  {}. {question:<46} {command}", number + 1))?;
    }
    ui.line(
        "\nAll at once:   relbook ask\nBy SQL:        relbook query \"SELECT * FROM current_versions\"\n\
         Is it true?    relbook verify\nA new book:    relbook init\n\nEvery command: relbook --help",
    )?;
    Ok(ExitCode::Done)
}
