//! Lists of what firmware or a shim trusts or denies: `db`, `dbx`, a shim's own.
//!
//! UEFI 2.10, section 32.4.1, `EFI_SIGNATURE_LIST`; section 8.2.2, `EFI_VARIABLE_AUTHENTICATION_2`.

use crate::Sha256Digest;
use crate::certificate::Certificate;
use crate::der::{DerError, tag};
use crate::guid::Guid;
use crate::pem::{self, PemFault};
use crate::verdict::TrustAnchor;

/// Bytes of a list's header: its type (16), and the bytes of the list, of a further header and of each signature.
const LIST_BYTES: usize = 28;
/// Bytes of a signature's owner, with which each begins.
const OWNER_BYTES: usize = 16;
/// Most bytes that are read: the variables of firmware hold ten thousand, or a hundred thousand.
const MOST_BYTES: usize = 1 << 20;

/// Type of a list of certificates.
const X509: Guid = Guid::new(0xa5c0_59a1, 0x94e4, 0x4aa7, [0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72]);
/// Type of a list of programs' digests.
const SHA256: Guid = Guid::new(0xc1c4_1626, 0x504c, 0x4092, [0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28]);
/// Type of a list of digests of what is signed of certificates, each with a time.
const X509_SHA256: Guid = Guid::new(0x3bd2_a492, 0x96c0, 0x4079, [0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03, 0xed]);

/// Offsets in the header of a signed change of a variable, behind a time of 16 bytes.
mod auth {
    use crate::guid::Guid;

    /// Where the length of the signature is, 4 bytes; it counts from here.
    pub(super) const LENGTH: usize = 16;
    /// Where its revision and type are, 2 bytes each.
    pub(super) const KIND: usize = 20;
    /// The revision 2.0 and the type "GUID".
    pub(super) const KIND_BYTES: [u8; 4] = [0x00, 0x02, 0xf1, 0x0e];
    /// Where the GUID is.
    pub(super) const GUID: usize = 24;
    /// The only one that there is.
    pub(super) const PKCS7: Guid =
        Guid::new(0x4aaf_d29d, 0x68df, 0x49ee, [0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7]);
}

/// What some firmware or shim trusts or denies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureList {
    /// In the order of the file.
    pub entries: Vec<ListEntry>,
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// Who put it there, as the one who did says; zeros where the file does not tell.
    pub owner: Guid,
    /// What it is.
    pub item: ListItem,
}

/// What an entry of a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListItem {
    /// A certificate.
    Certificate(Box<Certificate>),
    /// SHA-256 of a program, as [`PeFile::sha256`](crate::PeFile::sha256) computes it.
    Program(Sha256Digest),
    /// SHA-256 of what is signed of a certificate, as [`Certificate::signed_sha256`] computes it.
    SignedCertificate(Sha256Digest),
    /// Something that is not read.
    Other {
        /// The type of the list.
        kind: Guid,
        /// How many bytes it has.
        bytes: usize,
    },
}

/// Why a list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// A number that does not fit the others, or the file.
    #[error("the signature list at byte {offset} says that {what} has {found} bytes, which must be {limits}")]
    Length {
        /// Where the list begins.
        offset: u64,
        /// Part of the list.
        what: &'static str,
        /// In bytes.
        found: u64,
        /// What it can be.
        limits: String,
    },
    /// What is left at the end is too short for a list.
    #[error("byte {offset} should begin a signature list, and only {left} bytes are left of the file")]
    Short {
        /// Where.
        offset: u64,
        /// In bytes.
        left: u64,
    },
    /// A certificate that is none.
    #[error("entry {number} is not a certificate")]
    Certificate {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        source: DerError,
    },
    /// A text that holds no certificate after all.
    #[error("certificate {number} of the text {what}")]
    Pem {
        /// Counted from 1.
        number: usize,
        /// What it does.
        what: &'static str,
    },
    /// More than is read.
    #[error("the list has {bytes} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Of the list.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

