//! EFI programs, read without running them: sections, signatures, and what firmware or a shim would say of them.
//!
//! ```text
//!  ┌─────────┬──────────┬───────┬─────────┬─────────────┬───┬─────────────────────────────┐
//!  │ headers │ sections │ .sbat │ .linux  │ .vendor_cert│ ‥ │ certificate table           │
//!  └────┬────┴────┬─────┴───┬───┴────┬────┴──────┬──────┴───┴──────┬──────────────────────┘
//!       │         │         │        │           │                 │  PKCS #7
//!       │         │         │     is_uki()     shim()              ▼
//!       │         │         │                    │         ┌───────────────┐   ┌──────────────┐
//!       └─────────┴─────────┴─── SHA-256 ────────┼────────►│ digest, signer│──►│ certificates │──► TrustAnchor
//!                           │                    ▼         └───────────────┘   └──────────────┘
//!                        sbat() ◄── revoked_by(SbatLevel)
//! ```
//!
//! [`PeFile::parse`] checks every number against the file. [`PeFile::verify`] tells whether one of the signatures
//! leads to a [`TrustAnchor`], with a [`Reason`] for each that does not. [`SignatureList`] reads the keys that somebody
//! wants to enrol; [`KnownAuthority`] has the names of Microsoft's, which most firmware comes with.
//!
//! The formats: Microsoft, "PE Format" and "Windows Authenticode Portable Executable Signature Format"; UEFI 2.10,
//! chapter 32; RFC 5652 and RFC 5280; shim, `SBAT.md`; UAPI.5, "Unified Kernel Image". Every file is anyone's: no
//! number in it is believed, and callers hand over no more than they want to have in memory.

pub mod authority;
mod certificate;
mod certificate_table;
mod chain;
mod csv;
mod der;
mod digest;
mod error;
mod format;
mod guid;
mod hash;
mod headers;
mod key;
mod machine;
mod name;
mod oid;
mod pe;
mod pem;
mod sbat;
mod sbat_level;
mod section;
mod shim;
mod signature;
mod signature_list;
mod time;
pub mod uki;
mod verdict;
mod verify;

pub use authority::KnownAuthority;
pub use certificate::{Certificate, PublicKey};
pub use certificate_table::{CertificateKind, WinCertificate};
pub use der::{DerError, DerFault};
pub use digest::{HashAlgorithm, Sha256Digest};
pub use error::PeError;
pub use guid::Guid;
pub use machine::{Machine, Subsystem};
pub use name::Name;
pub use pe::PeFile;
pub use sbat::{Revocation, Sbat, SbatEntry, SbatError};
pub use sbat_level::{SbatLevel, SbatLevels};
pub use section::Section;
pub use shim::{Shim, ShimError};
pub use signature::{Signature, SignatureError};
pub use signature_list::{ListEntry, ListError, ListItem, SignatureList};
pub use time::Time;
pub use verdict::{Denial, Note, Reason, TrustAnchor, TrustedBy, Verdict};
