//! Faults around the book: a second writer, no permission, a full disk, a file that is no book,
//! a reader that goes away. Each is exit 4 with a remedy, and the book holds afterwards.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use relbook_testkit::environment::{Ran, TestEnvironment};

use crate::scratch::{build_line, hold, orion, size};

#[test]
fn a_second_writer_that_does_not_wait_is_refused_at_once_and_told_who_writes() {
    let env = orion();
    let before = size(&env);
    // Readers are never kept out.
    let first = hold(&env);
    let args = ["append", "incident.opened", "--incident-id", "I", "--wait", "0s"];
    let second = env.run(&args).exits(4);
    assert!(second.stderr.contains("process 4711 (other)"), "{}", second.stderr);
    assert!(second.stderr.trim_end().ends_with("(locked)"), "{}", second.stderr);
    let error = env.run(&[&args[..], &["--format", "json"]].concat()).exits(4).json();
    assert_eq!(error["error"]["code"], "locked");
    env.run(&["status"]).exits(0);
    // One that waits a little says so, and for how long.
    let third = env.run(&[&args[..4], &["--wait", "2s"]].concat()).exits(4);
    assert!(third.stderr.contains("waiting up to"), "{}", third.stderr);
    assert!(third.stderr.contains("waited 2 s"), "{}", third.stderr);
    // One that waits long enough gets in when the first is done.
    let waiting = env.spawn(&[&args[..4], &["--wait", "60s"]].concat());
    std::thread::sleep(Duration::from_millis(300));
    drop(first);
    Ran::from(waiting.wait_with_output().unwrap()).exits(0);
    env.run(&args).exits(0);
    assert_eq!(size(&env), before + 2);
    env.run(&["verify"]).exits(0);
}

/// A directory that is mounted over itself, until dropped; only root can do that.
struct Mount(PathBuf);

impl Mount {
    fn new(args: &[&str], path: &Path) -> Option<Self> {
        let ran = Command::new("mount").args(args).arg(path).output().ok()?;
        ran.status.success().then(|| Self(path.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

#[cfg(unix)]
fn make_read_only(path: &Path) -> Option<Mount> {
    use std::os::unix::fs::PermissionsExt as _;
    let text = path.to_str()?;
    // Root may write whatever the permissions are: only a read-only mount keeps root out.
    if let Some(mount) = Mount::new(&["--bind", text], path) {
        let ran = Command::new("mount").args(["-o", "remount,bind,ro", text]).output().ok()?;
        return ran.status.success().then_some(mount);
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o555)).ok()?;
    Some(Mount(path.to_owned()))
}

#[cfg(unix)]
#[test]
fn a_read_only_book_can_be_asked_and_not_appended_to() {
    let env = orion();
    let book = env.path().join("book");
    let Some(_mount) = make_read_only(&book) else { return };
    if std::fs::write(book.join("probe"), "").is_ok() {
        return;
    }
    for args in [&["status"][..], &["verify"], &["checkpoint"], &["key", "list"]] {
        env.run(args).exits(0);
    }
    let ran = env.run(&["append", "incident.opened", "--incident-id", "I"]).exits(4);
    assert!(ran.stderr.contains("book"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn a_read_only_directory_takes_no_new_book() {
    let env = crate::scratch::empty();
    let Some(_mount) = make_read_only(env.path()) else { return };
    if std::fs::write(env.path().join("probe"), "").is_ok() {
        return;
    }
    let ran = env.run(&["init"]).exits(4);
    assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
}

/// Appends until something gives, and returns the run that failed.
fn append_until_full(env: &TestEnvironment, run: impl Fn(&str) -> Ran) -> Ran {
    let lines: String = (0..200).map(|n| build_line(&format!("1.4.{n}"))).collect();
    env.file("many.ndjson", lines);
    for _ in 0..50 {
        let ran = run("many.ndjson");
        if ran.code != 0 {
            return ran;
        }
    }
    panic!("the disk never filled up");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let env = orion();
    let small = env.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let options = ["-t", "tmpfs", "-o", "size=1500k", "tmpfs"];
    let Some(_mount) = Mount::new(&options, &small) else { return };
    let args = ["--book", "small/book"];
    env.run(&[&args[..], &["init"]].concat()).exits(0);
    env.run(&[&args[..], &["apply", "orion.yaml"]].concat()).exits(0);
    let append = |file: &str| env.run(&[&args[..], &["append", "--from", file]].concat());
    let ran = append_until_full(&env, append);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("error: "), "{}", ran.stderr);
    // With room again the book is as it was acknowledged, and goes on.
    drop(Command::new("mount").args(["-o", "remount,size=20m"]).arg(&small).output());
    env.run(&[&args[..], &["verify"]].concat()).exits(0);
    append("many.ndjson").exits(0);
    env.run(&[&args[..], &["verify"]].concat()).exits(0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_size_limit_is_a_full_disk() {
    let env = orion();
    let limited = |file: &str| {
        // The limit's signal is ignored, so that writing fails as on a full disk.
        let script = "trap '' XFSZ; ulimit -f 1200; exec \"$0\" append --from \"$1\"";
        let binary = env!("CARGO_BIN_EXE_relbook");
        let mut shell = Command::new("sh");
        Ran::of(shell.args(["-c", script, binary, file]).current_dir(env.path()))
    };
    let ran = append_until_full(&env, limited);
    assert_eq!(ran.code, 4, "{ran:?}");
    env.run(&["verify"]).exits(0);
    env.run(&["append", "--from", "many.ndjson"]).exits(0);
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_directory_without_a_book_says_how_to_make_one() {
    let env = crate::scratch::empty();
    for args in [
        &["status"][..],
        &["verify"],
        &["checkpoint"],
        &["key", "list"],
        &["append", "incident.opened", "--incident-id", "I"],
    ] {
        let ran = env.run(args).exits(4);
        assert!(ran.stderr.contains("relbook init"), "{args:?}: {}", ran.stderr);
        assert!(!env.path().join("book").exists(), "{args:?} made something");
    }
    let error = env.run(&["status", "--format", "json"]).exits(4).json();
    assert_eq!(error["error"]["code"], "no_book");
}

#[test]
fn a_database_that_is_no_book_is_named() {
    let env = crate::scratch::empty();
    std::fs::create_dir(env.path().join("book")).unwrap();
    for content in [&b"hello"[..], b"", &[0; 4096], b"SQLite format 3\0 and then nothing"] {
        std::fs::write(env.path().join("book/ledger.db"), content).unwrap();
        for args in [&["status"][..], &["append", "incident.opened", "--incident-id", "I"]] {
            let ran = env.run(args).exits(4);
            assert!(ran.stderr.contains("ledger.db"), "{args:?}: {}", ran.stderr);
        }
        assert_eq!(std::fs::read(env.path().join("book/ledger.db")).unwrap(), content);
    }
}

#[test]
fn a_served_book_is_for_a_later_version() {
    let env = crate::scratch::empty();
    let ran = env.run(&["--book", "https://relbook.example/orion", "status"]).exits(4);
    assert!(ran.stderr.contains("directory"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let env = orion();
    for args in [&["completions", "bash"][..], &["status"], &["--help"], &["man"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = Ran::of(env.command(args).stdout(writer));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let env = orion();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = Ran::of(env.command(&["status"]).stdout(full));
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("standard output"), "{}", ran.stderr);
}
