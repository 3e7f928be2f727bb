//! `relbook exceptions`: what violated policy (semantics B.3 file 6, C.2 N7).

use clap::Args;
use relbook_query::question::Question;
use relbook_query::release::ExceptionCode;

use super::period::PeriodArgs;
use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `exceptions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook exceptions
  relbook exceptions api --from 2026-06-01 --to 2026-07-01
  relbook exceptions --code X01,X03 --format json

Everything is judged with the policy that was in force at its time. Codes:
  X01 deployed without approval   X07 version reused, tag moved   X13 never in staging
  X02 unapproved attempt          X08 overlapping deploys         X14 untracked at run time
  X03 duties in conflict          X09 unintended downgrade        X15 version rose too little
  X04 gate failed, deployed       X10 drift                       X16 deployed in a freeze
  X05 break-glass not reviewed    X11 late evidence               X17 incoherent set
  X06 no build of the artifact    X12 flagged or yanked")]
pub struct ExceptionsArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
    /// Only these codes
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = code)]
    pub code: Vec<ExceptionCode>,
    /// When they were complete
    #[command(flatten)]
    pub period: PeriodArgs,
}

fn code(text: &str) -> Result<ExceptionCode, String> {
    ExceptionCode::parse(text).ok_or_else(|| "the codes are X01 to X17".to_owned())
}

/// Asks the question.
pub(super) fn run(args: ExceptionsArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ExceptionsArgs { component, code: codes, period } = args;
    question::ask(config, ui, &Question::Exceptions { component, codes, period: period.into() })
}
