//! A package as its manager records it.

use std::fmt;

/// The program that keeps the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// Debian's and its relatives'.
    Dpkg,
    /// Fedora's, SUSE's and their relatives'.
    Rpm,
    /// Alpine's and its relatives'.
    Apk,
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dpkg => "dpkg",
            Self::Rpm => "rpm",
            Self::Apk => "apk",
        })
    }
}

/// All packages of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSet {
    /// Who keeps the database.
    pub manager: Manager,
    /// The installed packages, in the order of their name, version and architecture (bytewise). One name can be there
    /// more than once: several architectures, or several kernels.
    pub packages: Vec<Package>,
}

/// An installed package. Bytes that are not UTF-8 have become U+FFFD.
///
/// The order is that of the fields, so: name, version, architecture, and the rest only where those are the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name; not empty.
    pub name: String,
    /// Its version as the manager writes it, `[EPOCH:]VERSION[-RELEASE]`; not empty.
    pub version: String,
    /// Its architecture in the manager's words (`amd64`, `x86_64`, `all`, `noarch`).
    pub architecture: Option<String>,
    /// The licence as recorded, in whatever vocabulary the distribution has: not always an SPDX expression.
    pub license: Option<String>,
    /// What it was built from, as recorded: dpkg's source package, `NAME` or `NAME (VERSION)`; rpm's file
    /// `NAME-VERSION-RELEASE.src.rpm`; apk's origin. Dpkg records none where it has the package's own name.
    pub source: Option<String>,
    /// Who answers for it: the maintainer of dpkg and apk (`NAME <ADDRESS>`), the vendor of rpm.
    pub supplier: Option<String>,
    /// Where the program's project is at home.
    pub homepage: Option<String>,
    /// What its files take on disk in bytes, as recorded when it was built.
    pub installed_size: Option<u64>,
    /// Who records it.
    pub manager: Manager,
}

impl Package {
    /// A package of which only the name and version are known.
    pub(crate) fn new(manager: Manager, name: String, version: String) -> Self {
        Self {
            name,
            version,
            architecture: None,
            license: None,
            source: None,
            supplier: None,
            homepage: None,
            installed_size: None,
            manager,
        }
    }
}

/// The text of `bytes` without white space around it; `None` where nothing is left.
pub(crate) fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.trim_ascii();
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
}
