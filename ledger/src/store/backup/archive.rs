//! A backup in one file: a tar archive of plain files, the list of files first.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::Path;

use super::save::write_new;
use super::{BackupError, MANIFEST, is_part};
use crate::store::durable;

/// Writes the files below `root` into a new archive, durably.
pub(super) fn pack<'a>(
    root: &Path,
    names: impl Iterator<Item = &'a str>,
    to: &Path,
) -> io::Result<()> {
    // It may hold private keys.
    let mut archive = tar::Builder::new(BufWriter::new(durable::new_file(to, true)?));
    archive.mode(tar::HeaderMode::Deterministic);
    for name in std::iter::once(MANIFEST).chain(names) {
        archive.append_path_with_name(root.join(name), name)?;
    }
    let mut out = archive.into_inner()?;
    out.flush()?;
    out.get_ref().sync_all()
}

/// Writes the files of an archive below `root`; anything but plain files of a book is refused.
pub(super) fn unpack(from: &Path, root: &Path) -> Result<(), BackupError> {
    let wrong = |detail: String| BackupError::NotABackup { path: from.to_owned(), detail };
    let file = File::open(from).map_err(BackupError::io(from))?;
    let mut archive = tar::Archive::new(BufReader::new(file));
    // What the library says of other bytes quotes them.
    let no_tar = |_| wrong("it cannot be read as a tar archive, or it was cut off".to_owned());
    for entry in archive.entries().map_err(no_tar)? {
        let entry = entry.map_err(no_tar)?;
        let name = entry.path().map_err(no_tar)?;
        let name = name.to_str().unwrap_or_default().to_owned();
        let plain = entry.header().entry_type() == tar::EntryType::Regular;
        if !plain || !(name == MANIFEST || is_part(&name)) {
            return Err(wrong(format!("it holds `{name}`, which is no part of a book")));
        }
        let to = root.join(&name);
        if to.exists() {
            return Err(wrong(format!("it holds `{name}` twice")));
        }
        let secret = name.ends_with(".pem") || name.ends_with(".key");
        write_new(entry, &to, secret)?;
    }
    Ok(())
}
