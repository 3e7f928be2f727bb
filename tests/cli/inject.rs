//! Faults injected into the write path: every system call that an append makes on the book fails,
//! finds the disk full, or is the last one of the process. What was acknowledged must be there
//! afterwards, the book must verify, and sending the same event again must store it once.
//!
//! strace injects; a run in which the fault did not fire does not count. The calls are told apart
//! by what they serve: the append itself (SQLite's log), its checkpoint (SQLite moves the log into
//! the database), the pin, the lock. `RELBOOK_LONG=1` also fails every opening of a file in every
//! way, and kills 1,000 appends instead of 100.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;

use relbook_testkit::environment::{Ran, TestEnvironment};
use relbook_testkit::report;

use crate::scratch::{book, size};

/// The calls that change something on disk, and those that could lie about it.
const CALLS: [&str; 12] = [
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "fallocate",
    "rename",
    "renameat2",
    "unlink",
    "fchmod",
    "flock",
];

const EVENT: &str = "019d44d0-5980-7e71-aac2-2e7e8dae2cd7";

fn strace(env: &TestEnvironment, calls: &str, inject: Option<&str>, book: &str) -> (Ran, String) {
    let trace = env.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-y", "-o"]).arg(&trace).args(["-e", &format!("trace={calls}")]);
    if let Some(inject) = inject {
        command.args(["-e", &format!("inject={inject}")]);
    }
    command.arg(env!("CARGO_BIN_EXE_relbook"));
    command.args(append(book)).current_dir(env.path()).env("HOME", env.path());
    let ran = Ran::of(&mut command);
    (ran, std::fs::read_to_string(trace).unwrap_or_default())
}

fn append(book: &str) -> [&str; 9] {
    [
        "--book",
        book,
        "--format",
        "ndjson",
        "append",
        "incident.opened",
        "--incident-id=INC-1",
        "--id",
        EVENT,
    ]
}

/// A call on the book: its name, its place among the calls of that name, what it serves.
type Call = (&'static str, usize, &'static str);

/// Returns the calls of a trace that touch the book.
fn calls_on_the_book(trace: &str) -> Vec<Call> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut found = Vec::new();
    for line in trace.lines() {
        let text = line.split_once(' ').map_or(line, |(_, text)| text.trim_start());
        let Some(call) = CALLS.iter().find(|call| text.starts_with(&format!("{call}("))) else {
            continue;
        };
        let count = counts.entry(call).or_default();
        *count += 1;
        if text.contains("/book") || text.contains("\"book") {
            found.push((*call, *count, serves(call, text)));
        }
    }
    found
}

fn serves(call: &str, text: &str) -> &'static str {
    // SQLite removes its log once all of it is in the database.
    match text {
        _ if text.contains("writer.lock") => "lock",
        _ if text.contains("ledger.db-wal") && call != "unlink" => "append",
        _ if text.contains("ledger.db") => "checkpoint",
        _ if text.contains("/keys/") => "keys",
        _ => "pin",
    }
}

/// Runs one append into a fresh copy of the book under a fault; tells whether the fault fired and
/// whether the event was acknowledged, and checks what it left.
fn survives(env: &TestEnvironment, before: u64, inject: &str) -> (bool, bool) {
    drop(std::fs::remove_dir_all(env.path().join("book")));
    env.copy("template", "book");
    let call = inject.split(':').next().unwrap_or_default();
    let (ran, trace) = strace(env, call, Some(inject), "book");
    let fired = trace.contains("(INJECTED)") || trace.contains("killed by SIGKILL");
    // The receipt on standard output is the acknowledgement, even of a process that was killed.
    let acknowledged = ran.stdout.contains(EVENT);
    assert!(![70, 101].contains(&ran.code), "{inject}: {}", ran.stderr);
    assert!(acknowledged || ran.code != 0, "{inject}: it ended well and said nothing");
    if acknowledged {
        assert_eq!(size(env), before + 1, "{inject}: what was acknowledged is gone");
        env.run(&["receipt", EVENT]).exits(0);
    }
    env.run(&["verify"]).exits(0);
    env.run(&append("book")).exits(0);
    assert_eq!(size(env), before + 1, "{inject}: a retry stores it once");
    env.run(&["verify"]).exits(0);
    (fired, acknowledged)
}

