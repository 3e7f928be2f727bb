//! How the cost of each operation grows with the book: append, verify, the questions, SQL, sizes.
//!
//! Method: a generated history (tests/support) of each size is appended in commits of 256, then
//! everything is timed on that book, through the built binary where a user would run it. Beside
//! each figure stands its floor, measured in the same run on the same disk: strict signature
//! verification alone, a synced write, a process that does nothing.
//!
//! `RELBOOK_SCALE=10000,1000000 cargo bench -p relbook-cli --bench scale`; `-- --test` runs small.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench reports to people"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use relbook_ledger::envelope::{SignedEvent, pae};
use relbook_ledger::store::{Ledger, Writer};
use relbook_query::Book;
use relbook_query::question::{CompatAsk, HotfixAsk, Question, WhichDeploy};
use relbook_testkit::history::{History, Shape};
use relbook_testkit::scratch::{Scratch, sign};

const COMMIT_EVENTS: usize = 256;
const RUNS: usize = 9;

fn main() {
    let test = std::env::args().any(|arg| arg == "--test");
    let sizes = std::env::var("RELBOOK_SCALE").unwrap_or_else(|_| "10000".to_owned());
    let sizes: Vec<usize> = if test {
        vec![600]
    } else {
        sizes.split(',').map(|size| size.trim().parse().expect("sizes are numbers")).collect()
    };
    for size in sizes {
        scale(size);
    }
}

