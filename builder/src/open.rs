//! Disk files of anyone's, opened by what is in them and not by their names.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use builder_block::{ByteSize, DiskSource, PlainFile, ReadAt, Region, SECTOR_SIZE, SectorSize};
use builder_qcow2::{Qcow2Error, Qcow2Reader};
use builder_vhd::{VhdError, VhdReader};
use builder_vmdk::{VmdkError, VmdkReader};

use crate::output::special;

/// What a disk file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskKind {
    /// The bytes of the disk.
    Raw,
    /// QEMU's format.
    Qcow2,
    /// VMware's format, in one file.
    Vmdk,
    /// A fixed VHD.
    Vhd,
}

impl DiskKind {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vhd => "vhd",
        }
    }
}

/// A disk that can be read, whatever its format.
#[derive(Debug)]
pub struct OpenedDisk {
    body: Body,
}

#[derive(Debug)]
enum Body {
    Raw(PlainFile),
    Qcow2(Qcow2Reader<PlainFile>),
    Vmdk(VmdkReader<PlainFile>),
    Vhd(VhdReader<PlainFile>),
}

/// Why a disk file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be opened or read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no file that can be read at any place.
    #[error("{} is a {kind}, neither a regular file nor a block device", .path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// It is no disk but holds one.
    #[error("{} is a {what} file", .path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
        /// Its format.
        what: &'static str,
        /// What makes a disk of it.
        tool: &'static str,
    },
    /// It is a disk in a format that is not read, or an archive around one.
    #[error("{} is {what}, which is not read", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do with it, up to its name.
        advice: &'static str,
    },
    /// It has a length that no disk has.
    #[error("{} is no disk: it has {} bytes, not whole sectors of 512 bytes and at least one", .path.display(), .size.bytes())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its length.
        size: ByteSize,
    },
    /// It claims a size that no disk has.
    #[error("{} says that its disk has {size}, but no more than {MAX_SIZE} are read", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The size that it claims.
        size: ByteSize,
    },
    /// A qcow2 file that cannot be read.
    #[error("cannot read the qcow2 disk {}", .path.display())]
    Qcow2 {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Qcow2Error,
    },
    /// A VMDK file that cannot be read.
    #[error("cannot read the VMDK disk {}", .path.display())]
    Vmdk {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: VmdkError,
    },
    /// A VHD file that cannot be read.
    #[error("cannot read the VHD disk {}", .path.display())]
    Vhd {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: VhdError,
    },
}

impl OpenError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            // A pipe would have to be read to its end before a table at its end is found.
            Self::NotAFile { .. } => Some("save what it gives to a file first, and give that".to_owned()),
            Self::Compressed { path, tool, .. } => Some(format!("decompress it first: {tool} {}", path.display())),
            Self::Foreign { path, advice, .. } => Some(format!("{advice} {}", path.display())),
            Self::TooLarge { .. } => {
                Some("if the disk is sound, make it smaller with `qemu-img resize --shrink`".to_owned())
            }
            Self::Size { .. } => Some("give a raw, qcow2, VMDK or fixed VHD disk".to_owned()),
            Self::Qcow2 { source, .. } => source.hint(),
            Self::Vmdk { source, .. } => source.hint(),
            Self::Vhd { source, .. } => source.hint(),
        }
    }
}

/// The largest disk that is read: what the largest of the formats holds, and more than a machine has.
const MAX_SIZE: ByteSize = ByteSize::gib(64 << 10);

/// First bytes of files that are no disk but hold one, what they are, and what makes a disk of them.
const COMPRESSED: &[(&[u8], &str, &str)] = &[
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"\xfd7zXZ\0", "xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"PK\x03\x04", "zip", "unzip"),
];

/// Bytes that files have which are no raw disks, and where; what they are, and what to do with them.
const FOREIGN: &[(usize, &[u8], &str, &str)] = &[
    // POSIX.1-2017, pax, "ustar Interchange Format"; GNU's has a blank in the place of the zero.
    (257, b"ustar", "an archive (tar, as an OVA is one)", "give the disk that is in it, after `tar -xf`:"),
    (0, b"vhdxfile", "a VHDX disk", "make a raw disk of it first: qemu-img convert -O raw"),
    (64, b"\x7f\x10\xda\xbe", "a VirtualBox disk (VDI)", "make a raw disk of it first: qemu-img convert -O raw"),
    (0, b"QED\0", "a QED disk", "make a raw disk of it first: qemu-img convert -O raw"),
    (0, b"WithoutFreeSpace", "a Parallels disk", "make a raw disk of it first: qemu-img convert -O raw"),
    (0, b"WithouFreSpacExt", "a Parallels disk", "make a raw disk of it first: qemu-img convert -O raw"),
];

