//! The log tables of contract section 4, each described once: which kinds it shows, as what.
//!
//! Every table starts with `seq, occurred_at, recorded_at, principal`; then come `kind` where it
//! shows more than one, `component` where its kinds have one, the columns named here, the fields
//! of its kinds, and `labels, source, evidence`. A table shows events as they were written, also
//! those that were corrected later: the log keeps both.
//!
//! Hashes and key ids are lower-case hex text and signatures base64 text, since people compare
//! them by eye with receipts and `key list`.

use std::sync::LazyLock;

use relbook_ledger::event::Kind;

use super::column::{LogColumn, MessagePart, Source, column_type};
use crate::table::ColumnType::{self, Bool, Int, Json, Text, TextList, Time};

/// A log table.
#[derive(Debug)]
pub(crate) struct LogTable {
    pub(crate) name: &'static str,
    /// What it shows, in a sentence.
    pub(crate) doc: &'static str,
    pub(crate) kinds: Vec<Kind>,
    /// The list field whose items make the rows; one row per event when absent.
    pub(crate) items: Option<&'static str>,
    pub(crate) columns: Vec<LogColumn>,
}

impl LogTable {
    pub(crate) fn shows(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }
}

/// All log tables.
pub(crate) static LOG_TABLES: LazyLock<Vec<LogTable>> = LazyLock::new(tables);

/// Finds a log table by its name.
pub(crate) fn log_table(name: &str) -> Option<&'static LogTable> {
    LOG_TABLES.iter().find(|table| table.name == name)
}

fn tables() -> Vec<LogTable> {
    let mut tables = vec![events()];
    tables.extend(definitions());
    tables.extend(work());
    tables.extend(decisions());
    tables.extend(trust());
    tables
}

fn events() -> LogTable {
    let field = |name, doc| LogColumn::new(name, Text, Source::Field(name), doc);
    let mut columns = LEADING.to_vec();
    columns.extend([
        LogColumn::new("event_id", Text, Source::Field("id"), "The author's own id, a UUIDv7."),
        LogColumn::new("kind", Text, Source::Kind, "What happened."),
        field("component", "The component that the event is about."),
        field("version", "The version that it names."),
        field("digest", "The artifact that it names."),
        field("environment", "The environment that it names."),
        LogColumn::new("key_id", Text, Source::KeyId, "The signing key, as 64 hex digits."),
        LogColumn::new("payload", Text, Source::Payload, "The JSON text of the event, as signed."),
        LogColumn::new(
            "payload_type",
            Text,
            Source::PayloadType,
            "The type of the signed payload.",
        ),
        LogColumn::new(
            "statement",
            Text,
            Source::Statement,
            "The signed in-toto Statement around the event; null where the event itself is signed. \
             coalesce(statement, payload) is what the signature covers.",
        ),
        LogColumn::new("chain_hash", Text, Source::ChainHash, "The BLAKE3 chain after it, in hex."),
        LogColumn::new("leaf_hash", Text, Source::LeafHash, "Its RFC 6962 leaf, in hex."),
        LogColumn::new("signature", Text, Source::Signature, "The Ed25519 signature, in base64."),
    ]);
    LogTable {
        name: "events",
        doc: "Every event, as it was signed.",
        kinds: Kind::ALL.to_vec(),
        items: None,
        columns,
    }
}

fn definitions() -> Vec<LogTable> {
    vec![
        Draft::new("components", "Registrations of components; the latest is in force.")
            .of(&[Kind::ComponentRegistered])
            .build(),
        Draft::new("environments", "Registrations of environments; the latest is in force.")
            .of(&[Kind::EnvironmentRegistered])
            .build(),
        Draft::new("policies", "Policy values as they were set.").of(&[Kind::PolicySet]).build(),
        Draft::new("matrix_rows", "The compatibility matrix, one row per row of it.")
            .of(&[Kind::MatrixPublished])
            .per_item("rows")
            .with(LogColumn::new(
                "row_id",
                Text,
                Source::ItemRowId,
                "r1, r2, ... by position in the matrix.",
            ))
            .with(LogColumn::new(
                "row",
                Json,
                Source::WholeItem,
                "The row as JSON text: alias to range.",
            ))
            .build(),
    ]
}

