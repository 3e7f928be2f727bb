//! Backups: consistent while a writer works, whole or not there, verified before they are put in
//! place, and never put back unnoticed when they are stale.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use relbook_ledger::receipt::Receipt;
use relbook_ledger::store::{
    self, Backup, BackupError, BackupOptions, Ledger, RestoreOptions, Restored, VerifyFailure,
    VerifyOptions, Writer,
};
use serde_json::json;

use crate::scratch::*;

const ALL: BackupOptions = BackupOptions { private_keys: true, subject_keys: true };

fn save(book: &Scratch, to: &Path) -> Result<Backup, BackupError> {
    store::backup(book.dir(), to, BackupOptions::default(), &|_, _| ())
}

fn restore(from: &Path, to: &Path) -> Result<Restored, BackupError> {
    store::restore(from, to, &RestoreOptions::default(), &|_, _| ())
}

/// A book with evidence, and a directory for its copies.
fn book() -> (Scratch, tempfile::TempDir) {
    let book = Scratch::new().furnished().with_commits(&[3, 2]);
    let digest = format!("blake3:{}", blake3::hash(b"evidence").to_hex());
    let path = book.paths().blob(&digest).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, b"evidence").unwrap();
    let mut event = incident();
    event.insert("evidence".into(), json!([digest]));
    book.append(sign(event, &key(1)));
    (book, tempfile::tempdir().unwrap())
}

fn names(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => names.extend(self::names(&path).iter().map(|below| format!("{name}/{below}"))),
            false => names.push(name),
        }
    }
    names.sort();
    names
}

#[test]
fn a_restored_book_is_the_book_and_goes_on() {
    let (book, away) = book();
    for name in ["copy", "copy.tar"] {
        let (to, place) = (away.path().join(name), away.path().join(format!("{name}-restored")));
        let saved = store::backup(book.dir(), &to, ALL, &|_, _| ()).unwrap();
        let honest = book.ledger().checkpoint().unwrap();
        assert_eq!((saved.size, saved.checkpoint.as_str()), (honest.size, honest.note.as_str()));
        assert_eq!(saved.blobs(), 1);
        let restored = restore(&to, &place).unwrap();
        assert_eq!((restored.report.events, restored.report.root), (honest.size, honest.root));
        assert_eq!((restored.report.blobs.verified, restored.pin_size), (1, None));
        let writer = Writer::open_with_clock(&place, Box::new(book.clock.clone()));
        writer.unwrap().append(&[sign(incident(), &key(1))]).unwrap();
        let report = store::verify(&place, &VerifyOptions::default(), &|_, _| ()).unwrap();
        assert_eq!((report.events, report.truncation_checked), (honest.size + 1, true));
        assert_eq!(fs::read(place.join("keys/book.pem")).unwrap().len(), 119);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(place.join("keys/book.pem")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    assert_eq!(names(away.path()).iter().filter(|name| name.starts_with(".relbook-")).count(), 0);
}

#[test]
fn no_secret_is_saved_unless_asked_for() {
    let (book, away) = book();
    let key = relbook_ledger::seal::SubjectKey::from_bytes([7; 32]);
    book.paths().keep_subject_key("p_olga", &key).unwrap();
    let to = away.path().join("copy");
    save(&book, &to).unwrap();
    let saved = names(&to);
    let secret = |name: &&String| name.ends_with(".pem") || name.ends_with(".key");
    assert_eq!(saved.iter().filter(secret).count(), 0, "{saved:?}");
    assert!(saved.contains(&"keys/book.pub".to_owned()));
    let to = away.path().join("all");
    store::backup(book.dir(), &to, ALL, &|_, _| ()).unwrap();
    assert_eq!(names(&to).iter().filter(secret).count(), 3);
    // On another machine, with the public key alone.
    let place = away.path().join("elsewhere");
    let verify = VerifyOptions { book_key: Some(book.ledger().book_key()), ..Default::default() };
    let from = away.path().join("copy");
    store::restore(&from, &place, &RestoreOptions { verify }, &|_, _| ()).unwrap();
    assert_eq!(Ledger::open(&place).unwrap().size(), book.ledger().size());
    assert!(Writer::open(&place).unwrap_err().to_string().contains("book.pem"));
}

#[test]
fn a_private_key_that_the_book_gave_up_is_not_saved() {
    let (book, out) = book();
    book.writer().rotate_book_key(None).unwrap();
    let to = out.path().join("copy");
    let options = BackupOptions { private_keys: true, ..BackupOptions::default() };
    store::backup(book.dir(), &to, options, &|_, _| {}).unwrap();
    let is_key = |name: &&String| name.ends_with(".pem");
    let (all, saved) = (names(&book.dir().join("keys")), names(&to.join("keys")));
    assert_eq!(all.iter().filter(is_key).count(), 3, "{all:?}");
    assert_eq!(saved.iter().filter(is_key).collect::<Vec<_>>(), ["admin.pem", "book.pem"]);
    // What is there is enough to go on, as the key that is in force.
    let place = out.path().join("elsewhere");
    restore(&to, &place).unwrap();
    let mut writer = Writer::open(&place).unwrap();
    writer.append(&[sign(incident(), &key(1))]).unwrap();
}

#[test]
fn a_backup_is_one_state_while_a_writer_works() {
    let (book, away) = book();
    let done = AtomicBool::new(false);
    let copies = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut writer = book.writer();
            let mut appended = 0;
            while !done.load(Ordering::SeqCst) {
                writer.append(&[sign(incident(), &key(1)), sign(incident(), &key(1))]).unwrap();
                appended += 2;
            }
            appended
        });
        let saved: Vec<Backup> =
            (0..8).map(|n| save(&book, &away.path().join(format!("copy-{n}"))).unwrap()).collect();
        done.store(true, Ordering::SeqCst);
        assert!(writing.join().unwrap() > 0, "nothing was written meanwhile");
        saved
    });
    let sizes: Vec<u64> = copies.iter().map(|copy| copy.size).collect();
    assert!(sizes.is_sorted() && sizes.first() < sizes.last(), "{sizes:?}");
    for (n, saved) in copies.iter().enumerate() {
        let place = away.path().join(format!("place-{n}"));
        let restored = restore(&away.path().join(format!("copy-{n}")), &place).unwrap();
        assert_eq!(restored.report.events, saved.size);
        assert_eq!(book.ledger().root_at(saved.size).unwrap(), restored.report.root);
    }
}

