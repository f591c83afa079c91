//! The authorities whose keys most firmware comes with: Microsoft's.

use std::fmt;

use crate::Sha256Digest;
use crate::certificate::Certificate;
use crate::name::Name;
use crate::time::Time;
use crate::verdict::TrustAnchor;

/// One of Microsoft's authorities for boot programs, known by the fingerprint of its certificate and by its name.
///
/// The facts are of the certificates that Microsoft publishes (`secureboot_objects`, `PreSignedObjects/DB`). Those of
/// 2011 are in the variables that OVMF comes with too, and both UEFI CAs in the signatures of Debian's shim 16.1; the
/// tests compare with these.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownAuthority {
    /// Its common name.
    pub name: &'static str,
    /// Its whole name, as [`Name::text`] shows it.
    pub subject: &'static str,
    /// SHA-256 of its certificate.
    pub fingerprint: Sha256Digest,
    /// When its certificate ceases to be valid. That stops no firmware, but Microsoft signs nothing new with it.
    pub not_after: Time,
    /// What it signs.
    pub signs: &'static str,
}

/// Signed shims, and other boot programs and cards' drivers, until 2026.
pub static UEFI_CA_2011: KnownAuthority = KnownAuthority {
    name: "Microsoft Corporation UEFI CA 2011",
    subject: "C=US, ST=Washington, L=Redmond, O=Microsoft Corporation, CN=Microsoft Corporation UEFI CA 2011",
    fingerprint: digest(b"48e99b991f57fc52f76149599bff0a58c47154229b9f8d603ac40d3500248507"),
    not_after: Time::from_unix(1_782_595_965),
    signs: "boot programs and option ROMs that are not Microsoft's, such as shim",
};
/// Signs shims and other boot programs.
pub static UEFI_CA_2023: KnownAuthority = KnownAuthority {
    name: "Microsoft UEFI CA 2023",
    subject: "C=US, O=Microsoft Corporation, CN=Microsoft UEFI CA 2023",
    fingerprint: digest(b"f6124e34125bee3fe6d79a574eaa7b91c0e7bd9d929c1a321178efd611dad901"),
    not_after: Time::from_unix(2_160_070_307),
    signs: "boot programs that are not Microsoft's, such as shim",
};
/// Signs cards' drivers.
pub static OPTION_ROM_UEFI_CA_2023: KnownAuthority = KnownAuthority {
    name: "Microsoft Option ROM UEFI CA 2023",
    subject: "C=US, O=Microsoft Corporation, CN=Microsoft Option ROM UEFI CA 2023",
    fingerprint: digest(b"e5be3e64c6e66a281457ecdece0d6d0787577aad2a3a0144262c10c14ba8d8f1"),
    not_after: Time::from_unix(2_171_733_140),
    signs: "option ROMs",
};
/// Signed Windows' boot manager until 2026.
pub static WINDOWS_PRODUCTION_PCA_2011: KnownAuthority = KnownAuthority {
    name: "Microsoft Windows Production PCA 2011",
    subject: "C=US, ST=Washington, L=Redmond, O=Microsoft Corporation, CN=Microsoft Windows Production PCA 2011",
    fingerprint: digest(b"e8e95f0733a55e8bad7be0a1413ee23c51fcea64b3c8fa6a786935fddcc71961"),
    not_after: Time::from_unix(1_792_435_902),
    signs: "Windows' boot manager",
};
/// Signs Windows' boot manager.
pub static WINDOWS_UEFI_CA_2023: KnownAuthority = KnownAuthority {
    name: "Windows UEFI CA 2023",
    subject: "C=US, O=Microsoft Corporation, CN=Windows UEFI CA 2023",
    fingerprint: digest(b"076f1fea90ac29155ebf77c17682f75f1fdd1be196da302dc8461e350a9ae330"),
    not_after: Time::from_unix(2_065_374_509),
    signs: "Windows' boot manager",
};

impl KnownAuthority {
    /// All of them.
    pub const ALL: [&'static Self; 5] =
        [&UEFI_CA_2011, &UEFI_CA_2023, &OPTION_ROM_UEFI_CA_2023, &WINDOWS_PRODUCTION_PCA_2011, &WINDOWS_UEFI_CA_2023];

    /// The one whose certificate this is.
    #[must_use]
    pub fn of_certificate(certificate: &Certificate) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|authority| authority.is(certificate))
    }

    /// The one that has this name. A name proves nothing: anyone can write it into a certificate.
    #[must_use]
    pub fn of_name(name: &Name) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|authority| authority.has(name))
    }

    /// What firmware trusts that has the keys of all of them.
    #[must_use]
    pub fn trust_anchors() -> Vec<TrustAnchor> {
        Self::ALL.into_iter().map(TrustAnchor::Authority).collect()
    }

    pub(crate) fn is(&self, certificate: &Certificate) -> bool {
        self.fingerprint == certificate.fingerprint()
    }

    pub(crate) fn has(&self, name: &Name) -> bool {
        self.subject == name.text()
    }
}

impl fmt::Display for KnownAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Reads a digest while this is compiled.
const fn digest(digits: &[u8; 64]) -> Sha256Digest {
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = digit(digits[2 * at]) * 16 + digit(digits[2 * at + 1]);
        at += 1;
    }
    Sha256Digest(bytes)
}

const fn digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("not a hexadecimal digit"),
    }
}
