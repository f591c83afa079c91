//! What is to be compressed, in the order of the image.

use std::io;

use builder_block::ReadAt as _;

use crate::error::WriteError;
use crate::plan::{Plan, PlannedFile};
use crate::tree::Content;

/// A block or a fragment that is to be compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub(crate) task: Task,
    /// Bytes of content that lie behind once it is done, in the order of the jobs.
    pub(crate) done: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Some bytes of one of the plan's files.
    Block { file: usize, index: usize, offset: u64, length: usize },
    /// One of the plan's fragments.
    Fragment { number: usize },
}

/// Walks over the content, past its holes.
#[derive(Debug)]
pub(crate) struct Jobs<'p> {
    plan: &'p Plan<'p>,
    file: usize,
    /// The first byte of the file that no job has been given for: a multiple of the block size.
    at: u64,
    /// Up to where the file is known to have data.
    data_end: u64,
    fragment: usize,
    /// Content in the files and fragments before.
    before: u64,
    failed: bool,
}

impl<'p> Jobs<'p> {
    pub(crate) fn new(plan: &'p Plan<'p>) -> Self {
        Self { plan, file: 0, at: 0, data_end: 0, fragment: 0, before: 0, failed: false }
    }

    /// The next job; none behind an error.
    pub(crate) fn next(&mut self) -> Option<Result<Job, WriteError>> {
        if self.failed {
            return None;
        }
        while let Some(file) = self.plan.files.get(self.file) {
            if file.blocks > 0
                && self.at < file.size
                && let Err(source) = self.skip_hole(file)
            {
                self.failed = true;
                let path = self.plan.tree.path(file.node);
                return Some(Err(WriteError::Source { path, offset: self.at, source }));
            }
            if file.blocks > 0 && self.at < file.size {
                return Some(Ok(self.block(file)));
            }
            if file.blocks > 0 {
                self.before = self.before.saturating_add(file.size);
            }
            (self.file, self.at, self.data_end) = (self.file + 1, 0, 0);
        }
        let number = self.fragment;
        let fragment = self.plan.fragments.get(number)?;
        self.fragment += 1;
        self.before = self.before.saturating_add(fragment.length as u64);
        Some(Ok(Job { task: Task::Fragment { number }, done: self.before }))
    }

    /// Goes on to the block in which the next data is, or to the end of the file.
    fn skip_hole(&mut self, file: &PlannedFile<'_>) -> io::Result<()> {
        let Content::Disk(disk) = file.content else { return Ok(()) };
        if self.at < self.data_end {
            return Ok(());
        }
        match disk.data_behind(self.at)? {
            Some(region) if region.start < file.size => {
                let start = region.start.max(self.at);
                self.at = start - start % self.plan.block_size();
                // A source that does not advance would keep its reader busy for ever.
                self.data_end = region.end.max(start.saturating_add(1));
            }
            _ => self.at = file.size,
        }
        Ok(())
    }

    fn block(&mut self, file: &PlannedFile<'_>) -> Job {
        let block_size = self.plan.block_size();
        let offset = self.at;
        let length = block_size.min(file.size - offset);
        self.at = offset.saturating_add(block_size);
        let task = Task::Block {
            file: self.file,
            // The plan has as many blocks in a usize, and a block of 1 MiB at most.
            index: usize::try_from(offset / block_size).unwrap_or(usize::MAX),
            offset,
            length: usize::try_from(length).unwrap_or(usize::MAX),
        };
        Job { task, done: self.before.saturating_add(offset + length) }
    }
}

/// Reads what a job is about into `plain`, whatever is in it.
pub(crate) fn read(plan: &Plan<'_>, task: Task, plain: &mut Vec<u8>) -> Result<(), WriteError> {
    match task {
        Task::Block { file, offset, length, .. } => {
            // Every byte is overwritten, so what is there stays.
            plain.resize(length, 0);
            read_file(plan, &plan.files[file], offset, plain)
        }
        Task::Fragment { number } => {
            let fragment = &plan.fragments[number];
            plain.resize(fragment.length, 0);
            let mut rest = plain.as_mut_slice();
            for &file in &plan.small[fragment.members.clone()] {
                let file = &plan.files[file];
                // Shorter than a block.
                let (own, others) = rest.split_at_mut(usize::try_from(file.size).unwrap_or(usize::MAX));
                read_file(plan, file, 0, own)?;
                rest = others;
            }
            Ok(())
        }
    }
}

fn read_file(plan: &Plan<'_>, file: &PlannedFile<'_>, offset: u64, buffer: &mut [u8]) -> Result<(), WriteError> {
    let read = match file.content {
        Content::Bytes(bytes) => {
            let bytes: &[u8] = bytes;
            bytes.read_at(offset, buffer)
        }
        Content::Disk(disk) => disk.read_at(offset, buffer),
    };
    read.map_err(|source| WriteError::Source { path: plan.tree.path(file.node), offset, source })
}
