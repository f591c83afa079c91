//! Checks over images: for each a bad image that it finds and a good neighbour that it does not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use diskwright_tests::chunked::chunked;
use diskwright_tests::command::{checkout, diskwright};
use diskwright_tests::fixture::{Blob, Image, Layer, digest, kernel, system};
use diskwright_tests::judge::judge;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

const USAGE: i32 = 2;
const VALIDATION: i32 = 4;

const COMPOSEFS: &str = "[composefs]\nenabled = yes\n";
const GRUB: &str = "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed";
pub(crate) const INITRAMFS: &str = "usr/lib/modules/6.12.1/initramfs.img";
const PREPARE_ROOT: &str = "usr/lib/ostree/prepare-root.conf";

/// A user.
const APP: &str = "app:x:999:999:App:/var/lib/app:/usr/sbin/nologin\n";

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
fn elf(machine: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    bytes[16] = 3;
    bytes[18] = machine;
    bytes
}

/// The first bytes of a kernel for x86 that says this release. Linux, Documentation/arch/x86/boot.rst.
fn bz_image(release: &str) -> Vec<u8> {
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
fn module(machine: u8, vermagic: &str) -> Vec<u8> {
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
const MODULES: &str = "usr/lib/modules/6.12.1";

/// A layer with modules of the good image's kernel, listed by hand, of which `builtin` are built in.
fn modules(dependencies: &str, builtin: &[&str]) -> Layer {
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
const DRIVERS: [&str; 11] = [
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

/// A program of a Debian package.
fn program(path: &str, package: &str) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| {
        panic!("{path}: {error}; install the Debian package `{package}` (tests/install-judges does)")
    })
}

/// A shim that Microsoft signed.
fn shim() -> Vec<u8> {
    program("/usr/lib/shim/shimx64.efi.signed", "shim-signed")
}

/// The GRUB for it.
fn grub() -> Vec<u8> {
    program("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grub-efi-amd64-signed")
}

/// The good image with such programs as shim and GRUB.
fn booting(shim: &[u8], grub: &[u8]) -> Layer {
    Layer::new().file("usr/lib/shim/shimx64.efi.signed", 0o644, shim).file(GRUB, 0o644, grub)
}

/// The program after somebody changed it.
fn changed(mut program: Vec<u8>) -> Vec<u8> {
    // In the first section, whose bytes are code.
    program[0x2000] ^= 0xff;
    program
}

/// The program, whose section of components has another name now.
fn without_sbat(mut program: Vec<u8>) -> Vec<u8> {
    let at = program.windows(8).position(|name| name == b".sbat\0\0\0").unwrap();
    program[at + 1] = b'x';
    program
}

/// The shim with a higher generation of GRUB in the last `levels` of its two revocation levels: the automatic one and
/// the latest.
fn stricter(mut shim: Vec<u8>, levels: usize) -> Vec<u8> {
    let is_row = |text: &[u8]| text.starts_with(b"\ngrub,") && text.ends_with(b"\n");
    let places: Vec<usize> =
        shim.windows(8).enumerate().filter(|(_, text)| is_row(text)).map(|(at, _)| at + 6).collect();
    assert_eq!(places.len(), 2, "this shim has other levels");
    for at in places.into_iter().rev().take(levels) {
        shim[at] = b'9';
    }
    shim
}

/// A layer with one empty file, whose name may be any bytes.
fn named(name: &[u8]) -> Blob {
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

fn labelled(labels: &[(&str, &str)]) -> Image {
    let mut image = Image::new(vec![good()]);
    image.labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    image
}

/// Lints `source`; gives the exit code and what was printed.
fn run(directory: &Path, source: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut all = vec!["lint", source, "--platform", "linux/amd64", "-q"];
    all.extend(arguments);
    let run = diskwright(directory, &all);
    assert_eq!(run.stderr, "", "{source}");
    (run.code, run.stdout)
}

fn report(directory: &Path, source: &str, arguments: &[&str]) -> Value {
    let mut all = vec!["--json", "--fail-on", "never"];
    all.extend(arguments);
    let (code, stdout) = run(directory, source, &all);
    assert_eq!(code, Some(0), "{source}: {stdout}");
    serde_json::from_str(&stdout).unwrap()
}

/// What `check` finds in a report: path and message.
pub(crate) fn found<'r>(report: &'r Value, list: &str, check: &str) -> Vec<(&'r str, &'r str)> {
    let findings = report[list].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
    findings.map(|finding| (finding["path"].as_str().unwrap_or(""), finding["message"].as_str().unwrap())).collect()
}

/// How many are fatal, how many warnings, and how many allowed.
fn counts(report: &Value) -> [u64; 3] {
    ["fatal", "warning", "allowed"].map(|name| report["counts"][name].as_u64().unwrap())
}

/// A check, where it finds something (nothing for the image as a whole), a bad image, and a good one.
pub(crate) type Case = (&'static str, &'static str, Image, Image);

pub(crate) fn cases() -> Vec<Case> {
    let layer = Layer::new;
    let file = |path: &str, body: &str| over(Layer::new().file(path, 0o644, body.as_bytes()));
    let link = |path: &str, target: &str| Layer::new().symlink(path, target);
    let kargs = "usr/lib/bootc/kargs.d/10-a.toml";
    let install = "usr/lib/bootc/install/00-a.toml";
    let unit = "usr/lib/systemd/system/x.service";
    let wanted = "etc/systemd/system/multi-user.target.wants/x.service";
    let units = || Layer::new().file("usr/lib/systemd/system/default.target", 0o644, b"[Unit]\n");
    let made = "usr/lib/sysusers.d/a.conf";
    let lines = "usr/lib/tmpfiles.d/a.conf";
    let settings = |image: &str, early: &str| {
        over(Layer::new().file(PREPARE_ROOT, 0o644, image.as_bytes()).file(INITRAMFS, 0o644, &initramfs(early)))
    };
    let raw = |name: &[u8]| Image::of(vec![Blob::gzip(good()), named(name)]);
    vec![
        ("api-base-directories", "/proc", over(without(layer(), "proc")), over(layer().directory("proc/", 0o555))),
        ("api-base-directories", "/tmp", over(link("tmp", "var/tmp")), over(layer().directory("tmp/", 0o1777))),
        (
            "baseimage-composefs",
            "/usr/lib/ostree/prepare-root.conf",
            settings("", ""),
            settings("[root]\ntransient = true\n", ""),
        ),
        (
            "baseimage-composefs",
            "/usr/share/doc/bootc/baseimage/base/usr/lib/ostree/prepare-root.conf",
            over(layer().directory("usr/share/doc/bootc/baseimage/base/", 0o755)),
            file("usr/share/doc/bootc/baseimage/base/usr/lib/ostree/prepare-root.conf", COMPOSEFS),
        ),
        ("baseimage-root", "/ostree", over(link("ostree", "sysroot/other")), over(link("ostree", "sysroot/ostree"))),
        ("baseimage-root", "/sysroot", over(without(layer(), "sysroot")), over(layer().directory("sysroot/", 0o755))),
        (
            "boot-loader",
            "",
            over(without(layer(), GRUB)),
            over(without(layer(), GRUB).file("usr/lib/systemd/boot/efi/systemd-bootx64.efi", 0o644, b"MZ")),
        ),
        (
            "boot-drivers",
            "/usr/lib/modules/6.12.1/initramfs.img",
            over(modules("kernel/nvme.ko:\nkernel/ahci.ko: kernel/libahci.ko\nkernel/libahci.ko:\n", &["ext4"])),
            over(modules("kernel/nvme.ko:\n", &["ahci"]).file(
                INITRAMFS,
                0o644,
                &cpio(&[
                    ("usr/lib/ostree/ostree-prepare-root", ""),
                    ("usr/lib/modules/6.12.1/modules.dep", "kernel/nvme.ko:\n"),
                    ("usr/lib/modules/6.12.1/kernel/nvme.ko", ""),
                ]),
            )),
        ),
        (
            "boot-drivers-missing",
            "/usr/lib/modules/6.12.1",
            over(modules("", &DRIVERS[1..])),
            over(modules("", &DRIVERS)),
        ),
        ("bootable-label", "", labelled(&[("version", "1")]), labelled(&[("ostree.bootable", "true")])),
        (
            "bootc-kargs",
            "/usr/lib/bootc/kargs.d/10-a.toml",
            file(kargs, "kargs = ['a']\ncolour = 1\n"),
            file(kargs, "kargs = ['a']\n"),
        ),
        (
            "buildah-injected",
            "/etc/resolv.conf",
            file("etc/resolv.conf", ""),
            file("etc/resolv.conf", "nameserver ::1\n"),
        ),
        (
            "composefs-value",
            "/usr/lib/ostree/prepare-root.conf",
            settings(COMPOSEFS, "[composefs]\nenabled=signed\n"),
            settings("[composefs]\nenabled=signed\n", COMPOSEFS),
        ),
        (
            "credentials",
            "/root/.docker/config.json",
            file("root/.docker/config.json", r#"{"auths":{"r":{"auth":"eA=="}}}"#),
            file("root/.docker/config.json", r#"{"auths":{}}"#),
        ),
        ("credentials", "/run/secrets/token", file("run/secrets/token", "x"), file("run/secrets/token", "")),
        (
            "dangling-links",
            "/usr/lib/libx.so",
            over(link("usr/lib/libx.so", "libx.so.1")),
            over(link("usr/lib/libx.so", "/run/libx.so.1")),
        ),
        (
            "dangling-unit-links",
            "/etc/systemd/system/multi-user.target.wants/x.service",
            over(link(wanted, "/usr/lib/systemd/system/x.service")),
            over(link(wanted, "/usr/lib/systemd/system/x.service").file(unit, 0o644, b"[Unit]\n")),
        ),
        ("device-nodes", "/usr/lib/pipe", over(layer().fifo("usr/lib/pipe")), over(layer().fifo("dev/pipe"))),
        (
            "disk-limits",
            "/usr/large",
            over(layer().attribute("user.large", &[b'x'; 5000]).file("usr/large", 0o644, b"")),
            over(layer().attribute("user.large", &[b'x'; 4000]).file("usr/large", 0o644, b"")),
        ),
        ("etc-usretc", "/usr/etc", file("usr/etc/hosts", ""), file("usr/etcetera/hosts", "")),
        (
            "fat-names",
            "/usr/lib/bootupd/updates/EFI/fedora/a:b",
            file("usr/lib/bootupd/updates/EFI/fedora/a:b", ""),
            file("usr/lib/bootupd/updates/EFI/fedora/a-b", ""),
        ),
        (
            "fat-names",
            "/usr/lib/efi/shim/2/EFI/fedora",
            over(layer().file("usr/lib/efi/grub2/1/EFI/Fedora/a", 0o644, b"").file(
                "usr/lib/efi/shim/2/EFI/fedora/b",
                0o644,
                b"",
            )),
            over(layer().file("usr/lib/efi/grub2/1/EFI/fedora/a", 0o644, b"").file(
                "usr/lib/efi/shim/2/EFI/fedora/b",
                0o644,
                b"",
            )),
        ),
        (
            "fat-names",
            "/usr/lib/bootupd/updates/EFI/link",
            over(link("usr/lib/bootupd/updates/EFI/link", "x")),
            file("usr/lib/bootupd/updates/EFI/file", ""),
        ),
        (
            "foreign-elf",
            "/usr/bin/foreign",
            over(layer().file("usr/bin/foreign", 0o755, &elf(183))),
            over(layer().file("usr/bin/foreign", 0o755, &elf(62)).file("usr/lib/firmware/x", 0o755, &elf(183))),
        ),
        (
            "initramfs",
            "/usr/lib/modules/6.12.1",
            over(without(layer(), INITRAMFS)),
            over(without(layer(), INITRAMFS).file("usr/lib/modules/6.12.1/initramfs", 0o644, &initramfs(COMPOSEFS))),
        ),
        (
            "initramfs-prepare-root",
            "/usr/lib/modules/6.12.1/initramfs.img",
            over(layer().file(INITRAMFS, 0o644, &cpio(&[("init", "")]))),
            settings(COMPOSEFS, COMPOSEFS),
        ),
        (
            "initramfs-settings",
            "/usr/lib/modules/6.12.1/initramfs.img",
            settings(COMPOSEFS, "[sysroot]\nreadonly = yes\n"),
            settings("[x]\ny = 1\n", "[x]\ny=1\n"),
        ),
        (
            "initramfs-unreadable",
            "/usr/lib/modules/6.12.1/initramfs.img",
            file(INITRAMFS, "no initramfs at all"),
            settings(COMPOSEFS, COMPOSEFS),
        ),
        (
            "install-config",
            "/usr/lib/bootc/install/00-a.toml",
            file(install, "[install]\nkargs = 'x'\n"),
            file(install, "[install]\nkargs = ['x']\n"),
        ),
        (
            "install-config",
            "/etc/bootc/install/00-a.toml",
            file("etc/bootc/install/00-a.toml", "["),
            file("etc/bootc/install/00-a.conf", "["),
        ),
        (
            "install-config-ignored",
            "/usr/lib/bootc/install/00-a.toml",
            file(install, "[install]\nroot-fs-type = 'xfs'\n"),
            file(install, "[install]\nroot-fs-type = 'ext4'\n"),
        ),
        ("kernel", "/usr/lib/modules", over(kernel(layer(), "6.1.0")), file("usr/lib/modules/6.1.0/modules.dep", "")),
        (
            "kernel-modules",
            "/usr/lib/modules/6.12.1/vmlinuz",
            over(layer().file("usr/lib/modules/6.12.1/vmlinuz", 0o644, &bz_image("6.12.2"))),
            over(layer().file("usr/lib/modules/6.12.1/vmlinuz", 0o644, &bz_image("6.12.1"))),
        ),
        (
            "kernel-modules",
            "/usr/lib/modules/6.12.1/vmlinuz",
            over(layer().file("usr/lib/modules/6.12.1/vmlinuz", 0o644, &bz_image("6.12.1")[..2000])),
            over(layer().file("usr/lib/modules/6.12.1/vmlinuz", 0o644, b"of no known form")),
        ),
        (
            "kernel-modules",
            "/usr/lib/modules/6.12.1/kernel/nvme.ko",
            over(modules("kernel/nvme.ko:\n", &[]).file(
                "usr/lib/modules/6.12.1/kernel/nvme.ko",
                0o644,
                &module(62, "6.12.2 SMP "),
            )),
            over(modules("kernel/nvme.ko:\n", &[]).file(
                "usr/lib/modules/6.12.1/kernel/nvme.ko",
                0o644,
                &module(62, "6.12.0 SMP modversions "),
            )),
        ),
        (
            "kernel-modules",
            "/usr/lib/modules/6.12.1/kernel/nvme.ko",
            over(modules("kernel/nvme.ko:\n", &[]).file(
                "usr/lib/modules/6.12.1/kernel/nvme.ko",
                0o644,
                &module(183, "6.12.1 SMP "),
            )),
            over(modules("kernel/nvme.ko:\n", &[])),
        ),
        (
            "kernel-modules",
            "/usr/lib/modules/6.12.1/initramfs.img",
            over(layer().file(INITRAMFS, 0o644, &cpio(&[("usr/lib/modules/6.12.0/nvme.ko", "")]))),
            over(layer().file(INITRAMFS, 0o644, &cpio(&[("usr/lib/modules/6.12.1/nvme.ko", ""), ("lib/x.ko", "")]))),
        ),
        ("kernel-missing", "", over(without(layer(), "usr/lib/modules/6.12.1/vmlinuz")), over(layer())),
        (
            "kernel-missing",
            "/usr/lib/modules/a b",
            over(kernel(without(layer(), "usr/lib/modules/6.12.1"), "a b")),
            over(kernel(without(layer(), "usr/lib/modules/6.12.1"), "a-b")),
        ),
        (
            "lint-allow",
            "/usr/lib/diskwright/lint.allow",
            file("usr/lib/diskwright/lint.allow", "set-uid\n"),
            file("usr/lib/diskwright/lint.allow", "setuid\n"),
        ),
        (
            "machine-id",
            "/etc/machine-id",
            file("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
            file("etc/machine-id", "uninitialized\n"),
        ),
        (
            "machine-secrets",
            "/var/lib/systemd/random-seed",
            file("var/lib/systemd/random-seed", "seed"),
            file("var/lib/systemd/random-seed", ""),
        ),
        (
            "modules-index",
            "/usr/lib/modules/6.12.1",
            file("usr/lib/modules/6.12.1/kernel/nvme.ko", ""),
            over(modules("kernel/nvme.ko:\n", &[])),
        ),
        (
            "modules-index",
            "/usr/lib/modules/6.12.1",
            Image::new(vec![
                good(),
                modules("kernel/nvme.ko:\nkernel/ahci.ko:\n", &[]),
                without(layer(), "usr/lib/modules/6.12.1/kernel/nvme.ko"),
            ]),
            over(layer()),
        ),
        (
            "modules-index",
            "/usr/lib/modules/6.12.1/initramfs.img",
            over(layer().file(INITRAMFS, 0o644, &cpio(&[("usr/lib/modules/6.12.1/modules.dep", "no list\n")]))),
            over(layer().file(INITRAMFS, 0o644, &cpio(&[("usr/lib/modules/6.12.1/modules.dep", "")]))),
        ),
        (
            "nonempty-boot",
            "/boot/efi",
            file("boot/efi/EFI/fedora/shimx64.efi", "MZ"),
            file("boot/EFI/Linux/6.12.1.efi", "MZ"),
        ),
        ("nonempty-boot", "/boot", over(without(layer(), "boot")), over(layer().directory("boot/", 0o755))),
        (
            "nonempty-run-tmp",
            "/run/lock",
            over(layer().directory("run/lock/", 0o755)),
            file("run/systemd/resolve/stub-resolv.conf", ""),
        ),
        (
            "nonempty-run-tmp",
            "/run/systemd/resolve/other",
            file("run/systemd/resolve/other", ""),
            over(layer().directory("run/systemd/resolve/", 0o755)),
        ),
        (
            "os-release",
            "",
            over(without(layer(), "usr/lib/os-release")),
            over(without(layer(), "usr/lib/os-release").file("etc/os-release", 0o644, b"ID=x\n")),
        ),
        (
            "os-release-fields",
            "/usr/lib/os-release",
            file("usr/lib/os-release", "ID=x\nPRETTY_NAME=X\n"),
            file("usr/lib/os-release", "ID=x\nPRETTY_NAME=X\nVERSION_ID=2\n"),
        ),
        (
            "os-release-fields",
            "/etc/os-release",
            over(without(layer(), "usr/lib/os-release").file(
                "etc/os-release",
                0o644,
                b"ID=\"My OS\"\nPRETTY_NAME=X\nVERSION_ID=2\n",
            )),
            over(layer()),
        ),
        (
            "private-keys",
            "/etc/pki/any",
            file("etc/pki/any", "-----BEGIN PRIVATE KEY-----\nMII\n"),
            file("etc/pki/any", "-----BEGIN CERTIFICATE-----\nMII\n"),
        ),
        (
            "private-keys",
            "/usr/lib/app/server.key",
            file("usr/lib/app/server.key", "-----BEGIN RSA PRIVATE KEY-----\n"),
            file("usr/lib/app/test/server.key", "-----BEGIN RSA PRIVATE KEY-----\n"),
        ),
        ("secure-boot", "/usr/lib/shim/shimx64.efi.signed", over(booting(&shim(), &grub())), over(layer())),
        (
            "secure-boot-broken",
            "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
            over(booting(&shim(), &changed(grub()))),
            over(booting(&shim(), &grub())),
        ),
        (
            "setuid",
            "/usr/bin/su",
            over(layer().file("usr/bin/su", 0o4755, b"x")),
            over(without(without(layer(), "usr/bin/tool"), "usr/bin/tool-too")),
        ),
        (
            "shell-history",
            "/root/.bash_history",
            file("root/.bash_history", "mysql -psecret\n"),
            file("root/.bash_history", ""),
        ),
        (
            "ssh-host-keys",
            "/etc/ssh/ssh_host_ed25519_key",
            file("etc/ssh/ssh_host_ed25519_key", "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
            file("etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAA\n"),
        ),
        (
            "sysusers",
            "/etc/passwd",
            file("etc/passwd", APP),
            over(layer().file("etc/passwd", 0o644, APP.as_bytes()).file(made, 0o644, b"u app 999\n")),
        ),
        (
            "sysusers",
            "/etc/group",
            over(layer().file("etc/passwd", 0o644, b"").file("etc/group", 0o644, b"app:x:999:\n")),
            over(layer().file("etc/passwd", 0o644, b"").file("etc/group", 0o644, b"app:x:999:\n").file(
                made,
                0o644,
                b"g app 999\n",
            )),
        ),
        // Whatever systemd makes of it, bootc looks in one place only.
        (
            "sysusers",
            "/etc/passwd",
            over(layer().file("etc/passwd", 0o644, APP.as_bytes()).file("etc/sysusers.d/a.conf", 0o644, b"u app\n")),
            file("etc/group", "app:x:999:\n"),
        ),
        ("sysusers-syntax", "/usr/lib/sysusers.d/a.conf", file(made, "u app 0x3\n"), file(made, "u app 3\n")),
        (
            "tmpfiles-syntax",
            "/usr/lib/tmpfiles.d/a.conf",
            file(lines, "d /var/app 0855\n"),
            file(lines, "d /var/app 0755\n"),
        ),
        ("tmpfiles-syntax", "/usr/lib/tmpfiles.d/a.conf", over(link(lines, "nowhere")), over(link(lines, "/dev/null"))),
        (
            "units-missing",
            "/etc/systemd/system/multi-user.target.wants/x.service",
            over(units().symlink(wanted, "/usr/share/app/x.service").file(
                "usr/share/app/x.service",
                0o644,
                b"[Unit]\n",
            )),
            over(units().symlink(wanted, "/usr/share/app/x.service").file(unit, 0o644, b"[Unit]\n")),
        ),
        (
            "units-missing",
            "/usr/lib/systemd/system/default.target",
            file(unit, "[Unit]\n"),
            over(units().file(unit, 0o644, b"[Unit]\n")),
        ),
        ("utf8", "/usr/b\\xffd", raw(b"usr/b\xffd"), raw("usr/bäd".as_bytes())),
        ("var-log", "/var/log/apt/history.log", file("var/log/apt/history.log", "x"), file("var/log/wtmp", "")),
        (
            "var-tmpfiles",
            "/var/lib/app",
            over(layer().directory("var/lib/app/", 0o750)),
            over(layer().directory("var/lib/app/", 0o750).file(lines, 0o644, b"d /var/lib\nd /var/lib/app\n")),
        ),
        (
            "var-tmpfiles",
            "/var/app/state",
            over(layer().file("var/app/state", 0o644, b"").file(lines, 0o644, b"d /var/app\n")),
            over(layer().file("var/app/state", 0o644, b"").file(lines, 0o644, b"d /var/app\nf /var/app/state\n")),
        ),
        (
            "var-tmpfiles",
            "/var/link",
            over(link("var/link", "x").file("etc/tmpfiles.d/a.conf", 0o644, b"L /var/link - - - - x\n")),
            over(link("var/link", "x").file(lines, 0o644, b"L /var/link - - - - x\n")),
        ),
        ("var-run", "/var/run", over(layer().directory("var/run/", 0o755)), over(link("var/run", "../run"))),
        (
            "world-writable",
            "/etc/open",
            over(layer().file("etc/open", 0o666, b"")),
            over(layer().directory("usr/share/drop/", 0o1777)),
        ),
        (
            "world-writable",
            "/usr/share/drop",
            over(layer().directory("usr/share/drop/", 0o777)),
            over(layer().symlink("usr/share/drop", "x")),
        ),
    ]
}

/// Checks that tell of every image; they have a test of their own.
const SIZES: [&str; 3] = ["size-by-directory", "size-by-layer", "size-by-package"];

#[test]
fn every_check_finds_its_bad_image_and_passes_its_neighbour() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut seen: BTreeSet<String> = SIZES.iter().map(|name| (*name).to_owned()).collect();
    for (at, (check, place, bad, good)) in cases().into_iter().enumerate() {
        let images = [("bad", bad), ("good", good)];
        let [bad, good] =
            images.map(|(name, image)| report(path, &image.write(&path.join(format!("{name}-{at}"))), &[]));
        let told = found(&bad, "findings", check);
        assert!(told.iter().any(|(path, _)| *path == place), "{check} does not find {place:?}: {bad:#}");
        let told = found(&good, "findings", check);
        assert!(told.is_empty(), "{check} finds something in the neighbour: {told:?}");
        seen.insert(check.to_owned());
    }
    let list: Value = serde_json::from_str(&diskwright(path, ["lint", "--list", "--json"]).succeeded().stdout).unwrap();
    let all: BTreeSet<String> =
        list.as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(seen, all, "every check needs a bad image here");
}

#[test]
fn a_good_image_has_nothing_fatal_and_no_warning() {
    let directory = tempfile::tempdir().unwrap();
    let source = Image::new(vec![good()]).write(&directory.path().join("good"));
    let report = report(directory.path(), &source, &[]);
    assert_eq!(counts(&report), [0, 0, 0], "{report:#}");
    let (code, text) = run(directory.path(), &source, &["--fail-on", "warning"]);
    assert_eq!(code, Some(0));
    assert!(text.lines().last().unwrap().contains(" checks: 0 fatal, 0 warnings, "), "{text}");
}

#[test]
fn the_lines_that_are_told_are_those_that_were_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let layer = || {
        Layer::new()
            .file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/bash\napp:x:9:8:An \"App\", 5%:/a b:\n")
            .file("etc/group", 0o644, b"root:x:0:\nshared:x:8:app\n")
            .directory("var/lib/", 0o755)
            .directory("var/lib/a b/", 0o750)
            .symlink("var/lib/link", "../cache")
    };
    let before = report(path, &over(layer()).write(&path.join("before")), &[]);
    let lines = |check: &str| -> String {
        let told = found(&before, "findings", check).into_iter();
        told.map(|(_, told)| format!("{}\n", told.split('`').nth(1).unwrap())).collect()
    };
    let (tmpfiles, sysusers) = (lines("var-tmpfiles"), lines("sysusers"));
    let expected =
        "d /var/lib 0755 root root - -\nd \"/var/lib/a b\" 0750 root root - -\nL /var/lib/link - - - - ../cache\n";
    assert_eq!(tmpfiles, expected);
    let expected = "u root 0 \"root\" /root /bin/bash\nu app 9:shared \"An \\\"App\\\", 5%%\" \"/a b\" /bin/sh\n\
                    g root 0\ng shared 8\n";
    assert_eq!(sysusers, expected);
    let after = layer().file("usr/lib/tmpfiles.d/a.conf", 0o644, tmpfiles.as_bytes()).file(
        "usr/lib/sysusers.d/a.conf",
        0o644,
        sysusers.as_bytes(),
    );
    let after = report(path, &over(after).write(&path.join("after")), &[]);
    assert_eq!(counts(&after), [0, 0, 0], "{after:#}");
}

#[test]
fn units_that_are_masked_told_already_or_only_preset_are_not_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let wants = "etc/systemd/system/multi-user.target.wants";
    let layer = Layer::new()
        .symlink("etc/systemd/system/masked.service", "/dev/null")
        .symlink(&format!("{wants}/masked.service"), "../masked.service")
        .symlink(&format!("{wants}/gone.service"), "/usr/lib/systemd/system/gone.service")
        .symlink(&format!("{wants}/late.service"), "/run/late.service")
        .symlink(&format!("{wants}/dev-disk.device"), "../dev-disk.device")
        .symlink("usr/lib/systemd/system/default.target", "graphical.target")
        .file("usr/lib/systemd/system/multi-user.target", 0o644, b"[Unit]\n")
        .file("usr/lib/systemd/system-preset/90-a.preset", 0o644, b"enable absent.service\n");
    let report = report(path, &over(layer).write(&path.join("image")), &[]);
    assert_eq!(found(&report, "findings", "units-missing"), [], "{report:#}");
    let told: Vec<_> = found(&report, "findings", "dangling-unit-links").into_iter().map(|(path, _)| path).collect();
    let expected = [
        "/etc/systemd/system/multi-user.target.wants/dev-disk.device",
        "/etc/systemd/system/multi-user.target.wants/gone.service",
        "/usr/lib/systemd/system/default.target",
    ];
    assert_eq!(told, expected, "{report:#}");
}

#[test]
fn the_exit_code_follows_the_severity_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let warning = over(Layer::new().file("etc/open", 0o666, b"")).write(&path.join("warning"));
    let fatal = over(Layer::new().fifo("usr/lib/pipe")).write(&path.join("fatal"));
    for (source, arguments, code) in [
        (&warning, &[][..], 0),
        (&warning, &["--fail-on", "fatal"], 0),
        (&warning, &["--fail-on", "warning"], VALIDATION),
        (&warning, &["--fail-on", "info"], VALIDATION),
        (&warning, &["--fail-on", "warning", "--allow", "world-writable"], 0),
        (&fatal, &[], VALIDATION),
        (&fatal, &["--format", "json"], VALIDATION),
        (&fatal, &["--format", "sarif"], VALIDATION),
        (&fatal, &["--format", "junit"], VALIDATION),
        (&fatal, &["--format", "github"], VALIDATION),
        (&fatal, &["--fail-on", "never"], 0),
        (&fatal, &["--allow", "device-nodes"], 0),
    ] {
        assert_eq!(run(path, source, arguments).0, Some(code), "{source} {arguments:?}");
    }
}

#[test]
fn what_is_allowed_is_counted_and_named_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let layer = || {
        Layer::new()
            .file("etc/a.key", 0o600, b"-----BEGIN PRIVATE KEY-----\n")
            .file("etc/b.key", 0o600, b"-----BEGIN PRIVATE KEY-----\n")
            .fifo("usr/lib/pipe")
    };
    let own = layer().file("usr/lib/diskwright/lint.allow", 0o644, b"private-keys /etc/a.key # a sample\n");
    let [plain, own] = [("plain", layer()), ("own", own)].map(|(name, layer)| over(layer).write(&path.join(name)));
    fs::write(path.join("allow"), "# of this image\nprivate-keys etc/*.key\ndevice-nodes  # why not\nvar-log\n")
        .unwrap();

    let by_option = report(path, &plain, &["--allow", "device-nodes"]);
    assert_eq!(counts(&by_option), [0, 2, 1]);
    assert_eq!(by_option["allowed"][0]["by"], "--allow");
    let by_file = report(path, &plain, &["--allow-file", "allow"]);
    assert_eq!(counts(&by_file), [0, 0, 3]);
    let fifo = &by_file["allowed"][0];
    assert_eq!(json!([fifo["by"], fifo["why"]]), json!(["allow line 3", "why not"]), "{by_file:#}");
    assert_eq!(by_file["notes"][0], "allow line 4 allows var-log, which finds nothing there");
    let by_image = report(path, &own, &[]);
    assert_eq!(counts(&by_image), [1, 1, 1]);
    assert_eq!(by_image["allowed"][0]["by"], "/usr/lib/diskwright/lint.allow line 1");
    assert_eq!(found(&by_image, "findings", "private-keys").len(), 1);
    let (_, text) = run(path, &own, &[]);
    for words in
        ["Allowed", "/etc/a.key: a private key", "lint.allow line 1: a sample]", "1 fatal, 1 warning,", "1 allowed"]
    {
        assert!(text.contains(words), "no `{words}` in:\n{text}");
    }
}

