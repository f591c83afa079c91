//! The good image, and what is put over it.

use std::collections::BTreeSet;

use diskwright_tests::fixture::{Blob, Image, Layer, digest, system};
use tar::{Builder, EntryType, Header};

pub(crate) const COMPOSEFS: &str = "[composefs]\nenabled = yes\n";
pub(crate) const GRUB: &str = "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed";
pub(crate) const INITRAMFS: &str = "usr/lib/modules/6.12.1/initramfs.img";
pub(crate) const PREPARE_ROOT: &str = "usr/lib/ostree/prepare-root.conf";

/// A user.
pub(crate) const APP: &str = "app:x:999:999:App:/var/lib/app:/usr/sbin/nologin\n";

/// A layer in which no check finds anything fatal, nor anything to be warned of.
pub(crate) fn good() -> Layer {
    system()
        .file("usr/lib/os-release", 0o644, b"ID=tiny\nVERSION_ID=1\nPRETTY_NAME=\"Tiny Linux 1\"\n")
        .file(PREPARE_ROOT, 0o644, COMPOSEFS.as_bytes())
        .file(INITRAMFS, 0o644, &initramfs(COMPOSEFS))
}

/// The good layer under another one.
pub(crate) fn over(layer: Layer) -> Image {
    Image::new(vec![good(), layer])
}

/// Takes away what lower layers have at `path`.
pub(crate) fn without(layer: Layer, path: &str) -> Layer {
    let (parent, name) = path.rsplit_once('/').map_or(("", path), |(parent, name)| (&path[..=parent.len()], name));
    layer.file(&format!("{parent}.wh.{name}"), 0o644, b"")
}

/// An initramfs with `ostree-prepare-root` and these settings.
pub(crate) fn initramfs(settings: &str) -> Vec<u8> {
    cpio(&[("usr/lib/ostree/ostree-prepare-root", "program"), (PREPARE_ROOT, settings)])
}

/// A cpio archive in the form `newc`. Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
pub(crate) fn cpio(files: &[(&'static str, &str)]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut add = |inode: usize, name: &str, mode: usize, body: &str| {
        let fields = [inode, mode, 0, 0, 1, 0, body.len(), 0, 0, 0, 0, name.len() + 1, 0].map(|n| format!("{n:08X}"));
        archive.extend_from_slice(format!("070701{}{name}\0", fields.concat()).as_bytes());
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend_from_slice(body.as_bytes());
        archive.resize(archive.len().next_multiple_of(4), 0);
    };
    let parents = |path: &'static str| path.match_indices('/').map(move |(at, _)| &path[..at]);
    let directories: BTreeSet<&str> = files.iter().flat_map(|(path, _)| parents(path)).collect();
    for (at, name) in directories.iter().enumerate() {
        add(at + 1, name, 0o040_755, "");
    }
    for (at, (name, body)) in files.iter().enumerate() {
        add(at + 100, name, 0o100_755, body);
    }
    add(0, "TRAILER!!!", 0, "");
    archive
}

/// The first bytes of a program for the machine of that number.
pub(crate) fn elf(machine: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    bytes[16] = 3;
    bytes[18] = machine;
    bytes
}

/// The first bytes of a kernel for x86 that says this release. Linux, Documentation/arch/x86/boot.rst.
pub(crate) fn bz_image(release: &str) -> Vec<u8> {
    let mut image = vec![0; 3072];
    image[0x1F1] = 4;
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&[0x0F, 0x02]);
    image[0x20E..0x210].copy_from_slice(&[0x00, 0x04]);
    let release = format!("{release} (somebody@somewhere) #1 SMP");
    image[0x600..0x600 + release.len()].copy_from_slice(release.as_bytes());
    image
}

/// A kernel module for the machine of that number, without code.
pub(crate) fn module(machine: u8, vermagic: &str) -> Vec<u8> {
    let modinfo = format!("license=GPL\0vermagic={vermagic}\0");
    let names = b"\0.modinfo\0.shstrtab\0";
    let mut bytes = elf(machine);
    // It is relocatable, and has three sections, the last of which has their names.
    bytes[16] = 1;
    bytes[52] = 64;
    bytes[58..64].copy_from_slice(&[64, 0, 3, 0, 2, 0]);
    bytes.extend_from_slice(modinfo.as_bytes());
    bytes.extend_from_slice(names);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let table = bytes.len() as u64;
    bytes[40..48].copy_from_slice(&table.to_le_bytes());
    for (name, kind, offset, size) in
        [(0_u32, 0_u32, 0, 0), (1, 1, 64, modinfo.len()), (10, 3, 64 + modinfo.len(), names.len())]
    {
        bytes.extend_from_slice(&name.to_le_bytes());
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&[0; 16]);
        bytes.extend_from_slice(&(offset as u64).to_le_bytes());
        bytes.extend_from_slice(&(size as u64).to_le_bytes());
        bytes.extend_from_slice(&[0; 24]);
    }
    bytes
}

/// The directory of the good image's modules.
pub(crate) const MODULES: &str = "usr/lib/modules/6.12.1";

/// A layer with modules of the good image's kernel, listed by hand, of which `builtin` are built in.
pub(crate) fn modules(dependencies: &str, builtin: &[&str]) -> Layer {
    let builtin: String = builtin.iter().map(|name| format!("kernel/{name}.ko\n")).collect();
    let layer = Layer::new()
        .file(&format!("{MODULES}/modules.dep"), 0o644, dependencies.as_bytes())
        .file(&format!("{MODULES}/modules.dep.bin"), 0o644, b"")
        .file(&format!("{MODULES}/modules.builtin"), 0o644, builtin.as_bytes());
    let paths = dependencies.lines().filter_map(|line| line.split(':').next());
    let body = module(62, "6.12.1 SMP ");
    paths.fold(layer, |layer, path| layer.file(&format!("{MODULES}/{path}"), 0o644, &body))
}

/// All that `boot-drivers` looks for on amd64.
pub(crate) const DRIVERS: [&str; 11] = [
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "sd_mod",
    "nvme",
    "ahci",
    "xhci-pci",
    "usb-storage",
    "ext4",
    "erofs",
    "overlay",
];

/// A layer with one empty file, whose name may be any bytes.
pub(crate) fn named(name: &[u8]) -> Blob {
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(0);
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
    header.set_cksum();
    builder.append(&header, &b""[..]).unwrap();
    let bytes = builder.into_inner().unwrap();
    Blob {
        digest: digest(&bytes),
        size: bytes.len() as u64,
        diff_id: digest(&bytes),
        media_type: "application/vnd.oci.image.layer.v1.tar".to_owned(),
        bytes,
    }
}

pub(crate) fn labelled(labels: &[(&str, &str)]) -> Image {
    let mut image = Image::new(vec![good()]);
    image.labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    image
}
