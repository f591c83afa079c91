//! Paths of files and directories, each kept as its name and where it is.

use std::num::NonZeroU32;

/// More components than that are not printed.
const MOST_COMPONENTS: usize = 64;

/// A path that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathId(NonZeroU32);

/// All paths that are known. A path takes the memory of its last name.
#[derive(Debug)]
pub(crate) struct Paths {
    /// The directory and the name, by number less one; the first is the root directory.
    names: Vec<(PathId, Box<str>)>,
}

impl PathId {
    /// That of the root directory.
    pub(crate) const ROOT: Self = Self(NonZeroU32::MIN);

    fn index(self) -> usize {
        // Numbers are those of a vector.
        usize::try_from(self.0.get()).unwrap_or(1) - 1
    }
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self { names: vec![(PathId::ROOT, "".into())] }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Notes a name in a directory. The caller sees to it that there are less than 2^32.
    pub(crate) fn add(&mut self, directory: PathId, name: &str) -> PathId {
        self.names.push((directory, name.into()));
        PathId(u32::try_from(self.names.len()).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN))
    }

    /// How messages call it: `EFI/BOOT/BOOTX64.EFI`, or `root directory`.
    pub(crate) fn text(&self, id: PathId) -> String {
        if id == PathId::ROOT { "root directory".into() } else { self.components(id).join("/") }
    }

    /// How messages call the entry of that name in a directory.
    pub(crate) fn text_in(&self, directory: PathId, name: &str) -> String {
        let mut components = self.components(directory);
        components.push(printable(name));
        components.join("/")
    }

    fn components(&self, mut id: PathId) -> Vec<String> {
        let mut components = Vec::new();
        // A directory has a lower number than what is in it, so this ends.
        while id != PathId::ROOT {
            let (directory, name) = &self.names[id.index()];
            if components.len() == MOST_COMPONENTS {
                components.push("…".into());
                break;
            }
            components.push(printable(name));
            id = *directory;
        }
        components.reverse();
        components
    }
}

/// A name without anything that could garble a terminal or be taken for another directory.
fn printable(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() || c == '/' { c.escape_unicode().to_string() } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{PathId, Paths};

    #[test]
    fn paths_are_printed_from_the_root() {
        let mut paths = Paths::new();
        let efi = paths.add(PathId::ROOT, "EFI");
        let boot = paths.add(efi, "BO\x07OT");
        assert_eq!(paths.text(PathId::ROOT), "root directory");
        assert_eq!(paths.text(boot), "EFI/BO\\u{7}OT");
        assert_eq!(paths.text_in(efi, "x"), "EFI/x");
        assert_eq!(paths.text_in(PathId::ROOT, "x"), "x");
        let mut deep = efi;
        for _ in 0..1000 {
            deep = paths.add(deep, "d");
        }
        assert_eq!(paths.text(deep).len(), "…".len() + 64 * 2);
    }
}
