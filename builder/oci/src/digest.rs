//! Digests: OCI image specification, "Digests".

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256, Sha512};

/// A hash function that names blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The registered name: `sha256`, `sha512`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// The name of a blob: `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    text: String,
}

/// Text that is no digest, or one that cannot be checked here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Neither SHA-256 nor SHA-512.
    #[error("the digest algorithm {algorithm:?} is not supported; sha256 and sha512 are")]
    Algorithm {
        /// What stands before the colon.
        algorithm: String,
    },
    /// Not `ALGORITHM:HEX`, or the wrong number of digits.
    #[error("{text:?} is not a digest: wanted sha256: and 64, or sha512: and 128 lower-case hexadecimal digits")]
    Syntax {
        /// What was given.
        text: String,
    },
}

impl Digest {
    /// The hash function.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The whole text, `sha256:…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The digits behind the colon.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.name().len() + 1..]
    }

    pub(crate) fn hasher(&self) -> Hasher {
        Hasher::new(self.algorithm)
    }

    /// The first digits, for messages about a layer that its number names already.
    pub(crate) fn short(&self) -> String {
        format!("{}:{}…", self.algorithm.name(), &self.hex()[..12])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let syntax = || DigestError::Syntax { text: text.chars().take(200).collect() };
        let (name, hex) = text.split_once(':').ok_or_else(syntax)?;
        let algorithm = match name {
            "sha256" => Algorithm::Sha256,
            "sha512" => Algorithm::Sha512,
            _ => return Err(DigestError::Algorithm { algorithm: name.chars().take(60).collect() }),
        };
        let digits = hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if !digits || hex.len() != algorithm.hex_digits() {
            return Err(syntax());
        }
        Ok(Self { algorithm, text: text.to_owned() })
    }
}

/// A digest in the making.
#[derive(Clone, Debug)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Box::default()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Digest {
        let (algorithm, hash) = match self {
            Self::Sha256(hasher) => (Algorithm::Sha256, hasher.finalize().to_vec()),
            Self::Sha512(hasher) => (Algorithm::Sha512, hasher.finalize().to_vec()),
        };
        let hex = hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Digest { algorithm, text: format!("{}:{hex}", algorithm.name()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Digest, DigestError, Hasher};

    #[test]
    fn digests_of_the_empty_blob_are_the_known_ones() {
        for (algorithm, text) in [
            (Algorithm::Sha256, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                Algorithm::Sha512,
                "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877e\
                 ec2f63b931bd47417a81a538327af927da3e",
            ),
        ] {
            let digest: Digest = text.parse().unwrap();
            assert_eq!(Hasher::new(algorithm).finish(), digest);
            assert_eq!((digest.algorithm(), digest.to_string().as_str()), (algorithm, text));
        }
    }

    #[test]
    fn other_text_is_refused() {
        let upper = format!("sha256:{}", "A".repeat(64));
        for text in ["", "sha256", "sha256:", "sha256:abc", &upper, "sha256:../../etc/passwd"] {
            assert!(matches!(text.parse::<Digest>(), Err(DigestError::Syntax { .. })), "{text}");
        }
        let other = format!("sha384:{}", "a".repeat(96)).parse::<Digest>().unwrap_err();
        assert_eq!(other.to_string(), "the digest algorithm \"sha384\" is not supported; sha256 and sha512 are");
    }
}
