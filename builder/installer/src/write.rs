//! Writing the disk to a drive: what the table of blocks has, and zeros where it has nothing.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use builder_medium::{Disk, Manifest};
use sha2::{Digest as _, Sha256};

use crate::console::Console;
use crate::failure::{Failure, Tried as _};
use crate::medium::Medium;
use crate::progress::Progress;
use crate::table;
use crate::target::{PIECE, Target};

/// What is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) payload: &'a File,
    pub(crate) disk: &'a Disk,
    pub(crate) blocks: &'a [builder_medium::Block],
    /// Bytes of a block.
    pub(crate) block_size: u64,
}

/// Bytes that the drive must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) place: Range<u64>,
    pub(crate) sha256: [u8; 32],
}

impl<'a> Source<'a> {
    pub(crate) fn of(medium: &'a Medium) -> Self {
        let Manifest { disk, payload, .. } = &medium.manifest;
        Self { payload: &medium.disk, disk, blocks: medium.blocks.blocks(), block_size: payload.block_size }
    }

    /// Bytes that a block has.
    fn place(&self, block: &builder_medium::Block) -> Range<u64> {
        block.offset..block.offset.saturating_add(self.block_size).min(self.disk.size)
    }

    /// What the table of blocks leaves out.
    fn gaps(&self) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = 0;
        for place in self.blocks.iter().map(|block| self.place(block)) {
            if at < place.start {
                gaps.push(at..place.start);
            }
            at = place.end;
        }
        if at < self.disk.size {
            gaps.push(at..self.disk.size);
        }
        gaps
    }

    /// The bytes of a block, which are those that were built.
    pub(crate) fn read(&self, block: &builder_medium::Block) -> Result<Vec<u8>, Failure> {
        let place = self.place(block);
        let length = usize::try_from(place.end - place.start).map_err(|_| Failure::new("a block is too long"))?;
        let mut bytes = vec![0; length];
        let hint = "the medium is damaged: write it anew and compare its checksum, then install again";
        let read = self.payload.read_exact_at(&mut bytes, place.start);
        read.tried(|| format!("read {} from the medium", self.name(place.start)))
            .map_err(|failure| failure.hint(hint))?;
        if <[u8; 32]>::from(Sha256::digest(&bytes)) != block.sha256 {
            let name = self.name(place.start);
            return Err(
                Failure::new(format!("{name} of the medium has not the SHA-256 that it was made with")).hint(hint)
            );
        }
        Ok(bytes)
    }

    /// `byte 1048576 of the disk, in partition 1 ("EFI-SYSTEM")`
    pub(crate) fn name(&self, offset: u64) -> String {
        let inside = |partition: &&builder_medium::Partition| {
            (partition.offset..partition.offset.saturating_add(partition.size)).contains(&offset)
        };
        match self.disk.partitions.iter().find(inside) {
            Some(found) => format!("byte {offset} of the disk, in partition {} ({:?}),", found.number, found.name),
            None => format!("byte {offset} of the disk, in no partition,"),
        }
    }
}

/// Makes zeros where the disk has them. The drive may have had anything there.
pub(crate) fn clear(source: &Source<'_>, target: &Target, console: &mut Console) -> Result<(), Failure> {
    let gaps = source.gaps();
    let mut progress = Progress::start("Clearing", gaps.iter().map(|gap| gap.end - gap.start).sum());
    for gap in gaps {
        let mut at = gap.start;
        while at < gap.end {
            let end = at.saturating_add(PIECE).min(gap.end);
            target.zero(at, end).tried(|| format!("clear {} on the drive", source.name(at)))?;
            progress.add(end - at, console);
            at = end;
        }
    }
    progress.end(console);
    Ok(())
}

/// Writes the blocks, without the partition table, for which there are zeros so far. What the drive must have then.
pub(crate) fn write(source: &Source<'_>, target: &Target, console: &mut Console) -> Result<Vec<Expected>, Failure> {
    let total = source.blocks.iter().map(|block| source.place(block)).map(|place| place.end - place.start).sum();
    let mut progress = Progress::start("Writing", total);
    let tables = table::places(source.disk);
    let mut expected = Vec::with_capacity(source.blocks.len());
    for block in source.blocks {
        let place = source.place(block);
        let mut bytes = source.read(block)?;
        let mut sha256 = block.sha256;
        for table in &tables {
            let inside = |at: u64| usize::try_from(at.clamp(place.start, place.end) - place.start).unwrap_or(0);
            let taken = inside(table.start)..inside(table.end);
            if !taken.is_empty() {
                bytes[taken].fill(0);
                sha256 = Sha256::digest(&bytes).into();
            }
        }
        let written = target.file.write_all_at(&bytes, place.start);
        written.tried(|| format!("write {} to the drive", source.name(place.start)))?;
        progress.add(bytes.len() as u64, console);
        expected.push(Expected { place, sha256 });
    }
    target.file.sync_all().tried(|| "write to the drive")?;
    progress.end(console);
    Ok(expected)
}
