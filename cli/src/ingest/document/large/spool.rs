//! The copy of a report on disk, made while its bytes are hashed and their encoding is checked.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use super::super::{Document, Fault};

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// A copy that has no name and goes away with its last owner.
#[derive(Debug, Clone)]
pub(in crate::ingest::document) struct Spool {
    file: Arc<File>,
    pub(in crate::ingest::document) len: u64,
    pub(in crate::ingest::document) digest: String,
    /// Where the text begins: behind a byte order mark.
    pub(in crate::ingest::document) start: u64,
}

/// Why there is no copy.
pub(in crate::ingest::document) enum NoSpool {
    /// It could not be read or written.
    Io(io::Error),
    /// Its bytes cannot be used.
    Fault(Fault),
}

impl From<io::Error> for NoSpool {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Copies what was read already and the rest of a stream.
pub(in crate::ingest::document) fn spool(
    head: Vec<u8>,
    mut rest: impl Read,
) -> Result<Spool, NoSpool> {
    let mut file = tempfile::tempfile()?;
    let mut hasher = blake3::Hasher::new();
    let mut text = Utf8::default();
    let start = if head.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let mut len = 0_u64;
    let mut buffer = head;
    loop {
        len += u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if len > u64::try_from(Document::BYTES_MAX).unwrap_or(u64::MAX) {
            return Err(NoSpool::Fault(Fault::TooLarge));
        }
        hasher.update(&buffer);
        text.check(&buffer).map_err(NoSpool::Fault)?;
        file.write_all(&buffer)?;
        buffer.resize(CHUNK, 0);
        let read = read_some(&mut rest, &mut buffer)?;
        buffer.truncate(read);
        if read == 0 {
            break;
        }
    }
    text.finish().map_err(NoSpool::Fault)?;
    let digest = format!("blake3:{}", hasher.finalize().to_hex());
    Ok(Spool { file: Arc::new(file), len, digest, start })
}

fn read_some(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

impl Spool {
    /// Reads from an offset; several readers in turn do not disturb each other.
    pub(in crate::ingest::document) fn at(&self, offset: u64) -> BufReader<At<'_>> {
        BufReader::with_capacity(CHUNK, self.raw(offset))
    }

    /// As [`Spool::at`], for who has a buffer of its own.
    pub(super) fn raw(&self, offset: u64) -> At<'_> {
        At { file: &self.file, offset }
    }

    /// Returns the bytes between two offsets.
    pub(super) fn between(&self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        At { file: &self.file, offset: start }.take(end - start).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns all bytes.
    pub(in crate::ingest::document) fn bytes(&self) -> io::Result<Vec<u8>> {
        self.between(0, self.len)
    }

    /// Returns the first character that is not white space.
    pub(in crate::ingest::document) fn first_char(&self) -> io::Result<Option<char>> {
        for byte in self.at(self.start).bytes() {
            let byte = byte?;
            if !byte.is_ascii_whitespace() {
                return Ok(Some(char::from(byte)));
            }
        }
        Ok(None)
    }
}

/// A place in a file.
#[derive(Debug)]
pub(in crate::ingest::document) struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file;
        file.seek(SeekFrom::Start(self.offset))?;
        let read = file.read(buffer)?;
        self.offset += u64::try_from(read).unwrap_or_default();
        Ok(read)
    }
}

/// A check of UTF-8 over pieces that may end in the middle of a character.
#[derive(Debug, Default)]
struct Utf8 {
    /// The beginning of a character.
    open: Vec<u8>,
    offset: usize,
    lines: usize,
}

impl Utf8 {
    fn check(&mut self, piece: &[u8]) -> Result<(), Fault> {
        self.lines += piece.iter().filter(|byte| **byte == b'\n').count();
        let mut rest = piece;
        // Complete the character that the last piece began.
        while !self.open.is_empty() {
            let Some((next, behind)) = rest.split_first() else { return Ok(()) };
            self.open.push(*next);
            rest = behind;
            match std::str::from_utf8(&self.open) {
                Ok(_) => {
                    self.offset += self.open.len();
                    self.open.clear();
                }
                Err(error) if error.error_len().is_some() => {
                    return Err(Fault::NotUtf8 { offset: self.offset });
                }
                Err(_) => {}
            }
        }
        match std::str::from_utf8(rest) {
            Ok(_) => self.offset += rest.len(),
            Err(error) => {
                let good = error.valid_up_to();
                self.offset += good;
                if error.error_len().is_some() {
                    return Err(Fault::NotUtf8 { offset: self.offset });
                }
                self.open.extend_from_slice(rest.get(good..).unwrap_or_default());
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Fault> {
        match self.open.is_empty() {
            true => Ok(()),
            false => Err(Fault::Truncated { line: self.lines + 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_may_lie_across_pieces_and_wrong_ones_are_found_at_their_place() {
        let text = "aé€😀z".repeat(3);
        for size in 1..8 {
            let mut utf8 = Utf8::default();
            for piece in text.as_bytes().chunks(size) {
                utf8.check(piece).expect("it is UTF-8");
            }
            utf8.finish().expect("it ends");
            let mut utf8 = Utf8::default();
            let bad = b"ab\xe2\x82zz";
            let found = bad.chunks(size).find_map(|piece| utf8.check(piece).err());
            assert_eq!(found, Some(Fault::NotUtf8 { offset: 2 }));
        }
        let mut utf8 = Utf8::default();
        utf8.check(b"\n\xe2\x82").expect("so far");
        assert_eq!(utf8.finish(), Err(Fault::Truncated { line: 2 }));
    }
}
