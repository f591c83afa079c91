//! Where a file lies, so that its bytes can be replaced.

use std::collections::BTreeSet;

use builder_block::Region;

use super::{ATTRIBUTE_DIRECTORY, Bounds, ENTRY_LIMIT, FatReader, ReadError, records};

impl FatReader<'_> {
    /// The bytes of the device that the file at `path` has, one behind the other; `None` where there is none of that name,
    /// or a directory. Capital and small letters of ASCII are the same in a name.
    ///
    /// # Errors
    /// [`ReadError`]: a directory on the way is damaged, or the file does not lie in one piece.
    pub fn locate(&self, path: &str) -> Result<Option<Region>, ReadError> {
        let mut bounds =
            Bounds { entries: ENTRY_LIMIT, clusters: u64::from(self.last_cluster), directories: BTreeSet::new() };
        let mut directory = self.root_bytes(&mut bounds)?;
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            let found = records(&directory).into_iter().find(|record| record.name.eq_ignore_ascii_case(name));
            let Some(record) = found else { return Ok(None) };
            let is_directory = record.attributes & ATTRIBUTE_DIRECTORY != 0;
            match names.peek() {
                Some(_) if is_directory => directory = self.directory_bytes(record.cluster, path, &mut bounds)?,
                None if !is_directory => return self.piece(record.cluster, u64::from(record.size), path).map(Some),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The bytes of a file that begins with the cluster `first`.
    fn piece(&self, first: u32, size: u64, path: &str) -> Result<Region, ReadError> {
        if size == 0 {
            return Ok(Region { start: 0, end: 0 });
        }
        let start = self.offset(first, path)?;
        let mut last = first;
        for _ in 1..size.div_ceil(self.cluster_size) {
            let next = self.next(last)?;
            if next.is_none() || next != last.checked_add(1) {
                return Err(ReadError::Chain { path: path.to_owned(), problem: "do not follow each other" });
            }
            last += 1;
            // A number in the FAT may be of none that there is.
            let _ = self.offset(last, path)?;
        }
        Ok(Region { start, end: start + size })
    }
}