#[test]
fn a_name_that_no_check_has_is_a_usage_error_with_the_nearest_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = Image::new(vec![good()]).write(&path.join("image"));
    fs::write(path.join("unknown"), "var-log\n\nvar-logs  # x\n").unwrap();
    fs::write(path.join("words"), "var-log a b\n").unwrap();
    fs::write(path.join("binary"), b"\xff").unwrap();
    for (arguments, words) in [
        (&["--allow", "var-logs"][..], &["there is no check `var-logs`", "hint: ", "`var-log`", "--list"][..]),
        (&["--allow-file", "unknown"], &["unknown line 3: there is no check `var-logs`", "`var-log`"]),
        (&["--allow-file", "words"], &["words line 1: 3 words"]),
        (&["--allow-file", "binary"], &["binary", "not UTF-8"]),
        (&["--allow-file", "nowhere"], &["cannot use nowhere for --allow-file"]),
        (&["--format", "yaml"], &["--format", "junit"]),
        (&["--fail-on", "error"], &["--fail-on", "expected fatal, warning, info or never"]),
    ] {
        let run = diskwright(path, ["lint", &source].iter().chain(arguments));
        assert_eq!(run.code, Some(USAGE), "{arguments:?}: {}", run.stderr);
        for word in words {
            assert!(run.stderr.contains(word), "{arguments:?}: no `{word}` in:\n{}", run.stderr);
        }
    }
    for arguments in [&["lint"][..], &["lint", "--list", "--format", "sarif"], &["lint", "--list", &source]] {
        assert_eq!(diskwright(path, arguments).code, Some(USAGE), "{arguments:?}");
    }
}

