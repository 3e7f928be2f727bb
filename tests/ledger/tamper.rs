//! Every rule of the verifier, each broken by an attack that keeps all the others.
//!
//! The first half needs no key; the second is by insiders who hold the book's own key and could
//! therefore sign whatever they like, except in the authors' names.

use relbook_ledger::envelope::{EVENT_TYPE, SignedEvent, pae};
use relbook_ledger::store::VerifyOptions;
use relbook_ledger::time::Time;
use relbook_ledger::verify::VerifyError;
use serde_json::{Map, Value, json};

use crate::attack::{Attack, checkpoint};
use crate::scratch::*;
use crate::verify::{check, found, verify};

/// Two registry events, keys, then commits of 3, 2 and 1 incidents: checkpoints at 1, 2, 5, 8, 10, 11.
fn book() -> Scratch {
    Scratch::new().furnished().with_commits(&[3, 2, 1])
}

/// Attacks a book and expects this finding at this seq.
#[track_caller]
fn outsider(code: &str, seq: impl Into<Option<u64>>, deed: impl FnOnce(&Attack)) -> VerifyError {
    let book = book();
    let attack = Attack::on(&book);
    deed(&attack);
    attack.cover_tracks();
    expect(&book, code, seq.into())
}

/// The same with the book's own key: afterwards everything is sealed anew.
#[track_caller]
fn insider(code: &str, seq: impl Into<Option<u64>>, deed: impl FnOnce(&Attack)) -> VerifyError {
    let book = book();
    let attack = Attack::on(&book);
    deed(&attack);
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, code, seq.into())
}

#[track_caller]
fn expect(book: &Scratch, code: &str, seq: Option<u64>) -> VerifyError {
    let error = found(book);
    assert_eq!((error.code(), error.seq()), (code, seq), "{error}");
    error
}

fn text_change(entry: &mut relbook_ledger::entry::Entry) {
    let text = String::from_utf8(entry.pae.clone()).unwrap();
    entry.pae = text.replace("\"i1\"", "\"i2\"").into_bytes();
}

#[test]
fn the_toolkit_itself_leaves_no_trace() {
    let book = book();
    let attack = Attack::on(&book);
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    assert_eq!(check(&book).events, 11);
}

#[test]
fn a_changed_event_is_found_whether_or_not_the_rest_is_recomputed() {
    outsider("bad-signature", 6, |a| {
        a.change(6, text_change);
    });
    outsider("bad-signature", 6, |a| {
        a.change(6, text_change).recompute();
    });
    insider("bad-signature", 6, |a| {
        a.change(6, text_change);
    });
    outsider("bad-signature", 7, |a| {
        a.change(7, |entry| entry.signature[63] ^= 1);
    });
}

#[test]
fn a_changed_definition_or_genesis_is_found() {
    let rename = |entry: &mut relbook_ledger::entry::Entry| {
        let text = String::from_utf8(entry.pae.clone()).unwrap();
        entry.pae = text.replace("semver", "Semver").into_bytes();
    };
    outsider("bad-signature", 2, |a| {
        a.change(2, rename);
    });
    let simulate = |entry: &mut relbook_ledger::entry::Entry| {
        let text = String::from_utf8(entry.pae.clone()).unwrap();
        // One byte longer in the body; the PAE stays well formed.
        let (head, body) = text.split_once(" {").unwrap();
        let body =
            format!("{{{}", body.replace("\"simulated_clock\":false", "\"simulated_clock\":true"));
        let (head, _) = head.rsplit_once(' ').unwrap();
        entry.pae = format!("{head} {} {body}", body.len()).into_bytes();
    };
    insider("bad-signature", 0, |a| {
        a.change(0, simulate);
    });
}

#[test]
fn a_changed_time_is_found_by_the_next_checkpoint() {
    let later = |entry: &mut relbook_ledger::entry::Entry| {
        entry.received = Time::from_micros(entry.received.micros() + 1);
    };
    let all_later = |a: &Attack| {
        for seq in 6..11 {
            a.change(seq, later);
        }
        a.recompute();
    };
    outsider("checkpoint-root", 5, all_later);
    outsider("chain-broken", 7, |a| {
        for seq in 6..11 {
            a.change(seq, later);
        }
    });
    let earlier = |entry: &mut relbook_ledger::entry::Entry| {
        entry.received = Time::from_micros(entry.received.micros() - 1);
    };
    outsider("received-decreasing", 6, |a| {
        a.change(6, earlier).recompute();
    });
    insider("received-decreasing", 6, |a| {
        a.change(6, earlier);
    });
}

