//! The leaf entry: one event in its place, as bytes (ledger-format 3).
//!
//! Integers are big-endian. The bytes below are hashed twice, by BLAKE3 into the chain and by
//! SHA-256 into the tree, so there is exactly one encoding of an entry and [`Entry::decode`]
//! accepts nothing else. This module checks form; whether an entry is true is `verify`.
//!
//! ```text
//!   0  16  "relbook/leaf/v1\n"        64  32  key id
//!  16   8  seq                        96  64  signature
//!  24   8  received, microseconds    160   4  length of the PAE
//!  32  32  previous chain value      164   n  PAE
//! ```

use crate::admission::{Code, Refusal};
use crate::chain::ChainHash;
use crate::envelope::split_pae;
use crate::intake;
use crate::key::KeyId;
use crate::limits::{ENTRY_BYTES_MAX, ENTRY_HEADER_BYTES};
use crate::time::Time;

const MAGIC: &[u8; 16] = b"relbook/leaf/v1\n";

/// Says why bytes are not a leaf entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The bytes end before the fixed part does.
    #[error("{length} bytes, but a leaf entry has at least {ENTRY_HEADER_BYTES}")]
    Short {
        /// How many bytes there are.
        length: usize,
    },
    /// The bytes begin with something else: not an entry, or of another format version.
    #[error("the bytes do not begin with `relbook/leaf/v1`")]
    Magic,
    /// The length field and the number of bytes after it disagree.
    #[error("the length field says {stated} bytes of payload, there are {found}")]
    Length {
        /// What the length field says.
        stated: u32,
        /// What there is.
        found: usize,
    },
    /// More bytes than an entry may have.
    #[error("{length} bytes, but a leaf entry has at most {ENTRY_BYTES_MAX}")]
    Long {
        /// How many bytes there are, or would be.
        length: usize,
    },
    /// The clock reading is not an instant that relbook can spell (after the year 9999).
    #[error("the received time, {micros} microseconds, is out of range")]
    Received {
        /// The value of the field.
        micros: u64,
    },
}

/// One event in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The position, from 0.
    pub seq: u64,
    /// The ledger's clock when it took the event.
    pub received: Time,
    /// The chain value before this entry.
    pub prev_chain: ChainHash,
    /// The author's key.
    pub key_id: KeyId,
    /// The author's signature over `pae`.
    pub signature: [u8; 64],
    /// The bytes that the author signed.
    pub pae: Vec<u8>,
}

impl Entry {
    /// Returns the bytes.
    ///
    /// # Errors
    /// [`EntryError::Long`] when the payload is too large, [`EntryError::Received`] when the clock
    /// lies before 1970 or after 9999.
    pub fn encode(&self) -> Result<Vec<u8>, EntryError> {
        let length = ENTRY_HEADER_BYTES + self.pae.len();
        if length > ENTRY_BYTES_MAX {
            return Err(EntryError::Long { length });
        }
        let micros = self.received.micros().cast_unsigned();
        received(micros)?;
        let pae_length = u32::try_from(self.pae.len()).map_err(|_| EntryError::Long { length })?;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&micros.to_be_bytes());
        bytes.extend_from_slice(&self.prev_chain);
        bytes.extend_from_slice(&self.key_id.0);
        bytes.extend_from_slice(&self.signature);
        bytes.extend_from_slice(&pae_length.to_be_bytes());
        bytes.extend_from_slice(&self.pae);
        Ok(bytes)
    }

    /// Reads the event out of the signed bytes, strictly; nothing is judged.
    ///
    /// # Errors
    /// A [`Refusal`] when they hold none.
    pub fn event(&self) -> Result<serde_json::Value, Refusal> {
        let (payload_type, body) = split_pae(&self.pae)
            .map_err(|error| Refusal::new(Code::BadValue, error.to_string()))?;
        intake::parse_payload(payload_type, body)
    }

    /// Reads an entry; accepts only what [`Entry::encode`] writes.
    ///
    /// # Errors
    /// [`EntryError`] naming the first field that is not as the format says.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let length = bytes.len();
        let mut fields = Fields { rest: bytes, length };
        let magic: [u8; 16] = fields.take()?;
        let seq = u64::from_be_bytes(fields.take()?);
        let micros = u64::from_be_bytes(fields.take()?);
        let prev_chain = fields.take()?;
        let key_id = KeyId(fields.take()?);
        let signature = fields.take()?;
        let stated = u32::from_be_bytes(fields.take()?);
        let pae = fields.rest;
        if &magic != MAGIC {
            return Err(EntryError::Magic);
        }
        if usize::try_from(stated).ok() != Some(pae.len()) {
            return Err(EntryError::Length { stated, found: pae.len() });
        }
        if length > ENTRY_BYTES_MAX {
            return Err(EntryError::Long { length });
        }
        let received = received(micros)?;
        Ok(Self { seq, received, prev_chain, key_id, signature, pae: pae.to_vec() })
    }
}

