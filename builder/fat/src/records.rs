//! The records of a directory, which are the same in every kind of FAT.

use crate::outline::{Outline, What};
use crate::record::{self, Target};
use crate::time::FatTime;

/// What the records say beside names.
pub(crate) struct Records<'a, D, F> {
    pub(crate) outline: &'a Outline,
    /// The label, for the root; `None` where there is none.
    pub(crate) label: Option<[u8; 11]>,
    pub(crate) time: FatTime,
    /// First cluster of a directory by its place. The root is known as cluster 0 to those below it: FAT specification,
    /// "Directory creation".
    pub(crate) directory: D,
    /// First cluster of a file by its place; 0 for an empty one.
    pub(crate) file: F,
}

impl<D: Fn(usize) -> u32, F: Fn(usize) -> u32> Records<'_, D, F> {
    /// Those of the directory at `place`.
    pub(crate) fn of(&self, place: usize) -> Vec<u8> {
        let directory = &self.outline.directories[place];
        let mut records = Vec::new();
        let push = |records: &mut Vec<u8>, name, target| {
            records.extend_from_slice(&record::short_record(name, target, self.time));
        };
        if place > 0 {
            push(&mut records, *b".          ", Target::Directory((self.directory)(place)));
            push(&mut records, *b"..         ", Target::Directory((self.directory)(directory.parent)));
        } else if let Some(label) = self.label {
            push(&mut records, label, Target::Label);
        }
        for entry in &directory.entries {
            record::push_long_records(&mut records, &entry.long, entry.short);
            let target = match entry.what {
                What::Directory(place) => Target::Directory((self.directory)(place)),
                What::File(place) => {
                    // The outline has refused what is longer.
                    let size = u32::try_from(self.outline.files[place].size()).expect("less than 4 GiB");
                    Target::File((self.file)(place), size)
                }
            };
            push(&mut records, entry.short.0, target);
        }
        records
    }
}
