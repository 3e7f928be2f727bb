//! The command line as clap reads it: global options, and one command per question or deed.
//!
//! Global options may stand before or after the command. The arguments of a command are declared
//! beside its code in `command/`; every command has an example, because help that only lists
//! options teaches nobody. Names and meanings are those of contract section 3.

use clap::{Parser, Subcommand, ValueEnum};
use relbook_ledger::admission::{Code, Refusal};
use relbook_ledger::time::Time;

use crate::command;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people; may change between versions.
    #[default]
    Table,
    /// One JSON document; stable.
    Json,
    /// One JSON object per row and line; stable.
    Ndjson,
    /// RFC 4180, lists joined with `;`; stable.
    Csv,
    /// An Apache Parquet file.
    Parquet,
    /// An Apache Arrow IPC file.
    Arrow,
}

/// The book when none is named.
pub const DEFAULT_BOOK: &str = "./book";

/// Options that every command takes, before or after its name; the last one counts.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Options {
    /// The book: a directory
    #[arg(
        long,
        global = true,
        overrides_with = "book",
        value_name = "DIR",
        env = "RELBOOK_BOOK",
        default_value = DEFAULT_BOOK
    )]
    pub book: String,
    /// The private key that signs: a PEM file (the variable may hold the PEM text itself)
    /// [default: keys/admin.pem of the book]
    #[arg(
        long,
        global = true,
        overrides_with = "key",
        value_name = "FILE",
        env = "RELBOOK_KEY",
        hide_env_values = true
    )]
    pub key: Option<String>,
    /// The form of the answer
    #[arg(
        long,
        global = true,
        overrides_with = "format",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "table|json|ndjson|csv|parquet|arrow"
    )]
    pub format: Format,
    /// How long to wait while another process writes to the book; 0s: not at all
    #[arg(
        long,
        global = true,
        overrides_with = "wait",
        value_name = "30s|5m",
        env = "RELBOOK_WAIT",
        default_value = "30s",
        value_parser = duration
    )]
    pub wait: i64,
    /// Answer with what had happened by then: 2026-06-10 or 2026-06-10T09:05:00Z [default: now]
    #[arg(long, global = true, overrides_with = "as_of", value_name = "TIME", value_parser = time)]
    pub as_of: Option<Time>,
    /// Answer with what the book knew after its event number SEQ [default: all of it]
    #[arg(long, global = true, overrides_with = "as_known", value_name = "SEQ")]
    pub as_known: Option<u64>,
    /// Say why: the events that each row of an answer rests on
    #[arg(long, global = true)]
    pub explain: bool,
}

/// Reads a time or a date of an argument.
///
/// # Errors
/// A sentence for the usage error.
pub fn time(text: &str) -> Result<Time, String> {
    Time::parse_or_date(text).map_err(|error| format!("{error} (or a date, such as 2026-06-10)"))
}

/// Reads a length of time of an argument, in seconds: `90s`, `30m`, `1h`, `2d`.
///
/// # Errors
/// A sentence for the usage error.
pub fn duration(text: &str) -> Result<i64, String> {
    let refuse = || format!("`{text}` is no length of time; write 90s, 30m, 1h or 2d");
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let count: u32 = number.parse().map_err(|_| refuse())?;
    i64::from(count).checked_mul(unit).ok_or_else(refuse)
}

/// Refuses texts that were given and are empty: each is a variable that nobody set, and what it
/// would have said must not be left out in silence.
///
/// # Errors
/// A [`Refusal`] that names the first.
pub fn none_empty<'a>(
    given: impl IntoIterator<Item = (&'static str, Option<&'a String>)>,
) -> Result<(), Refusal> {
    let empty = given.into_iter().find(|(_, text)| text.is_some_and(|text| text.trim().is_empty()));
    let Some((name, _)) = empty else { return Ok(()) };
    let field = name.replace('-', "_");
    let message = format!("--{name} is empty; is a variable of the pipeline unset?");
    Err(Refusal::new(Code::BadValue, message).at(field))
}

/// The book of record for releases: who built, scanned, approved and deployed what, signed and
/// chained, so that it can be proved later.
#[derive(Debug, Parser)]
#[command(
    name = "relbook",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    override_usage = "relbook [OPTIONS] COMMAND",
    after_help = "\
A first book:
  relbook init                                   make ./book and its keys
  relbook apply orion.yaml                       register components, environments, policy
  relbook append build --component api --version 1.4.2 --digest sha256:... --commit ...
  relbook status                                 what runs where
  relbook verify                                 prove that nothing was changed

