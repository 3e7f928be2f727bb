//! The tables of contract section 4: which there are, their columns, in order, with their types.

use relbook_ledger::event::{FieldType, Kind};
use relbook_query::sql::Session;
use relbook_testkit::story::Story;

use super::{lines, run, session};

/// The log tables of the contract that hold one row per event (or per item), with their kinds.
const LOG_TABLES: &[(&str, &[Kind])] = &[
    ("components", &[Kind::ComponentRegistered]),
    ("environments", &[Kind::EnvironmentRegistered]),
    ("policies", &[Kind::PolicySet]),
    ("builds", &[Kind::BuildCompleted]),
    ("tags", &[Kind::TagCreated, Kind::TagMoved]),
    ("branches", &[Kind::BranchCreated]),
    ("commits", &[Kind::CommitMerged]),
    ("checks", &[Kind::CheckCompleted]),
    ("scans", &[Kind::ScanCompleted]),
    ("approvals", &[Kind::ApprovalGranted, Kind::ApprovalRejected, Kind::ApprovalRevoked]),
    ("publishes", &[Kind::ReleasePublished, Kind::ReleaseYanked]),
    ("flags", &[Kind::ArtifactFlagged, Kind::ArtifactUnflagged]),
    ("incidents", &[Kind::IncidentOpened, Kind::IncidentResolved]),
    ("waivers", &[Kind::WaiverGranted]),
    ("freezes", &[Kind::FreezeDeclared, Kind::FreezeLifted]),
    ("hotfixes", &[Kind::HotfixOpened]),
    ("attestations", &[Kind::AttestationRecorded, Kind::SbomRecorded]),
    ("observations", &[Kind::RuntimeObserved]),
    ("refusals", &[Kind::AppendRefused]),
    ("corrections", &[Kind::EventCorrected]),
];

/// Tables whose columns the contract spells out, after the leading four.
const SPELLED: &[(&str, &str)] = &[
    (
        "events",
        "event_id kind component version digest environment key_id payload payload_type \
         chain_hash leaf_hash signature",
    ),
    ("findings", "scan_seq vulnerability_id severity package installed_version fixed_version"),
    ("matrix_rows", "row_id matrix_id"),
    (
        "keys",
        "key_id public_key role roles components environments valid_from_seq valid_to_seq status",
    ),
    ("checkpoints", "size root note"),
    (
        "deploys",
        "deploy_id component version digest commit stage environment targets reason initiated_by \
         rollback_of fixes hotfix_id break_glass incident_id started_at finished_at outcome \
         from_version from_digest bump change_class approval_required held approval_verdict \
         approvers gates_failed seq_start seq_finish",
    ),
    ("deploy_targets", "deploy_id target weight outcome restored finished_at"),
];

/// The projections of the contract that are there, with the columns that it names.
const PROJECTIONS: &[(&str, &str)] = &[
    (
        "current_versions",
        "component environment state version versions since last_deployed_at in_flight",
    ),
    ("live_shares", "component environment target role weight version digest commit since suspect"),
    (
        "commit_in_prod",
        "component environment target role weight version digest commit commit_source tag \
         tag_commit tag_matches since",
    ),
    (
        "production_releases",
        "component environment n version digest commit first_live_at fully_live_at bump \
         change_class",
    ),
    (
        "release_diffs",
        "component environment from_version to_version direction commit committed_at type scope \
         breaking subject pr author equivalent_of",
    ),
    (
        "approver_history",
        "approval_id decision approver role component version digest stage granted_at recorded_at \
         seq expires_at revoked_at source deploy_id valid reasons",
    ),
];

const LEADING: &[(&str, &str)] = &[
    ("seq", "Int64"),
    ("occurred_at", "Timestamp(\u{b5}s, \"UTC\")"),
    ("recorded_at", "Timestamp(\u{b5}s, \"UTC\")"),
    ("principal", "Utf8"),
];

fn columns(session: &Session, table: &str) -> Vec<(String, String)> {
    let schema = run(session, &format!("SELECT * FROM {table} LIMIT 0")).schema;
    let columns = schema.fields().iter();
    columns.map(|field| (field.name().clone(), field.data_type().to_string())).collect()
}

/// Checks that `wanted` stand among `names` in that order; others may stand between.
#[track_caller]
fn in_order(table: &str, names: &[String], wanted: &[&str]) {
    let mut rest = names.iter();
    for name in wanted {
        assert!(rest.any(|known| known == name), "{table}: no `{name}` in its place: {names:?}");
    }
}

fn sql_type(ty: FieldType) -> &'static str {
    match ty {
        FieldType::Text | FieldType::Json => "Utf8",
        FieldType::Int => "Int64",
        FieldType::Float => "Float64",
        FieldType::Bool => "Boolean",
        FieldType::Time => "Timestamp(\u{b5}s, \"UTC\")",
        FieldType::TextList => "List(Utf8)",
    }
}

#[test]
fn log_tables_hold_the_fields_of_their_kinds_in_order() {
    let session = session(&Story::of_api(&["us"]).book());
    for (table, kinds) in LOG_TABLES {
        let columns = columns(&session, table);
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let mut wanted = Vec::new();
        if kinds.iter().any(|kind| kind.spec().needs_component) {
            wanted.push("component");
        }
        for field in kinds.iter().flat_map(|kind| kind.spec().fields) {
            if !wanted.contains(&field.name) {
                wanted.push(field.name);
            }
            let ty = columns.iter().find(|(name, _)| name == field.name).map(|(_, ty)| ty.as_str());
            assert_eq!(ty, Some(sql_type(field.ty)), "{table}.{}", field.name);
        }
        in_order(table, &names, &wanted);
    }
}

