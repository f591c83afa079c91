//! `/boot` and ESP as they come out, and GRUB's own parser on every configuration that is generated.
#![allow(missing_docs)]

mod support;

use std::process::Command;

use builder_boot::{Architecture, BootEntry, BootError, BootSpec, BootloaderChoice, Kernel, Loader, install};
use builder_tree::{FileTree, InodeKind, Node};
use support::{BOOTUPD, DEBIAN, Deployment, EMPTY, SYSTEMD, UUID, made, made_of, paths, text, tree};

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
            accepted_by_grub(&script);
        }
        let serial = text(&boot, "grub/grub.cfg").contains("serial --unit=0");
        assert_eq!(serial, kargs.contains("ttyS0"));
    }
}

/// With `blscfg`, but without bootupd's configuration.
const FEDORA: &[(&str, &str)] = &[("usr/share/grub/x86_64-efi/grubx64.efi", "MZ /EFI/fedora\0 blscfg")];

#[test]
fn grub_accepts_the_configuration_for_its_own_reader_of_boot_entries() {
    let trees = made(FEDORA, BootloaderChoice::Auto, "t", "console=ttyS0");
    let script = text(&FileTree { root: trees.boot }, "grub/grub.cfg");
    assert!(script.ends_with("\nblscfg\n") && script.contains("serial --unit=0"), "{script}");
    accepted_by_grub(&script);
}

