//! A copy of a device whose changes are kept in memory: the device mapper's `snapshot`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::ioctl::{DM_HEADER, DmCall, device_mapper};
use crate::log::note;

/// Name of the device, for people.
const NAME: &str = "diskwright-live";
/// What is copied at once, in sectors: a page.
const CHUNK: u32 = 8;
/// Bytes of a `struct dm_target_spec`.
const TARGET: usize = 40;

/// Makes the copy of `origin`, with `store` for what is changed; both are `/dev/loopN`. The new device's node.
pub(crate) fn make(origin: &Path, store: &Path, sectors: u64) -> io::Result<PathBuf> {
    let control = File::options().read(true).write(true).open("/dev/mapper/control")?;
    let mut message = header();
    device_mapper(&control, DmCall::Create, &mut message)?;
    let number = device_number(&message);
    if let Err(error) = fill(&control, origin, store, sectors) {
        let _ = device_mapper(&control, DmCall::Remove, &mut header());
        return Err(error);
    }
    Ok(PathBuf::from(format!("/dev/dm-{number}")))
}

fn fill(control: &File, origin: &Path, store: &Path, sectors: u64) -> io::Result<()> {
    let mut message = header();
    let table = format!("{} {} N {CHUNK}", origin.display(), store.display());
    put_table(&mut message, sectors, "snapshot", &table);
    note(format!("device mapper: 0 {sectors} snapshot {table}"));
    device_mapper(control, DmCall::LoadTable, &mut message)?;
    // Without the flag for it, suspending is resuming.
    device_mapper(control, DmCall::Suspend, &mut header())
}

/// A `struct dm_ioctl` of version 4.0.0: `version` at 0, `data_start` at 16, `target_count` at 20, `dev` at 40,
/// `name` at 48; no flag of those at 28 is wanted. `data_size` is set when it is sent.
fn header() -> Vec<u8> {
    let mut message = vec![0; DM_HEADER];
    message[0] = 4;
    put(&mut message, 16, &312_u32.to_le_bytes());
    put(&mut message, 48, NAME.as_bytes());
    message
}

/// Adds one target: `sector_start` at 0, `length` at 8, `next` at 20, `target_type` at 24, and then its text.
fn put_table(message: &mut Vec<u8>, sectors: u64, kind: &str, text: &str) {
    let start = message.len();
    // With a zero at its end, up to a multiple of 8.
    message.resize(start + TARGET + (text.len() + 1).next_multiple_of(8), 0);
    put(message, 20, &1_u32.to_le_bytes());
    put(message, start + 8, &sectors.to_le_bytes());
    put(message, start + 24, kind.as_bytes());
    put(message, start + TARGET, text.as_bytes());
}

fn put(message: &mut [u8], at: usize, bytes: &[u8]) {
    message[at..at + bytes.len()].copy_from_slice(bytes);
}

/// The minor number of `dev`: `linux/kdev_t.h`, `new_encode_dev`.
fn device_number(message: &[u8]) -> u32 {
    let mut dev = [0; 4];
    dev.copy_from_slice(&message[40..44]);
    let dev = u32::from_le_bytes(dev);
    dev & 0xff | dev >> 12 & 0xf_ff00
}

#[cfg(test)]
mod tests {
    use super::{device_number, header, put_table};

    #[test]
    fn messages_have_the_layout_of_the_kernel() {
        let mut message = header();
        assert_eq!((message.len(), &message[48..63]), (312, &b"diskwright-live"[..]));
        put_table(&mut message, 0x1234, "snapshot", "/dev/loop0 /dev/loop1 N 8");
        assert_eq!(message.len(), 312 + 40 + 32);
        assert_eq!((message[20], &message[320..322], &message[336..344]), (1, &[0x34, 0x12][..], &b"snapshot"[..]));
        assert!(message[352..].starts_with(b"/dev/loop0 /dev/loop1 N 8\0"));
        // Major 254, minor 3, and minor 0x1234.
        for (dev, minor) in [(0x0000_fe03_u32, 3), (0x0010_fe34 | 0x0120_0000, 0x1234 & 0xff | 0x1300)] {
            message[40..44].copy_from_slice(&dev.to_le_bytes());
            assert_eq!(device_number(&message), minor);
        }
    }
}
