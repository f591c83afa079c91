//! Device trees beside a kernel, which are part of its boot checksum.

use std::io;

use builder_grub::{DeviceId, Kind, Machine as _};
use sha2::{Digest as _, Sha256};

use super::volumes::{PROGRAM, Volumes};

/// More files than any kernel has.
const MOST: usize = 16_384;
/// More directories in one another than any kernel has.
const DEPTH: usize = 8;

/// Adds the files below `dtb` in `folder`, in the order of libostree (`ostree-sysroot-deploy.c`: `checksum_dir_recurse`):
/// by their names, directories at their places. Tells whether there are any.
///
/// # Errors
/// One cannot be read, or there are too many.
pub(crate) fn hash(volumes: &Volumes, device: DeviceId, folder: &str, hasher: &mut Sha256) -> io::Result<bool> {
    let directory = format!("{folder}/dtb");
    match volumes.look(device, &directory)? {
        Some(Kind::Directory) => below(volumes, device, &directory, DEPTH, &mut { MOST }, hasher).map(|()| true),
        _ => Ok(false),
    }
}

fn below(
    volumes: &Volumes,
    device: DeviceId,
    directory: &str,
    depth: usize,
    left: &mut usize,
    hasher: &mut Sha256,
) -> io::Result<()> {
    let mut names = volumes.list(device, directory)?.unwrap_or_default();
    names.retain(|name| name != "." && name != "..");
    names.sort();
    for name in names {
        *left = left.checked_sub(1).ok_or_else(|| io::Error::other(format!("there are more than {MOST} files")))?;
        let path = format!("{directory}/{name}");
        match volumes.look(device, &path)? {
            Some(Kind::Directory) if depth == 0 => {
                return Err(io::Error::other(format!("{path} has more than {DEPTH} directories above it")));
            }
            Some(Kind::Directory) => below(volumes, device, &path, depth - 1, left, hasher)?,
            Some(Kind::File(_)) => hasher.update(volumes.read(device, &path, PROGRAM)?.unwrap_or_default()),
            None => {}
        }
    }
    Ok(())
}
