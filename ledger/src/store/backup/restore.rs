//! Restoring: copy beside the place, compare with the list of files, verify the book, compare with
//! what the place itself still knows, and only then move in, the database last.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use super::save::{sync_dirs, write_new};
use super::{
    Backup, BackupError, BackupFile, MANIFEST, MANIFEST_BYTES_MAX, archive, parent, workshop,
};
use crate::checkpoint::{Checkpoint, root_base64};
use crate::note::Note;
use crate::store::lock::WriterLock;
use crate::store::verify::Report;
use crate::store::{BookPaths, VerifyOptions, durable, pin, verify};

/// What to check a backup against besides itself.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// What `verify` is given: the book's key, kept checkpoints and receipts.
    pub verify: VerifyOptions,
}

/// What was restored.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What the backup said it holds.
    pub backup: Backup,
    /// What was proven of it.
    pub report: Report,
    /// The number of events under the pin that the place still had, if it had one.
    pub pin_size: Option<u64>,
}

/// Restores a backup, a directory or a tar file, to `to`, where there must be no book.
///
/// A pin, keys or blobs that are still there stay; where they contradict the backup, nothing is
/// restored.
///
/// # Errors
/// [`BackupError::Exists`] over a book, [`BackupError::Stale`] under a newer pin,
/// [`BackupError::Changed`] and [`BackupError::Verify`] for a backup that is not whole.
pub fn restore(
    from: &Path,
    to: &Path,
    options: &RestoreOptions,
    progress: &dyn Fn(u64, u64),
) -> Result<Restored, BackupError> {
    let place = BookPaths::new(to);
    free(&place)?;
    let work = workshop(to)?;
    let root = work.path().join("book");
    fs::create_dir(&root).map_err(BackupError::io(&root))?;
    let backup = fetch(from, &work, &root)?;
    let path = place.pin();
    let pinned = pin::read(&path).map_err(BackupError::io(&path))?;
    let mut known = options.verify.clone();
    let pin_size = match &pinned {
        None => None,
        Some(note) => {
            let size = newer(&place, note, &backup)?;
            known.checkpoints.push(note.clone());
            Some(size)
        }
    };
    let report = verify(&root, &known, progress)?;
    if report.events != backup.size || root_base64(&report.root) != backup.root {
        let detail = format!("its book has {} events, not {}", report.events, backup.size);
        return Err(BackupError::Changed { path: MANIFEST.into(), detail });
    }
    put_in_place(&root, &place, &backup)?;
    Ok(Restored { backup, report, pin_size })
}

/// Refuses a place where there is a book, or what may be the newest part of one.
fn free(place: &BookPaths) -> Result<(), BackupError> {
    let database = place.database();
    for suffix in ["", "-wal", "-journal"] {
        let mut path = database.clone().into_os_string();
        path.push(suffix);
        let path = Path::new(&path);
        match path.symlink_metadata() {
            Ok(_) => return Err(BackupError::Exists { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BackupError::io(path)(error)),
        }
    }
    Ok(())
}

/// Copies the files of a backup into `root` and compares each with the list.
fn fetch(from: &Path, work: &tempfile::TempDir, root: &Path) -> Result<Backup, BackupError> {
    let meta = from.metadata().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BackupError::NotABackup {
            path: from.to_owned(),
            detail: "there is no such file".to_owned(),
        },
        _ => BackupError::io(from)(error),
    })?;
    let unpacked = work.path().join("unpacked");
    let dir = if meta.is_dir() {
        from
    } else {
        archive::unpack(from, &unpacked)?;
        &unpacked
    };
    let manifest = dir.join(MANIFEST);
    let mut bytes = Vec::new();
    File::open(&manifest)
        .and_then(|file| file.take(MANIFEST_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| BackupError::NotABackup {
            path: from.to_owned(),
            detail: format!("{MANIFEST}: {error}"),
        })?;
    let backup = Backup::parse(from, &bytes)?;
    for file in &backup.files {
        fetch_file(dir, root, file)?;
    }
    Ok(backup)
}

fn fetch_file(dir: &Path, root: &Path, file: &BackupFile) -> Result<(), BackupError> {
    let changed = |detail: &str| BackupError::Changed {
        path: (&file.path).into(),
        detail: detail.to_owned(),
    };
    let (from, to) = (dir.join(&file.path), root.join(&file.path));
    let open = File::open(&from).map_err(|error| changed(&error.to_string()))?;
    let secret = file.path.ends_with(".pem") || file.path.ends_with(".key");
    // No more than was saved: a device or a file without end must not fill the disk.
    let sums = write_new(open.take(file.bytes.saturating_add(1)), &to, secret)?;
    if sums.bytes != file.bytes {
        return Err(changed(&format!("it has not the {} bytes that were saved", file.bytes)));
    }
    if sums.blake3 != file.blake3 || sums.sha256 != file.sha256 {
        return Err(changed("it has another digest than when it was saved"));
    }
    Ok(())
}

/// Refuses a backup that holds less than the pin that the place still has.
fn newer(place: &BookPaths, note: &str, backup: &Backup) -> Result<u64, BackupError> {
    let pin = place.pin();
    let size = Note::parse(note)
        .ok()
        .and_then(|note| Checkpoint::parse(&note.text).ok())
        .map(|checkpoint| checkpoint.size)
        .ok_or_else(|| BackupError::InTheWay { path: pin.clone() })?;
    match size > backup.size {
        true => Err(BackupError::Stale { pin, size: backup.size, pin_size: size }),
        false => Ok(size),
    }
}

/// Moves what was verified into its place; the database comes last and makes it a book.
fn put_in_place(root: &Path, place: &BookPaths, backup: &Backup) -> Result<(), BackupError> {
    let to = place.dir();
    sync_dirs(root).map_err(BackupError::io(root))?;
    // A directory takes the name of one that is empty, and of no other.
    if fs::rename(root, to).is_ok() {
        return durable::sync_parent(to).map_err(BackupError::io(parent(to)));
    }
    let _lock = WriterLock::acquire(&place.lock())?;
    let mut moves = Vec::new();
    for file in &backup.files {
        let (from, target) = (root.join(&file.path), to.join(&file.path));
        match fs::read(&target) {
            Ok(_) if file.path == "pin" => {}
            Ok(bytes) => match file.blake3.strip_prefix("blake3:")
                == Some(blake3::hash(&bytes).to_hex().as_str())
            {
                true => continue,
                false => return Err(BackupError::InTheWay { path: target }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BackupError::io(&target)(error)),
        }
        moves.push((from, target));
    }
    moves.sort_by_key(|(_, target)| (*target == place.database(), *target == place.pin()));
    for (from, target) in moves {
        let dir = parent(&target);
        if dir.ends_with("keys") || dir.ends_with("subjects") {
            durable::create_secret_dir(dir).map_err(BackupError::io(dir))?;
        } else {
            fs::create_dir_all(dir).map_err(BackupError::io(dir))?;
        }
        fs::rename(&from, &target).map_err(BackupError::io(&target))?;
        durable::sync_parent(&target).map_err(BackupError::io(dir))?;
    }
    durable::sync_parent(to).map_err(BackupError::io(parent(to)))
}