#[test]
fn thousands_of_findings_are_cut_with_their_number() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let layer = (0..2000).fold(Layer::new(), |layer, n| layer.file(&format!("usr/share/open/{n:04}"), 0o666, b""));
    let source = over(layer).write(&path.join("image"));
    let cut = report(path, &source, &[]);
    assert_eq!(found(&cut, "findings", "world-writable").len(), 20);
    assert_eq!(cut["counts"]["warning"], 2000);
    assert_eq!(cut["cut"], json!([{ "check": "world-writable", "more": 1980 }]));
    assert!(run(path, &source, &[]).1.contains("    and 1980 more\n"));
    let allowed = report(path, &source, &["--allow", "world-writable"]);
    assert_eq!(counts(&allowed), [0, 0, 2000]);
    let all = report(path, &source, &["--all"]);
    assert_eq!(found(&all, "findings", "world-writable").len(), 2000);
    assert_eq!(all["cut"], json!([]));
}

#[test]
fn sizes_are_told_by_directory_layer_and_package() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let status = "Package: big\nStatus: install ok installed\nVersion: 1.2\nInstalled-Size: 2048\n\n\
                  Package: small\nStatus: install ok installed\nVersion: 3\nInstalled-Size: 1\n";
    let first = good()
        .file("usr/share/replaced", 0o644, &[1; 100_000])
        .file("usr/share/removed", 0o644, &[2; 300_000])
        .file("usr/share/kept", 0o644, &[3; 700_000])
        .hard_link("usr/share/kept-too", "usr/share/kept")
        .file("var/lib/dpkg/status", 0o644, status.as_bytes());
    let second = without(Layer::new(), "usr/share/removed").file("usr/share/replaced", 0o644, &[4; 50_000]);
    let source = Image::new(vec![first, second]).write(&path.join("image"));
    let report = report(path, &source, &[]);
    let layers = report["layers"].as_array().unwrap();
    let hidden: Vec<_> = layers.iter().map(|layer| json!([layer["hidden_files"], layer["hidden_bytes"]])).collect();
    assert_eq!(hidden, [json!([2, 400_000]), json!([0, 0])]);
    assert_eq!(layers[1]["bytes"], 50_000);
    let by_layer = found(&report, "findings", "size-by-layer");
    assert!(by_layer[0].1.starts_with("layer 1 of 2 (sha256:"), "{by_layer:?}");
    assert!(by_layer[0].1.ends_with("in 2 files hidden by later layers"), "{by_layer:?}");
    // The largest comes first, and a file with two names counts once.
    let by_directory = found(&report, "findings", "size-by-directory");
    assert_eq!(by_directory[0], ("/usr/share", "732.4 KiB in 2 files"), "{by_directory:?}");
    let by_package: Vec<_> = found(&report, "findings", "size-by-package").into_iter().map(|(_, told)| told).collect();
    assert_eq!(by_package, ["2 MiB: big 1.2", "1 KiB: small 3"]);
}

