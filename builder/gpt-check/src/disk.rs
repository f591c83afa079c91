//! The disk in sectors, and how large these are.

use std::fmt;

use builder_block::{ByteSize, ReadAt};

use crate::CheckError;
use crate::header::{self, Header};

/// Bytes in a logical sector, the unit of every LBA in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SectorSize {
    /// 512 bytes: nearly every disk, and every image that does not say otherwise.
    Bytes512,
    /// 4096 bytes: disks that are 4K native.
    Bytes4096,
}

impl SectorSize {
    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Bytes512 => 512,
            Self::Bytes4096 => 4096,
        }
    }
}

impl fmt::Display for SectorSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes())
    }
}

/// A disk of sectors.
#[derive(Clone, Copy)]
pub(crate) struct Disk<'a> {
    device: &'a dyn ReadAt,
    sector: SectorSize,
}

impl<'a> Disk<'a> {
    pub(crate) fn new(device: &'a dyn ReadAt, sector: SectorSize) -> Self {
        Self { device, sector }
    }

    pub(crate) fn size(&self) -> ByteSize {
        self.device.size()
    }

    pub(crate) fn sector_size(&self) -> SectorSize {
        self.sector
    }

    /// Whole sectors; what is behind the last of them is not addressed by any LBA.
    pub(crate) fn sectors(&self) -> u64 {
        self.device.size().bytes() / self.sector.bytes()
    }

    /// Address of the last whole sector; 0 on a disk of one sector or none.
    pub(crate) fn last(&self) -> u64 {
        self.sectors().saturating_sub(1)
    }

    /// Fills `buffer` from the byte at `offset`.
    pub(crate) fn read(&self, what: &'static str, offset: u64, buffer: &mut [u8]) -> Result<(), CheckError> {
        self.device.read_at(offset, buffer).map_err(|source| CheckError::Io { what, offset, source })
    }

    /// The bytes of the sector at `lba`, or `None` where the disk has no such sector.
    pub(crate) fn read_sector(&self, what: &'static str, lba: u64) -> Result<Option<Vec<u8>>, CheckError> {
        if lba >= self.sectors() {
            return Ok(None);
        }
        let mut bytes = vec![0; if self.sector == SectorSize::Bytes512 { 512 } else { 4096 }];
        // Below the size of the device, as the sector is on it.
        self.read(what, lba * self.sector.bytes(), &mut bytes)?;
        Ok(Some(bytes))
    }

    /// The header in the sector at `lba`, or `None` where there is no such sector or it does not begin with `EFI PART`.
    pub(crate) fn read_header(&self, what: &'static str, lba: u64) -> Result<Option<Header>, CheckError> {
        Ok(self.read_sector(what, lba)?.as_deref().and_then(Header::parse))
    }
}

/// The sector size whose headers are where they should be. The second is whether the other one has headers as well.
pub(crate) fn detect(device: &dyn ReadAt) -> Result<(SectorSize, bool), CheckError> {
    let mut marks = [0_u32; 2];
    for (mark, sector) in marks.iter_mut().zip([SectorSize::Bytes512, SectorSize::Bytes4096]) {
        let disk = Disk::new(device, sector);
        // A right one counts more than a damaged one, and the primary more than the backup. A rest of another table may
        // lie anywhere, so nothing else is looked at.
        for (lba, weight) in [(1, 2), (disk.last(), 1)] {
            if let Some(header) = disk.read_header(header::name_at(lba), lba)? {
                *mark += if header.crc_is_right() { weight * 4 } else { weight };
            }
        }
    }
    let sector = if marks[1] > marks[0] { SectorSize::Bytes4096 } else { SectorSize::Bytes512 };
    Ok((sector, marks[0] > 0 && marks[1] > 0))
}
