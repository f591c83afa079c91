//! A device that tells how far the writing is.

use std::fs::File;
use std::io;

use builder_block::{ByteSize, WriteAt};

use crate::progress::{Progress, Station};

/// Copies are made in pieces of this size, so that progress moves inside of one.
const PIECE: u64 = 64 << 20;

pub(crate) struct Watched<'a> {
    device: &'a mut dyn WriteAt,
    progress: &'a mut dyn Progress,
    done: u64,
}

impl<'a> Watched<'a> {
    pub(crate) fn new(device: &'a mut dyn WriteAt, progress: &'a mut dyn Progress) -> Self {
        Self { device, progress, done: 0 }
    }

    fn advance(&mut self, length: u64) {
        self.done = self.done.saturating_add(length);
        self.progress.at(Station::Write, self.done);
    }
}

impl WriteAt for Watched<'_> {
    fn size(&self) -> ByteSize {
        self.device.size()
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.device.write_at(offset, bytes)?;
        self.advance(bytes.len() as u64);
        Ok(())
    }

    fn copy_from(&mut self, offset: u64, source: &File, source_offset: u64, length: u64) -> io::Result<()> {
        let mut done = 0;
        while done < length {
            let piece = PIECE.min(length - done);
            self.device.copy_from(offset + done, source, source_offset + done, piece)?;
            self.advance(piece);
            done += piece;
        }
        Ok(())
    }
}