#[test]
fn secure_boot_is_foretold_for_each_program() {
    const KERNEL: &str = "/usr/lib/modules/6.12.1/vmlinuz";
    let signed = || program("/usr/lib/shim/fbx64.efi.signed", "shim-helpers-amd64-signed");
    let unsigned = || program("/usr/lib/systemd/boot/efi/systemd-bootx64.efi", "systemd-boot-efi");
    let unsigned_shim = || program("/usr/lib/shim/shimx64.efi", "shim-unsigned");
    let kernel = |layer: Layer, kernel: &[u8]| over(layer.file(&KERNEL[1..], 0o644, kernel));
    let [shim_path, grub_path] =
        ["/usr/lib/shim/shimx64.efi.signed", "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"];
    let systemd = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi";
    let by_systemd = without(Layer::new(), GRUB).file(&systemd[1..], 0o644, &unsigned());
    let directory = tempfile::tempdir().unwrap();
    for (at, (image, expected, broken)) in [
        (
            kernel(booting(&shim(), &grub()), &signed()),
            &[
                (
                    shim_path,
                    &["keys starts shim, with Microsoft", "UEFI CA", "itself it trusts Debian Secure Boot CA"][..],
                ),
                (grub_path, &["shim lets GRUB start", "for whom Debian Secure Boot CA vouches (SBAT: grub "]),
                (KERNEL, &["shim lets the kernel start", "for whom Debian Secure Boot CA vouches"]),
            ][..],
            &[][..],
        ),
        (
            kernel(booting(&shim(), &changed(grub())), &unsigned()),
            &[
                (grub_path, &["shim refuses GRUB", "it was changed after it was signed", "as MOK, or the SHA-256 "]),
                (KERNEL, &["shim refuses the kernel: it is not signed", "as MOK, or the SHA-256 "]),
            ],
            &[grub_path, KERNEL],
        ),
        (
            over(booting(&shim(), &without_sbat(grub()))),
            &[(grub_path, &["shim refuses GRUB, whoever signed it: it has no SBAT section"])],
            &[grub_path],
        ),
        (
            over(booting(&stricter(shim(), 1), &grub())),
            &[(
                grub_path,
                &["shim lets GRUB start", "SBAT revokes it where the latest level is set: the component grub"],
            )],
            &[],
        ),
        (
            over(booting(&stricter(shim(), 2), &grub())),
            &[
                (shim_path, &["keys refuses shim: ", "it was changed after it was signed"]),
                (grub_path, &["shim refuses GRUB, whoever signed it: SBAT revokes it: the component grub"]),
            ],
            &[],
        ),
        // Nobody but its owner lets it start, so nothing is expected of what follows.
        (
            kernel(booting(&unsigned_shim(), &grub()), &unsigned()),
            &[
                (shim_path, &["keys refuses shim: it is not signed", "if it has the certificate"]),
                (grub_path, &["shim lets GRUB start"]),
                (KERNEL, &["shim refuses the kernel: it is not signed"]),
            ],
            &[],
        ),
        (
            kernel(by_systemd, &unsigned()),
            &[
                (systemd, &["Microsoft's keys refuses systemd-boot: it is not signed"]),
                (KERNEL, &["Microsoft's keys refuses the kernel: it is not signed"]),
            ],
            &[],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let report = report(directory.path(), &image.write(&directory.path().join(at.to_string())), &[]);
        let told = found(&report, "findings", "secure-boot");
        for (path, words) in expected {
            let (_, told) = told.iter().find(|(found, _)| found == path).unwrap_or_else(|| panic!("{path}: {told:#?}"));
            for word in *words {
                assert!(told.contains(word), "{path}: no `{word}` in {told}");
            }
        }
        let stops: Vec<_> =
            found(&report, "findings", "secure-boot-broken").into_iter().map(|(path, _)| path).collect();
        assert_eq!(stops, broken, "{report:#}");
    }
}

#[test]
fn what_depmod_has_listed_is_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let kernel = path.join("root/lib/modules/6.12.1");
    fs::create_dir_all(kernel.join("kernel")).unwrap();
    fs::write(kernel.join("modules.builtin"), "kernel/virtio_pci.ko\n").unwrap();
    fs::write(kernel.join("modules.order"), "").unwrap();
    for name in &DRIVERS[1..] {
        fs::write(kernel.join(format!("kernel/{name}.ko")), module(62, "6.12.1 SMP ")).unwrap();
    }
    let root = path.join("root");
    let _ = judge("depmod", ["-b".as_ref(), root.as_os_str(), "6.12.1".as_ref()]).passed();
    let mut layer = Layer::new();
    for name in fs::read_dir(&kernel).unwrap().map(|entry| entry.unwrap()).filter(|it| it.path().is_file()) {
        let name = name.file_name().into_string().unwrap();
        layer = layer.file(&format!("{MODULES}/{name}"), 0o644, &fs::read(kernel.join(&name)).unwrap());
    }
    for name in &DRIVERS[1..] {
        layer = layer.file(&format!("{MODULES}/kernel/{name}.ko"), 0o644, &module(62, "6.12.1 SMP "));
    }
    let report = report(path, &over(layer).write(&path.join("image")), &[]);
    for check in ["kernel-modules", "modules-index", "boot-drivers-missing"] {
        assert!(found(&report, "findings", check).is_empty(), "{report:#}");
    }
    // The good image's initramfs has none of them.
    let late = found(&report, "findings", "boot-drivers");
    assert_eq!(late.len(), DRIVERS.len() - 1, "{report:#}");
    assert!(late.iter().any(|(_, told)| told.starts_with("nvme is not in it, only in the image: ")), "{late:#?}");
    let findings = report["findings"].as_array().unwrap();
    let fix = findings.iter().find(|finding| finding["check"] == "boot-drivers").unwrap()["fix"].as_str().unwrap();
    for words in ["--add-drivers \"", " nvme ", "usb_storage", "\" --kver"] {
        assert!(fix.contains(words), "no `{words}` in {fix}");
    }
}

