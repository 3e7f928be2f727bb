//! The parser of bills of materials that `diff` has, for the readers too: what `ingest` records is
//! what can be compared later, and the readers know nothing else of the query crate.

pub(crate) use relbook_query::sbom::{
    Bom, Node, SbomError, Visit, count, count_tags, count_xml, is_spdx, is_tags, read_json,
};
