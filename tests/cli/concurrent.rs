//! Many writers at once, as when every job of a pipeline appends: nothing is lost, nothing is
//! stored twice, each event is acknowledged as new once, and a contested id has one winner.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::time::{Duration, Instant};

use relbook_testkit::environment::TestEnvironment;
use relbook_testkit::report;
use serde_json::{Value, json};

use crate::scratch::{orion, size};

const WRITERS: usize = 64;
const EVENTS: usize = 3;

fn id(writer: usize, event: usize) -> String {
    format!("019d44d0-5980-7e71-{event:04x}-{writer:012x}")
}

fn line(id: &str, incident: &str) -> String {
    let event = json!({
        "kind": "incident.opened",
        "id": id,
        "occurred_at": "2026-06-01T00:00:00Z",
        "incident_id": incident,
    });
    format!("{event}\n")
}

/// Appends a file and returns the receipts: (id, seq, whether it had been there before).
fn append(env: &TestEnvironment, file: &str) -> Vec<(String, u64, bool)> {
    let args = ["append", "--from", file, "--format", "json", "--wait", "10m"];
    let ran = env.run(&args).exits(0).json();
    let receipt = |receipt: &Value| {
        let id = receipt["id"].as_str().unwrap().to_owned();
        (id, receipt["seq"].as_u64().unwrap(), receipt["duplicate"].as_bool().unwrap())
    };
    ran["receipts"].as_array().unwrap().iter().map(receipt).collect()
}

#[test]
fn writers_at_once_lose_nothing_and_store_nothing_twice() {
    let env = orion();
    let before = size(&env);
    // All of them also send one and the same event.
    let shared = line("019d44d0-5980-7e71-ffff-ffffffffffff", "shared");
    for writer in 0..WRITERS {
        let own = (0..EVENTS).map(|event| line(&id(writer, event), &format!("W{writer}-{event}")));
        env.file(&format!("{writer}.ndjson"), own.collect::<String>() + &shared);
    }
    let start = Instant::now();
    let receipts: Vec<(String, u64, bool)> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let env = &env;
                scope.spawn(move || {
                    let file = format!("{writer}.ndjson");
                    // Once, and a retry of what succeeded.
                    [append(env, &file), append(env, &file)].concat()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let elapsed = start.elapsed();
    assert_eq!(receipts.len(), WRITERS * 2 * (EVENTS + 1));
    let mut new: HashMap<&str, usize> = HashMap::new();
    let mut places: HashMap<&str, BTreeSet<u64>> = HashMap::new();
    for (id, seq, duplicate) in &receipts {
        *new.entry(id).or_default() += usize::from(!duplicate);
        places.entry(id).or_default().insert(*seq);
    }
    let events = WRITERS * EVENTS + 1;
    assert_eq!(new.len(), events);
    assert!(new.values().all(|new| *new == 1), "an event was new twice, or never");
    assert!(places.values().all(|places| places.len() == 1), "an event has two places");
    let seqs: BTreeSet<u64> = places.values().flatten().copied().collect();
    let expected: BTreeSet<u64> = (before..before + events as u64).collect();
    assert_eq!(seqs, expected, "places were left out, or given twice");
    assert_eq!(size(&env), before + events as u64);
    env.run(&["verify"]).exits(0);
    report::line(&format!(
        "{WRITERS} writers at once, {} runs in {:.1} s: {events} events, each stored once and \
         acknowledged as new once, {} as known",
        WRITERS * 2,
        elapsed.as_secs_f64(),
        receipts.len() - events
    ));
}

#[test]
fn a_contested_id_has_one_winner() {
    let env = orion();
    let before = size(&env);
    let contested = id(0, 0);
    let children: Vec<_> = (0..8)
        .map(|writer| {
            let incident = format!("INC-{writer}");
            let args =
                ["append", "incident.opened", "--id", &contested, "--incident-id", &incident];
            env.spawn(&[&args[..], &["--format", "json", "--wait", "10m"]].concat())
        })
        .collect();
    let (mut won, mut refused) = (0, 0);
    for child in children {
        let output = child.wait_with_output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        match output.status.code() {
            Some(0) => won += 1,
            code => {
                assert_eq!((code, &answer["error"]["code"]), (Some(3), &json!("id_conflict")));
                refused += 1;
            }
        }
    }
    assert_eq!((won, refused), (1, 7));
    // The winner, and the record of each refusal.
    assert_eq!(size(&env), before + 8);
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_writer_that_dies_frees_the_book() {
    let env = orion();
    let before = size(&env);
    // A batch that takes a while, and is killed while it has the book.
    let lines: String = (0..6_000).map(|event| line(&id(0, event), "A")).collect();
    env.file("large.ndjson", lines);
    let mut holder = env.spawn(&["append", "--from", "large.ndjson"]);
    let lock = std::fs::File::open(env.path().join("book/writer.lock")).unwrap();
    let start = Instant::now();
    while lock.try_lock().is_ok() {
        lock.unlock().unwrap();
        assert!(start.elapsed() < Duration::from_secs(60), "it never took the book");
        assert!(holder.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    let waiting = env.spawn(&["append", "incident.opened", "--incident-id", "B", "--wait", "5m"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(waiting.wait_with_output().unwrap().status.success());
    // All of the batch, or nothing of it.
    let added = size(&env) - before;
    assert!(added == 1 || added == 6_001, "{added}");
    env.run(&["verify"]).exits(0);
}

#[test]
fn a_stream_holds_nobody_up_while_it_waits_for_its_input() {
    let env = orion();
    let before = size(&env);
    let mut stream = env.spawn(&["append", "--from", "-", "--batch", "1"]);
    let mut pipe = stream.stdin.take().unwrap();
    for round in 0..3 {
        pipe.write_all(line(&id(1, round), "streamed").as_bytes()).unwrap();
        pipe.flush().unwrap();
        let start = Instant::now();
        while size(&env) < before + 2 * round as u64 + 1 {
            assert!(start.elapsed() < Duration::from_secs(60), "round {round} is not appended");
            std::thread::sleep(Duration::from_millis(10));
        }
        // The stream waits for more, and whoever comes need not.
        env.file("other.ndjson", line(&id(2, round), "between"));
        let args = ["append", "--from", "other.ndjson", "--wait", "2s"];
        env.run(&args).exits(0);
    }
    drop(pipe);
    assert!(stream.wait().unwrap().success());
    assert_eq!(size(&env), before + 6);
    env.run(&["verify"]).exits(0);
}
