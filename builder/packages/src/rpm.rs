//! The database of rpm.
//!
//! Source: rpm, lib/backend/sqlite.c: the table `Packages` with a number and the header of each installed package. The
//! other tables are indexes into it, which a reader of everything does not need.

mod header;

use builder_tree::FileTree;

pub use header::HeaderError;
use header::{Header, Tag};

use crate::sqlite::{Database, SqliteError, Value};
use crate::{Manager, Package, PackagesError, add, lookup};

/// Where the database can be.
const PLACES: [&str; 3] = ["usr/lib/sysimage/rpm", "usr/share/rpm", "var/lib/rpm"];

/// Databases that are not read: the file and the name of its format.
const OTHERS: [(&str, &str); 2] = [("Packages.db", "ndb"), ("Packages", "Berkeley DB")];

/// What an SQLite rollback journal begins with while it has something to roll back.
const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Public keys that rpm trusts are packages to it, and to nobody else.
const KEY: &str = "gpg-pubkey";

/// The packages that are installed; `None` where there is no database.
pub(crate) fn read(tree: &FileTree) -> Result<Option<Vec<Package>>, PackagesError> {
    for place in PLACES {
        let path = format!("{place}/rpmdb.sqlite");
        if let Some(body) = lookup::content(tree, &path)? {
            let journal = format!("{path}-journal");
            if let Some(content) = lookup::content(tree, &journal)? {
                let mut magic = [0; JOURNAL_MAGIC.len()];
                if content.read_at(0, &mut magic).is_ok() && magic == JOURNAL_MAGIC {
                    return Err(PackagesError::Journal { path: journal });
                }
            }
            let wal = lookup::content(tree, &format!("{path}-wal"))?;
            let damaged = |source| PackagesError::Sqlite { path: path.clone(), source };
            return packages(&Database::open(body, wal).map_err(damaged)?, &path).map(Some);
        }
    }
    for place in PLACES {
        for (name, format) in OTHERS {
            let path = format!("{place}/{name}");
            if lookup::file(tree, &path)?.is_some() {
                return Err(PackagesError::Format { path, format });
            }
        }
    }
    Ok(None)
}

fn packages(database: &Database<'_>, path: &str) -> Result<Vec<Package>, PackagesError> {
    let damaged = |source| PackagesError::Sqlite { path: path.to_owned(), source };
    let mut packages = Vec::new();
    let root = database.table("Packages").map_err(damaged)?;
    let mut visit = |number: i64, record: &[u8]| -> Result<(), PackagesError> {
        let header = match crate::sqlite::column(record, 1).map_err(damaged)? {
            Value::Blob(header) => header,
            _ => return Err(damaged(SqliteError::Record { problem: "has no BLOB for the package's header" })),
        };
        let package = package(header).map_err(|source| {
            let path = path.to_owned();
            PackagesError::Header { path, number, source }
        })?;
        match package {
            Some(package) => add(&mut packages, package, path),
            None => Ok(()),
        }
    };
    database.rows(root, &damaged, &mut visit)?;
    Ok(packages)
}

fn package(bytes: &[u8]) -> Result<Option<Package>, HeaderError> {
    let header = Header::parse(bytes)?;
    let needed = |tag| header.string(tag)?.ok_or(HeaderError::NoTag { tag });
    let name = needed(Tag::NAME)?;
    if name == KEY {
        return Ok(None);
    }
    let mut version = format!("{}-{}", needed(Tag::VERSION)?, needed(Tag::RELEASE)?);
    if let Some(epoch) = header.number(Tag::EPOCH)? {
        version = format!("{epoch}:{version}");
    }
    let mut package = Package::new(Manager::Rpm, name, version);
    package.architecture = header.string(Tag::ARCH)?;
    package.license = header.string(Tag::LICENSE)?;
    package.source = header.string(Tag::SOURCERPM)?;
    package.supplier = header.string(Tag::VENDOR)?;
    package.homepage = header.string(Tag::URL)?;
    // The long one is there where the other cannot hold the size.
    package.installed_size = match header.number(Tag::LONGSIZE)? {
        Some(size) => Some(size),
        None => header.number(Tag::SIZE)?,
    };
    Ok(Some(package))
}
