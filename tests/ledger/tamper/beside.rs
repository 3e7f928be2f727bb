//! What the database keeps beside the entries: lists, index, tiles, checkpoints, schema.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{attack, book, expect, outsider, text_change};
use crate::attack::{Attack, checkpoint};
use crate::scratch::*;

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
fn stored_checkpoints_hold_the_books_lines_and_no_other() {
    let book = book();
    let note = book.ledger().checkpoints(8..9).unwrap().remove(0).note;
    let own = note.lines().last().unwrap();
    let stranger = format!("\u{2014} w.example/x {}", STANDARD.encode([7; 76]));
    for line in [own, &stranger] {
        let more = format!("UPDATE checkpoints SET note = note || '{line}\n' WHERE size = 8");
        outsider("checkpoint-invalid", None, |a| {
            a.sql(&more);
        });
    }
    // Nor does the book sign among the witnesses.
    attack(&book, |a| _ = a.sql(&format!("INSERT INTO cosignatures VALUES (8, '{own}')")));
    expect(&book, "cosignature-invalid", None);
}

#[test]
fn a_wrong_tile_hides_nothing_that_is_wrong_with_the_log() {
    // The event is read long after the tile.
    let book = Scratch::new().furnished().with_commits(&[300, 2_000]);
    attack(&book, |a| {
        a.sql("UPDATE tiles SET hashes = zeroblob(8192) WHERE id = 0").change(2_200, text_change);
    });
    expect(&book, "bad-signature", Some(2_200));
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
