//! A golden file of the formats: a small log with known keys, byte for byte.
//!
//! `tests/vectors/golden.json` holds inputs and what the formats make of them. This test makes it
//! again from the inputs; `tests/interop/second.py`, an implementation that shares nothing with
//! ours, does the same. So a format cannot change unseen, and the description of the formats is
//! known to be enough. `RELBOOK_BLESS=1` rewrites the file.

use std::path::PathBuf;
use std::process::Command;

use relbook_ledger::chain;
use relbook_ledger::checkpoint::Checkpoint;
use relbook_ledger::entry::Entry;
use relbook_ledger::envelope::{EVENT_TYPE, IN_TOTO_TYPE, SignedEvent};
use relbook_ledger::key::SigningKey;
use relbook_ledger::note::verifier_key;
use relbook_ledger::receipt::Receipt;
use relbook_ledger::time::Time;
use relbook_ledger::tree::proof::{TileSource, prove_consistency, prove_inclusion};
use relbook_ledger::tree::tile::{Tile, TileEdge, TileId};
use relbook_ledger::tree::{Frontier, leaf_hash};
use serde_json::{Value, json};

use crate::report;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn golden() -> PathBuf {
    root().join("tests/vectors/golden.json")
}

/// What the file's outputs are made from; a second implementation needs nothing else.
fn inputs() -> Value {
    let event = |n: u64, payload_type: &str, body: &str| {
        json!({
            "received_micros": 1_780_000_000_000_000_u64 + n * 1_000_001,
            "seed": hex::encode([u8::try_from(n % 3 + 1).unwrap(); 32]),
            "payload_type": payload_type,
            "body": body,
        })
    };
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": "ab".repeat(32)}, "name": "api"}],
        "predicateType": "https://relbook.dev/build.completed/v1",
        "predicate": {"kind": "build.completed", "component": "api", "digest": format!("sha256:{}", "ab".repeat(32))},
    });
    let bodies = [
        (EVENT_TYPE, r#"{"kind":"book.created"}"#.to_owned()),
        (IN_TOTO_TYPE, statement.to_string()),
        (EVENT_TYPE, String::new()),
        (EVENT_TYPE, "{\"text\":\"zwölf Bücher \u{1f4da} \\u0000\"}".to_owned()),
        (EVENT_TYPE, " ".repeat(10)),
        (EVENT_TYPE, "9".repeat(1_000)),
        (EVENT_TYPE, "{\n}\n".to_owned()),
        (IN_TOTO_TYPE, "{}".to_owned()),
        (EVENT_TYPE, "the last of nine".to_owned()),
    ];
    let events: Vec<Value> =
        (0..).zip(&bodies).map(|(n, (payload_type, body))| event(n, payload_type, body)).collect();
    json!({
        "origin": "relbook.example/golden",
        "book_seed": hex::encode([9; 32]),
        "events": events,
    })
}

struct Edge(TileEdge);

impl TileSource for Edge {
    type Error = std::convert::Infallible;

    fn tile(&self, id: TileId) -> Result<Option<Tile>, Self::Error> {
        let found = self.0.partial().find(|(other, _)| *other == id);
        Ok(found.map(|(_, tile)| tile.to_vec()))
    }
}

fn seed(value: &Value) -> SigningKey {
    SigningKey::from_seed(&hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap())
}

