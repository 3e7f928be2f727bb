//! `relbook import`: brings a history that exists already into the book.
//!
//! The importer reads; this command leaves out what the book has, turns a tag that the book knows
//! elsewhere into `tag.moved`, and appends the rest as one atomic batch. Nothing is read from the
//! network, and nothing of the repository is run or changed.

mod deploys;
mod github;
mod shown;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use relbook_ledger::admission::{Code, Refusal, closest};
use relbook_ledger::limits::BATCH_EVENTS_MAX;
use relbook_ledger::store::{Appended, Clock as _, SystemClock};
use relbook_ledger::time::Time;
use relbook_query::Book;
use serde_json::{Map, Value, json};

use super::question;
use crate::author::Input;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::import::deploys::Memory;
use crate::import::git::{self, GitError, Options, TagPattern, Warning};
use crate::import::news::{News, news};
use crate::submit;
use crate::ui::{Progress, Ui, counted};

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook import git ../orion --component api
  relbook import git ../orion --component cli --tag-pattern 'cli/v*' --path cli
  relbook import git ../orion --component api --dry-run > events.ndjson
  relbook import github saved --component api --restored true
  kubectl get applications.argoproj.io -A -o json > apps.json && relbook import argocd apps.json
  kubectl get promotions,freights,stages -A -o json > kargo.json && relbook import kargo kargo.json

Importing again adds only what is new.")]
pub struct ImportArgs {
    /// Where the history is
    #[command(subcommand)]
    pub origin: Origin,
}

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum Origin {
    /// The tags and commits of a git repository
    Git(GitArgs),
    /// Deployments, reviews, releases, runs and merges, as GitHub's API and webhooks tell them
    Github(github::GithubArgs),
    /// The deploys that Argo CD's Applications remember
    Argocd(deploys::DeployArgs),
    /// The promotions that Kargo's Promotions and Stages remember
    Kargo(deploys::DeployArgs),
}

/// Arguments of `import git`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook import git ../orion --component api
  relbook import git ../orion --component cli --tag-pattern 'cli/v*' --path cli
  relbook import git ../linux --component kernel --batch 100000

Every commit that a tag or the default branch contains is recorded with its parents, so that
`relbook diff` lists what `git log A..B` lists; with --path, what `git log A..B -- PATH` lists.
Tags that match the pattern but hold no version of the component's scheme are named and left out.
Importing again adds only what is new; a tag that points elsewhere by then is a tag.moved.")]
pub struct GitArgs {
    /// The repository: a work tree or a bare one
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The component that is released from it (name or alias)
    #[arg(long, value_name = "NAME")]
    pub component: String,
    /// Which tags are its releases; * is the version [default: the component's tag_prefix and *]
    #[arg(long, value_name = "PATTERN")]
    pub tag_pattern: Option<String>,
    /// Its directory in a repository of several: other commits are kept for ancestry only
    #[arg(long, value_name = "SUBDIR")]
    pub path: Option<String>,
    /// Append N events at a time, each batch atomic [default: all at once]
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=BATCH_EVENTS_MAX as u64))]
    pub batch: Option<u64>,
    /// Print the events as NDJSON and append nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Imports.
pub(super) fn run(args: ImportArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let args = match args.origin {
        Origin::Git(args) => args,
        Origin::Github(args) => return github::run(&args, config, ui),
        Origin::Argocd(args) => return deploys::run(Memory::ArgoCd, args, config, ui),
        Origin::Kargo(args) => return deploys::run(Memory::Kargo, args, config, ui),
    };
    let book = question::open(config, ui)?;
    let mut history = match read(&args, &book, ui) {
        Ok(history) => history,
        Err(error @ Error::Refused { .. }) if !args.dry_run => {
            drop(book);
            return Err(submit::refused(config, &mut submit::open(config)?, error));
        }
        Err(error) => return Err(error),
    };
    drop(book);
    if args.dry_run {
        shown::warnings(ui, &history.warnings);
        return shown::dry(ui, summary(&history), &history.news.events);
    }
    let events = std::mem::take(&mut history.news.events);
    let receipts = append(args.batch, config, ui, events)?;
    show(ui, &history, &receipts)?;
    Ok(ExitCode::Done)
}

/// What was found, and what of it the book does not have.
struct History {
    component: String,
    pattern: String,
    path: Option<String>,
    branch: Option<String>,
    commits: usize,
    tags: usize,
    skipped: Vec<git::SkippedTag>,
    warnings: Vec<Warning>,
    news: News,
}

