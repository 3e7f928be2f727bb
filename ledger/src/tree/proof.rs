//! Inclusion and consistency proofs, made from tiles and checked without them (RFC 6962 2.1).
//!
//! Making a proof reads a tile per level and never the log. Checking one needs the proof, the two
//! hashes in question and nothing else; it accepts exactly one proof per question, so a proof with
//! spare or missing hashes is refused.

use std::collections::HashMap;

use super::tile::{TILE_HEIGHT, TILE_WIDTH, Tile, TileId, root_of_perfect};
use super::{Hash, empty_root, node_hash};

/// Where tiles are read from.
pub trait TileSource {
    /// Says why a tile cannot be read.
    type Error;

    /// Returns a tile with at least the hashes that the tree of the asked size has in it; none
    /// when there is no such tile.
    ///
    /// # Errors
    /// When it cannot be read.
    fn tile(&self, id: TileId) -> Result<Option<Tile>, Self::Error>;
}

/// Says why a proof cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError<E> {
    /// The leaf or the earlier tree is not within the tree.
    #[error("there is no proof of {what} in a tree of {size} leaves")]
    Range {
        /// The leaf or the earlier size.
        what: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A tile that the tree has is not there, or too short.
    #[error("tile {} of level {} is missing or too short", id.index, id.level)]
    Missing {
        /// Which.
        id: TileId,
    },
    /// A tile cannot be read.
    #[error(transparent)]
    Source(#[from] E),
}

/// Says that a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The leaf or the earlier size is not within the tree.
    #[error("{what} is not within a tree of {size} leaves")]
    Range {
        /// The leaf or the earlier size.
        what: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The proof has another number of hashes than its question needs.
    #[error("the proof has {found} hashes, not the number that it must have")]
    Length {
        /// How many it has.
        found: usize,
    },
    /// The proof leads to another root than that of the tree.
    #[error("the proof leads to another root")]
    Root,
    /// The proof leads to another root than that of the earlier tree.
    #[error("the proof leads to another earlier root")]
    EarlierRoot,
}

/// Makes proofs from tiles, keeping the tiles that it has read.
struct Prover<'a, S: TileSource> {
    source: &'a S,
    tiles: HashMap<TileId, Tile>,
}

/// Proves that a leaf is in the tree of `size` leaves: the hashes from its sibling upwards.
///
/// # Errors
/// [`ProveError::Range`] when it is not, else when a tile is missing or cannot be read.
pub fn prove_inclusion<S: TileSource>(
    source: &S,
    leaf: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    if leaf >= size {
        return Err(ProveError::Range { what: leaf, size });
    }
    let mut prover = Prover { source, tiles: HashMap::new() };
    let (mut low, mut high) = (0, size);
    let mut path = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if leaf < middle {
            path.push(prover.root(middle, high)?);
            high = middle;
        } else {
            path.push(prover.root(low, middle)?);
            low = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Proves that the tree of `size` leaves begins with that of `earlier` leaves.
///
/// # Errors
/// [`ProveError::Range`] when `earlier` is larger, else as [`prove_inclusion`]. From 0 leaves, and
/// from the same size, the proof is empty.
pub fn prove_consistency<S: TileSource>(
    source: &S,
    earlier: u64,
    size: u64,
) -> Result<Vec<Hash>, ProveError<S::Error>> {
    if earlier > size {
        return Err(ProveError::Range { what: earlier, size });
    }
    if earlier == 0 || earlier == size {
        return Ok(Vec::new());
    }
    let mut prover = Prover { source, tiles: HashMap::new() };
    let (mut low, mut high) = (0, size);
    let mut path = Vec::new();
    // Down to the subtree whose right edge is the earlier tree's.
    while earlier < high {
        let middle = low + split(high - low);
        if earlier <= middle {
            path.push(prover.root(middle, high)?);
            high = middle;
        } else {
            path.push(prover.root(low, middle)?);
            low = middle;
        }
    }
    // The earlier root itself is known to whoever asks, unless it is only a part of that tree.
    if low > 0 {
        path.push(prover.root(low, high)?);
    }
    path.reverse();
    Ok(path)
}

/// Returns the root of the tree of `size` leaves.
///
/// # Errors
/// As [`prove_inclusion`].
pub fn root_at<S: TileSource>(source: &S, size: u64) -> Result<Hash, ProveError<S::Error>> {
    match size {
        0 => Ok(empty_root()),
        _ => Prover { source, tiles: HashMap::new() }.root(0, size),
    }
}

/// Returns how many leaves the left subtree of a tree of `size` leaves, at least 2, has.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

impl<S: TileSource> Prover<'_, S> {
    /// Returns the root over the leaves from `low` to `high`, which form a subtree.
    fn root(&mut self, low: u64, high: u64) -> Result<Hash, ProveError<S::Error>> {
        let count = high - low;
        if count.is_power_of_two() {
            return self.node(count.ilog2(), low >> count.ilog2());
        }
        let middle = low + split(count);
        Ok(node_hash(&self.root(low, middle)?, &self.root(middle, high)?))
    }

    /// Returns the root of the perfect subtree at a place of a level of the tree.
    fn node(&mut self, level: u32, place: u64) -> Result<Hash, ProveError<S::Error>> {
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = place << height;
        let id = TileId {
            level: u8::try_from(tile_level).unwrap_or(u8::MAX),
            index: first / TILE_WIDTH as u64,
        };
        let at = usize::try_from(first % TILE_WIDTH as u64).unwrap_or(usize::MAX);
        let tile = match self.tiles.entry(id) {
            std::collections::hash_map::Entry::Occupied(found) => found.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(self.source.tile(id)?.ok_or(ProveError::Missing { id })?)
            }
        };
        let hashes = tile.get(at..at + (1 << height)).ok_or(ProveError::Missing { id })?;
        Ok(root_of_perfect(hashes))
    }
}

