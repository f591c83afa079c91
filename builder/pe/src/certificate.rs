//! X.509 certificates.

use std::fmt;
use std::ops::Range;

use crate::Sha256Digest;
use crate::der::{DerError, Element, Reader, tag};
use crate::digest::hexadecimal;
use crate::key::{self, KeyFault, Scheme};
use crate::name::Name;
use crate::oid;
use crate::time::Time;

/// Most bytes of a certificate; real ones have one or two thousand. What is read of one takes several times as much.
const MOST_BYTES: usize = 64 << 10;

/// A certificate, read. RFC 5280, section 4.1. Two are equal where their bytes are.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    fingerprint: Sha256Digest,
    /// What is signed of `der`.
    signed: Range<usize>,
    subject: Name,
    issuer: Name,
    serial: Vec<u8>,
    not_before: Time,
    not_after: Time,
    key: PublicKey,
    scheme: Result<Scheme, String>,
    signature: Vec<u8>,
    extensions: Extensions,
}

/// The key of a certificate's subject.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKey {
    /// For RSA; both numbers big-endian and without zeros before them.
    Rsa {
        /// The modulus.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: Vec<u8>,
    },
    /// Of a kind that is not verified with.
    Other {
        /// Its name, or the numbers of its identifier.
        algorithm: String,
    },
}

/// What is read of the extensions.
#[derive(Clone, Default)]
struct Extensions {
    /// Version 1: there cannot be any.
    impossible: bool,
    /// `cA` of the basic constraints, if there are some.
    authority: Option<bool>,
    /// Whether the key usage, if there is one, allows to sign certificates.
    signs_certificates: Option<bool>,
    /// Whether the extended key usage names keys for kernel modules.
    for_modules: bool,
}

impl Certificate {
    /// Reads one certificate in DER. Its signature is not verified.
    ///
    /// # Errors
    /// [`DerError`]: it is none, something follows it, or it has more than 64 KiB.
    pub fn parse(der: &[u8]) -> Result<Self, DerError> {
        let mut file = Reader::new(der);
        let certificate = file.expect(tag::SEQUENCE, "the certificate")?;
        file.end("the certificate")?;
        if der.len() > MOST_BYTES {
            return Err(certificate.fault("it has more than 65,536 bytes, which no certificate needs"));
        }
        let mut inside = certificate.inside();
        let signed = inside.expect(tag::SEQUENCE, "the signed part of the certificate")?;
        let outer = inside.expect(tag::SEQUENCE, "the signature's algorithm")?;
        let algorithm = outer.inside().expect(tag::OBJECT_IDENTIFIER, "the signature's algorithm")?.body;
        let signature = inside.expect(tag::BIT_STRING, "the certificate's signature")?.bits()?;
        inside.end("the certificate's signature")?;

        let mut inside = signed.inside();
        let version = inside.optional(tag::CONTEXT_0, "the certificate's version")?;
        let serial = inside.expect(tag::INTEGER, "the certificate's serial number")?.body;
        // RFC 5280, section 4.1.1.2: what is signed has it too, and OpenSSL finds a signature wrong where they differ.
        if inside.expect(tag::SEQUENCE, "the signed algorithm of the signature")?.whole != outer.whole {
            return Err(outer.fault("it is not the algorithm that was signed"));
        }
        let issuer = Name::read(&inside.expect(tag::SEQUENCE, "the issuer's name")?)?;
        let mut validity = inside.expect(tag::SEQUENCE, "the certificate's validity")?.inside();
        let not_before = Time::read(&validity.element("the begin of the certificate's validity")?)?;
        let not_after = Time::read(&validity.element("the end of the certificate's validity")?)?;
        let subject = Name::read(&inside.expect(tag::SEQUENCE, "the subject's name")?)?;
        let key = PublicKey::read(&inside.expect(tag::SEQUENCE, "the subject's key")?)?;
        inside.optional(tag::PLAIN_1, "the issuer's number")?;
        inside.optional(tag::PLAIN_2, "the subject's number")?;
        let mut extensions = match inside.optional(tag::CONTEXT_3, "the extensions")? {
            Some(element) => Extensions::read(&element)?,
            None => Extensions::default(),
        };
        inside.end("the extensions")?;
        extensions.impossible = version.is_none();

        Ok(Self {
            fingerprint: Sha256Digest::of(der),
            signed: signed.offset()..signed.offset() + signed.whole.len(),
            subject,
            issuer,
            serial: serial.to_vec(),
            not_before,
            not_after,
            key,
            scheme: key::scheme(algorithm).ok_or_else(|| oid::name(algorithm)),
            signature: signature.to_vec(),
            extensions,
            der: der.to_vec(),
        })
    }

