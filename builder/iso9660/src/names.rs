//! Names of ISO 9660 itself, made from those that are meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::is_d;

/// ECMA-119, section 10.2: most characters of a file's name and extension together, and of a directory's name less one.
const FILE_CHARACTERS: usize = 30;
/// ECMA-119, section 7.6.3.
const DIRECTORY_CHARACTERS: usize = 31;
/// What is left of a longer extension.
const EXTENSION_CHARACTERS: usize = 8;

/// A name without its version: what is before the dot, and behind it. Directories have no extension.
///
/// The order is that of ECMA-119, section 9.3: both parts filled up with spaces, which sort before all they may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identifier {
    name: String,
    extension: String,
    directory: bool,
}

impl Identifier {
    /// As the directory record has it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if self.directory { self.name.clone().into() } else { format!("{}.{};1", self.name, self.extension).into() }
    }

    fn new(name: &str, directory: bool) -> Self {
        let (stem, extension) = match name.rsplit_once('.') {
            // A leading dot begins a name, not an extension.
            Some((stem, extension)) if !directory && !stem.is_empty() => (stem, extension),
            _ => (name, ""),
        };
        let extension = allowed(extension, EXTENSION_CHARACTERS);
        let room = if directory { DIRECTORY_CHARACTERS } else { FILE_CHARACTERS - extension.len() };
        Self { name: allowed(stem, room), extension, directory }
    }

    /// What makes two names the same for a reader; a directory and a file may differ in more than their kind.
    fn key(&self) -> (String, String) {
        (self.name.clone(), self.extension.clone())
    }

    /// Itself with `_number` at the end of its name.
    fn numbered(&self, number: u64) -> Self {
        let suffix = format!("_{number}");
        let room = if self.directory { DIRECTORY_CHARACTERS } else { FILE_CHARACTERS - self.extension.len() };
        // A number has at most 20 digits, and there is room for 22 characters at least.
        let kept = self.name.len().min(room - suffix.len());
        Self { name: format!("{}{suffix}", &self.name[..kept]), ..self.clone() }
    }
}

/// `text` in d-characters, cut after `limit`.
fn allowed(text: &str, limit: usize) -> String {
    let allowed = |c: char| match u8::try_from(c.to_ascii_uppercase()) {
        Ok(byte) if is_d(byte) => char::from(byte),
        _ => '_',
    };
    text.chars().map(allowed).take(limit).collect()
}

/// The identifiers for the names of one directory, each with whether it is a directory's. They come in a fixed order;
/// names that need no change keep theirs whatever else there is.
pub(crate) fn identifiers(names: &[(&str, bool)]) -> Vec<Identifier> {
    let wanted: Vec<Identifier> = names.iter().map(|&(name, directory)| Identifier::new(name, directory)).collect();
    let unchanged = |index: usize| {
        let Identifier { name, extension, .. } = &wanted[index];
        let plain = names[index].0;
        if extension.is_empty() { plain == name } else { plain == format!("{name}.{extension}") }
    };
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|&index| (!unchanged(index), index));
    let mut taken = BTreeSet::new();
    // Where to go on counting: thousands of names that are cut to the same one must not each begin anew.
    let mut next: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut given = wanted.clone();
    for index in order {
        let identifier = &mut given[index];
        let number = next.entry(identifier.key()).or_insert(1);
        while !taken.insert(identifier.key()) {
            *identifier = wanted[index].numbered(*number);
            *number += 1;
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::identifiers;

    fn names(names: &[(&str, bool)]) -> Vec<String> {
        identifiers(names).iter().map(|identifier| String::from_utf8(identifier.bytes()).unwrap()).collect()
    }

    #[test]
    fn names_are_made_of_d_characters() {
        for (name, directory, expected) in [
            ("vmlinuz", false, "VMLINUZ.;1"),
            ("grub.cfg", false, "GRUB.CFG;1"),
            ("a.tar.gz", false, "A_TAR.GZ;1"),
            (".hidden", false, "_HIDDEN.;1"),
            ("x86_64-efi.d", true, "X86_64_EFI_D"),
            ("Ünï", true, "_N_"),
            ("dot.", false, "DOT.;1"),
            ("long.extension-of-a-file", false, "LONG.EXTENSIO;1"),
            ("0123456789012345678901234567890123456789", true, "0123456789012345678901234567890"),
            ("0123456789012345678901234567890123456789.raw", false, "012345678901234567890123456.RAW;1"),
        ] {
            assert_eq!(names(&[(name, directory)]), [expected]);
        }
    }

    #[test]
    fn no_two_names_are_the_same() {
        assert_eq!(
            names(&[("A-B", false), ("a b", false), ("A_B", false), ("A_B_1", true), ("dir", true), ("Dir", false)]),
            ["A_B_2.;1", "A_B_3.;1", "A_B.;1", "A_B_1", "DIR", "DIR_1.;1"]
        );
        let long: Vec<String> = (0..2000).map(|n| format!("{}-{n:04}.txt", "x".repeat(40))).collect();
        let long: Vec<(&str, bool)> = long.iter().map(|name| (name.as_str(), false)).collect();
        let mut made = names(&long);
        assert!(made.iter().all(|name| name.len() == 27 + 1 + 3 + 2));
        made.sort();
        made.dedup();
        assert_eq!(made.len(), 2000);
    }
}
