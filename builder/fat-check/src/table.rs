//! The file allocation table: Microsoft's FAT specification, section 4.

use crate::CheckError;
use crate::device::Device;
use crate::geometry::{FatKind, Geometry};

/// Bytes read at a time. A multiple of every entry but those of FAT12, which are put together byte by byte.
const PAGE: u64 = 4096;
/// Pages kept; 16 MiB in all.
const PAGES: u64 = 4096;

/// What an entry says of its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// It is free.
    Free,
    /// Another one follows, which exists.
    Next(u32),
    /// It is the last of a file.
    End,
    /// The medium is damaged there.
    Bad,
    /// A number that is no cluster.
    Nowhere(u32),
}

/// The FAT that counts.
pub(crate) struct Table<'a> {
    device: Device<'a>,
    geometry: Geometry,
    start: u64,
    /// By number modulo [`PAGES`]; empty ones were not read.
    pages: Vec<(u64, Vec<u8>)>,
}

impl<'a> Table<'a> {
    /// The FAT of that number, from 0.
    pub(crate) fn new(device: Device<'a>, geometry: &Geometry, fat: u8) -> Self {
        let start = geometry.fat_start + geometry.fat_bytes * u64::from(fat);
        let pages = geometry.fat_bytes.div_ceil(PAGE).min(PAGES);
        // At most 4096.
        let pages = vec![(0, Vec::new()); usize::try_from(pages).unwrap_or(1)];
        Self { device, geometry: *geometry, start, pages }
    }

    /// Whether there is a cluster of that number.
    pub(crate) fn has_cluster(&self, cluster: u32) -> bool {
        self.geometry.has_cluster(cluster)
    }

    /// The number in the entry of a cluster, which must be at most the last one.
    pub(crate) fn get(&mut self, cluster: u32) -> Result<u32, CheckError> {
        let cluster = u64::from(cluster);
        Ok(match self.geometry.kind {
            FatKind::Fat12 => {
                let at = cluster + cluster / 2;
                let both = u32::from(self.byte(at)?) | u32::from(self.byte(at + 1)?) << 8;
                if cluster.is_multiple_of(2) { both & 0xFFF } else { both >> 4 }
            }
            FatKind::Fat16 => {
                let [low, high] = self.bytes(cluster * 2)?;
                u16::from_le_bytes([low, high]).into()
            }
            // The upper four bits are not part of the number.
            FatKind::Fat32 => u32::from_le_bytes(self.bytes(cluster * 4)?) & 0x0FFF_FFFF,
        })
    }

    /// What the entry of a cluster says.
    pub(crate) fn link(&mut self, cluster: u32) -> Result<Link, CheckError> {
        let value = self.get(cluster)?;
        let bad = match self.geometry.kind {
            FatKind::Fat12 => 0xFF7,
            FatKind::Fat16 => 0xFFF7,
            FatKind::Fat32 => 0x0FFF_FFF7,
        };
        Ok(match value {
            0 => Link::Free,
            value if value == bad => Link::Bad,
            value if value > bad => Link::End,
            value if self.geometry.has_cluster(value) => Link::Next(value),
            value => Link::Nowhere(value),
        })
    }

    fn byte(&mut self, at: u64) -> Result<u8, CheckError> {
        let [byte] = self.bytes(at)?;
        Ok(byte)
    }

    /// The bytes at `at`, which all lie in one page.
    fn bytes<const N: usize>(&mut self, at: u64) -> Result<[u8; N], CheckError> {
        let (page, within) = (at / PAGE, at % PAGE);
        // Below the number of pages.
        let slot = usize::try_from(page % self.pages.len() as u64).unwrap_or(0);
        let (kept, bytes) = &mut self.pages[slot];
        if *kept != page || bytes.is_empty() {
            let start = page * PAGE;
            // At most a page.
            bytes.resize(usize::try_from(self.geometry.fat_bytes.saturating_sub(start).min(PAGE)).unwrap_or(0), 0);
            // What a failed read leaves behind must not count as read.
            *kept = u64::MAX;
            self.device.read("FAT", self.start + start, bytes)?;
            *kept = page;
        }
        let mut found = [0; N];
        // Below a page; entries of clusters lie in the table, see `Geometry::new`.
        let within = usize::try_from(within).unwrap_or(0);
        if let Some(bytes) = bytes.get(within..within + N) {
            found.copy_from_slice(bytes);
        }
        Ok(found)
    }
}
