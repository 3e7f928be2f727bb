//! Saving: the database through SQLite's online backup, then what it refers to, then the proof
//! that the copy is whole, then the list of files, then the name.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{Backup, BackupError, BackupFile, FORMAT, MANIFEST, archive, parent, workshop};
use crate::checkpoint::root_base64;
use crate::rotation::BookKeys;
use crate::store::blob::Sums;
use crate::store::clock::{Clock as _, SystemClock};
use crate::store::rotate::retired_name;
use crate::store::{BookPaths, Ledger, VerifyOptions, durable, pin, sqlite, verify};

/// What goes into a backup beside the public part.
#[derive(Debug, Clone, Copy, Default)]
pub struct BackupOptions {
    /// The private keys of the book, but for those that it has given up: whoever reads the backup
    /// can then sign as the book.
    pub private_keys: bool,
    /// The keys of sealed texts: the backup then opens them, also after an erasure in the book.
    pub subject_keys: bool,
}

/// Saves the book in `dir` to a new directory, or to a new file when the name ends in `.tar`; a
/// writer may work meanwhile. `progress` hears of events verified and in all.
///
/// # Errors
/// [`BackupError::Exists`], [`BackupError::Verify`] when the copy does not verify, and what keeps
/// files from being read or written.
pub fn backup(
    dir: &Path,
    to: &Path,
    options: BackupOptions,
    progress: &dyn Fn(u64, u64),
) -> Result<Backup, BackupError> {
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let book = BookPaths::new(dir);
    // Read before the copy is made: a writer may append in between, but never take back.
    let path = book.pin();
    let pinned = pin::read(&path).map_err(BackupError::io(&path))?;
    let source = sqlite::open_read(&book.database())?;
    let work = workshop(to)?;
    let root = work.path().join("book");
    fs::create_dir(&root).map_err(BackupError::io(&root))?;
    let copy = BookPaths::new(&root);
    copy_database(&source, &copy.database())?;
    drop(source);
    let ledger = Ledger::open(&root)?;
    let checkpoint = ledger.checkpoint()?;
    let (origin, book_key) = (ledger.origin().to_owned(), ledger.book_key());
    let former: Vec<String> = former_keys(&ledger.book_keys());
    drop(ledger);
    let path = copy.pin();
    durable::create(&path, checkpoint.note.as_bytes(), false).map_err(BackupError::io(&path))?;
    let mut saved = vec!["ledger.db".to_owned(), "pin".to_owned()];
    for name in parts(dir, options)?.into_iter().filter(|name| !former.contains(name)) {
        if copy_file(&dir.join(&name), &root.join(&name))? {
            saved.push(name);
        }
    }
    let known =
        VerifyOptions { checkpoints: pinned.into_iter().collect(), ..VerifyOptions::default() };
    verify(&root, &known, progress)?;
    let files = saved.into_iter().map(|path| entry(&root, path)).collect::<Result<_, _>>()?;
    let backup = Backup {
        format: FORMAT.to_owned(),
        origin,
        book_key: book_key.to_hex(),
        size: checkpoint.size,
        root: root_base64(&checkpoint.root),
        checkpoint: checkpoint.note,
        made_at: SystemClock.now().to_string(),
        private_keys: options.private_keys,
        subject_keys: options.subject_keys,
        files,
    };
    let manifest = root.join(MANIFEST);
    let text = serde_json::to_string_pretty(&backup).unwrap_or_default() + "\n";
    durable::create(&manifest, text.as_bytes(), false).map_err(BackupError::io(&manifest))?;
    if to.extension().is_some_and(|extension| extension == "tar") {
        let packed = work.path().join("book.tar");
        let names = backup.files.iter().map(|file| file.path.as_str());
        archive::pack(&root, names, &packed).map_err(BackupError::io(&packed))?;
        // A link fails where a file has appeared meanwhile; a rename would replace it.
        fs::hard_link(&packed, to)
            .or_else(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Err(error),
                // A file system without links.
                _ => fs::rename(&packed, to),
            })
            .map_err(BackupError::io(to))?;
    } else {
        sync_dirs(&root).map_err(BackupError::io(&root))?;
        fs::rename(&root, to).map_err(BackupError::io(to))?;
    }
    durable::sync_parent(to).map_err(BackupError::io(parent(to)))?;
    Ok(backup)
}

