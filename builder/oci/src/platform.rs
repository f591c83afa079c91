//! Platforms: operating system, architecture and variant, in the words of the Go tool chain.

use std::fmt;
use std::str::FromStr;

/// What an image is made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// Operating system: `linux`.
    pub os: String,
    /// Architecture: `amd64`, `arm64`, …
    pub architecture: String,
    /// Variant of the architecture: `v7`, `v8`; usually none.
    pub variant: Option<String>,
}

/// Text that is no platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a platform: wanted OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT, such as linux/arm64")]
pub struct PlatformError {
    /// What was given.
    pub text: String,
}

impl Platform {
    /// Linux on the machine that the Rust tool chain calls `architecture` (`std::env::consts::ARCH`).
    #[must_use]
    pub fn host(architecture: &str) -> Self {
        Self { os: "linux".into(), architecture: go_name(architecture).into(), variant: None }
    }

    /// How well `offered` serves one who asked for `self`: `None` not at all, else the higher the better.
    pub(crate) fn rank(&self, offered: &Self) -> Option<u8> {
        if self.os != offered.os || go_name(&self.architecture) != go_name(&offered.architecture) {
            return None;
        }
        match (self.plain_variant(), offered.plain_variant()) {
            (wanted, offered) if wanted == offered => Some(2),
            (Some(_), Some(_)) => None,
            _ => Some(1),
        }
    }

    /// The variant, without those that say nothing: every arm64 is v8, every amd64 v1.
    fn plain_variant(&self) -> Option<&str> {
        let variant = self.variant.as_deref().filter(|variant| !variant.is_empty())?;
        match (go_name(&self.architecture), variant) {
            ("arm64", "v8" | "8") | ("amd64", "v1") => None,
            _ => Some(variant),
        }
    }
}

/// The Go tool chain's name of an architecture that other tools name differently.
fn go_name(architecture: &str) -> &str {
    match architecture {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "x86" | "i386" | "i686" => "386",
        // Rust has one name for both byte orders; Linux distributions of today have only the little-endian one.
        "powerpc64" | "powerpc64le" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] if !variant.is_empty() => (os, architecture, Some(variant.to_owned())),
            _ => return Err(PlatformError { text: text.to_owned() }),
        };
        if os.is_empty() || architecture.is_empty() {
            return Err(PlatformError { text: text.to_owned() });
        }
        Ok(Self { os: os.to_owned(), architecture: go_name(architecture).to_owned(), variant })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Platform;

    #[test]
    fn names_of_other_tool_chains_are_understood() {
        assert_eq!(Platform::host("x86_64").to_string(), "linux/amd64");
        assert_eq!(Platform::host("riscv64").to_string(), "linux/riscv64");
        for (text, canonical) in
            [("linux/aarch64", "linux/arm64"), ("linux/arm/v7", "linux/arm/v7"), ("linux/s390x", "linux/s390x")]
        {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), canonical);
        }
        for text in ["", "linux", "linux/", "/amd64", "linux/arm/", "a/b/c/d"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_closest_variant_ranks_highest() {
        for (wanted, offered, rank) in [
            ("linux/amd64", "linux/amd64", Some(2)),
            ("linux/amd64", "linux/amd64/v1", Some(2)),
            ("linux/amd64", "linux/amd64/v3", Some(1)),
            ("linux/arm64/v8", "linux/arm64", Some(2)),
            ("linux/arm/v7", "linux/arm/v6", None),
            ("linux/arm/v7", "linux/arm", Some(1)),
            ("linux/amd64", "windows/amd64", None),
            ("linux/amd64", "linux/arm64", None),
        ] {
            let (wanted, offered) = (wanted.parse::<Platform>().unwrap(), offered.parse::<Platform>().unwrap());
            assert_eq!(wanted.rank(&offered), rank, "{wanted} of {offered}");
        }
    }
}
