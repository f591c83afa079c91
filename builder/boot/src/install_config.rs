//! `/usr/lib/bootc/install/*.toml`: how the image wants to be installed.

use std::collections::BTreeMap;

use builder_tree::{FileTree, Node};
use toml::{Table, Value};

use crate::{Architecture, BootError};

/// Larger than any real one, in bytes.
const LIMIT: u64 = 1 << 20;

/// Where fragments lie, in the order in which they are read; a later file of the same name replaces an earlier one's
/// place in the order of names.
const DIRECTORIES: [&str; 3] = ["usr/lib/bootc/install", "usr/local/lib/bootc/install", "usr/etc/bootc/install"];

/// What the fragments say together: lists are joined, of other keys the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstallConfig {
    /// Kernel arguments.
    pub kargs: Vec<String>,
    /// Kernel arguments to take out again.
    pub karg_deletes: Vec<String>,
    /// The stateroot.
    pub stateroot: Option<String>,
    /// What `root=` says; empty for no `root=` at all.
    pub root_mount_spec: Option<String>,
    /// The boot loader: grub, systemd or none.
    pub bootloader: Option<String>,
    /// ostree's `sysroot.bls-append-except-default`.
    pub bls_append_except_default: Option<String>,
    /// What was read and has no effect, for people.
    pub warnings: Vec<String>,
}

impl InstallConfig {
    /// Reads all fragments that apply to `architecture`.
    ///
    /// # Errors
    /// [`BootError::Config`] with file and line.
    pub fn read(tree: &FileTree, architecture: Architecture) -> Result<Self, BootError> {
        let mut config = Self::default();
        for (path, text) in fragments(tree, &DIRECTORIES)? {
            let table: Table = toml::from_str(&text)
                .map_err(|error| BootError::Config { path: path.clone(), message: error.to_string() })?;
            config.merge(&path, &table, architecture)?;
        }
        Ok(config)
    }

    fn merge(&mut self, path: &str, table: &Table, architecture: Architecture) -> Result<(), BootError> {
        let wrong = |key: &str, wanted: &str| BootError::Config {
            path: path.to_owned(),
            message: format!("install.{key} must be {wanted}"),
        };
        let Some(install) = table.get("install") else { return Ok(()) };
        let install = install.as_table().ok_or_else(|| wrong("", "a table"))?;
        let list = |key: &str| match install.get(key) {
            None => Ok(Vec::new()),
            Some(value) => strings(value).ok_or_else(|| wrong(key, "a list of strings")),
        };
        let text = |key: &str| match install.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(wrong(key, "a string")),
        };
        let matches = list("match-architectures")?;
        if !matches.is_empty() && !matches.iter().any(|name| name == architecture.name()) {
            return Ok(());
        }
        self.kargs.extend(list("kargs")?);
        self.karg_deletes.extend(list("karg-deletes")?);
        self.stateroot = text("stateroot")?.or_else(|| self.stateroot.take());
        self.root_mount_spec = text("root-mount-spec")?.or_else(|| self.root_mount_spec.take());
        self.bootloader = text("bootloader")?.or_else(|| self.bootloader.take());
        let ostree = install.get("ostree").and_then(Value::as_table);
        let append = ostree.and_then(|ostree| ostree.get("bls-append-except-default")).and_then(Value::as_str);
        self.bls_append_except_default = append.map(str::to_owned).or_else(|| self.bls_append_except_default.take());

        let filesystem =
            install.get("filesystem").and_then(|value| value.get("root")).and_then(|value| value.get("type"));
        let root_type = text("root-fs-type")?.or_else(|| filesystem.and_then(Value::as_str).map(str::to_owned));
        if let Some(other) = root_type.filter(|name| name != "ext4") {
            self.warnings.push(format!("{path} asks for a root file system of type {other}; the root will be ext4"));
        }
        const KNOWN: [&str; 9] = [
            "kargs",
            "karg-deletes",
            "stateroot",
            "root-mount-spec",
            "bootloader",
            "match-architectures",
            "root-fs-type",
            "filesystem",
            "ostree",
        ];
        for key in install.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
            self.warnings.push(format!("{path}: install.{key} has no effect"));
        }
        Ok(())
    }
}

/// The `.toml` files of some directories by name, with their paths and texts.
pub(crate) fn fragments(tree: &FileTree, directories: &[&str]) -> Result<Vec<(String, String)>, BootError> {
    let mut found: BTreeMap<String, (String, String)> = BTreeMap::new();
    for directory in directories {
        let Some(Node::Directory(entries)) = tree.resolve(directory.as_bytes())? else { continue };
        for name in entries.entries.keys().filter(|name| name.ends_with(b".toml")) {
            let name = String::from_utf8_lossy(name).into_owned();
            let path = format!("{directory}/{name}");
            let Some(Node::Leaf(inode)) = tree.resolve(path.as_bytes())? else { continue };
            let Some(content) = inode.content() else { continue };
            let bytes = content.read_to_vec(LIMIT).map_err(|source| BootError::Read { path: path.clone(), source })?;
            let text = String::from_utf8(bytes)
                .map_err(|_| BootError::Config { path: path.clone(), message: "it is not UTF-8".to_owned() })?;
            found.insert(name, (path, text));
        }
    }
    Ok(found.into_values().collect())
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::InstallConfig;
    use crate::Architecture;

    #[test]
    fn fragments_are_joined_in_the_order_of_their_names() {
        let mut tree = FileTree::new();
        for (path, text) in [
            ("usr/lib/bootc/install/20-b.toml", "[install]\nkargs = ['b']\nstateroot = 'two'\nroot-fs-type = 'xfs'\n"),
            ("usr/lib/bootc/install/10-a.toml", "[install]\nkargs = ['a']\nstateroot = 'one'\nodd = 1\n"),
            ("usr/lib/bootc/install/30-arm.toml", "[install]\nkargs = ['c']\nmatch-architectures = ['aarch64']\n"),
            ("usr/lib/bootc/install/readme.txt", "not = [toml"),
        ] {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(text.as_bytes().to_vec()));
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        let config = InstallConfig::read(&tree, Architecture::X86_64).unwrap();
        assert_eq!((config.kargs, config.stateroot.as_deref()), (vec!["a".into(), "b".into()], Some("two")));
        assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
        assert_eq!(InstallConfig::read(&tree, Architecture::Aarch64).unwrap().kargs, ["a", "b", "c"]);

        let broken = Inode::regular(Metadata::root(0o644), Content::bytes(b"[install]\nkargs = 'x'\n".to_vec()));
        tree.insert(b"usr/lib/bootc/install/40.toml", broken, &Metadata::root(0o755)).unwrap();
        let error = InstallConfig::read(&tree, Architecture::X86_64).unwrap_err().to_string();
        assert_eq!(error, "usr/lib/bootc/install/40.toml: install.kargs must be a list of strings");
    }
}