/// `grub-script-check` on a whole configuration.
fn accepted_by_grub(script: &str) {
    // Placeholders are capitals between two @.
    let left = script.split('@').skip(1).step_by(2).find(|word| word.chars().all(|c| c.is_ascii_uppercase()));
    assert_eq!(left, None, "a placeholder is left in\n{script}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("grub.cfg");
    std::fs::write(&file, script).unwrap();
    let output = Command::new("grub-script-check")
        .arg(&file)
        .output()
        .expect("install the Debian package `grub-common` for grub-script-check");
    assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
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

const NEW: Deployment<'_> =
    Deployment { name: "new.0", kernel: "new", kargs: "rw ostree=/new", title: "New (ostree:0)" };
const OLD: Deployment<'_> =
    Deployment { name: "old.0", kernel: "old", kargs: "ro ostree=/old", title: "Old {1} (ostree:1)" };
/// Another deployment of the old kernel.
const OLDEST: Deployment<'_> = Deployment { name: "oldest.0", kernel: "old", kargs: "ostree=/oldest", title: "Oldest" };

#[test]
fn the_default_has_the_highest_number() {
    for (deployments, folders) in [(&[NEW][..], 1), (&[NEW, OLD], 2), (&[NEW, OLD, OLDEST], 2)] {
        let count = deployments.len();
        let trees = made_of(DEBIAN, BootloaderChoice::Auto, deployments);
        let boot = FileTree { root: trees.boot };
        assert_eq!(boot.directory(b"loader.1/entries").unwrap().entries.len(), count);
        // Deployments with the same kernel share its folder.
        assert_eq!(boot.directory(b"ostree").unwrap().entries.len(), folders);
        for (number, deployment) in (1..=count).rev().zip(deployments) {
            let entry = text(&boot, &format!("loader.1/entries/ostree-{number}.conf"));
            let lines: Vec<&str> = entry.lines().collect();
            let title = deployment.title.replace(['{', '}'], " ");
            let expected =
                [format!("title {title}"), format!("version {number}"), format!("options {}", deployment.kargs)];
            assert_eq!(lines[..3], expected);
            let kernel = lines[3].strip_prefix("linux /boot/").unwrap();
            assert_eq!(text(&boot, kernel), deployment.kernel, "{entry}");
        }
        // The entry of last resort is the default's.
        let menu = text(&boot, "grub/grub.cfg");
        let last = menu.rsplit_once("menuentry ").unwrap().1;
        assert!(last.starts_with("'New (ostree:0)'") && last.contains("'ostree=/new'"), "{menu}");
    }
}

#[test]
fn nothing_to_boot_is_an_error() {
    assert!(matches!(install(&EMPTY), Err(BootError::NoEntries)));
}

#[test]
fn every_grub_has_an_environment_block_to_count_in() {
    for (files, path, mode) in
        [(DEBIAN, "grub/grubenv", 0o644), (FEDORA, "grub/grubenv", 0o644), (BOOTUPD, "grub2/grubenv", 0o600)]
    {
        let trees = made(files, BootloaderChoice::Auto, "t", "quiet");
        let boot = FileTree { root: trees.boot };
        assert_eq!(boot.get(path.as_bytes()).unwrap().metadata().mode, mode, "{path}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text(&boot, path)).unwrap();
        assert_eq!(file.as_file().metadata().unwrap().len(), 1024);
        let listed = Command::new("grub-editenv")
            .arg(file.path())
            .arg("list")
            .output()
            .expect("install the Debian package `grub-common` for grub-editenv");
        assert!(listed.status.success() && listed.stdout.is_empty(), "{listed:?}");
    }
}

#[test]
fn systemd_boot_gets_copies_and_says_what_they_are_renewed_by() {
    let trees = made(SYSTEMD, BootloaderChoice::Auto, "t", "quiet");
    assert_eq!(trees.notes, Vec::<String>::new());
    let loader = Loader::find(&tree(SYSTEMD), Architecture::X86_64, BootloaderChoice::Auto).unwrap();
    let entry = BootEntry {
        kernel: &Kernel::find(&tree(SYSTEMD)).unwrap(),
        boot_checksum: "c",
        deployment: "c.0",
        kargs: "",
        title: "t",
    };
    let spec = BootSpec { entries: &[entry], loader: &loader, renewal_lacks: Some("bin/sed"), ..EMPTY };
    let notes = install(&spec).unwrap().notes;
    assert!(notes[0].contains("without /bin/sed in the image the machine cannot renew them"), "{notes:?}");

    let checksum = Kernel::find(&tree(SYSTEMD)).unwrap().boot_checksum().unwrap();
    let folder = format!("ostree/default-{checksum}");
    assert_eq!(text(&trees.esp, &format!("{folder}/vmlinuz-6.1")), "kernel");
    let entry = text(&trees.esp, "loader/entries/ostree-default-c0de.0.conf");
    assert!(entry.starts_with("sort-key ostree\ntitle t\nversion 1\n"), "{entry}");
    assert!(entry.contains(&format!("linux /{folder}/vmlinuz-6.1\n")), "{entry}");
}

#[test]
fn systemd_boot_counts_the_tries_of_the_default_where_the_image_can_mark_it_good() {
    let can = [
        SYSTEMD[0],
        ("usr/lib/systemd/systemd-bless-boot", "ELF"),
        ("usr/lib/systemd/system-generators/systemd-bless-boot-generator", "ELF"),
        // Where the ESP is mounted.
        ("efi/.keep", ""),
    ];
    for (files, deployments, names) in [
        (SYSTEMD, &[NEW][..], &["ostree-default-new.0.conf"][..]),
        (SYSTEMD, &[NEW, OLD], &["ostree-default-new.0.conf", "ostree-default-old.0.conf"]),
        (&can, &[NEW], &["ostree-default-new.0+3.conf"]),
        (
            &can,
            &[NEW, OLD, OLDEST],
            &["ostree-default-new.0+3.conf", "ostree-default-old.0.conf", "ostree-default-oldest.0.conf"],
        ),
    ] {
        let trees = made_of(files, BootloaderChoice::Auto, deployments);
        let entries = &trees.esp.directory(b"loader/entries").unwrap().entries;
        let found: Vec<_> = entries.keys().map(|name| String::from_utf8_lossy(name)).collect();
        assert_eq!(found, names);
        for name in names {
            let entry = text(&trees.esp, &format!("loader/entries/{name}"));
            for key in ["linux /", "initrd /"] {
                let path = entry.lines().find_map(|line| line.strip_prefix(key)).unwrap();
                assert!(trees.esp.get(path.as_bytes()).is_some(), "{path}");
            }
        }
        // What ostree reads has plain names.
        let boot = FileTree { root: trees.boot };
        assert!(boot.get(format!("loader.1/entries/ostree-{}.conf", deployments.len()).as_bytes()).is_some());
    }
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
