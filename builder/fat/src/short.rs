//! Short names: the eight and three capitals that every long name has beside it.
//!
//! FAT specification, "Short and long name matching" and "The basis-name generation algorithm".

use std::collections::{BTreeMap, BTreeSet};

/// A short name, padded with spaces: eight characters, then three of the extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ShortName(pub(crate) [u8; 11]);

/// What is left of a name when it is squeezed into a short one.
struct Basis {
    /// Allowed characters, any number.
    stem: Vec<u8>,
    /// Allowed characters, at most three.
    extension: Vec<u8>,
    /// Nothing but the case is lost.
    lossless: bool,
}

/// Whether a short name may have that byte.
pub(crate) fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"!#$%&'()-@^_`{}~".contains(&byte)
}

impl ShortName {
    /// Of stem and extension, as much as has room.
    fn new(stem: &[u8], extension: &[u8]) -> Self {
        let mut bytes = [b' '; 11];
        bytes.iter_mut().take(8).zip(stem).for_each(|(to, from)| *to = *from);
        bytes[8..].iter_mut().zip(extension).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }

    /// The checksum that ties long-name records to their short one.
    pub(crate) fn checksum(self) -> u8 {
        self.0.iter().fold(0, |sum: u8, byte| sum.rotate_right(1).wrapping_add(*byte))
    }

    /// Whether it says all there is to `name`, so that no long-name record is needed.
    pub(crate) fn is_exactly(self, name: &str) -> bool {
        let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches(' ').to_owned();
        let (stem, extension) = (part(&self.0[..8]), part(&self.0[8..]));
        if extension.is_empty() { name == stem } else { name == format!("{stem}.{extension}") }
    }
}

impl Basis {
    fn of(name: &str) -> Self {
        let dense: String = name.chars().filter(|&c| c != ' ').collect();
        let bare = dense.trim_start_matches('.');
        // Without a dot all of it is the stem.
        let (stem, extension) = bare.rsplit_once('.').unwrap_or((bare, ""));
        let squeeze = |text: &str| -> Vec<u8> {
            text.chars()
                .filter(|&c| c != '.')
                .map(|c| u8::try_from(c.to_ascii_uppercase()).ok().filter(|&byte| is_allowed(byte)).unwrap_or(b'_'))
                .collect()
        };
        let (stem, mut extension) = (squeeze(stem), squeeze(extension));
        let lossless = stem.len() <= 8 && extension.len() <= 3 && {
            let short = ShortName::new(&stem, &extension);
            short.is_exactly(&name.to_ascii_uppercase())
        };
        extension.truncate(3);
        Self { stem, extension, lossless }
    }
}

/// Short names for `names`, in their order, each one once.
///
/// The names must be allowed ones no two of which differ only by case. Names that fit as they are, but for their case,
/// keep their form; the others get a `~` and a number, counted up in the order of `names`.
pub(crate) fn assign(names: &[&str]) -> Vec<ShortName> {
    let bases: Vec<Basis> = names.iter().map(|name| Basis::of(name)).collect();
    let mut taken: BTreeSet<ShortName> = bases
        .iter()
        .filter(|basis| basis.lossless)
        .map(|basis| ShortName::new(&basis.stem, &basis.extension))
        .collect();
    // Where to go on counting, so that thousands of alike names do not try every number again.
    let mut counters: BTreeMap<(&[u8], &[u8]), u32> = BTreeMap::new();
    bases
        .iter()
        .map(|basis| {
            if basis.lossless {
                return ShortName::new(&basis.stem, &basis.extension);
            }
            let key = (&basis.stem[..basis.stem.len().min(6)], &basis.extension[..]);
            let counter = counters.entry(key).or_insert(0);
            loop {
                // A directory has at most 65,536 records: the numbers up to 999,999 never run out.
                *counter += 1;
                let tail = format!("~{counter}");
                let room = 8_usize.saturating_sub(tail.len());
                let stem = [&basis.stem[..basis.stem.len().min(room)], tail.as_bytes()].concat();
                let short = ShortName::new(&stem, &basis.extension);
                if taken.insert(short) {
                    return short;
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ShortName, assign};

    fn text(short: ShortName) -> String {
        String::from_utf8(short.0.to_vec()).unwrap()
    }

    #[test]
    fn short_names_follow_the_specification() {
        for (name, short) in [
            ("EFI", "EFI        "),
            ("BOOTX64.EFI", "BOOTX64 EFI"),
            ("grub.cfg", "GRUB    CFG"),
            ("shimx64.efi", "SHIMX64 EFI"),
            ("loader.conf", "LOADER~1CON"),
            ("initramfs.img", "INITRA~1IMG"),
            (".hidden", "HIDDEN~1   "),
            ("a.tar.gz", "ATAR~1  GZ "),
            ("a b", "AB~1       "),
            ("x+y", "X_Y~1      "),
            ("日本", "__~1       "),
            ("ü.txt", "_~1     TXT"),
            ("a.toml", "A~1     TOM"),
            ("nodotlongname", "NODOTL~1   "),
            ("ſ", "_~1        "),
        ] {
            assert_eq!(text(assign(&[name])[0]), short, "{name}");
        }
    }

    #[test]
    fn a_number_never_takes_the_name_of_a_neighbour() {
        let names = ["LONGFI~1.TXT", "longfilename.txt", "longfilename2.txt", "longfi~3.txt", "longfilename4.txt"];
        let short: Vec<String> = assign(&names).into_iter().map(text).collect();
        assert_eq!(short, ["LONGFI~1TXT", "LONGFI~2TXT", "LONGFI~4TXT", "LONGFI~3TXT", "LONGFI~5TXT"]);
    }

    #[test]
    fn ten_thousand_alike_names_differ() {
        let names: Vec<String> = (0..10_000).map(|n| format!("a-rather-long-name-{n}.conf")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let short = assign(&names);
        assert_eq!(text(short[9_999]), "A-~10000CON");
        assert_eq!(short.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn only_capitals_need_no_long_name() {
        for (name, exact) in [("EFI", true), ("efi", false), ("A.B", true), ("A.b", false), ("LONG-NAME.TXT", false)] {
            assert_eq!(assign(&[name])[0].is_exactly(name), exact, "{name}");
        }
    }
}