`relbook` alone lists the questions; `relbook COMMAND --help` shows each with examples.
Exit codes: 0 done or holds, 1 checked and does not hold, 2 wrong usage, 3 input refused,
4 could not be done or checked."
)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub options: Options,
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What relbook can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new book with its keys
    Init(command::init::InitArgs),
    /// Make, enroll, revoke and list keys
    Key(command::key::KeyArgs),
    /// Bring the book in step with a product file: components, environments, policy, matrix
    Apply(command::apply::ApplyArgs),
    /// Append events: one from flags, or many from NDJSON
    Append(Box<command::append::AppendArgs>),
    /// Deliver events that were signed while the book could not be reached
    Spool(command::spool::SpoolArgs),
    /// Append what a real tool wrote: reports, attestations, SBOMs, webhooks, releases
    Ingest(Box<command::ingest::IngestArgs>),
    /// Bring in the history of an existing repository: its tags and commits
    Import(Box<command::import::ImportArgs>),
    /// Question 1: which version of every component is live?
    Status(command::status::StatusArgs),
    /// Question 2: which commit is live?
    Commit(command::commit::CommitArgs),
    /// Question 3: what changed between the last two releases, or between two versions?
    Diff(command::diff::DiffArgs),
    /// Question 4: where can we roll back to? Exit 1 when nowhere
    Rollback(command::rollback::RollbackArgs),
    /// Question 5: which versions go together, and what breaks if one of them changes?
    Compat(command::compat::CompatArgs),
    /// Question 6: who approved the last production deploy, and when?
    Approvals(command::approvals::ApprovalsArgs),
    /// Question 7: how does a hotfix get out in time?
    Hotfix(command::hotfix::HotfixArgs),
    /// Ask the seven questions at once
    Ask(command::ask::AskArgs),
    /// May it be promoted? Exit 1 when a gate is closed
    Gate(Box<command::gate::GateArgs>),
    /// Measure a canary against its baseline in Prometheus and record the check; exit 1 on fail
    SloGate(Box<command::slo_gate::SloGateArgs>),
    /// What is owed: follow-ups of hotfixes, reviews of broken glass
    Debt(command::debt::DebtArgs),
    /// Did the release trains keep their rules?
    Train(command::train::TrainArgs),
    /// The five DORA metrics of each component, and which deploys were counted
    Dora(command::dora::DoraArgs),
    /// Every production change of a period, or a sample that anybody can draw again
    Population(command::population::PopulationArgs),
    /// What violated policy, with the policy of its time
    Exceptions(command::exceptions::ExceptionsArgs),
    /// Every deploy that broke the glass, reviewed in time or not
    Emergency(command::emergency::EmergencyArgs),
    /// Did deploys overlap, did an older build overwrite a newer one?
    Overlaps(command::overlaps::OverlapsArgs),
    /// Which artifact did a version mean, and when?
    Bindings(command::bindings::BindingsArgs),
    /// RELEASING.md from the policy in force: stages, gates, owners, trains, the hotfix path
    Runbook(command::runbook::RunbookArgs),
    /// The production releases of a component
    Releases(command::releases::ReleasesArgs),
    /// Is a commit or pull request live, where, since when?
    Where(command::whereabouts::WhereArgs),
    /// Which targets are not on the intended version?
    Drift(command::drift::DriftArgs),
    /// Which vulnerable versions were live, from when to when?
    Exposure(command::exposure::ExposureArgs),
    /// Ask in SQL: one read-only statement over the events and what follows from them
    Query(command::query::QueryArgs),
    /// Prove the whole book: bytes, signatures, roles, chain, tree, checkpoints
    Verify(command::verify::VerifyArgs),
    /// Print the newest signed checkpoint
    Checkpoint(command::checkpoint::CheckpointArgs),
    /// Prove one event: a small file that anybody can check offline
    Receipt(command::receipt::ReceiptArgs),
    /// Compare two copies of the book: the same, one behind, or a fork with its evidence
    Compare(command::compare::CompareArgs),
    /// Save the book as it is at one commit, verified: a directory or a tar file
    Backup(command::backup::BackupArgs),
    /// Put a backup in place, after verifying all of it; never over a book
    Restore(command::restore::RestoreArgs),
    /// Open the sealed texts of an event, and prove them
    Reveal(command::reveal::RevealArgs),
    /// Destroy what opens the sealed texts about somebody; proofs and counts stay
    Erase(command::erase::EraseArgs),
    /// Cosign other people's books as a witness, over HTTP
    Witness(command::witness::WitnessArgs),
    /// Build the example product line in a fresh book, ask it and verify it
    Demo(command::demo::DemoArgs),
    /// Print the completion script of a shell
    Completions(command::completions::CompletionsArgs),
    /// Print the manual page, of relbook or of one command
    Man(command::man::ManArgs),
}
