//! Images whose kernel, initramfs, modules or boot loader is wrong.

use diskwright_tests::fixture::{Image, Layer, kernel};

use crate::lint::cases::Case;
use crate::lint::images::{
    COMPOSEFS, DRIVERS, GRUB, INITRAMFS, PREPARE_ROOT, bz_image, cpio, good, initramfs, module, modules, over, without,
};
use crate::lint::programs::{booting, changed, grub, shim};

pub(super) fn cases() -> Vec<Case> {
    let layer = Layer::new;
    let file = |path: &str, body: &str| over(Layer::new().file(path, 0o644, body.as_bytes()));
    let link = |path: &str, target: &str| Layer::new().symlink(path, target);
    let settings = |image: &str, early: &str| {
        over(Layer::new().file(PREPARE_ROOT, 0o644, image.as_bytes()).file(INITRAMFS, 0o644, &initramfs(early)))
    };
    vec![
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
        ("secure-boot", "/usr/lib/shim/shimx64.efi.signed", over(booting(&shim(), &grub())), over(layer())),
        (
            "secure-boot-broken",
            "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
            over(booting(&shim(), &changed(grub()))),
            over(booting(&shim(), &grub())),
        ),
    ]
}