fn read(args: &GitArgs, book: &Book, ui: &Ui) -> Result<History, Error> {
    let ledger = book.ledger();
    let registry = ledger.registry();
    let component = registry.resolve(&args.component).unwrap_or(&args.component).to_owned();
    let registered = registry.component(&component).ok_or_else(|| {
        let near = closest(&component, registry.components().map(|(name, _)| name));
        unknown_component(&component, near)
    })?;
    let pattern = match &args.tag_pattern {
        Some(text) => TagPattern::parse(text).map_err(|error| Error::usage(error.to_string()))?,
        None => TagPattern::from_prefix(registered.tag_prefix()),
    };
    let tolerance = i64::try_from(registry.policy().future_tolerance_s).unwrap_or(i64::MAX);
    // A simulated book may be ahead of the world.
    let now = ledger.clock().max(SystemClock.now());
    let options = Options {
        component: &component,
        scheme: &registered.scheme,
        pattern: pattern.clone(),
        path: args.path.as_deref(),
        latest: now.plus_seconds(tolerance).min(Time::MAX),
    };
    let bar = ui.progress("reading commits", 0);
    bar.tick();
    let mut found = git::import(&args.dir, &options, &|done, total| bar.of(done, total))?;
    drop(bar);
    let bar = ui.progress("comparing with the book", found.events.len() as u64);
    let events = std::mem::take(&mut found.events);
    let news = news(book, &component, events, &|done| bar.at(done))?;
    drop(bar);
    let mut warnings = found.warnings;
    if !found.skipped.is_empty() {
        warnings.push(skipped_warning(&pattern, &found.skipped, found.tags == 0));
    }
    warnings.extend(news.warnings.iter().cloned());
    Ok(History {
        component,
        pattern: pattern.to_string(),
        path: args.path.clone(),
        branch: found.branch,
        commits: found.commits,
        tags: found.tags,
        skipped: found.skipped,
        warnings,
        news,
    })
}

fn unknown_component(name: &str, near: Option<&str>) -> Error {
    let hint = near.map_or_else(
        || "register it with `relbook apply` or component.registered".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    let message = format!("`{name}` is not a registered component; {hint}");
    Refusal::new(Code::UnknownComponent, message).at("component").with_value(name).into()
}

fn skipped_warning(pattern: &TagPattern, skipped: &[git::SkippedTag], all: bool) -> Warning {
    const SHOWN: usize = 5;
    let shown = skipped.iter().take(SHOWN).map(|skip| format!("{} ({})", skip.tag, skip.reason));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let more = skipped.len().saturating_sub(SHOWN);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    let advice = match all {
        true => "no other tag matches: is --tag-pattern right (or the component's tag_prefix)?",
        false => "--format json names them all",
    };
    let detail = format!(
        "{} tags match {pattern} and were left out: {shown}{tail}; {advice}",
        skipped.len()
    );
    Warning { code: "skipped_tags", detail }
}

fn append(
    batch: Option<u64>,
    config: &Config,
    ui: &Ui,
    events: Vec<Map<String, Value>>,
) -> Result<Vec<Appended>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut writer = submit::open(config)?;
    let size = batch.and_then(|size| usize::try_from(size).ok());
    if size.is_none() && events.len() > BATCH_EVENTS_MAX {
        let message = format!(
            "{} events are more than the {BATCH_EVENTS_MAX} of one batch; import in several with \
             --batch N",
            events.len()
        );
        let refusal = Refusal::new(Code::TooLarge, message);
        return Err(submit::refused(config, &mut writer, refusal.into()));
    }
    let total = events.len() as u64;
    let bar: Progress = ui.progress("appending", total);
    let mut receipts: Vec<Appended> = Vec::new();
    let mut events = events.into_iter().peekable();
    while events.peek().is_some() {
        let batch = events.by_ref().take(size.unwrap_or(usize::MAX));
        let batch = batch.map(|event| (None, Input::Fields(event))).collect();
        let outcome = submit::append(config, ui, &mut writer, batch);
        receipts.extend(outcome.map_err(|error| error.after(&receipts))?);
        bar.at(receipts.len() as u64);
    }
    Ok(receipts)
}

fn show(ui: &mut Ui, history: &History, receipts: &[Appended]) -> Result<(), Error> {
    shown::warnings(ui, &history.warnings);
    let appended = shown::new_ones(receipts);
    let History { component, pattern, commits, tags, news, .. } = history;
    let branch = history.branch.as_deref().unwrap_or("no branch");
    let moved = match news.moved {
        0 => String::new(),
        count => format!(", {count} of them moved"),
    };
    let known = news.known + receipts.len() - appended;
    let lines = [
        format!(
            "{component} from {branch}: {}, {} {pattern}{moved}",
            counted(*commits, "commit"),
            counted(*tags, "tag")
        ),
        format!("appended {appended}, {known} known already"),
    ];
    shown::appended(ui, summary(history), &lines, receipts)
}

fn summary(history: &History) -> Map<String, Value> {
    let skipped = history.skipped.iter();
    let skipped = skipped.map(|skip| json!({ "tag": skip.tag, "reason": skip.reason }));
    let fields = [
        ("component", json!(history.component)),
        ("branch", json!(history.branch)),
        ("tag_pattern", json!(history.pattern)),
        ("path", json!(history.path)),
        ("commits", json!(history.commits)),
        ("tags", json!(history.tags)),
        ("moved", json!(history.news.moved)),
        ("known", json!(history.news.known)),
        ("skipped", skipped.collect()),
    ];
    shown::summary(fields, &history.warnings)
}

impl From<GitError> for Error {
    fn from(error: GitError) -> Self {
        let message = error.to_string();
        match error {
            GitError::NoGit { .. } => Self::not_done("no_git", message),
            GitError::NoRepository { .. } => Self::not_done("not_a_repository", message),
            GitError::Empty { .. } => Self::not_done("empty_repository", message),
            GitError::Path { .. } | GitError::Untouched { .. } => Self::usage(message),
            _ => Self::not_done("git", message),
        }
    }
}
