//! A plan becomes an image.

use std::io;

use builder_block::{Inner, Sink};

use crate::constants::{BLOCK_PLAIN, METADATA_BYTES, SUPERBLOCK_BYTES};
use crate::encode::Encoder;
use crate::error::WriteError;
use crate::format::{Superblock, fragment_entry, options};
use crate::jobs::Task;
use crate::line::{self, Encoded, Stored};
use crate::metadata::Metadata;
use crate::options::Options;
use crate::plan::Plan;
use crate::tables::{Body, Tables};

/// Images end at a multiple of this, filled up with zeros: the largest sector of a device that one may be copied to.
const PADDING: u64 = 4096;

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes that the image says it has.
    pub bytes_used: u64,
    /// Bytes from its begin to the end of its padding: a multiple of 4 KiB.
    pub length: u64,
}

impl Plan<'_> {
    /// Writes the image into `sink`, from the byte `start` (a multiple of 4 KiB, if it is to be mounted from there) up
    /// to the end of its padding. Bytes in front and behind are left as they are, and the superblock comes last: an
    /// image that is not complete is none.
    ///
    /// So many `threads` (1 to 16) compress; the bytes do not depend on their number. `done` is told how much of
    /// [`Plan::content_size`] is behind, in bytes. Memory is used for about four blocks, and what zstd needs, for each
    /// thread, for four bytes for each block of the files, and for the tree.
    ///
    /// # Errors
    /// [`WriteError`]: a content that cannot be read, a sink that cannot be written, or a table that has become too
    /// large.
    pub fn write_to(
        &self,
        sink: &mut dyn Sink,
        start: u64,
        threads: usize,
        done: &mut dyn FnMut(u64),
    ) -> Result<Written, WriteError> {
        let mut end = End { sink: Inner::new(sink, start), at: SUPERBLOCK_BYTES as u64 };
        let has_options = self.options.level != Options::UNSAID_LEVEL;
        if has_options {
            end.append(&options(self.options.level))?;
        }

        let (bodies, fragments) = self.write_content(&mut end, threads, done)?;
        let encoder = Encoder::new(self.options.level, self.block_log).map_err(WriteError::Compress)?;
        let inode_table = end.at;
        let mut tables = Tables::new(self, &bodies, encoder);
        let names = tables.make(&mut |inodes| end.append(inodes))?;
        let directory_table = end.at;
        end.append(&names)?;
        let references: Vec<u8> = tables.references.iter().flat_map(|reference| reference.encode()).collect();
        let root = tables.references[0];
        let mut encoder = tables.into_encoder();

        let fragment_table = end.table("table of fragments", &fragments, &mut encoder)?;
        let export_table = end.table("table of inode numbers", &references, &mut encoder)?;
        let ids: Vec<u8> = self.ids.keys().flat_map(|id| id.to_le_bytes()).collect();
        let id_table = end.table("table of owners", &ids, &mut encoder)?;

        let bytes_used = end.at;
        let padding = bytes_used.next_multiple_of(PADDING) - bytes_used;
        end.append(&[0; 4096][..usize::try_from(padding).unwrap_or_default()])?;
        let superblock = Superblock {
            // All three were counted when the image was planned.
            inodes: u32::try_from(self.order.len()).unwrap_or(u32::MAX),
            fragments: u32::try_from(self.fragments.len()).unwrap_or(u32::MAX),
            ids: u16::try_from(self.ids.len()).unwrap_or(u16::MAX),
            mtime: self.options.mtime,
            block_log: self.block_log,
            has_options,
            root,
            bytes_used,
            id_table,
            inode_table,
            directory_table,
            fragment_table,
            export_table,
        };
        let length = end.at;
        end.at = 0;
        end.append(&superblock.encode())?;
        done(self.content_size().bytes());
        Ok(Written { bytes_used, length })
    }

    /// Writes blocks and fragments; gives what became of the files, and the entries of the fragments.
    fn write_content(
        &self,
        end: &mut End<'_>,
        threads: usize,
        done: &mut dyn FnMut(u64),
    ) -> Result<(Vec<Body>, Vec<u8>), WriteError> {
        let mut bodies: Vec<Body> =
            self.files.iter().map(|file| Body { words: vec![0; file.blocks], ..Body::default() }).collect();
        let mut fragments = Vec::new();
        line::run(self, threads, &mut |encoded| {
            let at = end.at;
            let word = end.block(encoded)?;
            match encoded.job.task {
                Task::Block { file, index, .. } => {
                    let body = &mut bodies[file];
                    if word != 0 && body.start == 0 {
                        body.start = at;
                    }
                    body.words[index] = word;
                }
                Task::Fragment { .. } => fragments.extend(fragment_entry(at, word)),
            }
            done(encoded.job.done);
            Ok(())
        })?;
        for (file, body) in self.files.iter().zip(&mut bodies) {
            let zeros = body.words.iter().filter(|&&word| word == 0).count() as u64;
            let mut sparse = zeros.saturating_mul(self.block_size());
            if body.words.last() == Some(&0) {
                // The last block may be shorter.
                sparse -= file.blocks as u64 * self.block_size() - file.size;
            }
            // As `mksquashfs` does: programs that see a file without any block on disk take it for one without content.
            body.sparse = sparse.min(file.size.saturating_sub(1));
        }
        Ok((bodies, fragments))
    }
}

/// The end of an image that grows.
struct End<'a> {
    sink: Inner<'a>,
    at: u64,
}

impl End<'_> {
    fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let failed = |source| WriteError::Output { offset: self.at, source };
        self.sink.write_at(self.at, bytes).map_err(failed)?;
        self.at = self
            .at
            .checked_add(bytes.len() as u64)
            .ok_or_else(|| WriteError::Output { offset: self.at, source: io::ErrorKind::FileTooLarge.into() })?;
        Ok(())
    }

    /// Appends a block and gives the word that a list of blocks has for it.
    fn block(&mut self, encoded: &Encoded) -> Result<u32, WriteError> {
        let (bytes, mark) = match encoded.stored() {
            Stored::Zero => return Ok(0),
            Stored::Plain(bytes) => (bytes, BLOCK_PLAIN),
            Stored::Packed(bytes) => (bytes, 0),
        };
        self.append(bytes)?;
        // A block has 1 MiB at most.
        Ok(u32::try_from(bytes.len()).unwrap_or(u32::MAX) | mark)
    }

    /// Appends a table whose entries are found by number: metadata blocks, then the place of each. Gives where those
    /// places begin.
    fn table(&mut self, name: &'static str, entries: &[u8], encoder: &mut Encoder) -> Result<u64, WriteError> {
        let mut places = Vec::new();
        let mut table = Metadata::new(name);
        for block in entries.chunks(METADATA_BYTES) {
            places.extend(self.at.to_le_bytes());
            table.append(encoder, block)?;
            table.end(encoder)?;
            self.append(&table.take())?;
        }
        let begin = self.at;
        self.append(&places)?;
        Ok(begin)
    }
}
