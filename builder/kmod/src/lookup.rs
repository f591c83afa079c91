//! Which modules a name or alias stands for.

use std::collections::BTreeSet;

use crate::budget::{Budget, Spent};
use crate::modules::Alias;
use crate::name::{normalized, normalized_alias};
use crate::{Module, Modules, pattern};

/// Longest name or alias in bytes that is looked up.
const MAX_NAME_BYTES: usize = 4096;

/// What a name or alias stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider<'a> {
    /// A part of the kernel, by its normalized name.
    Builtin(&'a str),
    /// A file. Whether it is there is for [`Modules::is_present`] to say.
    Module(&'a Module),
}

/// Where a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State<'a> {
    /// In the kernel.
    Builtin,
    /// In a file that is there.
    Module(&'a Module),
    /// Nowhere: unknown, or its file is missing.
    Missing,
}

impl<'a> Provider<'a> {
    /// The module's name, normalized.
    #[must_use]
    pub fn name(self) -> &'a str {
        match self {
            Self::Builtin(name) => name,
            Self::Module(module) => &module.name,
        }
    }
}

impl Modules {
    /// Where the module of that name is, or where there is none, that of the alias. Built in is preferred, then a file
    /// that is there.
    #[must_use]
    pub fn state(&self, name: &str) -> State<'_> {
        if self.builtin.contains(&normalized(name)) {
            return State::Builtin;
        }
        let mut state = State::Missing;
        for provider in self.lookup(name) {
            match (provider, state) {
                (Provider::Builtin(_), _) => return State::Builtin,
                (Provider::Module(module), State::Missing) if self.is_present(module) => state = State::Module(module),
                _ => {}
            }
        }
        state
    }

    /// What a name or alias stands for, in the order in which `modprobe` would load it; nothing if it is unknown.
    ///
    /// As for modprobe, the name of a module goes before aliases of modules, and these before what is built in, even where
    /// that has just this name: of Debian's 6.1 `crc32` is built in, and is an alias of modules with another interface.
    ///
    /// Its time grows with the length of the name, which is expected to be a short one.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Vec<Provider<'_>> {
        self.lookup_within(name, &mut Budget::new(u64::MAX)).unwrap_or_default()
    }

    pub(crate) fn lookup_within(&self, name: &str, budget: &mut Budget) -> Result<Vec<Provider<'_>>, Spent> {
        if name.len() > MAX_NAME_BYTES {
            return Ok(Vec::new());
        }
        let by_name = self.by_name(&normalized(name));
        if let Some(provider) = by_name.filter(|provider| self.modules.contains_key(provider.name())) {
            return Ok(vec![provider]);
        }
        let Some(alias) = normalized_alias(name) else { return Ok(Vec::new()) };
        let found = self.by_alias(&self.aliases, &alias, budget)?;
        match by_name {
            _ if !found.is_empty() => Ok(found),
            Some(provider) => Ok(vec![provider]),
            None => self.by_alias(&self.builtin_aliases, &alias, budget),
        }
    }

    /// A module that is built in is not loaded, though `modules.dep` may have it too.
    pub(crate) fn by_name(&self, normalized: &str) -> Option<Provider<'_>> {
        if let Some(name) = self.builtin.get(normalized) {
            return Some(Provider::Builtin(name));
        }
        self.modules.get(normalized).map(Provider::Module)
    }

    fn by_alias<'a>(
        &'a self,
        aliases: &'a [Alias],
        name: &str,
        budget: &mut Budget,
    ) -> Result<Vec<Provider<'a>>, Spent> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for alias in aliases {
            if pattern::matches(alias.pattern.as_bytes(), name.as_bytes(), budget)? && seen.insert(&alias.module) {
                found.extend(self.by_name(&alias.module));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::*;

    fn modules() -> Modules {
        let mut tree = FileTree::new();
        for (path, body) in [
            ("m/modules.dep", "a-b.ko:\nc.ko:\nboth.ko:\nlost.ko:\n"),
            (
                "m/modules.alias",
                "alias x-* c\nalias x-y a_b\nalias x-y c\nalias c a_b\nalias gone lost\nalias odd[ c\n\
                 alias in-side a_b\n",
            ),
            ("m/modules.builtin", "kernel/both.ko\nkernel/in-side.ko\nkernel/alone.ko\n"),
            ("m/modules.builtin.modinfo", "in_side.alias=fs-inside\0in_side.alias=x-y\0"),
            ("m/a-b.ko", ""),
            ("m/c.ko", ""),
            ("m/both.ko", ""),
        ] {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body.as_bytes().to_vec()));
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        Modules::read(&tree, "m").unwrap()
    }

    #[test]
    fn names_go_before_aliases_and_files_before_what_is_built_in() {
        let modules = modules();
        for (name, expected) in [
            ("a-b", &["a_b"][..]),
            ("a_b", &["a_b"]),
            ("c", &["c"]),
            ("both", &["both"]),
            ("x-y", &["c", "a_b"]),
            ("x_z", &["c"]),
            ("fs_inside", &["in_side"]),
            ("in_side", &["a_b"]),
            ("alone", &["alone"]),
            ("gone", &["lost"]),
            ("odd[", &[]),
            ("none", &[]),
            ("", &[]),
        ] {
            let found: Vec<_> = modules.lookup(name).iter().map(|provider| provider.name()).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_state_is_built_in_a_file_or_missing() {
        let modules = modules();
        for name in ["both", "in-side", "fs-inside"] {
            assert_eq!(modules.state(name), State::Builtin, "{name}");
        }
        assert!(matches!(modules.state("a-b"), State::Module(module) if module.path == "a-b.ko"));
        assert!(matches!(modules.state("x_q"), State::Module(module) if module.name == "c"));
        for name in ["lost", "gone", "none"] {
            assert_eq!(modules.state(name), State::Missing, "{name}");
        }
    }
}