#[test]
fn every_log_table_starts_alike() {
    let session = session(&Story::of_api(&["us"]).book());
    let tables =
        LOG_TABLES.iter().map(|(name, _)| name).chain(SPELLED.iter().map(|(name, _)| name));
    for table in tables {
        let columns = columns(&session, table);
        let leading: Vec<(&str, &str)> =
            columns.iter().take(4).map(|(name, ty)| (name.as_str(), ty.as_str())).collect();
        assert_eq!(leading, LEADING, "{table}");
    }
}

#[test]
fn tables_that_the_contract_spells_out_have_those_columns_in_order() {
    let session = session(&Story::of_api(&["us"]).book());
    for (table, wanted) in SPELLED.iter().chain(PROJECTIONS) {
        let names: Vec<String> = columns(&session, table).into_iter().map(|(n, _)| n).collect();
        in_order(table, &names, &wanted.split_whitespace().collect::<Vec<_>>());
    }
    for (table, _) in PROJECTIONS {
        let last = columns(&session, table).pop().unwrap();
        assert_eq!(last, ("evidence".to_owned(), "List(Int64)".to_owned()), "{table}");
    }
}

#[test]
fn show_tables_lists_them_all() {
    let session = session(&Story::of_api(&["us"]).book());
    let listed = lines(&session, "SELECT table_name FROM information_schema.tables");
    let tables = LOG_TABLES.iter().map(|(name, _)| name);
    for table in tables.chain(SPELLED.iter().chain(PROJECTIONS).map(|(name, _)| name)) {
        assert!(listed.iter().any(|name| name == table), "{table}: {listed:?}");
    }
    assert_eq!(listed, session.tables());
    assert_eq!(run(&session, "SHOW TABLES").rows(), listed.len());
    for table in &listed {
        let described = lines(&session, &format!("DESCRIBE {table}"));
        let stated = format!(
            "SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'"
        );
        assert_eq!(run(&session, &stated).rows(), described.len(), "{table}");
    }
}

#[test]
fn the_matrix_has_a_column_for_each_alias() {
    let mut story = Story::of_api(&["us"]);
    let rows = serde_json::json!([{"api": "1.4.x", "web": "2026.06.x"}, {"api": "1.5.x"}]);
    story.push("02T09:00", serde_json::json!({"kind": "matrix.published", "rows": rows}));
    let session = session(&story.book());
    assert_eq!(
        lines(&session, "SELECT row_id, api, web FROM matrix_rows ORDER BY seq, row_id"),
        ["r1 1.4.x 2026.06.x", "r2 1.5.x -"]
    );
}

mod listing {
    //! `schemas/sql/tables.json` lists what there is.

    use std::path::PathBuf;

    use relbook_query::projection::PROJECTIONS;
    use relbook_query::sql::listing::{log_tables, projection};
    use serde_json::Value;

    use super::*;

    fn listing() -> Value {
        let mut tables = log_tables().as_array().unwrap().clone();
        tables.extend(PROJECTIONS.iter().map(|p| projection(p.name, p.columns)));
        Value::Array(tables)
    }

    #[test]
    fn the_schema_file_is_in_step_with_the_tables() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/sql/tables.json");
        let text = serde_json::to_string_pretty(&listing()).unwrap() + "\n";
        if std::env::var_os("RELBOOK_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let file = std::fs::read_to_string(&path).unwrap();
        assert_eq!(file, text, "RELBOOK_BLESS=1 rewrites it");
    }

    #[test]
    fn what_is_listed_is_what_a_session_shows() {
        let session = session(&Story::of_api(&["us"]).book());
        let listing = listing();
        let mut listed = Vec::new();
        for table in listing.as_array().unwrap() {
            let name = table["table"].as_str().unwrap();
            listed.push(name.to_owned());
            let of = |member: &str| -> Vec<String> {
                let columns = table["columns"].as_array().unwrap().iter();
                columns.map(|column| column[member].as_str().unwrap().to_owned()).collect()
            };
            let shown = columns(&session, name);
            let names: Vec<String> = shown.iter().map(|(name, _)| name.clone()).collect();
            assert_eq!(names, of("name"), "{name}");
            let types: Vec<&str> = shown.iter().map(|(_, ty)| listed_type(ty)).collect();
            let stated: Vec<String> =
                of("type").iter().map(|ty| ty.replace(" (JSON)", "")).collect();
            assert_eq!(types, stated, "{name}");
        }
        listed.sort_unstable();
        assert_eq!(listed, session.tables());
    }

    fn listed_type(arrow: &str) -> &str {
        match arrow {
            "Utf8" => "TEXT",
            "Int64" => "BIGINT",
            "Float64" => "DOUBLE",
            "Boolean" => "BOOLEAN",
            "Binary" => "BINARY",
            "List(Utf8)" => "LIST<TEXT>",
            "List(Int64)" => "LIST<BIGINT>",
            "Timestamp(\u{b5}s, \"UTC\")" => "TIMESTAMP(us, UTC)",
            other => other,
        }
    }
}
