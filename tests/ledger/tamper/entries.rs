//! Entries that were edited, moved, put in, removed, cut off or broken.

use relbook_ledger::time::Time;
use serde_json::json;

use super::{attack, book, expect, insider, outsider, text_change};
use crate::attack::Attack;
use crate::scratch::*;

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
    // Without the book's key the chain does not begin as it did; what was edited says more.
    outsider("bad-signature", 0, |a| {
        a.change(0, |entry| {
            let text = String::from_utf8(entry.pae.clone()).unwrap();
            entry.pae = text.replace("example/test", "example/tesT").into_bytes();
        });
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
    // The chain tells of the edit, though the clock of the next one is before it too.
    outsider("chain-broken", 7, |a| {
        a.change(6, later);
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
    outsider("entry-inserted", 0, |a| {
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
    // The cut is within a commit: that it is a cut, the pin knows.
    let within = |a: &Attack| {
        a.sql("DELETE FROM events WHERE seq >= 9; DELETE FROM checkpoints WHERE size > 9;");
        a.recompute();
    };
    outsider("pin-ahead", 9, within);
    let book = book();
    attack(&book, within);
    std::fs::remove_file(book.paths().pin()).unwrap();
    expect(&book, "checkpoint-missing", Some(8));
    // A perfect cut at a commit: only the pin knows.
    let cut = |a: &Attack| {
        a.sql("DELETE FROM events WHERE seq >= 8; DELETE FROM checkpoints WHERE size > 8;");
        a.recompute();
    };
    outsider("pin-ahead", 8, cut);
    // What is left of the lists and tiles beside it says less than the cut itself.
    outsider("pin-ahead", 8, |a| {
        a.sql("DELETE FROM events WHERE seq >= 8; DELETE FROM checkpoints WHERE size > 8;");
    });
}

#[test]
fn a_row_where_no_event_can_stand_was_put_in() {
    let put_in = |row: i64| {
        format!(
            "INSERT INTO events SELECT {row}, x'000102030405060708090a0b0c0d0e0f', entry FROM \
             events WHERE seq = 5"
        )
    };
    outsider("entry-inserted", 0, |a| {
        a.sql(&put_in(-1));
    });
    // Beyond the end: nothing is missing there, one is too many.
    outsider("entry-inserted", 11, |a| {
        a.sql(&put_in(400));
    });
}

#[test]
fn an_event_of_another_book_is_told_from_a_broken_chain() {
    let foreign = sign(insider::with(incident(), "ledger", json!("other.example/x")), &key(1));
    outsider("wrong-book", 6, |a| {
        a.change(6, |entry| {
            (entry.pae, entry.signature) = (foreign.pae(), foreign.signature);
            // As it stood there: another chain, another time.
            (entry.prev_chain, entry.received) = ([7; 32], Time::EPOCH);
        });
    });
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
    outsider("log-empty", 0, |a| {
        a.sql("DELETE FROM events");
    });
}
