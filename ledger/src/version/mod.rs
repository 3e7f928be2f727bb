//! Stub until helper V lands.
#![allow(missing_docs)]
#[derive(Debug, Clone, PartialEq)]
pub struct Scheme(String);
#[derive(Debug, Clone, PartialEq)]
pub struct Version(String);
#[derive(Debug, thiserror::Error)]
#[error("bad version")]
pub struct VersionError;
impl VersionError {
    pub fn code(&self) -> &'static str {
        "not_semver"
    }
}
impl Scheme {
    pub fn parse(t: &str) -> Result<Self, VersionError> {
        Ok(Self(t.into()))
    }
    pub fn parse_version(&self, t: &str) -> Result<Version, VersionError> {
        Ok(Version(t.into()))
    }
}
pub mod gomod {
    pub fn check(_: &str, _: &super::Version) -> Result<(), super::VersionError> {
        Ok(())
    }
}
