//! What is installed in an image, from the database of its package manager.
//!
//! ```text
//!             ┌ dpkg  status, status.d/* ──────────── deb822 ─┐      copyright ── dep5 ─ licence
//!  FileTree ──┼ rpm   rpmdb.sqlite (+ -wal) ─ sqlite ─ header ┼──► Package ── purl
//!             └ apk   installed ──────────────────────────────┘
//! ```
//!
//! The databases are read here, not by the managers: their libraries would run on whatever an image has. Rpm's is an
//! SQLite file, and SQLite's engine would run its schema (views, triggers, virtual tables, expressions in indexes); so
//! the few page types of a table are read by a reader of our own that knows no SQL at all.
//!
//! Nothing is taken to be true that a database says about its own size: see the limits in each module.

mod apk;
mod deb822;
mod dep5;
mod dpkg;
mod error;
mod lookup;
mod package;
mod purl;
mod rpm;
mod sqlite;

pub use deb822::Malformed;
pub use error::PackagesError;
pub use package::{Manager, Package, PackageSet};
pub use rpm::HeaderError;
pub use sqlite::SqliteError;

use builder_tree::FileTree;

/// Most packages that are read; ten times what the largest distribution's largest installation has.
const MOST_PACKAGES: usize = 100_000;

/// The packages that `tree` says are installed, sorted by name, version and architecture.
///
/// The first manager that lists any is taken, in the order of [`Manager`]: an image of one distribution may have the
/// tools of another, with an empty database. `None` where no manager has a database; an empty set where one has, and
/// it lists nothing.
///
/// # Errors
/// [`PackagesError`] for a database that is damaged, is in a form that is not read, or has more than 100,000 packages.
pub fn read(tree: &FileTree) -> Result<Option<PackageSet>, PackagesError> {
    let mut empty = None;
    for (manager, read) in [
        (Manager::Dpkg, dpkg::read as fn(&FileTree) -> Result<Option<Vec<Package>>, PackagesError>),
        (Manager::Rpm, rpm::read),
        (Manager::Apk, apk::read),
    ] {
        let Some(mut packages) = read(tree)? else { continue };
        packages.sort();
        let set = PackageSet { manager, packages };
        if !set.packages.is_empty() {
            return Ok(Some(set));
        }
        empty.get_or_insert(set);
    }
    Ok(empty)
}

/// Adds `package`, found in the database at `path`.
fn add(packages: &mut Vec<Package>, package: Package, path: &str) -> Result<(), PackagesError> {
    if packages.len() == MOST_PACKAGES {
        return Err(PackagesError::TooMany { path: path.to_owned(), limit: MOST_PACKAGES });
    }
    packages.push(package);
    Ok(())
}
