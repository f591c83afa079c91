//! Why there is no disk.

use std::io;
use std::path::PathBuf;

use builder_boot::BootError;
use builder_erofs::ErofsError;
use builder_ext4::Ext4Error;
use builder_fat::FatError;
use builder_gpt::GptError;
use builder_oci::OciError;
use builder_ostree::OstreeError;
use builder_selinux::SelinuxError;

use crate::bundle::BundleError;
use crate::formats::FormatError;
use crate::layout::LayoutError;
use crate::lint::Refused;
use crate::medium::MediumError;
use crate::open::OpenError;
use crate::output::{OutputError, is_because_of_room};
use crate::placement::PlacementError;
use crate::suitability::Unsuitable;
use crate::verify::RecordError;

/// Any failure of a build or an inspection.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The image cannot be read.
    #[error(transparent)]
    Image(#[from] OciError),
    /// The layout cannot be used.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The image asks for something that cannot be done.
    #[error(transparent)]
    Unsuitable(#[from] Unsuitable),
    /// Something in the image is fatal.
    #[error(transparent)]
    Lint(#[from] Refused),
    /// The image's files do not make an ostree system.
    #[error(transparent)]
    Ostree(#[from] OstreeError),
    /// The image's SELinux policy cannot be used.
    #[error(transparent)]
    Selinux(#[from] SelinuxError),
    /// The composefs image cannot hold the image's files.
    #[error("cannot make the composefs image")]
    Composefs {
        /// What is wrong.
        #[from]
        source: ErofsError,
    },
    /// The image has no kernel or no boot loader that can be used.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A partition's file system cannot hold what it must.
    #[error("partition {number} ({name})")]
    Ext4 {
        /// Number of the partition, from 1.
        number: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        #[source]
        source: Ext4Error,
    },
    /// The ESP cannot hold what it must.
    #[error("partition {number} ({name})")]
    Fat {
        /// Number of the partition, from 1.
        number: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        #[source]
        source: FatError,
    },
    /// The partitions do not fit the disk.
    #[error(transparent)]
    Placement(#[from] PlacementError),
    /// The partition table cannot be made.
    #[error(transparent)]
    Table(#[from] GptError),
    /// The disk cannot be written in a format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The installer medium cannot be made.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// A disk of somebody's cannot be read to its end.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The documents beside the disk cannot be made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A disk of somebody's cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no record to verify a file by.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The output cannot be made.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The scratch file failed.
    #[error("cannot use the scratch file")]
    Scratch {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What kind of failure it is: each has one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// The request contradicts itself.
    Usage,
    /// The image, or a file given, is damaged or malformed.
    Input,
    /// The image is sound but would not make a working machine.
    Validation,
    /// The image asks for something that cannot be done.
    Unsupported,
    /// The machine that builds lacks something.
    Environment,
    /// Reading or writing failed.
    Io,
    /// A defect of diskwright.
    Internal,
}

impl BuildError {
    /// What kind of failure it is.
    #[must_use]
    pub fn category(&self) -> Category {
        // A full disk is a full disk, whichever station it was found at.
        if self.is_full() {
            return Category::Environment;
        }
        match self {
            Self::Image(error) => match error {
                OciError::MediaType { .. } => Category::Unsupported,
                OciError::Store { .. } => Category::Io,
                OciError::Thread { .. } => Category::Environment,
                _ => Category::Input,
            },
            Self::Layout(LayoutError::NoTemplate { .. }) | Self::Unsuitable(_) => Category::Unsupported,
            Self::Layout(_) => Category::Input,
            Self::Scratch { source } if source.kind() == io::ErrorKind::FileTooLarge => Category::Environment,
            Self::Ostree(OstreeError::Read { .. }) | Self::Scratch { .. } => Category::Io,
            Self::Ostree(OstreeError::Text { .. }) => Category::Usage,
            Self::Selinux(SelinuxError::Read { .. }) => Category::Io,
            Self::Ostree(_)
            | Self::Selinux(_)
            | Self::Composefs { .. }
            | Self::Boot(_)
            | Self::Ext4 { .. }
            | Self::Fat { .. }
            | Self::Placement(_) => Category::Validation,
            Self::Table(_) | Self::Lint(_) => Category::Validation,
            // A reader of somebody's disk found it damaged.
            Self::Read { source, .. } | Self::Format(FormatError::Source { source })
                if source.kind() == io::ErrorKind::InvalidData =>
            {
                Category::Input
            }
            Self::Format(FormatError::Source { .. }) | Self::Medium(MediumError::Read { .. }) => Category::Io,
            Self::Medium(error) => match error {
                MediumError::NoProgram { .. } | MediumError::FreshIds { .. } => Category::Unsupported,
                MediumError::NoLoader
                | MediumError::TooLong { .. }
                | MediumError::Payload { .. }
                | MediumError::PayloadLength { .. }
                | MediumError::Blocks { .. }
                | MediumError::Iso(_)
                | MediumError::Argument(_)
                | MediumError::OwnArgument { .. }
                | MediumError::FixedMenu { .. } => Category::Usage,
                MediumError::WrongAnswers(_) | MediumError::NoMedium { .. } | MediumError::Damaged { .. } => {
                    Category::Input
                }
                MediumError::Answers { .. } => Category::Io,
                _ => Category::Validation,
            },
            Self::Format(_) => Category::Usage,
            Self::Read { .. } | Self::Open(OpenError::Read { .. }) => Category::Io,
            Self::Bundle(_) => Category::Validation,
            Self::Record(RecordError::Read { .. }) => Category::Io,
            Self::Record(RecordError::Absent { .. } | RecordError::Image { .. } | RecordError::Unknown { .. }) => {
                Category::Usage
            }
            Self::Record(_) => Category::Input,
            Self::Open(_) => Category::Input,
            Self::Output(OutputError::Write { source, .. }) if source.kind() == io::ErrorKind::FileTooLarge => {
                Category::Environment
            }
            Self::Output(OutputError::Write { .. } | OutputError::DeviceWrite { .. }) => Category::Io,
            Self::Output(OutputError::NotADevice { .. }) => Category::Usage,
            Self::Output(_) => Category::Environment,
        }
    }

    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Output(error) => error.hint(),
            _ if self.is_full() => {
                Some("free some space, or set TMPDIR to a directory with room; nothing was left behind".to_owned())
            }
            Self::Image(error) => error.hint(),
            Self::Layout(error) => error.hint(),
            Self::Unsuitable(error) => error.hint(),
            Self::Lint(refused) => Some(refused.hint()),
            Self::Ostree(error) => error.hint(),
            Self::Selinux(error) => error.hint(),
            Self::Composefs { source } => source.hint(),
            Self::Boot(error) => error.hint(),
            Self::Ext4 { source, .. } => source.hint(),
            Self::Fat { source, .. } => source.hint(),
            Self::Placement(PlacementError::DiskTooSmall { needed, .. }) => {
                Some(format!("use --disk-size {} or more, or leave it out", needed.bytes()))
            }
            Self::Placement(PlacementError::TooLarge) => Some("use smaller sizes".to_owned()),
            Self::Table(error) => error.hint(),
            Self::Format(error) => error.hint(),
            Self::Medium(error) => error.hint(),
            Self::Read { source, .. } => damage(source),
            Self::Bundle(_) => Some("use --no-bundle to write the disk alone".to_owned()),
            Self::Open(error) => error.hint(),
            Self::Record(error) => error.hint(),
            Self::Scratch { source } if source.kind() == io::ErrorKind::FileTooLarge => Some(
                "the file system there holds no file of that size; set TMPDIR to a directory on another one".to_owned(),
            ),
            Self::Scratch { .. } => Some("set TMPDIR to a directory that you may write to".to_owned()),
        }
    }

    fn is_full(&self) -> bool {
        is_because_of_room(self)
    }
}

/// The hint of a damaged disk file, which its reader puts into an I/O error.
fn damage(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?;
    let qcow2 = inner.downcast_ref::<builder_qcow2::Qcow2Error>().and_then(builder_qcow2::Qcow2Error::hint);
    qcow2.or_else(|| inner.downcast_ref::<builder_vmdk::VmdkError>().and_then(builder_vmdk::VmdkError::hint))
}
