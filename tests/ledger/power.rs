//! Power lost at any moment: writes that were not synced are dropped, torn or kept in any mixture,
//! and everything that was acknowledged must still be there, verify, and be appended to.
//!
//! A child of this test appends under strace, which records every write, sync and rename with its
//! bytes. The parent then makes, for every place in that record, disks as a power loss there could
//! leave them. The control is a child whose database runs with synchronous=NORMAL: it must lose
//! something that it acknowledged, else the harness is blind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use relbook_ledger::store::{self, VerifyOptions, Writer};
use rusqlite::Connection;

use crate::report;
use crate::scratch::*;

const CHILD: &str = "RELBOOK_POWER_CHILD";
const COMMITS: usize = 25;
const SECTOR: usize = 512;

/// What the record says was done, in its order.
#[derive(Debug, Clone)]
enum Step {
    Write { file: PathBuf, at: usize, bytes: Vec<u8> },
    Truncate { file: PathBuf, length: usize },
    Sync(PathBuf),
    Create(PathBuf),
    Rename(PathBuf, PathBuf),
    Unlink(PathBuf),
    Acknowledged,
}

/// What a child prints once something is acknowledged.
fn acknowledge() {
    use std::io::Write as _;
    let mut out = std::io::stderr().lock();
    out.write_all(b"ACKNOWLEDGED\n").unwrap();
}

/// Is a test only when a parent made it its child.
#[test]
fn child() {
    let Ok(which) = std::env::var(CHILD) else { return };
    let (mode, dir) = which.split_once(':').unwrap();
    if mode == "normal" {
        return child_without_sync(Path::new(dir));
    }
    let mut writer = Writer::open(Path::new(dir)).unwrap();
    let admin = std::fs::read_to_string(Path::new(dir).join("keys/admin.pem")).unwrap();
    let admin = relbook_ledger::key::SigningKey::from_pem(&admin).unwrap();
    for n in 0..COMMITS {
        let batch: Vec<_> = (0..=n % 4).map(|_| sign(incident(), &admin)).collect();
        writer.append(&batch).unwrap();
        acknowledge();
    }
}

fn child_without_sync(dir: &Path) {
    let connection = Connection::open(dir.join("control.db")).unwrap();
    let mode = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";
    connection.execute_batch(mode).unwrap();
    connection.execute_batch("CREATE TABLE IF NOT EXISTS t(n INTEGER, b BLOB)").unwrap();
    acknowledge();
    for n in 0..COMMITS {
        connection.execute("INSERT INTO t VALUES (?1, zeroblob(900))", [n as i64]).unwrap();
        acknowledge();
    }
}

/// Runs a child under strace and returns its record; none where there is no strace.
fn record(mode: &str, dir: &Path) -> Option<Vec<Step>> {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let calls = "openat,write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink";
    let status = Command::new("strace")
        .args(["-f", "-qq", "-y", "-xx", "-s", "1000000", "-e", &format!("trace={calls}"), "-o"])
        .arg(trace.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "power::child", "--nocapture"])
        .env(CHILD, format!("{mode}:{}", dir.display()))
        .output();
    let output = status.ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(trace.path()).unwrap();
    Some(text.lines().filter_map(|line| step(line, dir)).collect())
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits.map(|pair| u8::from_str_radix(&pair[..2], 16).unwrap()).collect()
}

