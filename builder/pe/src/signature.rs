//! An Authenticode signature.
//!
//! Microsoft, "Windows Authenticode Portable Executable Signature Format": a `SignedData` of PKCS #7 (RFC 5652, section
//! 5.1) whose content is an `SpcIndirectDataContent`, which holds the digest of the program.

use crate::HashAlgorithm;
use crate::certificate::Certificate;
use crate::der::{DerError, Element, Reader, tag};
use crate::digest::hexadecimal;
use crate::key::{self, KeyFault, Scheme};
use crate::name::Name;
use crate::oid;

/// Most bytes of a signature; Microsoft's have ten thousand. What is read of one takes several times as much.
const MOST_BYTES: usize = 1 << 20;
/// More certificates than any signature has; two or three are usual.
const MOST_CERTIFICATES: usize = 16;
/// More signers than any signature has: one.
const MOST_SIGNERS: usize = 4;

/// A signature, read.
#[derive(Debug, Clone)]
pub struct Signature {
    algorithm: HashAlgorithm,
    digest: Vec<u8>,
    certificates: Vec<Certificate>,
    signers: Vec<Signer>,
    /// What is signed where a signer signed no attributes, and what an attribute has the digest of else.
    content: Vec<u8>,
}

/// One who signed.
#[derive(Debug, Clone)]
struct Signer {
    /// Index of its certificate.
    certificate: usize,
    scheme: Scheme,
    attributes: Option<Attributes>,
    signature: Vec<u8>,
}

/// What was signed in place of the content.
#[derive(Debug, Clone)]
struct Attributes {
    /// The elements of the set: they are signed with the tag of a set, and stand here with another one.
    length_and_body: Vec<u8>,
    message_digest: Vec<u8>,
}

