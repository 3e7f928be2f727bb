//! Answers that others have published: Merkle trees, Ed25519 as Wycheproof and CCTV test it.
//!
//! Goal: our tree is the one of RFC 6962, and our verdict on a signature is the strict one. Method:
//! the reference roots and proofs of RFC 6962's own implementation; every vector of the crate
//! `wycheproof`; the edge vectors that became CCTV's, out of the Go module that Go's own tests
//! fetch. For the last a lenient verifier runs beside ours: it must accept what Go accepts, else
//! the vectors were read wrongly and our refusals would mean nothing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::process::Command;

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use relbook_ledger::key::PublicKey;
use relbook_ledger::tree::proof::{
    TileSource, check_consistency, check_inclusion, prove_consistency, prove_inclusion, root_at,
};
use relbook_ledger::tree::tile::{Tile, TileEdge, TileId};
use relbook_ledger::tree::{Hash, empty_root, leaf_hash};
use serde_json::Value;
use wycheproof::{TestResult, eddsa};

use crate::report;

/// The leaves of the reference tests of certificate transparency, in hex.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// The roots of the first 0, 1, 2, ... of them.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const LEAF_0: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const LEAF_1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const LEAF_4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const NODE_2_3: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const NODE_4_7: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const NODE_4_5: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const NODE_6_7: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";

/// Inclusion proofs of the reference: leaf, size, hashes.
const INCLUSION: [(u64, u64, &[&str]); 5] = [
    (0, 1, &[]),
    (0, 8, &[LEAF_1, NODE_2_3, NODE_4_7]),
    (5, 8, &[LEAF_4, NODE_6_7, ROOTS[4]]),
    (2, 3, &[ROOTS[2]]),
    (1, 5, &[LEAF_0, NODE_2_3, LEAF_4]),
];

/// Consistency proofs of the reference: earlier size, size, hashes.
const CONSISTENCY: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (1, 8, &[LEAF_1, NODE_2_3, NODE_4_7]),
    (6, 8, &[NODE_4_5, NODE_6_7, ROOTS[4]]),
    (2, 5, &[NODE_2_3, LEAF_4]),
];

struct Tiles(HashMap<TileId, Tile>);

impl TileSource for Tiles {
    type Error = Infallible;

    fn tile(&self, id: TileId) -> Result<Option<Tile>, Infallible> {
        Ok(self.0.get(&id).cloned())
    }
}

fn hash(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn hashes(texts: &[&str]) -> Vec<Hash> {
    texts.iter().map(|text| hash(text)).collect()
}

#[test]
fn merkle_roots_and_proofs_are_those_of_the_reference() {
    let leaves: Vec<Hash> =
        LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect();
    let mut edge = TileEdge::new();
    leaves.iter().for_each(|leaf| edge.append(*leaf, |_, _| ()));
    let tiles = Tiles(edge.partial().map(|(id, tile)| (id, tile.to_vec())).collect());
    assert_eq!(empty_root(), hash(ROOTS[0]));
    let mut passed = 0;
    for (size, root) in (0..).zip(ROOTS) {
        assert_eq!(root_at(&tiles, size).unwrap(), hash(root), "size {size}");
        passed += 1;
    }
    let root = |size: u64| hash(ROOTS[usize::try_from(size).unwrap()]);
    for (leaf, size, expected) in INCLUSION {
        let proof = prove_inclusion(&tiles, leaf, size).unwrap();
        assert_eq!(proof, hashes(expected), "leaf {leaf} of {size}");
        let hash = &leaves[usize::try_from(leaf).unwrap()];
        check_inclusion(hash, leaf, size, &proof, &root(size)).unwrap();
        passed += 1;
    }
    for (earlier, size, expected) in CONSISTENCY {
        let proof = prove_consistency(&tiles, earlier, size).unwrap();
        assert_eq!(proof, hashes(expected), "{earlier} to {size}");
        check_consistency((earlier, &root(earlier)), (size, &root(size)), &proof).unwrap();
        passed += 1;
    }
    report::line(&format!("merkle known answers: {passed} of 18 passed"));
    assert_eq!(passed, 18);
}

/// Our verdict: a key that may be enrolled, and a signature that it made.
fn accepted(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = <[u8; 32]>::try_from(key) else { return false };
    let Ok(signature) = <[u8; 64]>::try_from(signature) else { return false };
    PublicKey::from_bytes(&key).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}

#[test]
fn every_wycheproof_vector_gets_its_verdict() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let (mut passed, mut valid, mut invalid) = (0, 0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let expected = test.result == TestResult::Valid;
            assert_ne!(test.result, TestResult::Acceptable, "{}: no verdict", test.tc_id);
            let verdict = accepted(&group.key.pk, &test.msg, &test.sig);
            assert_eq!(verdict, expected, "vector {}: {}", test.tc_id, test.comment);
            (valid, invalid) = (valid + usize::from(expected), invalid + usize::from(!expected));
            passed += 1;
        }
    }
    let total = set.number_of_tests;
    report::line(&format!(
        "wycheproof Ed25519: {passed} of {total} passed ({valid} valid, {invalid} invalid)"
    ));
    assert!(passed == total && valid > 50 && invalid > 50);
}

