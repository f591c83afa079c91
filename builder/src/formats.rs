//! The formats that a disk is written in.

pub(crate) mod archive;
mod checksum;
mod compared;
mod compressed;
mod container_disk;
mod containers;
mod gce;
mod lanes;
mod line;
mod measured;
mod ova;
mod plain;
mod stream;
mod xz;

use std::fmt;
use std::str::FromStr;

use builder_block::{ByteSize, SectorSize};

pub(crate) use checksum::hex;
pub(crate) use compared::{Compared, Mismatch};
pub(crate) use lanes::{Machine, Selection};
pub(crate) use line::{Encoded, PassError, Writer};
pub(crate) use measured::Measured;

use crate::medium::MediumOptions;

/// A format that a disk is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutputFormat {
    /// The bytes of the disk, with holes.
    Raw,
    /// The same in a gzip stream.
    RawGz,
    /// The same in an xz stream.
    RawXz,
    /// The same in zstd frames.
    RawZst,
    /// QEMU's format, version 3.
    Qcow2,
    /// VMware's stream-optimised format.
    Vmdk,
    /// A fixed VHD, as Azure wants it.
    Vhd,
    /// `disk.raw` in a compressed tar archive, as Google Compute Engine wants it.
    Gce,
    /// A machine for VMware, VirtualBox and others: OVF descriptor, VMDK, manifest.
    Ova,
    /// An image with the disk in its only layer, as KubeVirt wants it.
    ContainerDisk,
    /// A medium that tries and installs the system: an ISO image, for discs and sticks.
    Iso,
    /// The same for machines that boot over the network: a tar archive of what a boot server gives out.
    Pxe,
}

impl OutputFormat {
    /// All formats.
    pub const ALL: [Self; 12] = [
        Self::Raw,
        Self::RawZst,
        Self::RawXz,
        Self::RawGz,
        Self::Qcow2,
        Self::Vmdk,
        Self::Vhd,
        Self::Gce,
        Self::Ova,
        Self::ContainerDisk,
        Self::Iso,
        Self::Pxe,
    ];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::RawGz => "raw.gz",
            Self::RawXz => "raw.xz",
            Self::RawZst => "raw.zst",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vhd => "vhd",
            Self::Gce => "gce",
            Self::Ova => "ova",
            Self::ContainerDisk => "container-disk",
            Self::Iso => "iso",
            Self::Pxe => "pxe",
        }
    }

    /// The usual name of such a file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Raw => "disk.raw",
            Self::RawGz => "disk.raw.gz",
            Self::RawXz => "disk.raw.xz",
            Self::RawZst => "disk.raw.zst",
            Self::Qcow2 => "disk.qcow2",
            Self::Vmdk => "disk.vmdk",
            Self::Vhd => "disk.vhd",
            Self::Gce => "image.tar.gz",
            Self::Ova => "image.ova",
            Self::ContainerDisk => "disk.ociarchive",
            Self::Iso => "install.iso",
            Self::Pxe => "pxe.tar",
        }
    }

    /// Whether it tries and installs the system, and so needs more than the disk.
    #[must_use]
    pub fn is_medium(self) -> bool {
        matches!(self, Self::Iso | Self::Pxe)
    }

    /// Whether it is a raw disk, or becomes one when it is decompressed.
    #[must_use]
    pub fn is_raw(self) -> bool {
        matches!(self, Self::Raw | Self::RawGz | Self::RawXz | Self::RawZst)
    }

    /// Whether its readers show a machine a disk with such sectors.
    #[must_use]
    pub fn takes(self, sector: SectorSize) -> bool {
        match self {
            // Who runs the machine says which sectors it sees.
            Self::Raw
            | Self::RawGz
            | Self::RawXz
            | Self::RawZst
            | Self::Qcow2
            | Self::ContainerDisk
            | Self::Iso
            | Self::Pxe => true,
            // Both formats count in 512 bytes, and so do the disks that VMware, Hyper-V and the two clouds make of them.
            Self::Vmdk | Self::Vhd | Self::Gce | Self::Ova => sector == SectorSize::Bytes512,
        }
    }

    /// What the size of a disk must be a multiple of.
    #[must_use]
    pub fn granularity(self) -> ByteSize {
        match self {
            // Compute Engine takes whole GiB only.
            Self::Gce => ByteSize::new(1 << 30),
            // Azure takes whole MiB only, and all our partitions are such.
            _ => ByteSize::mib(1),
        }
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OutputFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("expected one of {names}")
        })
    }
}

/// How qcow2 disks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterCompression {
    /// Zstandard: the fastest, for QEMU since 5.1 (2020).
    Zstd,
    /// Deflate, for every QEMU.
    Zlib,
    /// None.
    None,
}

impl FromStr for ClusterCompression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "zstd" => Ok(Self::Zstd),
            "zlib" => Ok(Self::Zlib),
            "none" => Ok(Self::None),
            _ => Err("expected zstd, zlib or none".to_owned()),
        }
    }
}

