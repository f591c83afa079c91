//! Block maps: where a raw disk has data, so that it can be copied to a drive without its holes and be checked on the
//! way.
//!
//! Source: bmap-tools, "bmap file format" 2.0 (the comments of the XML that `bmaptool create` writes).

use std::fmt::Write as _;
use std::io;

use builder_block::{Piece, Sink};
use sha2::{Digest, Sha256};

use crate::formats::{Encoded, Writer};

/// Length of a block in bytes: the unit in which pieces have data.
const BLOCK: u64 = 4096;

/// Stands for the checksum of the file while that is computed.
const NO_CHECKSUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Notes the runs of data of a pass, with their checksums; the file is the map.
pub(crate) struct Bmap {
    /// Size of the disk in bytes.
    size: u64,
    /// The runs that are complete.
    ranges: Vec<Range>,
    /// The one that the next piece may go on with.
    open: Option<Open>,
}

/// A run of mapped blocks.
struct Range {
    /// Number of the first block.
    first: u64,
    /// Number of the last block.
    last: u64,
    checksum: [u8; 32],
}

/// A run that may go on.
struct Open {
    /// First byte.
    start: u64,
    /// The byte behind its last.
    end: u64,
    hasher: Sha256,
}

impl Bmap {
    /// The map of a disk of `size` bytes.
    pub(crate) fn new(size: u64) -> Self {
        Self { size, ranges: Vec::new(), open: None }
    }

    fn add(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.end != offset) {
            self.close();
        }
        if !offset.is_multiple_of(BLOCK) {
            return Err(io::Error::other(format!("a run of data begins at byte {offset}, inside of a block")));
        }
        let open = self.open.get_or_insert_with(|| Open { start: offset, end: offset, hasher: Sha256::new() });
        open.hasher.update(bytes);
        open.end += bytes.len() as u64;
        Ok(())
    }

    fn close(&mut self) {
        let Some(Open { start, end, hasher }) = self.open.take().filter(|open| open.end > open.start) else { return };
        let checksum = hasher.finalize().into();
        self.ranges.push(Range { first: start / BLOCK, last: (end - 1) / BLOCK, checksum });
    }

    /// The map, with `checksum` in the place of its own.
    fn xml(&self, checksum: &str) -> String {
        let mapped: u64 = self.ranges.iter().map(|range| range.last - range.first + 1).sum();
        let mut xml = format!(
            r#"<?xml version="1.0" ?>
<!-- The blocks of a raw disk that have data; all others are zero. -->
<bmap version="2.0">
    <ImageSize>{}</ImageSize>
    <BlockSize>{BLOCK}</BlockSize>
    <BlocksCount>{}</BlocksCount>
    <MappedBlocksCount>{mapped}</MappedBlocksCount>
    <ChecksumType>sha256</ChecksumType>
    <!-- Of this file, with zeros in the place of these digits. -->
    <BmapFileChecksum>{checksum}</BmapFileChecksum>
    <BlockMap>
"#,
            self.size,
            self.size.div_ceil(BLOCK),
        );
        for Range { first, last, checksum } in &self.ranges {
            xml.push_str("        <Range chksum=\"");
            // Writing to a string does not fail.
            for byte in checksum {
                let _ = write!(xml, "{byte:02x}");
            }
            let _ = if first == last {
                writeln!(xml, "\">{first}</Range>")
            } else {
                writeln!(xml, "\">{first}-{last}</Range>")
            };
        }
        xml.push_str("    </BlockMap>\n</bmap>\n");
        xml
    }
}

impl Writer for Bmap {
    fn append(&mut self, _: &mut dyn Sink, piece: &Piece, _: &Encoded) -> io::Result<()> {
        piece.data().try_for_each(|(offset, bytes)| self.add(offset, bytes))
    }

