//! Sums over the blocks of a file, so that a part of it can be read and believed.
//!
//! Bytes of a segment reach the query engine through here only: a block that is not the one that
//! was sealed is an error and never a row. The sum is the first eight bytes of BLAKE3, which finds
//! what a disk does to a file; against a forger there is the ledger, and `verify`.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The size of a block: what is read at least.
const BLOCK: u64 = 64 * 1024;

/// The bytes of a sum.
const SUM: usize = 8;

/// The sums over the blocks of a file, in order; the last block may be short.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Blocks(Vec<[u8; SUM]>);

fn sum(block: &[u8]) -> [u8; SUM] {
    let mut sum = [0; SUM];
    sum.copy_from_slice(&blake3::hash(block).as_bytes()[..SUM]);
    sum
}

fn changed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a segment is not the one that was sealed")
}

impl Blocks {
    /// Reads a range of a file that is `bytes` long, and checks every block that it touches.
    ///
    /// # Errors
    /// When the file cannot be read, is shorter, or was changed where it is read.
    pub(super) fn read(&self, path: &Path, bytes: u64, range: Range<u64>) -> io::Result<Vec<u8>> {
        let range = range.start.min(bytes)..range.end.min(bytes);
        let first = range.start / BLOCK;
        let start = first * BLOCK;
        let end = (range.end.div_ceil(BLOCK) * BLOCK).min(bytes).max(start);
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let size = |length: u64| usize::try_from(length).map_err(io::Error::other);
        let mut read = vec![0; size(end - start)?];
        file.read_exact(&mut read)?;
        let sums = self.0.get(size(first)?..).ok_or_else(changed)?;
        let mut blocks = read.chunks(size(BLOCK)?).zip(sums);
        if sums.len() < read.chunks(size(BLOCK)?).len() || blocks.any(|(b, s)| sum(b) != *s) {
            return Err(changed());
        }
        read.truncate(size(range.end - start)?);
        read.drain(..size(range.start - start)?);
        Ok(read)
    }
}

/// Sums up a file while it is written.
#[derive(Debug, Default)]
pub(super) struct Summing {
    blocks: Blocks,
    open: blake3::Hasher,
    bytes: u64,
}

impl Summing {
    /// Adds bytes that were written.
    pub(super) fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(BLOCK - self.bytes % BLOCK).unwrap_or(bytes.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.open.update(now);
            self.bytes += now.len() as u64;
            if self.bytes.is_multiple_of(BLOCK) {
                self.close();
            }
            bytes = later;
        }
    }

    fn close(&mut self) {
        let mut sum = [0; SUM];
        sum.copy_from_slice(&self.open.finalize().as_bytes()[..SUM]);
        self.blocks.0.push(sum);
        self.open.reset();
    }

    /// Returns the length and the sums.
    pub(super) fn finish(mut self) -> (u64, Blocks) {
        if !self.bytes.is_multiple_of(BLOCK) {
            self.close();
        }
        (self.bytes, self.blocks)
    }
}

impl Serialize for Blocks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::sql::extract::hex(self.0.as_flattened()))
    }
}

impl<'de> Deserialize<'de> for Blocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("sums are 16 hex digits each");
        let sum = |digits: &[u8]| -> Option<[u8; SUM]> {
            let text = std::str::from_utf8(digits).ok()?;
            (digits.len() == 2 * SUM)
                .then(|| u64::from_str_radix(text, 16).ok().map(u64::to_be_bytes))?
        };
        let sums = text.as_bytes().chunks(2 * SUM).map(sum).collect::<Option<Vec<_>>>();
        sums.map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(content: &[u8]) -> (tempfile::NamedTempFile, u64, Blocks) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let mut summing = Summing::default();
        content.chunks(10_007).for_each(|chunk| summing.add(chunk));
        let (bytes, blocks) = summing.finish();
        (file, bytes, blocks)
    }

    #[test]
    fn any_range_comes_back_and_any_change_is_found() {
        let content: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            let (file, bytes, blocks) = sealed(&content[..length]);
            assert_eq!(bytes, length as u64);
            for range in [0..0, 0..1, 65_530..65_540, 131_072..131_073, 0..200_000, 5..150_000] {
                let (from, to) = (length.min(range.start), length.min(range.end));
                let read = blocks.read(file.path(), bytes, range.start as u64..range.end as u64);
                assert_eq!(read.unwrap(), content[from..to], "{length} {range:?}");
            }
            if length > 0 {
                let mut other = content[..length].to_vec();
                other[length - 1] ^= 1;
                std::fs::write(file.path(), &other).unwrap();
                assert!(blocks.read(file.path(), bytes, 0..bytes).is_err(), "{length}");
            }
        }
    }

    #[test]
    fn sums_are_written_and_read() {
        let (_file, _bytes, blocks) = sealed(&[7; 70_000]);
        let text = serde_json::to_string(&blocks).unwrap();
        assert_eq!(serde_json::from_str::<Blocks>(&text).unwrap(), blocks);
        for wrong in ["\"abc\"", "\"zzzzzzzzzzzzzzzz\"", "7"] {
            assert!(serde_json::from_str::<Blocks>(wrong).is_err(), "{wrong}");
        }
    }
}