/// Makes the outputs with the ledger's own code.
fn outputs(inputs: &Value) -> Value {
    let (origin, book) = (inputs["origin"].as_str().unwrap(), seed(&inputs["book_seed"]));
    let genesis = chain::genesis(origin, &book.public());
    let (mut prev_chain, mut edge, mut frontier) = (genesis, TileEdge::new(), Frontier::new());
    let (mut entries, mut notes, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for (seq, event) in (0..).zip(inputs["events"].as_array().unwrap()) {
        let author = seed(&event["seed"]);
        let body = event["body"].as_str().unwrap().as_bytes().to_vec();
        let signed = SignedEvent::sign(event["payload_type"].as_str().unwrap(), body, &author);
        let received = Time::from_micros(event["received_micros"].as_i64().unwrap());
        let entry = Entry {
            seq,
            received,
            prev_chain,
            key_id: signed.key_id,
            signature: signed.signature,
            pae: signed.pae(),
        };
        last = entry.encode().unwrap();
        prev_chain = chain::link(&last);
        edge.append(leaf_hash(&last), |_, _| ());
        frontier.append(leaf_hash(&last));
        let point = Checkpoint { origin: origin.to_owned(), size: seq + 1, root: frontier.root() };
        notes.push(point.sign(&book).unwrap().note);
        entries.push(json!({
            "pae": hex::encode(&entry.pae),
            "key_id": signed.key_id.to_string(),
            "signature": hex::encode(signed.signature),
            "envelope": signed.to_dsse_json(),
            "entry": hex::encode(&last),
            "chain": hex::encode(prev_chain),
            "leaf": hex::encode(leaf_hash(&last)),
            "root": hex::encode(frontier.root()),
        }));
    }
    let (tiles, size) = (Edge(edge), entries.len() as u64);
    let texts = |hashes: Vec<[u8; 32]>| hashes.iter().map(hex::encode).collect::<Vec<_>>();
    let inclusion: Vec<_> =
        (0..size).map(|seq| texts(prove_inclusion(&tiles, seq, size).unwrap())).collect();
    let consistency: Vec<_> =
        (1..size).map(|from| texts(prove_consistency(&tiles, from, size).unwrap())).collect();
    let receipt = Receipt {
        seq: size - 1,
        entry: Some(last),
        hashes: prove_inclusion(&tiles, size - 1, size).unwrap(),
        checkpoint: notes.last().cloned().unwrap(),
    };
    receipt.check(&book.public()).unwrap();
    json!({
        "book_key": book.public().to_hex(),
        "verifier_key": verifier_key(origin, &book.public()),
        "genesis": hex::encode(genesis),
        "entries": entries,
        "checkpoints": notes,
        "inclusion": inclusion,
        "consistency": consistency,
        "receipt": receipt.to_string(),
    })
}

#[test]
fn the_formats_are_those_of_the_golden_file() {
    let inputs = inputs();
    let made = json!({"inputs": inputs, "outputs": outputs(&inputs)});
    if std::env::var("RELBOOK_BLESS").is_ok_and(|bless| bless == "1") {
        let text = serde_json::to_string_pretty(&made).unwrap() + "\n";
        std::fs::write(golden(), text).unwrap();
    }
    let text = std::fs::read_to_string(golden()).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(kept["inputs"], made["inputs"], "the inputs of tests/vectors/golden.json");
    for (field, expected) in kept["outputs"].as_object().unwrap() {
        assert_eq!(expected, &made["outputs"][field], "`{field}` changed: a format is another one");
    }
    assert_eq!(kept, made);
}

#[test]
fn a_second_implementation_makes_the_golden_file_too() {
    let python = std::env::var("RELBOOK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output =
        Command::new(python).arg(root().join("tests/interop/second.py")).arg(golden()).output();
    let Ok(output) = output else { return report::skip("second implementation", "python3") };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("ModuleNotFoundError") {
        let missing = "the Python package `cryptography` or `blake3`";
        return report::skip("second implementation", missing);
    }
    assert!(output.status.success(), "{said}");
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(golden()).unwrap()).unwrap();
    let fields = kept["outputs"].as_object().unwrap();
    for (field, expected) in fields {
        assert_eq!(&made[field], expected, "`{field}`");
    }
    assert_eq!(made.as_object().unwrap().len(), fields.len());
    let entries = kept["outputs"]["entries"].as_array().unwrap().len();
    report::line(&format!(
        "second implementation (Python): {} fields over {entries} entries alike, byte for byte",
        fields.len()
    ));
}
