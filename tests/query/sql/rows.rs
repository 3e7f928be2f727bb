//! Every kind's row: each field of the event stands in its column, with its value and its type.

use std::collections::BTreeMap;

use relbook_ledger::event::{FieldType, Kind};
use relbook_query::sql::Session;
use relbook_testkit::story::{Story, digest, time};
use serde_json::{Map, Value, json};

use super::every::{Every, every};
use super::{line, lines, run, session};

/// The table in which the events of a kind stand, one row for each.
fn table_of(kind: Kind) -> &'static str {
    match kind {
        Kind::BookCreated
        | Kind::BookRotated
        | Kind::KeyEnrolled
        | Kind::KeyRevoked
        | Kind::KeyCompromised => "key_events",
        Kind::ComponentRegistered => "components",
        Kind::EnvironmentRegistered => "environments",
        Kind::PolicySet => "policies",
        Kind::MatrixPublished => "matrix_rows",
        Kind::BranchCreated => "branches",
        Kind::CommitMerged => "commits",
        Kind::BuildCompleted => "builds",
        Kind::TagCreated | Kind::TagMoved => "tags",
        Kind::CheckCompleted => "checks",
        Kind::ScanCompleted => "scans",
        Kind::ApprovalGranted | Kind::ApprovalRejected | Kind::ApprovalRevoked => "approvals",
        Kind::DeployStarted
        | Kind::DeployProgressed
        | Kind::DeployFinished
        | Kind::DeployRemoved => "deploy_events",
        Kind::ReleasePublished | Kind::ReleaseYanked => "publishes",
        Kind::ArtifactFlagged | Kind::ArtifactUnflagged => "flags",
        Kind::RuntimeObserved => "observations",
        Kind::IncidentOpened | Kind::IncidentResolved => "incidents",
        Kind::HotfixOpened => "hotfixes",
        Kind::BreakglassReviewed => "breakglass_reviews",
        Kind::WaiverGranted => "waivers",
        Kind::FreezeDeclared | Kind::FreezeLifted => "freezes",
        Kind::AttestationRecorded | Kind::SbomRecorded => "attestations",
        Kind::GateDecided => "gate_decisions",
        Kind::EventCorrected => "corrections",
        Kind::RedactionApplied => "redactions",
        Kind::AppendRefused => "refusals",
    }
}

fn row(session: &Session, sql: &str) -> Map<String, Value> {
    let mut rows = run(session, sql).to_json_rows();
    assert_eq!(rows.len(), 1, "{sql}: {rows:#?}");
    rows.remove(0).as_object().unwrap().clone()
}

/// Returns what a column must show of a field.
fn shown(ty: FieldType, value: &Value) -> Value {
    match ty {
        FieldType::Json => Value::from(value.to_string()),
        FieldType::Float => json!(value.as_f64()),
        _ => value.clone(),
    }
}

#[test]
fn every_field_of_every_kind_stands_in_its_column() {
    let mut every = every();
    let session = session(&every.dir());
    for kind in Kind::ALL {
        let (seq, written) = &every.written[kind.as_str()];
        let table = table_of(*kind);
        let mut rows = run(&session, &format!("SELECT * FROM {table} WHERE seq = {seq}"));
        rows.batches.truncate(1);
        let rows = rows.to_json_rows();
        let row = rows.first().unwrap_or_else(|| panic!("{kind} has no row in {table}"));
        for field in kind.spec().fields {
            let Some(value) = written.get(field.name) else { continue };
            // The rows of a matrix are rows here; `principal` is the signer, `holder` the field.
            let column = match (table, field.name) {
                ("matrix_rows", "rows") => continue,
                ("key_events", "principal") => "holder",
                (_, name) => name,
            };
            assert_eq!(row[column], shown(field.ty, value), "{table}.{column} of {kind}");
        }
        for (name, ty) in [
            ("component", FieldType::Text),
            ("labels", FieldType::Json),
            ("source", FieldType::Json),
            ("evidence", FieldType::TextList),
        ] {
            if let Some(value) = written.get(name) {
                assert_eq!(row[name], shown(ty, value), "{table}.{name} of {kind}");
            }
        }
        if let Some(shown) = row.get("kind") {
            assert_eq!(shown, kind.as_str());
        }
    }
}

