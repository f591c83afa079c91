//! Where partitions lie: sizes become sectors.

use builder_block::{ByteSize, Lba, SectorSize};

use crate::layout::{Filling, Layout, Size};

/// Partitions begin and end at multiples of this, and the table's second copy has this much at the end.
const ALIGNMENT: u64 = 1 << 20;

/// Why partitions have no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// The disk asked for is too small.
    #[error("a disk of {disk} cannot hold its partitions, which need {needed}")]
    DiskTooSmall {
        /// The size asked for.
        disk: ByteSize,
        /// The least that would do.
        needed: ByteSize,
    },
    /// A size that no disk has.
    #[error("the partitions together are larger than any disk (2^64 bytes)")]
    TooLarge,
}

/// What the root partition is to be before its content is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RootSize {
    /// So large.
    Fixed(ByteSize),
    /// As its content needs.
    Minimize,
}

/// The root's size: what was asked for, else what the disk asked for leaves, else the layout's.
///
/// # Errors
/// [`PlacementError`] where the other partitions leave the root no block.
pub(crate) fn root_size(
    layout: &Layout,
    root: Option<ByteSize>,
    disk: Option<ByteSize>,
    sector: SectorSize,
) -> Result<RootSize, PlacementError> {
    if let Some(root) = root {
        return Ok(RootSize::Fixed(root.align_up(ALIGNMENT).ok_or(PlacementError::TooLarge)?));
    }
    let fixed = layout.partitions.iter().find(|partition| partition.from == Filling::Sysroot).map(|root| root.size);
    let Some(disk) = disk else {
        return Ok(match fixed {
            Some(Size::Fixed(size)) => RootSize::Fixed(size.align_up(ALIGNMENT).ok_or(PlacementError::TooLarge)?),
            _ => RootSize::Minimize,
        });
    };
    let others = extent(layout, ByteSize::ZERO, sector)?;
    let left = disk.align_down(ALIGNMENT).saturating_sub(others).align_down(ALIGNMENT);
    if left == ByteSize::ZERO {
        return Err(PlacementError::DiskTooSmall { disk, needed: others });
    }
    Ok(RootSize::Fixed(left))
}

/// First sector and size of every partition of `layout`, and the size of the disk.
///
/// # Errors
/// [`PlacementError::DiskTooSmall`] where `disk` is less than they need.
pub(crate) fn place(
    layout: &Layout,
    root: ByteSize,
    disk: Option<ByteSize>,
    sector: SectorSize,
) -> Result<(Vec<(Lba, ByteSize)>, ByteSize), PlacementError> {
    let mut at = ByteSize::new(ALIGNMENT);
    let mut places = Vec::new();
    for partition in &layout.partitions {
        let size = match partition.size {
            _ if partition.from == Filling::Sysroot => root,
            Size::Fixed(size) => size.align_up(ALIGNMENT).ok_or(PlacementError::TooLarge)?,
            Size::Minimize => root,
        };
        // `at` is a multiple of 1 MiB, so a sector begins there.
        places.push((Lba::at(at, sector).ok_or(PlacementError::TooLarge)?, size));
        at = at.checked_add(size).and_then(|end| end.align_up(ALIGNMENT)).ok_or(PlacementError::TooLarge)?;
    }
    let needed = at.checked_add(ByteSize::new(ALIGNMENT)).ok_or(PlacementError::TooLarge)?;
    match disk {
        Some(disk) if disk < needed => Err(PlacementError::DiskTooSmall { disk, needed }),
        // A whole number of sectors, whatever was asked for.
        Some(disk) => Ok((places, disk.align_down(sector.bytes()))),
        None => Ok((places, needed)),
    }
}

/// What the disk needs with a root of `root`.
fn extent(layout: &Layout, root: ByteSize, sector: SectorSize) -> Result<ByteSize, PlacementError> {
    place(layout, root, None, sector).map(|(_, size)| size)
}

#[cfg(test)]
mod tests {
    use builder_block::{ByteSize, SectorSize};

    use super::{PlacementError, RootSize};
    use crate::layout::Layout;

    #[test]
    fn partitions_are_aligned_and_fill_the_disk_asked_for() {
        for sector in SectorSize::ALL {
            partitions_are_aligned_and_fill_the_disk(sector);
        }
    }

    fn partitions_are_aligned_and_fill_the_disk(sector: SectorSize) {
        let root_size = |layout: &_, root, disk| super::root_size(layout, root, disk, sector);
        let place = |layout: &_, root, disk| super::place(layout, root, disk, sector);
        let layout = Layout::template("amd64").unwrap();
        let (places, size) = place(&layout, ByteSize::mib(4), None).unwrap();
        assert_eq!(places[0].0.offset(sector), ByteSize::mib(1));
        assert_eq!(places[1].0.offset(sector), ByteSize::mib(513));
        assert_eq!(size, ByteSize::mib(513 + 4 + 1));
        let odd = ByteSize::new(ByteSize::mib(600).bytes() + 4095);
        assert_eq!(place(&layout, ByteSize::mib(4), Some(odd)).unwrap().1, odd.align_down(sector.bytes()));

        assert_eq!(root_size(&layout, None, None), Ok(RootSize::Minimize));
        let left = root_size(&layout, None, Some(ByteSize::gib(20))).unwrap();
        assert_eq!(left, RootSize::Fixed(ByteSize::mib(20 * 1024 - 514)));
        let RootSize::Fixed(left) = left else { unreachable!("it is fixed") };
        assert_eq!(place(&layout, left, Some(ByteSize::gib(20))).unwrap().1, ByteSize::gib(20));

        let small = ByteSize::mib(100);
        let needed = ByteSize::mib(514);
        assert_eq!(root_size(&layout, None, Some(small)), Err(PlacementError::DiskTooSmall { disk: small, needed }));
        assert_eq!(root_size(&layout, Some(ByteSize::new(u64::MAX)), None), Err(PlacementError::TooLarge));
    }
}
