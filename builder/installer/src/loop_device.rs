//! Loop devices: files, and parts of devices, as block devices.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;

use crate::ioctl::{self, LOOP_CONFIG};

/// `LO_FLAGS_READ_ONLY`, `LO_FLAGS_AUTOCLEAR`, `LO_FLAGS_PARTSCAN` of `linux/loop.h`.
const READ_ONLY: u32 = 1;
const AUTOCLEAR: u32 = 4;
const PARTITION_SCAN: u32 = 8;
/// `LO_FLAGS_DIRECT_IO`: what it shows is not kept in memory twice.
const DIRECT: u32 = 16;

/// What a loop device shows.
#[derive(Debug)]
pub(crate) struct Backing<'a> {
    /// The file, or device.
    pub(crate) file: &'a File,
    /// First byte that is shown.
    pub(crate) offset: u64,
    /// In bytes; 0 for all that follows.
    pub(crate) size: u64,
    /// Bytes of a sector, which a partition table counts; 0 lets the kernel choose.
    pub(crate) sector_size: u32,
}

/// How a loop device is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is gone when nobody uses it any more.
    Passing,
    /// It is read-only, and gone when nobody uses it any more.
    PassingReadOnly,
    /// It is read-only, and stays.
    ReadOnly,
    /// It stays, and its partitions have devices of their own.
    Partitioned,
}

/// A loop device, which is open.
#[derive(Debug)]
pub(crate) struct LoopDevice {
    /// `/dev/loopN`
    pub(crate) path: PathBuf,
    /// Open, so that it stays until somebody uses it.
    _file: File,
}

impl LoopDevice {
    /// Shows a file with the number that is free.
    pub(crate) fn new(backing: &Backing<'_>, kind: Kind) -> io::Result<Self> {
        let control = control()?;
        // Somebody else may take the number between the two calls.
        let mut result = Err(io::ErrorKind::ResourceBusy.into());
        for _ in 0..16 {
            let number = ioctl::free_loop(&control)?;
            result = open(number, backing, kind);
            match &result {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
                _ => break,
            }
        }
        result
    }

    /// Shows a file with this number.
    pub(crate) fn with_number(number: u32, backing: &Backing<'_>, kind: Kind) -> io::Result<Self> {
        match ioctl::add_loop(control()?, number) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => open(number, backing, kind),
        }
    }
}

fn control() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/loop-control")
}

fn open(number: u32, backing: &Backing<'_>, kind: Kind) -> io::Result<LoopDevice> {
    let path = PathBuf::from(format!("/dev/loop{number}"));
    let read_only = matches!(kind, Kind::ReadOnly | Kind::PassingReadOnly);
    let file = OpenOptions::new().read(true).write(!read_only).open(&path)?;
    let flags = match kind {
        Kind::Passing => AUTOCLEAR,
        Kind::PassingReadOnly => READ_ONLY | AUTOCLEAR,
        Kind::ReadOnly => READ_ONLY,
        Kind::Partitioned => PARTITION_SCAN | DIRECT,
    };
    // struct loop_config: `fd`, `block_size` at 4, and a struct loop_info64 with `lo_offset` at 24, `lo_sizelimit` at 32
    // and `lo_flags` at 52.
    let mut config = [0; LOOP_CONFIG];
    let mut put = |at: usize, bytes: &[u8]| config[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &backing.file.as_raw_fd().to_le_bytes());
    put(4, &backing.sector_size.to_le_bytes());
    put(8 + 24, &backing.offset.to_le_bytes());
    put(8 + 32, &backing.size.to_le_bytes());
    put(8 + 52, &flags.to_le_bytes());
    ioctl::configure_loop(&file, &mut config)?;
    Ok(LoopDevice { path, _file: file })
}