/// An image with findings of all severities, one of them allowed, and names that no format takes as they are.
fn colourful(directory: &Path) -> String {
    over(
        Layer::new()
            .fifo("usr/lib/a <b> & \"c\" 'd', e: 100%\n\u{1}]]>")
            .file("etc/open", 0o666, b"")
            .file("var/log/x", 0o644, b"x")
            .file("usr/lib/tmpfiles.d/log.conf", 0o644, b"d /var/log\nf /var/log/x\n")
            .file("usr/lib/diskwright/lint.allow", 0o644, b"var-log # <known> & meant\n"),
    )
    .write(&directory.join("colourful"))
}

#[test]
fn sarif_has_what_scanners_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (_, stdout) = run(path, &colourful(path), &["--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let runs = sarif["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "diskwright");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        for pointer in ["/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"] {
            assert!(rule.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty()), "{rule:#}");
        }
        let level = rule["defaultConfiguration"]["level"].as_str().unwrap();
        assert!(["error", "warning", "note"].contains(&level), "{rule:#}");
    }
    let results = runs[0]["results"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(rules[index]["defaultConfiguration"]["level"], result["level"]);
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        let location = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        assert!(runs[0]["originalUriBaseIds"].get(location["uriBaseId"].as_str().unwrap()).is_some());
        let uri = location["uri"].as_str().unwrap();
        let is_uri = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
        assert!(!uri.is_empty() && !uri.starts_with('/') && uri.bytes().all(is_uri), "{uri}");
        assert_eq!(result["partialFingerprints"]["diskwright/v1"].as_str().unwrap().len(), 64);
    }
    let of = |check: &str| results.iter().find(|result| result["ruleId"] == check).unwrap();
    assert_eq!(of("device-nodes")["level"], "error");
    let uri = of("device-nodes").pointer("/locations/0/physicalLocation/artifactLocation/uri").unwrap();
    assert_eq!(uri, "usr/lib/a%20%3Cb%3E%20%26%20%22c%22%20%27d%27%2C%20e%3A%20100%25%0A%01%5D%5D%3E");
    assert_eq!(of("world-writable")["level"], "warning");
    assert!(of("world-writable").get("suppressions").is_none());
    let suppression = &of("var-log")["suppressions"][0];
    assert_eq!(json!([suppression["kind"], suppression["status"]]), json!(["external", "accepted"]));
    assert_eq!(suppression["justification"], "/usr/lib/diskwright/lint.allow line 1: <known> & meant");
}

