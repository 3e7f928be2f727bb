//! `relbook ingest`: reads what a real tool wrote and appends what it says (ingest.md).
//!
//! The report itself is kept as a blob and named by the event. The ids follow from the report, so
//! a CI job that is run again appends nothing twice; where the report tells what an event is about
//! in its own system, from that, so that a later export adds only what is new. All files are one
//! atomic batch, and the readers see all of them: some facts are spread over several.

mod refusal;
mod rehearsal;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use clap::Args;
use relbook_ledger::envelope::SignedEvent;
use relbook_ledger::event::{FieldType, Kind};
use relbook_ledger::registry::Registry;
use relbook_ledger::store::Ledger;
use relbook_ledger::time::Time;
use serde_json::{Map, Value, json};

use super::delivery::DeliveryArgs;
use crate::args::{Format, none_empty};
use crate::author::Input;
use crate::blob::Blobs;
use crate::ci::{self, summary};
use crate::config::Config;
use crate::derived::Told;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::ingest::{
    Builds, Context, Document, Recorded, TrustedRoot, Verification, VerifyKey, read,
};
use crate::recorded::BookRecords;
use crate::submit;
use crate::ui::Ui;

/// Arguments of `ingest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trivy image --format json registry.example/orion-api@sha256:... > trivy.json
  relbook ingest --component api --digest sha256:... trivy.json
  relbook ingest --component api --digest sha256:... --exit-code $? \\
    --command-line \"grype --fail-on high -o json\" grype.json
  relbook ingest --component api --digest sha256:... --stage staging --suite integration \
    --exit-code $? junit.xml
  relbook ingest --component api --digest sha256:... can-i-deploy.json scan.sarif
  relbook ingest --component api --dry-run trivy.json grype.json
  relbook ingest --component api --digest sha256:... --verify-key cosign.pub api.intoto.jsonl
  relbook ingest --component api --trusted-root trusted_root.json \
    --certificate-issuer https://token.actions.githubusercontent.com --certificate-identity \
    https://github.com/o/r/.github/workflows/release.yml@refs/tags/v1.4.2 api.sigstore.json
  relbook ingest --component api --digest sha256:... bom.cdx.json
  relbook ingest dist/metadata.json dist/artifacts.json dist/checksums.txt
  relbook ingest --version 1.4.2 --commit $SHA buildx-metadata.json
  relbook ingest --digest sha256:... Chart.yaml
  relbook ingest --as release-please-manifest --component cli --digest sha256:... \\
    .release-please-manifest.json
  kubectl get analysisrun -o json | relbook ingest --digest sha256:... -
  relbook ingest --event \"$GITHUB_EVENT_NAME\" \"$GITHUB_EVENT_PATH\"
  relbook ingest --event deployment_review --github-secret hook.secret \\
    --signature \"$X_HUB_SIGNATURE_256\" --delivery \"$X_GITHUB_DELIVERY\" body.json

Attestations (in-toto, DSSE, sigstore bundles, npm, Cloud Build) are recorded as what they are;
provenance also gives the build when its version (the tag, or --version) and commit are known. They
are called verified only when --verify-key is given and a signature fits it, or --trusted-root and
the bundle holds against it and was signed by the named identity. An SBOM is what `diff` compares
later. One value of Prometheus (its query in --command-line) and a CloudEvent are kept as evidence
about the artifact of --digest; a canary is checked by `slo-gate`.

The format is recognised by the content, never by the name. What the report does not say is left
out, never zero: a scan that was filtered, or scanned nothing, is not a clean one, and tests that
did not run did not pass. Files up to 256 MiB are read; packed ones are to be unpacked first.

The files of one call belong together: goreleaser's metadata, artifacts and checksums are one
release. Objects of Kubernetes may come as lists. A deploy that is told of needs an environment and
target that are registered, and the artifact's digest: in the object, in --digest (of the newest),
or in the one recorded build of its version; what has none is named in the label left_out.