/// Opens a file that can be read at any place. Nothing else is opened: a FIFO would be waited for.
///
/// # Errors
/// [`OpenError::NotAFile`] for what is neither a regular file nor a block device, and [`OpenError::Read`].
pub fn open_file(path: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Read { path: path.to_owned(), source };
    let kind = fs::metadata(path).map_err(failed)?.file_type();
    if kind.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    match special(kind).filter(|_| !kind.is_block_device()) {
        Some(kind) => Err(OpenError::NotAFile { path: path.to_owned(), kind }),
        None => File::open(path).map_err(failed),
    }
}

/// Opens a raw, qcow2, VMDK or fixed VHD disk.
///
/// # Errors
/// [`OpenError`]: it is none of them, or one that cannot be read.
pub fn open_disk(path: &Path) -> Result<OpenedDisk, OpenError> {
    let failed = |source| OpenError::Read { path: path.to_owned(), source };
    let file = PlainFile::new(open_file(path)?).map_err(failed)?;
    let size = file.size();
    // A file may be shorter than a sector: the descriptor of a VMDK in several files is.
    let mut first = [0; SECTOR];
    let mut last = [0; 8];
    file.read_at(0, &mut first[..usize::try_from(size.bytes()).map_or(SECTOR, |size| size.min(SECTOR))])
        .map_err(failed)?;
    if size.bytes() >= SECTOR_SIZE {
        file.read_at(size.bytes() - SECTOR_SIZE, &mut last).map_err(failed)?;
    }
    let body = if first.starts_with(b"QFI\xfb") {
        Qcow2Reader::open(file).map(Body::Qcow2).map_err(|source| OpenError::Qcow2 { path: path.to_owned(), source })?
    } else if first.starts_with(b"KDMV") || first.starts_with(b"COWD") || first.starts_with(b"# Disk D") {
        VmdkReader::open(file).map(Body::Vmdk).map_err(|source| OpenError::Vmdk { path: path.to_owned(), source })?
    } else if first.starts_with(b"conectix") || last == *b"conectix" {
        VhdReader::open(file).map(Body::Vhd).map_err(|source| OpenError::Vhd { path: path.to_owned(), source })?
    } else if let Some((_, what, tool)) = COMPRESSED.iter().find(|(magic, ..)| first.starts_with(magic)) {
        return Err(OpenError::Compressed { path: path.to_owned(), what, tool });
    } else if let Some((_, _, what, advice)) = FOREIGN.iter().find(|(at, magic, ..)| holds(&first, *at, magic)) {
        return Err(OpenError::Foreign { path: path.to_owned(), what, advice });
    } else {
        Body::Raw(file)
    };
    let disk = OpenedDisk { body };
    let size = disk.size();
    if size == ByteSize::ZERO || !size.bytes().is_multiple_of(SECTOR_SIZE) {
        return Err(OpenError::Size { path: path.to_owned(), size });
    }
    if size > MAX_SIZE {
        return Err(OpenError::TooLarge { path: path.to_owned(), size });
    }
    Ok(disk)
}

/// What is looked at to tell formats, in bytes.
const SECTOR: usize = 512;

/// Whether `bytes` holds `magic` at `at`.
fn holds(bytes: &[u8], at: usize, magic: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|bytes| bytes.starts_with(magic))
}

impl OpenedDisk {
    /// What the file is.
    #[must_use]
    pub fn kind(&self) -> DiskKind {
        match &self.body {
            Body::Raw(_) => DiskKind::Raw,
            Body::Qcow2(_) => DiskKind::Qcow2,
            Body::Vmdk(_) => DiskKind::Vmdk,
            Body::Vhd(_) => DiskKind::Vhd,
        }
    }

    /// The sectors that its partition table is made for; `None` where there is no GUID partition table that can be read.
    #[must_use]
    pub fn sector_size(&self) -> Option<SectorSize> {
        builder_gpt::read::read(self).ok().map(|table| table.sector)
    }

    fn disk(&self) -> &dyn DiskSource {
        match &self.body {
            Body::Raw(disk) => disk,
            Body::Qcow2(disk) => disk,
            Body::Vmdk(disk) => disk,
            Body::Vhd(disk) => disk,
        }
    }
}

impl ReadAt for OpenedDisk {
    fn size(&self) -> ByteSize {
        self.disk().size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk().read_at(offset, buffer)
    }
}

impl DiskSource for OpenedDisk {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        self.disk().data_behind(from)
    }
}
