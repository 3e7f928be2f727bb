//! Tiles: the tree cut into rows of 256 hashes (C2SP tlog-tiles).
//!
//! A tile at level L holds the roots of 256 neighbouring perfect subtrees of height 8 L: at level 0
//! leaf hashes, at level 1 the roots of whole tiles of level 0, and so on. A whole tile never
//! changes; the last one of each level is partial and grows. From the partial ones alone follows
//! the right edge of the tree, from all of them every proof.

use super::{Frontier, Hash, node_hash};

/// How many hashes a whole tile has.
pub const TILE_WIDTH: usize = 256;

/// How many levels of the tree a tile spans.
pub const TILE_HEIGHT: u32 = 8;

/// Which tile: its level, and its place among the tiles of that level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// The level: 0 for the tiles of leaf hashes.
    pub level: u8,
    /// The place from the left, from 0.
    pub index: u64,
}

/// A tile: up to 256 hashes.
pub type Tile = Vec<Hash>;

/// Says that partial tiles are not those of a tree of the stated size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the last tiles are not those of a tree of {size} leaves")]
pub struct TileEdgeError {
    /// The stated size.
    pub size: u64,
}

/// The right edge of a tiled tree: the last, partial tile of each level, and the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TileEdge {
    // Follows from the tiles; kept so that the root costs O(log n) and not a whole tile.
    frontier: Frontier,
    // By level; each shorter than a whole tile.
    partial: Vec<Tile>,
}

impl TileEdge {
    /// Makes the edge of the empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Returns the root.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Names the partial tiles of a tree of `size` leaves that are not empty, with their widths.
    pub fn partial_ids(size: u64) -> impl Iterator<Item = (TileId, usize)> {
        let at = move |level: u8| {
            let hashes = size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0);
            let index = hashes >> TILE_HEIGHT;
            (TileId { level, index }, (hashes % TILE_WIDTH as u64) as usize)
        };
        (0..8).map(at).filter(|(_, width)| *width > 0)
    }

    /// Returns how many whole tiles a tree of `size` leaves has, on all levels.
    pub fn whole_tiles(size: u64) -> u64 {
        (1..8).map(|level| size >> (TILE_HEIGHT * level)).sum()
    }

    /// Takes in the partial tiles of a tree of `size` leaves, as [`TileEdge::partial_ids`] names
    /// them.
    ///
    /// # Errors
    /// [`TileEdgeError`] when there are others, or they have other widths.
    pub fn from_partial(
        size: u64,
        tiles: impl IntoIterator<Item = (TileId, Tile)>,
    ) -> Result<Self, TileEdgeError> {
        let mut edge = Self::new();
        let mut tiles = tiles.into_iter();
        for expected in Self::partial_ids(size) {
            let Some((id, tile)) = tiles.next() else { return Err(TileEdgeError { size }) };
            if (id, tile.len()) != expected {
                return Err(TileEdgeError { size });
            }
            edge.level(id.level).extend(tile);
        }
        if tiles.next().is_some() {
            return Err(TileEdgeError { size });
        }
        edge.frontier = frontier(size, &edge.partial);
        Ok(edge)
    }

    /// Appends a leaf, given its hash; `whole` hears of each tile that it completes.
    pub fn append(&mut self, leaf: Hash, mut whole: impl FnMut(TileId, &[Hash])) {
        self.frontier.append(leaf);
        let (size, mut hash) = (self.size(), leaf);
        for level in 0.. {
            let tile = self.level(level);
            tile.push(hash);
            if tile.len() < TILE_WIDTH {
                return;
            }
            let index = (size >> (TILE_HEIGHT * (u32::from(level) + 1))) - 1;
            whole(TileId { level, index }, tile);
            hash = root_of_perfect(tile);
            tile.clear();
        }
    }

    /// Returns the partial tiles that are not empty, by level.
    pub fn partial(&self) -> impl Iterator<Item = (TileId, &[Hash])> {
        let tile = |(id, _): (TileId, usize)| {
            (id, self.partial.get(usize::from(id.level)).map_or(&[][..], Vec::as_slice))
        };
        Self::partial_ids(self.size()).map(tile)
    }

    fn level(&mut self, level: u8) -> &mut Tile {
        let level = usize::from(level);
        if self.partial.len() <= level {
            self.partial.resize_with(level + 1, Vec::new);
        }
        &mut self.partial[level]
    }
}

/// Returns the right edge of a tree whose partial tiles these are.
fn frontier(size: u64, partial: &[Tile]) -> Frontier {
    let mut hashes = Vec::new();
    for tile in partial.iter().rev() {
        let mut rest = tile.as_slice();
        while !rest.is_empty() {
            let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
            hashes.push(root_of_perfect(subtree));
            rest = after;
        }
    }
    Frontier { size, hashes }
}

/// Returns the root over hashes whose number is a power of two.
pub(super) fn root_of_perfect(hashes: &[Hash]) -> Hash {
    match hashes {
        [one] => *one,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(&root_of_perfect(left), &root_of_perfect(right))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::tree::leaf_hash;

    #[test]
    fn the_edge_of_the_tiles_is_the_edge_of_the_tree() {
        let (mut edge, mut frontier) = (TileEdge::new(), Frontier::new());
        let mut whole = BTreeMap::new();
        for n in 0..70_000_u32 {
            let leaf = leaf_hash(&n.to_be_bytes());
            frontier.append(leaf);
            edge.append(leaf, |id, tile| assert!(whole.insert(id, tile.to_vec()).is_none()));
            if n < 1_000 || n > 65_500 && n < 65_600 {
                let partial = edge.partial().map(|(id, tile)| (id, tile.to_vec()));
                let again = TileEdge::from_partial(edge.size(), partial).unwrap();
                assert_eq!(again.frontier, frontier, "size {}", n + 1);
            }
        }
        let level = |level| whole.keys().filter(|id| id.level == level).count();
        assert_eq!((level(0), level(1), level(2)), (273, 1, 0));
        assert_eq!(TileEdge::whole_tiles(70_000), 274);
        assert!(whole.values().all(|tile| tile.len() == TILE_WIDTH));
        assert_eq!(
            whole[&TileId { level: 1, index: 0 }][3],
            root_of_perfect(&whole[&TileId { level: 0, index: 3 }])
        );
    }

    #[test]
    fn other_partial_tiles_than_those_of_the_size_are_refused() {
        let tile = |level, index, width| (TileId { level, index }, vec![[7; 32]; width]);
        assert!(TileEdge::from_partial(258, [tile(0, 1, 2), tile(1, 0, 1)]).is_ok());
        for wrong in [
            vec![],
            vec![tile(0, 1, 2)],
            vec![tile(0, 1, 3), tile(1, 0, 1)],
            vec![tile(0, 0, 2), tile(1, 0, 1)],
            vec![tile(1, 0, 1), tile(0, 1, 2)],
            vec![tile(0, 1, 2), tile(1, 0, 1), tile(2, 0, 1)],
        ] {
            assert_eq!(TileEdge::from_partial(258, wrong), Err(TileEdgeError { size: 258 }));
        }
    }

    #[test]
    fn the_largest_size_has_eight_levels() {
        assert_eq!(TileEdge::partial_ids(u64::MAX).count(), 8);
        assert_eq!(TileEdge::partial_ids(0).count(), 0);
    }
}
