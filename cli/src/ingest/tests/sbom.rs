//! Bills of materials: of which artifact they are, and what is not counted.

use serde_json::{Value, json};

use super::super::{Context, Document, read};
use super::attestation::statement;
use super::signer::{Signer, envelope};
use super::{all, check_admitted, digest, given, one, refusal};

fn cyclonedx() -> Value {
    json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": "urn:uuid:1", "version": 2,
        "metadata": {"timestamp": "2026-06-10T11:00:00+02:00",
            "component": {"name": "app", "version": "dev-master", "purl": "pkg:generic/app@1"}},
        "components": [{"name": "a", "version": "1"}, {"name": "b", "version": "2"}]})
}

fn nobody() -> Context {
    Context { digest: None, ..given() }
}

#[test]
fn cyclonedx_is_recorded_with_what_it_says_of_itself() {
    let event = one(&cyclonedx(), &given());
    assert_eq!((&event["kind"], &event["digest"]), (&json!("sbom.recorded"), &json!(digest('0'))));
    assert_eq!(
        (&event["format"], &event["blob"]),
        (&json!("cyclonedx-json/1.5"), &event["evidence"][0])
    );
    assert_eq!(event["occurred_at"], "2026-06-10T09:00:00Z");
    assert_eq!(event["source"]["reported_at"], "2026-06-10T11:00:00+02:00");
    assert_eq!(
        event["content"],
        json!({"name": "app", "version": "dev-master",
        "purl": "pkg:generic/app@1", "serial": "urn:uuid:1", "document_version": "2",
        "components": 2, "packages": 2})
    );
    assert_eq!(event["labels"]["digest_check"], "not_in_report");
    assert!(refusal(&cyclonedx(), &nobody()).contains("--digest"));
}

#[test]
fn a_hash_of_its_subject_decides_and_a_digest_of_an_image_says_nothing_of_another() {
    let mut hashed = cyclonedx();
    hashed["metadata"]["component"]["hashes"] =
        json!([{"alg": "SHA-256", "content": "1".repeat(64)}]);
    assert!(refusal(&hashed, &given()).contains(&digest('1')));
    assert_eq!(one(&hashed, &nobody())["digest"], digest('1'));
    let mut image = cyclonedx();
    image["metadata"]["component"]["version"] = json!(digest('1'));
    assert_eq!(one(&image, &given())["labels"]["digest_check"], "not_comparable");
    assert_eq!(one(&image, &nobody())["labels"]["digest_check"], "from_report");
}

#[test]
fn statements_about_vulnerabilities_are_no_scan() {
    let mut bom = cyclonedx();
    bom["vulnerabilities"] = json!([{"id": "CVE-1", "ratings": [{"severity": "critical"}]},
        {"id": "CVE-2", "analysis": {"state": "not_affected"}}]);
    let event = one(&bom, &given());
    assert_eq!(event["labels"]["vulnerability_states"], "not_affected=1,not_analysed=1");
    bom.as_object_mut().unwrap().remove("components");
    let event = one(&bom, &given());
    assert_eq!(event["kind"], "attestation.recorded");
    assert!(event["content"].get("components").is_none());
}

#[test]
fn xml_and_spdx_are_recorded_too() {
    let xml = format!(
        "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"><metadata><component><name>app</name>\
         <hashes><hash alg=\"SHA-256\">{}</hash></hashes></component></metadata>\
         <components><component><name>a</name></component></components></bom>",
        "0".repeat(64)
    );
    let document = Document::from_bytes("bom.xml", xml.clone().into_bytes()).unwrap();
    let events = read(&document, None, &nobody()).unwrap();
    check_admitted(&events[0]);
    assert_eq!(
        (&events[0]["format"], &events[0]["digest"]),
        (&json!("cyclonedx-xml/1.4"), &json!(digest('0')))
    );
    assert_eq!(events[0]["content"]["components"], 1);
    let typed = format!("<!DOCTYPE bom [<!ENTITY a \"b\">]>{xml}");
    let refused = Document::from_bytes("bom.xml", typed.into_bytes())
        .and_then(|document| read(&document, None, &given()));
    assert!(refused.is_err());
    let spdx = json!({"spdxVersion": "SPDX-2.3", "documentNamespace": "urn:x", "packages": []});
    assert_eq!(one(&spdx, &given())["format"], "spdx-json/2.3");
    let graph = json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
        {"type": "SpdxDocument", "spdxId": "urn:d", "rootElement": []}]});
    assert_eq!(one(&graph, &given())["source"]["reader"], "spdx/1");
}

#[test]
fn other_versions_and_times_that_are_none_are_refused() {
    let mut bom = cyclonedx();
    bom["specVersion"] = json!("2.0");
    assert!(refusal(&bom, &given()).contains("CycloneDX `2.0`"));
    assert!(refusal(&json!({"spdxVersion": "SPDX-1.2"}), &given()).contains("SPDX-1.2"));
    let mut bom = cyclonedx();
    bom["metadata"]["timestamp"] = json!("2026-06-10");
    assert!(refusal(&bom, &given()).contains("RFC 3339"));
}

#[test]
fn an_attested_bill_is_an_attestation_and_a_bill() {
    let signer = Signer::p256();
    let report = envelope(&statement("https://cyclonedx.org/bom", cyclonedx()), &[&signer]);
    let events = all(&report, &signer.asked()).unwrap();
    events.iter().for_each(check_admitted);
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["attestation.recorded", "sbom.recorded"]);
    assert_eq!(events[1]["source"]["trust"], "verified");
    assert_eq!(events[1]["labels"]["digest_check"], "equal");
    assert_eq!(events[1]["content"]["components"], 2);
}

#[test]
fn spdx_is_taken_as_tags_and_as_a_dependency_graph_answers() {
    let tags = "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\n\
                PackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\n";
    let event = super::one_of(tags, &given());
    assert_eq!(
        (&event["format"], &event["content"]["components"]),
        (&json!("spdx-tag-value/2.3"), &json!(1))
    );
    let old = super::refusal_of(&tags.replace("2.3", "1.2"), &given());
    assert!(old.contains("SPDX-1.2"), "{old}");
    let answer = json!({"sbom": {"spdxVersion": "SPDX-2.3", "packages": [{"name": "a"}]}});
    assert_eq!(one(&answer, &given())["format"], "spdx-json/2.3");
    let later = json!({"@context": "https://spdx.org/rdf/4.0.0/c.jsonld", "@graph": []});
    assert!(refusal(&later, &given()).contains("SPDX 4.0.0"));
    assert!(super::refusal_of("<rdf:RDF xmlns:rdf='x'/>", &given()).contains("SPDX in JSON"));
}

#[test]
fn a_field_of_another_shape_is_named_by_its_place() {
    for (change, place) in [
        (json!({"components": [{"name": 1}, 7]}), "components[1]: expected an object"),
        (json!({"components": [{"name": {}}]}), "components[0].name: expected a text"),
        (json!({"components": 5}), "components: expected an array"),
        (json!({"metadata": ""}), "metadata: expected an object"),
        (json!({"metadata": {"component": {"hashes": 1}}}), "metadata.component.hashes"),
    ] {
        let mut bom = cyclonedx();
        bom.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let message = refusal(&bom, &given());
        assert!(message.contains(place), "{message}");
    }
}
