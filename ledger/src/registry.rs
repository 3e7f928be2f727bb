//! What admission must know: components, environments, policy and keys, folded in log order.
//!
//! The registry is rebuilt from the registry events (`Kind::is_registry`) whenever a book is
//! opened; nothing of it is stored, so it cannot disagree with the log. It knows the head of the
//! log only: what a question sees under `--as-of` is the query crate's matter.

use std::collections::BTreeMap;

use crate::event::release::ComponentRegistered;
use crate::event::{Body, Event};
use crate::keyring::Keyring;
use crate::policy::Policy;
use crate::version::Scheme;

/// A registered component.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// The seq of the registration in force.
    pub seq: u64,
    /// Its version scheme.
    pub scheme: Scheme,
    /// The registration.
    pub spec: ComponentRegistered,
}

impl Component {
    /// Returns the prefix of its tags; empty when none is registered.
    pub fn tag_prefix(&self) -> &str {
        self.spec.tag_prefix.as_deref().unwrap_or_default()
    }
}

/// Components, environments, policy and keys at one position of the log.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    components: BTreeMap<String, Component>,
    environments: BTreeMap<String, Vec<String>>,
    policy: Policy,
    keyring: Keyring,
}

impl Registry {
    /// Takes in the event at `seq`; kinds that are no registry events change nothing.
    pub fn apply(&mut self, seq: u64, event: &Event) {
        match &event.body {
            Body::ComponentRegistered(spec) => {
                // Admission refused any other scheme.
                if let Ok(scheme) = Scheme::parse(&spec.scheme) {
                    let component = Component { seq, scheme, spec: spec.clone() };
                    self.components.insert(event.component().to_owned(), component);
                }
            }
            Body::EnvironmentRegistered(spec) => {
                let targets = spec.targets.iter().map(ToString::to_string).collect();
                self.environments.insert(spec.environment.to_string(), targets);
            }
            // Admission refused values that cannot hold.
            Body::PolicySet(spec) => drop(self.policy.set(&spec.values)),
            _ => self.keyring.apply(seq, event),
        }
    }

    /// Returns the registered name for a component's name or alias.
    pub fn resolve(&self, name_or_alias: &str) -> Option<&str> {
        if let Some((name, _)) = self.components.get_key_value(name_or_alias) {
            return Some(name);
        }
        let mut all = self.components.iter();
        all.find(|(_, c)| c.spec.alias.as_deref() == Some(name_or_alias))
            .map(|(name, _)| name.as_str())
    }

    /// Returns a component by its registered name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.get(name)
    }

    /// Returns the components by name.
    pub fn components(&self) -> impl Iterator<Item = (&str, &Component)> {
        self.components.iter().map(|(name, component)| (name.as_str(), component))
    }

    /// Returns the environments by name, each with its targets in their order.
    pub fn environments(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.environments.iter().map(|(name, targets)| (name.as_str(), targets.as_slice()))
    }

    /// Returns the policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the keys.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }
}
