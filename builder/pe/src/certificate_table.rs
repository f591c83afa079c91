//! The certificate table: where a file's signatures are.

use std::fmt;

use crate::error::PeError;
use crate::format::{WIN_CERTIFICATE_ALIGNMENT, WIN_CERTIFICATE_BYTES};
use crate::headers::{Security, field, range};

/// More signatures than anyone makes: each takes time to verify. A shim has one or two.
const MOST_CERTIFICATES: usize = 16;

/// One entry of the certificate table. UEFI 2.10, section 32.2.4, `WIN_CERTIFICATE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WinCertificate<'a> {
    /// Where it is in the file.
    pub offset: u64,
    /// What it holds.
    pub kind: CertificateKind,
    /// Its bytes behind the header; zeros may follow what they hold.
    pub content: &'a [u8],
}

/// What an entry of the certificate table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CertificateKind {
    /// 0x0001: a certificate without a signature.
    X509,
    /// 0x0002: a signature as of Authenticode, the only kind in use.
    PkcsSignedData,
    /// 0x0ef0: a bare RSA signature.
    EfiPkcs115,
    /// 0x0ef1: something that a GUID names.
    EfiGuid,
    /// None of these.
    Other(u16),
}

impl From<u16> for CertificateKind {
    fn from(number: u16) -> Self {
        match number {
            0x0001 => Self::X509,
            0x0002 => Self::PkcsSignedData,
            0x0ef0 => Self::EfiPkcs115,
            0x0ef1 => Self::EfiGuid,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for CertificateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X509 => "a certificate alone",
            Self::PkcsSignedData => "PKCS #7",
            Self::EfiPkcs115 => "PKCS #1",
            Self::EfiGuid => "a GUID's own kind",
            Self::Other(number) => return write!(f, "the unknown kind {number:#06x}"),
        })
    }
}

/// Reads the table.
pub(crate) fn read<'a>(file: &'a [u8], security: &Security) -> Result<Vec<WinCertificate<'a>>, PeError> {
    let (mut at, end) = (security.table.start as u64, security.table.end as u64);
    let mut certificates = Vec::new();
    while at < end {
        let (number, left) = (certificates.len() + 1, end - at);
        if certificates.len() == MOST_CERTIFICATES {
            return Err(PeError::Certificates { limit: MOST_CERTIFICATES });
        }
        if left < WIN_CERTIFICATE_BYTES {
            return Err(PeError::CertificateLength { number, offset: at, length: left, left });
        }
        let length = u64::from(u32::from_le_bytes(field(file, "a signature's length", at)?));
        let kind = u16::from_le_bytes(field(file, "a signature's type", at + 6)?);
        // EDK II, DxeImageVerificationLib: the entries must end where the table does.
        let aligned = length.next_multiple_of(WIN_CERTIFICATE_ALIGNMENT);
        if length < WIN_CERTIFICATE_BYTES || aligned > left {
            return Err(PeError::CertificateLength { number, offset: at, length, left });
        }
        let content = range(file, "a signature", at + WIN_CERTIFICATE_BYTES, length - WIN_CERTIFICATE_BYTES)?;
        certificates.push(WinCertificate {
            offset: at,
            kind: kind.into(),
            content: file.get(content).unwrap_or_default(),
        });
        at += aligned;
    }
    Ok(certificates)
}
