//! `exposure`: which vulnerable versions were live, from when to when (semantics C.2 N5).

use super::{AnswerError, Part, warning};
use crate::projection::exposure_rows;
use crate::release::{Core, Exposed};

const SEVERITIES: [&str; 6] = ["critical", "high", "medium", "low", "negligible", "unknown"];

pub(super) fn answer(
    core: &Core<'_>,
    environment: Option<&str>,
    subject: &str,
) -> Result<Part, AnswerError> {
    let subject = subject.trim();
    if subject.is_empty() {
        return Err(AnswerError::NoSubject);
    }
    if let Some(name) = environment {
        super::environment(core, name)?;
    }
    let severity = SEVERITIES.iter().find(|severity| subject.eq_ignore_ascii_case(severity));
    let asked = match severity {
        Some(severity) => Exposed::Severity((*severity).to_owned()),
        None => Exposed::Cve(subject.to_owned()),
    };
    let mut part = Part { table: exposure_rows(core, &asked, environment)?, ..Part::default() };
    part.head("subject", subject);
    if part.table.rows.is_empty() {
        let detail = format!("no flag and no scan names {subject} for an artifact that was live");
        part.warnings.push(warning("not_found", detail));
    }
    Ok(part)
}
