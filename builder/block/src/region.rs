//! Who owns which part of a device.

use std::collections::BTreeMap;
use std::fmt;

/// A half-open range of units: blocks, sectors or bytes, as its [`RegionMap`] counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region {
    /// First unit.
    pub start: u64,
    /// First unit behind it.
    pub end: u64,
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// Two owners want the same units: always a defect of a planner, never of its input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} ({new_owner}) overlaps {taken} ({owner})")]
pub struct Overlap {
    /// The region asked for.
    pub wanted: Region,
    /// Who asked.
    pub new_owner: &'static str,
    /// The region that was there.
    pub taken: Region,
    /// Who has it.
    pub owner: &'static str,
}

/// Claims of regions; each unit has at most one owner.
#[derive(Clone, Debug, Default)]
pub struct RegionMap {
    claims: BTreeMap<u64, (u64, &'static str)>,
}

impl RegionMap {
    /// A map without claims.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Claims `region` for `owner`. Adjacent claims of one owner are kept as one. An empty region claims nothing.
    ///
    /// # Errors
    /// [`Overlap`] where any unit of it has an owner already.
    pub fn claim(&mut self, region: Region, owner: &'static str) -> Result<(), Overlap> {
        if region.start >= region.end {
            return Ok(());
        }
        if let Some((&start, &(end, other))) = self.claims.range(..region.end).next_back() {
            if end > region.start {
                return Err(Overlap { wanted: region, new_owner: owner, taken: Region { start, end }, owner: other });
            }
            if end == region.start && other == owner {
                self.claims.insert(start, (region.end, owner));
                return Ok(());
            }
        }
        self.claims.insert(region.start, (region.end, owner));
        Ok(())
    }

    /// All claims in order.
    pub fn iter(&self) -> impl Iterator<Item = (Region, &'static str)> + '_ {
        self.claims.iter().map(|(&start, &(end, owner))| (Region { start, end }, owner))
    }
}

#[cfg(test)]
mod tests {
    use super::{Region, RegionMap};

    #[test]
    fn a_unit_has_one_owner() {
        let mut map = RegionMap::new();
        let region = |start, end| Region { start, end };
        map.claim(region(10, 20), "a").unwrap();
        map.claim(region(20, 30), "a").unwrap();
        map.claim(region(5, 10), "b").unwrap();
        for (start, end) in [(0, 6), (9, 11), (15, 16), (29, 40), (0, 100)] {
            assert!(map.claim(region(start, end), "c").is_err(), "{start}..{end}");
        }
        map.claim(region(30, 30), "nothing").unwrap();
        assert_eq!(map.iter().count(), 2);
    }
}
