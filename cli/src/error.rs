//! Everything that can end a command early, and the one place that maps it to an exit code.
//!
//! A message says what is wrong and where; what to do stands in the message of a refusal or in a
//! hint of its own. No secret ever enters a message: a key is named by its file or its id.

use std::path::Path;

use relbook_ledger::admission::{Code, Refusal};
use relbook_ledger::ndjson::NdjsonError;
use relbook_ledger::store::{
    AppendError, Appended, BackupError, OpenError, ReadError, VerifyFailure,
};
use relbook_query::BookError;
use relbook_query::question::AnswerError;
use serde_json::{Value, json};

use crate::exit_code::ExitCode;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments cannot mean anything; another spelling is needed.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// The input broke a rule of the book. `appended` counts what earlier batches of the same
    /// input put into the book; it is 0 unless `--batch` was given.
    #[error("{}", spelled(refusal))]
    Refused {
        /// Which rule, where.
        refusal: Box<Refusal>,
        /// How many events of the same input stand in the book.
        appended: usize,
    },
    /// Something outside relbook is in the way: a file, a disk, another process, a missing book.
    #[error("{message}")]
    NotDone {
        /// A stable word for scripts, such as `io`.
        code: &'static str,
        /// What could not be done, and why.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// An own invariant does not hold.
    #[error("{0}")]
    Bug(String),
    /// Wrong usage that has been shown already.
    #[error("wrong usage")]
    Shown,
    /// Nobody reads our output any more, as in `relbook query ... | head`.
    #[error("the reader of the output went away")]
    Closed,
}

impl Error {
    /// Makes a usage error without a hint.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// Makes an error about something outside relbook.
    pub fn not_done(code: &'static str, message: impl Into<String>) -> Self {
        Self::NotDone { code, message: message.into(), hint: None }
    }

    /// Makes an error about a file that could not be read or written.
    pub fn file(path: &Path, verb: &str, error: &std::io::Error) -> Self {
        let message = format!("cannot {verb} `{}`: {error}", path.display());
        io_hint(Self::not_done("io", message), error)
    }

    /// Says what to do about it; refusals say so in their message.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        if let Self::Usage { hint, .. } | Self::NotDone { hint, .. } = &mut self {
            *hint = Some(text.into());
        }
        self
    }

    /// Names the line of a refusal, where there is one.
    #[must_use]
    pub fn on_line(mut self, number: Option<u64>) -> Self {
        if let Self::Refused { refusal, .. } = &mut self {
            refusal.line = number.or(refusal.line);
        }
        self
    }

    /// Adds to a refusal how much of the same input earlier batches appended.
    #[must_use]
    pub fn after(mut self, receipts: &[Appended]) -> Self {
        if let Self::Refused { appended, .. } = &mut self {
            *appended = receipts.iter().filter(|receipt| !receipt.duplicate).count();
        }
        self
    }

    /// Tells whether something outside the input is in the way, so that the same input can be
    /// taken later.
    pub fn is_not_done(&self) -> bool {
        self.exit_code() == ExitCode::NotDone
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage { .. } | Self::Shown => ExitCode::Usage,
            // A locked book is no fault of the input: the same input can be appended later.
            Self::Refused { refusal, .. } if refusal.code == Code::Locked => ExitCode::NotDone,
            Self::Refused { .. } => ExitCode::Refused,
            Self::NotDone { .. } => ExitCode::NotDone,
            Self::Bug(_) => ExitCode::Bug,
            Self::Closed => ExitCode::Done,
        }
    }

    /// Returns the error as JSON output shows it.
    pub fn to_json(&self) -> Value {
        let plain = |code: &str| {
            json!({ "code": code, "line": null, "field": null, "value": null,
                    "message": self.to_string() })
        };
        let error = match self {
            Self::Usage { .. } | Self::Shown => plain("usage"),
            Self::Refused { refusal, appended } => json!({
                "code": refusal.code.as_str(),
                "line": refusal.line,
                "field": refusal.field,
                "value": refusal.value,
                "message": refusal.message,
                "appended": appended,
            }),
            Self::NotDone { code, .. } => plain(code),
            Self::Bug(_) => plain("bug"),
            Self::Closed => plain("closed"),
        };
        json!({ "error": error })
    }

    /// Returns the hint.
    pub fn hint_text(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } | Self::NotDone { hint, .. } => hint.clone(),
            Self::Refused { appended: 0, .. } => None,
            Self::Refused { appended, .. } => Some(format!(
                "{appended} events of earlier batches are in the book; appending the same file \
                 again is safe when its events have ids"
            )),
            Self::Bug(_) => Some("this is a fault of relbook, please report it".to_owned()),
            Self::Closed | Self::Shown => None,
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        let message = error.to_string();
        match error {
            OpenError::Locked { .. } => Refusal::new(Code::Locked, message).into(),
            OpenError::Missing { .. } => Self::not_done("no_book", message),
            OpenError::Exists { .. } => {
                Self::not_done("exists", message).hint("name another directory with --book DIR")
            }
            OpenError::NotABook { .. } => Self::not_done("not_a_book", message),
            OpenError::Damaged { .. } | OpenError::BehindPin { .. } => {
                Self::not_done("damaged", message)
            }
            OpenError::Origin { .. } => Self::usage(message),
            OpenError::Io { ref source, .. } => {
                let message = format!("the book cannot be used: {message}");
                io_hint(Self::not_done("io", message), source)
            }
            _ => database(format!("the book cannot be used: {message}")),
        }
    }
}

