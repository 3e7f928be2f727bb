//! The segments are a cache: with them, without them, or with whatever became of them, the same
//! rows.
//!
//! Method: every log table is read whole without a cache, and again after something was done to
//! the cache; a segment holds few events here, so that a short history has many.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use relbook_ledger::time::Time;
use relbook_query::sql::{Limits, Session, listing};
use relbook_testkit::history::{History, Shape};
use relbook_testkit::scratch::Scratch;
use serde_json::Value;

use super::{line, run, session_with};
use crate::ask::cases;

const SHAPE: Shape = Shape { components: 2, targets: 2, seed: 4 };

fn small(events: u64) -> Limits {
    Limits { segment_events: events, ..Limits::default() }
}

/// Opens a session that seals nothing and so reads the ledger.
fn plain(dir: &Path) -> Session {
    session_with(dir, small(u64::MAX), |lens| lens)
}

/// Opens a session whose segments hold 32 events.
fn sealed(dir: &Path) -> Session {
    session_with(dir, small(32), |lens| lens)
}

fn tables() -> Vec<String> {
    let listing = listing::log_tables();
    let tables = listing.as_array().unwrap().iter();
    tables.map(|table| table["table"].as_str().unwrap().to_owned()).collect()
}

/// Reads every log table whole, as sorted lines.
fn dump(session: &Session) -> Vec<(String, Vec<String>)> {
    let rows = |table: &str| {
        let rows = run(session, &format!("SELECT * FROM {table}")).to_json_rows();
        let mut lines: Vec<String> = rows.iter().map(Value::to_string).collect();
        lines.sort_unstable();
        lines
    };
    tables().into_iter().map(|table| (table.clone(), rows(&table))).collect()
}

#[track_caller]
fn same(got: &[(String, Vec<String>)], expected: &[(String, Vec<String>)], when: &str) {
    for ((table, rows), (_, wanted)) in got.iter().zip(expected) {
        assert_eq!(rows.len(), wanted.len(), "rows of {table}, {when}");
        assert!(rows == wanted, "{table}, {when}");
    }
}

fn scratch(seed: u64, events: usize) -> Scratch {
    let mut scratch = Scratch::simulated();
    scratch.append(&History::new(Shape { seed, ..SHAPE }).take(events));
    scratch
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir.join("segments"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "parquet"))
        .collect();
    files.sort();
    files
}

#[test]
fn rows_are_the_same_with_segments_and_without() {
    let scratch = scratch(4, 300);
    let dir = scratch.path();
    let expected = dump(&plain(&dir));
    assert!(segments(&dir).is_empty());
    same(&dump(&sealed(&dir)), &expected, "just sealed");
    let files = segments(&dir);
    assert!(files.len() > 40, "{}", files.len());
    same(&dump(&sealed(&dir)), &expected, "sealed before");
    assert_eq!(segments(&dir), files, "nothing is sealed twice");
}

#[test]
fn what_is_deleted_comes_back() {
    let scratch = scratch(5, 200);
    let dir = scratch.path();
    let expected = dump(&plain(&dir));
    let open = sealed(&dir);
    same(&dump(&open), &expected, "at first");
    fs::remove_file(&segments(&dir)[3]).unwrap();
    same(&dump(&open), &expected, "one file deleted under an open session");
    fs::remove_file(dir.join("segments/manifest.json")).unwrap();
    same(&dump(&sealed(&dir)), &expected, "the manifest deleted");
    fs::remove_dir_all(dir.join("segments")).unwrap();
    same(&dump(&open), &expected, "all deleted under an open session");
    fs::remove_dir_all(dir.join("segments")).unwrap();
    same(&dump(&sealed(&dir)), &expected, "all deleted");
    assert!(!segments(&dir).is_empty());
}

/// Ways in which a file is spoilt: its content becomes this.
fn spoilt(content: &[u8], turn: usize) -> Vec<u8> {
    let mut spoilt = content.to_vec();
    let at = (turn * 7919 + 13) % content.len();
    match turn % 6 {
        0 => spoilt.truncate(at),
        1 => spoilt.clear(),
        2 => spoilt.extend(b"more"),
        // Of the same length: only the sums can tell.
        3 => spoilt[at] ^= 1 << (turn % 8),
        4 => spoilt[content.len() - 9] ^= 0x10,
        _ => spoilt = vec![0; content.len()],
    }
    spoilt
}