Webhooks and CDEvents name a run, a commit or a tag, not an artifact. The way to the artifact is
taken through events that the book has (a build of the commit), each named in source.joined; a
missing link is named and nothing is recorded. The same event delivered again gets its first
receipt. A review of a deployment is signed with a key of role reporter.")]
pub struct IngestArgs {
    /// The reports; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
    /// The format, when the content should not decide
    #[arg(id = "as_format", long = "as", value_name = "FORMAT")]
    pub format: Option<String>,
    /// The component that the reports are about (name or alias), unless they tell
    #[arg(long, value_name = "NAME")]
    pub component: Option<String>,
    /// The version that was looked at
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// The digest of the artifact that was looked at; compared with the report
    #[arg(long, value_name = "ALG:HEX")]
    pub digest: Option<String>,
    /// The stage that the tool ran for
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// The environment that the report is about
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// The commit that the report is about
    #[arg(long, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// The target of the environment, where the file does not name one of them; of bake, the
    /// target that built the artifact
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// The suite of a check, where the format does not settle it
    #[arg(long, value_name = "NAME")]
    pub suite: Option<String>,
    /// The name of a webhook's event, as its header X-GitHub-Event or X-Gitlab-Event has it
    #[arg(long, value_name = "NAME")]
    pub event: Option<String>,
    /// The tool's command line: it tells of filters that the report does not record
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub command_line: Option<String>,
    /// The tool's exit code
    #[arg(long, value_name = "CODE")]
    pub exit_code: Option<u8>,
    /// How long the tests took, as the pipeline measured it: reports add up times that overlap
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub duration: Option<f64>,
    /// Take a report of tests that holds other cases than it declares; without it that is no pass
    #[arg(long)]
    pub any_count: bool,
    /// When it happened, where the report has no time of its own [default: now]
    #[arg(long, value_name = "TIME", value_parser = crate::args::time)]
    pub occurred_at: Option<Time>,
    /// A public key in PEM (Ed25519, ECDSA P-256 or P-384; cosign.pub): the attestations must be
    /// signed with it, or nothing is taken; give it again for more keys
    #[arg(long, value_name = "FILE")]
    pub verify_key: Vec<PathBuf>,
    /// Sigstore's trusted root (trusted_root.json; `gh attestation trusted-root`): bundles must hold
    /// against it, offline, or nothing is taken
    #[arg(long, value_name = "FILE", requires_all = ["certificate_identity", "certificate_issuer"])]
    pub trusted_root: Option<PathBuf>,
    /// Who must have signed, exactly as the certificate names it
    #[arg(long, value_name = "IDENTITY", requires = "trusted_root")]
    pub certificate_identity: Option<String>,
    /// Who must have vouched for that identity
    #[arg(long, value_name = "URL", requires = "trusted_root")]
    pub certificate_issuer: Option<String>,
    /// A parent of the merge that a webhook tells of; repeatable
    #[arg(long = "parent", value_name = "COMMIT")]
    pub parents: Vec<String>,
    /// The role in which the reported approver decided
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// Whether a deploy that did not succeed left what ran before
    #[arg(long, value_name = "BOOL")]
    pub restored: Option<bool>,
    /// How a webhook came
    #[command(flatten)]
    pub delivery: DeliveryArgs,
    /// Show the events and append nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A report and the events that it gave.
struct Report {
    documents: Arc<[Document]>,
    index: usize,
    events: Vec<Map<String, Value>>,
    /// What of it the book has already, as it was signed.
    known: Vec<SignedEvent>,
}

impl Report {
    fn document(&self) -> &Document {
        &self.documents[self.index]
    }
}

/// Ingests.
pub(super) fn run(args: IngestArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let ledger = Ledger::open(&config.book)?;
    let outcome = read_all(&args, config, ledger.registry());
    if args.dry_run {
        let reports = outcome?;
        let events = reports.iter().flat_map(|report| &report.events);
        rehearsal::check(events, ledger.registry())?;
        return show_events(ui, &reports);
    }
    drop(ledger);
    let mut writer = submit::open(config)?;
    let mut reports = outcome.map_err(|error| submit::refused(config, &mut writer, error))?;
    let author = config.signing_key()?.public().id().to_string();
    let mut blobs = Blobs::default();
    let run = ci::here();
    let mut told = Told::new(writer.ledger(), &author);
    for report in &mut reports {
        let events = std::mem::take(&mut report.events);
        (report.events, report.known) = told.first(events)?;
        // After the ids: the same report from another run tells nothing new.
        if let Some(run) = &run {
            report.events.iter_mut().for_each(|event| run.fill(event));
        }
        // Bytes that only tell again what is known are evidence of nothing new; those that gave no
        // event at all explain another file.
        if report.events.is_empty() && !report.known.is_empty() {
            continue;
        }
        let document = report.document();
        if let Err(error) = blobs.copy(&config.book, document.digest(), document.evidence()) {
            blobs.take_back();
            return Err(error);
        }
    }
    let mut batch = Vec::new();
    for report in &reports {
        // What is known gets its first receipt.
        batch.extend(report.known.iter().cloned().map(|event| (None, Input::Signed(event))));
        batch.extend(report.events.iter().cloned().map(|event| (None, Input::Fields(event))));
    }
    let receipts = match submit::append(config, ui, &mut writer, batch) {
        Ok(receipts) => receipts,
        Err(error) => {
            blobs.take_back();
            return Err(error);
        }
    };
    let events: Vec<_> = reports.iter().flat_map(|report| report.events.clone()).collect();
    summary::add(ui, || summary::appended(writer.origin(), &events, &receipts));
    if ui.format() == Format::Table {
        for line in reports.iter().flat_map(summaries) {
            ui.line(&line)?;
        }
    }
    let extra = Map::from_iter([("files".to_owned(), reports.iter().map(file_json).collect())]);
    submit::show(ui, &receipts, extra)?;
    Ok(ExitCode::Done)
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(seconds),
        _ => Err("must be a number of seconds, such as 41.5".to_owned()),
    }
}

