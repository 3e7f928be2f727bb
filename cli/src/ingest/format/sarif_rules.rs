//! The rules of a run of SARIF: what a result without an own level or score takes from them.
//!
//! A result names its rule by index, by id, or by a reference to an extension of the tool. Where
//! the index leads nowhere, the id decides; an id may be narrower than its rule, as `CA1000/1` is
//! of `CA1000`. A run may override what a rule says.

use std::collections::HashMap;

use serde_json::Value;

use crate::ingest::error::IngestError;
use crate::ingest::json::Place;
use crate::ingest::severity::Severity;

/// How bad a result is, in SARIF's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    None,
    Note,
    Warning,
    Error,
}

impl Level {
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "note" => Some(Self::Note),
            "warning" => Some(Self::Warning),
            "error" => Some(Self::Error),
            _ => None,
        }
    }

    /// Returns the severity as which a result is counted that has a level only.
    pub(super) fn severity(self) -> Severity {
        match self {
            Self::None => Severity::Negligible,
            Self::Note => Severity::Low,
            Self::Warning => Severity::Medium,
            Self::Error => Severity::High,
        }
    }
}

/// What a rule says of its results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) id: Option<String>,
    pub(super) level: Option<Level>,
    /// The word of the band that its `security-severity` lies in, or the word that stands there.
    pub(super) severity: Option<String>,
}

/// The rules of the tool and of its extensions.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// By component: the tool itself, then its extensions.
    components: Vec<Vec<Rule>>,
    names: Vec<Option<String>>,
    /// Where the rule of an id stands first.
    by_id: HashMap<String, (usize, usize)>,
}

impl Rules {
    /// Reads the rules of a run.
    pub(super) fn of(run: &Place<'_>) -> Result<Self, IngestError> {
        let mut rules = Self::default();
        if let Some(driver) = run.down(&["tool", "driver"])? {
            rules.component(&driver)?;
        }
        if let Some(tool) = run.at("tool")? {
            tool.rows("extensions", &mut |extension| rules.component(extension))?;
        }
        run.rows("invocations", &mut |invocation| {
            invocation.rows("ruleConfigurationOverrides", &mut |one| rules.overridden(one))?;
            Ok(())
        })?;
        Ok(rules)
    }

    fn component(&mut self, component: &Place<'_>) -> Result<(), IngestError> {
        let mine = self.components.len();
        let mut all: Vec<Rule> = Vec::new();
        let by_id = &mut self.by_id;
        component.rows("rules", &mut |rule| {
            let id = rule.text("id")?.map(str::to_owned);
            let level = rule.down(&["defaultConfiguration"])?;
            let level = level.map(|place| level_at(&place)).transpose()?.flatten();
            if let Some(id) = &id {
                by_id.entry(id.clone()).or_insert((mine, all.len()));
            }
            all.push(Rule { id, level, severity: security_severity(rule)? });
            Ok(())
        })?;
        self.names.push(component.text("name")?.map(str::to_owned));
        self.components.push(all);
        Ok(())
    }

    fn overridden(&mut self, one: &Place<'_>) -> Result<(), IngestError> {
        let Some(level) = one.at("configuration")?.map(|place| level_at(&place)).transpose()?
        else {
            return Ok(());
        };
        let found = match one.at("descriptor")? {
            Some(descriptor) => self.find(&descriptor, None)?,
            None => None,
        };
        if let (Some(level), Some((component, index))) = (level, found)
            && let Some(rule) = self.components.get_mut(component).and_then(|c| c.get_mut(index))
        {
            rule.level = Some(level);
        }
        Ok(())
    }

    /// Returns the rule of a result; an empty one when it names none that is there.
    pub(super) fn of_result(&self, result: &Place<'_>) -> Result<Rule, IngestError> {
        let mut found = None;
        if let Some(reference) = result.at("rule")? {
            found = self.find(&reference, result.text("ruleId")?)?;
        }
        if found.is_none() {
            found = self.placed(0, index_at(result, "ruleIndex"), result.text("ruleId")?);
        }
        let rule = found.and_then(|(component, index)| self.components.get(component)?.get(index));
        Ok(rule.cloned().unwrap_or_default())
    }

    /// Follows a reference to a rule.
    fn find(
        &self,
        reference: &Place<'_>,
        other_id: Option<&str>,
    ) -> Result<Option<(usize, usize)>, IngestError> {
        let id = reference.text("id")?.or(other_id);
        let component = match reference.at("toolComponent")? {
            Some(component) => {
                let name = component.text("name")?;
                let named = self.names.iter().position(|n| n.as_deref() == name && n.is_some());
                // Extensions are counted from 0 and stand behind the tool itself.
                index_at(&component, "index").map(|index| index + 1).or(named).unwrap_or(0)
            }
            None => 0,
        };
        Ok(self.placed(component, index_at(reference, "index"), id))
    }

    fn placed(
        &self,
        component: usize,
        index: Option<usize>,
        id: Option<&str>,
    ) -> Option<(usize, usize)> {
        let at_index = index.filter(|index| {
            self.components.get(component).is_some_and(|rules| rules.len() > *index)
        });
        if let Some(index) = at_index {
            return Some((component, index));
        }
        let mut id = id?;
        loop {
            if let Some(found) = self.by_id.get(id) {
                return Some(*found);
            }
            id = id.rsplit_once('/')?.0;
        }
    }
}

/// Reads an index; -1 is SARIF's word for none.
fn index_at(place: &Place<'_>, key: &str) -> Option<usize> {
    place.value().get(key).and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok())
}

fn level_at(configuration: &Place<'_>) -> Result<Option<Level>, IngestError> {
    let Some(word) = configuration.text("level")? else { return Ok(None) };
    match Level::parse(word) {
        Some(level) => Ok(Some(level)),
        None => Err(configuration.expected_under("level", "none, note, warning or error")),
    }
}

/// Returns the severity that stands in the properties of a rule or result: the band of a score,
/// or the word as it is.
pub(super) fn security_severity(owner: &Place<'_>) -> Result<Option<String>, IngestError> {
    let Some(value) = owner.value().pointer("/properties/security-severity") else {
        return Ok(None);
    };
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null => return Ok(None),
        _ => return Err(owner.expected("a score or a word in `security-severity`")),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let Ok(score) = text.parse::<f64>() else { return Ok(Some(text)) };
    let band = match score {
        score if score >= 9.0 => Severity::Critical,
        score if score >= 7.0 => Severity::High,
        score if score >= 4.0 => Severity::Medium,
        score if score > 0.0 => Severity::Low,
        0.0 => Severity::Negligible,
        // Not a number, or below zero.
        _ => Severity::Unknown,
    };
    Ok(Some(band.as_str().to_owned()))
}
