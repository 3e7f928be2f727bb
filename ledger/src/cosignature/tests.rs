//! Cosignatures: known answers of another implementation, and what must not pass.

use proptest::prelude::*;

use super::*;
use crate::key::PublicKey;

const TEXT: &str = "relbook.example/orion\n5\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n";
const NAME: &str = "witness.example/w1";
const TIME: u64 = 1_700_000_000;

// Made by Python's `cryptography` with the seed 0x42 x 32.
const VKEY: &str = "witness.example/w1+f1ed8c47+BCFS+NGbeR0kRTJC4V8uq2y3z/p7al7TAJeWDgaYgdsS";
const LINE: &str = "\u{2014} witness.example/w1 8e2MRwAAAABlU/EA1qnh8BwgimFnyRUj0E3AeoeLucAgXqZnDRTj6cMJlrlhW0PFpuROkGzTShAAwO1j9+qIwv39AKTkJ2ucy2o1DQ==";

fn key() -> SigningKey {
    SigningKey::from_seed(&[0x42; 32])
}

fn witness(name: &str, key: PublicKey) -> VerifierKey {
    VerifierKey { name: name.to_owned(), kind: SignatureKind::Cosignature, key }
}

fn line() -> NoteSignature {
    cosign(TEXT, NAME, &key(), TIME).unwrap()
}

#[test]
fn the_same_bytes_as_another_implementation() {
    assert_eq!(line().to_string(), LINE);
    let known = VerifierKey::parse(VKEY).unwrap();
    assert_eq!(known, witness(NAME, key().public()));
    assert_eq!(check(TEXT, &NoteSignature::parse(LINE).unwrap(), &known), Ok(TIME));
}

#[test]
fn every_changed_byte_is_refused() {
    let witness = witness(NAME, key().public());
    for at in 0..72 {
        let mut line = line();
        line.bytes[at] ^= 1;
        assert!(check(TEXT, &line, &witness).is_err(), "byte {at}");
    }
    for text in [TEXT.replace("\n5\n", "\n6\n"), TEXT.replace("orion", "lyra")] {
        let bad = CosignatureError::BadSignature { name: NAME.into() };
        assert_eq!(check(&text, &line(), &witness), Err(bad));
    }
}

#[test]
fn other_forms_are_refused() {
    let witness = witness(NAME, key().public());
    let refused = |line: NoteSignature| {
        matches!(check(TEXT, &line, &witness), Err(CosignatureError::Form { .. }))
    };
    for length in [0, 7, 8, 63, 71, 73] {
        let mut line = line();
        line.bytes.resize(length, 0);
        assert!(refused(line), "{length} bytes");
    }
    // A plain signature of the same key is no cosignature, and none under another name.
    let plain = Note::sign(TEXT, NAME, &key()).unwrap().signatures.remove(0);
    assert!(refused(plain));
    assert!(refused(NoteSignature { name: "witness.example/w2".into(), ..line() }));
    // A time beyond 2^63 - 1, well signed.
    let time = 1_u64 << 63;
    let signature = key().sign(message(TEXT, time).as_bytes());
    let bytes = [time.to_be_bytes().as_slice(), &signature].concat();
    assert!(refused(NoteSignature { bytes, ..line() }));
    assert!(cosign(TEXT, "a b", &key(), TIME).is_err());
}

#[test]
fn each_key_counts_once_and_strangers_do_not() {
    let other = SigningKey::from_seed(&[0x43; 32]);
    let mut note = Note::sign(TEXT, "relbook.example/orion", &other).unwrap();
    note.signatures.extend([
        line(),
        cosign(TEXT, NAME, &key(), TIME + 9).unwrap(),
        cosign(TEXT, "alias.example", &key(), TIME).unwrap(),
        cosign(TEXT, "stranger.example", &other, TIME).unwrap(),
    ]);
    let one = witness(NAME, key().public());
    let alias = witness("alias.example", key().public());
    let found = cosigners(&note, &[one.clone(), alias]).unwrap();
    assert_eq!(found, [Cosigned { witness: one.clone(), time: TIME + 9 }]);
    assert_eq!(cosigners(&note, &[]).unwrap(), []);
    // A bad line of a known witness is not saved by a good one.
    note.signatures[1].bytes[20] ^= 1;
    assert!(cosigners(&note, &[one]).is_err());
}

proptest! {
    #[test]
    fn what_is_cosigned_verifies(seed in any::<[u8; 32]>(), time in 0..u64::MAX / 2) {
        let key = SigningKey::from_seed(&seed);
        let line = cosign(TEXT, NAME, &key, time).unwrap();
        let read = NoteSignature::parse(&line.to_string()).unwrap();
        prop_assert_eq!(check(TEXT, &read, &witness(NAME, key.public())), Ok(time));
    }
}