fn line(what: &str, value: String, beside: &str) {
    println!("{what:<44} {value:>16}   {beside}");
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn timed<T>(f: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let value = f();
    (start.elapsed(), value)
}

fn scale(size: usize) {
    println!("\n{size} events");
    let mut scratch = Scratch::simulated();
    let book = scratch.path();
    let last = append_all(&scratch, size);
    sizes(&book, size, "after append");
    let floor = signatures(&last);
    verify(&book, size, floor);
    appends(&mut scratch);
    proofs(&book);
    questions(&book);
    sql(&book);
    sizes(&book, size, "with views and segments");
}

/// Appends the history in commits; returns the last commit's events.
fn append_all(scratch: &Scratch, size: usize) -> Vec<SignedEvent> {
    let mut history = History::new(Shape { components: 50, targets: 2, seed: 7 });
    let mut writer = Writer::open(&scratch.path()).unwrap();
    let (mut spent, mut done, mut last) = (Duration::ZERO, 0, Vec::new());
    while done < size {
        let count = COMMIT_EVENTS.min(size - done);
        let batch: Vec<SignedEvent> = history
            .take(count)
            .iter()
            .enumerate()
            .map(|(i, event)| sign(event, (done + i) as u64 + 1, scratch.key()))
            .collect();
        spent += timed(|| writer.append(&batch).unwrap()).0;
        done += count;
        last = batch;
    }
    let rate = size as f64 / spent.as_secs_f64();
    line("append, commits of 256", format!("{rate:.0} events/s"), &millis(spent));
    last
}

/// Returns how long one strict verification takes on one core.
fn signatures(events: &[SignedEvent]) -> Duration {
    let public = relbook_ledger::key::SigningKey::generate().unwrap();
    let signed: Vec<(Vec<u8>, [u8; 64])> = events
        .iter()
        .map(|event| {
            let pae = pae(&event.payload_type, &event.body);
            let signature = public.sign(&pae);
            (pae, signature)
        })
        .collect();
    let key = public.public();
    let (time, ()) = timed(|| {
        for (pae, signature) in &signed {
            key.verify_strict(pae, signature).unwrap();
        }
    });
    time / u32::try_from(signed.len()).unwrap()
}

fn relbook(book: &Path, args: &[&str]) -> Duration {
    let (time, output) = timed(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relbook"));
        command.arg("--book").arg(book).args(["--format", "json"]).args(args).output().unwrap()
    });
    // 1 is an answer too: in a small history a component may not be live, or have nowhere to go back to.
    let negative = output.status.code() == Some(1) && ["rollback", "hotfix"].contains(&args[0]);
    let answered = output.status.success() || negative;
    assert!(answered, "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    time
}

fn verify(book: &Path, size: usize, signature: Duration) {
    let time = relbook(book, &["verify"]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let floor = signature * u32::try_from(size / cores).unwrap();
    let ratio = time.as_secs_f64() / floor.as_secs_f64();
    let beside = format!("{ratio:.2} x the signatures alone on {cores} cores ({})", millis(floor));
    line("verify", millis(time), &beside);
}

/// One event per process, as CI does it, beside the floors of the same disk and machine.
fn appends(scratch: &mut Scratch) {
    let book = scratch.path();
    let synced = median((0..RUNS).map(|_| timed(|| synced_write(scratch.parent())).0).collect());
    let nothing = median((0..RUNS).map(|_| relbook(&book, &["--version"])).collect());
    let digest = format!("sha256:{}", "ab".repeat(32));
    let one = |i: usize| {
        relbook(
            &book,
            &[
                "append",
                "build",
                "--component",
                "service-01",
                "--version",
                &format!("9.9.{i}"),
                "--digest",
                &digest,
                "--commit",
                "c0ffee",
            ],
        )
    };
    let append = median((0..RUNS).map(one).collect());
    line("append one event, a process", millis(append), "");
    line("  floor: one synced write of 4 KiB", millis(synced), "");
    line("  floor: a process that does nothing", millis(nothing), "");
}

/// Proofs made in process, over places spread through the log.
fn proofs(book: &Path) {
    const PROOFS: u64 = 1_000;
    let ledger = Ledger::open(book).unwrap();
    let size = ledger.size();
    let places = || (0..PROOFS).map(|n| n * 7_919 % size);
    let each =
        |f: &dyn Fn(u64)| median(places().map(|place| timed(|| f(place)).0).collect::<Vec<_>>());
    let inclusion = each(&|seq| drop(ledger.prove_inclusion(seq, size).unwrap()));
    let consistency = each(&|seq| drop(ledger.prove_consistency(seq, size).unwrap()));
    let receipt = each(&|seq| drop(ledger.receipt(seq).unwrap().to_string()));
    line("inclusion proof, in process", millis(inclusion), "");
    line("consistency proof, in process", millis(consistency), "");
    line("receipt, in process", millis(receipt), "");
}

fn synced_write(dir: &Path) {
    let mut file = std::fs::File::create(dir.join("floor")).unwrap();
    file.write_all(&[7; 4096]).unwrap();
    file.sync_all().unwrap();
}

fn questions(book: &Path) {
    let (build, opened) = timed(|| Book::open(book, &|_, _| {}).unwrap());
    line("views built from nothing", millis(build), "");
    publish_matrix(book);
    for (name, args, question) in seven() {
        let process = median((0..RUNS).map(|_| relbook(book, &args)).collect());
        let lens = opened.lens(None, None);
        let (first, _) = timed(|| opened.answer(&question, lens).unwrap());
        let warm = (0..RUNS).map(|_| timed(|| opened.answer(&question, lens).unwrap()).0).collect();
        let beside = format!("in process: first {}, warm {}", millis(first), millis(median(warm)));
        line(&format!("{name}, a process"), millis(process), &beside);
    }
}

/// Two rows over two components, so that the question about them has something to say.
fn publish_matrix(book: &Path) {
    let rows = r#"[{"service-01":">=1.0.0","service-02":">=1.0.0"},{"service-01":"1.x"}]"#;
    relbook(book, &["append", "matrix.published", "--rows", rows]);
}

fn seven() -> [(&'static str, Vec<&'static str>, Question); 7] {
    let (environment, component) = ("production".to_owned(), "service-01".to_owned());
    [
        ("status", vec!["status"], Question::Status { environment: environment.clone() }),
        (
            "commit",
            vec!["commit"],
            Question::Commit { environment: environment.clone(), component: None },
        ),
        (
            "diff",
            vec!["diff", "service-01"],
            Question::Diff {
                environment: environment.clone(),
                component: component.clone(),
                versions: None,
                transitions: false,
            },
        ),
        (
            "rollback",
            vec!["rollback", "service-01"],
            Question::Rollback {
                environment: environment.clone(),
                component: component.clone(),
                any: false,
            },
        ),
        (
            "compat",
            vec!["compat", "service-01", "service-02"],
            Question::Compat {
                environment: environment.clone(),
                ask: CompatAsk::Pair(component.clone(), "service-02".into()),
            },
        ),
        (
            "approvals",
            vec!["approvals"],
            Question::Approvals {
                environment: environment.clone(),
                component: None,
                which: WhichDeploy::LastSucceeded,
            },
        ),
        (
            "hotfix",
            vec!["hotfix", "service-01"],
            Question::Hotfix { environment, component, ask: HotfixAsk::Plan(None) },
        ),
    ]
}

fn sql(book: &Path) {
    for (what, text) in [
        ("events by kind", "SELECT kind, count(*) AS n FROM events GROUP BY kind ORDER BY n DESC"),
        ("builds of a component", "SELECT count(*) FROM builds WHERE component = 'service-01'"),
        (
            "failed deploys",
            "SELECT component, count(*) FROM deploys WHERE outcome = 'failed' GROUP BY component",
        ),
        (
            "unapproved deploys of a component",
            "SELECT deploy_id FROM deploys WHERE component = 'service-01' AND approval_verdict = 'missing'",
        ),
    ] {
        let first = relbook(book, &["query", text]);
        let warm = median((0..RUNS).map(|_| relbook(book, &["query", text])).collect());
        line(&format!("sql: {what}"), millis(warm), &format!("first run {}", millis(first)));
    }
}

fn sizes(book: &Path, events: usize, when: &str) {
    let mut total = 0;
    for (name, path) in
        [("ledger.db", "ledger.db"), ("views.db", "views.db"), ("segments", "segments")]
    {
        let bytes = bytes_of(&book.join(path));
        total += bytes;
        if bytes > 0 {
            let each = bytes as f64 / events as f64;
            line(
                &format!("{name}, {when}"),
                format!("{:.1} MB", bytes as f64 / 1e6),
                &format!("{each:.0} bytes an event"),
            );
        }
    }
    assert!(total > 0);
}

fn bytes_of(path: &Path) -> u64 {
    let Ok(meta) = std::fs::metadata(path) else { return 0 };
    if meta.is_file() {
        return meta.len();
    }
    let entries = std::fs::read_dir(path).unwrap();
    entries.map(|entry| bytes_of(&entry.unwrap().path())).sum()
}
