//! Disks that are read from the first byte to the last.

use std::io;

use crate::{ReadAt, Region};

/// A disk that can be read and knows where it has data.
pub trait DiskSource: ReadAt {
    /// The first run of bytes at or behind `from` that may be other than zero; `None` where all that follows is zero.
    /// Data may turn out to be zeros; holes may not turn out to be data.
    ///
    /// # Errors
    /// An I/O error of the device, or a damaged map of it.
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>>;

    /// All runs of data, in ascending order. After an error there are no more.
    fn regions(&self) -> Regions<'_, Self>
    where
        Self: Sized,
    {
        Regions { source: self, at: Some(0) }
    }
}

/// See [`DiskSource::regions`].
#[derive(Debug)]
pub struct Regions<'a, S: ?Sized> {
    source: &'a S,
    at: Option<u64>,
}

impl<S: DiskSource + ?Sized> Iterator for Regions<'_, S> {
    type Item = io::Result<Region>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.source.data_behind(self.at.take()?).transpose()?;
        // A source that does not advance would keep its reader busy for ever.
        self.at = found.as_ref().ok().map(|region| region.end);
        Some(found)
    }
}
