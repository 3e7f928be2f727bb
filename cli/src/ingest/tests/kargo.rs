//! Kargo's Promotions and Stages.

use serde_json::{Value, json};

use super::{beside, check_admitted, digest, document, knowing, refusal};
use crate::ingest::Context;

fn freight(name: &str, digit: char) -> Value {
    json!({"name": name,
           "images": [{"repoURL": "registry.example/orion-api", "tag": "v1.4.2", "digest": digest(digit)},
                      {"repoURL": "registry.example/other", "tag": "1", "digest": digest('f')}],
           "charts": [{"repoURL": "oci://charts.example/orion-helm", "version": "1.4.2"}]})
}

fn promotion(stage: &str, phase: &str) -> Value {
    json!({
        "apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Promotion",
        "metadata": {"name": "stg.01abc.f1", "namespace": "orion",
            "creationTimestamp": "2026-06-10T08:59:00Z",
            "annotations": {"kargo.akuity.io/create-actor": "email:olga@example.org"}},
        "spec": {"stage": stage, "freight": "f1"},
        "status": {"phase": phase, "startedAt": "2026-06-10T09:00:00Z",
            "finishedAt": "2026-06-10T09:05:00Z", "message": "m",
            "freightCollection": {"id": "c", "items": {
                "Warehouse/old": freight("f0", '0'), "Warehouse/new": freight("f1", '1')}}}
    })
}

fn all(value: &Value, context: &Context) -> Vec<Value> {
    let events = super::all(value, context).unwrap();
    events.iter().for_each(check_admitted);
    events
}

#[test]
fn a_promotion_is_a_deploy_of_its_own_freight() {
    let events = all(&promotion("staging", "Succeeded"), &knowing());
    let [start, end] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&start["component"], &start["version"]), (&json!("orion-api"), &json!("1.4.2")));
    assert_eq!((&start["digest"], &start["environment"]), (&json!(digest('1')), &json!("staging")));
    assert_eq!(start["deploy_id"], "kargo:orion/stg.01abc.f1/orion-api");
    assert_eq!(
        (&start["initiated_by"], &start["occurred_at"]),
        (&json!("olga@example.org"), &json!("2026-06-10T09:00:00Z"))
    );
    assert_eq!(
        (&end["outcome"], &end["occurred_at"]),
        (&json!("succeeded"), &json!("2026-06-10T09:05:00Z"))
    );
    // The chart has no digest, and that is said.
    assert!(start["labels"]["left_out"].as_str().unwrap().contains("orion-helm 1.4.2"), "{start}");
}

#[test]
fn phases_are_outcomes_or_nothing() {
    for (phase, outcome) in [("Failed", "failed"), ("Errored", "failed"), ("Aborted", "aborted")] {
        let events = all(&promotion("staging", phase), &knowing());
        assert_eq!(
            (&events[1]["outcome"], &events[1]["restored"]),
            (&json!(outcome), &json!(false))
        );
    }
    assert_eq!(all(&promotion("staging", "Running"), &knowing()).len(), 1);
    assert!(refusal(&promotion("staging", "Pending"), &knowing()).contains("Pending"));
    let mut controller = promotion("staging", "Succeeded");
    controller["metadata"]["annotations"]["kargo.akuity.io/create-actor"] =
        json!("controller:stage-controller");
    let start = &all(&controller, &knowing())[0];
    assert!(start.get("initiated_by").is_none());
    assert_eq!(start["labels"]["automated"], "controller:stage-controller");
}

#[test]
fn the_stage_is_a_place_that_is_registered() {
    let message = refusal(&promotion("uat", "Succeeded"), &knowing());
    assert!(message.contains("--environment"), "{message}");
    let start = &all(&promotion("eu-west-1", "Succeeded"), &knowing())[0];
    assert_eq!(
        (&start["environment"], &start["targets"]),
        (&json!("production"), &json!(["eu-west-1"]))
    );
    let start = &all(&promotion("orion-stg-1", "Succeeded"), &knowing())[0];
    assert_eq!(start["environment"], "staging");
}

#[test]
fn freight_may_lie_beside_the_promotion() {
    let mut bare = promotion("staging", "Succeeded");
    bare["status"].as_object_mut().unwrap().remove("freightCollection");
    assert!(refusal(&bare, &knowing()).contains("give the Freight objects too"));
    let mut object = freight("f1", '1');
    object.as_object_mut().unwrap().remove("name");
    object["apiVersion"] = json!("kargo.akuity.io/v1alpha1");
    object["kind"] = json!("Freight");
    object["metadata"] = json!({"name": "f1", "namespace": "orion"});
    assert!(refusal(&object, &knowing()).contains("not what was"));
    let context = beside(vec![document(&object), document(&bare)]);
    assert_eq!(all(&bare, &context)[0]["digest"], digest('1'));
}

#[test]
fn a_stage_remembers_its_last_promotion_under_the_same_key() {
    let stage = json!({
        "apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Stage",
        "metadata": {"name": "staging", "namespace": "orion", "uid": "u-1"},
        "spec": {},
        "status": {
            "freightHistory": [{"id": "c"}, {"id": "b"}, {"id": "a"}],
            "lastPromotion": {"name": "stg.01abc.f1", "freight": freight("f1", '1'),
                "finishedAt": "2026-06-10T09:05:00Z", "status": {"phase": "Succeeded"}}}
    });
    let of_stage = all(&stage, &knowing());
    let of_promotion = all(&promotion("staging", "Succeeded"), &knowing());
    let key = |event: &Value| crate::event_id::of_key(event.as_object().unwrap()).unwrap();
    assert_eq!(key(&of_stage[0]), key(&of_promotion[0]));
    assert_eq!(key(&of_stage[1]), key(&of_promotion[1]));
    assert!(of_stage[0]["labels"]["left_out"].as_str().unwrap().contains("2 earlier pieces"));
}