/// The formats asked for, and how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formats {
    /// The formats, each once, in the order asked for.
    pub formats: Vec<OutputFormat>,
    /// How qcow2 disks are compressed.
    pub compression: ClusterCompression,
    /// Level of every compression; `None` for each format's own.
    pub level: Option<i32>,
    /// Cluster size of qcow2 disks; `None` for QEMU's own.
    pub cluster_size: Option<ByteSize>,
    /// What is chosen for an installer medium.
    pub medium: MediumOptions,
}

impl Formats {
    /// Whether one of them tries and installs the system.
    pub(crate) fn has_medium(&self) -> bool {
        self.formats.iter().any(|format| format.is_medium())
    }

    /// `formats` as each is usually written.
    #[must_use]
    pub fn new(formats: Vec<OutputFormat>) -> Self {
        Self {
            formats,
            compression: ClusterCompression::Zstd,
            level: None,
            cluster_size: None,
            medium: MediumOptions::default(),
        }
    }

    /// Whether each of the files is smaller than what is in it.
    #[must_use]
    pub fn are_compressed(&self) -> bool {
        self.formats.iter().all(|format| match format {
            OutputFormat::Raw | OutputFormat::Vhd => false,
            OutputFormat::Qcow2 | OutputFormat::ContainerDisk => self.compression != ClusterCompression::None,
            OutputFormat::RawGz
            | OutputFormat::RawXz
            | OutputFormat::RawZst
            | OutputFormat::Vmdk
            | OutputFormat::Gce
            | OutputFormat::Ova
            | OutputFormat::Iso
            | OutputFormat::Pxe => true,
        })
    }

    /// What the size of the disk must be a multiple of.
    #[must_use]
    pub fn granularity(&self) -> ByteSize {
        self.formats.iter().map(|format| format.granularity()).max().unwrap_or(ByteSize::mib(1))
    }
}

impl Formats {
    /// Refuses formats whose disks have other sectors.
    ///
    /// # Errors
    /// [`FormatError::Sectors`] with the first of them.
    pub fn require_sectors(&self, sector: SectorSize) -> Result<(), FormatError> {
        match self.formats.iter().find(|format| !format.takes(sector)) {
            Some(&format) => Err(FormatError::Sectors { format, sector }),
            None => Ok(()),
        }
    }
}

/// A disk that cannot be written in a format.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// A format has no such level of compression.
    #[error("{format} has levels of compression from {least} to {most}, but {level} was asked for")]
    Level {
        /// The format.
        format: OutputFormat,
        /// The level asked for.
        level: i32,
        /// The lowest.
        least: i32,
        /// The highest.
        most: i32,
    },
    /// The size of the disk is not one that the format's readers take.
    #[error("a {format} disk has a size in whole {granularity}, but this one has {size} ({} bytes)", .size.bytes())]
    Size {
        /// The format.
        format: OutputFormat,
        /// Size of the disk.
        size: ByteSize,
        /// What it must be a multiple of.
        granularity: ByteSize,
    },
    /// It takes more than a disk to make it.
    #[error(
        "a disk alone does not make an installer medium ({format}): kernel, initramfs and boot loader come from the image"
    )]
    NeedsImage {
        /// The format.
        format: OutputFormat,
    },
    /// The format's readers know no such sectors.
    #[error("a {format} disk has sectors of 512 bytes, but this one is laid out for sectors of {sector}")]
    Sectors {
        /// The format.
        format: OutputFormat,
        /// What the disk is laid out for.
        sector: SectorSize,
    },
    /// It cannot be qcow2.
    #[error("cannot write {format}")]
    Qcow2 {
        /// The format.
        format: OutputFormat,
        /// Why.
        #[source]
        source: builder_qcow2::OptionsError,
    },
    /// It cannot be VMDK.
    #[error("cannot write {format}")]
    Vmdk {
        /// The format.
        format: OutputFormat,
        /// Why.
        #[source]
        source: builder_vmdk::VmdkError,
    },
    /// It cannot be VHD.
    #[error("cannot write vhd")]
    Vhd {
        /// Why.
        #[from]
        source: builder_vhd::VhdError,
    },
    /// What is known of the disk cannot be read.
    #[error("cannot list what is on the disk")]
    Source {
        /// Why.
        #[from]
        source: std::io::Error,
    },
}

impl FormatError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Level { .. } => Some("choose another --compress-level, or leave it out".to_owned()),
            Self::Size { granularity, .. } => Some(format!(
                "the size of the disk must be a multiple of {granularity}: build it with such a --disk-size"
            )),
            Self::Sectors { .. } => {
                let names = OutputFormat::ALL.iter().filter(|format| format.takes(SectorSize::Bytes4096));
                let names: Vec<_> = names.map(|format| format.name()).collect();
                Some(format!("choose among {}, or build the disk with --sector-size 512", names.join(", ")))
            }
            Self::Qcow2 { .. } => Some("choose another --cluster-size or --compress-level, or leave it out".to_owned()),
            Self::Vmdk { source, .. } => source.hint(),
            Self::Vhd { source } => source.hint(),
            Self::NeedsImage { .. } => Some("build it from the image: diskwright build SOURCE --type iso".to_owned()),
            Self::Source { .. } => None,
        }
    }
}
