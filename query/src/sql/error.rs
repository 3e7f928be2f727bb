//! What can go wrong with a query, in words for the person who wrote it.
//!
//! The engine's own errors are sorted into a few kinds. Its wording is kept where it says what is
//! wrong with the statement; its internals (plans, file names, back traces) are not shown.

use std::time::Duration;

use arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use super::log::LogError;
use crate::question::AnswerError;

/// Says why a query has no result.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// There is no statement, or more than one.
    #[error("{}; write one statement, without a second one after a semicolon", match found {
        0 => "there is no statement".to_owned(),
        found => format!("there are {found} statements"),
    })]
    NotOneStatement {
        /// How many there are.
        found: usize,
    },
    /// The statement would do more than read.
    #[error(
        "{what} is not allowed: a book is only read here; write SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES or DESCRIBE"
    )]
    NotReadOnly {
        /// The refused part, such as `INSERT`.
        what: String,
    },
    /// The text is no SQL.
    #[error("the statement cannot be read: {message}")]
    Syntax {
        /// What is wrong, and where.
        message: String,
    },
    /// The statement is too long or too deep.
    #[error("the statement is too {what}; split it, or put long lists into a VALUES table")]
    TooComplex {
        /// `long` or `deep`.
        what: &'static str,
    },
    /// There is no such table.
    #[error("there is no table `{name}`{}; SHOW TABLES lists them", meant(closest))]
    UnknownTable {
        /// The name as written.
        name: String,
        /// Tables with a similar name.
        closest: Vec<String>,
    },
    /// There is no such column.
    #[error("there is no column `{name}`{}; DESCRIBE a table to see its columns", meant(closest))]
    UnknownColumn {
        /// The name as written.
        name: String,
        /// Columns in reach, the most similar first.
        closest: Vec<String>,
    },
    /// A function of relbook got an argument that it cannot use.
    #[error("{function}: {argument}: {message}")]
    Argument {
        /// The function.
        function: String,
        /// The argument's name.
        argument: String,
        /// What is wrong and what to write.
        message: String,
    },
    /// A table function was asked about what the book does not hold.
    #[error("{message}")]
    Unknown {
        /// What there is none of, and what there is.
        message: String,
    },
    /// The statement asks for something that cannot be done.
    #[error("the statement cannot be run: {message}")]
    Plan {
        /// Why.
        message: String,
    },
    /// The statement failed on some value.
    #[error("the statement failed: {message}")]
    Execution {
        /// Why.
        message: String,
    },
    /// The statement took too long.
    #[error(
        "the statement was stopped after {:?}; narrow it with a WHERE on component, kind or seq",
        limit
    )]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// The statement or its result needs too much memory.
    #[error("the statement needs more than {} MiB of memory; narrow it, aggregate it, or add a LIMIT", limit >> 20)]
    OutOfMemory {
        /// The limit in bytes.
        limit: usize,
    },
    /// The query engine gave up in a way that it should not.
    #[error("the query engine failed on this statement; write it another way, and report this one")]
    Crashed,
    /// The book or its views cannot be read.
    #[error("{message}")]
    Book {
        /// What failed.
        message: String,
    },
}

fn meant(closest: &[String]) -> String {
    match closest {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        more => format!("; did you mean one of `{}`?", more.join("`, `")),
    }
}

impl From<LogError> for SqlError {
    fn from(error: LogError) -> Self {
        Self::Book { message: error.message }
    }
}

impl From<&AnswerError> for SqlError {
    fn from(error: &AnswerError) -> Self {
        let message = error.to_string();
        match error {
            AnswerError::Read(_) => Self::Book { message },
            _ => Self::Unknown { message },
        }
    }
}

impl From<AnswerError> for SqlError {
    fn from(error: AnswerError) -> Self {
        (&error).into()
    }
}

impl From<ArrowError> for SqlError {
    fn from(error: ArrowError) -> Self {
        Self::Execution { message: error.to_string() }
    }
}

/// A bad argument of one of relbook's functions, on its way through the engine.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{function}: {argument}: {message}")]
pub(crate) struct BadArgument {
    function: String,
    argument: String,
    message: String,
}

/// Makes the error for a bad argument.
pub(crate) fn bad_argument(
    function: &str,
    argument: &str,
    message: impl std::fmt::Display,
) -> DataFusionError {
    DataFusionError::External(Box::new(BadArgument {
        function: function.to_owned(),
        argument: argument.to_owned(),
        message: shortened(&message.to_string()),
    }))
}

