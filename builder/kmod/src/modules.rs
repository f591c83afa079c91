//! What a directory of modules says.

use std::collections::{BTreeMap, BTreeSet};

use crate::Fields;
use crate::name::normalized;

/// A kernel's modules: those that are files, and those that are built in. Made by [`Modules::read`].
#[derive(Debug, Clone)]
pub struct Modules {
    /// Without slashes at its ends.
    pub(crate) directory: String,
    /// From `modules.dep`, by name.
    pub(crate) modules: BTreeMap<String, Module>,
    pub(crate) builtin: BTreeSet<String>,
    /// In the order of their priorities.
    pub(crate) aliases: Vec<Alias>,
    pub(crate) builtin_aliases: Vec<Alias>,
    pub(crate) softdeps: BTreeMap<String, Vec<Softdep>>,
    pub(crate) order: Vec<String>,
    pub(crate) device_nodes: Vec<DeviceNode>,
    pub(crate) builtin_fields: BTreeMap<String, Fields>,
    /// Paths of the files that are there, as in [`Module::path`].
    pub(crate) present: BTreeSet<String>,
    pub(crate) lists: BTreeSet<&'static str>,
}

/// A module that is a file, as `modules.dep` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name, normalized.
    pub name: String,
    /// Path of its file, relative to the directory of the modules; from the root of the tree if it begins with a slash.
    pub path: String,
    /// Normalized names of the modules it needs, directly or not. The last one has to be loaded first.
    pub depends: Vec<String>,
}

/// What should be loaded with a module though it can do without: a line of `modules.softdep`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Softdep {
    /// Names or aliases to load before the module.
    pub before: Vec<String>,
    /// Names or aliases to load after it.
    pub after: Vec<String>,
}

/// A device node that is made before its module is loaded: a line of `modules.devname`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceNode {
    /// The module that is loaded when the node is opened, normalized.
    pub module: String,
    /// Path below `/dev`.
    pub path: String,
    /// Whether it is a block device; else a character device.
    pub is_block: bool,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

/// What else a module is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias {
    /// A pattern, in the form of the indexes.
    pub(crate) pattern: String,
    /// The module's name, normalized.
    pub(crate) module: String,
}

impl Modules {
    /// The directory, without slashes at its ends.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// The kernel's release: the name of the directory.
    #[must_use]
    pub fn release(&self) -> &str {
        self.directory.rsplit('/').next().unwrap_or_default()
    }

