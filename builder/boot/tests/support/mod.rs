//! Images with a kernel and a boot loader, and what is made of them.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::path::Path;

use builder_boot::{Architecture, BootEntry, BootSpec, BootTrees, BootloaderChoice, Kernel, Loader, install};
use builder_tree::{Content, Directory, FileTree, Inode, InodeKind, Metadata, Node};

pub(crate) const UUID: &str = "11111111-2222-3333-4444-555555555555";

/// Nothing to boot.
pub(crate) const EMPTY: BootSpec<'_> = BootSpec {
    stateroot: "default",
    entries: &[],
    boot_fs_uuid: UUID,
    loader: &Loader::None,
    renewal_lacks: None,
    created: 7,
};

fn put(tree: &mut FileTree, path: &str, body: &str) {
    let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body.as_bytes().to_vec()));
    tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
}

/// A tree with a kernel and the given files.
pub(crate) fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::new();
    put(&mut tree, "usr/lib/modules/6.1/vmlinuz", "kernel");
    put(&mut tree, "usr/lib/modules/6.1/initramfs.img", "initramfs");
    for (path, body) in files {
        put(&mut tree, path, body);
    }
    tree
}

pub(crate) const DEBIAN: &[(&str, &str)] = &[
    ("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "MZ /EFI/debian\0"),
    ("usr/lib/shim/shimx64.efi.signed", "shim"),
    ("usr/lib/shim/mmx64.efi.signed", "mm"),
    ("usr/lib/shim/BOOTX64.CSV", "csv"),
];

pub(crate) const BOOTUPD: &[(&str, &str)] = &[
    ("usr/lib/bootupd/updates/EFI/BOOT/BOOTX64.EFI", "shim"),
    ("usr/lib/bootupd/updates/EFI/BOOT/fbx64.efi", "fallback"),
    ("usr/lib/bootupd/updates/EFI/fedora/shimx64.efi", "shim"),
    ("usr/lib/bootupd/updates/EFI/fedora/grubx64.efi", "MZ /EFI/fedora\0 blscfg"),
    ("usr/lib/bootupd/updates/EFI.json", r#"{"timestamp":"2024-01-01T00:00:00Z","version":"grub2-1"}"#),
    ("usr/lib/bootupd/grub2-static/grub-static-pre.cfg", "set pre=1\n"),
    ("usr/lib/bootupd/grub2-static/grub-static-efi.cfg", "set efi=1\n"),
    ("usr/lib/bootupd/grub2-static/configs.d/10_blscfg.cfg", "blscfg\n"),
];

/// A systemd-boot that nothing helps to count.
pub(crate) const SYSTEMD: &[(&str, &str)] = &[("usr/lib/systemd/boot/efi/systemd-bootx64.efi", "sd")];

/// A deployment: its directory, contents of its kernel, arguments, title.
#[derive(Clone, Copy)]
pub(crate) struct Deployment<'a> {
    pub(crate) name: &'a str,
    pub(crate) kernel: &'a str,
    pub(crate) kargs: &'a str,
    pub(crate) title: &'a str,
}

pub(crate) fn made(files: &[(&str, &str)], choice: BootloaderChoice, title: &str, kargs: &str) -> BootTrees {
    made_of(files, choice, &[Deployment { name: "c0de.0", kernel: "kernel", kargs, title }])
}

/// What is made for several deployments; `files` are in the default one.
pub(crate) fn made_of(files: &[(&str, &str)], choice: BootloaderChoice, deployments: &[Deployment<'_>]) -> BootTrees {
    let loader = Loader::find(&tree(files), Architecture::X86_64, choice).unwrap();
    let kernels: Vec<(Kernel, String)> = deployments
        .iter()
        .map(|deployment| {
            let mut tree = tree(&[]);
            put(&mut tree, "usr/lib/modules/6.1/vmlinuz", deployment.kernel);
            let kernel = Kernel::find(&tree).unwrap();
            let checksum = kernel.boot_checksum().unwrap();
            (kernel, checksum)
        })
        .collect();
    let entries: Vec<BootEntry<'_>> = deployments
        .iter()
        .zip(&kernels)
        .map(|(&Deployment { name: deployment, kargs, title, .. }, (kernel, boot_checksum))| BootEntry {
            kernel,
            boot_checksum,
            deployment,
            kargs,
            title,
        })
        .collect();
    let spec = BootSpec { entries: &entries, loader: &loader, ..EMPTY };
    install(&spec).unwrap()
}

pub(crate) fn text(tree: &FileTree, path: &str) -> String {
    let node = tree.get(path.as_bytes()).unwrap_or_else(|| panic!("no {path}"));
    String::from_utf8(node.as_leaf().unwrap().content().unwrap().read_to_vec(1 << 20).unwrap()).unwrap()
}

pub(crate) fn paths(tree: &FileTree) -> Vec<String> {
    let mut paths = Vec::new();
    let walked: Result<(), std::convert::Infallible> = tree.root.walk(&mut |path, node| {
        if node.as_leaf().is_some() {
            paths.push(String::from_utf8_lossy(path).into_owned());
        }
        Ok(())
    });
    walked.unwrap();
    paths
}

/// Writes a tree to a directory.
pub(crate) fn write(directory: &Directory, at: &Path) {
    std::fs::create_dir_all(at).unwrap();
    for (name, node) in &directory.entries {
        let at = at.join(std::str::from_utf8(name).unwrap());
        match node {
            Node::Directory(directory) => write(directory, &at),
            Node::Leaf(inode) => match &inode.kind {
                InodeKind::Regular(content) => std::fs::write(at, content.read_to_vec(1 << 20).unwrap()).unwrap(),
                InodeKind::Symlink(target) => {
                    std::os::unix::fs::symlink(std::str::from_utf8(target).unwrap(), at).unwrap();
                }
                other => panic!("{other:?}"),
            },
        }
    }
}
