//! Go's packages for transparency logs (`golang.org/x/mod/sumdb/note` and `tlog`) on a book of
//! ours: they open its checkpoints, check its proofs and make the same ones out of its tiles.
//!
//! The test lays a directory as `tests/interop/go/main.go` describes it and runs that program.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use relbook_ledger::cosignature;
use relbook_ledger::note::{Note, verifier_key};
use relbook_ledger::store::{Ledger, store_cosignatures};
use relbook_ledger::tree::Hash;
use relbook_ledger::tree::proof::TileSource as _;
use relbook_ledger::tree::tile::{TILE_HEIGHT, TILE_WIDTH, TileEdge, TileId};

use crate::report;
use crate::scratch::*;

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Returns the path of a tile in the layout of tlog-tiles.
fn tile_path(id: TileId, width: usize) -> String {
    let mut number = format!("{:03}", id.index % 1_000);
    let mut rest = id.index / 1_000;
    while rest > 0 {
        number = format!("x{:03}/{number}", rest % 1_000);
        rest /= 1_000;
    }
    let partial = if width < TILE_WIDTH { format!(".p/{width}") } else { String::new() };
    format!("tile/{}/{number}{partial}", id.level)
}

fn lines(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| (STANDARD.encode(hash) + "\n").into_bytes()).collect()
}

fn lay_out(ledger: &Ledger, dir: &Path) {
    write(&dir.join("key"), verifier_key(ORIGIN, &ledger.book_key()).as_bytes());
    let size = ledger.size();
    for point in ledger.checkpoints(0..u64::MAX).unwrap() {
        write(&dir.join(format!("checkpoints/{}", point.size)), point.note.as_bytes());
        if point.size < size {
            let proof = ledger.prove_consistency(point.size, size).unwrap();
            write(&dir.join(format!("consistency/{}", point.size)), &lines(&proof));
        }
    }
    let whole = (0..8_u8).flat_map(|level| {
        let count = size.checked_shr(TILE_HEIGHT * (u32::from(level) + 1)).unwrap_or(0);
        (0..count).map(move |index| (TileId { level, index }, TILE_WIDTH))
    });
    for (id, width) in whole.chain(TileEdge::partial_ids(size)) {
        let tile = ledger.tile(id).unwrap().unwrap();
        write(&dir.join(tile_path(id, width)), tile.as_flattened());
    }
    for seq in (0..size).step_by(11).chain([size - 1]) {
        write(&dir.join(format!("entries/{seq}")), &ledger.entry(seq).unwrap().unwrap());
        let proof = ledger.prove_inclusion(seq, size).unwrap();
        write(&dir.join(format!("inclusion/{seq}")), &lines(&proof));
    }
}

/// Lets witnesses cosign the checkpoint of a size, and the book keep their lines.
fn cosign(book: &Scratch, size: u64, witnesses: &[u8]) {
    let checkpoint = book.ledger().checkpoints(size..size + 1).unwrap().remove(0);
    let text = Note::parse(&checkpoint.note).unwrap().text;
    let line = |n: &u8| {
        let name = format!("witness.example/w{n}");
        cosignature::cosign(&text, &name, &key(*n), 1_780_000_000).unwrap()
    };
    let lines: Vec<_> = witnesses.iter().map(line).collect();
    assert_eq!(store_cosignatures(book.dir(), size, &lines).unwrap(), lines.len());
}

#[test]
fn go_reads_our_checkpoints_tiles_and_proofs() {
    let book = Scratch::new().furnished().with_commits(&[1, 250, 3, 300, 77]);
    // Of the newest checkpoint two witnesses, of one before it one.
    cosign(&book, 636, &[21, 22]);
    cosign(&book, 259, &[21]);
    let scratch = tempfile::tempdir().unwrap();
    lay_out(&book.ledger(), scratch.path());
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/go");
    let binary = scratch.path().join("interop");
    let build = Command::new("go").args(["build", "-o"]).arg(&binary).current_dir(program).output();
    let Ok(build) = build else { return report::skip("Go's note and tlog", "go") };
    if !build.status.success() {
        let said = String::from_utf8_lossy(&build.stderr);
        return report::skip(
            "Go's note and tlog",
            &format!("the module golang.org/x/mod ({said})"),
        );
    }
    let output = Command::new(binary).arg(scratch.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    report::line(&format!("Go's note and tlog agree on {}", text.trim()));
    assert!(text.contains(" notes, 3 lines of witnesses passed over and kept, "), "{text}");
}