#[test]
fn junit_is_xml_in_which_checks_fail_from_the_severity_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = colourful(path);
    for (fail_on, failures) in [("fatal", "1"), ("warning", "2"), ("never", "0")] {
        let (_, xml) = run(path, &source, &["--format", "junit", "--fail-on", fail_on]);
        let file = path.join("lint.xml");
        fs::write(&file, xml).unwrap();
        let _ = judge("xmllint", ["--noout".as_ref(), file.as_os_str()]).passed();
        let ask = |what: &str| {
            judge("xmllint", ["--xpath".as_ref(), what.as_ref(), file.as_os_str()]).passed().stdout.trim().to_owned()
        };
        assert_eq!(ask("string(/testsuites/testsuite/@failures)"), failures, "{fail_on}");
        assert_eq!(ask("count(//failure)"), failures, "{fail_on}");
        assert_eq!(ask("string(/testsuites/testsuite/@tests)"), ask("count(//testcase)"));
        assert_eq!(ask("string(/testsuites/testsuite/@skipped)"), ask("count(//testcase/skipped)"));
        assert_eq!(ask("string(//testcase[skipped]/@name)"), "var-log");
        let told = ask("string(//testcase[@name='device-nodes'])");
        assert!(told.contains("/usr/lib/a <b> & \"c\" 'd', e: 100%\\x0a\\x01]]>: a FIFO"), "{told}");
    }
}

