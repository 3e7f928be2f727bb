//! Why a report was not turned into events: file, place, reason, remedy.
//!
//! Each variant is one thing that the reader of the message can act on. No variant may carry the
//! content of a report beyond a short excerpt: reports hold secrets.

use super::document::Fault;

/// Says why a report gave no events.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The file could not be read; nothing is known of its content.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bytes are no usable document: empty, cut off, not UTF-8, too deep, ambiguous.
    #[error("{file}: {fault}")]
    Document {
        /// The file.
        file: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// No reader recognises the content.
    #[error("{file}: {}", unknown(looks_like))]
    UnknownFormat {
        /// The file.
        file: String,
        /// What it is, when it is a known format that relbook does not read.
        looks_like: Option<&'static str>,
    },
    /// `--as` names a format that does not exist.
    #[error("there is no format `{name}`; relbook reads {}", super::reader_names())]
    UnknownReader {
        /// The name as given.
        name: String,
    },
    /// `--as` names one format and the content is of another.
    #[error("{file}: this is {found}, not {asked}; leave --as out, or say --as {found}")]
    OtherFormat {
        /// The file.
        file: String,
        /// The format as asked for.
        asked: &'static str,
        /// The format as recognised.
        found: &'static str,
    },
    /// The format is known and refused, for a reason that the sentence gives.
    #[error("{file}: {what}: {reason}")]
    Unsupported {
        /// The file.
        file: String,
        /// The format and its version.
        what: String,
        /// Why it is refused and what to do.
        reason: &'static str,
    },
    /// A value has another shape than the format says.
    #[error("{file}: {place}: expected {expected}; the report is damaged or of another tool")]
    Shape {
        /// The file.
        file: String,
        /// Where, such as `Results[0].Vulnerabilities`.
        place: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A part of a large report is larger than it may be.
    #[error("{file}: {place}: larger than relbook reads at once; the report is damaged or hostile")]
    TooLong {
        /// The file.
        file: String,
        /// Where.
        place: String,
    },
    /// Nothing says which component the file is about.
    #[error("{file}: the file does not say which component it is about; name it with --component")]
    NoComponent {
        /// The file.
        file: String,
    },
    /// Nothing says which suite a check is of.
    #[error(
        "{file}: {what} does not say which tests these are; name the suite with --suite \
         (unit, integration, smoke, ...)"
    )]
    NoSuite {
        /// The file.
        file: String,
        /// The format.
        what: &'static str,
    },
    /// Something that an event needs is neither in the file nor was it given.
    #[error("{file}: {why}")]
    Missing {
        /// The file.
        file: String,
        /// The field of the event.
        field: &'static str,
        /// What is missing and how to give it.
        why: String,
    },
    /// The content proves something else than the event would say, or contradicts what was given.
    #[error("{file}: {reason}")]
    Refused {
        /// The file.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The report names no artifact by digest and none was given.
    #[error(
        "{file}: the report names no digest; say which artifact was scanned with --digest \
         sha256:... (a tag or a path is no identity)"
    )]
    NoDigest {
        /// The file.
        file: String,
    },
    /// The report covers several artifacts and nothing says which one is meant.
    #[error("{file}: the report names {count} digests ({shown}); choose with --digest")]
    SeveralDigests {
        /// The file.
        file: String,
        /// How many.
        count: usize,
        /// The first few.
        shown: String,
    },
    /// The given digest is not one.
    #[error("--digest: {reason}")]
    BadDigest {
        /// What is wrong and what to write.
        reason: String,
    },
    /// The given digest and the report contradict each other.
    #[error(
        "{file}: the report is about {found} ({place}), not {given}; scan the artifact that was \
         meant, or give its own digest (index, platform manifest and image ID differ)"
    )]
    OtherDigest {
        /// The file.
        file: String,
        /// The digest as given.
        given: String,
        /// What the report names.
        found: String,
        /// Where the report names it.
        place: &'static str,
    },
    /// What was given and what the file says contradict each other.
    #[error(
        "{file}: --{field} is {given}, but the file says {found}; leave --{field} out, or give \
         the file of what was meant"
    )]
    Differs {
        /// The file.
        file: String,
        /// The field.
        field: &'static str,
        /// As given.
        given: String,
        /// As the file has it.
        found: String,
    },
    /// A filter hid the severities that a scan must count.
    #[error(
        "{file}: the scan was run with {filter}, so it says nothing of {hidden} findings; run it \
         without the filter, or with one that keeps CRITICAL and HIGH"
    )]
    Hidden {
        /// The file.
        file: String,
        /// The filter as found.
        filter: String,
        /// The severity that it hid.
        hidden: &'static str,
    },
    /// The content is understood, and no event of the book says what it says.
    #[error("{file}: {what} {reason}")]
    NoEvent {
        /// The file.
        file: String,
        /// What it is, such as "the webhook `ping`".
        what: String,
        /// What it says, why that is no event, and what to do.
        reason: String,
    },
    /// The event needs something that the file does not say and nobody gave.
    #[error("{file}: {what} {missing}; {remedy}")]
    Needs {
        /// The file.
        file: String,
        /// What it is.
        what: String,
        /// What is missing, as a sentence goes on: "names no digest".
        missing: String,
        /// How to give it.
        remedy: String,
        /// The field of the event.
        field: &'static str,
    },
    /// A link between what the file says and an artifact is not recorded.
    #[error("{file}: {what} cannot be joined with an artifact: {link}; {remedy}")]
    MissingLink {
        /// The file.
        file: String,
        /// What it is.
        what: String,
        /// Which link is missing or contradicts.
        link: String,
        /// How to record or give it.
        remedy: &'static str,
    },
    /// Several registered components could be meant.
    #[error("{file}: {what} could be about {shown}; name the component with --component")]
    SeveralComponents {
        /// The file.
        file: String,
        /// What it is.
        what: String,
        /// The candidates.
        shown: String,
    },
    /// A signature or token does not fit: the bytes are not what the sender sent, or it is
    /// somebody else.
    #[error("{file}: {reason}")]
    NotAuthentic {
        /// The file.
        file: String,
        /// What does not fit, without any part of a secret.
        reason: String,
    },
    /// What the book has recorded cannot be read.
    #[error("{file}: the book cannot be read: {reason}")]
    Book {
        /// The file that asked.
        file: String,
        /// What failed.
        reason: String,
    },
    /// Even without its findings the event would not fit into the ledger.
    #[error("{file}: the event has {bytes} bytes without its findings; shorten the command line")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        bytes: usize,
    },
}

impl IngestError {
    /// Tells whether the file could not be read at all, as opposed to being refused.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Read { .. })
    }
}

fn unknown(looks_like: &Option<&'static str>) -> String {
    match looks_like {
        Some(name) => format!("this is {name}; relbook does not read it as a report"),
        None => format!(
            "the content is of no format that relbook knows; relbook reads {}",
            super::reader_names()
        ),
    }
}