#[test]
fn moved_entries_are_found() {
    let swap = "UPDATE events SET seq = -1 WHERE seq = 5; UPDATE events SET seq = 5 WHERE seq = 6; \
                UPDATE events SET seq = 6 WHERE seq = -1;";
    outsider("seq-mismatch", 5, |a| {
        a.sql(swap);
    });
    outsider("checkpoint-root", 5, |a| {
        a.sql(swap).recompute();
    });
    outsider("seq-gap", 0, |a| {
        a.sql("UPDATE events SET seq = -1 WHERE seq = 5");
    });
}

#[test]
fn an_entry_that_was_put_in_is_found() {
    // Whatever the row says: the entry in it stands before it already.
    outsider("entry-inserted", 6, |a| {
        for seq in (6..11).rev() {
            a.sql(&format!("UPDATE events SET seq = {} WHERE seq = {seq}", seq + 1));
        }
        a.sql(
            "INSERT INTO events SELECT 6, x'000102030405060708090a0b0c0d0e0f', entry FROM events \
             WHERE seq = 5",
        );
    });
}

#[test]
fn removed_entries_are_found() {
    // The rows after it moved up; nothing was recomputed.
    outsider("entry-removed", 6, |a| {
        a.sql("DELETE FROM events WHERE seq = 6");
        for seq in 7..11 {
            a.sql(&format!("UPDATE events SET seq = {} WHERE seq = {seq}", seq - 1));
        }
    });
    outsider("seq-gap", 6, |a| {
        a.sql("DELETE FROM events WHERE seq = 6");
    });
    outsider("checkpoint-root", 5, |a| {
        a.sql("DELETE FROM events WHERE seq = 6");
        for seq in 7..11 {
            a.sql(&format!("UPDATE events SET seq = {} WHERE seq = {seq}", seq - 1));
        }
        a.recompute();
    });
}

#[test]
fn a_cut_off_end_is_found_by_what_still_speaks_of_it() {
    // The checkpoints were left.
    outsider("checkpoint-ahead", 10, |a| {
        a.sql("DELETE FROM events WHERE seq = 10").recompute();
    });
    // The cut is within a commit.
    outsider("checkpoint-missing", None, |a| {
        a.sql("DELETE FROM events WHERE seq >= 9; DELETE FROM checkpoints WHERE size > 9;");
        a.recompute();
    });
    // A perfect cut at a commit: only the pin knows.
    let cut = |a: &Attack| {
        a.sql("DELETE FROM events WHERE seq >= 8; DELETE FROM checkpoints WHERE size > 8;");
        a.recompute();
    };
    outsider("pin-ahead", 8, cut);
}

#[test]
fn without_a_pin_a_cut_is_not_found_and_the_report_says_so() {
    let book = book();
    let kept = book.ledger().checkpoint().unwrap().note;
    let attack = Attack::on(&book);
    attack.sql("DELETE FROM events WHERE seq >= 8; DELETE FROM checkpoints WHERE size > 8;");
    attack.recompute();
    attack.cover_tracks();
    std::fs::remove_file(book.paths().pin()).unwrap();
    let report = check(&book);
    assert_eq!((report.events, report.truncation_checked, report.pin_size), (8, false, None));
    // A checkpoint that somebody kept finds it.
    let options = VerifyOptions { checkpoints: vec![kept], ..VerifyOptions::default() };
    assert_eq!(verify(&book, &options).unwrap_err().code(), "given-ahead");
}

#[test]
fn an_older_copy_put_back_is_found_by_the_pin() {
    let book = Scratch::new().furnished().with_commits(&[1]);
    let old = std::fs::read(book.paths().database()).unwrap();
    let book = book.with_commits(&[1]);
    std::fs::write(book.paths().database(), old).unwrap();
    expect(&book, "pin-ahead", Some(6));
    // The writer does not build on it either.
    let error = relbook_ledger::store::Writer::open(book.dir()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("holds 6 events, but 7 were acknowledged"), "{text}");
}