/// Reads one line of the record; what lies outside the directory does not matter.
fn step(line: &str, dir: &Path) -> Option<Step> {
    assert!(!line.contains("unfinished"), "two threads wrote at once: {line}");
    let (_, text) = line.split_once(' ')?;
    let (call, rest) = text.trim_start().split_once('(')?;
    let result = rest.rsplit_once(" = ")?.1;
    if result.starts_with('-') {
        return None;
    }
    let quoted: Vec<Vec<u8>> = rest.split('"').skip(1).step_by(2).map(unhex).collect();
    let named = |at: usize| -> PathBuf { dir.join(String::from_utf8(quoted[at].clone()).unwrap()) };
    let descriptor = |text: &str| -> Option<PathBuf> {
        let path = text.split_once('<')?.1.split_once('>')?.0;
        let path = if path.contains("\\x") {
            String::from_utf8(unhex(path)).unwrap()
        } else {
            path.to_owned()
        };
        Some(PathBuf::from(path)).filter(|path| path.starts_with(dir))
    };
    let number = |from_end: usize| -> usize {
        let arguments = rest.rsplit_once(')').unwrap().0;
        arguments.rsplit(", ").nth(from_end).unwrap().parse().unwrap()
    };
    let within = |path: PathBuf| Some(path).filter(|path| path.starts_with(dir));
    match call {
        "write" if quoted[0] == b"ACKNOWLEDGED\n" => Some(Step::Acknowledged),
        // Files that are written from the beginning, without an offset: the pin.
        "write" => {
            Some(Step::Write { file: descriptor(rest)?, at: usize::MAX, bytes: quoted[0].clone() })
        }
        "pwrite64" => {
            let bytes = quoted[0].clone();
            assert_eq!(bytes.len(), number(1), "the record has the whole write");
            Some(Step::Write { file: descriptor(rest)?, at: number(0), bytes })
        }
        "ftruncate" => Some(Step::Truncate { file: descriptor(rest)?, length: number(0) }),
        "fsync" | "fdatasync" => Some(Step::Sync(descriptor(rest)?)),
        "openat" if rest.contains("O_CREAT") => Some(Step::Create(within(named(0))?)),
        "rename" | "renameat" | "renameat2" => Some(Step::Rename(within(named(0))?, named(1))),
        "unlink" => Some(Step::Unlink(within(named(0))?)),
        _ => None,
    }
}

/// What a disk holds for sure, and what it may hold besides.
#[derive(Clone, Default)]
struct Disk {
    /// Per file its synced content; none for a file whose name may not be there yet.
    files: BTreeMap<PathBuf, Vec<u8>>,
    pending: Vec<Step>,
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let at = if at == usize::MAX { content.len() } else { at };
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Disk {
    /// Reads what is on the disk, all of it synced.
    fn of(dir: &Path) -> Self {
        let mut disk = Self::default();
        let mut dirs = vec![dir.to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    disk.files.insert(path.clone(), std::fs::read(&path).unwrap());
                }
            }
        }
        disk
    }

    fn apply(files: &mut BTreeMap<PathBuf, Vec<u8>>, step: &Step) {
        match step {
            Step::Write { file, at, bytes } => {
                write(files.entry(file.clone()).or_default(), *at, bytes);
            }
            Step::Truncate { file, length } => {
                files.entry(file.clone()).or_default().resize(*length, 0);
            }
            Step::Create(path) => drop(files.entry(path.clone()).or_default()),
            Step::Rename(from, to) => {
                if let Some(content) = files.remove(from) {
                    files.insert(to.clone(), content);
                }
            }
            Step::Unlink(path) => drop(files.remove(path)),
            Step::Sync(_) | Step::Acknowledged => {}
        }
    }

    /// Takes in a step: a sync makes what is pending of its file, or of its directory, certain.
    fn take(&mut self, step: &Step) {
        let Step::Sync(synced) = step else {
            self.pending.push(step.clone());
            return;
        };
        let (certain, pending): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.pending).into_iter().partition(|step| match step {
                Step::Write { file, .. } | Step::Truncate { file, .. } => file == synced,
                // The name of a new file is in its directory, but a sync of the file brings its
                // content, which must then have somewhere to stand: most file systems write both.
                Step::Create(path) => path == synced || path.parent() == Some(synced),
                Step::Rename(path, _) | Step::Unlink(path) => path.parent() == Some(synced),
                Step::Sync(_) | Step::Acknowledged => false,
            });
        certain.iter().for_each(|step| Self::apply(&mut self.files, step));
        self.pending = pending;
    }

    /// Makes one disk that a loss of power could leave: of what is pending, some happened, some
    /// did not, some writes were torn, in any order of the files.
    fn after_power_loss(&self, random: &mut Random) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = self.files.clone();
        let keep = random.below(4);
        for step in &self.pending {
            match (keep, random.below(3)) {
                // All, none, or a mixture.
                (0, _) | (2 | 3, 0) => Self::apply(&mut files, step),
                (2 | 3, 1) => {
                    let Step::Write { file, at, bytes } = step else { continue };
                    if *at == usize::MAX {
                        continue;
                    }
                    let content = files.entry(file.clone()).or_default();
                    for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                        if random.below(2) == 0 {
                            write(content, at + n * SECTOR, sector);
                        }
                    }
                }
                _ => {}
            }
        }
        files
    }
}