/// Why a signature cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It is damaged.
    #[error("the signature is damaged")]
    Der(#[from] DerError),
    /// It is PKCS #7, and no signature of a program.
    #[error("{what} is of the type {found}, expected {expected}")]
    Content {
        /// What it is about.
        what: &'static str,
        /// Numbers of the type.
        found: String,
        /// Numbers of the type that it should be.
        expected: String,
    },
    /// An algorithm that is not known here, such as SHA-1.
    #[error("{what} is made with {algorithm}, which is not supported")]
    Algorithm {
        /// What it is about.
        what: &'static str,
        /// Its name or numbers.
        algorithm: String,
    },
    /// A digest of the wrong length.
    #[error("the digest of the program has {found} bytes, and {algorithm} has {expected}")]
    DigestLength {
        /// In bytes.
        found: usize,
        /// The digest.
        algorithm: HashAlgorithm,
        /// In bytes.
        expected: usize,
    },
    /// Nobody signed.
    #[error("the signature has no signer")]
    NoSigner,
    /// The certificate of the signer is not there.
    #[error("the certificate {serial} of {issuer}, with which it is signed, is not in the signature")]
    SignerCertificate {
        /// Name of the certificate's issuer.
        issuer: String,
        /// Its number, hexadecimal.
        serial: String,
    },
    /// More of something than is read.
    #[error("the signature has more than {limit} {what}")]
    TooMany {
        /// In the plural.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl Signature {
    /// Reads what an entry of the certificate table holds. Bytes behind the signature are padding, and ignored.
    ///
    /// # Errors
    /// [`SignatureError`]: it is damaged, signs something else, has no signer or lacks a signer's certificate; it is
    /// made with algorithms other than SHA-2 and RSA; or it has more than 1 MiB, 16 certificates or 4 signers.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        if bytes.len() > MOST_BYTES {
            return Err(SignatureError::TooMany { what: "bytes", limit: MOST_BYTES });
        }
        let mut content_info = Reader::new(bytes).expect(tag::SEQUENCE, "the signature")?.inside();
        let kind = content_info.expect(tag::OBJECT_IDENTIFIER, "the type of the signature")?.body;
        must_be("the signature", kind, oid::SIGNED_DATA)?;
        let mut wrapped = content_info.expect(tag::CONTEXT_0, "the signed data")?.inside();
        let mut signed_data = wrapped.expect(tag::SEQUENCE, "the signed data")?.inside();
        signed_data.expect(tag::INTEGER, "the version of the signed data")?;
        signed_data.expect(tag::SET, "the digest algorithms of the signed data")?;
        let mut content = signed_data.expect(tag::SEQUENCE, "the signed content")?.inside();
        let kind = content.expect(tag::OBJECT_IDENTIFIER, "the type of the signed content")?.body;
        must_be("what is signed", kind, oid::SPC_INDIRECT_DATA)?;
        let mut content = content.expect(tag::CONTEXT_0, "the signed content")?.inside();
        let content = content.expect(tag::SEQUENCE, "the signed content")?;
        let (algorithm, digest) = program_digest(&content)?;
        let certificates = match signed_data.optional(tag::CONTEXT_0, "the certificates")? {
            Some(set) => certificates(&set)?,
            None => Vec::new(),
        };
        signed_data.optional(tag::CONTEXT_1, "the revocation lists")?;
        let mut set = signed_data.expect(tag::SET, "the signers")?.inside();
        let mut signers = Vec::new();
        while !set.is_empty() {
            if signers.len() == MOST_SIGNERS {
                return Err(SignatureError::TooMany { what: "signers", limit: MOST_SIGNERS });
            }
            signers.push(Signer::read(&set.expect(tag::SEQUENCE, "a signer")?, &certificates)?);
        }
        if signers.is_empty() {
            return Err(SignatureError::NoSigner);
        }
        Ok(Self { algorithm, digest, certificates, signers, content: content.body.to_vec() })
    }

    /// What [`Signature::digest`] is computed with.
    #[must_use]
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The digest of the program that it was made for.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The certificates in it, in its order: those of the signers, and others that may lead to an authority.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The certificates of those who signed; there is at least one, and hardly ever another.
    pub fn signers(&self) -> impl Iterator<Item = &Certificate> {
        // The indices were found in `certificates`.
        self.signers.iter().filter_map(|signer| self.certificates.get(signer.certificate))
    }

    /// Indices of those who signed, in the certificates.
    pub(crate) fn signer_indices(&self) -> impl Iterator<Item = usize> {
        self.signers.iter().map(|signer| signer.certificate)
    }

    /// Whether every signer's signature was made with the key of its certificate, and for the content. Gives back the
    /// first signer for whom it was not.
    pub(crate) fn verify(&self) -> Result<(), (&Certificate, KeyFault)> {
        for signer in &self.signers {
            // The index was found in `certificates`.
            let Some(certificate) = self.certificates.get(signer.certificate) else { continue };
            signer.verify(certificate, &self.content).map_err(|fault| (certificate, fault))?;
        }
        Ok(())
    }
}

impl Signer {
    /// Reads a `SignerInfo`. RFC 5652, section 5.3.
    fn read(element: &Element<'_>, certificates: &[Certificate]) -> Result<Self, SignatureError> {
        let mut inside = element.inside();
        inside.expect(tag::INTEGER, "the version of a signer")?;
        let mut identity = inside.expect(tag::SEQUENCE, "a signer's issuer and serial number")?.inside();
        let issuer = Name::read(&identity.expect(tag::SEQUENCE, "the name of a signer's issuer")?)?;
        let serial = identity.expect(tag::INTEGER, "a signer's serial number")?.body;
        let certificate = certificates
            .iter()
            .position(|certificate| certificate.serial() == serial && *certificate.issuer() == issuer)
            .ok_or_else(|| SignatureError::SignerCertificate {
                issuer: issuer.text().into(),
                serial: hexadecimal(serial),
            })?;
        let digest = key::algorithm(&mut inside, "a signer's digest algorithm")?;
        let Some(hash) = key::hash(digest) else {
            return Err(unsupported("a signer's digest", digest));
        };
        let attributes = match inside.optional(tag::CONTEXT_0, "the signed attributes")? {
            Some(set) => Some(Attributes::read(&set)?),
            None => None,
        };
        let algorithm = key::algorithm(&mut inside, "a signer's algorithm")?;
        let scheme = if algorithm == oid::RSA { Some(Scheme::Rsa(hash)) } else { key::scheme(algorithm) };
        let scheme = scheme.filter(|scheme| *scheme == Scheme::Rsa(hash));
        let scheme = scheme.ok_or_else(|| unsupported("a signer's signature", algorithm))?;
        let signature = inside.expect(tag::OCTET_STRING, "a signer's signature")?.body.to_vec();
        Ok(Self { certificate, scheme, attributes, signature })
    }

