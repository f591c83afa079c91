//! Why two systems cannot be compared.

use std::io;

use crate::error::{BuildError, Category};
use crate::output::is_because_of_room;

/// One side cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// As a build could not read it.
    #[error("{side}")]
    Side {
        /// What was given.
        side: String,
        /// Why.
        #[source]
        source: Box<BuildError>,
    },
    /// The disk is damaged, or there is no system on it.
    #[error("{side}")]
    Disk {
        /// What was given.
        side: String,
        /// Why.
        #[source]
        source: Box<DiskProblem>,
    },
}

/// What is wrong with a disk.
#[derive(Debug, thiserror::Error)]
pub enum DiskProblem {
    /// The disk file cannot be read.
    #[error("cannot read the disk")]
    Read(#[from] io::Error),
    /// There is no partition table that can be read.
    #[error(transparent)]
    Table(#[from] builder_gpt::read::ReadError),
    /// The ESP cannot be read.
    #[error("partition {number} ({name:?})")]
    Esp {
        /// Number of the partition, from 1.
        number: u32,
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: builder_fat::read::ReadError,
    },
    /// A file system cannot be read.
    #[error("partition {number} ({name:?})")]
    Ext4 {
        /// Number of the partition, from 1.
        number: u32,
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: builder_ext4::read::ReadError,
    },
    /// No partition holds an ostree system.
    #[error("none of its {partitions} partitions is ext4 with a system in /ostree/deploy")]
    NoSystem {
        /// How many partitions there are.
        partitions: usize,
    },
    /// Boot entries that lead nowhere.
    #[error("the boot entry {entry} leads to {path}, where no deployment is")]
    NoDeployment {
        /// File of the entry.
        entry: String,
        /// Its argument `ostree=`.
        path: String,
    },
    /// No boot entry tells which deployment is meant.
    #[error("no boot entry has an argument ostree=, and there are {deployments} deployments")]
    NoEntry {
        /// How many there are.
        deployments: usize,
    },
    /// A boot entry that is none.
    #[error("the boot entry {entry} is damaged: {problem}")]
    Entry {
        /// File of the entry.
        entry: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// More entries than any machine has.
    #[error("there are more than {limit} boot entries")]
    Entries {
        /// The limit.
        limit: usize,
    },
}

impl DiffError {
    /// What kind of failure it is.
    #[must_use]
    pub fn category(&self) -> Category {
        match self {
            Self::Side { source, .. } => source.category(),
            Self::Disk { .. } if self.is_full() => Category::Environment,
            Self::Disk { source, .. } => match **source {
                DiskProblem::NoSystem { .. } => Category::Unsupported,
                _ => Category::Input,
            },
        }
    }

    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Side { source, .. } => source.hint(),
            Self::Disk { .. } if self.is_full() => {
                Some("free some space, or set TMPDIR to a directory with room".to_owned())
            }
            Self::Disk { source, .. } => match **source {
                DiskProblem::NoSystem { .. } => {
                    Some("disks are compared that hold an ostree system on ext4, such as `build` makes".to_owned())
                }
                DiskProblem::Ext4 { .. } => Some(
                    "`e2fsck -fn` on the partition says what is wrong with it; the disk is only read here".to_owned(),
                ),
                DiskProblem::Esp { .. } => Some(
                    "`fsck.fat -n` on the partition says what is wrong with it; the disk is only read here".to_owned(),
                ),
                _ => None,
            },
        }
    }

    fn is_full(&self) -> bool {
        is_because_of_room(self)
    }
}
