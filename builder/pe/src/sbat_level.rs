//! Revocation levels: which generations of components are too old. shim, SBAT.md and sbat_var.S.

use crate::csv;
use crate::sbat::SbatError;

/// Columns that a row has at least, and at most: the first row has a date as well.
const COLUMNS: (usize, usize) = (2, 3);
/// Name of the section of a shim with its levels.
pub(crate) const SECTION: &str = ".sbatlevel";
/// Bytes of the version, with which the section begins. The offsets that follow count from behind it.
const VERSION_BYTES: usize = 4;

/// A revocation level: what the firmware's variable `SbatLevel` holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SbatLevel {
    /// When it was decided, `2025051000`; the form is year, month, day and a count.
    pub date: Option<String>,
    /// Components and their least generations that are not revoked, in the order of the text.
    pub least: Vec<(String, u16)>,
}

impl SbatLevel {
    /// Reads the text of a level, up to the first NUL.
    ///
    /// # Errors
    /// [`SbatError`]: a row has one column, or no number in its second.
    pub fn parse(text: &[u8]) -> Result<Self, SbatError> {
        let mut level = Self::default();
        for row in csv::rows(text, COLUMNS.0, COLUMNS.1)? {
            if let [component, generation, ref more @ ..] = *row.columns {
                level.least.push((component.into(), csv::generation(&row, generation)?));
                if level.date.is_none() && row.number == 1 {
                    level.date = more.first().map(|date| (*date).into());
                }
            }
        }
        Ok(level)
    }

    /// The least generation of a component that is not revoked, where the level names it.
    #[must_use]
    pub fn least(&self, component: &str) -> Option<u16> {
        self.least.iter().find(|(name, _)| name == component).map(|&(_, generation)| generation)
    }
}

/// The levels that a shim brings to the firmware it runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SbatLevels {
    /// What it sets by itself where the firmware has less; shims before 15.8 call it "previous".
    pub automatic: SbatLevel,
    /// What it sets where it is asked to, as by `mokutil --set-sbat-policy latest`.
    pub latest: SbatLevel,
}

impl SbatLevels {
    /// Reads the content of a section `.sbatlevel`.
    ///
    /// # Errors
    /// [`SbatError`]: it has a version other than 0, a level does not lie in it, or is none.
    pub fn parse(section: &[u8]) -> Result<Self, SbatError> {
        let outside =
            |what, offset: u64| SbatError::Outside { what, section: SECTION, offset, size: section.len() as u64 };
        let number = |what, at: usize| {
            let bytes = section.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(|| outside(what, at as u64))
        };
        let found = number("version", 0)?;
        if found != 0 {
            return Err(SbatError::Version { section: SECTION, found });
        }
        let level = |what, at: usize| {
            let offset = u64::from(number(what, at)?) + VERSION_BYTES as u64;
            let text = usize::try_from(offset).ok().and_then(|offset| section.get(offset..));
            SbatLevel::parse(text.ok_or_else(|| outside(what, offset))?)
        };
        Ok(Self {
            automatic: level("automatic level", VERSION_BYTES)?,
            latest: level("latest level", VERSION_BYTES + 4)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(version: u32, offsets: [u32; 2]) -> Vec<u8> {
        let texts = b"sbat,1,2025021800\nshim,4\ngrub,5\n\0sbat,1,2025051000\nshim,4\n\0";
        let numbers = [version, offsets[0], offsets[1]].map(u32::to_le_bytes);
        [numbers.as_flattened(), texts].concat()
    }

    #[test]
    fn both_levels_are_read() {
        let levels = SbatLevels::parse(&section(0, [8, 41])).unwrap();
        assert_eq!(levels.automatic.date.as_deref(), Some("2025021800"));
        assert_eq!(levels.automatic.least, [("sbat".to_owned(), 1), ("shim".to_owned(), 4), ("grub".to_owned(), 5)]);
        assert_eq!(levels.latest.date.as_deref(), Some("2025051000"));
        assert_eq!((levels.latest.least("shim"), levels.latest.least("grub")), (Some(4), None));
    }

    #[test]
    fn a_section_that_lies_is_refused() {
        for (section, error) in [
            (section(1, [8, 41]), "the section .sbatlevel has the version 1, and 0 is known"),
            (
                section(0, [8, u32::MAX]),
                "the latest level should begin at byte 4294967299 of the section .sbatlevel, which has 71",
            ),
            (vec![0; 7], "the automatic level should begin at byte 4 of the section .sbatlevel, which has 7"),
            (section(0, [8, 64]), "row 1 has 1 columns, and needs 2"),
        ] {
            assert_eq!(SbatLevels::parse(&section).unwrap_err().to_string(), error);
        }
    }
}
