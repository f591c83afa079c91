//! What a legacy BIOS boots from a medium: GRUB of the image's pieces for it.
//!
//! The menu is the one in the medium's own file system, as for UEFI.

use std::error::Error as _;
use std::{fmt, io};

use builder_boot::{Architecture, Loader};
use builder_grub_core::{CoreError, FOLDER, IMAGES, MOST_PIECE, Pieces};
use builder_tree::{FileTree, Node};

/// Where the boot image is on the medium, as on the media of others.
pub(crate) const IMAGE: &str = "boot/grub/i386-pc/eltorito.img";
/// Sectors of it that a BIOS loads: `cdboot.img`, which loads the rest.
pub(crate) const LOAD_SECTORS: u16 = 4;
/// Where the menu is.
const PREFIX: &str = "/boot/grub";
/// What finds the medium and has its menu work; a core image finds no other modules. `minicmd` has `exit`, by which a BIOS
/// tries the next drive; the last ones are for who types commands.
const MODULES: &[&str] = &[
    "biosdisk",
    "iso9660",
    "part_gpt",
    "part_msdos",
    "search",
    "search_fs_file",
    "search_fs_uuid",
    "search_label",
    "normal",
    "configfile",
    "linux",
    "serial",
    "terminal",
    "test",
    "echo",
    "minicmd",
    "ls",
    "reboot",
    "halt",
];

/// Why a BIOS does not boot the medium.
pub(crate) enum NoBios {
    /// The image has nothing for it.
    Nothing,
    /// The menu is not GRUB's.
    Loader,
    /// What it has cannot be used.
    Pieces(CoreError),
}

impl fmt::Display for NoBios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ISO boots by UEFI, from disc and stick, and not by a legacy BIOS")?;
        match self {
            Self::Nothing => Ok(()),
            Self::Loader => f.write_str(": its menu is systemd-boot's"),
            Self::Pieces(error) => {
                write!(f, ": {error}")?;
                error.source().map_or(Ok(()), |source| write!(f, ": {source}"))
            }
        }
    }
}

/// GRUB for a BIOS, as far as it is the same for all media of a system.
pub(crate) struct BiosLoader(Pieces);

impl BiosLoader {
    /// Looks for GRUB's pieces in the tree of the system.
    pub(crate) fn find(tree: &FileTree, loader: &Loader, architecture: Architecture) -> Result<Self, NoBios> {
        let file = |name: &str| {
            let node = tree.resolve(format!("{FOLDER}/{name}").as_bytes()).ok().flatten();
            node.and_then(Node::as_leaf).and_then(|inode| inode.content())
        };
        if architecture != Architecture::X86_64 || IMAGES.iter().all(|name| file(name).is_none()) {
            return Err(NoBios::Nothing);
        }
        if !matches!(loader, Loader::Grub(_)) {
            return Err(NoBios::Loader);
        }
        let mut read = |name: &str| -> io::Result<Option<Vec<u8>>> {
            file(name).map(|content| content.read_to_vec(MOST_PIECE)).transpose()
        };
        let loader = Self(Pieces::gather(MODULES, &mut read).map_err(NoBios::Pieces)?);
        // How long the name of a medium is does not depend on the medium, and so it is known now that all fits.
        loader.image(&"x".repeat(64)).map_err(NoBios::Pieces)?;
        Ok(loader)
    }

    /// The boot image for the medium that has this file.
    pub(crate) fn image(&self, marker: &str) -> Result<Vec<u8>, CoreError> {
        self.0.disc_image(&format!("search.file /{marker} root\nset prefix=($root){PREFIX}\n"), PREFIX)
    }

    /// What a BIOS runs from the first sector of a stick.
    pub(crate) fn boot_code(&self) -> &[u8] {
        self.0.boot_code()
    }
}