fn has_strace() -> bool {
    Command::new("strace").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// What became of the runs under one fault that served one thing.
#[derive(Default)]
struct Row {
    calls: usize,
    fired: usize,
    acknowledged: usize,
}

#[test]
fn no_fault_at_any_call_loses_what_was_acknowledged() {
    if !has_strace() {
        return report::skip("faults at every call", "strace");
    }
    let env = book();
    let before = size(&env);
    env.copy("book", "template");
    let (ran, trace) = strace(&env, &CALLS.join(","), None, "book");
    ran.exits(0);
    let mut table: BTreeMap<(&str, &str), Row> = BTreeMap::new();
    let faults = [
        ("EIO", "error=EIO"),
        ("ENOSPC", "error=ENOSPC"),
        ("SIGKILL", "signal=SIGKILL"),
        ("EIO, SIGKILL", "error=EIO:signal=SIGKILL"),
    ];
    for (name, fault) in faults {
        for (call, count, serves) in calls_on_the_book(&trace) {
            if !report::long() && call == "openat" && name != "EIO" {
                continue;
            }
            let (fired, acknowledged) =
                survives(&env, before, &format!("{call}:{fault}:when={count}"));
            let row = table.entry((name, serves)).or_default();
            row.calls += 1;
            row.fired += usize::from(fired);
            row.acknowledged += usize::from(fired && acknowledged);
        }
    }
    report::line("fault         serves      calls  fired  survived  acknowledged all the same");
    for ((fault, serves), Row { calls, fired, acknowledged }) in &table {
        report::line(&format!(
            "{fault:<12}  {serves:<10} {calls:>6} {fired:>6} {fired:>9}  {acknowledged}"
        ));
        assert_eq!(calls, fired, "{fault} at {serves}: a run without its fault proves nothing");
    }
    for (fault, _) in faults {
        for serves in ["append", "checkpoint", "pin"] {
            let fired = table.get(&(fault, serves)).map_or(0, |row| row.fired);
            assert!(fired >= 3, "{fault} at {serves} fired {fired} times: the harness is blind");
        }
    }
}

/// Kills appends at random moments; whoever saw an acknowledgement keeps a record outside.
#[test]
fn no_kill_at_any_moment_loses_what_was_acknowledged() {
    let kills = if report::long() { 1_000 } else { 100 };
    let env = book();
    // Moments spread over twice the time that an append takes here, which depends on the machine.
    let start = std::time::Instant::now();
    env.run(&["append", "incident.opened", "--incident-id", "INC-0"]).exits(0);
    let span = 2 * u64::try_from(start.elapsed().as_micros()).unwrap() + 1;
    let (mut killed, mut acknowledged, mut random) = (0, Vec::new(), 0x9E37_79B9_u64);
    let mut attempts = 0_u64;
    while killed < kills {
        attempts += 1;
        let id = format!("019d44d0-5980-7e71-aac2-{attempts:012x}");
        let args = ["append", "incident.opened", "--incident-id", &id, "--id", &id];
        let mut child = env.spawn(&args);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(std::time::Duration::from_micros(random % span));
        drop(child.kill());
        let ran = Ran::from(child.wait_with_output().unwrap());
        killed += usize::from(ran.code == 255);
        if ran.stdout.contains(&id) {
            acknowledged.push(id);
        }
    }
    let report = env.run(&["verify", "--format", "json"]).exits(0).json();
    let stored = report["events"].as_u64().unwrap() - 3;
    for id in &acknowledged {
        env.run(&["receipt", id]).exits(0);
    }
    // The record outside holds each acknowledgement once; the book holds no event twice.
    report::line(&format!(
        "random SIGKILL: {killed} of {attempts} appends killed, {} acknowledged, {} of them there, \
         {stored} stored",
        acknowledged.len(),
        acknowledged.len()
    ));
    assert!(acknowledged.len() >= 5, "no append got through: the harness is blind");
    assert!(stored <= attempts);
}

#[test]
fn the_calls_of_an_append_are_those_that_the_faults_hit() {
    let trace = "12 openat(AT_FDCWD, \"/lib/x\", O_RDONLY) = 3\n\
                 12 openat(AT_FDCWD, \"book/ledger.db\", O_RDWR) = 3</t/book/ledger.db>\n\
                 12 write(1<pipe:[7]>, \"{}\", 2) = 2\n\
                 12 fdatasync(3</t/book/ledger.db-wal>) = 0\n";
    let calls = [("openat", 2, "checkpoint"), ("fdatasync", 1, "append")];
    assert_eq!(calls_on_the_book(trace), calls);
    assert!(Path::new(env!("CARGO_BIN_EXE_relbook")).exists());
}
