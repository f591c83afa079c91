//! The database of apk.
//!
//! Source: apk-tools, src/database.c and doc/apk-package.5; the fields of `installed` are those of an index, and behind
//! them the files.

use builder_tree::FileTree;

use crate::package::text;
use crate::{Malformed, Manager, Package, PackagesError, add, lookup};

/// Where the database can be; apk-tools 3 moved it to `/usr`.
const PLACES: [&str; 2] = ["usr/lib/apk/db/installed", "lib/apk/db/installed"];

/// Longest database in bytes; it lists all files, about 100 bytes each.
const LIMIT: u64 = 256 << 20;

/// The packages that are installed; `None` where there is no database.
pub(crate) fn read(tree: &FileTree) -> Result<Option<Vec<Package>>, PackagesError> {
    for path in PLACES {
        if let Some(content) = lookup::content(tree, path)? {
            return parse(&lookup::read(content, path, LIMIT)?, path).map(Some);
        }
    }
    Ok(None)
}

fn parse(text: &[u8], path: &str) -> Result<Vec<Package>, PackagesError> {
    let mut packages = Vec::new();
    let mut entry: Option<Entry> = None;
    // An empty line ends a package, and the last may be without one.
    let lines = text.split(|&byte| byte == b'\n').chain([&b""[..]]);
    for (line, number) in lines.zip(1..) {
        if line.is_empty() {
            if let Some(entry) = entry.take() {
                add(&mut packages, entry.into_package(path)?, path)?;
            }
            continue;
        }
        let &[letter, b':', ref value @ ..] = line else {
            let source = Malformed { line: number, problem: "does not begin with a letter and a colon" };
            return Err(PackagesError::Text { path: path.to_owned(), source });
        };
        let entry = entry.get_or_insert(Entry { line: number, ..Entry::default() });
        match letter {
            b'P' => entry.name = value,
            b'V' => entry.version = value,
            b'A' => entry.architecture = value,
            b'L' => entry.license = value,
            b'o' => entry.origin = value,
            b'm' => entry.maintainer = value,
            b'U' => entry.homepage = value,
            b'I' => entry.installed_size = value,
            // Files and what else there is.
            _ => {}
        }
    }
    Ok(packages)
}

#[derive(Default)]
struct Entry<'a> {
    line: usize,
    name: &'a [u8],
    version: &'a [u8],
    architecture: &'a [u8],
    license: &'a [u8],
    origin: &'a [u8],
    maintainer: &'a [u8],
    homepage: &'a [u8],
    installed_size: &'a [u8],
}

impl Entry<'_> {
    fn into_package(self, path: &str) -> Result<Package, PackagesError> {
        let needed =
            |value, field| text(value).ok_or(PackagesError::NoField { path: path.to_owned(), line: self.line, field });
        let mut package =
            Package::new(Manager::Apk, needed(self.name, "name (P:)")?, needed(self.version, "version (V:)")?);
        package.installed_size = match text(self.installed_size) {
            Some(value) => match value.parse() {
                Ok(bytes) => Some(bytes),
                Err(_) => {
                    return Err(PackagesError::Number {
                        path: path.to_owned(),
                        package: package.name,
                        field: "the installed size (I:)",
                        unit: "bytes",
                        value,
                    });
                }
            },
            None => None,
        };
        package.architecture = text(self.architecture);
        package.license = text(self.license);
        package.source = text(self.origin);
        package.supplier = text(self.maintainer);
        package.homepage = text(self.homepage);
        Ok(package)
    }
}