/// Replays a record; `lost` gets each disk and the number of acknowledgements before the loss, and
/// tells whether something that was acknowledged is gone. Returns (losses of power, losses).
fn replay(
    before: Disk,
    record: &[Step],
    dir: &Path,
    seeds: u64,
    lost: impl Fn(&Path, usize) -> bool,
) -> (usize, usize) {
    let (mut disk, mut acknowledged, mut cases, mut losses) = (before, 0, 0, 0);
    for (place, step) in record.iter().enumerate() {
        match step {
            Step::Acknowledged => acknowledged += 1,
            step => disk.take(step),
        }
        for seed in 0..seeds {
            let mut random = Random(1 + seed + 1_000 * place as u64);
            random.below(2);
            let scratch = tempfile::tempdir().unwrap();
            for (path, content) in disk.after_power_loss(&mut random) {
                // The shared memory of the log is made anew by whoever opens it.
                if path.extension().is_some_and(|extension| extension == "db-shm") {
                    continue;
                }
                let target = scratch.path().join(path.strip_prefix(dir).unwrap());
                std::fs::create_dir_all(target.parent().unwrap()).unwrap();
                std::fs::write(target, content).unwrap();
            }
            cases += 1;
            losses += usize::from(lost(scratch.path(), acknowledged));
        }
    }
    (cases, losses)
}

/// How many events stand after each commit of the child.
fn events_after(commits: usize) -> u64 {
    2 + (0..commits).map(|n| n as u64 % 4 + 1).sum::<u64>()
}

#[test]
fn no_loss_of_power_loses_what_was_acknowledged() {
    let book = Scratch::new();
    let before = Disk::of(book.dir());
    let Some(record) = record("full", book.dir()) else {
        report::skip("loss of power", "strace");
        return;
    };
    let commits = record.iter().filter(|step| matches!(step, Step::Acknowledged)).count();
    assert_eq!(commits, COMMITS);
    let whole = book.ledger();
    let seeds = if report::long() { 20 } else { 2 };
    let (cases, losses) = replay(before, &record, book.dir(), seeds, |dir, acknowledged| {
        let report = store::verify(dir, &VerifyOptions::default(), &|_, _| ())
            .unwrap_or_else(|error| panic!("after {acknowledged} commits: {error}"));
        let mut writer = Writer::open(dir).unwrap();
        for seq in [0, report.events - 1] {
            let (one, other) = (writer.record(seq).unwrap(), whole.record(seq).unwrap());
            assert_eq!(one.map(|one| one.chain_hash), other.map(|other| other.chain_hash));
        }
        writer.append(&[sign(incident(), &admin_of(dir))]).unwrap();
        report.events < events_after(acknowledged)
    });
    report::line(&format!(
        "loss of power: {cases} at {} places, {losses} lost something acknowledged",
        record.len()
    ));
    assert!(cases > 200, "the record is too short: the harness is blind");
    assert_eq!(losses, 0);
}

fn admin_of(dir: &Path) -> relbook_ledger::key::SigningKey {
    let pem = std::fs::read_to_string(dir.join("keys/admin.pem")).unwrap();
    relbook_ledger::key::SigningKey::from_pem(&pem).unwrap()
}

#[test]
fn a_database_that_does_not_sync_loses_something_in_this_harness() {
    let dir = tempfile::tempdir().unwrap();
    let Some(record) = record("normal", dir.path()) else {
        report::skip("loss of power", "strace");
        return;
    };
    let (cases, losses) = replay(Disk::default(), &record, dir.path(), 2, |dir, acknowledged| {
        let rows = Connection::open(dir.join("control.db")).and_then(|connection| {
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
        });
        // The first acknowledgement is that of the table.
        acknowledged > 0 && rows.map_or(true, |rows| (rows as usize) < acknowledged - 1)
    });
    report::line(&format!(
        "loss of power, control with synchronous=NORMAL: {cases}, {losses} lost something"
    ));
    assert!(losses > 20, "{losses} of {cases}");
}
