//! Roles, bindings and validity by log order, event by event.

use serde_json::{Value, json};

use super::*;
use crate::event::Event;
use crate::key::SigningKey;

const ID: &str = "019b76da-a800-7001-afb4-e10c8c61f108";

fn event(kind: &str, fields: Value) -> Event {
    let mut all = json!({"id": ID, "kind": kind, "occurred_at": "2026-01-01T00:00:00Z"});
    let map = all.as_object_mut().unwrap();
    map.extend(fields.as_object().unwrap().clone());
    Event::from_fields(Kind::parse(kind).unwrap(), map).unwrap()
}

fn key(n: u8) -> PublicKey {
    SigningKey::from_seed(&[n; 32]).public()
}

fn book() -> Keyring {
    let mut keyring = Keyring::default();
    let genesis = json!({
        "origin": "o", "book_public_key": key(0).to_hex(), "format_version": 1,
        "simulated_clock": false,
    });
    keyring.apply(0, &event("book.created", genesis));
    keyring
}

fn enrolment(n: u8, principal: &str, roles: &[&str]) -> Event {
    event(
        "key.enrolled",
        json!({
            "principal": principal, "key_id": key(n).id().to_string(),
            "public_key": key(n).to_hex(), "roles": roles,
        }),
    )
}

fn end(kind: &str, n: u8, principal: &str) -> Event {
    event(kind, json!({"principal": principal, "key_id": key(n).id().to_string()}))
}

fn digest() -> String {
    format!("sha256:{}", "a".repeat(64))
}

fn build() -> Event {
    event(
        "build.completed",
        json!({"component": "api", "version": "1.0.0", "digest": digest(), "commit": "c"}),
    )
}

fn approval(approver: Option<&str>) -> Event {
    event(
        "approval.granted",
        json!({
            "component": "api", "approval_id": "a", "version": "1.0.0", "digest": digest(),
            "stage": "production", "approver": approver,
        }),
    )
}

fn deploy(component: &str, environment: &str) -> Event {
    event(
        "deploy.started",
        json!({
            "component": component, "deploy_id": "d", "stage": "production",
            "environment": environment, "targets": ["t"], "digest": digest(),
        }),
    )
}

/// One key of `p` with these roles, enrolled at seq 1.
fn with_roles(roles: &[&str]) -> Keyring {
    let mut keyring = book();
    keyring.apply(1, &enrolment(1, "p", roles));
    keyring
}

#[track_caller]
fn check(roles: &[&str], event: &Event, allowed: bool) {
    let keyring = with_roles(roles);
    match keyring.authorise(key(1).id(), 2, event) {
        Ok(_) => assert!(allowed, "{roles:?} must not append {}", event.kind()),
        Err(refusal) => {
            assert!(!allowed, "{roles:?}: {refusal}");
            assert_eq!(refusal.code, Code::Role);
        }
    }
}

#[test]
fn a_key_is_valid_after_its_enrolment_and_before_its_end() {
    let mut keyring = book();
    keyring.apply(5, &enrolment(1, "p", &["ci"]));
    keyring.apply(9, &end("key.revoked", 1, "p"));
    let code = |seq| keyring.authorise(key(1).id(), seq, &build()).map(|_| ()).map_err(|r| r.code);
    assert_eq!(code(5), Err(Code::RevokedKey));
    assert_eq!(code(6), Ok(()));
    assert_eq!(code(8), Ok(()));
    assert_eq!(code(9), Err(Code::RevokedKey));
    assert_eq!(code(10), Err(Code::RevokedKey));
    let unknown = keyring.authorise(key(2).id(), 6, &build()).unwrap_err();
    assert_eq!(unknown.code, Code::UnknownKey);
    assert!(unknown.message.contains("relbook key enroll"));
}

#[test]
fn a_key_can_be_enrolled_again_after_its_revocation() {
    let mut keyring = book();
    keyring.apply(1, &enrolment(1, "p", &["ci"]));
    keyring.apply(3, &end("key.revoked", 1, "p"));
    keyring.apply(7, &enrolment(1, "p", &["ci"]));
    let valid = |seq| keyring.author(key(1).id(), seq).is_some();
    assert_eq!([2, 3, 7, 8].map(valid), [true, false, false, true]);
    // A second revocation does not reach back.
    keyring.apply(8, &end("key.compromised", 1, "p"));
    keyring.apply(9, &end("key.revoked", 1, "p"));
    assert_eq!(keyring.latest(key(1).id()).unwrap().end, Some((8, GrantEnd::Compromised)));
}