    fn verify(&self, certificate: &Certificate, content: &[u8]) -> Result<(), KeyFault> {
        let Some(attributes) = &self.attributes else {
            return certificate.key().verify(self.scheme, &[content], &self.signature);
        };
        let Scheme::Rsa(hash) = self.scheme;
        if hash.of([content]) != attributes.message_digest {
            return Err(KeyFault::Wrong);
        }
        // RFC 5652, section 5.4: the attributes are signed as a set.
        certificate.key().verify(self.scheme, &[&[tag::SET], &attributes.length_and_body], &self.signature)
    }
}

impl Attributes {
    fn read(set: &Element<'_>) -> Result<Self, SignatureError> {
        let mut message_digest = None;
        let mut all = set.inside();
        while !all.is_empty() {
            let attribute = all.expect(tag::SEQUENCE, "a signed attribute")?;
            let mut inside = attribute.inside();
            let kind = inside.expect(tag::OBJECT_IDENTIFIER, "the type of a signed attribute")?.body;
            let mut values = inside.expect(tag::SET, "the value of a signed attribute")?.inside();
            match kind {
                oid::CONTENT_TYPE => {
                    let kind = values.expect(tag::OBJECT_IDENTIFIER, "the signed type of the content")?.body;
                    must_be("the signed type of what is signed", kind, oid::SPC_INDIRECT_DATA)?;
                }
                oid::MESSAGE_DIGEST => {
                    message_digest = Some(values.expect(tag::OCTET_STRING, "the signed digest")?.body.to_vec());
                }
                _ => {}
            }
        }
        let length_and_body = set.whole.get(1..).unwrap_or_default().to_vec();
        let message_digest = message_digest.ok_or_else(|| set.fault("there is no digest among them"))?;
        Ok(Self { length_and_body, message_digest })
    }
}

/// The digest of the program in an `SpcIndirectDataContent`.
fn program_digest(content: &Element<'_>) -> Result<(HashAlgorithm, Vec<u8>), SignatureError> {
    let mut inside = content.inside();
    inside.expect(tag::SEQUENCE, "the kind of the program")?;
    let mut digest_info = inside.expect(tag::SEQUENCE, "the digest of the program")?.inside();
    let identifier = key::algorithm(&mut digest_info, "the digest of the program")?;
    let Some(algorithm) = key::hash(identifier) else {
        return Err(unsupported("the digest of the program", identifier));
    };
    let digest = digest_info.expect(tag::OCTET_STRING, "the digest of the program")?.body.to_vec();
    let expected = algorithm.of([]).len();
    if digest.len() != expected {
        return Err(SignatureError::DigestLength { found: digest.len(), algorithm, expected });
    }
    Ok((algorithm, digest))
}

fn certificates(set: &Element<'_>) -> Result<Vec<Certificate>, SignatureError> {
    let mut inside = set.inside();
    let mut certificates = Vec::new();
    while !inside.is_empty() {
        let element = inside.element("a certificate")?;
        // Other tags are of kinds that nobody uses. RFC 5652, section 10.2.2.
        if element.tag != tag::SEQUENCE {
            continue;
        }
        if certificates.len() == MOST_CERTIFICATES {
            return Err(SignatureError::TooMany { what: "certificates", limit: MOST_CERTIFICATES });
        }
        certificates.push(Certificate::parse(element.whole)?);
    }
    Ok(certificates)
}

fn must_be(what: &'static str, found: &[u8], expected: &[u8]) -> Result<(), SignatureError> {
    if found == expected {
        return Ok(());
    }
    Err(SignatureError::Content { what, found: oid::name(found), expected: oid::name(expected) })
}

fn unsupported(what: &'static str, identifier: &[u8]) -> SignatureError {
    SignatureError::Algorithm { what, algorithm: oid::name(identifier) }
}
