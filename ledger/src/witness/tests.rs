//! Submissions: the example of the specification, and every rule with its status.

use std::convert::Infallible;

use super::*;
use crate::key::SigningKey;
use crate::tree::proof::{TileSource, prove_consistency, root_at};
use crate::tree::tile::{Tile, TileEdge, TileId};
use crate::tree::{empty_root, leaf_hash};

const ORIGIN: &str = "relbook.example/orion";

/// A log whose leaves are numbers, except that from `fork` on they are others.
struct Log {
    fork: u64,
}

impl TileSource for Log {
    type Error = Infallible;

    fn tile(&self, id: TileId) -> Result<Option<Tile>, Infallible> {
        let mut edge = TileEdge::new();
        for n in 0..200_u64 {
            let leaf = leaf_hash(&(n + if n >= self.fork { 1_000 } else { 0 }).to_be_bytes());
            edge.append(leaf, |_, _| {});
        }
        let tile = edge.partial().find(|(found, _)| *found == id).map(|(_, tile)| tile.to_vec());
        Ok(tile)
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[5; 32])
}

fn keys() -> Vec<VerifierKey> {
    vec![VerifierKey { name: ORIGIN.to_owned(), kind: SignatureKind::Ed25519, key: key().public() }]
}

impl Log {
    fn honest() -> Self {
        Self { fork: u64::MAX }
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        Checkpoint { origin: ORIGIN.to_owned(), size, root: root_at(self, size).unwrap() }
    }

    fn submission(&self, old_size: u64, size: u64) -> Submission {
        let checkpoint = self.checkpoint(size);
        let note = Note::parse(&checkpoint.sign(&key()).unwrap().note).unwrap();
        let proof = match old_size <= size {
            true => prove_consistency(self, old_size, size).unwrap(),
            false => Vec::new(),
        };
        Submission { old_size, proof, note, checkpoint }
    }
}

/// What the witness answers: 200, or the status of its refusal.
fn answer(submission: &Submission, seen: Option<&Checkpoint>) -> u16 {
    let read = Submission::parse(&submission.to_string()).unwrap();
    assert_eq!(&read, submission);
    let judged = read.check_signed(&keys()).and_then(|()| read.check_extends(seen));
    judged.map_or_else(|refusal| refusal.status(), |()| 200)
}

#[test]
fn the_example_of_the_specification_is_read() {
    let body = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    let submission = Submission::parse(body).unwrap();
    assert_eq!((submission.old_size, submission.proof.len()), (20_852_014, 4));
    assert_eq!(submission.checkpoint.size, 20_852_163);
    assert_eq!(submission.to_string(), body);
    assert_eq!(submission.check_signed(&keys()).unwrap_err().status(), 404);
}

#[test]
fn what_extends_is_signed() {
    let log = Log::honest();
    assert_eq!(answer(&log.submission(0, 0), None), 200);
    for size in [1, 2, 7, 64, 100] {
        assert_eq!(answer(&log.submission(0, size), None), 200, "{size}");
        for next in [size, size + 1, 128, 150] {
            let seen = log.checkpoint(size);
            assert_eq!(answer(&log.submission(size, next), Some(&seen)), 200, "{size} {next}");
        }
    }
}

#[test]
fn every_rule_has_its_status() {
    let log = Log::honest();
    let seen = log.checkpoint(40);
    // Another log's key, and a wrong key of this one.
    let mut other = log.submission(40, 60);
    other.checkpoint.origin = "relbook.example/lyra".to_owned();
    other.note = Note::parse(&other.checkpoint.sign(&key()).unwrap().note).unwrap();
    assert_eq!(answer(&other, Some(&seen)), 404);
    let mut other = log.submission(40, 60);
    let wrong = SigningKey::from_seed(&[6; 32]);
    other.note = Note::parse(&other.checkpoint.sign(&wrong).unwrap().note).unwrap();
    assert_eq!(answer(&other, Some(&seen)), 403);
    // An old size beyond the checkpoint, one that is not what was seen, an older checkpoint.
    assert_eq!(answer(&log.submission(61, 60), Some(&seen)), 400);
    assert_eq!(answer(&log.submission(39, 60), Some(&seen)), 409);
    assert_eq!(answer(&log.submission(0, 60), Some(&seen)), 409);
    assert_eq!(answer(&log.submission(30, 39), Some(&seen)), 409);
    let refusal = log.submission(0, 60).check_extends(Some(&seen)).unwrap_err();
    assert_eq!(refusal.known_size(), Some(40));
    // A fork, at the same size, beyond it, and with a wrong or missing proof.
    let fork = Log { fork: 20 };
    assert_eq!(answer(&fork.submission(40, 40), Some(&seen)), 409);
    assert_eq!(answer(&fork.submission(40, 60), Some(&seen)), 422);
    let mut spliced = fork.submission(40, 60);
    spliced.proof = log.submission(40, 60).proof;
    assert_eq!(answer(&spliced, Some(&seen)), 422);
    let mut bare = log.submission(40, 60);
    bare.proof.clear();
    assert_eq!(answer(&bare, Some(&seen)), 422);
    let mut spare = log.submission(0, 60);
    spare.proof.push([1; 32]);
    assert_eq!(answer(&spare, None), 422);
    // The fork is fine for a witness that saw only what both have in common.
    assert_eq!(answer(&fork.submission(20, 60), Some(&log.checkpoint(20))), 200);
    assert_eq!(log.checkpoint(0).root, empty_root());
}

#[test]
fn what_is_no_submission_is_refused() {
    let good = Log::honest().submission(40, 60).to_string();
    let many = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n".repeat(64);
    for bad in [
        String::new(),
        good.replace("old 40", "old 040"),
        good.replace("old 40", "old -1"),
        good.replace("old 40", "OLD 40"),
        good.replace("old 40\n", ""),
        good.replace("old 40\n", "old 40\nAAAA\n"),
        good.replace("old 40\n", &format!("old 40\n{many}")),
        good.replacen("\n\n", "\n", 1),
        good.trim_end().to_owned(),
        good.replace("\n60\n", "\n060\n"),
        format!("{good}{}", "x".repeat(SUBMISSION_BYTES_MAX)),
    ] {
        let refusal = Submission::parse(&bad).unwrap_err();
        assert_eq!(refusal.status(), 400, "{bad:.80}");
    }
}
