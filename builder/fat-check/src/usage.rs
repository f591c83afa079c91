//! Counting what the table says of all clusters.

use crate::CheckError;
use crate::geometry::Geometry;
use crate::owners::Owners;
use crate::table::{Link, Table};

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) free: u32,
    pub(crate) bad: u32,
    /// In use, and no file or directory has them.
    pub(crate) lost: u32,
    /// The first of these.
    pub(crate) first_lost: Option<u32>,
}

/// Looks at every cluster. Without owners, none is lost.
pub(crate) fn count(table: &mut Table<'_>, geometry: &Geometry, owners: Option<&Owners>) -> Result<Usage, CheckError> {
    let mut usage = Usage::default();
    for cluster in 2..=geometry.last_cluster() {
        match table.link(cluster)? {
            Link::Free => usage.free += 1,
            Link::Bad => usage.bad += 1,
            Link::Next(_) | Link::End | Link::Nowhere(_) => {
                if owners.is_some_and(|owners| owners.get(cluster).is_none()) {
                    usage.lost += 1;
                    usage.first_lost.get_or_insert(cluster);
                }
            }
        }
    }
    Ok(usage)
}
