//! Bills of materials in every form that is read, small, one rule each.

use serde_json::json;

use super::*;

fn lines(packages: &Packages) -> Vec<String> {
    let line = |(name, versions): (&String, &BTreeSet<String>)| {
        format!("{name} {}", versions.iter().cloned().collect::<Vec<_>>().join(","))
    };
    packages.iter().map(line).collect()
}

fn listed(bom: &Value) -> Vec<String> {
    lines(&packages(bom.to_string().as_bytes()).expect("a bill of materials"))
}

#[test]
fn cyclonedx_components_go_by_purl_else_by_group_and_name() {
    let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        {"name": "core", "group": "@orion", "version": "1.0", "purl": "pkg:npm/%40orion/core@1.0?arch=x#sub"},
        {"name": "zlib", "version": "1.3", "components": [{"name": "inner", "group": "g", "version": "2"}]},
        {"name": "zlib", "version": "1.2"},
        {"name": "scoped", "purl": "pkg:npm/@orion/scoped", "version": "3"},
        {"name": "nameless version"},
        {"version": "1"},
        {"name": null, "version": 2},
    ]});
    assert_eq!(
        listed(&bom),
        [
            "g/inner 2",
            "nameless version ",
            "pkg:npm/%40orion/core 1.0",
            "pkg:npm/@orion/scoped 3",
            "zlib 1.2,1.3",
        ]
    );
    assert_eq!(read_json(&bom).unwrap().components, Some(8));
}

#[test]
fn cyclonedx_tells_what_it_describes_and_its_own_serial() {
    let hex = "a".repeat(64);
    let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.7", "serialNumber": "urn:uuid:1",
        "version": 3, "components": [],
        "metadata": {"timestamp": "2026-06-10T09:00:00+02:00", "component": {
            "type": "container", "name": "orion-api", "version": format!("sha256:{hex}"),
            "purl": format!("pkg:oci/orion-api@sha256%3A{}?repository_url=x", "b".repeat(64)),
            "hashes": [{"alg": "SHA-256", "content": "C".repeat(64)}, {"alg": "MD5", "content": "d"}]}},
        "vulnerabilities": [{"id": "CVE-1", "analysis": {"state": "not_affected"}}, {"id": "CVE-2"}]});
    let found = read_json(&bom).unwrap();
    assert_eq!(found.format, "cyclonedx-json/1.7");
    assert_eq!(found.serial.as_deref(), Some("urn:uuid:1"));
    assert_eq!(found.document_version.as_deref(), Some("3"));
    assert_eq!(found.created.as_deref(), Some("2026-06-10T09:00:00+02:00"));
    assert_eq!(found.subject.name.as_deref(), Some("orion-api"));
    assert_eq!(found.subject.hashes, [format!("sha256:{}", "c".repeat(64))]);
    let images = [format!("sha256:{hex}"), format!("sha256:{}", "b".repeat(64))];
    assert_eq!(found.subject.images, images);
    assert_eq!(found.components, Some(0));
    let states = BTreeMap::from([("not_affected".to_owned(), 1), ("not_analysed".to_owned(), 1)]);
    assert_eq!(found.vulnerabilities, states);
}

#[test]
fn xml_says_what_json_says() {
    let xml = r#"<?xml version="1.0"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.4" serialNumber="urn:uuid:2" version="1">
  <metadata>
    <timestamp>2026-06-10T09:00:00Z</timestamp>
    <component type="application"><name>orion &amp; co</name><version>1.4.2</version>
      <hashes><hash alg="SHA-256">aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</hash></hashes>
      <purl>pkg:generic/orion@1.4.2</purl></component>
  </metadata>
  <components>
    <component type="library"><group>org.x</group><name>core</name><version>1.0</version>
      <pedigree><ancestors><component><name>old</name><version>0</version></component></ancestors></pedigree>
      <components><component type="library"><name>inner</name><version><![CDATA[2]]></version></component></components>
    </component>
    <component type="library"><name>zlib</name><version>1.3</version><purl>pkg:generic/zlib@1.3</purl></component>
  </components>
  <vulnerabilities><vulnerability><id>CVE-1</id><analysis><state>exploitable</state></analysis></vulnerability></vulnerabilities>
</bom>"#;
    let found = read(xml.as_bytes()).unwrap();
    assert_eq!(found.format, "cyclonedx-xml/1.4");
    assert_eq!(found.subject.name.as_deref(), Some("orion & co"));
    assert_eq!(found.subject.version.as_deref(), Some("1.4.2"));
    assert_eq!(found.subject.hashes, [format!("sha256:{}", "a".repeat(64))]);
    assert_eq!(found.serial.as_deref(), Some("urn:uuid:2"));
    assert_eq!(found.created.as_deref(), Some("2026-06-10T09:00:00Z"));
    assert_eq!(lines(&found.packages), ["inner 2", "org.x/core 1.0", "pkg:generic/zlib 1.3"]);
    assert_eq!(found.components, Some(3));
    assert_eq!(found.vulnerabilities, BTreeMap::from([("exploitable".to_owned(), 1)]));
}