#[test]
fn github_commands_are_one_line_each() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (code, stdout) = run(path, &colourful(path), &["--format", "github"]);
    assert_eq!(code, Some(VALIDATION));
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(
        lines[0].starts_with("::error title=fatal%3A device-nodes::/usr/lib/a <b> & \"c\" 'd', e: 100%25\\x0a\\x01]]>: a FIFO%0Afix:%0ARUN "),
        "{}",
        lines[0]
    );
    assert!(lines[1].starts_with("::warning title=warning%3A world-writable::/etc/open: "), "{}", lines[1]);
    assert!(lines.iter().any(|line| line.starts_with("::notice title=info%3A setuid::")), "{stdout}");
    assert!(lines.contains(&"allowed: var-log [/usr/lib/diskwright/lint.allow line 1]"), "{stdout}");
    assert!(lines.last().unwrap().contains("1 fatal, 1 warning, "), "{stdout}");
}

#[test]
fn the_list_documents_every_check() {
    let directory = tempfile::tempdir().unwrap();
    let list = |arguments: &[&str]| {
        let mut all = vec!["lint", "--list"];
        all.extend(arguments);
        diskwright(directory.path(), all).succeeded().stdout
    };
    let page = list(&["--format", "markdown"]);
    assert_eq!(page, list(&[]));
    let committed = fs::read_to_string(checkout().join("docs/checks.md")).unwrap_or_default();
    assert!(
        page == committed,
        "docs/checks.md is another one: make it anew with `diskwright lint --list --format markdown > docs/checks.md`"
    );
    let of_an_image = diskwright(directory.path(), ["lint", "oci:image", "--format", "markdown"]);
    assert_eq!(of_an_image.code, Some(USAGE));
    assert!(of_an_image.stderr.contains("--format markdown is for --list"), "{}", of_an_image.stderr);
    let checks: Value = serde_json::from_str(&list(&["--format", "json"])).unwrap();
    for check in checks.as_array().unwrap() {
        let text = |key: &str| check[key].as_str().unwrap();
        assert!(page.contains(&format!("### `{}`\n\n{}.", text("name"), text("summary"))), "{check:#}");
        assert!(page.contains(text("reason")) && page.contains(text("fix")), "{check:#}");
    }
    for title in ["## Fatal", "## Warnings", "## Infos"] {
        assert!(page.contains(title), "{title}");
    }
}

