//! A small record of every inode in use.

use crate::inode::Kind;

/// What is kept of an inode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) number: u32,
    /// The first directory that names it; 0 for none.
    pub(crate) parent: u32,
    /// For directories, what `..` leads to; 0 where there is none.
    pub(crate) dotdot: u32,
    /// How many entries lead to it.
    pub(crate) counted: u32,
    /// How many links it says it has.
    pub(crate) links: u16,
    pub(crate) kind: Kind,
    pub(crate) state: State,
}

/// What else is known of an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing.
    Plain,
    /// It waits to be deleted.
    Orphan,
    /// It holds the value of an attribute.
    Value,
    /// A directory whose blocks are somebody else's as well.
    SharedBlocks,
    /// A directory whose map is somebody else's as well.
    SharedMap,
}

/// Records in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Records(Vec<Record>);

impl Records {
    /// Adds a record, whose number is greater than all before.
    pub(crate) fn push(&mut self, record: Record) {
        self.0.push(record);
    }

    /// Where the record of an inode is.
    pub(crate) fn index(&self, number: u32) -> Option<usize> {
        self.0.binary_search_by_key(&number, |record| record.number).ok()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Record> {
        self.index(number).and_then(|index| self.0.get(index))
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Record> {
        self.index(number).and_then(|index| self.0.get_mut(index))
    }

    pub(crate) fn all(&self) -> &[Record] {
        &self.0
    }
}
