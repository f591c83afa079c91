//! A PE file.

use crate::certificate_table::{self, CertificateKind, WinCertificate};
use crate::error::PeError;
use crate::hash;
use crate::headers::Headers;
use crate::machine::{Machine, Subsystem};
use crate::section::{self, Section};
use crate::signature::{Signature, SignatureError};
use crate::{HashAlgorithm, Sha256Digest};

/// An EFI program in memory, its tables checked.
#[derive(Debug, Clone)]
pub struct PeFile<'a> {
    pub(crate) file: &'a [u8],
    pub(crate) headers: Headers,
    pub(crate) sections: Vec<Section<'a>>,
    pub(crate) certificates: Vec<WinCertificate<'a>>,
}

impl<'a> PeFile<'a> {
    /// Reads the tables of a whole file. Signatures are not looked into yet.
    ///
    /// # Errors
    /// [`PeError`]: it is no PE file; something does not lie in it, or two parts share bytes; the certificate table is
    /// not at its end or its entries do not fill it.
    pub fn parse(file: &'a [u8]) -> Result<Self, PeError> {
        let headers = Headers::read(file)?;
        let sections = section::read(file, &headers)?;
        check_apart(&headers, &sections)?;
        let certificates = match &headers.security {
            Some(security) => certificate_table::read(file, security)?,
            None => Vec::new(),
        };
        Ok(Self { file, headers, sections, certificates })
    }

    /// The processor it is for.
    #[must_use]
    pub fn machine(&self) -> Machine {
        self.headers.machine
    }

    /// What firmware takes it for.
    #[must_use]
    pub fn subsystem(&self) -> Subsystem {
        self.headers.subsystem
    }

    /// All sections, in the order of their table.
    #[must_use]
    pub fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    /// The first section with this name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// All sections with this name, in the order of their table.
    pub fn sections_named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Section<'a>> {
        self.sections.iter().filter(move |section| section.name == name)
    }

    /// The entries of the certificate table, in its order.
    #[must_use]
    pub fn certificate_table(&self) -> &[WinCertificate<'a>] {
        &self.certificates
    }

    /// The Authenticode signatures, in the order of the table; nothing is verified.
    pub fn signatures(&self) -> impl Iterator<Item = Result<Signature, SignatureError>> {
        self.certificates
            .iter()
            .filter(|entry| entry.kind == CertificateKind::PkcsSignedData)
            .map(|entry| Signature::parse(entry.content))
    }

    /// The digest that an Authenticode signature is made for, as firmware and shim compute it.
    ///
    /// Microsoft, "Windows Authenticode Portable Executable Signature Format", "Calculating the PE Image Hash": all but
    /// the checksum and what belongs to the signatures. A file without signatures counts with zeros up to a multiple of
    /// 8 bytes, as it will have when it is signed.
    #[must_use]
    pub fn hash(&self, algorithm: HashAlgorithm) -> Vec<u8> {
        hash::digest(self, algorithm)
    }

    /// [`PeFile::hash`] as lists of allowed and denied programs have it.
    #[must_use]
    pub fn sha256(&self) -> Sha256Digest {
        hash::sha256(self)
    }
}

/// The headers, the sections and the certificate table must not share bytes: what is signed would be another thing for
/// each reader.
fn check_apart(headers: &Headers, sections: &[Section<'_>]) -> Result<(), PeError> {
    let mut parts = vec![(0, headers.end as u64, Part::Headers)];
    parts.extend((1..).zip(sections).filter(|(_, section)| !section.raw.is_empty()).map(|(number, section)| {
        (u64::from(section.raw_offset), section.raw_end(), Part::Section(number, &section.name))
    }));
    if let Some(security) = &headers.security {
        // Where there is none it is empty, at the end of the file.
        parts.push((security.table.start as u64, security.table.end as u64, Part::Certificates));
    }
    parts.sort_by_key(|&(start, end, _)| (start, end));
    for pair in parts.windows(2) {
        if let [(_, first_end, first), (second_start, _, second)] = pair
            && first_end > second_start
        {
            return Err(PeError::Overlap {
                first: first.name(),
                first_end: *first_end,
                second: second.name(),
                second_start: *second_start,
            });
        }
    }
    Ok(())
}

enum Part<'a> {
    Headers,
    Section(usize, &'a str),
    Certificates,
}

impl Part<'_> {
    fn name(&self) -> String {
        match self {
            Self::Headers => "the headers' part".into(),
            Self::Section(number, name) => format!("section {number} ({name})"),
            Self::Certificates => "the certificate table".into(),
        }
    }
}