impl SignatureList {
    /// Reads a list in any form that tools have for it: a certificate in DER, certificates in PEM, signature lists
    /// (`.esl`, and what a variable holds), or the signed change of a variable (`.auth`), whose signature is not
    /// verified. Nothing at all is an empty list.
    ///
    /// # Errors
    /// [`ListError`]: it is none of these, does not fit together, or has more than 1 MiB.
    pub fn parse(file: &[u8]) -> Result<Self, ListError> {
        if file.len() > MOST_BYTES {
            return Err(ListError::TooLarge { bytes: file.len(), limit: MOST_BYTES });
        }
        let mut list = Self::default();
        if let Some(text) = pem::text(file) {
            for der in pem::certificates(text) {
                let number = list.entries.len() + 1;
                let der = der.map_err(|fault| ListError::Pem {
                    number,
                    what: match fault {
                        PemFault::Unfinished => "does not end",
                        PemFault::Character => "is not Base64",
                    },
                })?;
                list.push_certificate(Guid([0; 16]), &der)?;
            }
        } else if file.first() == Some(&tag::SEQUENCE) {
            // A signature list begins with its type, and none of these begins so.
            list.push_certificate(Guid([0; 16]), file)?;
        } else {
            let start = signature_length(file)?;
            list.push_lists(file, start)?;
        }
        Ok(list)
    }

    /// The certificates in it.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        self.entries.iter().filter_map(|entry| match &entry.item {
            ListItem::Certificate(certificate) => Some(certificate.as_ref()),
            _ => None,
        })
    }

    /// What one who trusts this list trusts.
    #[must_use]
    pub fn trust_anchors(&self) -> Vec<TrustAnchor> {
        let anchor = |entry: &ListEntry| match &entry.item {
            ListItem::Certificate(certificate) => Some(TrustAnchor::Certificate(certificate.clone())),
            ListItem::Program(digest) => Some(TrustAnchor::Program(*digest)),
            // These deny.
            ListItem::SignedCertificate(_) | ListItem::Other { .. } => None,
        };
        self.entries.iter().filter_map(anchor).collect()
    }

    fn push_certificate(&mut self, owner: Guid, der: &[u8]) -> Result<(), ListError> {
        let number = self.entries.len() + 1;
        let certificate = Certificate::parse(der).map_err(|source| ListError::Certificate { number, source })?;
        self.entries.push(ListEntry { owner, item: ListItem::Certificate(Box::new(certificate)) });
        Ok(())
    }

    /// Reads the lists from `at` on.
    fn push_lists(&mut self, file: &[u8], mut at: usize) -> Result<(), ListError> {
        while let Some(rest) = file.get(at..).filter(|rest| !rest.is_empty()) {
            let short = ListError::Short { offset: at as u64, left: rest.len() as u64 };
            let (header, _) = rest.split_first_chunk::<LIST_BYTES>().ok_or(short)?;
            let length = |what, found, limits| ListError::Length { offset: at as u64, what, found, limits };
            let number = |from: usize| {
                let number = u32::from_le_bytes([header[from], header[from + 1], header[from + 2], header[from + 3]]);
                // Saturated it is more than there is.
                usize::try_from(number).unwrap_or(usize::MAX)
            };
            let (list_bytes, header_bytes, entry_bytes) = (number(16), number(20), number(24));
            let list = rest.get(..list_bytes).filter(|list| list.len() >= LIST_BYTES).ok_or_else(|| {
                length("it", list_bytes as u64, format!("from {LIST_BYTES} to the {} that are left", rest.len()))
            })?;
            let entries = list.get(LIST_BYTES..).and_then(|behind| behind.get(header_bytes..)).ok_or_else(|| {
                length("its own header", header_bytes as u64, format!("no more than {}", list_bytes - LIST_BYTES))
            })?;
            let kind = Guid(*header.first_chunk().unwrap_or(&[0; 16]));
            if !entries.is_empty() && (entry_bytes <= OWNER_BYTES || entries.len() % entry_bytes != 0) {
                let limits = format!("more than {OWNER_BYTES}, and a divisor of {}", entries.len());
                return Err(length("each entry", entry_bytes as u64, limits));
            }
            for entry in entries.chunks(entry_bytes.max(1)) {
                let Some((owner, value)) = entry.split_first_chunk::<OWNER_BYTES>() else { continue };
                self.push_entry(kind, Guid(*owner), value)?;
            }
            at += list_bytes;
        }
        Ok(())
    }

    fn push_entry(&mut self, kind: Guid, owner: Guid, value: &[u8]) -> Result<(), ListError> {
        let digest = || value.first_chunk().copied().map(Sha256Digest);
        let item = match kind {
            X509 => return self.push_certificate(owner, value),
            SHA256 => digest().filter(|_| value.len() == 32).map(ListItem::Program),
            X509_SHA256 => digest().map(ListItem::SignedCertificate),
            _ => None,
        };
        let item = item.unwrap_or(ListItem::Other { kind, bytes: value.len() });
        self.entries.push(ListEntry { owner, item });
        Ok(())
    }
}

