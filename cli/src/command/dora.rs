//! `relbook dora`: the five DORA metrics of each component (semantics A.14, C.2 N9).

use clap::Args;
use relbook_query::question::Question;

use super::period::PeriodArgs;
use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `dora`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook dora
  relbook dora api --from 2026-06-01 --to 2026-07-01
  relbook dora api --detail             the commits and recoveries behind the numbers

Counted are production deploys that succeeded everywhere, by their last finish. Times are in
seconds and medians; `deploy_ids` says which deploys were counted. The frequency is their number in
the period of --from and --to, whatever its length: ask for a day, a week or a month.")]
pub struct DoraArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
    /// The commits and recoveries instead of the metrics
    #[arg(long)]
    pub detail: bool,
    /// When
    #[command(flatten)]
    pub period: PeriodArgs,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: DoraArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let DoraArgs { component, detail, period, env: environment } = args;
    let period = period.into();
    question::ask(config, ui, &Question::Dora { environment, component, period, detail })
}
