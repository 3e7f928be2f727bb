//! What the suites and benches share: a scratch book, a generated history, a told story.

pub mod environment;
pub mod history;
pub mod report;
pub mod scratch;
pub mod story;
