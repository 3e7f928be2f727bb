//! Who may write what, and since when: keys and roles in log order (contract 3, ledger-format 6).
//!
//! A key is valid for the event at `seq` when it was enrolled before `seq` and not revoked up to
//! it. Claimed times play no part, so nobody can reach back before a revocation. The keyring is
//! folded from the key events alone; whether a decision counts (quorum, separation of duties) is a
//! verdict of the query crate, not a matter of roles.

use std::collections::BTreeMap;

use crate::admission::{Code, Refusal};
use crate::event::trust::{BookRotated, KeyEnrolled};
use crate::event::{Body, Event, Kind, Name};
use crate::key::{KeyId, PublicKey};

/// The principal that holds the book's own key.
pub const BOOK_PRINCIPAL: &str = "relbook";

/// The role of the book's own key; it cannot be enrolled.
const BOOK_ROLE: &str = "book";

/// Why a grant is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantEnd {
    /// A later enrolment of the same key took its place.
    Replaced,
    /// `key.revoked`.
    Revoked,
    /// `key.compromised`; the key signs nothing more, and what it signed since is suspect.
    Compromised,
}

/// One enrolment of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyGrant {
    /// The key's id.
    pub key_id: KeyId,
    /// The key.
    pub public_key: PublicKey,
    /// Who holds it.
    pub principal: String,
    /// What it may do.
    pub roles: Vec<String>,
    /// The components that it is bound to; none when absent.
    pub components: Option<Vec<String>>,
    /// The environments that it is bound to; none when absent.
    pub environments: Option<Vec<String>>,
    /// The seq of the enrolment; the key is valid after it.
    pub add_seq: u64,
    /// The seq of the event that ended the grant, and how.
    pub end: Option<(u64, GrantEnd)>,
    /// The first seq since which the key's events are suspect.
    pub suspect_from: Option<u64>,
}

impl KeyGrant {
    /// Tells whether the grant holds for the event at `seq`.
    pub fn covers(&self, seq: u64) -> bool {
        let ended = match self.end {
            // The event that replaces a grant may itself be signed under it.
            Some((end, GrantEnd::Replaced)) => seq > end,
            Some((end, _)) => seq >= end,
            None => false,
        };
        // The book's first key is there from the first event on, which enrols it.
        !ended && (self.add_seq < seq || (seq == 0 && self.is_book()))
    }

    /// Tells whether this is the book's own key.
    pub fn is_book(&self) -> bool {
        self.has_role(BOOK_ROLE) && self.principal == BOOK_PRINCIPAL
    }

    /// Tells whether the key has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

/// The keys of a book, folded in log order.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    // Per key its grants, oldest first.
    grants: BTreeMap<KeyId, Vec<KeyGrant>>,
}

