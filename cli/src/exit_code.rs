//! What the process tells its caller in one number (contract section 3).
//!
//! The numbers are a public interface: scripts and CI jobs branch on them. Nothing else in the
//! crate writes a number; errors are mapped to these in `error.rs`, and only there.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Done, or it holds.
    Done,
    /// Checked, and it does not hold; the answer was printed all the same.
    DoesNotHold,
    /// The command line is wrong.
    Usage,
    /// The input was refused and nothing was appended.
    Refused,
    /// It could not be done or checked.
    NotDone,
    /// A fault of relbook itself.
    Bug,
}

impl ExitCode {
    /// Returns the number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::DoesNotHold => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotDone => 4,
            // EX_SOFTWARE of sysexits.h, far from the numbers with a meaning.
            Self::Bug => 70,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode;

    #[test]
    fn the_numbers_are_those_of_the_contract() {
        use ExitCode::{Bug, DoesNotHold, Done, NotDone, Refused, Usage};
        let all = [Done, DoesNotHold, Usage, Refused, NotDone, Bug];
        assert_eq!(all.map(ExitCode::number), [0, 1, 2, 3, 4, 70]);
    }
}
