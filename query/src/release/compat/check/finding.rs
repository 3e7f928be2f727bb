//! What a check of a matrix finds: codes, their severity, and where they hold.

/// A rule of a coherent matrix (semantics A.13). There is no M05.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A value does not follow the grammar.
    M01,
    /// A key is missing, unknown, or names a component twice.
    M02,
    /// A range holds nothing.
    M03,
    /// A range holds no released version.
    M04,
    /// Two rows overlap on all keys.
    M06,
    /// A released chart of the row installs an application outside the row.
    M07,
    /// A released chart is in no row.
    M08,
    /// What is live is in no single row.
    M09,
    /// A released version that users have is in no row.
    M10,
    /// A pair was declared that no contract check passed for.
    M11,
    /// The newest chart does not install what is live.
    M12,
    /// A value is not a text.
    M13,
    /// A row that the live set uses was removed or narrowed.
    M14,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The matrix is not coherent.
    Error,
    /// Somebody should look.
    Warning,
}

impl Severity {
    /// Returns the letter that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "E",
            Self::Warning => "W",
        }
    }
}

impl Code {
    /// Every code, in order.
    pub const ALL: [Self; 13] = [
        Self::M01,
        Self::M02,
        Self::M03,
        Self::M04,
        Self::M06,
        Self::M07,
        Self::M08,
        Self::M09,
        Self::M10,
        Self::M11,
        Self::M12,
        Self::M13,
        Self::M14,
    ];

    /// Returns the name that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::M01 => "M01",
            Self::M02 => "M02",
            Self::M03 => "M03",
            Self::M04 => "M04",
            Self::M06 => "M06",
            Self::M07 => "M07",
            Self::M08 => "M08",
            Self::M09 => "M09",
            Self::M10 => "M10",
            Self::M11 => "M11",
            Self::M12 => "M12",
            Self::M13 => "M13",
            Self::M14 => "M14",
        }
    }

    /// Finds a code by its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }

    /// Returns how much it weighs.
    pub fn severity(self) -> Severity {
        match self {
            Self::M04 | Self::M10 | Self::M11 | Self::M12 => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub code: Code,
    /// The row, where it is about one.
    pub row: Option<String>,
    /// The key, where it is about one.
    pub key: Option<String>,
    /// What was found, and what to write.
    pub detail: String,
    /// The seqs that it rests on.
    pub evidence: Vec<u64>,
}

impl Finding {
    pub(super) fn new(
        code: Code,
        row: Option<&str>,
        key: Option<&str>,
        detail: String,
        evidence: impl IntoIterator<Item = u64>,
    ) -> Self {
        Self {
            code,
            row: row.map(str::to_owned),
            key: key.map(str::to_owned),
            detail,
            evidence: evidence.into_iter().collect(),
        }
    }
}

/// What came of checking a matrix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// What was found: rows first, in their order, then what is about no single row.
    pub findings: Vec<Finding>,
    /// What could not be checked, and why: a stable word and a sentence.
    pub unchecked: Vec<(&'static str, String)>,
}
