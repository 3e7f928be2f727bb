//! The period of a list: `--from` and `--to`, half-open (contract section 3).

use clap::Args;
use relbook_ledger::time::Time;
use relbook_query::release::Period;

use crate::args::time;

/// When.
#[derive(Debug, Clone, Copy, Args)]
pub struct PeriodArgs {
    /// From then on: a date or a time [default: the beginning]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Time>,
    /// Until then, not included: a date or a time [default: no end]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Time>,
}

impl From<PeriodArgs> for Period {
    fn from(PeriodArgs { from, to }: PeriodArgs) -> Self {
        Self { from, to }
    }
}