#[test]
fn a_damaged_file_changes_no_row() {
    let scratch = scratch(6, 130);
    let dir = scratch.path();
    let expected = dump(&plain(&dir));
    same(&dump(&sealed(&dir)), &expected, "at first");
    let files = segments(&dir);
    for (turn, file) in files.iter().enumerate() {
        let content = fs::read(file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let table = name.split('-').next().unwrap();
        let sql = format!("SELECT * FROM {table} ORDER BY seq");
        let wanted = run(&plain(&dir), &sql).to_json_rows();
        for under in [false, true] {
            let open = sealed(&dir);
            if under {
                run(&open, "SELECT 1 FROM events LIMIT 1");
            }
            fs::write(file, spoilt(&content, turn + usize::from(under))).unwrap();
            let session = if under { open } else { sealed(&dir) };
            let got = run(&session, &sql).to_json_rows();
            assert!(got == wanted, "{name}, turn {turn}, under an open session: {under}");
        }
        // What was found damaged was made again; what was not found is still spoilt.
        sealed(&dir).check_segments().unwrap();
        assert_eq!(fs::read(file).unwrap(), content, "{name} is made again, byte for byte");
    }
    same(&dump(&sealed(&dir)), &expected, "in the end");
}

#[test]
fn a_flipped_bit_anywhere_is_never_a_row() {
    let scratch = scratch(6, 40);
    let dir = scratch.path();
    let sql = "SELECT * FROM events ORDER BY seq";
    let wanted = run(&plain(&dir), sql).to_json_rows();
    let open = sealed(&dir);
    assert!(run(&open, sql).to_json_rows() == wanted);
    let files = segments(&dir);
    let file = files.iter().find(|path| path.to_str().unwrap().contains("events-0")).unwrap();
    let content = fs::read(file).unwrap();
    for at in (0..content.len()).step_by(content.len() / 23) {
        let mut flipped = content.clone();
        flipped[at] ^= 4;
        fs::write(file, flipped).unwrap();
        assert!(run(&open, sql).to_json_rows() == wanted, "byte {at} of {}", content.len());
    }
}

#[test]
fn a_manifest_that_was_changed_is_not_believed() {
    let scratch = scratch(7, 100);
    let dir = scratch.path();
    let expected = dump(&plain(&dir));
    same(&dump(&sealed(&dir)), &expected, "at first");
    let path = dir.join("segments/manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    for (what, other) in [
        ("no JSON", "{".to_owned()),
        ("empty", String::new()),
        ("another version", text.replace("\"version\":", "\"version\":9")),
        ("other row counts", text.replace("\"rows\":", "\"rows\":1")),
        ("other times", text.replace("\"occurred_max\":", "\"occurred_max\":-")),
        ("another file", text.replace("builds-0", "../../../../etc/passwd")),
        ("another end", text.replace("\"end\":32", "\"end\":64")),
    ] {
        assert_ne!(other, text, "{what}");
        fs::write(&path, other).unwrap();
        same(&dump(&sealed(&dir)), &expected, what);
    }
}

#[test]
fn segments_of_another_book_or_of_an_older_manifest() {
    let (mut one, other) = (scratch(8, 100), scratch(9, 100));
    let (dir, foreign) = (one.path(), other.path());
    drop(dump(&sealed(&foreign)));
    fs::create_dir_all(dir.join("segments")).unwrap();
    for entry in fs::read_dir(foreign.join("segments")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, dir.join("segments").join(path.file_name().unwrap())).unwrap();
    }
    same(&dump(&sealed(&dir)), &dump(&plain(&dir)), "with the segments of another book");
    let manifest = dir.join("segments/manifest.json");
    let older = fs::read(&manifest).unwrap();
    let mut history = History::new(Shape { seed: 8, ..SHAPE });
    history.take(100);
    one.append(&history.take(100));
    let expected = dump(&plain(&dir));
    same(&dump(&sealed(&dir)), &expected, "after more events");
    fs::write(&manifest, older).unwrap();
    same(&dump(&sealed(&dir)), &expected, "with an older manifest");
}

