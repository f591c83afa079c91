//! `/boot` and ESP as they come out, and GRUB's own parser on every configuration that is generated.
#![allow(missing_docs)]

use std::process::Command;

use builder_boot::{Architecture, BootSpec, BootTrees, BootloaderChoice, Kernel, Loader, install};
use builder_tree::{Content, FileTree, Inode, InodeKind, Metadata, Node};

const UUID: &str = "11111111-2222-3333-4444-555555555555";

fn put(tree: &mut FileTree, path: &str, body: &str) {
    let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body.as_bytes().to_vec()));
    tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
}

/// A tree with a kernel and the given files.
fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::new();
    put(&mut tree, "usr/lib/modules/6.1/vmlinuz", "kernel");
    put(&mut tree, "usr/lib/modules/6.1/initramfs.img", "initramfs");
    for (path, body) in files {
        put(&mut tree, path, body);
    }
    tree
}

const DEBIAN: &[(&str, &str)] = &[
    ("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "MZ /EFI/debian\0"),
    ("usr/lib/shim/shimx64.efi.signed", "shim"),
    ("usr/lib/shim/mmx64.efi.signed", "mm"),
    ("usr/lib/shim/BOOTX64.CSV", "csv"),
];

const BOOTUPD: &[(&str, &str)] = &[
    ("usr/lib/bootupd/updates/EFI/BOOT/BOOTX64.EFI", "shim"),
    ("usr/lib/bootupd/updates/EFI/BOOT/fbx64.efi", "fallback"),
    ("usr/lib/bootupd/updates/EFI/fedora/shimx64.efi", "shim"),
    ("usr/lib/bootupd/updates/EFI/fedora/grubx64.efi", "MZ /EFI/fedora\0 blscfg"),
    ("usr/lib/bootupd/updates/EFI.json", r#"{"timestamp":"2024-01-01T00:00:00Z","version":"grub2-1"}"#),
    ("usr/lib/bootupd/grub2-static/grub-static-pre.cfg", "set pre=1\n"),
    ("usr/lib/bootupd/grub2-static/grub-static-efi.cfg", "set efi=1\n"),
    ("usr/lib/bootupd/grub2-static/configs.d/10_blscfg.cfg", "blscfg\n"),
];

fn made(files: &[(&str, &str)], choice: BootloaderChoice, title: &str, kargs: &str) -> BootTrees {
    let tree = tree(files);
    let kernel = Kernel::find(&tree).unwrap();
    let checksum = kernel.boot_checksum().unwrap();
    let loader = Loader::find(&tree, Architecture::X86_64, choice).unwrap();
    let spec = BootSpec {
        stateroot: "default",
        kernel: &kernel,
        boot_checksum: &checksum,
        kargs,
        title,
        boot_fs_uuid: UUID,
        loader: &loader,
        created: 7,
    };
    install(&spec).unwrap()
}

fn text(tree: &FileTree, path: &str) -> String {
    let node = tree.get(path.as_bytes()).unwrap_or_else(|| panic!("no {path}"));
    String::from_utf8(node.as_leaf().unwrap().content().unwrap().read_to_vec(1 << 20).unwrap()).unwrap()
}

fn paths(tree: &FileTree) -> Vec<String> {
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

#[test]
fn grub_accepts_every_menu_that_is_generated() {
    for (title, kargs) in [
        ("Debian GNU/Linux 13 (trixie) (ostree:0)", "root=UUID=x rw console=tty0 console=ttyS0,115200 ostree=/o"),
        ("it's; a {trap} & $more # \"quoted\" \\", "quiet"),
        ("Zażółć gęślą jaźń", "a=b c,d=e:f"),
    ] {
        let trees = made(DEBIAN, BootloaderChoice::Auto, title, kargs);
        let boot = FileTree { root: trees.boot };
        for script in [text(&boot, "grub/grub.cfg"), text(&trees.esp, "EFI/debian/grub.cfg")] {
            for placeholder in
                ["@TIMEOUT@", "@TERMINAL@", "@TITLE@", "@LINUX@", "@OPTIONS@", "@INITRD@", "@DEVICETREE@"]
            {
                assert!(!script.contains(placeholder), "{placeholder} is left in\n{script}");
            }
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("grub.cfg");
            std::fs::write(&file, &script).unwrap();
            let output = Command::new("grub-script-check")
                .arg(&file)
                .output()
                .expect("install the Debian package `grub-common` for grub-script-check");
            assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
        }
        let serial = text(&boot, "grub/grub.cfg").contains("serial --unit=0");
        assert_eq!(serial, kargs.contains("ttyS0"));
    }
}

#[test]
fn debians_grub_lies_in_both_places_behind_shim() {
    let trees = made(DEBIAN, BootloaderChoice::Auto, "t", "quiet");
    assert_eq!(
        paths(&trees.esp),
        [
            "EFI/BOOT/BOOTX64.EFI",
            "EFI/BOOT/grubx64.efi",
            "EFI/BOOT/mmx64.efi",
            "EFI/debian/BOOTX64.CSV",
            "EFI/debian/grub.cfg",
            "EFI/debian/grubx64.efi",
            "EFI/debian/mmx64.efi",
            "EFI/debian/shimx64.efi"
        ]
    );
    assert_eq!(text(&trees.esp, "EFI/BOOT/BOOTX64.EFI"), "shim");
    // Without shim, GRUB itself is the first stage.
    let bare = made(&DEBIAN[..1], BootloaderChoice::Grub, "t", "quiet");
    assert_eq!(
        paths(&bare.esp),
        ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi", "EFI/debian/grub.cfg", "EFI/debian/grubx64.efi"]
    );
}

#[test]
fn the_boot_entry_is_libostrees() {
    let trees = made(DEBIAN, BootloaderChoice::None, "Some System (ostree:0)", "root=UUID=x rw ostree=/o");
    let boot = FileTree { root: trees.boot };
    let entry = text(&boot, "loader.1/entries/ostree-1.conf");
    let lines: Vec<&str> = entry.lines().collect();
    assert_eq!(lines[..3], ["title Some System (ostree:0)", "version 1", "options root=UUID=x rw ostree=/o"]);
    let (linux, initrd) = (lines[3].strip_prefix("linux ").unwrap(), lines[4].strip_prefix("initrd ").unwrap());
    assert!(linux.starts_with("/boot/ostree/default-") && linux.ends_with("/vmlinuz-6.1"), "{linux}");
    for path in [linux, initrd] {
        // The path is found through the link `boot -> .` as well.
        let below = path.strip_prefix("/boot/").unwrap();
        assert!(boot.get(below.as_bytes()).is_some(), "{below}");
    }
    for (link, target) in [("boot", "."), ("loader", "loader.1")] {
        let Some(Node::Leaf(inode)) = boot.get(link.as_bytes()) else { panic!("no {link}") };
        assert!(matches!(&inode.kind, InodeKind::Symlink(to) if to == target.as_bytes()), "{link}");
    }
    assert_eq!(paths(&trees.esp), Vec::<String>::new());
}

#[test]
fn a_bootupd_payload_is_taken_as_it_is() {
    let trees = made(BOOTUPD, BootloaderChoice::Auto, "t", "quiet");
    assert_eq!(
        paths(&trees.esp),
        [
            "EFI/BOOT/BOOTX64.EFI",
            "EFI/BOOT/fbx64.efi",
            "EFI/fedora/bootuuid.cfg",
            "EFI/fedora/grub.cfg",
            "EFI/fedora/grubx64.efi",
            "EFI/fedora/shimx64.efi"
        ]
    );
    assert_eq!(text(&trees.esp, "EFI/fedora/bootuuid.cfg"), format!("set BOOT_UUID=\"{UUID}\"\n"));
    let boot = FileTree { root: trees.boot };
    assert_eq!(
        text(&boot, "grub2/grub.cfg"),
        "# Generated by bootupd / do not edit\n\nset pre=1\n\n### BEGIN 10_blscfg.cfg ###\nblscfg\n### END 10_blscfg.cfg ###\n"
    );
    let state = text(&boot, "bootupd-state.json");
    // `printf shim | sha512sum`
    let shim = "sha512:5d1ecd558fbfea91445de9070b4e88d8b6a45523452e35aeb1c63af569a35055f052631a9574b01a29f355fac49f7264a38d1d345e1a7e3845b4755eaa50ece0";
    for words in ["\"version\":\"grub2-1\"", "\"fedora/grubx64.efi\"", shim, "\"size\":4"] {
        assert!(state.contains(words), "no {words} in {state}");
    }
}

#[test]
fn systemd_boot_gets_copies_and_says_so() {
    let files = [("usr/lib/systemd/boot/efi/systemd-bootx64.efi", "sd")];
    let trees = made(&files, BootloaderChoice::Auto, "t", "quiet");
    let checksum = Kernel::find(&tree(&files)).unwrap().boot_checksum().unwrap();
    let folder = format!("ostree/default-{checksum}");
    assert_eq!(text(&trees.esp, &format!("{folder}/vmlinuz-6.1")), "kernel");
    let entry = text(&trees.esp, "loader/entries/ostree-1.conf");
    assert!(entry.contains(&format!("linux /{folder}/vmlinuz-6.1\n")), "{entry}");
    assert!(trees.notes.iter().any(|note| note.contains("do not renew them")), "{:?}", trees.notes);
}

#[test]
fn a_missing_loader_is_told_where_it_was_looked_for() {
    for (choice, words) in [
        (BootloaderChoice::Auto, "usr/lib/bootupd/updates/EFI, usr/lib/efi/*/*/EFI, usr/lib/grub/x86_64-efi-signed"),
        (BootloaderChoice::Systemd, "no systemd-boot for x86_64; looked for usr/lib/systemd/boot/efi"),
        (BootloaderChoice::Grub, "no GRUB for x86_64"),
    ] {
        let error = Loader::find(&tree(&[]), Architecture::X86_64, choice).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().is_some());
    }
    let error = Loader::find(&tree(&[(DEBIAN[0].0, "MZ")]), Architecture::X86_64, BootloaderChoice::Auto).unwrap_err();
    assert!(error.to_string().contains("names no folder /EFI/"), "{error}");
}
