//! What a VMDK file cannot be, and what is wrong with one.

use std::io;

use builder_block::ByteSize;

use crate::MAX_SIZE;

/// Why a VMDK file cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VmdkError {
    /// A disk of no sectors, of too many, or that ends inside one.
    #[error("the disk has {} bytes, but a VMDK disk has whole sectors of 512, at most {MAX_SIZE}", .size.bytes())]
    Size {
        /// The size asked for.
        size: ByteSize,
    },
    /// A name that the descriptor cannot hold.
    #[error(
        "{name:?} cannot be the name of a VMDK file: 1 to 255 bytes without quotes, slashes and control characters"
    )]
    Name {
        /// The name asked for.
        name: String,
    },
    /// A content ID that means "no content".
    #[error("the content ID {id:#010x} is reserved")]
    ContentId {
        /// The ID asked for.
        id: u32,
    },
    /// A piece that is not one of the disk.
    #[error("the {length} bytes at {offset} are not a piece of the disk of {size} bytes")]
    Piece {
        /// Where the piece begins, in bytes.
        offset: u64,
        /// Its length in bytes.
        length: u64,
        /// Size of the disk in bytes.
        size: u64,
    },
    /// A piece that came too late.
    #[error("grain {grain} was appended behind grain {previous}")]
    Order {
        /// The first grain of the piece.
        grain: u64,
        /// The last one written.
        previous: u64,
    },
    /// More file than its tables can point at.
    #[error("the VMDK file would pass 2 TiB, the end of what its tables can point at")]
    TooLarge,
    /// The file is of another format.
    #[error("the file is not a VMDK file: it does not begin with \"KDMV\"")]
    NotVmdk,
    /// A VMDK file of a kind that is not read.
    #[error("the VMDK file is {found}; only streamOptimized and monolithicSparse disks in one file can be read")]
    Unsupported {
        /// What it is.
        found: String,
    },
    /// The disk is the difference to another.
    #[error("the VMDK file holds only the difference to another one ({parent})")]
    Parent {
        /// What the descriptor says of the other.
        parent: String,
    },
    /// A number that cannot be right.
    #[error("the VMDK file has the {field} {value}, but {allowed}")]
    Field {
        /// What has the number.
        field: &'static str,
        /// The number.
        value: u64,
        /// What it can be.
        allowed: &'static str,
    },
    /// A part of the file that lies behind its end.
    #[error("the VMDK file has {file} bytes, but its {part} is the {length} bytes at {offset}")]
    Outside {
        /// What lies there.
        part: &'static str,
        /// Where it begins, in bytes.
        offset: u64,
        /// Its length in bytes.
        length: u64,
        /// Length of the file in bytes.
        file: u64,
    },
    /// A stream without an end.
    #[error("the VMDK file says that its directory is at the end, but it does not end with a footer")]
    NoFooter,
    /// A grain that cannot be decompressed.
    #[error(
        "the VMDK file is damaged: the grain of the disk at byte {disk_offset}, at byte {offset} of the file, {problem}"
    )]
    Grain {
        /// Where the grain lies on the disk, in bytes.
        disk_offset: u64,
        /// Where it lies in the file, in bytes.
        offset: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file cannot be read.
    #[error("the VMDK file cannot be read")]
    Read(#[from] io::Error),
}

impl VmdkError {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unsupported { .. } | Self::Parent { .. } => {
                Some("convert it with: qemu-img convert -O vmdk -o subformat=streamOptimized".into())
            }
            Self::Outside { .. } | Self::NoFooter => Some("the file may have been cut; copy it again".into()),
            _ => None,
        }
    }
}

impl From<VmdkError> for io::Error {
    fn from(error: VmdkError) -> Self {
        let kind = match &error {
            VmdkError::Read(_) => None,
            VmdkError::Piece { .. } | VmdkError::Order { .. } => Some(io::ErrorKind::InvalidInput),
            VmdkError::TooLarge => Some(io::ErrorKind::FileTooLarge),
            _ => Some(io::ErrorKind::InvalidData),
        };
        match (error, kind) {
            (VmdkError::Read(error), _) => error,
            (error, kind) => Self::new(kind.unwrap_or(io::ErrorKind::Other), error),
        }
    }
}
