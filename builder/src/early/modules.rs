//! The kernel modules of an initramfs.

use std::collections::{BTreeMap, BTreeSet};

use builder_initramfs::{EntryKind, Initramfs};
use builder_kmod::{Modules, ReadError, module_name};
use builder_tree::{Content, FileTree, Inode, Metadata};

/// Where the directories of kernels are; `lib` is a link as a rule.
const ROOTS: [&str; 2] = ["usr/lib/modules/", "lib/modules/"];

/// The lists of a kernel's directory that tell where a driver is and what it needs.
const LISTS: [&str; 8] = [
    "modules.alias",
    "modules.alias.bin",
    "modules.builtin",
    "modules.builtin.alias.bin",
    "modules.builtin.bin",
    "modules.builtin.modinfo",
    "modules.dep",
    "modules.dep.bin",
];

/// What an initramfs has of kernel modules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EarlyModules {
    /// Paths of all files that are modules by their names, wherever they are.
    files: BTreeSet<String>,
    /// The lists, by path.
    lists: BTreeMap<String, Vec<u8>>,
}

impl EarlyModules {
    /// Whether the body of the file at `path` is needed.
    pub(crate) fn wants(path: &[u8]) -> bool {
        let below = ROOTS.iter().find_map(|root| path.strip_prefix(root.as_bytes()));
        let mut names = below.unwrap_or_default().split(|&byte| byte == b'/').skip(1);
        let is_list = names.next().is_some_and(|name| LISTS.iter().any(|list| list.as_bytes() == name));
        is_list && names.next().is_none()
    }

    /// Those of an initramfs whose bodies were kept where [`wants`](Self::wants) says so.
    pub(crate) fn of(initramfs: &Initramfs) -> Self {
        let mut found = Self::default();
        for (path, entry) in initramfs.entries() {
            // No list could name others.
            let Ok(path) = String::from_utf8(path) else { continue };
            let is_module = module_name(&path).is_some();
            if !is_module && !Self::wants(path.as_bytes()) {
                continue;
            }
            let is_file = match entry.kind {
                EntryKind::File => true,
                EntryKind::Symlink { .. } => initramfs.resolve(&path).is_some_and(|found| found.entry.kind.is_file()),
                _ => false,
            };
            if is_module && is_file {
                found.files.insert(path);
            } else if let Ok(Some(body)) = initramfs.body(&path) {
                let body = body.to_vec();
                found.lists.insert(path, body);
            }
        }
        found
    }

    /// The releases of the kernels that have modules of their own there.
    pub(crate) fn releases(&self) -> BTreeSet<&str> {
        self.files.iter().filter_map(|path| release_of(path)).collect()
    }

    /// The modules for a kernel of the release; `None` where there are none.
    ///
    /// Some initramfs have programs of their own that load modules from wherever they are, without a list. So where
    /// there is no `modules.dep`, all modules count but those of other kernels; what they need is for the list of the
    /// image to say.
    ///
    /// # Errors
    /// A list is malformed.
    pub(crate) fn read(&self, release: &str) -> Result<Option<Modules>, ReadError> {
        let mut tree = FileTree::new();
        let mut put = |path: &str, body: Vec<u8>| {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body));
            // It was a tree before, where a file has nothing below it.
            let _ = tree.insert(path.as_bytes(), inode, &Metadata::root(0o755));
        };
        let has = |directory: &str, list: &str| self.lists.contains_key(&format!("{directory}/{list}"));
        let mut directories = ROOTS.iter().map(|root| format!("{root}{release}"));
        if let Some(directory) = directories.find(|it| has(it, "modules.dep") || has(it, "modules.dep.bin")) {
            self.files.iter().for_each(|path| put(path, Vec::new()));
            self.lists.iter().for_each(|(path, body)| put(path, body.clone()));
            return Modules::read(&tree, &directory).map(Some);
        }
        let own = self.files.iter().filter(|path| release_of(path).is_none_or(|other| other == release));
        let names: BTreeSet<String> = own.filter_map(|path| module_name(path)).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let directory = format!("usr/lib/modules/{release}");
        let mut list = String::new();
        for name in names {
            put(&format!("{directory}/{name}.ko"), Vec::new());
            list.push_str(&name);
            list.push_str(".ko:\n");
        }
        put(&format!("{directory}/modules.dep"), list.into_bytes());
        Modules::read(&tree, &directory).map(Some)
    }
}

/// The release of the kernel in whose directory the path is.
fn release_of(path: &str) -> Option<&str> {
    let below = ROOTS.iter().find_map(|root| path.strip_prefix(root))?;
    below.split_once('/').map(|(release, _)| release)
}

#[cfg(test)]
mod tests {
    use builder_initramfs::{ArchiveWriter, Limits};
    use builder_kmod::State;

    use super::*;

    fn early(files: &[(&str, &str)]) -> EarlyModules {
        let mut archive = ArchiveWriter::new(Vec::new());
        let mut directories = BTreeSet::new();
        for (path, body) in files {
            for (at, _) in path.match_indices('/') {
                if directories.insert(&path[..at]) {
                    archive.directory(&path[..at], 0o755).unwrap();
                }
            }
            archive.file(path, 0o644, body.as_bytes()).unwrap();
        }
        let bytes = archive.finish().unwrap();
        EarlyModules::of(&Initramfs::read(&bytes[..], &Limits::default(), EarlyModules::wants).unwrap())
    }

    #[test]
    fn lists_are_wanted_where_they_count() {
        for (path, wanted) in [
            ("usr/lib/modules/6.1/modules.dep", true),
            ("lib/modules/6.1/modules.builtin.bin", true),
            ("usr/lib/modules/6.1/modules.symbols", false),
            ("usr/lib/modules/modules.dep", false),
            ("usr/lib/modules/6.1/kernel/modules.dep", false),
            ("usr/lib/modules/6.1/kernel/ext4.ko", false),
            ("usr/lib/modules", false),
        ] {
            assert_eq!(EarlyModules::wants(path.as_bytes()), wanted, "{path}");
        }
    }

    #[test]
    fn modules_are_found_with_a_list_and_without_one() {
        let listed = [
            ("lib/modules/6.1/modules.dep", "kernel/ext4.ko: kernel/jbd2.ko\nkernel/jbd2.ko:\n"),
            ("lib/modules/6.1/kernel/ext4.ko", ""),
            ("lib/modules/6.1/kernel/unlisted.ko", ""),
        ];
        let unlisted = [("lib/mods/ext4.ko", ""), ("usr/lib/modules/6.2/kernel/nvme.ko.xz", "")];
        for (files, release, name, is_there) in [
            (&listed[..], "6.1", "ext4", true),
            (&listed[..], "6.1", "jbd2", false),
            (&listed[..], "6.1", "unlisted", false),
            (&unlisted[..], "6.1", "ext4", true),
            (&unlisted[..], "6.1", "nvme", false),
            (&unlisted[..], "6.2", "nvme", true),
        ] {
            let modules = early(files).read(release).unwrap().unwrap();
            assert_eq!(matches!(modules.state(name), State::Module(_)), is_there, "{release} {name}");
        }
        assert!(early(&listed).read("6.3").unwrap().is_none());
        assert_eq!(early(&listed).releases(), BTreeSet::from(["6.1"]));
        assert_eq!(early(&unlisted).releases(), BTreeSet::from(["6.2"]));
        assert!(early(&[("lib/modules/6.1/modules.dep", "no list\n")]).read("6.1").is_err());
    }
}