impl Keyring {
    /// Takes in the event at `seq`; kinds that are no key events change nothing.
    pub fn apply(&mut self, seq: u64, event: &Event) {
        match &event.body {
            Body::BookCreated(spec) => {
                if let Ok(key) = PublicKey::from_hex(&spec.book_public_key) {
                    self.add(book_grant(seq, key));
                }
            }
            Body::BookRotated(spec) => {
                // Admission refused any other key.
                let keys = [&spec.previous_public_key, &spec.book_public_key];
                if let [Ok(previous), Ok(next)] = keys.map(|key| PublicKey::from_hex(key)) {
                    self.end(&previous.id().to_string(), seq, GrantEnd::Replaced);
                    self.add(book_grant(seq, next));
                }
            }
            Body::KeyEnrolled(spec) => {
                // Admission refused any other key.
                if let Ok(public_key) = PublicKey::from_hex(&spec.public_key) {
                    let roles = spec.role.iter().chain(spec.roles.iter().flatten());
                    self.add(KeyGrant {
                        key_id: public_key.id(),
                        public_key,
                        principal: spec.principal.to_string(),
                        roles: roles.map(ToString::to_string).collect(),
                        components: spec.components.as_deref().map(texts),
                        environments: spec.environments.as_deref().map(texts),
                        add_seq: seq,
                        end: None,
                        suspect_from: None,
                    });
                }
            }
            Body::KeyRevoked(spec) => self.end(&spec.key_id, seq, GrantEnd::Revoked),
            Body::KeyCompromised(spec) => {
                self.end(&spec.key_id, seq, GrantEnd::Compromised);
                let key = KeyId::parse(&spec.key_id);
                for grant in key.and_then(|key| self.grants.get_mut(&key)).into_iter().flatten() {
                    let from = spec.from_seq.unwrap_or(grant.add_seq);
                    grant.suspect_from = Some(grant.suspect_from.map_or(from, |s| s.min(from)));
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, grant: KeyGrant) {
        let grants = self.grants.entry(grant.key_id).or_default();
        if let Some(before) = grants.last_mut().filter(|before| before.end.is_none()) {
            before.end = Some((grant.add_seq, GrantEnd::Replaced));
        }
        grants.push(grant);
    }

    fn end(&mut self, key_id: &str, seq: u64, how: GrantEnd) {
        let grants = KeyId::parse(key_id).and_then(|key| self.grants.get_mut(&key));
        // A second revocation moves nothing: the first one is in force. What ended can still turn
        // out to have been in wrong hands.
        if let Some(grant) = grants.and_then(|grants| grants.last_mut()) {
            grant.end = match grant.end {
                None => Some((seq, how)),
                Some((first, _)) if how == GrantEnd::Compromised => Some((first, how)),
                ended => ended,
            };
        }
    }

    /// Returns the grant under which a key may sign the event at `seq`.
    pub fn author(&self, key_id: KeyId, seq: u64) -> Option<&KeyGrant> {
        let grants = self.grants.get(&key_id)?;
        grants.iter().rev().find(|grant| grant.covers(seq))
    }

    /// Returns the newest grant of a key, in force or not.
    pub fn latest(&self, key_id: KeyId) -> Option<&KeyGrant> {
        self.grants.get(&key_id)?.last()
    }

    /// Returns all grants, in the order of their enrolment.
    pub fn grants(&self) -> Vec<&KeyGrant> {
        let mut all: Vec<_> = self.grants.values().flatten().collect();
        all.sort_by_key(|grant| grant.add_seq);
        all
    }

    /// Checks that a key may sign this event at `seq`, and returns the grant that says so.
    ///
    /// Whether the target of a correction is the author's own is for the caller, who can find it:
    /// see [`Keyring::check_correction`].
    ///
    /// # Errors
    /// A [`Refusal`] with code `unknown_key`, `revoked_key` or `role`.
    pub fn authorise(&self, key_id: KeyId, seq: u64, event: &Event) -> Result<&KeyGrant, Refusal> {
        let Some(grant) = self.author(key_id, seq) else {
            return Err(self.not_in_force(key_id));
        };
        check_role(grant, seq, event)?;
        check_binding(grant, event)?;
        Ok(grant)
    }

    fn not_in_force(&self, key_id: KeyId) -> Refusal {
        let Some(grant) = self.latest(key_id) else {
            return Refusal::new(
                Code::UnknownKey,
                format!(
                    "the key {key_id} is not enrolled in this book; an admin enrols it with \
                     `relbook key enroll PRINCIPAL FILE.pub --role ROLE`"
                ),
            );
        };
        let principal = &grant.principal;
        let since = grant.end.map_or(grant.add_seq, |(seq, _)| seq);
        Refusal::new(
            Code::RevokedKey,
            format!(
                "the key of `{principal}` was revoked at seq {since}; sign with a key in force \
                 (`relbook key list`), or have a new one enrolled"
            ),
        )
    }

    /// Checks that an author may correct an event of `target_principal`.
    ///
    /// # Errors
    /// A [`Refusal`] with code `role`.
    pub fn check_correction(grant: &KeyGrant, target_principal: &str) -> Result<(), Refusal> {
        if grant.principal == target_principal || grant.has_role("admin") {
            return Ok(());
        }
        Err(Refusal::new(
            Code::Role,
            format!(
                "`{}` may correct its own events only, and this one is by `{target_principal}`; \
                 let them or an admin sign the correction",
                grant.principal
            ),
        )
        .at("corrects"))
    }

    /// Checks what a key event says against the keys known before it.
    ///
    /// # Errors
    /// A [`Refusal`] with code `bad_value`.
    pub fn check(&self, author: KeyId, event: &Event) -> Result<(), Refusal> {
        match &event.body {
            Body::KeyEnrolled(spec) => self.check_enrolment(spec),
            Body::KeyRevoked(spec) => self.check_end(author, &spec.principal, &spec.key_id, false),
            Body::KeyCompromised(spec) => {
                self.check_end(author, &spec.principal, &spec.key_id, true)
            }
            Body::BookRotated(spec) => self.check_rotation(author, spec),
            _ => Ok(()),
        }
    }

    fn check_rotation(&self, author: KeyId, spec: &BookRotated) -> Result<(), Refusal> {
        let previous = PublicKey::from_hex(&spec.previous_public_key).ok();
        if previous.map(|key| key.id()) != Some(author) {
            let message = "is not the book's key, which must sign its own replacement";
            return Err(bad("previous_public_key", &spec.previous_public_key, message));
        }
        let next = PublicKey::from_hex(&spec.book_public_key)
            .map_err(|error| bad("book_public_key", &spec.book_public_key, error.to_string()))?;
        match self.latest(next.id()) {
            Some(grant) => Err(bad(
                "book_public_key",
                &spec.book_public_key,
                format!("is the key of `{}` already; the book needs a new one", grant.principal),
            )),
            None => Ok(()),
        }
    }

    fn check_enrolment(&self, spec: &KeyEnrolled) -> Result<(), Refusal> {
        let public_key = PublicKey::from_hex(&spec.public_key)
            .map_err(|error| bad("public_key", &spec.public_key, error.to_string()))?;
        let key_id = public_key.id();
        if KeyId::parse(&spec.key_id) != Some(key_id) {
            return Err(bad(
                "key_id",
                &spec.key_id,
                format!("is not the id of the public key, which is {key_id}"),
            ));
        }
        if spec.principal.as_str() == BOOK_PRINCIPAL {
            return Err(bad(
                "principal",
                &spec.principal,
                "is the book's own name; choose another",
            ));
        }
        let roles = || spec.role.iter().chain(spec.roles.iter().flatten());
        if roles().any(|role| role.as_str() == BOOK_ROLE) {
            return Err(bad("roles", BOOK_ROLE, "is the role of the book's own key"));
        }
        match self.latest(key_id) {
            // A principal is who acts: one key for two would blur who it was.
            Some(grant) if grant.principal != spec.principal.as_str() => Err(bad(
                "public_key",
                &spec.public_key,
                format!("is the key of `{}` already; make a new one", grant.principal),
            )),
            _ => Ok(()),
        }
    }

    fn check_end(
        &self,
        author: KeyId,
        principal: &Name,
        key_id: &str,
        compromised: bool,
    ) -> Result<(), Refusal> {
        let id = KeyId::parse(key_id);
        let grant = id.and_then(|id| self.latest(id)).ok_or_else(|| {
            bad("key_id", key_id, "is no enrolled key; `relbook key list` shows them")
        })?;
        if grant.principal != principal.as_str() {
            let holder = &grant.principal;
            return Err(bad(
                "principal",
                principal,
                format!("does not hold this key; `{holder}` does"),
            ));
        }
        // A key that the book has given up can still be found to have been in wrong hands.
        if grant.is_book() && !(compromised && grant.end.is_some()) {
            let message = "is the book's own key, which cannot be revoked; replace it first, with \
                           `relbook key rotate-book`";
            return Err(bad("key_id", key_id, message));
        }
        // By the rule add_seq < seq < revoke_seq a key cannot sign its own end.
        if id == Some(author) {
            return Err(bad(
                "key_id",
                key_id,
                "is the key that signs; a key cannot end itself, sign with another admin key",
            ));
        }
        Ok(())
    }
}

fn book_grant(seq: u64, public_key: PublicKey) -> KeyGrant {
    KeyGrant {
        key_id: public_key.id(),
        public_key,
        principal: BOOK_PRINCIPAL.to_owned(),
        roles: vec![BOOK_ROLE.to_owned()],
        components: None,
        environments: None,
        add_seq: seq,
        end: None,
        suspect_from: None,
    }
}

fn texts(names: &[Name]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn bad(field: &str, value: impl std::fmt::Display, message: impl Into<String>) -> Refusal {
    Refusal::new(Code::BadValue, message).at(field).with_value(value)
}

/// Tells whether a role lets its holder append this event.
fn allows(role: &str, principal: &str, seq: u64, event: &Event) -> bool {
    use Kind as K;
    let kind = event.kind();
    match (role, kind) {
        (BOOK_ROLE, K::BookCreated | K::KeyEnrolled) => seq <= 1,
        (BOOK_ROLE, _) => kind.is_written_by_book(),
        (_, K::BookCreated | K::BookRotated | K::AppendRefused) => false,
        ("admin", _) => true,
        // Who may correct what depends on the target's author.
        (_, K::EventCorrected) => true,
        ("ci", _) => !is_approval(kind) && !is_governance(kind),
        ("approver", _) => is_approval(kind) && named(event).is_none_or(|name| name == principal),
        ("reporter", _) => is_approval(kind) && named(event).is_some_and(|name| name != principal),
        // A list of kinds; an approval under it is the signer's own.
        (name, _) if is_approval(kind) => {
            name == kind.as_str() && named(event).is_none_or(|name| name == principal)
        }
        (name, _) => name == kind.as_str(),
    }
}

fn is_approval(kind: Kind) -> bool {
    matches!(kind, Kind::ApprovalGranted | Kind::ApprovalRejected | Kind::ApprovalRevoked)
}

/// Tells whether a kind says what counts or who may write, which is the admins' part.
fn is_governance(kind: Kind) -> bool {
    matches!(kind, Kind::PolicySet | Kind::KeyEnrolled | Kind::KeyRevoked | Kind::KeyCompromised)
}

/// Returns the person whom an approval names.
fn named(event: &Event) -> Option<&str> {
    match &event.body {
        Body::ApprovalGranted(spec) => spec.approver.as_deref(),
        Body::ApprovalRejected(spec) => spec.approver.as_deref(),
        Body::ApprovalRevoked(spec) => spec.by.as_deref(),
        _ => None,
    }
}

fn check_role(grant: &KeyGrant, seq: u64, event: &Event) -> Result<(), Refusal> {
    let (kind, principal) = (event.kind(), &grant.principal);
    if grant.roles.iter().any(|role| allows(role, principal, seq, event)) {
        return Ok(());
    }
    let may: Vec<String> =
        grant.roles.iter().map(|role| format!("{role} (may append {})", extent(role))).collect();
    let named = match named(event) {
        Some(name) if name != principal => format!(" for `{name}`"),
        _ => String::new(),
    };
    let advice = match kind {
        Kind::BookCreated | Kind::BookRotated | Kind::AppendRefused => {
            "only relbook itself writes it".to_owned()
        }
        _ => format!(
            "sign with a key of role {}, or have an admin enrol this one with that role",
            wanted(kind)
        ),
    };
    Err(Refusal::new(
        Code::Role,
        format!(
            "the key of `{principal}` has the role {}, which does not allow {kind}{named}; {advice}",
            may.join(", ")
        ),
    )
    .at("kind")
    .with_value(kind))
}

/// Says which kinds a role lets its holder append.
fn extent(role: &str) -> String {
    match role {
        BOOK_ROLE => "what relbook itself writes".to_owned(),
        "admin" => "every kind".to_owned(),
        "ci" => "every kind but key.*, policy.set, approval.*, component.registered and \
                 environment.registered"
            .to_owned(),
        "approver" => "approvals in its own name".to_owned(),
        "reporter" => "approvals that name another approver".to_owned(),
        "auditor" => "nothing, it reads".to_owned(),
        _ => Kind::parse(role)
            .map_or_else(|| "nothing by itself".to_owned(), |kind| kind.as_str().to_owned()),
    }
}

/// Names the roles that would allow a kind.
fn wanted(kind: Kind) -> String {
    if is_approval(kind) {
        return "approver (in its own name), reporter (for others) or admin".to_owned();
    }
    if is_governance(kind) {
        return "admin".to_owned();
    }
    format!("ci, admin or {kind}")
}

/// Checks the components and environments that a key is bound to.
///
/// Kinds that name only a deploy (`deploy.progressed`, `deploy.finished`) carry neither and pass:
/// a known limit, the deploy's start was checked.
fn check_binding(grant: &KeyGrant, event: &Event) -> Result<(), Refusal> {
    // A freeze without component or environment is one of all of them.
    let all = matches!(event.body, Body::FreezeDeclared(_) | Body::FreezeLifted(_));
    let component = event.header.component.as_deref();
    let bound = [
        ("component", component, &grant.components),
        ("environment", environment(event), &grant.environments),
    ];
    for (field, named, allowed) in bound {
        let Some(allowed) = allowed else { continue };
        let fits = match named {
            Some(name) => allowed.iter().any(|a| a == name),
            None => !all,
        };
        if !fits {
            let named = named.map_or_else(|| "all of them".to_owned(), |name| format!("`{name}`"));
            let refusal = Refusal::new(
                Code::Role,
                format!(
                    "the key of `{}` is bound to the {field}s {}, not {named}; sign with another \
                     key, or have an admin enrol this one for it",
                    grant.principal,
                    allowed.join(", ")
                ),
            );
            return Err(refusal.at(field).with_value(named.trim_matches('`')));
        }
    }
    Ok(())
}

fn environment(event: &Event) -> Option<&str> {
    match &event.body {
        Body::EnvironmentRegistered(spec) => Some(&spec.environment),
        Body::DeployStarted(spec) => Some(&spec.environment),
        Body::DeployRemoved(spec) => Some(&spec.environment),
        Body::RuntimeObserved(spec) => Some(&spec.environment),
        Body::FreezeDeclared(spec) => spec.environment.as_deref(),
        Body::FreezeLifted(spec) => spec.environment.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
