//! Running the same work over many items on all cores, where threads are available.

/// Below this many items threads cost more than they save.
#[cfg(feature = "store")]
const ITEMS_MIN: usize = 8;

/// Returns what `work` makes of each item, in their order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    #[cfg(feature = "store")]
    if items.len() >= ITEMS_MIN {
        use rayon::prelude::*;
        return items.par_iter().map(&work).collect();
    }
    items.iter().map(work).collect()
}