#[test]
fn an_event_shows_in_no_other_table_than_its_own() {
    let mut every = every();
    let session = session(&every.dir());
    let mut tables: Vec<&str> = Kind::ALL.iter().map(|kind| table_of(*kind)).collect();
    tables.sort_unstable();
    tables.dedup();
    let size: u64 = line(&session, "SELECT count(*) FROM events").parse().unwrap();
    let mut counts = BTreeMap::new();
    for table in tables {
        for seq in lines(&session, &format!("SELECT DISTINCT seq FROM {table}")) {
            *counts.entry(seq.parse::<u64>().unwrap()).or_insert(0) += 1;
        }
    }
    let once: BTreeMap<u64, i32> = (0..size).map(|seq| (seq, 1)).collect();
    assert_eq!(counts, once);
}

#[test]
fn events_show_the_signed_bytes_and_what_is_common() {
    let mut every = every();
    let dir = every.dir();
    let session = session(&dir);
    let ledger = relbook_ledger::store::Ledger::open(&dir).unwrap();
    for seq in 0..ledger.size() {
        let record = ledger.record(seq).unwrap().unwrap();
        let row = row(&session, &format!("SELECT * FROM events WHERE seq = {seq}"));
        let event: Value = serde_json::from_str(row["payload"].as_str().unwrap()).unwrap();
        for (column, field) in [
            ("event_id", "id"),
            ("kind", "kind"),
            ("component", "component"),
            ("version", "version"),
            ("digest", "digest"),
            ("environment", "environment"),
            ("occurred_at", "occurred_at"),
        ] {
            assert_eq!(row[column], event[field], "{column} at seq {seq}");
        }
        assert_eq!(row["seq"], json!(seq));
        assert_eq!(row["recorded_at"], json!(record.received.to_string()));
        assert_eq!(row["principal"], json!(record.principal));
        assert_eq!(row["key_id"], json!(record.key_id.to_string()));
        let signed = row["statement"].as_str().or(row["payload"].as_str()).unwrap();
        assert_eq!(signed.as_bytes(), record.body);
    }
}

#[test]
fn absent_fields_are_null_and_empty_lists_are_lists() {
    let mut story = Story::of_api(&["us"]);
    story.commit("02T09:00", "c1", &[], "p_ann", "Fix a thing").build("02T10:00", "1.4.1");
    let session = session(&story.book());
    assert_eq!(
        line(
            &session,
            "SELECT parents, reviewers, body, pr, type, scope, breaking, labels, evidence \
             FROM commits"
        ),
        "[] - - - - - - - -"
    );
    assert_eq!(
        line(&session, "SELECT outcome, platforms, branch, digest FROM builds"),
        "succeeded - - @1.4.1"
    );
    assert_eq!(line(&session, "SELECT cardinality(parents), parents[1] FROM commits"), "0 -");
}

#[test]
fn findings_stand_one_by_one() {
    let mut every = every();
    let session = session(&every.dir());
    let (seq, _) = every.written["scan.completed"];
    assert_eq!(
        lines(
            &session,
            "SELECT scan_seq, seq, component, digest, scanner, finding, vulnerability_id, \
             severity, package, installed_version, fixed_version FROM findings ORDER BY finding"
        ),
        [
            format!("{seq} {seq} api @1.4.1 trivy 1 CVE-1 critical zlib 1.2 1.3"),
            format!("{seq} {seq} api @1.4.1 trivy 2 CVE-2 - - - -"),
        ]
    );
    assert_eq!(
        line(
            &session,
            "SELECT s.critical, count(*) FROM findings f JOIN scans s ON s.seq = f.scan_seq \
             WHERE f.severity = 'critical' GROUP BY s.critical"
        ),
        "1 1"
    );
}

#[test]
fn what_an_approval_leaves_out_is_its_signer() {
    let mut story = Story::of_api(&["us"]);
    story.enroll("p_olga", &["approver", "release_engineer"]);
    let granted = json!({"kind": "approval.granted", "component": "api", "approval_id": "A1",
        "version": "1.4.1", "digest": digest("1.4.1"), "stage": "production"});
    story.signed("p_olga", "02T09:00", granted);
    story.signed("p_olga", "02T10:00", json!({"kind": "approval.revoked", "approval_id": "A1"}));
    let session = session(&story.book());
    assert_eq!(
        lines(&session, "SELECT principal, decision, approver, \"by\" FROM approvals ORDER BY seq"),
        ["p_olga granted p_olga -", "p_olga revoked - p_olga"]
    );
}