/// Copies the database as it is at one commit, into a file that needs no log beside it.
fn copy_database(source: &Connection, path: &Path) -> Result<(), BackupError> {
    let copied = || -> rusqlite::Result<()> {
        let mut target = Connection::open(path)?;
        let backup = rusqlite::backup::Backup::new(source, &mut target)?;
        // All pages in one step: one reading transaction, which no writer can make begin anew.
        if backup.step(-1)? != rusqlite::backup::StepResult::Done {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                None,
            ));
        }
        drop(backup);
        target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))
    };
    copied().map_err(BackupError::Copy)?;
    File::open(path).and_then(|file| file.sync_all()).map_err(BackupError::io(path))
}

/// Names the private keys that the book has given up: nothing needs them, and whoever reads one can
/// sign a history that parts before the change.
fn former_keys(keys: &BookKeys) -> Vec<String> {
    let retired = keys.rotations().iter().map(|rotation| retired_name(&rotation.previous));
    retired.map(|name| format!("keys/{name}.pem")).collect()
}

/// Names the files beside database and pin that a backup holds, below the book's directory.
fn parts(dir: &Path, options: BackupOptions) -> Result<Vec<String>, BackupError> {
    let mut names = Vec::new();
    for name in list(dir, "keys")? {
        if options.private_keys || name.ends_with(".pub") {
            names.push(name);
        }
    }
    if options.subject_keys {
        names.extend(list(dir, "subjects")?.into_iter().filter(|name| name.ends_with(".key")));
    }
    for algorithm in ["blobs/blake3", "blobs/sha256"] {
        for start in list(dir, algorithm)? {
            // A file that is being written has another name.
            names.extend(list(dir, &start)?.into_iter().filter(|name| super::is_part(name)));
        }
    }
    Ok(names)
}

fn list(dir: &Path, below: &str) -> Result<Vec<String>, BackupError> {
    let path = dir.join(below);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Vec::new()),
        Err(error) => return Err(BackupError::io(&path)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(BackupError::io(&path))?.file_name();
        names.extend(name.to_str().map(|name| format!("{below}/{name}")));
    }
    names.sort();
    Ok(names)
}

/// Copies a file durably; tells whether it was still there.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<bool, BackupError> {
    let secret = to.extension().is_some_and(|extension| extension == "pem" || extension == "key");
    let file = match File::open(from) {
        Ok(file) => file,
        // A blob whose event was refused goes away again.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(BackupError::io(from)(error)),
    };
    if !file.metadata().map_err(BackupError::io(from))?.is_file() {
        return Ok(false);
    }
    write_new(file, to, secret)?;
    Ok(true)
}

/// Writes a new file durably, below directories that are made.
pub(super) fn write_new(from: impl io::Read, to: &Path, secret: bool) -> Result<Sums, BackupError> {
    let dir: PathBuf = parent(to).to_owned();
    if secret || dir.ends_with("keys") {
        durable::create_secret_dir(&dir).map_err(BackupError::io(&dir))?;
    } else {
        fs::create_dir_all(&dir).map_err(BackupError::io(&dir))?;
    }
    let mut file = durable::new_file(to, secret).map_err(BackupError::io(to))?;
    let sums = Sums::while_copying(from, &mut file).map_err(BackupError::io(to))?;
    file.flush().and_then(|()| file.sync_all()).map_err(BackupError::io(to))?;
    Ok(sums)
}

fn entry(root: &Path, path: String) -> Result<BackupFile, BackupError> {
    let file = root.join(&path);
    let Sums { bytes, blake3, sha256 } = Sums::of(&file).map_err(BackupError::io(&file))?;
    Ok(BackupFile { path, bytes, blake3, sha256 })
}

/// Makes the names in a directory, and in those below it, durable.
pub(super) fn sync_dirs(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_dirs(&entry.path())?;
        }
    }
    durable::sync_parent(&dir.join("any"))
}
