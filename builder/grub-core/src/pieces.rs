//! The pieces of GRUB, gathered and looked at.

use std::io;

use crate::dependencies::{Dependencies, LIST};
use crate::error::wrong;
use crate::kernel::{self, KERNEL, LINK_ADDRESS, RELOCATABLE};
use crate::{CoreError, disc};

/// Where packages put the pieces: a folder of the system.
pub const FOLDER: &str = "usr/lib/grub/i386-pc";
/// The pieces of every core image that are no modules.
pub const IMAGES: [&str; 6] = [KERNEL, LIST, CDBOOT, DISKBOOT, DECOMPRESSOR, BOOT_HYBRID];
/// The most bytes that a piece may have; none of them has more than an eighth of it.
pub const MOST_PIECE: u64 = 1 << 20;

const CDBOOT: &str = "cdboot.img";
const DISKBOOT: &str = "diskboot.img";
const DECOMPRESSOR: &str = "lzma_decompress.img";
const BOOT_HYBRID: &str = "boot_hybrid.img";

/// The most bytes of all modules: what is compressed ends below the memory for it, and nothing near to it is needed.
const MOST_MODULES: u64 = 4 << 20;
/// Where the decompressor is loaded: `GRUB_BOOT_I386_PC_KERNEL_SEG` and one sector.
const DECOMPRESSOR_ADDRESS: u32 = 0x8200;

/// All pieces of a core image, of the right form.
pub struct Pieces {
    pub(crate) kernel: Vec<u8>,
    pub(crate) cdboot: Vec<u8>,
    pub(crate) diskboot: Vec<u8>,
    pub(crate) decompressor: Vec<u8>,
    boot_hybrid: Vec<u8>,
    /// With their names, each behind those that it needs.
    pub(crate) modules: Vec<(String, Vec<u8>)>,
}

impl Pieces {
    /// Asks for the pieces of a core image with these modules and all that they need. `read` gives a file of [`FOLDER`] by its
    /// name, or `None` where there is none; what has more than [`MOST_PIECE`] bytes it need not read.
    ///
    /// # Errors
    /// [`CoreError`]: a piece is missing, cannot be read, or is not of the form that it has to have.
    pub fn gather(
        modules: &[&str],
        read: &mut dyn FnMut(&str) -> io::Result<Option<Vec<u8>>>,
    ) -> Result<Self, CoreError> {
        let mut get = |piece: &str, by: Option<&str>| -> Result<Vec<u8>, CoreError> {
            let bytes = read(piece).map_err(|source| CoreError::Read { piece: piece.to_owned(), source })?;
            let missing = || CoreError::Missing { piece: piece.to_owned(), by: by.map(str::to_owned) };
            let bytes = bytes.ok_or_else(missing)?;
            if bytes.len() as u64 > MOST_PIECE {
                return Err(wrong(piece, "its length", bytes.len(), format!("at most {MOST_PIECE}")));
            }
            Ok(bytes)
        };
        let kernel = kernel::loaded(&get(KERNEL, None)?)?;
        let [cdboot, diskboot, boot_hybrid] =
            [(CDBOOT, 2048), (DISKBOOT, 512), (BOOT_HYBRID, 512)].map(|(piece, size)| {
                let bytes = get(piece, None)?;
                if bytes.len() == size { Ok(bytes) } else { Err(wrong(piece, "its length", bytes.len(), size)) }
            });
        let (cdboot, diskboot, boot_hybrid) = (cdboot?, diskboot?, boot_hybrid?);
        disc::check_diskboot(DISKBOOT, &diskboot)?;
        if boot_hybrid[510..] != [0x55, 0xAA] {
            let found = format!("{:02x} {:02x}", boot_hybrid[510], boot_hybrid[511]);
            return Err(wrong(BOOT_HYBRID, "its last bytes", found, "55 aa"));
        }
        let decompressor = get(DECOMPRESSOR, None)?;
        let most = (LINK_ADDRESS - DECOMPRESSOR_ADDRESS) as usize;
        if !(disc::DECOMPRESSOR_FIELDS..=most).contains(&decompressor.len()) {
            let expected = format!("{} to {most}", disc::DECOMPRESSOR_FIELDS);
            return Err(wrong(DECOMPRESSOR, "its length", decompressor.len(), expected));
        }
        let list = get(LIST, None)?;
        let mut length = 0;
        let mut found = Vec::new();
        for (name, by) in Dependencies::parse(&list)?.resolve(modules)? {
            let piece = format!("{name}.mod");
            let bytes = get(&piece, by)?;
            kernel::check(&piece, &bytes, RELOCATABLE)?;
            length += bytes.len() as u64;
            if length > MOST_MODULES {
                return Err(CoreError::TooLarge { what: "all modules", length, limit: MOST_MODULES });
            }
            found.push((name.to_owned(), bytes));
        }
        Ok(Self { kernel, cdboot, diskboot, decompressor, boot_hybrid, modules: found })
    }

    /// The modules, each behind those that it needs.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(|(name, _)| name.as_str())
    }

    /// What a BIOS runs from the first sector of a stick: 512 bytes, of which the first 440 count. At byte 432 it gets the
    /// sector of the second block of the [disc image](Self::disc_image).
    #[must_use]
    pub fn boot_code(&self) -> &[u8] {
        &self.boot_hybrid
    }
}