#[test]
fn xml_with_a_document_type_entities_or_a_cut_is_refused() {
    let bom = |inside: &str| {
        format!(
            "<bom xmlns='http://cyclonedx.org/schema/bom/1.4'><components>{inside}</components></bom>"
        )
    };
    assert!(read(bom("").as_bytes()).is_ok());
    let typed = format!("<!DOCTYPE bom [<!ENTITY a \"b\">]>{}", bom("&a;"));
    for text in [typed, bom("&a;"), bom("").replace("</bom>", ""), "<bom/>".to_owned()] {
        assert!(read(text.as_bytes()).is_err(), "{text}");
    }
    let deep = bom(&format!("{}{}", "<component>".repeat(200), "</component>".repeat(200)));
    assert!(read(deep.as_bytes()).is_err());
}

#[test]
fn spdx_packages_too() {
    let bom = json!({"spdxVersion": "SPDX-2.3", "packages": [
        {"name": "a", "versionInfo": "1", "externalRefs": [
            {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a"},
            {"referenceType": "purl", "referenceLocator": "pkg:golang/example.org/a@v1"}]},
        {"name": "b", "versionInfo": "2"}]});
    assert_eq!(listed(&bom), ["b 2", "pkg:golang/example.org/a 1"]);
}

#[test]
fn what_spdx_describes_is_not_one_of_its_parts() {
    let mut bom = json!({"spdxVersion": "SPDX-2.2", "documentNamespace": "urn:x",
        "creationInfo": {"created": "2026-06-10T09:00:00Z"}, "documentDescribes": ["SPDXRef-app"],
        "packages": [
            {"SPDXID": "SPDXRef-app", "name": "app", "versionInfo": "1.4.2",
             "checksums": [{"algorithm": "SHA256", "checksumValue": "a".repeat(64)}]},
            {"SPDXID": "SPDXRef-b", "name": "b", "versionInfo": "2"}]});
    let found = read_json(&bom).unwrap();
    assert_eq!(found.format, "spdx-json/2.2");
    assert_eq!(found.subject.name.as_deref(), Some("app"));
    assert_eq!(found.subject.hashes, [format!("sha256:{}", "a".repeat(64))]);
    assert_eq!((found.components, listed(&bom)), (Some(1), vec!["b 2".to_owned()]));
    bom["documentDescribes"] = json!(null);
    bom["relationships"] = json!([{"spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-app"}]);
    assert_eq!(read_json(&bom).unwrap(), found);
}

#[test]
fn spdx_3_is_a_graph() {
    let bom = json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
        {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "2026-06-10T09:00:00Z"},
        {"type": "SpdxDocument", "spdxId": "urn:doc", "creationInfo": "_:c", "rootElement": ["urn:sbom"]},
        {"type": "software_Sbom", "spdxId": "urn:sbom", "creationInfo": "_:c", "rootElement": ["urn:app"]},
        {"type": "software_Package", "spdxId": "urn:app", "name": "app", "software_packageVersion": "1.4.2",
         "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": "a".repeat(64)}]},
        {"type": "software_Package", "spdxId": "urn:b", "name": "b", "software_packageVersion": "2",
         "software_packageUrl": "pkg:npm/b@2"}]});
    let found = read_json(&bom).unwrap();
    assert_eq!(found.format, "spdx-jsonld/3.0.1");
    assert_eq!(found.serial.as_deref(), Some("urn:doc"));
    assert_eq!(found.created.as_deref(), Some("2026-06-10T09:00:00Z"));
    assert_eq!(found.subject.version.as_deref(), Some("1.4.2"));
    assert_eq!(found.subject.hashes, [format!("sha256:{}", "a".repeat(64))]);
    assert_eq!(listed(&bom), ["pkg:npm/b 2"]);
}

#[test]
fn no_list_is_not_an_empty_list() {
    let vex = json!({"bomFormat": "CycloneDX", "specVersion": "1.4", "vulnerabilities": []});
    assert!(matches!(packages(vex.to_string().as_bytes()), Err(SbomError::NoList)));
    let none = json!({"bomFormat": "CycloneDX", "specVersion": "1.4", "components": []});
    assert!(listed(&none).is_empty());
}

#[test]
fn what_is_no_bill_of_materials_is_said_to_be_none() {
    for bytes in [
        &b""[..],
        b"{",
        b"[]",
        b"{}",
        b"{\"spdxVersion\": \"SPDX-1.2\"}",
        b"{\"bomFormat\": \"CycloneDX\", \"specVersion\": \"2.0\"}",
        b"<bom/>",
    ] {
        assert!(packages(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn an_attested_bill_is_read_out_of_its_attestation() {
    let bom =
        json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"name": "a"}]});
    let statement = json!({"_type": "https://in-toto.io/Statement/v1", "predicate": bom});
    assert_eq!(listed(&statement), ["a "]);
    let payload = base64::engine::general_purpose::URL_SAFE.encode(statement.to_string());
    let envelope = json!({"payload": payload, "payloadType": "x", "signatures": []});
    assert_eq!(listed(&envelope), ["a "]);
    assert_eq!(listed(&json!({"mediaType": "x", "dsseEnvelope": envelope})), ["a "]);
    let nested =
        json!({"payload": base64::engine::general_purpose::STANDARD.encode(envelope.to_string())});
    assert!(packages(nested.to_string().as_bytes()).is_err());
}

