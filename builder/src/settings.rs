//! Settings of the image that decide whether its disk can boot: prepare-root and SELinux.

use std::collections::BTreeMap;

use builder_tree::{FileTree, Node};

/// Largest settings file that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// `prepare-root.conf` as `section.key` → value. The copy in `/etc` replaces the one in `/usr/lib` as a whole.
///
/// The initramfs carries a copy of its own, which has the last word at boot.
#[must_use]
pub(crate) fn prepare_root(tree: &FileTree) -> BTreeMap<String, String> {
    let paths =
        ["etc/ostree/prepare-root.conf", "usr/etc/ostree/prepare-root.conf", "usr/lib/ostree/prepare-root.conf"];
    paths.iter().find_map(|path| text(tree, path)).map(|text| key_file(&text)).unwrap_or_default()
}

/// SELinux as the image sets it up.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Selinux {
    /// `SELINUX`: enforcing, permissive or disabled.
    pub mode: String,
    /// `SELINUXTYPE`: the name of the policy.
    pub policy: String,
    /// Whether the policy has file contexts.
    pub has_policy: bool,
}

impl Selinux {
    /// What `/etc/selinux/config` says; `None` where there is none.
    #[must_use]
    pub fn read(tree: &FileTree) -> Option<Self> {
        let (root, config) = ["etc/selinux", "usr/etc/selinux"]
            .iter()
            .find_map(|root| text(tree, &format!("{root}/config")).map(|text| (root, text)))?;
        let settings = key_file(&config);
        let get = |key: &str| settings.get(key).cloned().unwrap_or_default();
        let policy = get("SELINUXTYPE");
        let contexts = format!("{root}/{policy}/contexts/files/file_contexts");
        let has_policy = !policy.is_empty() && tree.get(contexts.as_bytes()).is_some();
        Some(Self { mode: get("SELINUX").to_lowercase(), policy, has_policy })
    }

    /// Whether the booted system expects labels on its files.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.has_policy && matches!(self.mode.as_str(), "enforcing" | "permissive")
    }
}

/// `key = value` lines, under `[section]` as `section.key`; comments and anything else are skipped.
pub(crate) fn key_file(text: &str) -> BTreeMap<String, String> {
    let mut section = String::new();
    let mut settings = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{}.", name.trim());
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';'])) {
            settings.insert(format!("{section}{}", key.trim()), value.trim().trim_matches('"').to_owned());
        }
    }
    settings
}

/// The text of the file that `path` leads to; `None` where there is none that can be read.
fn text(tree: &FileTree, path: &str) -> Option<String> {
    match tree.resolve(path.as_bytes()) {
        Ok(Some(Node::Leaf(inode))) => {
            inode.content()?.read_to_vec(LIMIT).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{Selinux, prepare_root};

    fn tree(files: &[(&str, &str)]) -> FileTree {
        let mut tree = FileTree::new();
        for (path, text) in files {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(text.as_bytes().to_vec()));
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        tree
    }

    #[test]
    fn prepare_root_in_etc_replaces_the_one_in_usr() {
        let usr = ("usr/lib/ostree/prepare-root.conf", "# x\n[composefs]\nenabled = yes\n[sysroot]\nreadonly=true\n");
        let settings = prepare_root(&tree(&[usr]));
        assert_eq!(settings["composefs.enabled"], "yes");
        assert_eq!(settings["sysroot.readonly"], "true");
        let both = tree(&[usr, ("usr/etc/ostree/prepare-root.conf", "[root]\ntransient=1\n")]);
        assert_eq!(prepare_root(&both).into_iter().collect::<Vec<_>>(), [("root.transient".into(), "1".into())]);
    }

    #[test]
    fn selinux_is_on_where_a_policy_is_there_and_wanted() {
        let contexts = ("etc/selinux/targeted/contexts/files/file_contexts", "/.* x\n");
        for (config, files, on) in [
            ("SELINUX=enforcing\nSELINUXTYPE=targeted\n", true, true),
            ("SELINUX=permissive\nSELINUXTYPE=targeted\n", true, true),
            ("SELINUX=disabled\nSELINUXTYPE=targeted\n", true, false),
            ("SELINUX=enforcing\nSELINUXTYPE=targeted\n", false, false),
            ("SELINUX=enforcing\nSELINUXTYPE=mls\n", true, false),
        ] {
            let config = ("etc/selinux/config", config);
            let tree = if files { tree(&[config, contexts]) } else { tree(&[config]) };
            assert_eq!(Selinux::read(&tree).unwrap().is_on(), on, "{config:?} {files}");
        }
        assert_eq!(Selinux::read(&tree(&[])), None);
    }
}