#[test]
fn broken_entries_are_found() {
    outsider("chain-broken", 6, |a| {
        a.change(6, |entry| entry.prev_chain[0] ^= 1);
    });
    outsider("entry-malformed", 6, |a| {
        a.put_bytes(6, &a.bytes(6)[..100]);
    });
    outsider("entry-malformed", 6, |a| {
        a.put_bytes(6, b"");
    });
    outsider("entry-malformed", 0, |a| {
        a.put_bytes(0, b"x");
    });
    outsider("unknown-key", 6, |a| {
        a.change(6, |entry| entry.key_id.0[0] ^= 1);
    });
    outsider("bad-signature", 6, |a| {
        a.change(6, |entry| entry.key_id = key(2).public().id());
    });
    outsider("log-empty", None, |a| {
        a.sql("DELETE FROM events");
    });
}

#[test]
fn what_stands_beside_the_log_must_be_exact() {
    let other_id = "UPDATE events SET id = x'000102030405060708090a0b0c0d0e0f' WHERE seq = 6";
    outsider("id-column", 6, |a| {
        a.sql(other_id);
    });
    outsider("registry-list", 3, |a| {
        a.sql("DELETE FROM registry WHERE seq = 3");
    });
    outsider("registry-list", 4, |a| {
        a.sql("DELETE FROM registry WHERE seq = 4");
    });
    outsider("registry-list", 7, |a| {
        a.sql("INSERT INTO registry VALUES (7)");
    });
    for change in [
        "UPDATE tiles SET hashes = substr(hashes, 1, length(hashes) - 32)",
        "UPDATE tiles SET hashes = zeroblob(length(hashes))",
        "UPDATE tiles SET hashes = CAST(hashes || x'00' AS BLOB)",
        "INSERT INTO tiles VALUES (8, zeroblob(32))",
        "DELETE FROM tiles",
    ] {
        outsider("tile-wrong", None, |a| {
            a.sql(change);
        });
    }
    let wide = |change: &'static str| {
        let book = Scratch::new().furnished().with_commits(&[300, 300]);
        let attack = Attack::on(&book);
        attack.sql(change);
        attack.cover_tracks();
        expect(&book, "tile-wrong", None);
    };
    wide("UPDATE tiles SET hashes = zeroblob(8192) WHERE id = 8");
    wide("UPDATE tiles SET hashes = (SELECT hashes FROM tiles WHERE id = 0) WHERE id = 8");
    wide("DELETE FROM tiles WHERE id = 0");
    for change in [
        "UPDATE meta SET value = x'00' WHERE key = 'origin'",
        "DELETE FROM meta WHERE key = 'book_key'",
        "INSERT INTO meta VALUES ('note', x'00')",
    ] {
        outsider("meta-changed", None, |a| {
            a.sql(change);
        });
    }
}

#[test]
fn an_index_that_leads_elsewhere_is_found() {
    // A second table with other ids; then its index takes the place of the real one.
    outsider("id-index", 6, |a| {
        a.sql(
            "CREATE TABLE fake(seq INTEGER PRIMARY KEY, id BLOB NOT NULL, entry BLOB NOT NULL) STRICT;
             INSERT INTO fake SELECT seq, id, x'' FROM events;
             UPDATE fake SET id = x'000102030405060708090a0b0c0d0e0f' WHERE seq = 6;
             CREATE UNIQUE INDEX fake_id ON fake(id);",
        );
        a.schema_sql(
            "UPDATE sqlite_schema SET rootpage =
               (SELECT rootpage FROM sqlite_schema WHERE name = 'fake_id') WHERE name = 'events_id';
             DELETE FROM sqlite_schema WHERE name IN ('fake', 'fake_id');",
        );
    });
    outsider("id-index", 10, |a| {
        a.sql(
            "CREATE TABLE fake(seq INTEGER PRIMARY KEY, id BLOB NOT NULL, entry BLOB NOT NULL) STRICT;
             INSERT INTO fake SELECT seq, id, x'' FROM events WHERE seq <> 7;
             CREATE UNIQUE INDEX fake_id ON fake(id);",
        );
        a.schema_sql(
            "UPDATE sqlite_schema SET rootpage =
               (SELECT rootpage FROM sqlite_schema WHERE name = 'fake_id') WHERE name = 'events_id';
             DELETE FROM sqlite_schema WHERE name IN ('fake', 'fake_id');",
        );
    });
}

