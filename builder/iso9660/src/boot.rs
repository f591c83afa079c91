//! What firmware finds on the medium.

use uuid::Uuid;

use crate::Content;

/// What firmware boots, from a disc and from a stick.
#[derive(Clone, Debug, Default)]
pub struct Boot {
    /// For a legacy BIOS that boots a disc.
    pub bios: Option<BiosBoot>,
    /// An EFI system partition (a FAT file system), for UEFI. It lies behind the files, once for both ways of booting.
    pub uefi: Option<Content>,
    /// Partition tables, without which a stick does not boot.
    pub hybrid: Option<Hybrid>,
}

/// A boot image for a legacy BIOS: "no emulation" of El Torito, section 2.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BiosBoot {
    /// Path of the boot image, a file of the tree with at least 64 bytes.
    pub path: String,
    /// Sectors of 512 bytes that the BIOS loads, not 0: usually 4, the rest loads itself.
    pub load_sectors: u16,
    /// Whether bytes 8 to 63 become the table that ISOLINUX and GRUB read: where the first volume descriptor and the
    /// boot image begin, how long the image is and the sum of its 32-bit words from byte 64 on.
    pub info_table: bool,
    /// Whether bytes 2548 to 2555 become the sector at which the second part of GRUB's `eltorito.img` begins.
    pub grub: bool,
}

/// Partition tables beside the file system: a GPT, and an MBR that protects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hybrid {
    /// Identity of the medium as a disk.
    pub disk: Uuid,
    /// Identity of partition 1: the file system.
    pub data: Uuid,
    /// Identity of partition 2: the EFI system partition, where there is one.
    pub esp: Uuid,
    /// What a legacy BIOS runs from the first sector of a stick.
    pub boot_code: Option<BootCode>,
}

/// Boot code in the first 440 bytes of the medium.
///
/// With it the MBR has a second entry, of type 0 and one sector, that is marked active: some BIOSes boot no disk without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootCode {
    /// At most 440 bytes, written as they are.
    Plain(Vec<u8>),
    /// GRUB's `boot_hybrid.img`, of which 440 bytes count: it loads the [boot image](BiosBoot), which has to be there, and
    /// gets the sector of its second block at byte 432.
    Grub(Vec<u8>),
}