/// How many bytes of a file come before its lists: none, or a time and a signature.
fn signature_length(file: &[u8]) -> Result<usize, ListError> {
    let at = |from: usize, bytes: usize| file.get(from..from.saturating_add(bytes));
    if at(auth::KIND, 4) != Some(&auth::KIND_BYTES[..]) || at(auth::GUID, 16) != Some(&auth::PKCS7.0[..]) {
        return Ok(0);
    }
    let length =
        at(auth::LENGTH, 4).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes));
    usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_add(auth::LENGTH))
        .filter(|&end| end >= auth::GUID + 16 && end <= file.len())
        .ok_or_else(|| ListError::Length {
            offset: 0,
            what: "the signature before it",
            found: length.into(),
            limits: format!("from 24 to the {} that follow", file.len() - auth::LENGTH),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(kind: Guid, entry_bytes: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(LIST_BYTES + body.len()).unwrap();
        [&kind.0[..], &length.to_le_bytes(), &[0; 4], &entry_bytes.to_le_bytes(), body].concat()
    }

    #[test]
    fn digests_are_read() {
        let two = [[1_u8; 16], [7; 16], [7; 16], [2; 16], [8; 16], [8; 16]].concat();
        let with_time = [[3_u8; 16], [9; 16], [9; 16], [0; 16]].concat();
        let other = [4_u8; 17];
        let unknown = Guid([0xee; 16]);
        let file = [
            list(SHA256, 48, &two),
            list(X509_SHA256, 64, &with_time),
            list(unknown, 17, &other),
            list(SHA256, 0, &[]),
        ];
        let read = SignatureList::parse(&file.concat()).unwrap();
        let expected = [
            (1, ListItem::Program(Sha256Digest([7; 32]))),
            (2, ListItem::Program(Sha256Digest([8; 32]))),
            (3, ListItem::SignedCertificate(Sha256Digest([9; 32]))),
            (4, ListItem::Other { kind: unknown, bytes: 1 }),
        ];
        let expected = expected.map(|(owner, item)| ListEntry { owner: Guid([owner; 16]), item });
        assert_eq!(read.entries, expected);
        assert_eq!(read.trust_anchors().len(), 2);
        assert_eq!(SignatureList::parse(&[]), Ok(SignatureList::default()));
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let good = list(SHA256, 48, &[5; 96]);
        for (at, value) in
            [(16, 27_u32), (16, 125), (16, u32::MAX), (20, 97), (20, u32::MAX), (24, 0), (24, 16), (24, 47)]
        {
            let mut bad = good.clone();
            bad[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let error = SignatureList::parse(&bad).unwrap_err();
            assert!(matches!(error, ListError::Length { offset: 0, .. }), "{at} {value}: {error}");
        }
        let cut = SignatureList::parse(&[&good[..], &good[..27]].concat()).unwrap_err();
        assert_eq!(cut, ListError::Short { offset: 124, left: 27 });
        assert!(matches!(
            SignatureList::parse(&list(X509, 20, &[5; 20])),
            Err(ListError::Certificate { number: 1, .. })
        ));
    }
}