#[test]
fn the_tree_of_a_chunked_image_is_that_of_its_commit_with_the_later_layers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let derived = Layer::new().file("etc/ssh/ssh_host_rsa_key", 0o600, b"-----BEGIN OPENSSH PRIVATE KEY-----\n").file(
        "usr/lib/os-release",
        0o644,
        b"ID=tiny\nVERSION_ID=2\nPRETTY_NAME=\"Tiny Linux 2\"\n",
    );
    let (image, _) = chunked(path, good(), vec![derived]);
    let report = report(path, &image.write(&path.join("image")), &[]);
    assert_eq!(found(&report, "findings", "ssh-host-keys").len(), 1, "{report:#}");
    assert_eq!(found(&report, "findings", "ssh-host-keys")[0].0, "/etc/ssh/ssh_host_rsa_key");
    assert_eq!(counts(&report), [0, 1, 0], "{report:#}");
    let layers = report["layers"].as_array().unwrap();
    let told: Vec<_> =
        layers.iter().map(|layer| json!([layer["first"], layer["last"], layer["hidden_files"]])).collect();
    assert_eq!(told, [json!([1, 2, 1]), json!([3, 3, 0])], "{report:#}");
}

#[test]
fn what_lies_behind_a_link_is_read_as_well_and_everything_else_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let release = b"ID=tiny\nVERSION_ID=1\nPRETTY_NAME=\"Tiny Linux 1\"\n";
    let elsewhere = |layer: Layer| {
        over(layer.symlink("usr/lib/os-release", "../share/vendor/release").file(
            "usr/share/vendor/release",
            0o644,
            release,
        ))
    };
    for (name, image, readings) in [
        ("good", Image::new(vec![good()]), 1),
        ("linked", elsewhere(Layer::new()), 2),
        // Whoever counts packages says nothing of a database that cannot be read.
        (
            "swallowed",
            over(Layer::new().symlink("usr/lib/sysimage/rpm", "../../share/large").file(
                "usr/share/large/rpmdb.sqlite",
                0o644,
                &[1; 5000],
            )),
            2,
        ),
    ] {
        let source = image.write(&path.join(name));
        let arguments = ["lint", &source, "--platform", "linux/amd64", "--json", "--progress", "json"];
        let run = diskwright(path, arguments).succeeded();
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(counts(&report), [0, 0, 0], "{name}: {report:#}");
        assert_eq!(run.stderr.matches(r#""event":"begin","station":"layers""#).count(), readings, "{name}");
    }
}

#[test]
fn whatever_an_image_holds_it_is_examined_to_the_end() {
    let link = |path: &str, target: &str| Layer::new().symlink(path, target);
    let large = vec![b'#'; 2 << 20];
    let images = [
        ("nothing at all", Image::new(vec![Layer::new()])),
        ("os-release in circles", over(link("usr/lib/os-release", "os-release"))),
        ("large os-release", over(Layer::new().file("usr/lib/os-release", 0o644, &large))),
        ("large settings", over(Layer::new().file(PREPARE_ROOT, 0o644, &large))),
        ("large fragment", over(Layer::new().file("usr/lib/bootc/kargs.d/a.toml", 0o644, &large))),
        ("large allow list", over(Layer::new().file("usr/lib/diskwright/lint.allow", 0o644, &large))),
        ("allow list in circles", over(link("usr/lib/diskwright/lint.allow", "lint.allow"))),
        ("allow list that is a directory", over(Layer::new().directory("usr/lib/diskwright/lint.allow/", 0o755))),
        ("usr that is a file", over(Layer::new().file("usr", 0o644, b""))),
        ("tmpfiles.d with a long line", over(Layer::new().file("usr/lib/tmpfiles.d/a.conf", 0o644, &large))),
        ("users without end", over(Layer::new().file("etc/passwd", 0o644, &large.repeat(3)))),
        ("users that are a directory", over(Layer::new().directory("etc/passwd/", 0o755))),
        ("sysusers.d in circles", over(link("usr/lib/sysusers.d", "sysusers.d"))),
        ("a default target in circles", over(link("usr/lib/systemd/system/default.target", "default.target"))),
        ("var that is a link", over(link("var", "run"))),
        ("boot that is a file", over(Layer::new().file("boot", 0o644, b""))),
        ("modules that are a link", over(link("usr/lib/modules", "/nowhere"))),
        (
            "large list of modules",
            over(Layer::new().file(&format!("{MODULES}/modules.dep"), 0o644, &vec![b'#'; 9 << 20])),
        ),
        ("list of modules in circles", over(link("usr/lib/modules/6.12.1/modules.dep", "modules.dep"))),
        ("modules in circles", over(modules("", &[]).symlink("usr/lib/modules/6.12.1/up", ".."))),
        (
            "modules that are none",
            over(modules("nvme.ko:\nahci.ko: nvme.ko ahci.ko\n", &[]).file(
                "usr/lib/modules/6.12.1/nvme.ko",
                0o644,
                &elf(62),
            )),
        ),
        ("programs that are cut off", over(booting(&shim()[..50_000], &grub()))),
        ("a program whose menu is another shim", over(booting(&shim(), &[shim(), b"/EFI/x\0".to_vec()].concat()))),
        (
            "packages that are damaged",
            over(Layer::new().file("usr/lib/sysimage/rpm/rpmdb.sqlite", 0o644, b"SQLite format 3\0")),
        ),
    ];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (at, (what, image)) in images.into_iter().enumerate() {
        let mut all = vec!["lint".to_owned(), image.write(&path.join(at.to_string()))];
        all.extend(["--platform", "linux/amd64", "-q"].map(str::to_owned));
        let run = diskwright(path, all);
        assert!(run.code == Some(0) || run.code == Some(VALIDATION), "{what}: {:?} {}", run.code, run.stderr);
        assert_eq!(run.stderr, "", "{what}");
        assert!(run.stdout.ends_with(" allowed\n"), "{what}: {}", run.stdout);
    }
}
