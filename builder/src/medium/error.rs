//! Why there is no medium.

use std::io;
use std::path::PathBuf;

use builder_boot::BootError;
use builder_fat::FatError;
use builder_grub_core::CoreError;
use builder_initramfs::WriteError;
use builder_iso9660::IsoError;
use builder_kmod::{ModuleFault, ReadError};
use builder_medium::AnswersError;

use crate::formats::OutputFormat;

/// Why a medium cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediumError {
    /// The kernel's lists of modules.
    #[error("the modules of the kernel {release} cannot be read for the installer medium")]
    Modules {
        /// The kernel's release.
        release: String,
        /// Why.
        #[source]
        source: ReadError,
    },
    /// A module that every medium needs.
    #[error(
        "the kernel {release} has no module {name}, built in or as a file, and an installer medium does not work without"
    )]
    NoModule {
        /// The kernel's release.
        release: String,
        /// The module.
        name: &'static str,
    },
    /// No driver for any medium.
    #[error(
        "the kernel {release} has no driver for any medium that it could be installed from: none of {looked}, built in or as a file"
    )]
    NoMedia {
        /// The kernel's release.
        release: String,
        /// What was looked for.
        looked: String,
    },
    /// A module's file.
    #[error("the kernel module /{path} cannot be put onto the installer medium")]
    Module {
        /// Its path in the image.
        path: String,
        /// Why.
        #[source]
        source: ModuleFault,
    },
    /// The initramfs, behind which an archive is to be loaded.
    #[error(
        "the initramfs of the kernel {release} cannot be followed by another archive, as an installer medium needs: {reason}"
    )]
    Initramfs {
        /// The kernel's release.
        release: String,
        /// Why.
        reason: String,
    },
    /// The program that installs.
    #[error("this diskwright has no installer program for {architecture}")]
    NoProgram {
        /// OCI name of the architecture.
        architecture: String,
    },
    /// No boot loader for the medium.
    #[error("an installer medium needs a boot loader, and --bootloader none was asked for")]
    NoLoader,
    /// The archive.
    #[error("the archive for the installer medium cannot be made")]
    Archive(#[from] WriteError),
    /// A text of the medium's is too long.
    #[error("the {what} for the medium has {length} bytes, and {limit} are the most")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// In bytes.
        length: u64,
        /// In bytes.
        limit: u64,
    },
    /// The disk is too large for such a medium, however well it compresses.
    #[error("the disk takes at least {length} bytes of the medium, and {format} has room for {limit} at most")]
    PayloadLength {
        /// The form of the medium.
        format: OutputFormat,
        /// What it had when it was found too long, in bytes.
        length: u64,
        /// In bytes.
        limit: u64,
    },
    /// The disk has more data than the table of its blocks has room for.
    #[error("the disk has {count} blocks of 256 KiB with data, and the table of a medium has room for {limit}")]
    Blocks {
        /// How many there are.
        count: u64,
        /// How many there may be.
        limit: u64,
    },
    /// Something of the medium's file system.
    #[error("the medium cannot be laid out")]
    Iso(#[from] IsoError),
    /// Its EFI system partition.
    #[error("the medium's EFI system partition cannot be laid out")]
    Esp(#[from] FatError),
    /// GRUB for a BIOS.
    #[error("the medium's boot image for a BIOS cannot be made")]
    Bios(#[from] CoreError),
    /// The squashfs.
    #[error("the medium's payload cannot be laid out: {message}")]
    Payload {
        /// Why.
        message: String,
    },
    /// A kernel argument of the medium alone.
    #[error(transparent)]
    Argument(BootError),
    /// A kernel argument for the program on the medium, from where none is taken.
    #[error("the kernel argument {argument} cannot be on an installer medium: {reason}")]
    OwnArgument {
        /// The argument.
        argument: String,
        /// Why not.
        reason: &'static str,
    },
    /// The answers are wrong.
    #[error(transparent)]
    WrongAnswers(#[from] AnswersError),
    /// The answers want other identities for a disk that names its own where nothing can be changed.
    #[error("the answers have [drive] fresh-ids, and {reason}")]
    FreshIds {
        /// Why it cannot be, the end of a sentence.
        reason: String,
    },
    /// A file of somebody's is no medium of ours.
    #[error("{} is no installer medium that diskwright made: {reason}", .path.display())]
    NoMedium {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A part of a medium that cannot be read.
    #[error("{} is damaged: /{what}: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Path of the part on the medium.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The menu's settings on a medium are not such as are written there.
    #[error("the menu of {} cannot be changed: /diskwright/menu.cfg is not as diskwright writes it", .path.display())]
    FixedMenu {
        /// The file.
        path: PathBuf,
    },
    /// The file of answers.
    #[error("cannot read {}", .path.display())]
    Answers {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The image's files in the scratch file.
    #[error("cannot read the image's files from the scratch file")]
    Read {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl MediumError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Modules { .. } | Self::Module { .. } => "install the kernel's packages anew in the image's build".into(),
            Self::NoModule { .. } | Self::NoMedia { .. } => {
                "install the package with the kernel's other modules in the image (kernel-modules, kernel-modules-extra, linux-image-amd64 rather than a cloud kernel), or build another --type".into()
            }
            Self::Initramfs { .. } => "make the initramfs anew with dracut; the kernel takes cpio archives, plain or compressed".into(),
            Self::NoProgram { .. } => "build diskwright on that architecture, or build another --type".into(),
            Self::NoLoader => "leave --bootloader out, or build another --type".into(),
            Self::PayloadLength { format: OutputFormat::Pxe, .. } => {
                "install from an ISO instead (--type iso): an initramfs holds no larger file".into()
            }
            Self::Blocks { .. } => "put less into the image".into(),
            Self::PayloadLength { .. } => "put less into the image, or give a higher --compress-level".into(),
            Self::Payload { .. } => {
                "give a smaller --disk-size or --root-size: the root grows to its drive when it is installed".into()
            }
            Self::TooLong { .. } => "make it shorter".into(),
            Self::Iso(error) => return error.hint(),
            Self::Argument(error) => return error.hint(),
            Self::OwnArgument { .. } => {
                "leave it out; a medium is given diskwright.mode=, diskwright.check=, diskwright.wait= and diskwright.end= with --medium-karg, and answers with --answers".into()
            }
            Self::WrongAnswers(error) => error.hint().to_owned(),
            Self::FreshIds { .. } => "build the medium anew, or leave fresh-ids out; two drives with the same system should not be in one machine then".into(),
            Self::NoMedium { .. } => "name a file that `diskwright build --type iso` wrote".into(),
            Self::Damaged { .. } => "fetch the medium again, and check it with `diskwright iso show --check`".into(),
            Self::FixedMenu { .. } => "`diskwright iso reset` makes it what it was when it was built".into(),
            Self::Esp(error) => return error.hint(),
            Self::Answers { .. } => "name a file of answers with --answers, such as templates/answers.example.toml".into(),
            _ => return None,
        })
    }
}
