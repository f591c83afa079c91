//! Following the clusters of a file or directory.

use crate::CheckError;
use crate::owners::Owners;
use crate::paths::PathId;
use crate::table::{Link, Table};

/// Why a chain ends where it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It leads to a number that is no cluster.
    Nowhere {
        /// The number.
        value: u32,
        /// The cluster it stands in; `None` for the first one, which stands in the directory.
        behind: Option<u32>,
    },
    /// It leads to a cluster that is marked as free.
    Free {
        /// The cluster.
        cluster: u32,
    },
    /// It leads to a cluster that is marked as bad.
    Bad {
        /// The cluster.
        cluster: u32,
    },
    /// It leads to a cluster that another one has already.
    Crossed {
        /// The cluster.
        cluster: u32,
        /// Who has it.
        owner: PathId,
    },
    /// It leads back to a cluster of its own.
    Cycle {
        /// The cluster.
        cluster: u32,
    },
}

/// What following a chain gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Clusters up to its end, or to what is wrong.
    pub(crate) clusters: u32,
    /// What is wrong.
    pub(crate) fault: Option<Fault>,
}

/// Follows a chain and gives its clusters to `owner`, up to the first that is somebody's: so all chains together take
/// no longer than there are clusters.
pub(crate) fn follow(
    table: &mut Table<'_>,
    owners: &mut Owners,
    owner: PathId,
    first: u32,
) -> Result<Chain, CheckError> {
    let mut chain = Chain { clusters: 0, fault: None };
    if !table.has_cluster(first) {
        chain.fault = Some(Fault::Nowhere { value: first, behind: None });
        return Ok(chain);
    }
    let mut cluster = first;
    loop {
        match owners.get(cluster) {
            Some(other) if other == owner => chain.fault = Some(Fault::Cycle { cluster }),
            Some(owner) => chain.fault = Some(Fault::Crossed { cluster, owner }),
            None => {}
        }
        if chain.fault.is_some() {
            return Ok(chain);
        }
        let link = table.link(cluster)?;
        match link {
            Link::Free => chain.fault = Some(Fault::Free { cluster }),
            Link::Bad => chain.fault = Some(Fault::Bad { cluster }),
            _ => {
                owners.set(cluster, owner);
                chain.clusters += 1;
            }
        }
        match link {
            Link::Next(next) => cluster = next,
            Link::Nowhere(value) => {
                chain.fault = Some(Fault::Nowhere { value, behind: Some(cluster) });
                return Ok(chain);
            }
            Link::End | Link::Free | Link::Bad => return Ok(chain),
        }
    }
}
