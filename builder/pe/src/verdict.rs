//! What is trusted, and what comes out when a program is held against it.

use std::error::Error as _;
use std::fmt;

use crate::authority::KnownAuthority;
use crate::certificate::Certificate;
use crate::certificate_table::CertificateKind;
use crate::digest::hexadecimal;
use crate::signature::SignatureError;
use crate::time::Time;
use crate::{HashAlgorithm, Sha256Digest};

/// Most names that a reason shows of what is trusted.
const MOST_NAMES: usize = 8;

/// Something that makes a program trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustAnchor {
    /// Whose key signed it, or signed the certificates that lead to the one that did.
    Certificate(Box<Certificate>),
    /// The program itself has this digest.
    Program(Sha256Digest),
    /// As a certificate, of which only the fingerprint and the name are known.
    ///
    /// Where the signature holds that certificate, as Microsoft's do, it is told by the fingerprint, and all is
    /// verified. Where it does not, the name alone decides, which [`TrustedBy::Name`] says.
    Authority(&'static KnownAuthority),
}

impl From<Certificate> for TrustAnchor {
    fn from(certificate: Certificate) -> Self {
        Self::Certificate(Box::new(certificate))
    }
}

impl fmt::Display for TrustAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(certificate) => f.write_str(certificate.subject().short()),
            Self::Program(digest) => write!(f, "the program with the SHA-256 {digest}"),
            Self::Authority(authority) => authority.fmt(f),
        }
    }
}

/// What a program is to those who trust some anchors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may run.
    Trusted {
        /// What made it so.
        by: TrustedBy,
        /// The certificates from the signer's on; the trusted one is last, where it is known. Empty where the program
        /// itself is trusted.
        chain: Vec<Certificate>,
        /// Why other signatures of it would not have done.
        others: Vec<Reason>,
    },
    /// It may not.
    Refused {
        /// Why, for each of its signatures; never empty.
        reasons: Vec<Reason>,
    },
}

/// What made a program trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustedBy {
    /// Its own digest.
    Program(Sha256Digest),
    /// A certificate that signed it, or vouches for the one that did.
    Certificate(Box<Certificate>),
    /// A known authority whose certificate is in the signature: all was verified.
    Authority(&'static KnownAuthority),
    /// A known authority, by its name alone: what it signed was there, its own certificate was not. Whoever wants to
    /// can write that name; firmware, which has the certificate, may find otherwise.
    Name(&'static KnownAuthority),
}

impl Verdict {
    /// Whether it may run.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Trusted { .. })
    }

    /// Why it may not run; empty where it may.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Trusted { .. } => &[],
            Self::Refused { reasons } => reasons,
        }
    }

    /// What is worth to be told though it changes nothing. Dates are looked at where it is told what time it is.
    #[must_use]
    pub fn notes(&self, now: Option<Time>) -> Vec<Note> {
        let Self::Trusted { by, chain, others } = self else { return Vec::new() };
        let mut notes = Vec::new();
        if let TrustedBy::Name(authority) = by {
            notes.push(Note::NameOnly { authority });
        }
        for certificate in chain {
            let subject = certificate.subject().short().to_owned();
            match now {
                Some(now) if now > certificate.not_after() => {
                    notes.push(Note::Expired { subject, not_after: certificate.not_after() });
                }
                Some(now) if now < certificate.not_before() => {
                    notes.push(Note::NotYetValid { subject, not_before: certificate.not_before() });
                }
                _ => {}
            }
        }
        if let TrustedBy::Certificate(trusted) = by
            && trusted.is_for_modules()
        {
            notes.push(Note::ForModules { subject: trusted.subject().short().to_owned() });
        }
        notes.extend(others.iter().cloned().map(Note::OtherSignature));
        notes
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trusted { by, chain, .. } => {
                let signer = chain.first().map_or("somebody", |signer| signer.subject().short());
                match by {
                    TrustedBy::Program(digest) => write!(f, "trusted by its own SHA-256 {digest}"),
                    TrustedBy::Certificate(trusted) if chain.len() == 1 => {
                        write!(f, "signed by {}", trusted.subject().short())
                    }
                    TrustedBy::Certificate(trusted) => {
                        write!(f, "signed by {signer}, for whom {} vouches", trusted.subject().short())
                    }
                    TrustedBy::Authority(authority) => write!(f, "signed by {signer}, for whom {authority} vouches"),
                    TrustedBy::Name(authority) => {
                        write!(f, "signed by {signer}, who names {authority}, whose certificate is not in the file")
                    }
                }
            }
            Self::Refused { reasons } => f.write_str(&reasons.iter().map(with_sources).collect::<Vec<_>>().join("; ")),
        }
    }
}