#[test]
fn nothing_is_overwritten() {
    let (book, away) = book();
    let to = away.path().join("copy");
    save(&book, &to).unwrap();
    assert!(matches!(save(&book, &to), Err(BackupError::Exists { .. })));
    assert!(matches!(restore(&to, book.dir()), Err(BackupError::Exists { .. })));
    // Neither is what may hold the newest events of a book whose database is gone.
    let place = away.path().join("place");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("ledger.db-wal"), b"events").unwrap();
    assert!(matches!(restore(&to, &place), Err(BackupError::Exists { .. })));
    fs::remove_file(place.join("ledger.db-wal")).unwrap();
    // Nor another book's keys.
    fs::create_dir(place.join("keys")).unwrap();
    fs::write(place.join("keys/book.pub"), b"another").unwrap();
    assert!(matches!(restore(&to, &place), Err(BackupError::InTheWay { .. })));
    assert_eq!(fs::read(place.join("keys/book.pub")).unwrap(), b"another");
    assert!(!place.join("ledger.db").exists());
}

#[test]
fn a_lost_database_comes_back_beside_its_pin_and_keys() {
    let (book, away) = book();
    let to = away.path().join("copy");
    save(&book, &to).unwrap();
    fs::remove_file(book.paths().database()).unwrap();
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        drop(fs::remove_file(book.dir().join(name)));
    }
    let restored = restore(&to, book.dir()).unwrap();
    assert_eq!(restored.pin_size, Some(restored.report.events));
    // The private keys never were in the backup: they stayed.
    book.append(sign(incident(), &key(1)));
    assert_eq!(crate::verify::check(&book).events, restored.report.events + 1);
}

/// A backup, and what the book signed and acknowledged after it.
fn stale() -> (Scratch, tempfile::TempDir, PathBuf, String, Receipt) {
    let (book, away) = book();
    let to = away.path().join("copy");
    store::backup(book.dir(), &to, ALL, &|_, _| ()).unwrap();
    let seq = book.append(sign(incident(), &key(1))).seq;
    let (note, receipt) =
        (book.ledger().checkpoint().unwrap().note, book.ledger().receipt(seq).unwrap());
    (book, away, to, note, receipt)
}

