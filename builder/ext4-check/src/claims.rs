//! Which blocks are claimed by somebody.

use crate::geometry::Geometry;

/// One bit for each block, kept only for groups where any is set.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    groups: Vec<Option<Box<[u64]>>>,
    first: u64,
    per_group: u64,
}

/// Blocks that were claimed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Again {
    /// The first of them.
    pub(crate) first: u64,
    /// How many there are; they need not follow each other.
    pub(crate) count: u64,
}

impl Claims {
    pub(crate) fn new(geometry: &Geometry) -> Self {
        Self {
            groups: vec![None; geometry.groups as usize],
            first: geometry.first_block,
            per_group: u64::from(geometry.blocks_per_group),
        }
    }

    /// Claims `length` blocks from `start`, all within the file system, and says which were claimed already.
    pub(crate) fn claim(&mut self, start: u64, length: u64) -> Option<Again> {
        let mut again: Option<Again> = None;
        let mut at = start.saturating_sub(self.first);
        let end = at.saturating_add(length);
        while at < end {
            let (group, from) = (at / self.per_group, at % self.per_group);
            let to = self.per_group.min(from + (end - at));
            let words = usize::try_from(self.per_group.div_ceil(64)).unwrap_or(0);
            // A group number fits a usize, as the groups are all in memory.
            let Some(slot) = usize::try_from(group).ok().and_then(|group| self.groups.get_mut(group)) else { break };
            let words = slot.get_or_insert_with(|| vec![0; words].into_boxed_slice());
            let mut bit = from;
            while bit < to {
                let (word, low) = (bit / 64, bit % 64);
                let high = (to - word * 64).min(64);
                // Bits from `low` to below `high`, which are not equal.
                let mask = (u64::MAX >> (64 - (high - low))) << low;
                if let Some(word_bits) = usize::try_from(word).ok().and_then(|word| words.get_mut(word)) {
                    let both = *word_bits & mask;
                    if both != 0 {
                        let first = self.first + group * self.per_group + word * 64 + u64::from(both.trailing_zeros());
                        let seen = again.get_or_insert(Again { first, count: 0 });
                        seen.count += u64::from(both.count_ones());
                    }
                    *word_bits |= mask;
                }
                bit = word * 64 + high;
            }
            at += to - from;
        }
        again
    }

    /// The claims of a group as words, the first block in the lowest bit; `None` where there are none.
    pub(crate) fn group(&self, group: u32) -> Option<&[u64]> {
        self.groups.get(group as usize).and_then(Option::as_deref)
    }

    /// How many blocks of a group are claimed.
    pub(crate) fn count(&self, group: u32) -> u32 {
        self.group(group).map_or(0, |words| words.iter().map(|word| word.count_ones()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::{Again, Claims};

    #[test]
    fn a_second_claim_is_seen_across_words_and_groups() {
        let mut claims = Claims { groups: vec![None; 4], first: 1, per_group: 256 };
        assert_eq!(claims.claim(1, 3), None);
        assert_eq!(claims.claim(200, 400), None);
        assert_eq!(claims.claim(100, 102), Some(Again { first: 200, count: 2 }));
        assert_eq!(claims.claim(599, 300), Some(Again { first: 599, count: 1 }));
        assert_eq!((claims.count(0), claims.count(1)), (3 + 157, 256));
        // Behind the end nothing is kept, and nothing breaks.
        assert_eq!(claims.claim(1024, 64), None);
    }
}