impl IngestArgs {
    /// Returns what was given as text.
    fn texts(&self) -> impl Iterator<Item = (&'static str, Option<&String>)> {
        let single = [
            ("component", &self.component),
            ("version", &self.version),
            ("digest", &self.digest),
            ("stage", &self.stage),
            ("environment", &self.environment),
            ("commit", &self.commit),
            ("target", &self.target),
            ("suite", &self.suite),
            ("event", &self.event),
            ("command-line", &self.command_line),
            ("role", &self.role),
            ("delivery", &self.delivery.delivery),
        ];
        let parents = self.parents.iter().map(|parent| ("parent", Some(parent)));
        single.into_iter().map(|(name, text)| (name, text.as_ref())).chain(parents)
    }
}

fn read_all(args: &IngestArgs, config: &Config, registry: &Registry) -> Result<Vec<Report>, Error> {
    none_empty(args.texts())?;
    if args.delivery.signature.is_some() && args.files.len() > 1 {
        return Err(Error::usage("--signature is of one file; ingest the deliveries one by one"));
    }
    let mut documents = Vec::new();
    for file in &args.files {
        documents.push(if file == "-" {
            Document::from_reader("standard input", std::io::stdin())?
        } else {
            Document::open(Path::new(file))?
        });
    }
    let documents: Arc<[Document]> = documents.into();
    let records: Rc<dyn Recorded> = Rc::new(BookRecords::new(&config.book));
    let mut context = Context {
        registry: registry.clone(),
        component: args
            .component
            .as_ref()
            .map(|name| registry.resolve(name).unwrap_or(name).to_owned()),
        version: args.version.clone(),
        digest: args.digest.clone(),
        stage: args.stage.clone(),
        environment: args.environment.clone(),
        commit: args.commit.clone(),
        target: args.target.clone(),
        suite: args.suite.clone(),
        event: args.event.clone(),
        command_line: args.command_line.clone(),
        exit_code: args.exit_code,
        duration_s: args.duration,
        any_count: args.any_count,
        occurred_at: args.occurred_at.map(|time| time.to_string()),
        verification: verification(args)?,
        beside: Arc::clone(&documents),
        builds: Builds::of(Rc::clone(&records)),
        parents: args.parents.clone(),
        role: args.role.clone(),
        restored: args.restored,
        delivery: args.delivery.delivery.clone(),
        transport: false,
        recorded: Some(records),
    };
    let format = args.format.as_deref().or(args.delivery.format());
    let mut reports = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        context.transport = args.delivery.check(document)?;
        let events = read(document, format, &context)?;
        let events = events.into_iter().filter_map(|event| match event {
            Value::Object(fields) => Some(fields),
            _ => None,
        });
        let documents = Arc::clone(&documents);
        reports.push(Report { documents, index, events: events.collect(), known: Vec::new() });
    }
    Ok(reports)
}