    /// The files that were read, such as `modules.dep` or `modules.dep.bin`.
    ///
    /// Without one of `modules.builtin` and `modules.builtin.bin` nobody knows what is built in.
    #[must_use]
    pub fn lists(&self) -> &BTreeSet<&'static str> {
        &self.lists
    }

    /// All modules of `modules.dep`, sorted by name, whether their files are there or not.
    pub fn iter(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    /// The module of that name, not alias; whether its file is there or not.
    #[must_use]
    pub fn module(&self, name: &str) -> Option<&Module> {
        self.modules.get(&normalized(name))
    }

    /// Normalized names of all that is built in and could have been a module, sorted.
    pub fn builtin(&self) -> impl Iterator<Item = &str> {
        self.builtin.iter().map(String::as_str)
    }

    /// What a built-in module says of itself, from `modules.builtin.modinfo`.
    #[must_use]
    pub fn builtin_fields(&self, name: &str) -> Option<&Fields> {
        self.builtin_fields.get(&normalized(name))
    }

    /// Aliases, as patterns in the form of the indexes, with the names of the modules they lead to; those that `modprobe`
    /// prefers come first. Built-in modules have theirs in [`builtin_aliases`](Self::builtin_aliases).
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.aliases.iter().map(|alias| (alias.pattern.as_str(), alias.module.as_str()))
    }

    /// Aliases of built-in modules.
    pub fn builtin_aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.builtin_aliases.iter().map(|alias| (alias.pattern.as_str(), alias.module.as_str()))
    }

    /// What should be loaded with the module of that name; a module may have several lines.
    #[must_use]
    pub fn softdeps(&self, name: &str) -> &[Softdep] {
        self.softdeps.get(&normalized(name)).map_or(&[], Vec::as_slice)
    }

    /// Normalized names in the order of the kernel's build, which decides between modules for the same device.
    #[must_use]
    pub fn order(&self) -> &[String] {
        &self.order
    }

    /// Device nodes that are made before their modules are loaded.
    #[must_use]
    pub fn device_nodes(&self) -> &[DeviceNode] {
        &self.device_nodes
    }

    /// Path of the module's file from the root of the tree, without a leading slash.
    #[must_use]
    pub fn path_of(&self, module: &Module) -> String {
        match module.path.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => format!("{}/{}", self.directory, module.path),
        }
    }

    /// Whether the module's file is there.
    #[must_use]
    pub fn is_present(&self, module: &Module) -> bool {
        self.present.contains(&module.path)
    }

    /// Modules of `modules.dep` whose files are missing.
    pub fn lost(&self) -> impl Iterator<Item = &Module> {
        self.modules.values().filter(|module| !self.is_present(module))
    }

    /// Paths, relative to the directory, of files that are modules by their names and that `modules.dep` does not have:
    /// `modprobe` finds none of them.
    pub fn unlisted(&self) -> impl Iterator<Item = &str> {
        let listed: BTreeSet<_> = self.modules.values().map(|module| module.path.as_str()).collect();
        self.present.iter().map(String::as_str).filter(move |path| !listed.contains(path))
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::*;
    use crate::ReadError;

    fn tree(files: &[(&str, &str)]) -> FileTree {
        let mut tree = FileTree::new();
        for (path, body) in files {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body.as_bytes().to_vec()));
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        tree
    }

    #[test]
    fn lost_and_unlisted_modules_are_told_apart() {
        let mut tree = tree(&[
            ("usr/lib/modules/6.1/modules.dep", "kernel/a.ko:\nkernel/b.ko.xz: kernel/a.ko\n/opt/c.ko:\n/opt/d.ko:\n"),
            ("usr/lib/modules/6.1/kernel/a.ko", ""),
            ("usr/lib/modules/6.1/extra/deep/er/x.ko.zst", ""),
            ("usr/src/kernels/6.1/built.ko", ""),
            ("opt/c.ko", ""),
        ]);
        let parents = Metadata::root(0o755);
        tree.insert(b"usr/lib/modules/6.1/build", Inode::symlink("/usr/src/kernels/6.1"), &parents).unwrap();
        tree.insert(b"usr/lib/modules/6.1/kernel/loop", Inode::symlink("loop"), &parents).unwrap();
        tree.insert(b"lib", Inode::symlink("usr/lib"), &parents).unwrap();
        let modules = Modules::read(&tree, "/lib/modules/6.1/").unwrap();
        assert_eq!((modules.directory(), modules.release()), ("lib/modules/6.1", "6.1"));
        assert_eq!(modules.lost().map(|module| module.name.as_str()).collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(modules.unlisted().collect::<Vec<_>>(), ["extra/deep/er/x.ko.zst"]);
        let paths: Vec<_> = modules.iter().map(|module| modules.path_of(module)).collect();
        assert_eq!(paths, ["lib/modules/6.1/kernel/a.ko", "lib/modules/6.1/kernel/b.ko.xz", "opt/c.ko", "opt/d.ko"]);
    }

    #[test]
    fn a_directory_without_its_lists_is_an_error() {
        for (files, words) in [
            (&[("usr/lib/modules/1/modules.dep", "")][..], "there is no directory usr/lib/modules/2"),
            (&[("usr/lib/modules/2/kernel/a.ko", "")], "has no modules.dep and no modules.dep.bin"),
            (&[("usr/lib/modules/2/modules.dep/x", "")], "cannot read usr/lib/modules/2/modules.dep"),
            (&[("usr/lib/modules/2/modules.dep", "a.ko:\nb/a.ko:\n")], "two files"),
            (
                &[("usr/lib/modules/2/modules.dep", ""), ("usr/lib/modules/2/modules.builtin.modinfo", "a.b=c\0d=e\0")],
                "modules.builtin.modinfo at byte 6 has a key without its module: \"d=e\"",
            ),
            (&[("usr/lib/modules/2/modules.dep.bin", "")], "modules.dep.bin at byte 0 is behind the end of the file"),
        ] {
            let error = Modules::read(&tree(files), "usr/lib/modules/2").unwrap_err();
            assert!(error.to_string().contains(words), "{error}, not {words}");
            assert_eq!(error.is_no_directory(), words.starts_with("there is"));
        }
        let big = "#".repeat(9 << 20);
        let error = Modules::read(&tree(&[("m/modules.dep", &big)]), "m").unwrap_err();
        assert!(matches!(error, ReadError::Read { .. }), "{error}");
    }

    #[test]
    fn what_is_built_in_has_fields_and_aliases() {
        let modules = Modules::read(
            &tree(&[
                ("m/modules.dep", ""),
                ("m/modules.builtin", "kernel/fs/ext4/ext4.ko\nkernel/drivers/md/dm-mod.ko\n"),
                (
                    "m/modules.builtin.modinfo",
                    "ext4.license=GPL\0ext4.alias=fs-ext4\0dm_mod.alias=devname:mapper/control\0",
                ),
                ("m/modules.order", "kernel/z.ko\nkernel/a-b.ko\n"),
                ("m/modules.devname", "# nodes\nfuse fuse c10:229\n"),
            ]),
            "m",
        )
        .unwrap();
        assert_eq!(modules.builtin().collect::<Vec<_>>(), ["dm_mod", "ext4"]);
        assert_eq!(modules.builtin_fields("dm-mod").unwrap().get("alias"), Some("devname:mapper/control"));
        assert_eq!(
            modules.builtin_aliases().collect::<Vec<_>>(),
            [("fs_ext4", "ext4"), ("devname:mapper/control", "dm_mod")]
        );
        assert_eq!(modules.order(), ["z", "a_b"]);
        assert_eq!(modules.device_nodes().len(), 1);
        assert_eq!(modules.lists().len(), 5);
    }
}
