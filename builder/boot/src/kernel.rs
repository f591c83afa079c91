//! The kernel of a deployment and what belongs to it.

use std::io::Read as _;
use std::sync::Arc;

use builder_tree::{Content, Directory, FileTree, Inode, InodeKind, Node, join};
use sha2::{Digest, Sha256};

use crate::BootError;

const MODULES: &[u8] = b"usr/lib/modules";

/// The one kernel of a deployment, as libostree finds it (`ostree-sysroot-deploy.c`).
#[derive(Clone, Debug)]
pub struct Kernel {
    /// Its release: the name of its directory.
    pub version: String,
    /// The kernel.
    pub vmlinuz: Arc<Inode>,
    /// Its initramfs.
    pub initramfs: Arc<Inode>,
    /// A device tree of its own.
    pub devicetree: Option<Arc<Inode>>,
    /// A directory of device trees.
    pub dtb: Option<Directory>,
    /// The kernel's HMAC, which FIPS mode checks.
    pub hmac: Option<Arc<Inode>>,
}

impl Kernel {
    /// Releases of all kernels in the tree, sorted.
    #[must_use]
    pub fn versions(tree: &FileTree) -> Vec<String> {
        candidates(tree).into_iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
    }

    /// The kernel of the tree.
    ///
    /// # Errors
    /// There is none, or more than one, or it has no initramfs, or a release that is no plain text.
    pub fn find(tree: &FileTree) -> Result<Self, BootError> {
        let mut found = candidates(tree);
        let (name, directory) = match (found.pop(), found.is_empty()) {
            (None, _) => return Err(BootError::NoKernel),
            (Some(only), true) => only,
            (Some(_), false) => return Err(BootError::ManyKernels { versions: Self::versions(tree) }),
        };
        let bad = |problem| BootError::KernelName { path: join(MODULES, name), problem };
        let version = std::str::from_utf8(name).map_err(|_| bad("has a name that is not UTF-8"))?;
        // It becomes a part of paths in boot entries, where blanks separate.
        if !version.chars().all(|c| c.is_ascii_alphanumeric() || "._+-~".contains(c)) {
            return Err(bad("has a name with other characters than letters, digits and ._+-~"));
        }
        let file = |name: &str| regular(directory, name.as_bytes());
        let initramfs = file("initramfs.img")
            .or_else(|| file("initramfs"))
            .ok_or_else(|| BootError::NoInitramfs { version: version.to_owned() })?;
        Ok(Self {
            version: version.to_owned(),
            // `candidates` gives only directories with one.
            vmlinuz: file("vmlinuz").ok_or(BootError::NoKernel)?,
            initramfs,
            devicetree: file("devicetree"),
            dtb: directory.get(b"dtb").and_then(Node::as_directory).cloned(),
            hmac: file(".vmlinuz.hmac"),
        })
    }

    /// SHA-256 over kernel, initramfs and device trees, which names the folder in `/boot` (libostree's `bootcsum`).
    ///
    /// # Errors
    /// A body cannot be read from the store.
    pub fn boot_checksum(&self) -> Result<String, BootError> {
        let mut hasher = Sha256::new();
        hash(&mut hasher, "vmlinuz", &self.vmlinuz)?;
        hash(&mut hasher, "initramfs.img", &self.initramfs)?;
        match (&self.devicetree, &self.dtb) {
            (Some(devicetree), _) => hash(&mut hasher, "devicetree", devicetree)?,
            (None, Some(dtb)) => dtb.walk(&mut |path, node| match node.as_leaf() {
                Some(inode) => hash(&mut hasher, &String::from_utf8_lossy(path), inode),
                None => Ok(()),
            })?,
            (None, None) => {}
        }
        Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Directories of `usr/lib/modules` with a regular file `vmlinuz`.
fn candidates(tree: &FileTree) -> Vec<(&[u8], &Directory)> {
    let Some(modules) = tree.directory(MODULES) else { return Vec::new() };
    let directories = modules.entries.iter().filter_map(|(name, node)| Some((name.as_slice(), node.as_directory()?)));
    directories.filter(|(_, directory)| regular(directory, b"vmlinuz").is_some()).collect()
}

fn regular(directory: &Directory, name: &[u8]) -> Option<Arc<Inode>> {
    directory.get(name).and_then(Node::as_leaf).filter(|inode| inode.content().is_some()).cloned()
}

fn hash(hasher: &mut Sha256, name: &str, inode: &Inode) -> Result<(), BootError> {
    // libostree hashes regular files only, here too.
    let InodeKind::Regular(content) = &inode.kind else { return Ok(()) };
    feed(hasher, content).map_err(|source| BootError::Read { path: name.to_owned(), source })
}

fn feed(hasher: &mut Sha256, content: &Content) -> std::io::Result<()> {
    let mut reader = content.reader();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::Kernel;

    fn tree(paths: &[(&str, &str)]) -> FileTree {
        let mut tree = FileTree::new();
        for (path, body) in paths {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body.as_bytes().to_vec()));
            tree.insert(format!("usr/lib/modules/{path}").as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        tree
    }

    #[test]
    fn the_boot_checksum_is_libostrees() {
        let kernel = Kernel::find(&tree(&[
            ("1/vmlinuz", "KERNEL"),
            ("1/initramfs.img", "INITRD"),
            ("1/dtb/a.dtb", "DT0"),
            ("1/dtb/b.dtb", "DT1"),
            ("1/dtb/sub/c.dtb", "DT2"),
            ("1/.vmlinuz.hmac", "x"),
        ]));
        // Checked against the real ostree.
        let expected = "c6ff7002a98cafa02abcc8e8e60b84eb76c149cd46848436b59df1750bd1df77";
        assert_eq!(kernel.unwrap().boot_checksum().unwrap(), expected);
    }

    #[test]
    fn a_tree_has_exactly_one_whole_kernel() {
        let (kernel, initramfs) = (("6.1/vmlinuz", "k"), ("6.1/initramfs.img", "i"));
        assert_eq!(Kernel::find(&tree(&[kernel, initramfs, ("5.0/modules.dep", "")])).unwrap().version, "6.1");
        for (paths, words) in [
            (vec![initramfs], "no kernel"),
            (vec![kernel], "no usr/lib/modules/6.1/initramfs.img"),
            (vec![kernel, initramfs, ("6.2/vmlinuz", "k")], "2 kernels (6.1, 6.2)"),
            (vec![("a b/vmlinuz", "k"), ("a b/initramfs.img", "i")], "other characters"),
        ] {
            let error = Kernel::find(&tree(&paths)).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.hint().is_some() || words == "other characters");
        }
    }
}
