//! `relbook rollback`: question 4, where can a component be rolled back to (semantics C.1 Q4)?

use clap::Args;
use relbook_query::question::Question;
use relbook_query::table::Cell;

use super::question;
use crate::args::Format;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `rollback`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook rollback api                  the versions of the same X.Y below what is live
  relbook rollback api --any            all other builds too; they are not eligible
  relbook rollback api --format json | jq -r .header.recommended

Reasons against a version: never_live, rolled_back_from, flagged:..., yanked, scan:...,
scan_missing:..., matrix, migration_barrier, artifact_missing, in_flight, different_line.
Where the targets run different versions there is one block of rows for each target.")]
pub struct RollbackArgs {
    /// The component (name or alias)
    pub component: String,
    /// List builds off the line of what is live too
    #[arg(long)]
    pub any: bool,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: RollbackArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let RollbackArgs { component, any, env: environment } = args;
    let book = question::open(config, ui)?;
    let question = Question::Rollback { environment, component: component.clone(), any };
    let answer = question::answer(config, &book, &question)?;
    question::show(config, ui, &book, &answer)?;
    let text = |name: &str| answer.header(name).and_then(Cell::as_text);
    if let (false, false, Format::Table) = (answer.holds, any, ui.format())
        && let Some(before) = text("temporal_previous")
    {
        let now = text("current_version").unwrap_or("what is live");
        ui.note(&format!(
            "hint: no version of the line of {now} is eligible; {before} was live before it: \
             `relbook rollback {component} --any` says what speaks against going there"
        ));
    }
    Ok(if answer.holds { ExitCode::Done } else { ExitCode::DoesNotHold })
}
