//! Which versions go together (semantics A.13): the matrix in force and the live versions.
//!
//! For gates and rollback there is one question, [`Core::compat_holds`]: "with this version of
//! this component instead of what is live, does one row of the matrix hold every live set?" It
//! answers for the core's own view, so a judgement about the past is asked of a core over the
//! view of that time. Whoever asks for many candidates takes [`Core::compatibility`] once and
//! asks [`Compatibility::supposing`] for each.
//!
//! Ranges are read by `relbook_ledger::version::Range`, and by nothing else.

mod check;
mod live;
mod matrix;
mod released;
mod supposed;

pub use check::{Checked, Code, Finding, Severity};
pub use live::{Compat, CompatVerdict, Compatibility, LiveComponent, LiveSet, Member, short_name};
pub use matrix::{Cell as MatrixCell, Fault, Matrix, MatrixRow, Written};
pub use released::Released;
pub use supposed::Supposition;

use std::sync::Arc;

use relbook_ledger::event::Body;

use super::index::Key;
use super::product::Environment;
use super::{Core, Fact, FactsError};

impl Core<'_> {
    /// Tests the live sets of an environment with one version in place of what is live of its
    /// component. The verdict is [`CompatVerdict::Missing`] without a matrix and
    /// [`CompatVerdict::NotCovered`] when the matrix says nothing of the component.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn compat_holds(
        &self,
        environment: &Environment,
        component: &str,
        version: &str,
    ) -> Result<Compat, FactsError> {
        let nothing = |verdict, evidence| Compat {
            verdict,
            failing: Vec::new(),
            row_ids: Vec::new(),
            absent: Vec::new(),
            evidence,
        };
        let Some(compatibility) = self.compatibility(environment)? else {
            return Ok(nothing(CompatVerdict::Missing, Vec::new()));
        };
        Ok(match compatibility.supposing(component, version) {
            Some(supposed) => supposed.judge(),
            None => {
                let evidence = compatibility.matrix.seq.into_iter().collect();
                nothing(CompatVerdict::NotCovered, evidence)
            }
        })
    }

    /// Returns the matrix in force beside what is live in an environment; none without a matrix.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn compatibility(
        &self,
        environment: &Environment,
    ) -> Result<Option<Compatibility>, FactsError> {
        match self.matrix()? {
            Some(matrix) => Ok(Some(self.live_beside(matrix, environment)?)),
            None => Ok(None),
        }
    }

    /// Returns the matrix in force: the last one in effective order.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn matrix(&self) -> Result<Option<Matrix>, FactsError> {
        Ok(self.matrices()?.0)
    }

    /// Returns the matrix in force and the one before it.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn matrices(&self) -> Result<(Option<Matrix>, Option<Matrix>), FactsError> {
        let mut last: Vec<Arc<Fact>> = Vec::new();
        self.facts.newest(&Key::Matrices {}, &mut |fact| {
            last.push(Arc::clone(fact));
            last.len() < 2
        })?;
        let mut read = last.iter().map(|fact| self.matrix_of(fact));
        Ok((read.next().transpose()?.flatten(), read.next().transpose()?.flatten()))
    }

    fn matrix_of(&self, fact: &Fact) -> Result<Option<Matrix>, FactsError> {
        let Body::MatrixPublished(published) = fact.body() else { return Ok(None) };
        let rows = published.rows.iter().map(matrix::written);
        Ok(Some(self.matrix_from(Some(fact.seq), rows)?))
    }

    /// Reads rows as a matrix of the view's components.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn matrix_from<'a>(
        &self,
        seq: Option<u64>,
        rows: impl IntoIterator<Item = Vec<(&'a str, Written)>>,
    ) -> Result<Matrix, FactsError> {
        let components = self.components()?;
        let find = |name: &str| {
            let by_name = components.iter().find(|component| component.name == name);
            let by_alias = || components.iter().find(|c| c.spec.alias.as_deref() == Some(name));
            by_name.or_else(by_alias).cloned()
        };
        Ok(Matrix::new(seq, rows, find))
    }
}
