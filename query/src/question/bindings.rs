//! `bindings`: which artifact a version meant, and when (semantics C.2 N4).

use super::{AnswerError, Part, component, warning};
use crate::release::Core;
use crate::table::ColumnType::{Bool, Text, TextList, Time};
use crate::table::{ColumnType, Table};

const COLUMNS: &[(&str, ColumnType)] = &[
    ("component", Text),
    ("version", Text),
    ("digest", Text),
    ("commit", Text),
    ("built_at", Time),
    ("tag_target", Text),
    ("tag_moved_at", Time),
    ("first_live_at", Time),
    ("conflict", Bool),
    ("conflicts", TextList),
    ("valid_from", Time),
    ("valid_until", Time),
];

pub(super) fn answer(core: &Core<'_>, name: &str, version: &str) -> Result<Part, AnswerError> {
    let component = component(core, name)?;
    let bindings = core.version_bindings(&component, version)?;
    if bindings.is_empty() {
        let component = component.name.clone();
        return Err(AnswerError::UnknownVersion { component, version: version.to_owned() });
    }
    let mut part = Part { table: Table::new(COLUMNS), ..Part::default() };
    part.head("component", component.name.as_str());
    part.head("version", version);
    if bindings.iter().all(|binding| binding.digest.is_none()) {
        let detail = format!("{version} has a tag, but no build, publish or deploy");
        part.warnings.push(warning("missing_provenance", detail));
    }
    for build in core.builds_of_version(&component.name, version)? {
        if let Some(told) = core.misdated(&component, &build)? {
            part.warnings.push(warning("calver_date_mismatch", told));
        }
    }
    for binding in bindings {
        let cells = vec![
            component.name.as_str().into(),
            version.into(),
            binding.digest.into(),
            binding.commit.into(),
            binding.built_at.into(),
            binding.tag_target.into(),
            binding.tag_moved_at.into(),
            binding.first_live_at.into(),
            (!binding.conflicts.is_empty()).into(),
            binding.conflicts.into(),
            binding.valid_from.into(),
            binding.valid_until.into(),
        ];
        part.table.push(cells, binding.evidence);
    }
    Ok(part)
}
