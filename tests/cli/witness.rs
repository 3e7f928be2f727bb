//! Witnesses as a second party runs them: the server, the book that asks it, and those who try to
//! show it two histories.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use relbook_testkit::environment::{Ran, TestEnvironment};
use relbook_testkit::report;
use serde_json::{Value, json};

use crate::scratch::{book, size};

/// A running witness; dropping it kills it.
struct Served {
    child: Child,
    url: String,
    key: String,
}

impl Served {
    /// Starts a witness of the book in `env`, with its state in `state`.
    fn start(env: &TestEnvironment, state: &str) -> Self {
        Self::started(env.command(&arguments(env, state)))
    }

    fn started(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the witness starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        out.read_line(&mut line).expect("a line");
        if line.is_empty() {
            let mut text = String::new();
            drop(child.stderr.take().expect("a pipe").read_to_string(&mut text));
            panic!("the witness did not start: {text}");
        }
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let word = |name: &str| said[name].as_str().expect("a text").to_owned();
        Self { child, url: word("listening"), key: word("verifier_key") }
    }

    /// Ends it as an operator does, and returns how it ended.
    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .expect("as the test made it")
                .success()
        );
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.child.try_wait().expect("as the test made it") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }

    /// Posts a submission, and returns status, content type and body.
    fn post(&self, body: &[u8]) -> (u16, String, String) {
        let host = self.url.strip_prefix("http://").expect("as the test made it");
        let mut stream = TcpStream::connect(host).expect("as the test made it");
        let length = body.len();
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), body].concat()).expect("as the test made it");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("as the test made it");
        let (head, body) = answer.split_once("\r\n\r\n").expect("as the test made it");
        let status = head
            .split(' ')
            .nth(1)
            .expect("as the test made it")
            .parse()
            .expect("as the test made it");
        let kind = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-type").then(|| value.to_owned())
        });
        (status, kind.unwrap_or_default(), body.to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn arguments(env: &TestEnvironment, state: &str) -> Vec<String> {
    if !env.path().join("witness.pem").exists() {
        env.run(&["key", "new", "witness.pem"]).exits(0);
        let key = env.run(&["checkpoint", "--verifier-key"]).exits(0).stdout;
        env.file("book.vkey", key);
    }
    let words = [
        "--format",
        "json",
        "witness",
        "--listen",
        "127.0.0.1:0",
        "--key",
        "witness.pem",
        "--log",
        "book.vkey",
        "--name",
        "witness.example/w1",
        "--state",
        state,
    ];
    words.map(str::to_owned).to_vec()
}

fn incident(env: &TestEnvironment, book: &str, id: &str) -> Ran {
    env.run(&["--book", book, "append", "incident.opened", "--incident-id", id])
}

fn cosign(env: &TestEnvironment, book: &str, served: &Served) -> Ran {
    let args = ["--book", book, "--format", "json", "checkpoint", "--witness", &served.url];
    env.run(&[&args[..], &["--witness-key", &served.key]].concat())
}

fn outcome(ran: &Ran) -> String {
    ran.json()["witnesses"][0]["outcome"].as_str().unwrap_or_default().to_owned()
}

fn set_policy(env: &TestEnvironment, values: Value) {
    let event = json!({"kind": "policy.set", "policy_id": "p", "values": values}).to_string();
    env.run_with_input(&["append", "--from", "-"], event.as_bytes()).exits(0);
}

fn verified(env: &TestEnvironment, code: i32) -> Value {
    env.run(&["verify", "--format", "json"]).exits(code).json()
}

#[test]
fn the_policy_asks_for_witnesses_and_verify_says_whether_they_signed() {
    let env = book();
    let served = Served::start(&env, "state");
    assert_eq!(verified(&env, 0)["witnesses"]["known"], 0);
    let values = json!({
        "witnesses": [served.key], "witness_urls": [served.url], "witness_quorum": 1,
    });
    set_policy(&env, values);
    // Demanded, and not there: the book holds, and is not witnessed.
    let report = verified(&env, 1);
    assert_eq!((&report["verified"], &report["witnesses"]["holds"]), (&true.into(), &false.into()));
    let shown = env.run(&["verify"]).exits(1).stdout;
    assert!(shown.contains("NOT WITNESSED: 0 of 1"), "{shown}");

    let note = env.run(&["checkpoint", "--cosign"]).exits(0).stdout;
    assert!(note.contains("\u{2014} witness.example/w1 "), "{note}");
    assert_eq!(env.run(&["checkpoint"]).exits(0).stdout, note, "it is kept");
    let report = verified(&env, 0);
    assert_eq!(report["witnesses"]["newest"][0]["name"], "witness.example/w1");
    assert_eq!(report["witnesses"]["size"], size(&env));

    // Offline: the receipt carries the line, and only the witness's key checks it.
    env.run(&["receipt", "1", "-o", "one.tlog-proof"]).exits(0);
    let check = ["receipt", "check", "one.tlog-proof", "--pub", "book/keys/book.pub", "--witness"];
    env.run(&[&check[..], &[&served.key, "--quorum", "1"]].concat()).exits(0);
    env.run(&["key", "new", "other.pem"]).exits(0);
    let other = served.key.replace("w1", "w2");
    env.run(&[&check[..], &[&other]].concat()).exits(2);
    let ran = env.run(&[&check[..], &[&served.key, "--quorum", "2"]].concat()).exits(1);
    assert!(ran.stdout.contains("1 of 2 needed witnesses"), "{}", ran.stdout);
    env.run(&["receipt", "0", "-o", "bare.tlog-proof"]).exits(0);
    let text = std::fs::read_to_string(env.path().join("bare.tlog-proof")).unwrap();
    let (bare, _) = text.split_once("\u{2014} witness").unwrap();
    env.file("bare.tlog-proof", bare);
    let bare = ["receipt", "check", "bare.tlog-proof", "--pub", "book/keys/book.pub", "--witness"];
    env.run(&[&bare[..], &[&served.key]].concat()).exits(1);

    // An append does not wait; afterwards the newest checkpoint is not cosigned again.
    incident(&env, "book", "I-1").exits(0);
    verified(&env, 1);
    env.run(&["receipt", "1", "--witnessed", "-o", "one.tlog-proof"]).exits(0);
    env.run(&[&check[..], &[&served.key]].concat()).exits(0);
    let last = (size(&env) - 1).to_string();
    let ran = env.run(&["receipt", &last, "--witnessed"]).exits(4);
    assert!(ran.stderr.contains("--cosign"), "{}", ran.stderr);
    env.run(&["append", "incident.opened", "--incident-id", "I-2", "--cosign"]).exits(0);
    verified(&env, 0);
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn an_append_is_kept_when_no_witness_answers() {
    let env = book();
    let served = Served::start(&env, "state");
    let values = json!({
        "witnesses": [served.key], "witness_urls": [served.url], "witness_append_wait_s": 5,
    });
    set_policy(&env, values);
    let before = size(&env);
    let ran = incident(&env, "book", "I-1").exits(0);
    assert_eq!(ran.stderr, "");
    assert_eq!(verified(&env, 0)["witnesses"]["newest"].as_array().unwrap().len(), 1);
    assert_eq!(served.stop(), Some(0));
    let ran = incident(&env, "book", "I-2").exits(0);
    assert!(ran.stdout.contains("appended 1"), "{}", ran.stdout);
    assert!(ran.stderr.contains("appended, but not cosigned"), "{}", ran.stderr);
    assert_eq!(size(&env), before + 2);
    // On demand it is the witness that is asked for, so its absence is the outcome.
    let ran = env.run(&["checkpoint", "--cosign", "--format", "json"]).exits(4);
    assert_eq!(outcome(&ran), "unreachable");
    env.run(&["verify", "--require-witnesses"]).exits(1);
    verified(&env, 0);
    let ran =
        env.run(&["--book", "book", "checkpoint", "--witness", "http://127.0.0.1:1"]).exits(4);
    assert!(ran.stderr.contains("0 of 1 needed witnesses"), "{}", ran.stderr);
}

#[test]
fn a_fork_an_older_copy_and_strangers_are_told_apart() {
    let env = book();
    let served = Served::start(&env, "state");
    env.copy("book", "old");
    incident(&env, "book", "I-1").exits(0);
    env.copy("book", "fork");
    incident(&env, "book", "I-2").exits(0);
    incident(&env, "fork", "I-3").exits(0);
    // A key that nobody named: nothing is stored, so that nothing unproven stands in the book.
    let ran = env.run(&["--format", "json", "checkpoint", "--witness", &served.url]).exits(4);
    assert_eq!(
        (outcome(&ran).as_str(), &ran.json()["cosignature_lines"]),
        ("unknown-witness", &0.into())
    );

    assert_eq!(outcome(&cosign(&env, "book", &served).exits(0)), "cosigned");
    // Again: the witness signs the same checkpoint anew.
    cosign(&env, "book", &served).exits(0);
    let ran = cosign(&env, "fork", &served).exits(1);
    assert_eq!(outcome(&ran), "witness-forked");
    incident(&env, "fork", "I-4").exits(0);
    assert_eq!(outcome(&cosign(&env, "fork", &served).exits(1)), "witness-forked");
    let ran = cosign(&env, "old", &served).exits(1);
    assert_eq!(outcome(&ran), "witness-ahead");
    assert!(ran.stderr.contains("an older copy was put back"), "{}", ran.stderr);

    // The same after a restart.
    let key = served.key.clone();
    assert_eq!(served.stop(), Some(0));
    let served = Served::start(&env, "state");
    assert_eq!(served.key, key);
    assert_eq!(outcome(&cosign(&env, "fork", &served).exits(1)), "witness-forked");
    assert_eq!(outcome(&cosign(&env, "old", &served).exits(1)), "witness-ahead");
    incident(&env, "book", "I-5").exits(0);
    cosign(&env, "book", &served).exits(0);

    // Another book under the same name: not the key that the witness knows.
    env.run(&["--book", "other", "init", "--origin", "test.example/orion"]).exits(0);
    let ran = cosign(&env, "other", &served).exits(4);
    assert_eq!(outcome(&ran), "refused");
    assert!(ran.stderr.contains("403"), "{}", ran.stderr);
    env.run(&["--book", "third", "init", "--origin", "test.example/lyra"]).exits(0);
    assert!(cosign(&env, "third", &served).exits(4).stderr.contains("404"));
}

#[test]
fn the_protocol_answers_with_the_statuses_of_its_specification() {
    let env = book();
    let served = Served::start(&env, "state");
    let note = env.run(&["checkpoint"]).exits(0).stdout;
    let post = |head: &str, note: &str| served.post(format!("{head}\n\n{note}").as_bytes());
    assert_eq!(served.post(b"hello").0, 400);
    assert_eq!(served.post(&[0xff; 9]).0, 400);
    assert_eq!(served.post(&vec![b'x'; 1_100_000]).0, 400);
    assert_eq!(post("old 3", &note).0, 400);
    assert_eq!(post("old 0", &note.replace("orion", "lyra")).0, 404);
    assert_eq!(post("old 0", &note.replacen("\n2\n", "\n3\n", 1)).0, 403);
    let (status, _, line) = post("old 0", &note);
    assert_eq!(status, 200);
    assert!(line.starts_with("\u{2014} witness.example/w1 ") && line.ends_with('\n'), "{line}");
    let (status, kind, known) = post("old 0", &note);
    assert_eq!((status, kind.as_str(), known.as_str()), (409, "text/x.tlog.size", "2\n"));
    let (status, ..) = post("old 2\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=", &note);
    assert_eq!(status, 422);
    assert_eq!(post("old 2", &note).0, 200);
}

#[test]
fn a_witness_needs_a_key_of_its_own_and_the_key_of_a_log() {
    let env = book();
    let args = arguments(&env, "state");
    let without_key: Vec<&String> = args[..5].iter().chain(&args[7..]).collect();
    let ran = env.run(&without_key).exits(2);
    assert!(ran.stdout.contains("a key of its own"), "{}", ran.stdout);
    let with_log = |log: &str| {
        let args: Vec<&str> =
            args.iter().map(|word| if word == "book.vkey" { log } else { word }).collect();
        env.run(&args[2..])
    };
    let ran = with_log("book/keys/book.pub").exits(2);
    assert!(ran.stderr.contains("ORIGIN=FILE.pub"), "{}", ran.stderr);
    let served = Served::start(&env, "state");
    assert!(with_log(&served.key).exits(2).stderr.contains("the key of a witness"));
    let ran = env.run(&args).exits(4);
    assert_eq!(ran.json()["error"]["code"], "locked");
}

/// Kills the witness at every call with which it records, and then shows it another history.
#[test]
fn no_kill_makes_a_witness_sign_two_histories() {
    if !Command::new("strace").arg("--version").output().is_ok_and(|out| out.status.success()) {
        report::skip("a witness killed at its calls", "strace");
        return;
    }
    let env = book();
    env.copy("book", "one");
    env.copy("book", "two");
    incident(&env, "one", "I-1").exits(0);
    incident(&env, "two", "I-2").exits(0);
    let args = arguments(&env, "state");
    let (mut killed, mut acknowledged) = (0, 0);
    for call in ["openat", "write", "fsync", "rename", "sendto", "writev"] {
        // The first openat is the reading of the state at the start.
        let first = if call == "openat" { 2 } else { 1 };
        for when in first..=3 {
            let state = format!("state-{call}-{when}");
            let args: Vec<&str> = args
                .iter()
                .map(|word| if word == "state" { &state } else { word.as_str() })
                .collect();
            // What is recorded lies in the state; other files of the process are not hit.
            Served::start(&env, &state).stop();
            let mut served = Served::started(traced(&env, &state, call, when, &args));
            // A line from an earlier round may stand in the book: what counts is this answer.
            let signed =
                |book: &str, served: &Served| outcome(&cosign(&env, book, served)) == "cosigned";
            let first = signed("one", &served);
            std::thread::sleep(Duration::from_millis(if first { 0 } else { 200 }));
            let died = served.child.try_wait().unwrap().is_some();
            drop(served);
            let served = Served::start(&env, &state);
            let (second, third) = (signed("two", &served), signed("one", &served));
            assert!(
                second != third,
                "{call} {when}: of two histories it signs one: {second} {third}"
            );
            assert!(!(first && second), "{call} {when}: it signed two histories");
            acknowledged += usize::from(first);
            killed += usize::from(died && !first);
        }
    }
    report::line(&format!("witness killed {killed} times, acknowledged {acknowledged}"));
    assert!(killed >= 4, "killed only {killed} times: the harness is blind");
    assert!(acknowledged >= 1, "it never got through");
}

/// A witness that dies at the n-th call of a kind on the files of its state.
fn traced(env: &TestEnvironment, state: &str, call: &str, when: usize, args: &[&str]) -> Command {
    let plain = env.command(&[""]);
    let mut command = Command::new("strace");
    let path = env.path().join(state);
    // -D: the witness itself is the child, so that it can be ended.
    command.args(["-D", "-f", "-qq", "-o"]).arg(env.path().join("trace"));
    if !matches!(call, "sendto" | "writev") {
        for file in names(&path) {
            command.arg("-P").arg(file);
        }
    }
    command
        .args(["-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=SIGKILL:when={when}")])
        .arg(plain.get_program())
        .args(args)
        .current_dir(env.path())
        .env("HOME", env.path())
        .env_remove("RELBOOK_BOOK")
        .env_remove("RELBOOK_KEY");
    command
}

/// The files that recording touches: the new state, the state, its directory.
fn names(state: &Path) -> Vec<std::path::PathBuf> {
    // SHA-256 of `test.example/orion`, 16 bytes.
    use std::process::Command;
    let sum = Command::new("sh").args(["-c", "printf test.example/orion | sha256sum"]).output();
    let sum =
        String::from_utf8(sum.expect("as the test made it").stdout).expect("as the test made it");
    let name = format!("{}.checkpoint", &sum[..32]);
    vec![state.join(format!("{name}.new")), state.join(name), state.to_owned()]
}
