//! What a program says of the components in it, for them to be revoked by their generations. shim, SBAT.md.

use crate::csv;
use crate::pe::PeFile;
use crate::sbat_level::SbatLevel;

/// Columns of a row.
const COLUMNS: usize = 6;
const SECTION: &str = ".sbat";

/// The components of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sbat {
    /// In the order of the section; the first one is the format's own as a rule.
    pub entries: Vec<SbatEntry>,
}

/// One component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SbatEntry {
    /// Its name, which is compared: `grub`, `grub.debian`.
    pub component: String,
    /// The generation, which is compared: it grows with each hole that is closed.
    pub generation: u16,
    /// Who makes it, for people.
    pub vendor: String,
    /// What the maker calls it, for people.
    pub package: String,
    /// Its version, for people.
    pub version: String,
    /// Where there is more about it.
    pub url: String,
}

/// A component that is too old.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the component {component} has generation {generation}, and all before generation {least} are revoked")]
pub struct Revocation {
    /// Its name.
    pub component: String,
    /// What it has.
    pub generation: u16,
    /// What it must have at least.
    pub least: u16,
}

/// Why a program's components, or a revocation level, cannot be read. A shim does not start such a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SbatError {
    /// A program with more than one section of components.
    #[error("the program has {found} sections {SECTION}, and may have one")]
    Several {
        /// How many.
        found: usize,
    },
    /// It is no text.
    #[error("the table is not UTF-8 text")]
    NotText {
        /// Where it stops to be.
        source: std::str::Utf8Error,
    },
    /// A row that is too short.
    #[error("row {row} has {found} columns, and needs {least}")]
    Columns {
        /// Counted from 1, without empty ones.
        row: usize,
        /// How many.
        found: usize,
        /// How many there must be.
        least: usize,
    },
    /// A column with nothing in it.
    #[error("column {column} of row {row} is empty")]
    Empty {
        /// Counted from 1, without empty ones.
        row: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A generation that is no number.
    #[error("row {row}: the generation of {component} is {found}, which is not a number up to 65,535")]
    Generation {
        /// Counted from 1, without empty ones.
        row: usize,
        /// Name of the component.
        component: String,
        /// What is there.
        found: String,
    },
    /// More than is read.
    #[error("the table has {bytes} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Up to the first NUL.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// More rows than are read.
    #[error("the table has more than {limit} rows")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// A section with levels in a form that is not known.
    #[error("the section {section} has the version {found}, and 0 is known")]
    Version {
        /// Its name.
        section: &'static str,
        /// What it says.
        found: u32,
    },
    /// A level that does not lie in its section.
    #[error("the {what} should begin at byte {offset} of the section {section}, which has {size}")]
    Outside {
        /// What it is.
        what: &'static str,
        /// Name of the section.
        section: &'static str,
        /// In the section.
        offset: u64,
        /// Bytes of the section.
        size: u64,
    },
}

impl Sbat {
    /// Reads the content of a section `.sbat`, up to the first NUL.
    ///
    /// # Errors
    /// [`SbatError`]: it is not a table of six columns, with a number in the second.
    pub fn parse(section: &[u8]) -> Result<Self, SbatError> {
        let mut entries = Vec::new();
        for row in csv::rows(section, COLUMNS, COLUMNS)? {
            if let [component, generation, vendor, package, version, url] = *row.columns {
                entries.push(SbatEntry {
                    component: component.into(),
                    generation: csv::generation(&row, generation)?,
                    vendor: vendor.into(),
                    package: package.into(),
                    version: version.into(),
                    url: url.into(),
                });
            }
        }
        Ok(Self { entries })
    }

    /// The components that `level` revokes; none where it does not.
    ///
    /// As shim's `verify_sbat_helper` does it: of several rows of a level for one component the first counts, and what
    /// a level does not name is not revoked.
    #[must_use]
    pub fn revoked_by(&self, level: &SbatLevel) -> Vec<Revocation> {
        self.entries
            .iter()
            .filter_map(|entry| {
                let least = level.least(&entry.component)?;
                (entry.generation < least).then(|| Revocation {
                    component: entry.component.clone(),
                    generation: entry.generation,
                    least,
                })
            })
            .collect()
    }
}