#[test]
fn commits_show_what_their_message_says() {
    let mut every = every();
    let session = session(&every.dir());
    assert_eq!(
        line(&session, "SELECT type, scope, breaking, parents, reviewers FROM commits"),
        "feat api true [c1,c0] [p_bob,p_cyd]"
    );
}

#[test]
fn deploys_and_their_targets_have_a_row_each() {
    let mut every = every();
    let session = session(&every.dir());
    let (start, _) = every.written["deploy.started"];
    let (finish, _) = every.written["deploy.finished"];
    assert_eq!(
        lines(
            &session,
            "SELECT seq, principal, occurred_at, deploy_id, target, weight, outcome, restored, \
             finished_at, seq_finish FROM deploy_targets"
        ),
        [
            format!("{start} admin 02T09:00 D1 us 50 failed true 02T09:00 {finish}"),
            format!("{start} admin 02T09:00 D1 eu - - - - -"),
        ]
    );
    assert_eq!(
        line(
            &session,
            "SELECT seq, principal, occurred_at, deploy_id, component, version, digest, targets, \
             break_glass, outcome, seq_start FROM deploys"
        ),
        format!("{start} admin 02T09:00 D1 api 1.4.1 @1.4.1 [us,eu] true in_flight {start}")
    );
}

#[test]
fn keys_say_how_long_each_held() {
    let mut every = every();
    let session = session(&every.dir());
    let (enrolled, _) = every.written["key.enrolled"];
    let (ended, _) = every.written["key.compromised"];
    let (rotated, _) = every.written["book.rotated"];
    assert_eq!(
        lines(
            &session,
            "SELECT principal, roles, components, valid_from_seq, valid_to_seq, status, from_seq \
             FROM keys ORDER BY seq"
        ),
        [
            format!("relbook [book] - 0 {rotated} replaced -"),
            "admin [admin] - 2 - active -".to_owned(),
            "p_olga [approver,release_engineer] - 8 - active -".to_owned(),
            format!("p_kim [ci] [api] {} {} compromised 3", enrolled + 1, ended - 1),
            format!("relbook [book] - {} - active -", rotated + 1),
        ]
    );
}

#[test]
fn checkpoints_are_those_of_the_book() {
    let mut every = every();
    let dir = every.dir();
    let session = session(&dir);
    let ledger = relbook_ledger::store::Ledger::open(&dir).unwrap();
    let newest = ledger.checkpoint().unwrap();
    let row = row(&session, "SELECT * FROM checkpoints ORDER BY size DESC LIMIT 1");
    assert_eq!(row["size"], json!(newest.size));
    assert_eq!(row["note"], json!(newest.note));
    assert_eq!(row["seq"], json!(newest.size - 1));
    assert!(row["note"].as_str().unwrap().contains(row["root"].as_str().unwrap()));
}

#[test]
fn a_refusal_says_what_was_wrong_and_whose_it_was() {
    let mut every = every();
    let session = session(&every.dir());
    assert_eq!(
        line(&session, "SELECT principal, code, field, author, refused_kind FROM refusals"),
        "relbook missing_field commit admin tag.created"
    );
}

#[test]
fn times_keep_their_microseconds() {
    let mut story = Story::of_api(&["us"]);
    story.build("2026-06-02T09:00:00.123456Z", "1.4.1");
    let session = session(&story.book());
    let row = row(
        &session,
        "SELECT occurred_at, occurred_at = TIMESTAMP '2026-06-02 09:00:00.123456' AS same, \
         date_trunc('hour', occurred_at) AS hour, CAST(occurred_at AS TEXT) AS text FROM builds",
    );
    assert_eq!(row["occurred_at"], "2026-06-02T09:00:00.123456Z");
    assert_eq!(row["same"], true);
    assert_eq!(row["hour"], json!(time("02T09:00")));
    assert_eq!(row["text"], "2026-06-02T09:00:00.123456Z");
}

/// The written map is complete: a kind that is added must be added to the story.
#[test]
fn the_story_has_every_kind_with_every_field() {
    let every: Every = every();
    for kind in Kind::ALL.iter().filter(|kind| !kind.is_written_by_book()) {
        let (_, written) = &every.written[kind.as_str()];
        for field in kind.spec().fields {
            // One role is written as `role`, several as `roles`; a made tag was nowhere before.
            let other = matches!(
                (*kind, field.name),
                (Kind::KeyEnrolled, "role") | (Kind::TagCreated, "previous_commit")
            );
            assert!(other || written.contains_key(field.name), "{kind}.{}", field.name);
        }
    }
}
