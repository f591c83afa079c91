//! Public keys, and whether a signature was made with one.

use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::{Sha256, Sha384, Sha512};

use crate::HashAlgorithm;
use crate::certificate::PublicKey;
use crate::der::{DerError, Element, Reader, tag};
use crate::oid;

/// Shortest RSA key that is looked at.
const LEAST_RSA_BITS: usize = 1024;
/// Longest RSA key that is looked at. Longer ones take their time, and the firmware of no vendor is tested with them.
const MOST_RSA_BITS: usize = 4096;

/// How signatures are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// RSA PKCS #1 v1.5 of a digest.
    Rsa(HashAlgorithm),
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyFault {
    /// It may be right: nothing here can tell.
    Unsupported(String),
    /// It was not made with the key, or for other bytes.
    Wrong,
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo`. RFC 5280, section 4.1.2.7.
    pub(crate) fn read(element: &Element<'_>) -> Result<Self, DerError> {
        let mut inside = element.inside();
        let algorithm = inside.expect(tag::SEQUENCE, "the kind of the key")?;
        let kind = algorithm.inside().expect(tag::OBJECT_IDENTIFIER, "the kind of the key")?.body;
        let bits = inside.expect(tag::BIT_STRING, "the key")?.bits()?;
        inside.end("the key")?;
        if kind != oid::RSA {
            return Ok(Self::Other { algorithm: oid::name(kind) });
        }
        // RFC 8017, appendix A.1.1.
        let mut key = Reader::new(bits);
        let mut numbers = key.expect(tag::SEQUENCE, "the RSA key")?.inside();
        key.end("the RSA key")?;
        let modulus = numbers.expect(tag::INTEGER, "the modulus of the RSA key")?.unsigned()?.to_vec();
        let exponent = numbers.expect(tag::INTEGER, "the exponent of the RSA key")?.unsigned()?.to_vec();
        numbers.end("the RSA key")?;
        Ok(Self::Rsa { modulus, exponent })
    }

    /// Whether `signature` is of the bytes in `pieces`, and was made with the private part of this key.
    pub(crate) fn verify(&self, scheme: Scheme, pieces: &[&[u8]], signature: &[u8]) -> Result<(), KeyFault> {
        let (modulus, exponent) = match self {
            Self::Rsa { modulus, exponent } => (modulus, exponent),
            Self::Other { algorithm } => return Err(KeyFault::Unsupported(format!("a key for {algorithm}"))),
        };
        let bits = bits(modulus);
        // An even modulus is none, and would be another path in the library.
        if !(LEAST_RSA_BITS..=MOST_RSA_BITS).contains(&bits) || modulus.last().is_none_or(|last| last % 2 == 0) {
            return Err(KeyFault::Unsupported(format!("an RSA key of {bits} bits")));
        }
        let number = BigUint::from_bytes_be;
        let key = RsaPublicKey::new(number(modulus), number(exponent))
            .map_err(|error| KeyFault::Unsupported(format!("an RSA key that cannot be used: {error}")))?;
        let Scheme::Rsa(hash) = scheme;
        let padding = match hash {
            HashAlgorithm::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            HashAlgorithm::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            HashAlgorithm::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        };
        let digest = hash.of(pieces.iter().copied());
        key.verify(padding, &digest, signature).map_err(|_| KeyFault::Wrong)
    }
}

/// Bits of a number without zeros before it.
pub(crate) fn bits(number: &[u8]) -> usize {
    match number.first() {
        Some(first) => number.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0),
        None => 0,
    }
}

/// Reads an `AlgorithmIdentifier` for its identifier; the parameters are none or NULL in all that are known here.
pub(crate) fn algorithm<'a>(reader: &mut Reader<'a>, what: &'static str) -> Result<&'a [u8], DerError> {
    Ok(reader.expect(tag::SEQUENCE, what)?.inside().expect(tag::OBJECT_IDENTIFIER, what)?.body)
}

/// The digest that an identifier names.
pub(crate) fn hash(identifier: &[u8]) -> Option<HashAlgorithm> {
    [(oid::SHA256, HashAlgorithm::Sha256), (oid::SHA384, HashAlgorithm::Sha384), (oid::SHA512, HashAlgorithm::Sha512)]
        .into_iter()
        .find_map(|(known, hash)| (known == identifier).then_some(hash))
}

/// The scheme that an identifier names, of those that name the digest too.
pub(crate) fn scheme(identifier: &[u8]) -> Option<Scheme> {
    [
        (oid::SHA256_WITH_RSA, HashAlgorithm::Sha256),
        (oid::SHA384_WITH_RSA, HashAlgorithm::Sha384),
        (oid::SHA512_WITH_RSA, HashAlgorithm::Sha512),
    ]
    .into_iter()
    .find_map(|(known, hash)| (known == identifier).then_some(Scheme::Rsa(hash)))
}