/// Checks that a leaf hash is in the tree of `size` leaves and that root (RFC 9162 2.1.3.2).
///
/// # Errors
/// [`ProofError`] when the proof does not prove it.
pub fn check_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Range { what: index, size });
    }
    let wrong_length = ProofError::Length { found: proof.len() };
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A node without a sibling on its right moves up until it has one on its left.
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong_length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `size` leaves begins with the earlier one (RFC 9162 2.1.4.2).
///
/// Every tree begins with the empty one; that proof is empty, as is one between equal sizes.
///
/// # Errors
/// [`ProofError`] when the proof does not prove it.
pub fn check_consistency(
    earlier: (u64, &Hash),
    tree: (u64, &Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    let ((from, from_root), (size, root)) = (earlier, tree);
    let wrong_length = ProofError::Length { found: proof.len() };
    if from > size {
        return Err(ProofError::Range { what: from, size });
    }
    if from == 0 || from == size {
        let expected = if from == 0 { empty_root() } else { *root };
        return match (proof.is_empty(), *from_root == expected) {
            (false, _) => Err(wrong_length),
            (true, false) => Err(ProofError::EarlierRoot),
            (true, true) => Ok(()),
        };
    }
    // An earlier tree that is one perfect subtree is its own first hash.
    let (first, rest) = match (from.is_power_of_two(), proof.split_first()) {
        (true, _) => (from_root, proof),
        (false, Some((first, rest))) => (first, rest),
        (false, None) => return Err(wrong_length),
    };
    let (mut node, mut last) = (from - 1, size - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let (mut earlier_hash, mut hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(wrong_length);
        }
        if node & 1 == 1 || node == last {
            earlier_hash = node_hash(sibling, &earlier_hash);
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match (last == 0, earlier_hash == *from_root, hash == *root) {
        (false, ..) => Err(wrong_length),
        (true, false, _) => Err(ProofError::EarlierRoot),
        (true, true, false) => Err(ProofError::Root),
        (true, true, true) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::super::tile::TileEdge;
    use super::super::{Frontier, leaf_hash};
    use super::*;

    struct Tiles(HashMap<TileId, Tile>);

    impl TileSource for Tiles {
        type Error = Infallible;

        fn tile(&self, id: TileId) -> Result<Option<Tile>, Infallible> {
            Ok(self.0.get(&id).cloned())
        }
    }

    fn leaf(n: u64) -> Hash {
        leaf_hash(&n.to_be_bytes())
    }

    fn tree(size: u64) -> (Tiles, Vec<Hash>) {
        let (mut tiles, mut edge, mut frontier) =
            (HashMap::new(), TileEdge::new(), Frontier::new());
        let mut roots = vec![empty_root()];
        for n in 0..size {
            edge.append(leaf(n), |id, tile| drop(tiles.insert(id, tile.to_vec())));
            frontier.append(leaf(n));
            roots.push(frontier.root());
        }
        tiles.extend(edge.partial().map(|(id, tile)| (id, tile.to_vec())));
        (Tiles(tiles), roots)
    }

    #[test]
    fn every_proof_of_every_small_tree_holds() {
        let (tiles, roots) = tree(70);
        for (size, root) in (0_u64..).zip(&roots) {
            assert_eq!(root_at(&tiles, size).unwrap(), *root);
            for index in 0..size {
                let proof = prove_inclusion(&tiles, index, size).unwrap();
                check_inclusion(&leaf(index), index, size, &proof, root).unwrap();
            }
            for (earlier, earlier_root) in (0..=size).zip(&roots) {
                let proof = prove_consistency(&tiles, earlier, size).unwrap();
                check_consistency((earlier, earlier_root), (size, root), &proof).unwrap();
            }
        }
    }

    #[test]
    fn what_is_not_in_the_tree_has_no_proof() {
        let (tiles, roots) = tree(7);
        let range = |what, size| ProveError::Range { what, size };
        assert_eq!(prove_inclusion(&tiles, 7, 7), Err(range(7, 7)));
        assert_eq!(prove_consistency(&tiles, 8, 7), Err(range(8, 7)));
        let id = TileId { level: 0, index: 0 };
        assert_eq!(prove_inclusion(&tiles, 3, 9), Err(ProveError::Missing { id }));
        let refused = ProofError::Range { what: 7, size: 7 };
        assert_eq!(check_inclusion(&leaf(7), 7, 7, &[], &roots[7]), Err(refused));
        let refused = ProofError::Range { what: 7, size: 6 };
        assert_eq!(check_consistency((7, &roots[7]), (6, &roots[6]), &[]), Err(refused));
        let earlier = check_consistency((0, &roots[1]), (6, &roots[6]), &[]);
        assert_eq!(earlier, Err(ProofError::EarlierRoot));
        let same = check_consistency((6, &roots[5]), (6, &roots[6]), &[]);
        assert_eq!(same, Err(ProofError::EarlierRoot));
    }

    fn lengthen_shorten_change(proof: &[Hash], check: impl Fn(&[Hash]) -> bool) {
        for at in 0..proof.len() {
            let mut other = proof.to_vec();
            other[at][at % 32] ^= 1;
            assert!(!check(&other), "hash {at} was changed");
            let mut other = proof.to_vec();
            other.remove(at);
            assert!(!check(&other), "hash {at} was left out");
        }
        for at in 0..=proof.len() {
            let mut other = proof.to_vec();
            other.insert(at, [9; 32]);
            assert!(!check(&other), "a hash was put in at {at}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn only_the_proof_itself_holds(size in 1_u64..1_400, a in 0_u64..1_400, b in 1_u64..1_400) {
            let (tiles, roots) = tree(size);
            let root = &roots[usize::try_from(size).unwrap()];
            let index = a % size;
            let proof = prove_inclusion(&tiles, index, size).unwrap();
            check_inclusion(&leaf(index), index, size, &proof, root).unwrap();
            lengthen_shorten_change(&proof, |proof| {
                check_inclusion(&leaf(index), index, size, proof, root).is_ok()
            });
            prop_assert!(check_inclusion(&leaf(index + 1), index, size, &proof, root).is_err());
            if size > 1 {
                let other = (index + 1) % size;
                prop_assert!(check_inclusion(&leaf(index), other, size, &proof, root).is_err());
            }
            let earlier = 1 + b % size;
            let earlier_root = &roots[usize::try_from(earlier).unwrap()];
            let proof = prove_consistency(&tiles, earlier, size).unwrap();
            check_consistency((earlier, earlier_root), (size, root), &proof).unwrap();
            lengthen_shorten_change(&proof, |proof| {
                check_consistency((earlier, earlier_root), (size, root), proof).is_ok()
            });
            let other = (earlier, &[3; 32]);
            prop_assert!(check_consistency(other, (size, root), &proof).is_err());
            prop_assert!(check_consistency((earlier, earlier_root), (size, &[3; 32]), &proof).is_err());
        }
    }
}
