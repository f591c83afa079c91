//! The kernel's ioctls for which there is no safe function: the only unsafe code of this program.
//!
//! Numbers and layouts are those of `linux/loop.h`, `linux/dm-ioctl.h` and `linux/fs.h`. All are plain bytes to the kernel,
//! which copies them, so that alignment does not matter. Both architectures are little-endian.
#![expect(unsafe_code, reason = "an ioctl is a pointer and a promise about what it points to")]

use std::ffi::c_void;
use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl};

/// `BLKRRPART`: the kernel reads the partition table again.
const READ_PARTITIONS: Opcode = 0x125F;
/// `BLKFLSBUF`: the kernel forgets what it has of the device.
const FLUSH_BUFFERS: Opcode = 0x1261;
/// `LOOP_CTL_ADD`, `LOOP_CTL_GET_FREE`, `LOOP_CONFIGURE`.
const LOOP_ADD: Opcode = 0x4C80;
const LOOP_FREE: Opcode = 0x4C82;
const LOOP_CONFIGURE: Opcode = 0x4C0A;
/// Bytes of a `struct loop_config`.
pub(crate) const LOOP_CONFIG: usize = 304;
/// Bytes of a `struct dm_ioctl`, behind which the table comes.
pub(crate) const DM_HEADER: usize = 312;

/// A call of the device mapper.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DmCall {
    /// `DM_DEV_CREATE`
    Create = 3,
    /// `DM_DEV_REMOVE`
    Remove = 4,
    /// `DM_DEV_SUSPEND`, which also resumes.
    Suspend = 6,
    /// `DM_TABLE_LOAD`
    LoadTable = 9,
}

/// Has the kernel read the partition table of a device again.
pub(crate) fn read_partitions(device: impl AsFd) -> io::Result<()> {
    number(device, READ_PARTITIONS, 0).map(drop)
}

/// Has the kernel forget what it keeps of a device in memory.
pub(crate) fn flush_buffers(device: impl AsFd) -> io::Result<()> {
    number(device, FLUSH_BUFFERS, 0).map(drop)
}

/// The number of a loop device that is not in use.
pub(crate) fn free_loop(control: impl AsFd) -> io::Result<u32> {
    let number = number(control, LOOP_FREE, 0)?;
    u32::try_from(number).map_err(io::Error::other)
}

/// Makes a loop device with this number.
pub(crate) fn add_loop(control: impl AsFd, wanted: u32) -> io::Result<()> {
    let wanted = usize::try_from(wanted).map_err(io::Error::other)?;
    number(control, LOOP_ADD, wanted).map(drop)
}

/// Gives a loop device its file.
pub(crate) fn configure_loop(device: impl AsFd, config: &mut [u8; LOOP_CONFIG]) -> io::Result<()> {
    bytes(device, LOOP_CONFIGURE, config)
}

/// Calls the device mapper with a header and what follows it; the answer is in the same place.
pub(crate) fn device_mapper(control: impl AsFd, call: DmCall, message: &mut [u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    // `data_size`, which is how much the kernel reads and writes.
    let Some(size) = message.get_mut(12..16).filter(|_| length >= 312) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    size.copy_from_slice(&length.to_le_bytes());
    // _IOWR(0xfd, call, struct dm_ioctl)
    bytes(control, (3 << 30) | (312 << 16) | (0xfd << 8) | call as Opcode, message)
}

/// A call whose argument is a number, or nothing.
struct Number {
    opcode: Opcode,
    argument: usize,
}

// SAFETY: the opcodes that this is used with take a number in place of a pointer.
unsafe impl Ioctl for Number {
    type Output = IoctlOutput;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        self.opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::without_provenance_mut(self.argument)
    }

    unsafe fn output_from_ptr(output: IoctlOutput, _: *mut c_void) -> rustix::io::Result<Self::Output> {
        Ok(output)
    }
}

/// A call whose argument is a piece of memory.
struct Bytes<'a> {
    opcode: Opcode,
    memory: &'a mut [u8],
}

// SAFETY: the callers give as many bytes as the kernel reads and writes.
unsafe impl Ioctl for Bytes<'_> {
    type Output = ();

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        self.opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.memory.as_mut_ptr().cast()
    }

    unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> rustix::io::Result<Self::Output> {
        Ok(())
    }
}

fn number(device: impl AsFd, opcode: Opcode, argument: usize) -> io::Result<IoctlOutput> {
    // SAFETY: none of these opcodes touches the memory of this process.
    Ok(unsafe { ioctl(device, Number { opcode, argument }) }?)
}

fn bytes(device: impl AsFd, opcode: Opcode, memory: &mut [u8]) -> io::Result<()> {
    // SAFETY: `LOOP_CONFIGURE` reads LOOP_CONFIG bytes, which its caller's type says; the device mapper reads and writes
    // `data_size` bytes, which its caller has set to the length.
    Ok(unsafe { ioctl(device, Bytes { opcode, memory }) }?)
}
