//! Device trees beside a kernel, which are part of its boot checksum.

use std::io;

use builder_grub::{DeviceId, Kind, Machine as _};
use sha2::{Digest as _, Sha256};

use super::volumes::Volumes;

/// More files and directories than any kernel has.
const MOST: usize = 16_384;
/// More bytes than the device trees of any kernel have.
const MOST_BYTES: u64 = 256 << 20;
/// More directories in one another than any kernel has.
const DEPTH: usize = 8;

/// What came of the device trees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trees {
    /// There are none.
    None,
    /// They were added.
    Added,
    /// There are too many to be added.
    TooMany,
}

/// Adds the files below `dtb` in `folder`, in the order of libostree (`ostree-sysroot-deploy.c`: `checksum_dir_recurse`):
/// by their names, directories at their places.
///
/// # Errors
/// One cannot be read.
pub(crate) fn add(volumes: &Volumes, device: DeviceId, folder: &str, hasher: &mut Sha256) -> io::Result<Trees> {
    let directory = format!("{folder}/dtb");
    if volumes.look(device, &directory)? != Some(Kind::Directory) {
        return Ok(Trees::None);
    }
    let mut adding = Adding { volumes, device, hasher, files: MOST, bytes: MOST_BYTES };
    let all = adding.below(&directory, DEPTH)?;
    Ok(if all { Trees::Added } else { Trees::TooMany })
}

struct Adding<'a> {
    volumes: &'a Volumes,
    device: DeviceId,
    hasher: &'a mut Sha256,
    /// How many names and bytes may still come.
    files: usize,
    bytes: u64,
}

impl Adding<'_> {
    /// Adds what is in a directory; `false` where it is too much.
    fn below(&mut self, directory: &str, depth: usize) -> io::Result<bool> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(false) };
        let mut names = self.volumes.list(self.device, directory)?.unwrap_or_default();
        names.retain(|name| name != "." && name != "..");
        names.sort();
        for name in names {
            let path = format!("{directory}/{name}");
            let Some(files) = self.files.checked_sub(1) else { return Ok(false) };
            self.files = files;
            match self.volumes.look(self.device, &path)? {
                Some(Kind::Directory) if !self.below(&path, depth)? => return Ok(false),
                Some(Kind::File(size)) => {
                    let Some(bytes) = self.bytes.checked_sub(size) else { return Ok(false) };
                    self.bytes = bytes;
                    self.hasher.update(self.volumes.read(self.device, &path, size)?.unwrap_or_default());
                }
                Some(Kind::Directory) | None => {}
            }
        }
        Ok(true)
    }
}
