//! Package URLs, as far as they identify an artifact: `pkg:oci/app@sha256%3A0b31...?tag=1.4.2`.

use percent_encoding::percent_decode_str;
use relbook_ledger::event::Digest;

/// A package URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Purl {
    /// The digest that stands as the version, or in the qualifier `checksum`.
    pub(super) digest: Option<String>,
    /// The version: the qualifier `tag`, or what stands after `@` and is no digest.
    pub(super) version: Option<String>,
}

impl Purl {
    /// Reads a package URL; `None` when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("pkg:")?;
        let rest = rest.split('#').next().unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let qualifier = |name: &str| {
            let found = query.split('&').filter_map(|pair| pair.split_once('='));
            found.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value)).next()
        };
        let version = path.rsplit_once('@').map(|(_, version)| decoded(version));
        let is_digest = |text: &String| Digest::parse(text).is_ok();
        let digest = version.clone().filter(is_digest);
        Some(Self {
            version: qualifier("tag").or(version.filter(|text| !is_digest(text))),
            digest: digest.or_else(|| qualifier("checksum").filter(is_digest)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_decoded_and_a_version_is_none() {
        let hex = "ab".repeat(32);
        let read = |text: &str| Purl::parse(text).unwrap();
        let oci = read(&format!("pkg:oci/app@sha256%3A{hex}?repository_url=r.example&tag=1.4.2"));
        assert_eq!(oci.digest, Some(format!("sha256:{hex}")));
        assert_eq!(oci.version.as_deref(), Some("1.4.2"));
        let go = read("pkg:golang/git.example/org/app@v1.2.3");
        assert_eq!((go.digest, go.version.as_deref()), (None, Some("v1.2.3")));
        let file = read(&format!("pkg:generic/app@1.0.0?checksum=sha256:{hex}#sub/path"));
        assert_eq!(file.digest, Some(format!("sha256:{hex}")));
        assert_eq!(file.version.as_deref(), Some("1.0.0"));
        assert_eq!(Purl::parse("sha256:abc"), None);
    }
}
