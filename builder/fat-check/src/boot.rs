//! The boot sector: Microsoft's FAT specification, section 3.

use crate::bytes::{u16_at, u32_at};

/// Bytes of the boot sector that have a meaning, whatever the size of a sector.
pub(crate) const SIZE: usize = 512;
/// The byte of Windows NT whose bit 0 says that the file system is in use, by layout.
pub(crate) const STATE_SHORT: usize = 37;
pub(crate) const STATE_FAT32: usize = 65;

/// The fields as they stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootSector {
    /// Offset 0: a jump over the fields.
    pub(crate) jump: [u8; 3],
    /// Offset 11: 512, 1024, 2048 or 4096.
    pub(crate) bytes_per_sector: u16,
    /// Offset 13: a power of two.
    pub(crate) sectors_per_cluster: u8,
    /// Offset 14: sectors before the first FAT, this one included.
    pub(crate) reserved_sectors: u16,
    /// Offset 16.
    pub(crate) fats: u8,
    /// Offset 17: 0 with FAT32.
    pub(crate) root_entries: u16,
    /// Offset 19: 0 with FAT32, and where the number does not fit.
    pub(crate) total_sectors_16: u16,
    /// Offset 21.
    pub(crate) media: u8,
    /// Offset 22: sectors of a FAT; 0 with FAT32, which is how one knows it.
    pub(crate) fat_sectors_16: u16,
    /// Offset 32: 0 where offset 19 is used.
    pub(crate) total_sectors_32: u32,
    /// The fields of FAT32 only.
    pub(crate) fat32: Option<Fat32Fields>,
    /// Offset 37, with FAT32 65: bit 0 is set while the file system is in use.
    pub(crate) state: u8,
    /// Offset 38, with FAT32 66: 0x29 where the three fields behind it are there, 0x28 where only the first is.
    pub(crate) extended_signature: u8,
    /// Offset 39, with FAT32 67.
    pub(crate) serial: u32,
    /// Offset 43, with FAT32 71.
    pub(crate) label: [u8; 11],
    /// Offset 54, with FAT32 82: a text that nobody may rely on.
    pub(crate) type_text: [u8; 8],
    /// Offset 510.
    pub(crate) signature: [u8; 2],
}

/// What only FAT32 has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fat32Fields {
    /// Offset 36: sectors of a FAT.
    pub(crate) fat_sectors: u32,
    /// Offset 40: bit 7 is set where only one FAT is in use, bits 0 to 3 then say which.
    pub(crate) flags: u16,
    /// Offset 42: 0.
    pub(crate) version: u16,
    /// Offset 44: where the root directory begins.
    pub(crate) root_cluster: u32,
    /// Offset 48: sector of FSInfo.
    pub(crate) fsinfo_sector: u16,
    /// Offset 50: sector of the copy of the boot sector.
    pub(crate) backup_sector: u16,
    /// Offset 52: 12 bytes, zero.
    pub(crate) reserved_is_zero: bool,
}

impl BootSector {
    /// Reads the fields.
    pub(crate) fn parse(bytes: &[u8; SIZE]) -> Self {
        let fat_sectors_16 = u16_at(bytes, 22);
        let fat32 = (fat_sectors_16 == 0).then(|| Fat32Fields {
            fat_sectors: u32_at(bytes, 36),
            flags: u16_at(bytes, 40),
            version: u16_at(bytes, 42),
            root_cluster: u32_at(bytes, 44),
            fsinfo_sector: u16_at(bytes, 48),
            backup_sector: u16_at(bytes, 50),
            reserved_is_zero: bytes[52..64].iter().all(|&byte| byte == 0),
        });
        let state = if fat32.is_some() { STATE_FAT32 } else { STATE_SHORT };
        let mut label = [0; 11];
        label.copy_from_slice(&bytes[state + 6..state + 17]);
        let mut type_text = [0; 8];
        type_text.copy_from_slice(&bytes[state + 17..state + 25]);
        Self {
            jump: [bytes[0], bytes[1], bytes[2]],
            bytes_per_sector: u16_at(bytes, 11),
            sectors_per_cluster: bytes[13],
            reserved_sectors: u16_at(bytes, 14),
            fats: bytes[16],
            root_entries: u16_at(bytes, 17),
            total_sectors_16: u16_at(bytes, 19),
            media: bytes[21],
            fat_sectors_16,
            total_sectors_32: u32_at(bytes, 32),
            fat32,
            state: bytes[state],
            extended_signature: bytes[state + 1],
            serial: u32_at(bytes, state + 2),
            label,
            type_text,
            signature: [bytes[SIZE - 2], bytes[SIZE - 1]],
        }
    }

    /// Sectors of one FAT.
    pub(crate) fn fat_sectors(&self) -> u32 {
        self.fat32.as_ref().map_or(self.fat_sectors_16.into(), |fields| fields.fat_sectors)
    }

    /// Sectors of the file system.
    pub(crate) fn total_sectors(&self) -> u32 {
        if self.total_sectors_16 == 0 { self.total_sectors_32 } else { self.total_sectors_16.into() }
    }

    /// The serial number, where the signature says there is one.
    pub(crate) fn known_serial(&self) -> Option<u32> {
        matches!(self.extended_signature, 0x28 | 0x29).then_some(self.serial)
    }
}

/// What a byte of the boot sector belongs to.
pub(crate) fn field_at(offset: usize, is_fat32: bool) -> &'static str {
    const COMMON: [(usize, &str); 16] = [
        (0, "jump"),
        (3, "OEM name"),
        (11, "bytes per sector"),
        (13, "sectors per cluster"),
        (14, "reserved sectors"),
        (16, "number of FATs"),
        (17, "root entries"),
        (19, "total sectors (16 bits)"),
        (21, "media"),
        (22, "sectors per FAT (16 bits)"),
        (24, "sectors per track"),
        (26, "heads"),
        (28, "hidden sectors"),
        (32, "total sectors (32 bits)"),
        (36, "boot code"),
        (510, "signature"),
    ];
    const FAT32: [(usize, &str); 15] = [
        (36, "sectors per FAT"),
        (40, "flags"),
        (42, "version"),
        (44, "root cluster"),
        (48, "FSInfo sector"),
        (50, "backup boot sector"),
        (52, "reserved bytes"),
        (64, "drive number"),
        (65, "state"),
        (66, "extended boot signature"),
        (67, "serial number"),
        (71, "volume label"),
        (82, "type text"),
        (90, "boot code"),
        (510, "signature"),
    ];
    let tables: &[&[(usize, &'static str)]] = if is_fat32 { &[&COMMON[..14], &FAT32] } else { &[&COMMON] };
    let fields = tables.iter().flat_map(|table| table.iter());
    fields.take_while(|(start, _)| *start <= offset).last().map_or("boot code", |&(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::field_at;

    #[test]
    fn bytes_are_named_by_their_fields() {
        for (offset, name) in [
            (0, "jump"),
            (11, "bytes per sector"),
            (33, "total sectors (32 bits)"),
            (45, "root cluster"),
            (81, "volume label"),
            (300, "boot code"),
            (511, "signature"),
        ] {
            assert_eq!(field_at(offset, true), name);
        }
        assert_eq!(field_at(45, false), "boot code");
    }
}
