//! The database of dpkg.
//!
//! Source: dpkg, lib/dpkg/parse.c; deb-control(5), dpkg-query(1) for the states. Distroless images have a file for each
//! package in `status.d` instead, without a state.

use std::collections::BTreeMap;
use std::sync::Arc;

use builder_tree::{FileTree, Inode};

use crate::deb822::{Paragraph, paragraphs};
use crate::package::text;
use crate::{Manager, Package, PackagesError, add, dep5, lookup};

/// Where the database can be. First where it lies in images whose `/var` belongs to the machine: an update does not
/// reach what is there.
const PLACES: [&str; 4] = ["usr/lib/sysimage/dpkg", "usr/share/dpkg/database", "usr/lib/dpkg/database", "var/lib/dpkg"];

/// Longest status file in bytes; a desktop's has 5 MiB.
const STATUS_LIMIT: u64 = 64 << 20;
/// Longest copyright file in bytes that is looked at.
const COPYRIGHT_LIMIT: u64 = 4 << 20;

/// Whether a paragraph tells the state of its package.
#[derive(Clone, Copy)]
enum State {
    Recorded,
    Implied,
}

/// The packages that are installed; `None` where there is no database.
pub(crate) fn read(tree: &FileTree) -> Result<Option<Vec<Package>>, PackagesError> {
    let mut database = Database { tree, packages: Vec::new(), licenses: BTreeMap::new() };
    for place in PLACES {
        let mut found = false;
        let status = format!("{place}/status");
        if let Some(content) = lookup::content(tree, &status)? {
            database.add_all(&lookup::read(content, &status, STATUS_LIMIT)?, &status, State::Recorded)?;
            found = true;
        }
        let folder = format!("{place}/status.d");
        for name in lookup::directory(tree, &folder)?.into_iter().flat_map(|folder| folder.entries.keys()) {
            // Beside each package its file list.
            if name.ends_with(b".md5sums") {
                continue;
            }
            let Ok(name) = std::str::from_utf8(name) else { continue };
            let path = format!("{folder}/{name}");
            if let Some(content) = lookup::content(tree, &path)? {
                database.add_all(&lookup::read(content, &path, STATUS_LIMIT)?, &path, State::Implied)?;
                found = true;
            }
        }
        if found {
            return Ok(Some(database.packages));
        }
    }
    Ok(None)
}

struct Database<'t> {
    tree: &'t FileTree,
    packages: Vec<Package>,
    /// By copyright file: many packages share one.
    licenses: BTreeMap<*const Inode, Option<String>>,
}

impl Database<'_> {
    fn add_all(&mut self, status: &[u8], path: &str, state: State) -> Result<(), PackagesError> {
        for paragraph in paragraphs(status) {
            let paragraph = paragraph.map_err(|source| PackagesError::Text { path: path.to_owned(), source })?;
            if let Some(package) = self.package(&paragraph, path, state)? {
                add(&mut self.packages, package, path)?;
            }
        }
        Ok(())
    }

    fn package(
        &mut self,
        paragraph: &Paragraph<'_>,
        path: &str,
        state: State,
    ) -> Result<Option<Package>, PackagesError> {
        let installed = match (paragraph.value("Status"), state) {
            // What is wanted, whether it went wrong, and what is.
            (Some(status), _) => {
                status.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(2) == Some(b"installed")
            }
            (None, State::Implied) => true,
            (None, State::Recorded) => false,
        };
        if !installed {
            return Ok(None);
        }
        let field = |name| paragraph.value(name).and_then(text);
        let needed = |name| {
            let line = paragraph.line;
            field(name).ok_or(PackagesError::NoField { path: path.to_owned(), line, field: name })
        };
        let mut package = Package::new(Manager::Dpkg, needed("Package")?, needed("Version")?);
        package.installed_size = match field("Installed-Size") {
            Some(value) => match value.parse::<u64>().ok().and_then(|kib| kib.checked_mul(1024)) {
                Some(bytes) => Some(bytes),
                None => {
                    return Err(PackagesError::Number {
                        path: path.to_owned(),
                        package: package.name,
                        field: "Installed-Size",
                        unit: "KiB",
                        value,
                    });
                }
            },
            None => None,
        };
        package.architecture = field("Architecture");
        package.source = field("Source");
        package.supplier = field("Maintainer");
        package.homepage = field("Homepage");
        package.license = self.license(&package.name)?;
        Ok(Some(package))
    }

    fn license(&mut self, name: &str) -> Result<Option<String>, PackagesError> {
        if name.contains('/') {
            return Ok(None);
        }
        let path = format!("usr/share/doc/{name}/copyright");
        // A link that goes in circles is as good as none: the licence is a bonus.
        let Some(inode) = lookup::file(self.tree, &path).ok().flatten() else { return Ok(None) };
        let key = Arc::as_ptr(inode);
        if let Some(license) = self.licenses.get(&key) {
            return Ok(license.clone());
        }
        let license = match inode.content().filter(|content| content.size() <= COPYRIGHT_LIMIT) {
            Some(content) => dep5::license(&lookup::read(content, &path, COPYRIGHT_LIMIT)?),
            None => None,
        };
        self.licenses.insert(key, license.clone());
        Ok(license)
    }
}
