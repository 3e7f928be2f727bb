//! Flagger's Canary and its webhooks.

use serde_json::{Value, json};

use super::{check_admitted, digest, knowing, refusal};
use crate::ingest::Context;

fn canary(phase: &str, weight: u8) -> Value {
    json!({
        "apiVersion": "flagger.app/v1beta1", "kind": "Canary",
        "metadata": {"name": "orion-api", "namespace": "production", "uid": "u-3"},
        "spec": {"analysis": {"metrics": [{"name": "request-success-rate"}]}},
        "status": {"phase": phase, "canaryWeight": weight, "failedChecks": 0,
                   "lastAppliedSpec": "5c75", "lastPromotedSpec": "658b",
                   "lastTransitionTime": "2026-06-10T09:30:00Z"}
    })
}

fn all(value: &Value, context: &Context) -> Vec<Value> {
    let events = super::all(value, context).unwrap();
    events.iter().for_each(check_admitted);
    events
}

fn with_digest() -> Context {
    Context { digest: Some(digest('a')), target: Some("us-east-1".into()), ..knowing() }
}

#[test]
fn a_promotion_is_a_pass_unless_nothing_was_analysed() {
    let check = &all(&canary("Succeeded", 0), &knowing())[0];
    assert_eq!((&check["suite"], &check["result"]), (&json!("slo"), &json!("pass")));
    assert_eq!(check["labels"]["applied_spec"], "5c75");
    assert_eq!(all(&canary("Failed", 0), &knowing())[0]["result"], "fail");
    let mut skipped = canary("Succeeded", 0);
    skipped["spec"]["skipAnalysis"] = json!(true);
    assert_eq!(all(&skipped, &knowing())[0]["result"], "inconclusive");
    let mut blind = canary("Succeeded", 0);
    blind["spec"]["analysis"]["metrics"] = json!([]);
    let check = &all(&blind, &knowing())[0];
    assert_eq!(check["result"], "inconclusive");
    assert_eq!(check["labels"]["why"], "its analysis has no metrics");
}

#[test]
fn with_a_digest_it_is_a_deploy_too() {
    let events = all(&canary("Progressing", 5), &with_digest());
    let [start, step] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        (&start["deploy_id"], &start["stage"]),
        (&json!("flagger:u-3/5c75/canary"), &json!("canary"))
    );
    assert_eq!((&step["kind"], &step["weight"]), (&json!("deploy.progressed"), &json!(5)));
    let events = all(&canary("Failed", 0), &with_digest());
    let end = events.last().unwrap();
    assert_eq!((&end["outcome"], &end["restored"]), (&json!("aborted"), &json!(true)));
    let events = all(&canary("Succeeded", 0), &with_digest());
    assert_eq!(
        (&events[1]["stage"], &events[1]["deploy_id"]),
        (&json!("production"), &json!("flagger:u-3/5c75"))
    );
    let message = refusal(&canary("Progressing", 5), &knowing());
    assert!(message.contains("nothing is decided yet"), "{message}");
}

#[test]
fn the_first_deploy_is_not_analysed() {
    let message = refusal(&canary("Initialized", 0), &knowing());
    assert!(message.contains("first deploy") && message.contains("--digest"), "{message}");
    assert!(refusal(&canary("Initializing", 0), &with_digest()).contains("first deploy"));
    let events = all(&canary("Initialized", 0), &with_digest());
    let [start, end] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(
        (&start["stage"], &start["deploy_id"], &end["outcome"]),
        (&json!("production"), &json!("flagger:u-3/5c75"), &json!("succeeded"))
    );
    assert!(refusal(&canary("Terminated", 0), &with_digest()).contains("removed"));
    assert!(refusal(&canary("Odd", 0), &with_digest()).contains("no phase of Flagger"));
}

#[test]
fn a_webhook_tells_a_decision_or_is_refused() {
    let payload = |phase: &str| {
        json!({"name": "orion-api", "namespace": "production", "phase": phase, "checksum": "85d5",
               "metadata": {"timestamp": "1781083800000", "eventMessage": "done"}})
    };
    let check = &all(&payload("Succeeded"), &knowing())[0];
    assert_eq!((&check["component"], &check["result"]), (&json!("orion-api"), &json!("pass")));
    assert_eq!(check["occurred_at"], "2026-06-10T09:30:00Z");
    assert_eq!(all(&payload("Failed"), &knowing())[0]["result"], "fail");
    assert!(refusal(&payload("Progressing"), &knowing()).contains("no decision"));
}