#[test]
fn a_session_is_a_snapshot_and_the_next_one_sees_more() {
    let mut scratch = Scratch::simulated();
    let mut history = History::new(SHAPE);
    scratch.append(&history.take(62));
    let dir = scratch.path();
    let count = "SELECT count(*) FROM events";
    let first = sealed(&dir);
    assert_eq!(line(&first, count), "64");
    scratch.append(&history.take(100));
    assert_eq!(line(&first, count), "64");
    assert_eq!(line(&sealed(&dir), count), "164");
    same(&dump(&sealed(&dir)), &dump(&plain(&dir)), "later");
}

#[test]
fn sessions_seal_at_the_same_time() {
    let scratch = scratch(10, 200);
    let dir = scratch.path();
    let expected = dump(&plain(&dir));
    std::thread::scope(|scope| {
        for turn in 0..4 {
            let (dir, expected) = (&dir, &expected);
            scope.spawn(move || {
                same(&dump(&sealed(dir)), expected, "all at once");
                if turn == 1 {
                    drop(fs::remove_dir_all(dir.join("segments")));
                }
                same(&dump(&sealed(dir)), expected, "and again");
            });
        }
    });
}

#[test]
fn segments_that_are_always_lost_cost_time_only() {
    let scratch = scratch(12, 200);
    let dir = scratch.path();
    let expected = dump(&plain(&dir));
    let asked = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Only what was sealed whole goes: a session must believe that it has it.
            while !asked.load(Ordering::Relaxed) {
                let listed = fs::read(dir.join("segments").join("manifest.json")).is_ok();
                for file in listed.then(|| segments(&dir)).into_iter().flatten() {
                    drop(fs::remove_file(file));
                }
            }
        });
        let dumped = std::panic::catch_unwind(|| dump(&sealed(&dir)));
        asked.store(true, Ordering::Relaxed);
        same(&dumped.unwrap(), &expected, "while they are deleted");
    });
}

#[test]
fn a_directory_that_cannot_be_written_costs_time_only() {
    let scratch = scratch(11, 100);
    let dir = scratch.path();
    let expected = dump(&plain(&dir));
    let path = dir.join("segments");
    // A file in the way, and a directory in which nobody, root included, can make a file.
    fs::write(&path, "in the way").unwrap();
    same(&dump(&sealed(&dir)), &expected, "with a file in the way");
    fs::remove_file(&path).unwrap();
    if Path::new("/proc/self/fd").is_dir() {
        std::os::unix::fs::symlink("/proc/self/fd", &path).unwrap();
        same(&dump(&sealed(&dir)), &expected, "where nothing can be made");
        fs::remove_file(&path).unwrap();
    }
    // Sealed once, read-only ever after, as on a medium for auditors.
    drop(dump(&sealed(&dir)));
    let read_only = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    read_only(0o555);
    same(&dump(&sealed(&dir)), &expected, "sealed and read-only");
    read_only(0o755);
}

proptest! {
    #![proptest_config(cases(6))]

    /// Where segments begin and end, and what the lens cuts through, changes no row.
    #[test]
    fn boundaries_anywhere_give_the_same_rows(
        seed in 1_u64..50,
        events in 30_usize..160,
        size in 1_u64..40,
        again in 1_u64..40,
        known in 0_u64..170,
        at in 0_usize..160,
    ) {
        let mut scratch = Scratch::simulated();
        let history = History::new(Shape { seed, ..SHAPE }).take(events);
        scratch.append(&history);
        let dir = scratch.path();
        let as_of = history[at.min(events - 1)]["occurred_at"].as_str().unwrap();
        let as_of = Time::parse(as_of).unwrap();
        let looks: [&dyn Fn(u64) -> Session; 3] = [
            &|size| session_with(&dir, small(size), |lens| lens),
            &|size| session_with(&dir, small(size), |mut lens| { lens.as_known = known; lens }),
            &|size| session_with(&dir, small(size), |mut lens| { lens.as_of = as_of; lens }),
        ];
        for look in looks {
            let expected = dump(&look(u64::MAX));
            same(&dump(&look(size)), &expected, &format!("segments of {size}"));
            same(&dump(&look(again)), &expected, &format!("then of {again}"));
        }
    }
}
