//! Which file or directory has which cluster.

use std::collections::BTreeMap;

use crate::paths::PathId;

/// Clusters of a page: as many as entries of FAT32 are in 4 KiB of the table.
const PAGE: usize = 1024;

/// The owner of every cluster that has one. Grows with the parts of the table that are in use.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    pages: BTreeMap<u32, Box<[Option<PathId>; PAGE]>>,
}

impl Owners {
    /// The owner of a cluster.
    pub(crate) fn get(&self, cluster: u32) -> Option<PathId> {
        let (page, slot) = place(cluster);
        self.pages.get(&page).and_then(|page| page[slot])
    }

    /// Gives a cluster to `owner`.
    pub(crate) fn set(&mut self, cluster: u32, owner: PathId) {
        let (page, slot) = place(cluster);
        self.pages.entry(page).or_insert_with(|| Box::new([None; PAGE]))[slot] = Some(owner);
    }
}

fn place(cluster: u32) -> (u32, usize) {
    const PER_PAGE: u32 = 1024;
    const _: () = assert!(PER_PAGE as usize == PAGE);
    // Below 1024.
    (cluster / PER_PAGE, usize::try_from(cluster % PER_PAGE).unwrap_or(0))
}