impl PeFile<'_> {
    /// The components of the program. `None` where it says nothing of them: then a shim does not start it, though it
    /// accepts it from a boot loader that asks, as GRUB does for kernels.
    ///
    /// # Errors
    /// [`SbatError`]: there are several sections, or what is there is no such table.
    pub fn sbat(&self) -> Result<Option<Sbat>, SbatError> {
        let found = self.sections_named(SECTION).count();
        if found > 1 {
            return Err(SbatError::Several { found });
        }
        // shim, verify.c, verify_buffer_sbat: a section that is longer in memory than in the file does not count.
        self.section(SECTION)
            .filter(|section| !section.raw.is_empty() && section.raw.len() as u64 >= u64::from(section.virtual_size))
            .map(|section| Sbat::parse(section.raw))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRUB: &str = "sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\n\
        grub,4,Free Software Foundation,grub,2.12,https://example.org/grub\r\n\
        \n\
        grub.debian,2,Debian,grub2,2.12-9,https://example.org/grub2\n\0junk,1";

    #[test]
    fn components_are_read() {
        let sbat = Sbat::parse(GRUB.as_bytes()).unwrap();
        let read: Vec<_> = sbat.entries.iter().map(|entry| (entry.component.as_str(), entry.generation)).collect();
        assert_eq!(read, [("sbat", 1), ("grub", 4), ("grub.debian", 2)]);
        let SbatEntry { vendor, package, version, url, .. } = &sbat.entries[2];
        assert_eq!([vendor, package, version, url], ["Debian", "grub2", "2.12-9", "https://example.org/grub2"]);
        for nothing in [&b""[..], b"\0", b"\n\r\n", b"\xef\xbb\xbf"] {
            assert_eq!(Sbat::parse(nothing), Ok(Sbat::default()));
        }
        assert_eq!(Sbat::parse(b"a,1,b,c,d,e,more,\n").unwrap().entries[0].url, "e");
    }

    #[test]
    fn a_level_revokes_what_is_older() {
        let sbat = Sbat::parse(GRUB.as_bytes()).unwrap();
        for (level, revoked) in [
            ("sbat,1,2021030218\n", &[][..]),
            ("sbat,1,2023012900\nshim,4\ngrub,4\ngrub.debian,2\n", &[]),
            ("sbat,1\ngrub,5\n", &[("grub", 4, 5)]),
            ("sbat,2\ngrub.debian,3\n", &[("sbat", 1, 2), ("grub.debian", 2, 3)]),
            ("sbat,1\ngrub,3\ngrub,5\n", &[]),
            ("sbat,1\nGRUB,9\ngrub.,9\n", &[]),
            ("", &[]),
        ] {
            let found = sbat.revoked_by(&SbatLevel::parse(level.as_bytes()).unwrap());
            let found: Vec<_> = found.iter().map(|r| (r.component.as_str(), r.generation, r.least)).collect();
            assert_eq!(found, revoked, "{level}");
        }
        let revocation = Revocation { component: "grub".into(), generation: 4, least: 5 };
        assert_eq!(
            revocation.to_string(),
            "the component grub has generation 4, and all before generation 5 are revoked"
        );
    }

    #[test]
    fn what_shim_cannot_read_is_refused() {
        for (text, error) in [
            ("a,1,b,c,d", "row 1 has 5 columns, and needs 6"),
            ("a,1,b,c,d,e\n,1,b,c,d,e", "column 1 of row 2 is empty"),
            ("a,x,b,c,d,e", "row 1: the generation of a is x, which is not a number up to 65,535"),
            ("a,+1,b,c,d,e", "row 1: the generation of a is +1, which is not a number up to 65,535"),
            ("a,65536,b,c,d,e", "row 1: the generation of a is 65536, which is not a number up to 65,535"),
        ] {
            assert_eq!(Sbat::parse(text.as_bytes()).unwrap_err().to_string(), error);
        }
        assert!(matches!(Sbat::parse(b"\xff"), Err(SbatError::NotText { .. })));
        let long = "a,1,b,c,d,e\n".repeat(4097);
        assert_eq!(Sbat::parse(long.as_bytes()), Err(SbatError::TooMany { limit: 4096 }));
    }
}
