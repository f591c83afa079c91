//! The outside tools, and trees to show them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use builder_block::{ByteSize, DiskSource, ReadAt, Region};
use builder_squashfs::{Options, Plan, Tree, Written};
use tempfile::TempDir;

/// Every image's time.
pub(crate) const MTIME: u32 = 1_700_000_000;

/// What a command of a Debian package says.
pub(crate) fn run(package: &str, command: &mut Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = match command.env("PATH", path).output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// `mksquashfs` with these options.
#[allow(dead_code, reason = "not every judge makes images")]
pub(crate) fn mksquashfs(from: &Path, image: &Path, options: &[&str]) {
    let mut command = Command::new("mksquashfs");
    command.arg(from).arg(image).args(["-noappend", "-no-progress", "-quiet", "-no-xattrs"]).args(options);
    run("squashfs-tools", &mut command);
}

/// An image in a file of its own.
#[allow(dead_code, reason = "not every judge needs one")]
pub(crate) fn image(directory: &TempDir, tree: &Tree<'_>, options: &Options) -> (PathBuf, Written) {
    let path = directory.path().join("image");
    let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    let written = Plan::new(tree, options).unwrap().write_to(&mut file, 0, 3, &mut |_| ()).unwrap();
    assert_eq!(file.metadata().unwrap().len(), written.length);
    (path, written)
}

/// Words and numbers, which compress somewhat, and are never the same for two seeds.
pub(crate) fn text(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut bytes = Vec::with_capacity(length + 16);
    while bytes.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let word = ["block ", "inode ", "super ", "fragment ", "of ", "the ", "a "][(state >> 24) as usize % 7];
        bytes.extend_from_slice(word.as_bytes());
        bytes.extend_from_slice(&state.to_be_bytes()[..2]);
    }
    bytes.truncate(length);
    bytes
}

/// Bytes that do not compress.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A disk that is empty but for some bytes.
pub(crate) struct Disk {
    pub(crate) size: u64,
    /// Ascending, without overlap.
    pub(crate) runs: Vec<(u64, Vec<u8>)>,
}

impl ReadAt for Disk {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.size)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset + buffer.len() as u64;
        if end > self.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.fill(0);
        for (start, bytes) in &self.runs {
            let (from, to) = (offset.max(*start), end.min(start + bytes.len() as u64));
            if from < to {
                let at = |place: u64, begin: u64| usize::try_from(place - begin).unwrap();
                buffer[at(from, offset)..at(to, offset)].copy_from_slice(&bytes[at(from, *start)..at(to, *start)]);
            }
        }
        Ok(())
    }
}

impl DiskSource for Disk {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        let runs = self.runs.iter().map(|(start, bytes)| Region { start: *start, end: start + bytes.len() as u64 });
        Ok(runs.into_iter().find(|run| run.end > from).map(|run| Region { start: run.start.max(from), ..run }))
    }
}
