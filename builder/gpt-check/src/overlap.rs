//! Ranges of sectors that overlap.

/// A range of sectors that has a name.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    /// How messages call it.
    pub(crate) title: String,
    /// First sector.
    pub(crate) first: u64,
    /// Last sector, not less than the first.
    pub(crate) last: u64,
}

/// Pairs that overlap: each extent with the one that reaches farthest of those that begin before it. So every extent
/// that begins in another one is named once, in a time that does not grow with the number of pairs.
pub(crate) fn overlaps(mut extents: Vec<Extent>) -> Vec<(Extent, Extent)> {
    // The sort is stable: of two that begin together, the one that was listed first stays first.
    extents.sort_by_key(|extent| extent.first);
    let mut pairs = Vec::new();
    let mut farthest: Option<Extent> = None;
    for extent in extents {
        match &farthest {
            Some(earlier) if earlier.last >= extent.first => {
                pairs.push((extent.clone(), earlier.clone()));
                if extent.last > earlier.last {
                    farthest = Some(extent);
                }
            }
            _ => farthest = Some(extent),
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::{Extent, overlaps};

    #[test]
    fn both_names_of_every_overlap_are_told() {
        for (ranges, expected) in [
            (&[(0, 9), (10, 19)][..], &[][..]),
            (&[(10, 19), (0, 10)], &["0+1"]),
            (&[(0, 9), (0, 9), (0, 9)], &["1+0", "2+0"]),
            (&[(0, 99), (10, 19), (20, 29), (100, 110)], &["1+0", "2+0"]),
            (&[(0, 20), (10, 30), (25, 40), (30, 31)], &["1+0", "2+1", "3+2"]),
        ] {
            let extents = ranges
                .iter()
                .enumerate()
                .map(|(number, &(first, last))| Extent { title: number.to_string(), first, last })
                .collect();
            let pairs: Vec<String> =
                overlaps(extents).iter().map(|(later, earlier)| format!("{}+{}", later.title, earlier.title)).collect();
            assert_eq!(pairs, expected, "{ranges:?}");
        }
    }
}