/// Why a signature does not make a program trusted. Signatures are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// There is none.
    #[error("it is not signed")]
    Unsigned,
    /// It is of a kind that nobody looks at.
    #[error("signature {number} is {kind}, and only PKCS #7 counts")]
    Kind {
        /// Which one.
        number: usize,
        /// Its kind.
        kind: CertificateKind,
    },
    /// It cannot be read.
    #[error("signature {number} cannot be read")]
    Unreadable {
        /// Which one.
        number: usize,
        /// Why.
        source: SignatureError,
    },
    /// It was made for another program.
    #[error(
        "signature {number} by {signer} is for a program with the {algorithm} {}, and this one has {}: it was changed \
         after it was signed", hexadecimal(.signed), hexadecimal(.found)
    )]
    Digest {
        /// Which one.
        number: usize,
        /// Who signed.
        signer: String,
        /// Kind of both digests.
        algorithm: HashAlgorithm,
        /// The digest in the signature.
        signed: Vec<u8>,
        /// The digest of the program.
        found: Vec<u8>,
    },
    /// It was not made with the key of the one who should have signed, or was changed.
    #[error("signature {number} was not made with the key of {signer}, or was changed")]
    Wrong {
        /// Which one.
        number: usize,
        /// Who should have signed.
        signer: String,
    },
    /// It was made in a way that nothing here can verify.
    #[error("signature {number} by {signer} cannot be verified: {what} is not supported")]
    Unsupported {
        /// Which one.
        number: usize,
        /// Who signed.
        signer: String,
        /// What is not supported.
        what: String,
    },
    /// It is right, and nobody trusts the one who signed.
    #[error(
        "signature {number} is by {signer}, whose certificates lead to {issuer}; trusted is {}{}",
        names(.trusted), because(.unsupported.as_deref())
    )]
    NotTrusted {
        /// Which one.
        number: usize,
        /// Who signed.
        signer: String,
        /// Who vouches for the last of the certificates that lead there.
        issuer: String,
        /// Who is trusted.
        trusted: Vec<String>,
        /// What could not be verified on the way.
        unsupported: Option<String>,
    },
}

/// Something to tell about a program that may run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Note {
    /// It is trusted for a name.
    #[error(
        "its certificates end at the issuer {authority}, whose own certificate is not in the file: that it was really \
         {authority} who signed cannot be told from here"
    )]
    NameOnly {
        /// Who it should be.
        authority: &'static KnownAuthority,
    },
    /// A certificate is too old.
    #[error("the certificate of {subject} expired at {not_after}, which no firmware minds")]
    Expired {
        /// Whose it is.
        subject: String,
        /// When.
        not_after: Time,
    },
    /// A certificate is too young.
    #[error("the certificate of {subject} becomes valid at {not_before}, which no firmware minds")]
    NotYetValid {
        /// Whose it is.
        subject: String,
        /// When.
        not_before: Time,
    },
    /// The trusted certificate is for something else.
    #[error("the certificate of {subject} is for kernel modules; firmware takes it, and a shim does not")]
    ForModules {
        /// Whose it is.
        subject: String,
    },
    /// Another signature would not have made it trusted.
    #[error("another signature does not count: {}", with_sources(.0))]
    OtherSignature(Reason),
}

/// Why a program is denied, whoever signed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// The program is on the list.
    #[error("the program is denied by its SHA-256 {digest}")]
    Program {
        /// Its digest.
        digest: Sha256Digest,
    },
    /// Whoever signed it, or vouches for the one who did, is on the list.
    #[error("signature {number} by {signer} is denied with the certificate of {denied}")]
    Certificate {
        /// Which one, counted from 1.
        number: usize,
        /// Who signed.
        signer: String,
        /// Whose certificate is on the list.
        denied: String,
    },
}

/// A reason with what is behind it.
fn with_sources(reason: &Reason) -> String {
    let mut text = reason.to_string();
    let mut source = reason.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn names(trusted: &[String]) -> String {
    match trusted.len().checked_sub(MOST_NAMES) {
        _ if trusted.is_empty() => "nobody".into(),
        None | Some(0) => trusted.join(", "),
        Some(more) => format!("{} and {more} more", trusted[..MOST_NAMES].join(", ")),
    }
}

fn because(unsupported: Option<&str>) -> String {
    unsupported.map(|what| format!(" ({what} on the way is not supported)")).unwrap_or_default()
}
