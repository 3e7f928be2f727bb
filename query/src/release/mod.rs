//! The pure core: what the words of semantics.md mean. No I/O, no clock, no SQL, no DataFusion.

use relbook_ledger::time::Time;

/// The two clocks of a question (semantics A.2): what had happened by `as_of`, as far as the book
/// knew it with the events up to and including seq `as_known`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lens {
    /// Events that occurred later are left out.
    pub as_of: Time,
    /// Events with a higher seq are left out.
    pub as_known: u64,
}
