//! What lies on the EFI system partition.

use builder_tree::{FileTree, Inode};

use crate::boot_tree::BootSpec;
use crate::entry::Entry;
use crate::grub;
use crate::loader::{Grub, Loader};
use crate::made::Maker;

/// The ESP for the loader of `spec`.
pub(crate) fn fill(spec: &BootSpec<'_>, entries: &[Entry<'_>], maker: Maker) -> FileTree {
    let mut esp = Esp { tree: FileTree { root: maker.directory(0o755) }, maker };
    match spec.loader {
        Loader::None => {}
        Loader::Grub(found) => esp.grub(spec, found),
        Loader::Systemd { binary, architecture, counting, .. } => {
            let suffix = architecture.suffix();
            esp.put(&format!("EFI/BOOT/{}", architecture.fallback()), maker.copy(binary));
            esp.put(&format!("EFI/systemd/systemd-boot{suffix}.efi"), maker.copy(binary));
            esp.put("loader/loader.conf", maker.file(0o644, "timeout 1\n"));
            for entry in entries {
                let name = counting.file_name(&entry.copy_name, entry.is_default);
                esp.put(&format!("loader/entries/{name}"), maker.file(0o644, entry.text_of_copy()));
                esp.kernel(entry);
            }
        }
    }
    esp.tree
}

struct Esp {
    tree: FileTree,
    maker: Maker,
}

impl Esp {
    fn grub(&mut self, spec: &BootSpec<'_>, found: &Grub) {
        for (path, inode) in &found.files {
            let copy = self.maker.copy(inode);
            self.put(path, copy);
        }
        let folder = format!("EFI/{}", found.vendor);
        match found.bootupd.as_ref().and_then(|payload| payload.configuration.as_ref()) {
            Some((_, efi)) => {
                self.put(&format!("{folder}/grub.cfg"), self.maker.file(0o644, efi.as_str()));
                let uuid = format!("set BOOT_UUID=\"{}\"\n", spec.boot_fs_uuid);
                self.put(&format!("{folder}/bootuuid.cfg"), self.maker.file(0o644, uuid));
            }
            None => {
                let stub = grub::stub(spec.boot_fs_uuid, found.menu_folder());
                self.put(&format!("{folder}/grub.cfg"), self.maker.file(0o644, stub));
            }
        }
    }

    fn kernel(&mut self, entry: &Entry<'_>) {
        let Entry { kernel, files, .. } = entry;
        let folder = format!("ostree/{}", files.folder);
        self.put(&format!("{folder}/{}", files.kernel), self.maker.copy(&kernel.vmlinuz));
        self.put(&format!("{folder}/{}", files.initramfs), self.maker.copy(&kernel.initramfs));
        if let (Some(name), Some(devicetree)) = (&files.devicetree, &kernel.devicetree) {
            self.put(&format!("{folder}/{name}"), self.maker.copy(devicetree));
        }
    }

    fn put(&mut self, path: &str, inode: Inode) {
        // Payload paths come from a tree, where a file has nothing below it, and ours are all in folders of their own.
        let parents = self.maker.metadata(0o755);
        let _ = self.tree.insert(path.as_bytes(), inode, &parents);
    }
}