fn work() -> Vec<LogTable> {
    vec![
        Draft::new("builds", "Artifacts and the commits that they were built from.")
            .of(&[Kind::BuildCompleted])
            .instead("outcome", Source::FieldOr("outcome", "succeeded"))
            .build(),
        Draft::new("tags", "Tags made and moved.").of(&[Kind::TagCreated, Kind::TagMoved]).build(),
        Draft::new("branches", "Branches cut.").of(&[Kind::BranchCreated]).build(),
        Draft::new("commits", "Commits that reached a branch.")
            .of(&[Kind::CommitMerged])
            .after_fields(message("type", Text, MessagePart::Type, "Its type, in lower case."))
            .after_fields(message("scope", Text, MessagePart::Scope, "Its scope."))
            .after_fields(message(
                "breaking",
                Bool,
                MessagePart::Breaking,
                "Whether it says that it breaks something.",
            ))
            .build(),
        Draft::new("checks", "Checks and what they came to.")
            .of(&[Kind::CheckCompleted])
            .after_fields(case("cases_passed", "passed", "Test cases that passed."))
            .after_fields(case("cases_failed", "failed", "Test cases that failed."))
            .after_fields(case("cases_skipped", "skipped", "Test cases that were not run."))
            .after_fields(case("cases_flaky", "flaky", "Test cases that passed after a retry."))
            .build(),
        Draft::new("scans", "Scans of artifacts; counts are vulnerabilities only.")
            .of(&[Kind::ScanCompleted])
            .build(),
        findings(),
        Draft::new(
            "deploy_events",
            "Deploys step by step: started, progressed, finished, removed.",
        )
        .of(&[
            Kind::DeployStarted,
            Kind::DeployProgressed,
            Kind::DeployFinished,
            Kind::DeployRemoved,
        ])
        .build(),
        Draft::new("publishes", "Versions published, and withdrawn.")
            .of(&[Kind::ReleasePublished, Kind::ReleaseYanked])
            .build(),
        Draft::new("flags", "Flags on artifacts, set and taken back.")
            .of(&[Kind::ArtifactFlagged, Kind::ArtifactUnflagged])
            .with(LogColumn::new(
                "action",
                Text,
                Source::Word(flag_action),
                "flagged or unflagged.",
            ))
            .build(),
        Draft::new("attestations", "Attestations and bills of materials kept as blobs.")
            .of(&[Kind::AttestationRecorded, Kind::SbomRecorded])
            .build(),
        Draft::new("observations", "What was seen running.").of(&[Kind::RuntimeObserved]).build(),
    ]
}

/// One row per finding that a scan event carries; findings kept in a blob are not here.
fn findings() -> LogTable {
    let item = |name, doc| LogColumn::new(name, Text, Source::Item(name), doc);
    let field = |name, doc| LogColumn::new(name, Text, Source::Field(name), doc);
    let mut columns = LEADING.to_vec();
    columns.extend([
        LogColumn::new("scan_seq", Int, Source::Seq, "The seq of the scan."),
        field("component", "The component."),
        field("digest", "The artifact."),
        field("scanner", "The scanner."),
        LogColumn::new("finding", Int, Source::ItemNumber, "The position in the scan, from 1."),
        item("vulnerability_id", "The vulnerability or rule."),
        item("severity", "The scanner's severity, in lower case."),
        item("package", "The package."),
        item("installed_version", "The version that is installed."),
        item("fixed_version", "The version that fixes it."),
    ]);
    LogTable {
        name: "findings",
        doc: "Findings of scans, one row per finding that the scan event carries.",
        kinds: vec![Kind::ScanCompleted],
        items: Some("findings"),
        columns,
    }
}