#[test]
fn checkpoints_must_be_the_books_and_of_this_log() {
    let forged = checkpoint(8, [7; 32], &key(9)).note;
    let replace = |note: &str| format!("UPDATE checkpoints SET note = '{note}' WHERE size = 8");
    outsider("checkpoint-invalid", None, |a| {
        a.sql(&replace(&forged));
    });
    outsider("checkpoint-invalid", None, |a| {
        a.sql(&replace("nothing"));
    });
    let moved = "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 5) \
                 WHERE size = 8";
    outsider("checkpoint-invalid", None, |a| {
        a.sql(moved);
    });
    let book = book();
    let attack = Attack::on(&book);
    attack.sql(&replace(&checkpoint(8, [7; 32], &book.book_key()).note));
    attack.cover_tracks();
    expect(&book, "checkpoint-root", Some(5));
}

#[test]
fn a_changed_schema_is_found() {
    for change in [
        "CREATE TABLE extra(x)",
        "CREATE VIEW extra AS SELECT * FROM events",
        "CREATE INDEX extra ON events(entry)",
        "DROP INDEX events_id",
        "CREATE TRIGGER extra AFTER INSERT ON events BEGIN DELETE FROM registry; END",
    ] {
        outsider("schema-changed", None, |a| {
            a.sql(change);
        });
    }
    let book = book();
    // A trigger that is not put back.
    let attack = Attack::on(&book);
    drop(attack);
    expect(&book, "schema-changed", None);
}

#[test]
fn a_pin_must_be_the_books_and_of_this_log() {
    let book = book();
    let honest = std::fs::read_to_string(book.paths().pin()).unwrap();
    let pin = |text: &str| std::fs::write(book.paths().pin(), text).unwrap();
    for forged in ["", "nothing\n", &checkpoint(11, [7; 32], &key(9)).note] {
        pin(forged);
        expect(&book, "pin-invalid", None);
    }
    std::fs::write(book.paths().pin(), b"\xff\xfe").unwrap();
    expect(&book, "pin-invalid", None);
    pin(&checkpoint(11, [7; 32], &book.book_key()).note);
    expect(&book, "pin-root", Some(0));
    pin(&honest);
    assert_eq!(check(&book).pin_size, Some(11));
}

#[test]
fn given_checkpoints_must_be_the_books_and_of_this_log() {
    let book = book();
    let with = |note: String| {
        let options = VerifyOptions { checkpoints: vec![note], ..VerifyOptions::default() };
        verify(&book, &options)
    };
    let honest = book.ledger().checkpoints(8..9).unwrap().remove(0);
    assert!(with(honest.note).unwrap().truncation_checked);
    // A size at which the book stored no checkpoint is as good as another.
    let forked = checkpoint(7, [7; 32], &book.book_key()).note;
    assert_eq!(with(forked).unwrap_err().code(), "given-root");
    let foreign = checkpoint(7, [7; 32], &key(9)).note;
    assert_eq!(with(foreign).unwrap_err().code(), "given-invalid");
    let ahead = checkpoint(12, [7; 32], &book.book_key()).note;
    assert_eq!(with(ahead).unwrap_err().code(), "given-ahead");
}

#[test]
fn another_book_in_its_place_is_found() {
    let (book, other) = (book(), Scratch::new());
    std::fs::copy(other.paths().database(), book.paths().database()).unwrap();
    std::fs::copy(other.paths().pin(), book.paths().pin()).unwrap();
    expect(&book, "book-key", Some(0));
}

#[test]
fn damage_to_the_file_is_a_finding_not_a_failure() {
    let book = book();
    let mut bytes = std::fs::read(book.paths().database()).unwrap();
    for page in bytes.chunks_mut(4_096).skip(1) {
        page[..8].fill(0xaa);
    }
    std::fs::write(book.paths().database(), &bytes).unwrap();
    expect(&book, "database-damaged", None);
    bytes[..16].fill(0);
    std::fs::write(book.paths().database(), &bytes).unwrap();
    expect(&book, "database-damaged", None);
}

#[test]
fn no_flipped_byte_changes_what_is_proven() {
    let book = book();
    let honest = check(&book);
    let bytes = std::fs::read(book.paths().database()).unwrap();
    let mut unnoticed = 0;
    for at in (0..bytes.len()).step_by(409) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        std::fs::write(book.paths().database(), changed).unwrap();
        // Flips in unused space and counters are no tampering; then all that is proven is the same.
        if let Ok(report) = verify(&book, &VerifyOptions::default()) {
            assert_eq!(report, honest, "byte {at}");
            unnoticed += 1;
        }
    }
    assert!(unnoticed < bytes.len() / 409, "no flip was noticed");
}