#[test]
fn the_newest_grant_replaces() {
    let mut keyring = with_roles(&["admin"]);
    keyring.apply(4, &enrolment(1, "p", &["auditor"]));
    // The event that replaces the grant is still signed under the old one.
    assert!(keyring.author(key(1).id(), 4).unwrap().has_role("admin"));
    assert!(!keyring.author(key(1).id(), 5).unwrap().has_role("admin"));
    assert!(keyring.authorise(key(1).id(), 5, &build()).is_err());
    assert_eq!(keyring.grants().len(), 3);
}

#[test]
fn compromise_marks_and_ends() {
    let mut keyring = with_roles(&["ci"]);
    let mut event = end("key.compromised", 1, "p");
    if let Body::KeyCompromised(spec) = &mut event.body {
        spec.from_seq = Some(3);
    }
    keyring.apply(6, &event);
    let grant = keyring.latest(key(1).id()).unwrap();
    assert_eq!((grant.suspect_from, grant.covers(5), grant.covers(7)), (Some(3), true, false));
}

#[test]
fn ci_writes_everything_but_keys_policy_and_approvals() {
    check(&["ci"], &build(), true);
    check(&["ci"], &deploy("api", "production"), true);
    check(&["ci"], &event("matrix.published", json!({"rows": []})), true);
    check(&["ci"], &approval(None), false);
    check(&["ci"], &approval(Some("q")), false);
    check(&["ci"], &enrolment(2, "q", &["ci"]), false);
    check(&["ci"], &end("key.revoked", 2, "q"), false);
    check(&["ci"], &event("policy.set", json!({"policy_id": "x", "values": {}})), false);
    let environment =
        event("environment.registered", json!({"environment": "e", "targets": ["t"]}));
    check(&["ci"], &environment, true);
    let component = json!({"component": "c", "scheme": "semver", "release_model": "deployed"});
    check(&["ci"], &event("component.registered", component), true);
}

#[test]
fn admin_writes_everything_but_what_relbook_writes() {
    check(&["admin"], &build(), true);
    check(&["admin"], &approval(Some("q")), true);
    check(&["admin"], &enrolment(2, "q", &["ci"]), true);
    check(&["admin"], &event("append.refused", json!({"code": "role", "message": "m"})), false);
    let genesis = json!({
        "origin": "o", "book_public_key": key(0).to_hex(), "format_version": 1,
        "simulated_clock": false,
    });
    check(&["admin"], &event("book.created", genesis), false);
}

#[test]
fn approvers_approve_in_their_own_name_and_reporters_for_others() {
    check(&["approver"], &approval(None), true);
    check(&["approver"], &approval(Some("p")), true);
    check(&["approver"], &approval(Some("q")), false);
    check(&["approver"], &build(), false);
    check(&["reporter"], &approval(Some("q")), true);
    check(&["reporter"], &approval(Some("p")), false);
    check(&["reporter"], &approval(None), false);
    check(&["approver", "reporter"], &approval(None), true);
    let revoked =
        |by: Option<&str>| event("approval.revoked", json!({"approval_id": "a", "by": by}));
    check(&["approver"], &revoked(None), true);
    check(&["approver"], &revoked(Some("q")), false);
    check(&["reporter"], &revoked(Some("q")), true);
}

#[test]
fn auditors_and_free_roles_write_nothing_and_kind_roles_their_kind() {
    for role in ["auditor", "release_engineer"] {
        check(&[role], &build(), false);
        check(&[role], &approval(None), false);
    }
    check(&["build.completed"], &build(), true);
    check(&["build.completed"], &deploy("api", "production"), false);
    check(&["approval.granted"], &approval(None), true);
    check(&["approval.granted"], &approval(Some("q")), false);
    check(&["release_engineer", "approver"], &approval(None), true);
}

