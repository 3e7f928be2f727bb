//! The writer's lock: one process appends, the others are told who.
//!
//! The lock is the operating system's, held as long as the file is open, so a crash frees it. The
//! text in the file is for people and proves nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use super::clock::{Clock, SystemClock};
use super::open_error::OpenError;

const TEXT_BYTES_MAX: u64 = 1_024;

/// The held lock; dropping it lets the next writer in.
#[derive(Debug)]
pub(super) struct WriterLock {
    file: File,
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // A process that is just being started still has this file open, until its program is
        // loaded; closing ours would leave the book locked for that while.
        drop(self.file.unlock());
    }
}

impl WriterLock {
    /// Takes the lock, or says at once who holds it.
    pub(super) fn acquire(path: &Path) -> Result<Self, OpenError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(OpenError::io(path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The text may be missing or odd: then the message just says less.
                let read = file.take(TEXT_BYTES_MAX).read_to_string(&mut holder);
                let known = read.is_ok() && !holder.trim().is_empty();
                let holder = if known { holder.trim() } else { "which left no name" };
                return Err(OpenError::Locked { holder: holder.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(OpenError::io(path)(source)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(holder_text().as_bytes()));
        written.map_err(OpenError::io(path))?;
        Ok(Self { file })
    }
}

fn holder_text() -> String {
    // Only the program's name: arguments may hold secrets.
    let program = std::env::args_os().next().unwrap_or_default();
    let program =
        Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok());
    let host = host.as_deref().map_or("an unknown host", str::trim);
    format!("process {} ({program}) on {host} since {}\n", std::process::id(), SystemClock.now())
}
