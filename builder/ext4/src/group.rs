//! Bitmaps and descriptors of groups.

use builder_block::Region;

use crate::checksum::crc32c;
use crate::format::{BLOCK_LEN, DESCRIPTOR_SIZE, gd, length, low16, low32, put16, put32_split, put64_split};
use crate::geometry::{Geometry, GroupPlace};

/// [`DESCRIPTOR_SIZE`] as a length.
pub(crate) const DESCRIPTOR_LEN: usize = 64;
const _: () = assert!(DESCRIPTOR_LEN as u64 == DESCRIPTOR_SIZE);

/// What a descriptor says about its group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) place: GroupPlace,
    /// `None` where it follows from the group's own metadata (`BLOCK_UNINIT`).
    pub(crate) block_bitmap: Option<Vec<u8>>,
    /// `None` where no inode is used (`INODE_UNINIT`).
    pub(crate) inode_bitmap: Option<Vec<u8>>,
    free_blocks: u64,
    free_inodes: u64,
    directories: u32,
}

/// Goes through the groups from front to back.
pub(crate) struct Groups<'a> {
    pub(crate) geometry: &'a Geometry,
    pub(crate) places: &'a [GroupPlace],
    /// Used blocks in order, those of groups passed left out.
    pub(crate) used: &'a [Region],
    /// Inodes 1 to this one are used.
    pub(crate) last_inode: u64,
    /// Directories of each group; those behind have none.
    pub(crate) directories: &'a [u32],
    pub(crate) next: u64,
}

impl Iterator for Groups<'_> {
    type Item = Group;

    fn next(&mut self) -> Option<Group> {
        let number = self.next;
        let place = *self.places.get(length(number))?;
        self.next += 1;
        let geometry = self.geometry;
        let (start, end) = (geometry.group_start(number), geometry.group_end(number));
        let passed = self.used.partition_point(|region| region.end <= start);
        self.used = &self.used[passed..];
        let inside = self.used.partition_point(|region| region.start < end);
        let used =
            self.used[..inside].iter().map(|region| (region.start.max(start) - start, region.end.min(end) - start));

        let used_blocks: u64 = used.clone().map(|(from, to)| to - from).sum();
        let within = |block: u64, blocks: u64| (block.clamp(start, end), (block + blocks).clamp(start, end));
        let own: u64 = [(place.block_bitmap, 1), (place.inode_bitmap, 1), (place.inode_table, geometry.table_blocks())]
            .into_iter()
            .map(|(block, blocks)| within(block, blocks))
            .map(|(from, to)| to - from)
            .sum();
        let own = own + geometry.header_blocks(number);
        // As mke2fs: never for the last group, whose bitmap is padded.
        let uninit = number > 0 && number + 1 < geometry.groups && used_blocks == own;
        let block_bitmap = (!uninit).then(|| {
            let mut bitmap = vec![0; BLOCK_LEN];
            used.for_each(|(from, to)| set(&mut bitmap, from, to));
            set(&mut bitmap, end - start, BLOCK_LEN as u64 * 8);
            bitmap
        });

        let used_inodes = self.last_inode.saturating_sub(number * geometry.inodes_per_group);
        let used_inodes = used_inodes.min(geometry.inodes_per_group);
        let inode_bitmap = (used_inodes > 0).then(|| {
            let mut bitmap = vec![0; BLOCK_LEN];
            set(&mut bitmap, 0, used_inodes);
            set(&mut bitmap, geometry.inodes_per_group, BLOCK_LEN as u64 * 8);
            bitmap
        });
        Some(Group {
            place,
            block_bitmap,
            inode_bitmap,
            free_blocks: end - start - used_blocks,
            free_inodes: geometry.inodes_per_group - used_inodes,
            directories: self.directories.get(length(number)).copied().unwrap_or(0),
        })
    }
}

impl Group {
    /// The descriptor of group `number`; `seed` is the file system's.
    pub(crate) fn descriptor(&self, number: u64, inodes_per_group: u64, seed: u32) -> [u8; DESCRIPTOR_LEN] {
        let mut bytes = [0; DESCRIPTOR_LEN];
        put64_split(&mut bytes, gd::BLOCK_BITMAP, self.place.block_bitmap);
        put64_split(&mut bytes, gd::INODE_BITMAP, self.place.inode_bitmap);
        put64_split(&mut bytes, gd::INODE_TABLE, self.place.inode_table);
        put32_split(&mut bytes, gd::FREE_BLOCKS, low32(self.free_blocks));
        put32_split(&mut bytes, gd::FREE_INODES, low32(self.free_inodes));
        put32_split(&mut bytes, gd::USED_DIRS, self.directories);
        // Inodes are used from the first on, so all free ones are behind them.
        put32_split(&mut bytes, gd::ITABLE_UNUSED, low32(self.free_inodes));
        let mut flags = gd::INODE_ZEROED;
        match &self.block_bitmap {
            Some(bitmap) => put32_split(&mut bytes, gd::BLOCK_BITMAP_CSUM, crc32c(seed, bitmap)),
            None => flags |= gd::BLOCK_UNINIT,
        }
        match &self.inode_bitmap {
            Some(bitmap) => {
                let crc = crc32c(seed, &bitmap[..length(inodes_per_group / 8)]);
                put32_split(&mut bytes, gd::INODE_BITMAP_CSUM, crc);
            }
            None => flags |= gd::INODE_UNINIT,
        }
        put16(&mut bytes, gd::FLAGS, flags);
        // Zero: the snapshot's exclude bitmap, and the checksum until it is known. Of the number, 32 bits count.
        let crc = crc32c(crc32c(seed, &low32(number).to_le_bytes()), &bytes);
        put16(&mut bytes, gd::CHECKSUM, low16(crc));
        bytes
    }
}

/// Sets the bits `from..to`.
fn set(bitmap: &mut [u8], from: u64, to: u64) {
    let (from, to) = (length(from), length(to));
    let mut bit = from;
    while bit < to {
        if bit % 8 == 0 && to - bit >= 8 {
            let whole = (to - bit) / 8;
            bitmap[bit / 8..bit / 8 + whole].fill(0xff);
            bit += whole * 8;
        } else {
            bitmap[bit / 8] |= 1 << (bit % 8);
            bit += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bits_are_set_from_to() {
        for (from, to) in [(0, 0), (0, 1), (3, 21), (8, 16), (7, 9), (0, 32), (31, 32)] {
            let mut bitmap = [0; 4];
            super::set(&mut bitmap, from, to);
            let bits = u32::from_le_bytes(bitmap);
            let expected = (0..32).filter(|bit| (from..to).contains(bit)).fold(0_u32, |bits, bit| bits | 1 << bit);
            assert_eq!(bits, expected, "{from}..{to}");
        }
    }
}
