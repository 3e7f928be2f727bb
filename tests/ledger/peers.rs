//! Other people's implementations of the formats, on a book of ours: the crates `signed_note` and
//! `tlog_tiles`. (Go's are in `tests/interop`.)

use relbook_ledger::note::verifier_key;
use relbook_ledger::store::Ledger;
use relbook_ledger::tree::leaf_hash;
use relbook_ledger::tree::proof::TileSource as _;
use relbook_ledger::tree::tile::TileId;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Error, Hash, HashReader as _, Tile, TileHashReader, TileReader, check_record,
    check_tree, prove_record, prove_tree, record_hash, stored_hash_index,
};

use crate::report;
use crate::scratch::*;

/// Our tiles as `tlog_tiles` asks for them.
struct Tiles<'a>(&'a Ledger);

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| {
            let id = TileId { level: tile.level(), index: tile.level_index() };
            let hashes = self.0.tile(id).unwrap().unwrap();
            // A partial tile may have grown since the asked size.
            hashes[..tile.width() as usize].as_flattened().to_vec()
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn peers_read_our_checkpoints_tiles_and_proofs() {
    let book = Scratch::new().furnished().with_commits(&[1, 250, 3, 300, 77]);
    let ledger = book.ledger();
    let verifier = verifier_key(ORIGIN, &ledger.book_key());
    let (mut notes, mut records, mut trees) = (0, 0, 0);
    let mut earlier = None;
    for ours in ledger.checkpoints(0..u64::MAX).unwrap() {
        let verifier = StandardVerifier::new(&verifier).unwrap();
        let note = Note::from_bytes(ours.note.as_bytes()).unwrap();
        let (verified, rest) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        assert_eq!((verified.len(), rest.len()), (1, 0));
        let point = Checkpoint::from_bytes(note.text()).unwrap();
        assert_eq!((point.origin(), point.size(), point.hash().0), (ORIGIN, ours.size, ours.root));
        assert_eq!(point.extension(), "");
        notes += 1;
        let (size, root) = (ours.size, Hash(ours.root));
        let tiles = Tiles(&ledger);
        // This reader proves each tile that it reads against the root.
        let reader = TileHashReader::new(size, root, &tiles);
        for seq in (0..size).step_by(37).chain([size - 1]) {
            let entry = ledger.entry(seq).unwrap().unwrap();
            assert_eq!(record_hash(&entry).0, leaf_hash(&entry));
            let stored = reader.read_hashes(&[stored_hash_index(0, seq)]).unwrap();
            assert_eq!(stored, [record_hash(&entry)]);
            let proof: Vec<Hash> =
                ledger.prove_inclusion(seq, size).unwrap().into_iter().map(Hash).collect();
            check_record(&proof, size, root, seq, record_hash(&entry)).unwrap();
            assert_eq!(prove_record(size, seq, &reader).unwrap(), proof);
            records += 1;
        }
        if let Some((from, from_root)) = earlier {
            let proof: Vec<Hash> =
                ledger.prove_consistency(from, size).unwrap().into_iter().map(Hash).collect();
            check_tree(&proof, size, root, from, from_root).unwrap();
            assert_eq!(prove_tree(size, from, &reader).unwrap(), proof);
            trees += 1;
        }
        earlier = Some((size, root));
    }
    report::line(&format!(
        "signed_note and tlog_tiles: {notes} checkpoints, {records} inclusion proofs, {trees} \
         consistency proofs read and made alike"
    ));
    assert!(notes > 5 && records > 30 && trees > 4, "{notes} {records} {trees}");
}
