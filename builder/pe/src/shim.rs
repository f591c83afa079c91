//! What is in a shim: the first program that firmware with Secure Boot starts, with its vendor's keys in it.

use crate::pe::PeFile;
use crate::sbat::SbatError;
use crate::sbat_level::{self, SbatLevels};
use crate::signature_list::{ListError, SignatureList};
use crate::verdict::TrustAnchor;

/// The section that makes a program a shim. shim, cert.S: the sizes of the lists of what is trusted and of what is not,
/// then the offsets of both from the begin of the section; 4 bytes each.
const SECTION: &str = ".vendor_cert";

/// A shim's own data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shim {
    /// What its vendor trusts: one certificate as a rule. It also trusts what the firmware and its owner trust.
    pub trusted: SignatureList,
    /// What its vendor denies.
    pub denied: SignatureList,
    /// The revocation levels that it sets; shims before 15.7 have none of their own in this form.
    pub levels: Option<SbatLevels>,
}

/// Why a shim's data cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShimError {
    /// A list that does not lie in its section.
    #[error("the {what} goes from byte {start} to byte {end} of the section {SECTION}, which has {size}")]
    Outside {
        /// What it is.
        what: &'static str,
        /// In the section.
        start: u64,
        /// Behind its last byte.
        end: u64,
        /// Bytes of the section.
        size: u64,
    },
    /// A list that is none.
    #[error("the {what} cannot be read")]
    List {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        source: ListError,
    },
    /// The levels are none.
    #[error("the revocation levels cannot be read")]
    Levels(#[from] SbatError),
}

impl Shim {
    /// What it trusts by itself.
    #[must_use]
    pub fn trust_anchors(&self) -> Vec<TrustAnchor> {
        self.trusted.trust_anchors()
    }
}

impl PeFile<'_> {
    /// The data of a shim; `None` where the program is none.
    ///
    /// # Errors
    /// [`ShimError`]: a list or a level does not lie in its section, or is none.
    pub fn shim(&self) -> Result<Option<Shim>, ShimError> {
        let Some(section) = self.section(SECTION) else { return Ok(None) };
        let levels = match self.section(sbat_level::SECTION) {
            Some(section) => Some(SbatLevels::parse(section.raw)?),
            None => None,
        };
        Ok(Some(Shim {
            trusted: list(section.raw, "vendor's list of what is trusted", 0)?,
            denied: list(section.raw, "vendor's list of what is denied", 4)?,
            levels,
        }))
    }
}

/// Reads the list whose size is at `size_at`, and its offset 8 bytes behind.
fn list(section: &[u8], what: &'static str, size_at: usize) -> Result<SignatureList, ShimError> {
    let number = |at: usize| {
        let bytes = section.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map(|bytes| u64::from(u32::from_le_bytes(*bytes))).ok_or(ShimError::Outside {
            what: "table of lists",
            start: 0,
            end: 16,
            size: section.len() as u64,
        })
    };
    let (size, start) = (number(size_at)?, number(size_at + 8)?);
    if size == 0 {
        return Ok(SignatureList::default());
    }
    let end = start + size;
    let bytes = match (usize::try_from(start), usize::try_from(end)) {
        (Ok(from), Ok(to)) => section.get(from..to),
        _ => None,
    };
    let bytes = bytes.ok_or(ShimError::Outside { what, start, end, size: section.len() as u64 })?;
    SignatureList::parse(bytes).map_err(|source| ShimError::List { what, source })
}
