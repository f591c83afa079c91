//! The image that a BIOS boots from a disc: GRUB, `util/mkimage.c`, for `i386-pc-eltorito`.

use crate::error::wrong;
use crate::kernel::{LINK_ADDRESS, u16_at};
use crate::payload::payload;
use crate::{CoreError, Pieces, lzma};

/// Bytes of a sector.
const SECTOR: usize = 512;
/// Fields of the decompressor: GRUB, `include/grub/offsets.h`. Those for Reed-Solomon codes, which a disc has not, and for
/// the drive, which the BIOS tells, stay as they are.
const COMPRESSED_LENGTH: usize = 8;
const PLAIN_LENGTH: usize = 12;
/// First byte behind all of them.
pub(crate) const DECOMPRESSOR_FIELDS: usize = 0x1C;
/// In `diskboot.img`, `struct grub_pc_bios_boot_blocklist`: how many sectors are loaded behind it, and the segment that
/// they are loaded to, which is that of the decompressor.
const LENGTH: usize = 508;
const SEGMENT: usize = 510;
const DECOMPRESSOR_SEGMENT: u16 = 0x820;
/// The end of the memory that is loaded to.
const MEMORY_END: u64 = 0x78000;

/// Whether `diskboot.img` loads to where the decompressor runs.
pub(crate) fn check_diskboot(piece: &str, bytes: &[u8]) -> Result<(), CoreError> {
    let found = u16_at(bytes, SEGMENT);
    if found != Some(DECOMPRESSOR_SEGMENT) {
        let found = found.map_or("missing".to_owned(), |found| format!("{found:#x}"));
        return Err(wrong(piece, "the segment that it loads to", found, format!("{DECOMPRESSOR_SEGMENT:#x}")));
    }
    Ok(())
}

impl Pieces {
    /// What a BIOS boots from a disc, without emulation: it loads the first 2048 bytes, and those load the rest.
    ///
    /// `configuration` is run first: one command a line, without anything that only GRUB's shell knows. `prefix` is where GRUB
    /// looks for `grub.cfg`, on the drive that it was loaded from, unless those commands name another.
    ///
    /// # Errors
    /// [`CoreError::TooLarge`]: it does not fit into the memory that it is loaded to.
    pub fn disc_image(&self, configuration: &str, prefix: &str) -> Result<Vec<u8>, CoreError> {
        let modules = self.modules.iter().map(|(_, bytes)| bytes.as_slice());
        let plain = payload(&self.kernel, modules, configuration, prefix)?;
        let packed = lzma::compress(&plain)?;
        let length = (self.decompressor.len() + packed.len()) as u64;
        let limit = MEMORY_END - u64::from(LINK_ADDRESS);
        let too_large = || CoreError::TooLarge { what: "its core", length, limit };
        if length > limit {
            return Err(too_large());
        }
        let number = |length: usize| u32::try_from(length).map(u32::to_le_bytes).map_err(|_| too_large());
        let mut decompressor = self.decompressor.clone();
        decompressor[COMPRESSED_LENGTH..PLAIN_LENGTH].copy_from_slice(&number(packed.len())?);
        decompressor[PLAIN_LENGTH..PLAIN_LENGTH + 4].copy_from_slice(&number(plain.len())?);
        let sectors = (decompressor.len() + packed.len()).div_ceil(SECTOR);
        let sectors = u16::try_from(sectors).map_err(|_| too_large())?;
        let mut diskboot = self.diskboot.clone();
        diskboot[LENGTH..SEGMENT].copy_from_slice(&sectors.to_le_bytes());
        Ok([self.cdboot.as_slice(), &diskboot, &decompressor, &packed].concat())
    }
}