/// Makes an error of what the database reports, with what usually helps.
fn database(message: String) -> Error {
    let full = message.contains("disk is full");
    let error = Error::not_done("io", message);
    if full { error.hint(FULL) } else { error }
}

const FULL: &str = "make room on the disk, then run the same command again";

/// Says what usually helps against what the system reports.
fn io_hint(error: Error, source: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            error.hint("look at the permissions of the file and of its directory")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            error.hint(FULL)
        }
        _ => error,
    }
}

impl From<AppendError> for Error {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Refused(refusal) => refusal.into(),
            AppendError::Pin { ref source, .. } => {
                let message = error.to_string();
                io_hint(Self::not_done("io", message), source)
            }
            other => database(other.to_string()),
        }
    }
}

impl From<NdjsonError> for Error {
    fn from(error: NdjsonError) -> Self {
        match error {
            NdjsonError::Refused(refusal) => (*refusal).into(),
            error @ NdjsonError::Read { .. } => Self::not_done("io", error.to_string()),
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        Self::not_done("damaged", error.to_string())
    }
}

impl From<VerifyFailure> for Error {
    fn from(error: VerifyFailure) -> Self {
        match error {
            VerifyFailure::Open(error) => error.into(),
            VerifyFailure::Read(error) => error.into(),
            VerifyFailure::Io { ref source, .. } => {
                io_hint(Self::not_done("io", error.to_string()), source)
            }
            other => Self::not_done("damaged", other.to_string()),
        }
    }
}

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Self {
        let message = error.to_string();
        match error {
            BackupError::Open(error) => error.into(),
            BackupError::Read(error) => error.into(),
            BackupError::Verify(error) => error.into(),
            BackupError::Exists { .. } | BackupError::InTheWay { .. } => {
                Self::not_done("exists", message)
            }
            BackupError::NotABackup { .. } => Self::not_done("not_a_backup", message),
            BackupError::Io { ref source, .. } => io_hint(Self::not_done("io", message), source),
            _ => database(message),
        }
    }
}

impl From<BookError> for Error {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Open(error) => error.into(),
            other => Self::not_done("damaged", other.to_string()),
        }
    }
}

impl From<AnswerError> for Error {
    fn from(error: AnswerError) -> Self {
        match error {
            // The command line names something that is not there.
            AnswerError::UnknownComponent { .. }
            | AnswerError::UnknownEnvironment { .. }
            | AnswerError::UnknownVersion { .. }
            | AnswerError::UnknownCommit { .. }
            | AnswerError::BadVersion { .. }
            | AnswerError::SameComponent { .. }
            | AnswerError::EmptyPeriod { .. }
            | AnswerError::NoSubject
            | AnswerError::UnknownHotfix { .. }
            | AnswerError::UnknownDeploy { .. } => Self::usage(error.to_string()),
            other => Self::not_done("damaged", other.to_string()),
        }
    }
}

/// Spells a refusal so that it names line, field, value and remedy, and ends in its code.
fn spelled(refusal: &Refusal) -> String {
    let mut shown = refusal.clone();
    if let Some(value) = &refusal.value
        && !refusal.message.contains(value.as_str())
    {
        shown.message.push_str(&format!("; the value is `{value}`"));
    }
    shown.to_string()
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { refusal: Box::new(refusal), appended: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_exit_3_and_a_locked_book_is_exit_4() {
        let code = |code| Error::from(Refusal::new(code, "no")).exit_code();
        assert_eq!(code(Code::BadValue), ExitCode::Refused);
        assert_eq!(code(Code::Locked), ExitCode::NotDone);
    }

    #[test]
    fn json_has_the_fields_of_the_contract() {
        let refusal = Refusal::new(Code::BadValue, "must be a text").at("tag").on_line(3);
        let shown = Error::from(refusal).to_json();
        assert_eq!(shown["error"]["code"], "bad_value");
        assert_eq!(shown["error"]["line"], 3);
        assert_eq!(shown["error"]["field"], "tag");
        assert_eq!(shown["error"]["value"], Value::Null);
        assert_eq!(shown["error"]["message"], "must be a text");
    }

    #[test]
    fn a_refusal_names_line_field_and_value_and_ends_in_its_code() {
        let refusal = Refusal::new(Code::BadValue, "must be a text").at("tag").with_value("7");
        let text = Error::from(refusal.on_line(3)).to_string();
        assert_eq!(text, "line 3: tag: must be a text; the value is `7` (bad_value)");
    }
}
