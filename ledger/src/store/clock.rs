//! The one place where the ledger reads the time, so that tests can turn it back.

use crate::time::Time;

/// A source of the present time.
pub trait Clock: Send {
    /// Returns the present time.
    fn now(&self) -> Time;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}
