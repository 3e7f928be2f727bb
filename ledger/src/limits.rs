//! Every bound of the ledger in one place (ledger-format 2, 3).
//!
//! A bound that is written twice drifts; one that is written here is asserted against the others
//! at compile time. Nothing here may be raised without a new format version: independent tools
//! check the same numbers.

/// The most bytes that a pre-authentication encoding (PAE) may have.
pub const PAE_BYTES_MAX: usize = 61_440;

/// The bytes of a leaf entry before its PAE.
pub const ENTRY_HEADER_BYTES: usize = 164;

/// The most bytes that a leaf entry may have: what a 16-bit length of tlog-tiles can say.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// The deepest nesting of arrays and objects that is read from JSON.
pub const JSON_DEPTH_MAX: usize = 32;

/// The largest integer that is read from JSON, as a magnitude: 2^53 - 1, exact in every language.
pub const JSON_INTEGER_MAX: i64 = (1 << 53) - 1;

/// The most events that one call of `append` takes, unless the caller asks for more.
pub const BATCH_EVENTS_MAX: usize = 100_000;

/// The most bytes of a signed note that are read.
pub const NOTE_BYTES_MAX: usize = 1_000_000;

/// The most bytes of a receipt that are read: an entry in base64, a proof and a signed note.
pub const RECEIPT_BYTES_MAX: usize = 2 * ENTRY_BYTES_MAX + NOTE_BYTES_MAX;

/// The most signature lines of a signed note that are read.
pub const NOTE_SIGNATURES_MAX: usize = 100;

/// How far the system clock may go back before appending stops, in seconds.
pub const CLOCK_BACK_SECONDS_MAX: i64 = 60;

/// How far `occurred_at` may lie after `received` when no policy says otherwise, in seconds.
pub const FUTURE_TOLERANCE_SECONDS: i64 = 60;

const _: () = assert!(ENTRY_HEADER_BYTES + PAE_BYTES_MAX <= ENTRY_BYTES_MAX);
const _: () = assert!(JSON_DEPTH_MAX < 128, "parsing recurses: the stack must hold the depth");
const _: () = assert!(PAE_BYTES_MAX < NOTE_BYTES_MAX);