/// What happened to a book, and the code under which it is found: no two share one, save those
/// that nothing in the book's own files could tell apart.
#[test]
fn each_class_of_attack_has_its_own_code() {
    let cut = "DELETE FROM events WHERE seq >= 8; DELETE FROM checkpoints WHERE size > 8;";
    let swap = "UPDATE events SET seq = -1 WHERE seq = 5; UPDATE events SET seq = 5 WHERE seq = 6; \
                UPDATE events SET seq = 6 WHERE seq = -1;";
    type Class<'a> = (&'a str, &'a str, &'a dyn Fn(&Scratch));
    let classes: [Class<'_>; 11] = [
        ("edited", "bad-signature", &|b| attack(b, |a| _ = a.change(6, text_change))),
        ("deleted", "seq-gap", &|b| attack(b, |a| _ = a.sql("DELETE FROM events WHERE seq = 6"))),
        ("inserted", "checkpoint-missing", &|b| {
            attack(b, |a| _ = a.push(&sign(incident(), &key(1)), None).recompute());
        }),
        ("reordered", "seq-mismatch", &|b| attack(b, |a| _ = a.sql(swap))),
        ("truncated", "checkpoint-ahead", &|b| {
            attack(b, |a| _ = a.sql("DELETE FROM events WHERE seq = 10").recompute());
        }),
        ("rolled back", "pin-ahead", &|b| attack(b, |a| _ = a.sql(cut).recompute())),
        ("forked", "pin-root", &|b| {
            let note = checkpoint(11, [7; 32], &b.book_key()).note;
            std::fs::write(b.paths().pin(), note).unwrap();
        }),
        ("foreign", "book-key", &|b| {
            let other = Scratch::new();
            std::fs::copy(other.paths().database(), b.paths().database()).unwrap();
            std::fs::copy(other.paths().pin(), b.paths().pin()).unwrap();
        }),
        ("wrong key", "unknown-key", &|b| {
            attack(b, |a| _ = a.push(&sign(incident(), &key(9)), None).reseal(&b.book_key()));
        }),
        ("wrong role", "role", &|b| {
            attack(b, |a| _ = a.push(&sign(approval(None), &key(1)), None).reseal(&b.book_key()));
        }),
        ("bad schema", "schema-changed", &|b| attack(b, |a| _ = a.sql("CREATE TABLE extra(x)"))),
    ];
    let mut codes = std::collections::BTreeSet::new();
    for (class, code, deed) in classes {
        let book = book();
        deed(&book);
        let error = found(&book);
        assert_eq!(error.code(), code, "{class}: {error}");
        assert!(codes.insert(code), "{class} has the code of another class");
    }
}

fn attack(book: &Scratch, deed: impl FnOnce(&Attack)) {
    let attack = Attack::on(book);
    deed(&attack);
    attack.cover_tracks();
}

fn with(mut event: Map<String, Value>, field: &str, value: Value) -> Map<String, Value> {
    event.insert(field.into(), value);
    event
}

#[test]
fn an_insider_cannot_add_events_by_keys_out_of_force() {
    insider("unknown-key", 11, |a| {
        a.push(&sign(incident(), &key(9)), None);
    });
    let book = book();
    book.append(sign(key_end("key.revoked", 1, "ci"), &book.admin()));
    let attack = Attack::on(&book);
    attack.push(&sign(incident(), &key(1)), None).reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "revoked-key", Some(12));
}

#[test]
fn an_insider_cannot_use_a_key_beyond_its_role() {
    insider("role", 11, |a| {
        a.push(&sign(approval(None), &key(1)), None);
    });
    insider("role", 11, |a| {
        let target = json!({"corrects": 5});
        a.push(&sign(event("event.corrected", target), &key(2)), None);
    });
    let book = book();
    let attack = Attack::on(&book);
    let enrolment = sign(enrolment(9, "mallory", &["admin"]), &book.book_key());
    attack.push(&enrolment, None).reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "role", Some(11));
}

