//! Who may do what: the people and machines whose keys hold a role.

use std::collections::BTreeMap;

use relbook_ledger::event::Body;

use super::Core;
use super::fact::FactsError;
use super::index::Key;

/// The principals that hold a role, with the seqs that say so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    /// Their names, in alphabetical order, each once.
    pub principals: Vec<String>,
    /// The seqs of their enrolments.
    pub evidence: Vec<u64>,
}

impl Core<'_> {
    /// Returns who holds any of some roles for a component at the end of the view: keys are
    /// enrolled and revoked by log order, and a key may be bound to components.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn holders(&self, roles: &[&str], component: &str) -> Result<Holders, FactsError> {
        let mut facts = self.facts.find(&Key::Keys {})?;
        facts.sort_by_key(|fact| fact.seq);
        let mut keys = BTreeMap::new();
        for fact in &facts {
            match fact.body() {
                Body::KeyEnrolled(key) => drop(keys.insert(key.key_id.as_str(), (key, fact.seq))),
                Body::KeyRevoked(key) => drop(keys.remove(key.key_id.as_str())),
                Body::KeyCompromised(key) => drop(keys.remove(key.key_id.as_str())),
                _ => {}
            }
        }
        let mut holders = Holders::default();
        for (key, seq) in keys.into_values() {
            let mut held = key.role.iter().chain(key.roles.iter().flatten());
            let bound = key.components.as_ref();
            if held.any(|role| roles.contains(&&**role))
                && bound.is_none_or(|to| to.iter().any(|name| **name == *component))
            {
                holders.principals.push(key.principal.to_string());
                holders.evidence.push(seq);
            }
        }
        holders.principals.sort();
        holders.principals.dedup();
        Ok(holders)
    }
}
