//! Q1: which version of every component is in an environment (semantics C.1).

use super::{AnswerError, Part, environment, warning};
use crate::projection::{current_row, projection};
use crate::release::Core;
use crate::table::Table;

pub(super) fn answer(core: &Core<'_>, name: &str) -> Result<Part, AnswerError> {
    let environment = environment(core, name)?;
    let columns = projection("current_versions").map_or(&[][..], |p| p.columns);
    let mut part = Part { table: Table::new(columns), ..Part::default() };
    part.head("environment", name);
    for component in core.components()? {
        let current = core.current(&component, &environment)?;
        for told in &current.misdated {
            part.warnings.push(warning("calver_date_mismatch", told.as_str()));
        }
        part.table.push(current_row(&current), current.evidence);
    }
    Ok(part)
}
