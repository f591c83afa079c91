//! Cylinders, heads and sectors: VHD specification 1.0, appendix "CHS Calculation".

/// The most sectors that a geometry can have: 65535 cylinders, 16 heads, 255 sectors.
const MAX_SECTORS: u64 = 65_535 * 16 * 255;

/// The geometry for a disk of so many sectors; it has as many or fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) cylinders: u16,
    pub(crate) heads: u8,
    /// Sectors in a track.
    pub(crate) sectors: u8,
}

impl Geometry {
    pub(crate) fn new(sectors: u64) -> Self {
        let total = sectors.min(MAX_SECTORS);
        // The fewest sectors in a track with which the cylinders stay below 1024; past that all is as large as it goes.
        let (track, heads) = if total >= 65_535 * 16 * 63 {
            (255, 16)
        } else {
            let tracks = total / 17;
            let heads = tracks.div_ceil(1024).max(4);
            if heads <= 16 && tracks < heads * 1024 {
                (17, heads)
            } else if total / 31 < 16 * 1024 {
                (31, 16)
            } else {
                (63, 16)
            }
        };
        // At most 65535 cylinders, since MAX_SECTORS and the first limit have no more; 16 heads; 255 sectors.
        Self {
            cylinders: u16::try_from(total / track / heads).unwrap_or(u16::MAX),
            heads: u8::try_from(heads).unwrap_or(16),
            sectors: u8::try_from(track).unwrap_or(255),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Geometry;

    #[test]
    fn geometries_are_those_of_the_specification() {
        const MIB: u64 = 2048;
        for (total, cylinders, heads, sectors) in [
            (0, 0, 4, 17),
            (MIB, 30, 4, 17),
            (33 * MIB, 993, 4, 17),
            (34 * MIB, 140, 16, 31),
            (35 * MIB, 843, 5, 17),
            (136 * MIB, 561, 16, 31),
            (137 * MIB, 565, 16, 31),
            (247 * MIB, 1019, 16, 31),
            (248 * MIB, 503, 16, 63),
            (1024 * MIB, 2080, 16, 63),
            (65_535 * 16 * 63 - 1, 65_534, 16, 63),
            (65_535 * 16 * 63, 16_191, 16, 255),
            (65_535 * 16 * 255, 65_535, 16, 255),
            (u64::MAX, 65_535, 16, 255),
        ] {
            assert_eq!(Geometry::new(total), Geometry { cylinders, heads, sectors }, "{total}");
        }
    }
}