/// Sorts an error of the engine.
pub(crate) fn translate(error: &DataFusionError, memory_limit: usize) -> SqlError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            translate(inner, memory_limit)
        }
        DataFusionError::Shared(inner) => translate(inner, memory_limit),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => translate(first, memory_limit),
            None => SqlError::Execution { message: plain(error) },
        },
        DataFusionError::ArrowError(inner, _) => match &**inner {
            ArrowError::ExternalError(inner) => external(&**inner, memory_limit),
            other => SqlError::Execution { message: strip(&other.to_string()) },
        },
        DataFusionError::External(inner) => external(&**inner, memory_limit),
        DataFusionError::SQL(inner, _) => syntax(&inner.to_string()),
        DataFusionError::SchemaError(inner, _) => schema_error(inner),
        DataFusionError::ResourcesExhausted(_) => SqlError::OutOfMemory { limit: memory_limit },
        DataFusionError::Plan(_) | DataFusionError::NotImplemented(_) => plan_error(&plain(error)),
        _ => SqlError::Execution { message: plain(error) },
    }
}

fn external(error: &(dyn std::error::Error + Send + Sync + 'static), limit: usize) -> SqlError {
    if let Some(bad) = error.downcast_ref::<BadArgument>() {
        let BadArgument { function, argument, message } = bad.clone();
        return SqlError::Argument { function, argument, message };
    }
    if let Some(error) = error.downcast_ref::<LogError>() {
        return error.clone().into();
    }
    if let Some(error) = error.downcast_ref::<SqlError>() {
        return error.clone();
    }
    if let Some(error) = error.downcast_ref::<AnswerError>() {
        return error.into();
    }
    match error.downcast_ref::<DataFusionError>() {
        Some(inner) => translate(inner, limit),
        None => SqlError::Execution { message: strip(&error.to_string()) },
    }
}

fn syntax(message: &str) -> SqlError {
    if message.contains("recursion limit") {
        return SqlError::TooComplex { what: "deep" };
    }
    let message = message.trim_start_matches("sql parser error: ");
    SqlError::Syntax { message: strip(message) }
}

fn schema_error(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names = valid_fields.iter().map(|column| column.name.clone()).collect();
            SqlError::UnknownColumn {
                name: field.flat_name(),
                closest: closest(&field.name, names),
            }
        }
        other => SqlError::Plan { message: strip(&other.to_string()) },
    }
}

fn plan_error(message: &str) -> SqlError {
    let refused = ["DDL not supported: ", "DML not supported: ", "Statement not supported: "];
    if let Some(what) = refused.iter().find_map(|prefix| message.strip_prefix(prefix)) {
        return SqlError::NotReadOnly { what: what.to_owned() };
    }
    // The one way in which `information_schema` has no such table.
    let missing = message.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found"));
    match missing {
        Some(name) => SqlError::UnknownTable { name: name.to_owned(), closest: Vec::new() },
        None => SqlError::Plan { message: message.to_owned() },
    }
}

/// Returns the message without the engine's prefix and without what follows its first line.
fn plain(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let known = [
        "Error during planning: ",
        "Execution error: ",
        "Arrow error: ",
        "This feature is not implemented: ",
        "External error: ",
        "Internal error: ",
        "Invalid or Unsupported Configuration: ",
        "Parquet error: ",
        "Object Store error: ",
    ];
    let mut rest = text.as_str();
    while let Some(next) = known.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = next;
    }
    strip(rest)
}

/// The longest message, in bytes: a statement can be long, what is wrong with it is not.
const MESSAGE_MAX: usize = 600;

fn shortened(text: &str) -> String {
    if text.len() <= MESSAGE_MAX {
        return text.to_owned();
    }
    let end = (0..=MESSAGE_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{} ...", &text[..end])
}

/// Drops what the engine says about itself.
fn strip(text: &str) -> String {
    let end =
        ["\n\nbacktrace", ".\nThis issue was likely caused by a bug", "\nThis was likely caused"]
            .iter()
            .filter_map(|noise| text.find(noise))
            .min()
            .unwrap_or(text.len());
    shortened(text[..end].replace('\n', " ").trim())
}

/// Returns the names that are most like the one written, at most three of them.
pub(crate) fn closest(name: &str, mut names: Vec<String>) -> Vec<String> {
    let wanted = name.to_lowercase();
    names.sort();
    names.dedup();
    let distance = |known: &String| strsim::damerau_levenshtein(&wanted, &known.to_lowercase());
    let part = |known: &String| wanted.len() > 3 && known.contains(&wanted);
    names.retain(|known| distance(known) <= wanted.chars().count().div_ceil(3) || part(known));
    names.sort_by_key(|known| (distance(known), known.clone()));
    names.truncate(3);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_names_come_first() {
        let names = || ["builds", "build_x", "tags", "digest"].map(str::to_owned).to_vec();
        assert_eq!(closest("build", names()), ["builds", "build_x"]);
        assert_eq!(closest("DIGSET", names()), ["digest"]);
        assert!(closest("zzz", names()).is_empty());
    }

    #[test]
    fn messages_carry_no_noise() {
        let error = DataFusionError::Plan("x\n\nbacktrace: 1: abc".to_owned());
        assert_eq!(translate(&error, 1).to_string(), "the statement cannot be run: x");
        let nested = DataFusionError::Execution("no".to_owned()).context("while doing y");
        assert_eq!(translate(&nested, 1).to_string(), "the statement failed: no");
    }
}
