//! Hands out free blocks from the front to the back, each once.

use builder_block::{Overlap, Region, RegionMap};

use crate::extent::{Extent, MAX_LENGTH};

/// Free blocks are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AllocationError {
    /// The file system is full.
    Full,
    /// Two owners of a block.
    Overlap(Overlap),
}

impl From<Overlap> for AllocationError {
    fn from(overlap: Overlap) -> Self {
        Self::Overlap(overlap)
    }
}

/// A cursor over what the groups' metadata leaves free.
pub(crate) struct Allocator {
    /// Free regions not reached yet, the next one last.
    free: Vec<Region>,
    map: RegionMap,
    used: u64,
}

impl Allocator {
    /// All blocks below `blocks` that `map` leaves free can be had.
    pub(crate) fn new(map: RegionMap, blocks: u64) -> Self {
        let mut free = Vec::new();
        let (mut at, mut used) = (0, 0);
        for (region, _) in map.iter() {
            if region.start > at {
                free.push(Region { start: at, end: region.start });
            }
            at = region.end;
            used += region.end - region.start;
        }
        if at < blocks {
            free.push(Region { start: at, end: blocks });
        }
        free.reverse();
        Self { free, map, used }
    }

    /// Takes up to `wanted` blocks (not 0) in one piece.
    fn take(&mut self, wanted: u64, owner: &'static str) -> Result<Region, AllocationError> {
        let next = self.free.last_mut().ok_or(AllocationError::Full)?;
        let piece = Region { start: next.start, end: next.end.min(next.start.saturating_add(wanted)) };
        next.start = piece.end;
        if next.start == next.end {
            self.free.pop();
        }
        self.map.claim(piece, owner)?;
        self.used += piece.end - piece.start;
        Ok(piece)
    }

    /// Takes one block.
    pub(crate) fn block(&mut self, owner: &'static str) -> Result<u64, AllocationError> {
        Ok(self.take(1, owner)?.start)
    }

    /// Takes `count` blocks for the blocks of a file from `logical` on; their extents go to the end of `extents`,
    /// the last of which, from index `first` on, may grow.
    pub(crate) fn extents(
        &mut self,
        (logical, count): (u32, u32),
        extents: &mut Vec<Extent>,
        first: usize,
        owner: &'static str,
    ) -> Result<(), AllocationError> {
        let (mut logical, mut left) = (logical, count);
        while left > 0 {
            let mut wanted = left.min(u32::from(MAX_LENGTH));
            let last = extents[first..].last_mut().filter(|last| last.length < MAX_LENGTH);
            let grows = last.filter(|last| last.end() == u64::from(logical)).filter(|last| {
                self.free.last().is_some_and(|next| next.start == last.physical + u64::from(last.length))
            });
            if let Some(grows) = &grows {
                wanted = wanted.min(u32::from(MAX_LENGTH - grows.length));
            }
            let piece = self.take(u64::from(wanted), owner)?;
            // A piece has at most `wanted` blocks, and that is at most MAX_LENGTH.
            let length = u16::try_from(piece.end - piece.start).expect("at most 32,768");
            match grows {
                Some(grows) => grows.length += length,
                None => extents.push(Extent { physical: piece.start, logical, length }),
            }
            logical = logical.saturating_add(u32::from(length));
            left -= u32::from(length);
        }
        Ok(())
    }

    /// Blocks in use.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// What is in use, in order, adjacent regions as one.
    pub(crate) fn into_used(self) -> Vec<Region> {
        let mut regions: Vec<Region> = Vec::new();
        for (region, _) in self.map.iter() {
            match regions.last_mut() {
                Some(last) if last.end == region.start => last.end = region.end,
                _ => regions.push(region),
            }
        }
        regions
    }
}

#[cfg(test)]
mod tests {
    use builder_block::{Region, RegionMap};

    use super::{AllocationError, Allocator};
    use crate::extent::Extent;

    #[test]
    fn extents_go_around_what_is_taken() {
        let mut map = RegionMap::new();
        map.claim(Region { start: 10, end: 20 }, "metadata").unwrap();
        let mut allocator = Allocator::new(map, 40_000);
        let mut extents = Vec::new();
        allocator.extents((0, 5), &mut extents, 0, "file").unwrap();
        allocator.extents((5, 10), &mut extents, 0, "file").unwrap();
        allocator.extents((100, 33_000), &mut extents, 0, "file").unwrap();
        let extent = |physical, logical, length| Extent { physical, logical, length };
        assert_eq!(
            extents,
            [extent(0, 0, 10), extent(20, 10, 5), extent(25, 100, 32_768), extent(32_793, 32_868, 232)]
        );
        assert_eq!(allocator.used(), 10 + 15 + 33_000);
        let mut more = Vec::new();
        assert_eq!(allocator.extents((0, 7000), &mut more, 0, "file"), Err(AllocationError::Full));
        assert_eq!(allocator.into_used(), [Region { start: 0, end: 40_000 }]);
    }
}