fn code(failure: VerifyFailure) -> &'static str {
    match failure {
        VerifyFailure::Tampered(error) => error.code(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_stale_backup_is_not_restored_under_a_newer_pin() {
    let (book, _away, to, ..) = stale();
    fs::remove_file(book.paths().database()).unwrap();
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        drop(fs::remove_file(book.dir().join(name)));
    }
    let error = restore(&to, book.dir()).unwrap_err();
    let BackupError::Stale { size, pin_size, .. } = &error else { panic!("{error}") };
    assert_eq!(*pin_size, size + 1);
    assert!(error.to_string().contains("the backup is stale"), "{error}");
    assert!(!book.paths().database().exists());
}

#[test]
fn a_stale_backup_is_found_by_whatever_somebody_kept() {
    let (_book, away, to, note, receipt) = stale();
    let by_note = VerifyOptions { checkpoints: vec![note], ..VerifyOptions::default() };
    let by_receipt = VerifyOptions { receipts: vec![receipt], ..VerifyOptions::default() };
    // While restoring.
    for verify in [by_note.clone(), by_receipt.clone()] {
        let place = away.path().join("refused");
        let options = RestoreOptions { verify };
        match store::restore(&to, &place, &options, &|_, _| ()).unwrap_err() {
            BackupError::Verify(failure) => assert_eq!(code(failure), "given-ahead"),
            other => panic!("{other}"),
        }
        assert!(!place.exists());
    }
    // Afterwards.
    let place = away.path().join("place");
    restore(&to, &place).unwrap();
    let found = |options: &VerifyOptions| {
        code(store::verify(&place, options, &|_, _| ()).map(|_| ()).unwrap_err())
    };
    assert_eq!((found(&by_note), found(&by_receipt)), ("given-ahead", "given-ahead"));
    // Also after a writer went on, longer than what was lost: a fork.
    let mut writer = Writer::open(&place).unwrap();
    writer.append(&[sign(incident(), &key(1)), sign(incident(), &key(1))]).unwrap();
    drop(writer);
    assert_eq!((found(&by_note), found(&by_receipt)), ("given-root", "given-root"));
}

#[test]
fn a_stale_database_put_beside_a_newer_pin_is_not_written_to() {
    let (book, _away, to, ..) = stale();
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        drop(fs::remove_file(book.dir().join(name)));
    }
    fs::copy(to.join("ledger.db"), book.paths().database()).unwrap();
    let error = Writer::open(book.dir()).unwrap_err().to_string();
    assert!(error.contains("were acknowledged"), "{error}");
    assert_eq!(crate::verify::found(&book).code(), "pin-ahead");
}

#[test]
fn a_backup_of_a_book_that_was_rolled_back_is_refused() {
    let (book, away, to, ..) = stale();
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        drop(fs::remove_file(book.dir().join(name)));
    }
    fs::copy(to.join("ledger.db"), book.paths().database()).unwrap();
    let again = away.path().join("again");
    match save(&book, &again).unwrap_err() {
        BackupError::Verify(failure) => assert!(code(failure).ends_with("-ahead")),
        other => panic!("{other}"),
    }
    assert!(!again.exists());
}

#[test]
fn no_changed_byte_of_a_backup_is_put_in_place() {
    let (book, away) = book();
    let to = away.path().join("copy");
    store::backup(book.dir(), &to, ALL, &|_, _| ()).unwrap();
    let place = away.path().join("place");
    let mut refused = 0;
    for name in names(&to) {
        let path = to.join(&name);
        let honest = fs::read(&path).unwrap();
        for at in (0..honest.len()).step_by(honest.len() / 7 + 1) {
            let mut changed = honest.clone();
            changed[at] ^= 0x20;
            fs::write(&path, &changed).unwrap();
            match restore(&to, &place) {
                Err(_) => refused += 1,
                // The list of files has words that nothing rests on, such as when it was made.
                Ok(restored) if name == "manifest.json" => {
                    assert_eq!(restored.report.root, book.ledger().checkpoint().unwrap().root);
                    fs::remove_dir_all(&place).unwrap();
                }
                Ok(_) => panic!("byte {at} of {name} was changed and restored"),
            }
            assert!(!place.exists(), "{name}");
        }
        fs::remove_file(&path).unwrap();
        assert!(restore(&to, &place).is_err(), "{name} is missing");
        fs::write(&path, honest).unwrap();
    }
    assert!(refused > 20, "{refused}");
    restore(&to, &place).unwrap();
}

#[test]
fn an_archive_leads_nowhere_else() {
    let away = tempfile::tempdir().unwrap();
    let path = away.path().join("evil.tar");
    for (name, kind) in [
        ("../outside", tar::EntryType::Regular),
        ("keys/../../outside", tar::EntryType::Regular),
        ("pin", tar::EntryType::Symlink),
        ("views.db", tar::EntryType::Regular),
    ] {
        let mut archive = tar::Builder::new(fs::File::create(&path).unwrap());
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o644);
        if kind == tar::EntryType::Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        archive.append(&header, std::io::empty()).unwrap();
        archive.into_inner().unwrap();
        let error = restore(&path, &away.path().join("place")).unwrap_err();
        assert!(matches!(error, BackupError::NotABackup { .. }), "{name}: {error}");
    }
    assert_eq!(names(away.path()), ["evil.tar"]);
    fs::write(&path, b"no archive at all").unwrap();
    assert!(restore(&path, &away.path().join("place")).is_err());
    let nothing = restore(&away.path().join("nothing"), &away.path().join("place"));
    assert!(matches!(nothing, Err(BackupError::NotABackup { .. })));
}
