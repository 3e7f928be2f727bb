//! `exceptions`: what violated policy, judged with the policy of its time (semantics C.2 N7).

use super::{AnswerError, Part, component};
use crate::projection::exception_rows;
use crate::release::{Core, ExceptionCode, Period};

pub(super) fn answer(
    core: &Core<'_>,
    only: Option<&str>,
    codes: &[ExceptionCode],
    period: Period,
) -> Result<Part, AnswerError> {
    let only = only.map(|name| component(core, name)).transpose()?;
    let codes = if codes.is_empty() { ExceptionCode::ALL } else { codes };
    let table = exception_rows(core, only.as_ref().map(|c| c.name.as_str()), codes, period)?;
    let mut part = Part { table, ..Part::default() };
    part.period(period)?;
    Ok(part)
}
