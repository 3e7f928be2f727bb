//! `relbook compat`: question 5, which versions go together; what breaks if one of them changes;
//! is a matrix coherent (semantics A.13, C.1 Q5, C.2 N10).

use std::path::PathBuf;

use clap::Args;
use relbook_query::question::{Codes, CompatAsk, Question};
use relbook_query::release::compat::Code;

use super::{apply, question};
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::matrix;
use crate::ui::Ui;

/// Arguments of `compat`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  relbook compat                            does what is live go together?
  relbook compat cli api                    which versions of the two go together?
  relbook compat cli=1.8.3 api=1.4.2        do exactly these go together? exit 1 when not
  relbook compat --with api=1.5.0           what if the API went to 1.5.0?
  relbook compat --check                    is the book's matrix coherent? exit 1 when not
  relbook compat --check orion.yaml         is that of a product file, before it is applied?
  relbook compat --check --only M01,M13     only these codes

Versions go together when one row of the matrix holds them all; rows are never combined.
Codes of --check (E makes the matrix incoherent):
  M01 E syntax               M07 E chart's application outside its row  M11 W no contract check
  M02 E missing/unknown key  M08 E chart in no row                      M12 W chart behind the API
  M03 E empty range          M09 E live versions in no single row       M13 E value not a text
  M04 W nothing released     M10 W release in no row                    M14 E row in use narrowed
  M06 E rows overlap")]
pub struct CompatArgs {
    /// Two components, or any number of component=version (name or alias)
    #[arg(value_name = "COMPONENT[=VERSION]", conflicts_with_all = ["with", "check"])]
    pub components: Vec<String>,
    /// Suppose a version in place of what is live of a component
    #[arg(long, value_name = "COMPONENT=VERSION", value_parser = assignment)]
    pub with: Option<(String, String)>,
    /// Check the book's matrix, or that of a product file
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub check: Option<Option<PathBuf>>,
    /// Only findings with these codes
    #[arg(
        long,
        value_name = "CODES",
        value_delimiter = ',',
        value_parser = code,
        requires = "check",
        conflicts_with = "ignore"
    )]
    pub only: Vec<Code>,
    /// All findings but those with these codes
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = code, requires = "check")]
    pub ignore: Vec<Code>,
    /// The environment
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub env: String,
}

/// Asks the question.
pub(super) fn run(args: CompatArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let CompatArgs { components, with, check, only, ignore, env: environment } = args;
    let ask = match (check, with) {
        (Some(file), with) => {
            let rows = match file {
                Some(path) => {
                    let (text, name) = apply::read_text(&path)?;
                    Some(matrix::read(&text, &name)?)
                }
                None => None,
            };
            let codes = match (only.is_empty(), ignore.is_empty()) {
                (false, _) => Codes::Only(only),
                (true, false) => Codes::Except(ignore),
                (true, true) => Codes::All,
            };
            CompatAsk::Check { rows, with, codes }
        }
        (None, Some((component, version))) => CompatAsk::With(component, version),
        (None, None) => of_components(components)?,
    };
    question::ask(config, ui, &Question::Compat { environment, ask })
}

fn of_components(mut words: Vec<String>) -> Result<CompatAsk, Error> {
    if words.is_empty() {
        return Ok(CompatAsk::Live);
    }
    if words.iter().all(|word| word.contains('=')) {
        let set: Result<Vec<_>, String> = words.iter().map(|word| assignment(word)).collect();
        return set.map(CompatAsk::Set).map_err(Error::usage);
    }
    if words.len() == 2 && words.iter().all(|word| !word.contains('=')) {
        let other = words.remove(1);
        return Ok(CompatAsk::Pair(words.remove(0), other));
    }
    Err(Error::usage("name two components, or versions as component=version")
        .hint("as in: relbook compat cli api; relbook compat cli=1.8.3 api=1.4.2"))
}

/// Reads `component=version`.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((component, version)) if !component.is_empty() && !version.is_empty() => {
            Ok((component.to_owned(), version.to_owned()))
        }
        _ => Err(format!("`{text}` is not component=version, such as api=1.5.0")),
    }
}

/// Reads a code of a check.
fn code(text: &str) -> Result<Code, String> {
    Code::parse(text).ok_or_else(|| {
        let all: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        format!("`{text}` is no code; there are {}", all.join(", "))
    })
}