    fn finish(mut self: Box<Self>, sink: &mut dyn Sink) -> io::Result<u64> {
        self.close();
        let checksum = super::sha256(self.xml(NO_CHECKSUM).as_bytes());
        let xml = self.xml(&checksum);
        sink.write_at(0, xml.as_bytes())?;
        let length = xml.len() as u64;
        sink.end_at(length)?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::FileExt as _;
    use std::path::Path;
    use std::process::Command;

    use builder_block::{ByteSize, PIECE, Piece, Recorded, WriteAt as _};

    use super::Bmap;
    use crate::bundle::tests::{Verdict, judge};
    use crate::formats::{Encoded, Writer as _};

    const MIB: u64 = 1 << 20;

    /// Offset and length of what is written.
    type Runs = &'static [(u64, usize)];

    /// A disk with data at `runs`, and its map.
    fn write(directory: &Path, size: u64, runs: Runs) -> String {
        let mut device = Recorded::new(ByteSize::new(size), tempfile::tempfile().unwrap());
        let raw = File::create(directory.join("disk.raw")).unwrap();
        raw.set_len(size).unwrap();
        for (number, &(offset, length)) in runs.iter().enumerate() {
            let bytes = vec![u8::try_from(number + 1).unwrap(); length];
            device.write_at(offset, &bytes).unwrap();
            raw.write_all_at(&bytes, offset).unwrap();
        }
        let mut file = File::create(directory.join("disk.raw.bmap")).unwrap();
        let mut map = Box::new(Bmap::new(size));
        for number in 0..size.div_ceil(PIECE) {
            let piece = Piece::read(&device, number * PIECE).unwrap();
            map.append(&mut file, &piece, &Encoded::Plain).unwrap();
        }
        let length = map.finish(&mut file).unwrap();
        let xml = fs::read_to_string(directory.join("disk.raw.bmap")).unwrap();
        assert_eq!(xml.len() as u64, length);
        xml
    }

    fn copy(directory: &Path, from: &str) -> Verdict {
        let _ = fs::remove_file(directory.join("copy.raw"));
        let map = ["copy", "--bmap", "disk.raw.bmap", from, "copy.raw"];
        judge("bmap-tools", Command::new("bmaptool").args(map).current_dir(directory))
    }

    #[test]
    fn bmaptool_copies_the_disk_by_its_map() {
        let cases: [(u64, Runs, &[&str]); 5] = [
            (MIB, &[], &[]),
            (MIB, &[(0, 512)], &["0"]),
            // Runs that meet are one; so are those at the border of two pieces.
            (3 * PIECE, &[(0, 4096), (4096, 4096), (PIECE - 8192, 16384)], &["0-1", "1022-1025"]),
            // A run through a whole piece, and one to the end of a disk that ends inside of a block.
            (4 * PIECE + 1000, &[(PIECE - 1, 2 << 22), (4 * PIECE + 999, 1)], &["1023-3071", "4096"]),
            (2 * PIECE, &[(2 * PIECE - 1, 1)], &["2047"]),
        ];
        for (size, runs, expected) in cases {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path();
            let xml = write(directory, size, runs);
            let ranges: Vec<_> = xml
                .lines()
                .filter_map(|line| line.trim().strip_prefix("<Range chksum=\"")?.strip_suffix("</Range>"))
                .map(|range| range.split_once("\">").unwrap().1)
                .collect();
            assert_eq!(ranges, expected);
            let verdict = copy(directory, "disk.raw");
            assert!(verdict.accepted, "{}{}", verdict.stdout, verdict.stderr);
            assert!(fs::read(directory.join("disk.raw")).unwrap() == fs::read(directory.join("copy.raw")).unwrap());

            let Some(&(offset, _)) = runs.last() else { continue };
            let raw = File::options().write(true).open(directory.join("disk.raw")).unwrap();
            raw.write_all_at(&[99], offset).unwrap();
            let verdict = copy(directory, "disk.raw");
            assert!(!verdict.accepted && verdict.stderr.contains("checksum mismatch"), "{}", verdict.stderr);
        }
    }

    #[test]
    fn bmaptool_refuses_a_map_that_was_changed() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let xml = write(directory, MIB, &[(0, 512)]);
        fs::write(directory.join("disk.raw.bmap"), xml.replace(">0<", ">1<")).unwrap();
        let verdict = copy(directory, "disk.raw");
        assert!(!verdict.accepted && verdict.stderr.contains("checksum mismatch"), "{}", verdict.stderr);
    }

    #[test]
    fn bmaptool_copies_from_compressed_disks_too() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let _ = write(directory, 2 * PIECE, &[(0, 512), (PIECE + MIB, 5000)]);
        for (program, package, ending) in [("gzip", "gzip", "gz"), ("xz", "xz-utils", "xz"), ("zstd", "zstd", "zst")] {
            let made = judge(package, Command::new(program).args(["-k", "disk.raw"]).current_dir(directory));
            assert!(made.accepted, "{}", made.stderr);
            let verdict = copy(directory, &format!("disk.raw.{ending}"));
            assert!(verdict.accepted, "{ending}: {}", verdict.stderr);
            assert!(fs::read(directory.join("disk.raw")).unwrap() == fs::read(directory.join("copy.raw")).unwrap());
        }
    }
}