fn received(micros: u64) -> Result<Time, EntryError> {
    let time = i64::try_from(micros).ok().map(Time::from_micros);
    time.filter(|&time| time >= Time::EPOCH && time <= Time::MAX)
        .ok_or(EntryError::Received { micros })
}

/// The bytes that have not been read yet.
struct Fields<'a> {
    rest: &'a [u8],
    length: usize,
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], EntryError> {
        let (field, rest) =
            self.rest.split_first_chunk().ok_or(EntryError::Short { length: self.length })?;
        self.rest = rest;
        Ok(*field)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::envelope::{EVENT_TYPE, pae};

    fn example() -> Entry {
        Entry {
            seq: 258,
            received: Time::parse("2026-06-10T09:05:00.000001Z").unwrap(),
            prev_chain: [0x11; 32],
            key_id: KeyId([0x22; 32]),
            signature: [0x33; 64],
            pae: pae(EVENT_TYPE, b"{}"),
        }
    }

    #[test]
    fn a_worked_example() {
        let bytes = example().encode().unwrap();
        let expected = [
            "72656c626f6f6b2f6c6561662f76310a".to_owned(), // "relbook/leaf/v1\n"
            "0000000000000102".to_owned(),                 // seq 258
            "000653e289cea701".to_owned(),                 // 1781082300000001 microseconds
            "11".repeat(32),                               // previous chain value
            "22".repeat(32),                               // key id
            "33".repeat(64),                               // signature
            "00000034".to_owned(),                         // 52 bytes of PAE
            hex::encode("DSSEv1 37 application/vnd.relbook.event.v1+json 2 {}"),
        ]
        .concat();
        assert_eq!(hex::encode(&bytes), expected);
        assert_eq!(Entry::decode(&bytes).unwrap(), example());
    }

    #[test]
    fn every_cut_and_every_wrong_length_is_refused() {
        let bytes = example().encode().unwrap();
        for end in 0..bytes.len() {
            assert!(Entry::decode(&bytes[..end]).is_err(), "{end}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Entry::decode(&longer), Err(EntryError::Length { stated: 52, found: 53 }));
        let mut other = bytes.clone();
        other[14] = b'2';
        assert_eq!(Entry::decode(&other), Err(EntryError::Magic));
        let mut late = bytes;
        late[24] = 0xff;
        assert!(matches!(Entry::decode(&late), Err(EntryError::Received { .. })));
    }

    #[test]
    fn too_long_and_too_early_cannot_be_encoded() {
        let long = Entry { pae: vec![0; ENTRY_BYTES_MAX - ENTRY_HEADER_BYTES + 1], ..example() };
        assert_eq!(long.encode(), Err(EntryError::Long { length: 65_536 }));
        let full = Entry { pae: vec![0; ENTRY_BYTES_MAX - ENTRY_HEADER_BYTES], ..example() };
        assert_eq!(Entry::decode(&full.encode().unwrap()).unwrap(), full);
        let early = Entry { received: Time::from_micros(-1), ..example() };
        assert!(matches!(early.encode(), Err(EntryError::Received { .. })));
    }

    proptest! {
        #[test]
        fn an_entry_comes_back(
            seq in any::<u64>(),
            micros in 0..=Time::MAX.micros(),
            bytes in any::<[u8; 32]>(),
            pae in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let entry = Entry {
                seq,
                received: Time::from_micros(micros),
                prev_chain: bytes,
                key_id: KeyId(bytes),
                signature: [bytes[0]; 64],
                pae,
            };
            prop_assert_eq!(Entry::decode(&entry.encode().unwrap()).unwrap(), entry);
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(
            flips in prop::collection::vec((0usize..216, any::<u8>()), 0..4),
        ) {
            let mut bytes = example().encode().unwrap();
            for (at, byte) in flips {
                bytes[at] = byte;
            }
            if let Ok(entry) = Entry::decode(&bytes) {
                prop_assert_eq!(entry.encode().unwrap(), bytes);
            }
        }
    }
}
