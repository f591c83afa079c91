//! FAT: the volume id is in the boot sector, and in FAT32's backup of it. Microsoft, FAT specification, "Boot sector".

use std::io;

use builder_block::ReadAt;

use crate::fields::{get16, get32, put32};
use crate::{Device, IdError};

/// Bytes of a boot sector that are looked at, whatever the size of a sector is.
const LENGTH: usize = 512;

/// Offsets in the boot sector.
mod bs {
    pub(super) const BYTES_PER_SECTOR: usize = 0x0B;
    pub(super) const ROOT_ENTRIES: usize = 0x11;
    pub(super) const BACKUP: usize = 0x32;
    /// `BS_BootSig`, 0x29 where id and label follow: of FAT32, and of the smaller ones.
    pub(super) const MARK_32: usize = 0x42;
    pub(super) const MARK_16: usize = 0x26;
    pub(super) const SIGNATURE: usize = 0x1FE;
}

/// `BS_BootSig` of a boot sector that has a volume id.
const HAS_ID: u8 = 0x29;

/// Whether [`set_fat_volume_id`] can do its work.
///
/// # Errors
/// [`IdError`]: it cannot.
pub fn check_fat(device: &dyn ReadAt) -> Result<(), IdError> {
    places(device).map(drop)
}

/// Gives a FAT file system another volume id, which `blkid` prints as its UUID.
///
/// # Errors
/// [`IdError`]: there is none, it has no volume id, its two boot sectors differ in it, or the device fails.
pub fn set_fat_volume_id(device: &mut dyn Device, id: u32) -> Result<(), IdError> {
    // The backup first: the first sector is the one that counts.
    for (sector, at) in places(&*device)?.into_iter().rev() {
        let mut bytes = read(&*device, sector)?;
        put32(&mut bytes, at, id);
        device.write_at(sector, &bytes).map_err(failed)?;
    }
    Ok(())
}

/// Boot sectors, by their first byte, with the place of the id in them.
fn places(device: &dyn ReadAt) -> Result<Vec<(u64, usize)>, IdError> {
    let none = |problem| IdError::None { filesystem: "FAT", problem };
    if device.size().bytes() < LENGTH as u64 {
        return Err(none("its partition is shorter than a sector"));
    }
    let first = read(device, 0)?;
    let sector = u64::from(get16(&first, bs::BYTES_PER_SECTOR));
    if first[bs::SIGNATURE..] != [0x55, 0xAA] || !matches!(sector, 512 | 1024 | 2048 | 4096) {
        return Err(none("its first sector is no boot sector"));
    }
    // Only FAT32 has no room for a root directory in front of its clusters.
    let is_32 = get16(&first, bs::ROOT_ENTRIES) == 0;
    let mark = if is_32 { bs::MARK_32 } else { bs::MARK_16 };
    if first[mark] != HAS_ID {
        return Err(IdError::Unsupported { filesystem: "FAT", problem: "has no volume id" });
    }
    let mut places = vec![(0, mark + 1)];
    let backup = u64::from(get16(&first, bs::BACKUP));
    if is_32 && !matches!(backup, 0 | 0xFFFF) {
        let offset = backup * sector;
        if offset + LENGTH as u64 > device.size().bytes() {
            return Err(damaged(format!("its backup boot sector is sector {backup}, behind its end")));
        }
        let second = read(device, offset)?;
        if second[bs::SIGNATURE..] != [0x55, 0xAA] || get32(&second, mark + 1) != get32(&first, mark + 1) {
            return Err(damaged(format!("the backup of its boot sector, sector {backup}, has another volume id")));
        }
        places.push((offset, mark + 1));
    }
    Ok(places)
}

fn read(device: &dyn ReadAt, offset: u64) -> Result<[u8; LENGTH], IdError> {
    let mut bytes = [0; LENGTH];
    device.read_at(offset, &mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn failed(source: io::Error) -> IdError {
    IdError::Io { filesystem: "FAT", source }
}

fn damaged(problem: String) -> IdError {
    IdError::Damaged { filesystem: "FAT", problem }
}
