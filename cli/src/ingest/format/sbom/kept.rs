//! A place of a report as the parser of bills sees it: long lists come value by value.

use crate::bom::{Node, SbomError, Visit};
use serde_json::Value;

use crate::ingest::error::IngestError;
use crate::ingest::json::Place;

/// A place of a report.
pub(super) struct Kept<'a>(pub(super) Place<'a>);

impl Node for Kept<'_> {
    fn value(&self) -> &Value {
        self.0.value()
    }

    fn get(&self, key: &str) -> Result<Option<Box<dyn Node + '_>>, SbomError> {
        let found = self.0.at(key).map_err(outside)?;
        Ok(found.map(|place| -> Box<dyn Node + '_> { Box::new(Kept(place)) }))
    }

    fn each(&self, key: &str, visit: &mut Visit<'_>) -> Result<bool, SbomError> {
        let mut failed = None;
        let walked = self.0.rows(key, &mut |place| {
            visit(&Kept(place.clone())).map_err(|error| {
                failed = Some(error);
                place.expected("what a bill of materials has here")
            })
        });
        match (failed, walked) {
            (Some(error), _) => Err(error),
            (None, walked) => walked.map_err(outside),
        }
    }

    fn wrong(&self, key: &str, expected: &'static str) -> SbomError {
        outside(self.0.expected_under(key, expected))
    }
}

/// Carries an error through the parser.
fn outside(error: IngestError) -> SbomError {
    SbomError::Kept(Box::new(error))
}