/// The module that CCTV's vectors come from; Go's own crypto/ed25519 tests pin the same version.
const EDGE_VECTORS: &str =
    "filippo.io/mostly-harmless/ed25519vectors@v0.0.0-20210322192420-30a2d7243a94";

/// Returns the edge vectors, fetched by Go and never kept here.
fn edge_vectors() -> Option<Vec<Value>> {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("go")
        .args(["mod", "download", "-json", EDGE_VECTORS])
        .current_dir(dir.path())
        .env("GOFLAGS", "-mod=mod")
        .output()
        .ok()?;
    let module: Value = serde_json::from_slice(&output.stdout).ok()?;
    let file = std::path::Path::new(module["Dir"].as_str()?).join("ed25519vectors.json");
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the lenient verdict is the control")]
fn every_ed25519_edge_vector_gets_the_strict_verdict() {
    let Some(vectors) = edge_vectors() else {
        return report::skip("Ed25519 edge vectors", "Go, or its module proxy,");
    };
    let (mut refused, mut plain, mut lenient, mut lenient_expected) = (0, 0, 0, 0);
    for vector in &vectors {
        let bytes = |field: &str| hex::decode(vector[field].as_str().unwrap()).unwrap();
        let (key, message) = (bytes("A"), vector["M"].as_str().unwrap().as_bytes());
        let signature = [bytes("R"), bytes("S")].concat();
        let flags: Vec<&str> =
            vector["Flags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // Each flag names something that two verifiers may judge differently; the strict set has
        // room for none of them.
        let strict = flags.is_empty();
        assert_eq!(accepted(&key, message, &signature), strict, "{vector}");
        (refused, plain) = (refused + usize::from(!strict), plain + usize::from(strict));
        // Go's verdict, and that of any verifier without cofactor: see its ed25519vectors_test.
        let expected = !flags.contains(&"LowOrderResidue") && !flags.contains(&"NonCanonicalR");
        let signature = Signature::from_bytes(&signature.try_into().unwrap());
        let verdict = VerifyingKey::from_bytes(&key.try_into().unwrap())
            .is_ok_and(|key| key.verify(message, &signature).is_ok());
        assert_eq!(verdict, expected, "lenient: {vector}");
        (lenient, lenient_expected) =
            (lenient + usize::from(verdict), lenient_expected + usize::from(expected));
    }
    let total = vectors.len();
    report::line(&format!(
        "Ed25519 edge vectors: {total} of {total} passed ({refused} refused, {plain} without an edge \
         accepted); control: a lenient verifier accepts {lenient} of the {lenient_expected} that Go \
         accepts"
    ));
    assert!(total > 700 && refused + plain == total && lenient > plain + 100);
}