#[test]
fn the_book_writes_its_own_kinds_and_enrols_only_the_first_key() {
    let keyring = book();
    let allowed = |seq, event: &Event| keyring.authorise(key(0).id(), seq, event).is_ok();
    assert!(allowed(1, &enrolment(1, "admin", &["admin"])));
    assert!(!allowed(2, &enrolment(1, "admin", &["admin"])));
    assert!(allowed(2, &event("append.refused", json!({"code": "role", "message": "m"}))));
    assert!(!allowed(2, &build()));
}

#[test]
fn bindings_restrict_components_and_environments() {
    let mut keyring = book();
    let mut grant = enrolment(1, "p", &["ci"]);
    if let Body::KeyEnrolled(spec) = &mut grant.body {
        let names = |text: &str| serde_json::from_value(json!([text])).unwrap();
        (spec.components, spec.environments) = (Some(names("api")), Some(names("staging")));
    }
    keyring.apply(1, &grant);
    let refusal = |event: &Event| keyring.authorise(key(1).id(), 2, event).err();
    assert_eq!(refusal(&build()), None);
    assert_eq!(refusal(&deploy("api", "staging")), None);
    assert_eq!(refusal(&deploy("web", "staging")).unwrap().field.unwrap(), "component");
    let refused = refusal(&deploy("api", "production")).unwrap();
    assert_eq!((refused.code, refused.field.as_deref()), (Code::Role, Some("environment")));
    assert!(refused.message.contains("bound to the environments staging, not `production`"));
    let finish = json!({"deploy_id": "d", "target": "t", "outcome": "succeeded"});
    assert_eq!(refusal(&event("deploy.finished", finish)), None);
    let freeze = event("freeze.declared", json!({"freeze_id": "f", "component": "api"}));
    assert_eq!(refusal(&freeze).unwrap().value.unwrap(), "all of them");
}

#[test]
fn key_events_must_fit_the_keys() {
    let keyring = with_roles(&["admin"]);
    let field = |author: u8, event: &Event| {
        keyring.check(key(author).id(), event).map_err(|refusal| refusal.field.unwrap())
    };
    assert_eq!(field(1, &enrolment(2, "q", &["ci"])), Ok(()));
    assert_eq!(field(1, &enrolment(1, "p", &["ci"])), Ok(()));
    assert_eq!(field(1, &enrolment(1, "q", &["ci"])), Err("public_key".into()));
    assert_eq!(field(1, &enrolment(2, "relbook", &["ci"])), Err("principal".into()));
    assert_eq!(field(1, &enrolment(2, "q", &["book"])), Err("roles".into()));
    assert_eq!(field(1, &enrolment(0, "q", &["ci"])), Err("public_key".into()));
    let mut wrong = enrolment(2, "q", &["ci"]);
    if let Body::KeyEnrolled(spec) = &mut wrong.body {
        spec.key_id = key(3).id().to_string();
    }
    assert_eq!(field(1, &wrong), Err("key_id".into()));
    assert_eq!(field(2, &end("key.revoked", 1, "p")), Ok(()));
    assert_eq!(field(1, &end("key.revoked", 1, "p")), Err("key_id".into()));
    assert_eq!(field(1, &end("key.revoked", 2, "q")), Err("key_id".into()));
    assert_eq!(field(1, &end("key.revoked", 0, "relbook")), Err("key_id".into()));
    assert_eq!(field(2, &end("key.compromised", 1, "q")), Err("principal".into()));
}

#[test]
fn the_refusal_says_what_the_role_allows_and_what_to_do() {
    let keyring = with_roles(&["approver"]);
    let refusal = keyring.authorise(key(1).id(), 2, &build()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "kind: the key of `p` has the role approver (may append approvals in its own name), which \
         does not allow build.completed; sign with a key of role ci, admin or build.completed, or \
         have an admin enrol this one with that role (role)"
    );
}

#[test]
fn corrections_are_the_authors_or_an_admins() {
    let ci = with_roles(&["ci"]);
    let grant = ci.author(key(1).id(), 2).unwrap();
    assert!(Keyring::check_correction(grant, "p").is_ok());
    assert_eq!(Keyring::check_correction(grant, "q").unwrap_err().code, Code::Role);
    let admin = with_roles(&["admin"]);
    assert!(Keyring::check_correction(admin.author(key(1).id(), 2).unwrap(), "q").is_ok());
}
