//! `relbook population`: every production change of a period, or a sample of them (semantics B.3
//! files 1 and 7, B.4).

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use relbook_query::question::{Question, Sample};

use super::period::PeriodArgs;
use super::question;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ui::Ui;

/// Arguments of `population`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook population --from 2026-06-01 --to 2026-07-01 --format csv
  relbook population --sample 25 --seed 8731           draw 25 of them
  relbook population --sample 25 --seed 8731 --stratified

One row per deploy to the stage production, whatever came of it. Deploys to the stage canary are
not in it: `relbook status --at T --window D` and the table `deploys` have them.

A sample is drawn in the order of SHA-256(seed + \":\" + change_id), so anybody can draw it again
with sha256sum and nobody can steer it. The auditor gives the seed after the checkpoint is fixed.")]
pub struct PopulationArgs {
    /// Only this component (name or alias)
    pub component: Option<String>,
    /// When the changes started
    #[command(flatten)]
    pub period: PeriodArgs,
    /// Draw a sample of N
    #[arg(long, value_name = "N", requires = "seed")]
    pub sample: Option<usize>,
    /// The seed of the sample
    #[arg(
        long,
        value_name = "S",
        requires = "sample",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub seed: Option<String>,
    /// Draw from each kind of change apart; every emergency
    #[arg(long, requires = "sample")]
    pub stratified: bool,
}

/// Asks the question.
pub(super) fn run(args: PopulationArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let PopulationArgs { component, period, sample, seed, stratified } = args;
    let sample = sample.zip(seed).map(|(size, seed)| Sample { size, seed, stratified });
    question::ask(config, ui, &Question::Population { component, period: period.into(), sample })
}
