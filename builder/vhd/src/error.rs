//! What a VHD file cannot be, and what is wrong with one.

use std::io;

use builder_block::ByteSize;

use crate::{Kind, MAX_SIZE};

/// Why a VHD file cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VhdError {
    /// A disk that Azure or the format does not take.
    #[error("the disk has {} bytes, but a VHD disk has whole MiB, from one to {MAX_SIZE}", .size.bytes())]
    Size {
        /// The size asked for.
        size: ByteSize,
    },
    /// The file does not end as VHD files do.
    #[error("the file is not a VHD file: its last 512 bytes do not begin with \"conectix\"")]
    NotVhd,
    /// The footer is not what its writer has written.
    #[error("the footer of the VHD file is damaged: its checksum is {found:#010x}, computed {computed:#010x}")]
    Checksum {
        /// The checksum in the footer.
        found: u32,
        /// The checksum of the footer.
        computed: u32,
    },
    /// A number that cannot be right.
    #[error("the footer of the VHD file has the {field} {value}, but {allowed}")]
    Field {
        /// What has the number.
        field: &'static str,
        /// The number.
        value: u64,
        /// What it can be.
        allowed: &'static str,
    },
    /// The disk is not fixed.
    #[error("the VHD file holds a {kind} disk; only fixed ones can be read")]
    Unsupported {
        /// The kind of disk.
        kind: Kind,
    },
    /// The disk is longer than the file.
    #[error("the VHD file has {file} bytes, but the disk in it has {} and a footer", .size.bytes())]
    Truncated {
        /// Size of the disk, as the footer has it.
        size: ByteSize,
        /// Length of the file in bytes.
        file: u64,
    },
    /// The file cannot be read.
    #[error("the VHD file cannot be read")]
    Read(#[from] io::Error),
}

impl VhdError {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Size { size } if *size < MAX_SIZE => {
                let next = (*size).max(ByteSize::new(1)).align_up(1 << 20)?;
                Some(format!("use {} bytes ({next})", next.bytes()))
            }
            Self::Size { .. } => Some("make the disk smaller or use another format".into()),
            Self::Unsupported { .. } => {
                Some("convert it with: qemu-img convert -f vpc -O vpc -o subformat=fixed,force_size=on".into())
            }
            Self::Truncated { .. } => Some("the file may have been cut; copy it again".into()),
            _ => None,
        }
    }
}
