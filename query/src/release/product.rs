//! Components, environments and policy as a view sees them.

use std::collections::BTreeMap;
use std::sync::Arc;

use relbook_ledger::event::release::ComponentRegistered;
use relbook_ledger::event::{Body, ReleaseModel};
use relbook_ledger::policy::Policy;
use relbook_ledger::version::{ChangeClass, Scheme, Version};

use super::fact::FactsError;
use super::index::Key;
use super::{Core, PolicyInForce};

/// A component as registered in the view.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Its version scheme.
    pub scheme: Scheme,
    /// Every scheme that it has had, oldest first, with the seq since which it holds: its epochs.
    pub schemes: Vec<(u64, Scheme)>,
    /// Its registration.
    pub spec: ComponentRegistered,
    /// The seq of its registration.
    pub seq: u64,
}

impl Component {
    /// Tells whether it is published rather than deployed.
    pub fn is_published(&self) -> bool {
        self.spec.release_model == ReleaseModel::Published
    }

    /// Returns the change class from one version to another (A.9); none where either has no form.
    pub fn change_class(
        &self,
        from: Option<&str>,
        to: &str,
        same_digest: bool,
    ) -> Option<ChangeClass> {
        let to = self.version(to)?;
        let from = match from {
            Some(text) => Some(self.version(text)?),
            None => None,
        };
        Some(self.scheme.change_class(from.as_ref(), &to, same_digest))
    }

    /// Reads a version under the newest scheme of the component that it fits.
    fn version(&self, text: &str) -> Option<Version> {
        let mut newest_first = self.schemes.iter().rev();
        newest_first.find_map(|(_, scheme)| scheme.parse_version(text).ok())
    }

    /// Reads a version under the scheme that held at a seq; with the number of its epoch, by
    /// which versions order before they order by precedence (A.1).
    pub fn version_at(&self, text: &str, seq: u64) -> Option<(usize, Version)> {
        let epoch = self.schemes.iter().rposition(|(since, _)| *since < seq).unwrap_or_default();
        let version = self.schemes.get(epoch)?.1.parse_version(text).ok()?;
        Some((epoch, version))
    }
}

/// An environment as registered in the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its declared targets, in their order.
    pub targets: Vec<String>,
    /// The seq of its registration; 0, the genesis event, when there is none.
    pub seq: u64,
}

impl Environment {
    /// Returns an environment that nobody registered: it declares no target.
    pub fn unregistered(name: impl Into<String>) -> Self {
        Self { name: name.into(), targets: Vec::new(), seq: 0 }
    }
}

impl Core<'_> {
    /// Returns the components by name; a later registration replaces an earlier one.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn components(&self) -> Result<Vec<Arc<Component>>, FactsError> {
        if let Some(known) = self.cache.borrow().components.clone() {
            return Ok(known);
        }
        let mut by_name = BTreeMap::new();
        for fact in self.facts.find(&Key::Components {})? {
            if let Body::ComponentRegistered(spec) = fact.body()
                && let Ok(scheme) = Scheme::parse(&spec.scheme)
            {
                let name = fact.event.component().to_owned();
                let before = by_name.remove(&name).map(|known: Component| known.schemes);
                let mut schemes = before.unwrap_or_default();
                if schemes.last().is_none_or(|(_, last)| *last != scheme) {
                    schemes.push((fact.seq, scheme.clone()));
                }
                let spec = spec.clone();
                let component =
                    Component { name: name.clone(), scheme, schemes, spec, seq: fact.seq };
                by_name.insert(name, component);
            }
        }
        let components: Vec<_> = by_name.into_values().map(Arc::new).collect();
        self.cache.borrow_mut().components = Some(components.clone());
        Ok(components)
    }

    /// Returns a component by its name or alias.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn component(&self, name_or_alias: &str) -> Result<Option<Arc<Component>>, FactsError> {
        let all = self.components()?;
        let by_name = all.iter().find(|component| component.name == name_or_alias);
        let by_alias = || all.iter().find(|c| c.spec.alias.as_deref() == Some(name_or_alias));
        Ok(by_name.or_else(by_alias).cloned())
    }

    /// Returns the environments by name; a later registration replaces an earlier one.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn environments(&self) -> Result<Vec<Environment>, FactsError> {
        let mut by_name = BTreeMap::new();
        for fact in self.facts.find(&Key::Environments {})? {
            if let Body::EnvironmentRegistered(spec) = fact.body() {
                let name = spec.environment.to_string();
                let targets = spec.targets.iter().map(ToString::to_string).collect();
                by_name.insert(name.clone(), Environment { name, targets, seq: fact.seq });
            }
        }
        Ok(by_name.into_values().collect())
    }

    /// Returns an environment.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn environment(&self, name: &str) -> Result<Option<Environment>, FactsError> {
        Ok(self.environments()?.into_iter().find(|environment| environment.name == name))
    }

    /// Returns the policy in force at a seq, and the event that brought its last change.
    ///
    /// # Errors
    /// [`FactsError`] when the facts cannot be read.
    pub fn policy_at(&self, seq: u64) -> Result<PolicyInForce, FactsError> {
        if let Some(policy) = &self.policy {
            return Ok(policy.clone());
        }
        let mut facts = self.facts.find(&Key::Policies {})?;
        // A policy is in force by log order, not by claimed time (ledger-format 6).
        facts.sort_by_key(|fact| fact.seq);
        let (mut policy, mut last) = (Policy::default(), None);
        for fact in facts.into_iter().filter(|fact| fact.seq < seq) {
            if let Body::PolicySet(spec) = fact.body()
                && policy.set(&spec.values).is_ok()
            {
                last = Some(fact);
            }
        }
        Ok((policy, last))
    }
}