#[test]
fn an_insider_cannot_add_what_admission_refuses() {
    let wrong_book = with(incident(), "ledger", json!("other"));
    insider("wrong-book", 11, |a| {
        a.push(&sign(wrong_book, &key(1)), None);
    });
    let future = with(incident(), "occurred_at", json!("2030-01-01T00:00:00Z"));
    insider("future-time", 11, |a| {
        a.push(&sign(future, &key(1)), None);
    });
    let recorded = with(incident(), "recorded_at", json!("2026-06-01T00:00:00Z"));
    insider("inadmissible", 11, |a| {
        a.push(&sign(recorded, &key(1)), None);
    });
    let nowhere = with(build("1.0.0"), "component", json!("nope"));
    insider("inadmissible", 11, |a| {
        a.push(&sign(nowhere, &key(1)), None);
    });
    let nothing = event("event.corrected", json!({"corrects": 99}));
    insider("inadmissible", 11, |a| {
        a.push(&sign(nothing, &key(1)), None);
    });
    let large = with(incident(), "labels", json!({"x": "y".repeat(61_440)}));
    insider("inadmissible", 11, |a| {
        a.push(&sign(large, &key(1)), None);
    });
    let twice = format!("{{\"id\":\"{0}\",\"id\":\"{0}\"}}", new_id()).into_bytes();
    let twice = SignedEvent::sign(EVENT_TYPE, twice, &key(1));
    let error = insider("inadmissible", 11, |a| {
        a.push(&twice, None);
    });
    assert!(error.to_string().contains("duplicate_key"), "{error}");
    let plain =
        SignedEvent::sign(EVENT_TYPE, serde_json::to_vec(&build("1.0.0")).unwrap(), &key(1));
    insider("inadmissible", 11, |a| {
        a.push(&plain, None);
    });
}

#[test]
fn bytes_that_are_no_signed_payload_are_found_even_when_signed() {
    let mut signed = sign(incident(), &key(1));
    let garbage = b"DSSEv2 nothing".to_vec();
    signed.signature = key(1).sign(&garbage);
    insider("envelope-malformed", 11, |a| {
        a.push_pae(&signed, garbage, None);
    });
    let loose = pae(EVENT_TYPE, b"{}").repeat(2);
    signed.signature = key(1).sign(&loose);
    insider("envelope-malformed", 11, |a| {
        a.push_pae(&signed, loose, None);
    });
}

#[test]
fn an_insider_cannot_replay_an_event() {
    let book = book();
    let attack = Attack::on(&book);
    let replayed = attack.entry(6);
    attack.sql("DROP INDEX events_id");
    let signed = SignedEvent {
        payload_type: EVENT_TYPE.into(),
        body: vec![],
        key_id: replayed.key_id,
        signature: replayed.signature,
    };
    attack.push_pae(&signed, replayed.pae, None).reseal(&book.book_key());
    // The schema's text must not show that the index allows it.
    attack.sql("CREATE INDEX events_id ON events(id)").schema_sql(
        "UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX events_id ON events(id)' \
         WHERE name = 'events_id'",
    );
    attack.cover_tracks();
    let error = expect(&book, "duplicate-id", Some(11));
    assert_eq!(error, VerifyError::DuplicateId { seq: 11, first: 6 });
}

#[test]
fn a_book_must_begin_with_its_own_genesis() {
    let book = book();
    let attack = Attack::on(&book);
    let first = sign(incident(), &book.book_key());
    attack.change(0, |entry| (entry.pae, entry.signature) = (first.pae(), first.signature));
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "genesis-wrong", Some(0));
}

#[test]
fn a_book_has_one_genesis() {
    let book = Scratch::new();
    let attack = Attack::on(&book);
    let fields = json!({
        "origin": ORIGIN, "book_public_key": book.book_key().public().to_hex(),
        "format_version": 1, "simulated_clock": false,
    });
    let second = event("book.created", fields);
    let id: uuid::Uuid = second["id"].as_str().unwrap().parse().unwrap();
    let second = sign(second, &book.book_key());
    attack.change(1, |entry| (entry.pae, entry.signature) = (second.pae(), second.signature));
    attack.sql(&format!("UPDATE events SET id = x'{}' WHERE seq = 1", id.simple()));
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "role", Some(1));
}

#[test]
fn a_simulated_clock_must_be_what_the_events_make_it() {
    let book = Scratch::simulated();
    book.append(sign(incident(), &book.admin()));
    book.append(sign(incident(), &book.admin()));
    assert!(check(&book).simulated_clock);
    let attack = Attack::on(&book);
    attack.change(3, |entry| entry.received = Time::from_micros(entry.received.micros() + 1));
    attack.reseal(&book.book_key());
    attack.cover_tracks();
    expect(&book, "simulated-clock", Some(3));
}