fn decisions() -> Vec<LogTable> {
    vec![
        Draft::new("approvals", "Approvals granted, rejected and revoked, as they were signed.")
            .of(&[Kind::ApprovalGranted, Kind::ApprovalRejected, Kind::ApprovalRevoked])
            .with(LogColumn::new(
                "decision",
                Text,
                Source::Word(decision),
                "granted, rejected or revoked.",
            ))
            .instead("by", Source::FieldOrSigner("by"))
            .instead("approver", Source::FieldOrSigner("approver"))
            .build(),
        Draft::new("gate_decisions", "What the gates said when they were asked on the record.")
            .of(&[Kind::GateDecided])
            .build(),
        Draft::new("waivers", "Waived gates, each with an owner and an end.")
            .of(&[Kind::WaiverGranted])
            .build(),
        Draft::new("freezes", "Freezes declared and lifted.")
            .of(&[Kind::FreezeDeclared, Kind::FreezeLifted])
            .with_component()
            .build(),
        Draft::new("incidents", "Incidents opened and resolved.")
            .of(&[Kind::IncidentOpened, Kind::IncidentResolved])
            .with_component()
            .build(),
        Draft::new("hotfixes", "Hotfixes opened.").of(&[Kind::HotfixOpened]).build(),
        Draft::new("breakglass_reviews", "Reviews of deploys that bypassed the gates.")
            .of(&[Kind::BreakglassReviewed])
            .build(),
    ]
}

fn trust() -> Vec<LogTable> {
    let holder = |kind_field| {
        LogColumn::new("holder", Text, Source::Field(kind_field), "Who holds, or held, the key.")
    };
    vec![
        Draft::new("key_events", "The book's keys, and keys enrolled, revoked, compromised.")
            .of(&[
                Kind::BookCreated,
                Kind::KeyEnrolled,
                Kind::KeyRevoked,
                Kind::KeyCompromised,
                Kind::BookRotated,
            ])
            .with(holder("principal"))
            .build(),
        Draft::new("refusals", "Input by enrolled authors that was refused.")
            .of(&[Kind::AppendRefused])
            .build(),
        Draft::new("corrections", "Events taken back by their author; the log keeps both.")
            .of(&[Kind::EventCorrected])
            .after_fields(LogColumn::new(
                "corrects_seq",
                Int,
                Source::SeqOf("corrects"),
                "The seq of the corrected event.",
            ))
            .build(),
        Draft::new("redactions", "Sealed fields that were erased.")
            .of(&[Kind::RedactionApplied])
            .build(),
    ]
}

const LEADING: [LogColumn; 4] = [
    LogColumn::new("seq", Int, Source::Seq, "The place in the log, from 0.").required(),
    LogColumn::new("occurred_at", Time, Source::OccurredAt, "When it happened, as claimed.")
        .required(),
    LogColumn::new("recorded_at", Time, Source::RecordedAt, "The ledger's clock when it came.")
        .required(),
    LogColumn::new("principal", Text, Source::Principal, "Who signed it.").required(),
];

const TRAILING: [LogColumn; 3] = [
    LogColumn::new("labels", Json, Source::Field("labels"), "Free labels, as JSON text."),
    LogColumn::new("source", Json, Source::Field("source"), "Where it came from, as JSON text."),
    LogColumn::new(
        "evidence",
        TextList,
        Source::Field("evidence"),
        "The digests of evidence kept as blobs.",
    ),
];

const fn message(
    name: &'static str,
    ty: ColumnType,
    part: MessagePart,
    doc: &'static str,
) -> LogColumn {
    LogColumn::new(name, ty, Source::Message(part), doc)
}

const fn case(name: &'static str, member: &'static str, doc: &'static str) -> LogColumn {
    LogColumn::new(name, Int, Source::Inside("cases", member), doc)
}

