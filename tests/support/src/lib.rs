//! What the suites and benches share: a scratch book and a generated history.

pub mod environment;
pub mod history;
pub mod scratch;
