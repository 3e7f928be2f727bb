//! Query templates: one text for both sides of the comparison.
//!
//! `{{digest}}`, `{{hex}}` (without its algorithm), `{{track}}`, `{{component}}` and `{{window}}`
//! are replaced; anything else in double braces is a spelling mistake. A query without
//! `{{window}}` would measure over some other time than the one that is recorded, and one query
//! for both sides would compare the canary with itself.

use crate::error::Error;

/// One side of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) digest: String,
    pub(super) track: String,
}

/// The query of one measure for one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    text: String,
    component: String,
    side: Side,
}

impl Template {
    /// Takes a query for one side.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is empty, does not say `{{window}}`, or names another variable.
    pub(super) fn new(
        option: &str,
        text: &str,
        component: &str,
        side: &Side,
    ) -> Result<Self, Error> {
        let own = Self {
            text: text.trim().to_owned(),
            component: component.to_owned(),
            side: side.clone(),
        };
        if own.text.is_empty() {
            return Err(Error::usage(format!("{option} is empty"))
                .hint("is a variable of the pipeline unset?"));
        }
        if !own.text.contains("{{window}}") {
            let message = format!("{option} does not say `{{{{window}}}}`");
            return Err(Error::usage(message).hint(
                "write the range as [{{window}}], so that what is measured is what is recorded",
            ));
        }
        let mut rest = own.text.as_str();
        while let Some((_, behind)) = rest.split_once("{{") {
            let name = behind.split_once("}}").map_or(behind, |(name, _)| name);
            if !["digest", "hex", "track", "component", "window"].contains(&name) {
                let shown: String = name.chars().take(40).collect();
                let message = format!("{option}: there is no variable `{{{{{shown}}}}}`");
                return Err(Error::usage(message).hint(
                    "there are {{digest}}, {{hex}}, {{track}}, {{component}} and {{window}}",
                ));
            }
            rest = behind;
        }
        Ok(own)
    }

    /// Returns the query over a range of so many seconds.
    pub(super) fn over(&self, seconds: i64) -> String {
        let hex = self.side.digest.split_once(':').map_or("", |(_, hex)| hex);
        self.text
            .replace("{{digest}}", &self.side.digest)
            .replace("{{hex}}", hex)
            .replace("{{track}}", &self.side.track)
            .replace("{{component}}", &self.component)
            .replace("{{window}}", &format!("{seconds}s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side() -> Side {
        let digest = format!("sha256:{}", "a".repeat(64));
        Side { digest, track: "canary".to_owned() }
    }

    fn query(text: &str) -> Result<String, String> {
        let template = Template::new("--error-query", text, "orion-api", &side());
        template.map(|t| t.over(1800)).map_err(|error| error.to_string())
    }

    #[test]
    fn every_variable_is_replaced() {
        let text =
            "a{d=\"{{digest}}\",h=\"{{hex}}\",t=\"{{track}}\",c=\"{{component}}\"}[{{window}}]";
        let hex = "a".repeat(64);
        let expected =
            format!("a{{d=\"sha256:{hex}\",h=\"{hex}\",t=\"canary\",c=\"orion-api\"}}[1800s]");
        assert_eq!(query(text).expect("a template"), expected);
    }

    #[test]
    fn what_would_measure_something_else_is_refused() {
        assert!(query("  ").is_err_and(|message| message.contains("empty")));
        assert!(query("rate(x[5m])").is_err_and(|message| message.contains("window")));
        let misspelt = query("rate(x{t=\"{{trak}}\"}[{{window}}])");
        assert!(misspelt.is_err_and(|message| message.contains("{{trak}}")));
        assert!(query("rate(x[{{window}}]) + {{").is_err());
    }
}
