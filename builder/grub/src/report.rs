//! What is remembered on the way.

use crate::limits::REMARKS;
use crate::{FileRef, Place, Remark, Unknown};

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) files: Vec<FileRef>,
    pub(crate) notes: Vec<Remark>,
    pub(crate) problems: Vec<Remark>,
    pub(crate) unknown: Vec<Unknown>,
    pub(crate) said: Vec<String>,
    /// What is said next belongs to the last line.
    line_goes_on: bool,
}

/// Appends, unless there are too many already or the last one is the same.
pub(crate) fn keep<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if list.len() < REMARKS && list.last() != Some(&item) {
        list.push(item);
    }
}

impl Report {
    /// Remembers a file that was read.
    pub(crate) fn file(&mut self, file: FileRef) {
        keep(&mut self.files, file);
    }

    /// Remembers what `echo` writes.
    pub(crate) fn say(&mut self, text: &str, goes_on: bool) {
        if self.line_goes_on
            && let Some(last) = self.said.last_mut()
        {
            last.push_str(text);
        } else if self.said.len() < REMARKS {
            self.said.push(text.to_owned());
        }
        self.line_goes_on = goes_on;
    }

    pub(crate) fn note(&mut self, place: Place, text: String) {
        keep(&mut self.notes, Remark { place, text });
    }

    pub(crate) fn problem(&mut self, place: Place, text: String) {
        keep(&mut self.problems, Remark { place, text });
    }

    pub(crate) fn unknown(&mut self, place: Place, word: &str) {
        keep(&mut self.unknown, Unknown { place, word: word.to_owned() });
    }
}