fn verification(args: &IngestArgs) -> Result<Verification, Error> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| {
            Error::not_done("io", format!("{}: cannot be read: {error}", path.display()))
        })
    };
    let mut verification = Verification::default();
    for path in &args.verify_key {
        let key = VerifyKey::from_pem(&read(path)?)
            .map_err(|reason| Error::usage(format!("--verify-key {}: {reason}", path.display())))?;
        verification.keys.push(key);
    }
    if let (Some(path), Some(identity), Some(issuer)) =
        (&args.trusted_root, &args.certificate_identity, &args.certificate_issuer)
    {
        let root = TrustedRoot::new(&read(path)?, identity, issuer).map_err(|reason| {
            Error::usage(format!("--trusted-root {}: {reason}", path.display()))
        })?;
        verification.root = Some(root);
    }
    Ok(verification)
}

fn show_events(ui: &mut Ui, reports: &[Report]) -> Result<ExitCode, Error> {
    match ui.format() {
        Format::Table => {
            for report in reports {
                ui.line(&format!("{}:", report.document().name()))?;
                for event in &report.events {
                    let text = serde_json::to_string_pretty(event);
                    ui.line(&text.map_err(|error| Error::Bug(error.to_string()))?)?;
                }
            }
            ui.note("nothing was appended (--dry-run)");
        }
        Format::Ndjson => {
            for event in reports.iter().flat_map(|report| &report.events) {
                ui.json(&Value::Object(event.clone()))?;
            }
        }
        _ => {
            let files: Vec<Value> = reports.iter().map(file_json).collect();
            ui.json(&json!({ "files": files, "appended": 0, "receipts": [] }))?;
        }
    }
    Ok(ExitCode::Done)
}

fn file_json(report: &Report) -> Value {
    let format = report.events.first().and_then(|event| event.get("source")?.get("format"));
    json!({
        "file": report.document().name(),
        "format": format,
        "digest": report.document().digest(),
        "known": report.known.len(),
        "events": report.events,
    })
}

/// Returns a line per event: its kind and its short fields.
fn summaries(report: &Report) -> Vec<String> {
    const SHORT: usize = 24;
    let line = |event: &Map<String, Value>| {
        let kind = event.get("kind").and_then(Value::as_str).unwrap_or_default();
        let fields = Kind::parse(kind).map(|kind| kind.spec().fields).unwrap_or_default();
        let shown = fields.iter().filter_map(|field| {
            let value = event.get(field.name).filter(|value| !value.is_null())?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let short = matches!(field.ty, FieldType::Text | FieldType::Int | FieldType::Float);
            (short && text.len() <= SHORT).then(|| format!("{} {text}", field.name))
        });
        let shown: Vec<String> = shown.collect();
        format!("{}: {kind}  {}", report.document().name(), shown.join("  "))
    };
    report.events.iter().map(line).collect()
}