#[test]
fn what_a_document_of_spdx_describes_besides_others_is_a_part() {
    let two = json!({"spdxVersion": "SPDX-2.2", "documentDescribes": ["SPDXRef-a", "SPDXRef-b"],
        "packages": [{"SPDXID": "SPDXRef-a", "name": "a"}, {"SPDXID": "SPDXRef-b", "name": "b"}]});
    let found = read_json(&two).unwrap();
    assert_eq!((found.components, found.subject.name), (Some(2), None));
    let graph = json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
        {"type": "SpdxDocument", "spdxId": "urn:doc", "rootElement": ["urn:a", "urn:b"]},
        {"type": "software_Package", "spdxId": "urn:a", "name": "a"},
        {"type": "software_Package", "spdxId": "urn:b", "name": "b"}]});
    assert_eq!(read_json(&graph).unwrap().components, Some(2));
}

#[test]
fn spdx_may_come_as_tags_and_values() {
    let hex = "A".repeat(64);
    let text = format!(
        "# by hand\n\nSPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\n\
         DocumentNamespace: urn:x\nCreated: 2026-06-10T09:00:00Z\n\
         CreatorComment: <text>PackageName: no\nPackageName: none</text>\n\
         PackageName: app\nSPDXID: SPDXRef-app\nPackageVersion: 1.4.2\n\
         PackageChecksum: SHA256: {hex}\n\
         FileName: ./a\nSPDXID: SPDXRef-file\n\
         PackageName: b\nSPDXID: SPDXRef-b\nPackageVersion: 2\n\
         ExternalRef: PACKAGE-MANAGER purl pkg:npm/b@2\n\
         Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-app\n"
    );
    let found = read(text.as_bytes()).unwrap();
    assert_eq!(found.format, "spdx-tag-value/2.3");
    assert_eq!((found.serial.as_deref(), found.components), (Some("urn:x"), Some(1)));
    assert_eq!(found.created.as_deref(), Some("2026-06-10T09:00:00Z"));
    assert_eq!(found.subject.version.as_deref(), Some("1.4.2"));
    assert_eq!(found.subject.hashes, [format!("sha256:{}", "a".repeat(64))]);
    assert_eq!(lines(&found.packages), ["pkg:npm/b 2"]);
    for (wrong, says) in [
        ("SPDXVersion: SPDX-1.2\n", "SPDX-1.2"),
        ("SPDXVersion: SPDX-2.3\nnonsense\n", "line 2"),
        ("SPDXVersion: SPDX-2.3\nComment: <text>\nno end\n", "line 2"),
    ] {
        let error = read(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_value_of_another_shape_is_named() {
    for (bom, place) in [
        (json!({"components": [1]}), "name"),
        (json!({"components": [{"name": ["a"]}]}), "name"),
        (json!({"components": {"name": "a"}}), "components"),
        (json!({"components": [{"purl": true}]}), "purl"),
        (json!({"metadata": "x"}), "timestamp"),
        (json!({"vulnerabilities": [{"analysis": {"state": []}}]}), "state"),
    ] {
        let mut whole = json!({"bomFormat": "CycloneDX", "specVersion": "1.5"});
        whole.as_object_mut().unwrap().extend(bom.as_object().unwrap().clone());
        match read_json(&whole) {
            Err(SbomError::Shape { place: at, .. }) => {
                assert!(at == place || at == "group", "{bom}: {at}");
            }
            other => panic!("{bom}: {other:?}"),
        }
    }
}

#[test]
fn what_is_read_value_by_value_is_counted_as_what_is_held() {
    let bom = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
        {"name": "a", "version": "1", "components": [{"name": "b"}]}, {"name": "a", "version": "2"}]});
    let (held, counted) = (read_json(&bom).unwrap(), count(&bom).unwrap());
    assert_eq!((held.package_count(), counted.package_count()), (2, 2));
    assert_eq!(held.components, counted.components);
    assert!(counted.packages.is_empty());
}

#[test]
fn a_bill_is_read_out_of_the_answer_that_it_came_in() {
    let inner = json!({"spdxVersion": "SPDX-2.3", "packages": [{"name": "a", "versionInfo": "1"}]});
    assert_eq!(listed(&json!({"sbom": inner})), ["a 1"]);
    assert_eq!(listed(&json!({"SPDX": inner})), ["a 1"]);
}

#[test]
fn a_later_spdx_is_refused_by_its_version() {
    for context in ["https://spdx.org/rdf/4.0.0/spdx-context.jsonld", "https://spdx.org/rdf/3.1/c"]
    {
        let error = read_json(&json!({"@context": context, "@graph": []})).unwrap_err();
        assert!(matches!(&error, SbomError::Version(_)), "{error}");
    }
}