fn decision(kind: Kind) -> &'static str {
    match kind {
        Kind::ApprovalGranted => "granted",
        Kind::ApprovalRejected => "rejected",
        _ => "revoked",
    }
}

fn flag_action(kind: Kind) -> &'static str {
    if kind == Kind::ArtifactFlagged { "flagged" } else { "unflagged" }
}

/// A table in the making.
struct Draft {
    table: LogTable,
    component: bool,
    before: Vec<LogColumn>,
    after: Vec<LogColumn>,
    instead: Vec<(&'static str, Source)>,
}

impl Draft {
    fn new(name: &'static str, doc: &'static str) -> Self {
        let table = LogTable { name, doc, kinds: Vec::new(), items: None, columns: Vec::new() };
        Self { table, component: false, before: vec![], after: vec![], instead: vec![] }
    }

    fn of(mut self, kinds: &[Kind]) -> Self {
        self.table.kinds = kinds.to_vec();
        self.component = kinds.iter().any(|kind| kind.spec().needs_component);
        self
    }

    /// Shows the component although the kinds can do without one.
    fn with_component(mut self) -> Self {
        self.component = true;
        self
    }

    fn per_item(mut self, list: &'static str) -> Self {
        self.table.items = Some(list);
        self
    }

    fn with(mut self, column: LogColumn) -> Self {
        self.before.push(column);
        self
    }

    fn after_fields(mut self, column: LogColumn) -> Self {
        self.after.push(column);
        self
    }

    /// Reads a field's column from elsewhere.
    fn instead(mut self, field: &'static str, source: Source) -> Self {
        self.instead.push((field, source));
        self
    }

    fn build(mut self) -> LogTable {
        let mut columns = LEADING.to_vec();
        if self.table.kinds.len() > 1 {
            columns.push(LogColumn::new("kind", Text, Source::Kind, "What happened."));
        }
        if self.component {
            let source = Source::Field("component");
            columns.push(LogColumn::new("component", Text, source, "The component."));
        }
        columns.append(&mut self.before);
        for field in self.table.kinds.iter().flat_map(|kind| kind.spec().fields) {
            // Two kinds of a table share a column where they share a field. The leading
            // `principal` is the signer; a list that makes the rows is not shown whole.
            let known = columns.iter().find(|column| column.name == field.name);
            if known.is_some() || self.table.items == Some(field.name) {
                debug_assert!(
                    known.is_none_or(|c| c.ty == column_type(field.ty)),
                    "{}",
                    field.name
                );
                continue;
            }
            let mut column = LogColumn::of_field(field);
            if let Some((_, source)) = self.instead.iter().find(|(name, _)| *name == field.name) {
                column.source = *source;
            }
            columns.push(column);
        }
        columns.append(&mut self.after);
        columns.extend(TRAILING);
        self.table.columns = columns;
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_in_a_table_of_its_own() {
        for kind in Kind::ALL {
            let tables: Vec<_> =
                LOG_TABLES.iter().filter(|table| table.shows(*kind)).map(|t| t.name).collect();
            assert!(tables.len() > 1, "{kind} stands in {tables:?} only");
        }
    }

    #[test]
    fn every_field_of_a_kind_is_a_column() {
        for table in LOG_TABLES.iter().filter(|table| table.items.is_none()).skip(1) {
            for field in table.kinds.iter().flat_map(|kind| kind.spec().fields) {
                assert!(table.position(field.name).is_some(), "{}.{}", table.name, field.name);
            }
        }
    }

    #[test]
    fn tables_start_alike_and_repeat_no_column() {
        for table in LOG_TABLES.iter() {
            let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
            assert_eq!(names[..4], ["seq", "occurred_at", "recorded_at", "principal"]);
            let mut unique = names.clone();
            unique.sort_unstable();
            unique.dedup();
            assert_eq!(unique.len(), names.len(), "{}: {names:?}", table.name);
        }
    }
}