    /// Its bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256Digest {
        self.fingerprint
    }

    /// SHA-256 of what its issuer signed of it, which lists of denied certificates have. UEFI 2.10, section 32.4.1,
    /// `EFI_CERT_X509_SHA256_GUID`.
    #[must_use]
    pub fn signed_sha256(&self) -> Sha256Digest {
        Sha256Digest::of(self.signed())
    }

    fn signed(&self) -> &[u8] {
        // The range is of `der`: it was found there.
        self.der.get(self.signed.clone()).unwrap_or_default()
    }

    /// Whose key it is.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// Who vouches for it.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Its number among those of its issuer: the bytes of a big-endian integer.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// When it begins to be valid. No firmware looks at it.
    #[must_use]
    pub fn not_before(&self) -> Time {
        self.not_before
    }

    /// When it ceases to be valid. No firmware looks at it.
    #[must_use]
    pub fn not_after(&self) -> Time {
        self.not_after
    }

    /// The key of its subject.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Bits of the key, where it is one for RSA.
    #[must_use]
    pub fn key_bits(&self) -> Option<usize> {
        match &self.key {
            PublicKey::Rsa { modulus, .. } => Some(key::bits(modulus)),
            PublicKey::Other { .. } => None,
        }
    }

    /// Whether its subject may vouch for other certificates, as OpenSSL decides it, which both EDK II and shim use.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        let Extensions { impossible, authority, signs_certificates, .. } = self.extensions;
        if signs_certificates == Some(false) {
            return false;
        }
        authority.unwrap_or(signs_certificates.is_some() || (impossible && self.subject == self.issuer))
    }

    /// Whether it is for kernel modules alone. A shim trusts no program for the sake of such a certificate; firmware
    /// makes no difference.
    #[must_use]
    pub fn is_for_modules(&self) -> bool {
        self.extensions.for_modules
    }

    /// Whether its signature was made with the key of `issuer`. Names are not compared.
    pub(crate) fn verify_signed_by(&self, issuer: &Self) -> Result<(), KeyFault> {
        match &self.scheme {
            Ok(scheme) => issuer.key.verify(*scheme, &[self.signed()], &self.signature),
            Err(algorithm) => Err(KeyFault::Unsupported(format!("a certificate signed with {algorithm}"))),
        }
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject.text())
            .field("issuer", &self.issuer.text())
            .field("serial", &hexadecimal(&self.serial))
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

impl Extensions {
    fn read(element: &Element<'_>) -> Result<Self, DerError> {
        let mut found = Self::default();
        let mut wrapped = element.inside();
        let mut all = wrapped.expect(tag::SEQUENCE, "the extensions")?.inside();
        wrapped.end("the extensions")?;
        while !all.is_empty() {
            let mut inside = all.expect(tag::SEQUENCE, "an extension")?.inside();
            let kind = inside.expect(tag::OBJECT_IDENTIFIER, "the type of an extension")?.body;
            inside.optional(tag::BOOLEAN, "whether an extension is critical")?;
            let value = inside.expect(tag::OCTET_STRING, "the value of an extension")?;
            inside.end("an extension")?;
            let mut value = value.inside();
            match kind {
                oid::BASIC_CONSTRAINTS => {
                    let mut constraints = value.expect(tag::SEQUENCE, "the basic constraints")?.inside();
                    let authority = constraints.optional(tag::BOOLEAN, "the basic constraints")?;
                    found.authority = Some(authority.is_some_and(|flag| flag.body.iter().any(|&byte| byte != 0)));
                }
                oid::KEY_USAGE => {
                    let usage = value.expect(tag::BIT_STRING, "the key usage")?;
                    // RFC 5280, section 4.2.1.3: keyCertSign is bit 5; behind the byte that counts unused bits.
                    found.signs_certificates = Some(usage.body.get(1).is_some_and(|bits| bits & 0x04 != 0));
                }
                oid::EXTENDED_KEY_USAGE => {
                    let mut usages = value.expect(tag::SEQUENCE, "the extended key usage")?.inside();
                    while !usages.is_empty() {
                        let usage = usages.expect(tag::OBJECT_IDENTIFIER, "an extended key usage")?;
                        found.for_modules |= usage.body == oid::MODULE_SIGNING;
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }
}
