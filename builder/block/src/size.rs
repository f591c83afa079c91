//! Sizes in bytes, as people write and read them.

use std::fmt;
use std::str::FromStr;

/// A number of bytes.
///
/// Parses `4096`, `512MiB`, `20G`, `1.5 GiB` (K, M, G, T and KiB … TiB are powers of 1024, KB … TB of 1000) and
/// prints the shortest binary unit with at most one decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

impl ByteSize {
    /// No bytes.
    pub const ZERO: Self = Self(0);

    /// So many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many KiB. Saturates.
    #[must_use]
    pub const fn kib(n: u64) -> Self {
        Self(n.saturating_mul(1 << 10))
    }

    /// So many MiB. Saturates.
    #[must_use]
    pub const fn mib(n: u64) -> Self {
        Self(n.saturating_mul(1 << 20))
    }

    /// So many GiB. Saturates.
    #[must_use]
    pub const fn gib(n: u64) -> Self {
        Self(n.saturating_mul(1 << 30))
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The sum, or `None` past 2^64.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The smallest multiple of `unit` (in bytes, not zero) that is not smaller; `None` past 2^64.
    #[must_use]
    pub fn align_up(self, unit: u64) -> Option<Self> {
        self.0.checked_next_multiple_of(unit).map(Self)
    }

    /// The largest multiple of `unit` (in bytes, not zero) that is not larger.
    #[must_use]
    pub const fn align_down(self, unit: u64) -> Self {
        Self(self.0 - self.0 % unit)
    }
}

impl std::iter::Sum for ByteSize {
    /// What they take together; more than `u64::MAX` counts as that.
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::ZERO, |sum, size| Self::new(sum.bytes().saturating_add(size.bytes())))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
        for (unit, shift) in UNITS {
            let one = 1_u64 << shift;
            if self.0 >= one {
                // Rounded to a tenth in integers: floats would print 0.999… of a unit as the unit above.
                let tenths = (u128::from(self.0) * 10 + u128::from(one / 2)) / u128::from(one);
                return if tenths % 10 == 0 {
                    f.pad(&format!("{} {unit}", tenths / 10))
                } else {
                    f.pad(&format!("{}.{} {unit}", tenths / 10, tenths % 10))
                };
            }
        }
        f.pad(&format!("{} B", self.0))
    }
}

/// A size that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a size: expected a number and a unit, such as 512MiB, 20G or 1.5 GiB")]
pub struct ParseSizeError {
    /// What was given.
    pub text: String,
}

impl FromStr for ByteSize {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseSizeError { text: text.to_owned() };
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(error()),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.len() > 6 || fraction.contains('.') || number.ends_with('.') {
            return Err(error());
        }
        let whole: u64 = whole.parse().map_err(|_| error())?;
        let mut bytes = u128::from(whole) * u128::from(unit);
        if !fraction.is_empty() {
            let scale = 10_u128.pow(u32::try_from(fraction.len()).map_err(|_| error())?);
            let fraction: u128 = fraction.parse().map_err(|_| error())?;
            bytes += fraction * u128::from(unit) / scale;
        }
        u64::try_from(bytes).map(Self).map_err(|_| error())
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSize;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("512MiB", Some(512 << 20)),
            ("20G", Some(20 << 30)),
            ("1.5 GiB", Some(3 << 29)),
            ("10 gib", Some(10 << 30)),
            ("1kB", Some(1000)),
            ("16T", Some(16 << 40)),
            ("", None),
            ("G", None),
            ("1.2.3G", None),
            ("1.G", None),
            ("-1", None),
            ("12 parsecs", None),
            ("99999999999T", None),
        ] {
            assert_eq!(text.parse::<ByteSize>().ok().map(ByteSize::bytes), bytes, "{text:?}");
        }
    }

    #[test]
    fn sizes_print_in_the_shortest_unit() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (3 << 29, "1.5 GiB"), (2_147_483_647, "2 GiB")]
        {
            assert_eq!(ByteSize::new(bytes).to_string(), text);
        }
    }
}
