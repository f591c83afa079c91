//! Boot counting: the generated menus run in GRUB itself (as a program, `grub-emu`) from a file system on a disk, whose
//! environment block is looked at afterwards.
#![allow(missing_docs)]

mod support;

use std::process::Command;

use builder_boot::BootloaderChoice;
use support::{DEBIAN, Deployment, made_of, write};

/// Takes the place of what is not there in a GRUB without a machine, and tells what the menu chose.
const AROUND: &str = "\
function linux { true; }
function initrd { true; }
function serial { false; }
function blscfg { true; }
set prefix=($root)/boot/grub
source $prefix/grub.cfg
echo chosen=$default/$fallback.
halt
";

const BLSCFG: &[(&str, &str)] = &[("usr/share/grub/x86_64-efi/grubx64.efi", "MZ /EFI/fedora\0 blscfg")];

const CHECKSUM: &str = "0123456789abcdef";

/// A disk, and the starts it has behind it.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// With so many deployments, and this in the environment block; `None` for no block at all.
    fn new(files: &[(&str, &str)], deployments: usize, block: Option<&str>) -> Self {
        let kargs = format!("rw ostree=/ostree/boot.1/default/{CHECKSUM}/0");
        let all = vec![Deployment { name: "c0de.0", kernel: "kernel", kargs: &kargs, title: "t" }; deployments];
        let trees = made_of(files, BootloaderChoice::Auto, &all);
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        let root = disk.folder.path().join("root");
        write(&trees.boot, &root.join("boot"));
        std::fs::create_dir(root.join("around")).unwrap();
        std::fs::write(root.join("around/grub.cfg"), AROUND).unwrap();
        let environment = root.join("boot/grub/grubenv");
        match block {
            None => std::fs::remove_file(environment).unwrap(),
            Some(text) => {
                let mut written = std::fs::read(&environment).unwrap();
                let head = "# GRUB Environment Block\n";
                let text = format!("{head}{text}");
                written[..text.len()].copy_from_slice(text.as_bytes());
                std::fs::write(environment, written).unwrap();
            }
        }
        let made = Command::new("mke2fs")
            .args(["-q", "-t", "ext4", "-d"])
            .args([&root, &disk.image()])
            .arg("8M")
            .output()
            .expect("install the Debian package `e2fsprogs` for mke2fs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(disk.folder.path().join("map"), format!("(hd0) {}\n", disk.image().display())).unwrap();
        disk
    }

    fn image(&self) -> std::path::PathBuf {
        self.folder.path().join("disk")
    }

    /// Default and fallback of one start.
    fn start(&self) -> String {
        let output = Command::new("grub-emu")
            .args(["-r", "hd0", "-d", "/around", "-m"])
            .arg(self.folder.path().join("map"))
            .env("TERM", "vt100")
            .stdin(std::process::Stdio::null())
            .output()
            .expect("install the Debian package `grub-emu`");
        let said = String::from_utf8_lossy(&output.stdout);
        let chosen = said.split_once("chosen=").and_then(|(_, rest)| rest.split_once('.'));
        chosen.unwrap_or_else(|| panic!("GRUB chose nothing: {said}")).0.to_owned()
    }

    /// The variables in the environment block.
    fn variables(&self) -> String {
        let output = Command::new("debugfs")
            .args(["-R", "cat /boot/grub/grubenv"])
            .arg(self.image())
            .output()
            .expect("install the Debian package `e2fsprogs` for debugfs");
        assert!(output.stdout.is_empty() || output.stdout.len() == 1024, "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        lines.sort_unstable();
        lines.join(" ")
    }
}

#[test]
fn an_update_that_does_not_come_up_is_left_after_its_tries() {
    for files in [DEBIAN, BLSCFG] {
        let disk = Disk::new(files, 2, Some("boot_counter=3\nboot_success=0\n"));
        for (chosen, left) in [("0/1", "2"), ("0/1", "1"), ("0/1", "0"), ("1/0", "-1"), ("1/0", "-1")] {
            assert_eq!(disk.start(), chosen);
            assert_eq!(disk.variables(), format!("boot_counter={left} boot_success=0"));
        }
    }
}

#[test]
fn the_environment_block_decides_what_is_started() {
    for (block, chosen, after) in [
        // Nobody counts.
        (Some(""), "0/1", "boot_success=0"),
        (Some("boot_success=1\n"), "0/1", "boot_success=0"),
        (Some("boot_success=0\nother=x\n"), "0/1", "boot_success=0 other=x"),
        // Counting, but the last start was a success.
        (Some("boot_counter=0\nboot_success=1\n"), "0/1", "boot_counter=0 boot_success=0"),
        (Some("boot_counter=2\n"), "0/1", "boot_counter=2 boot_success=0"),
        // From both ends.
        (Some("boot_counter=9\nboot_success=0\n"), "0/1", "boot_counter=8 boot_success=0"),
        (Some("boot_counter=1\nboot_success=0\n"), "0/1", "boot_counter=0 boot_success=0"),
        (Some("boot_counter=0\nboot_success=0\n"), "1/0", "boot_counter=-1 boot_success=0"),
        (Some("boot_counter=-1\nboot_success=0\n"), "1/0", "boot_counter=-1 boot_success=0"),
        // Not ours.
        (Some("boot_counter=10\nboot_success=0\n"), "0/1", "boot_counter=10 boot_success=0"),
        (Some("boot_counter=-2\nboot_success=0\n"), "0/1", "boot_counter=-2 boot_success=0"),
        (Some("boot_counter=x y\nboot_success=0\n"), "0/1", "boot_counter=x y boot_success=0"),
        // Other variables are not taken out of the block.
        (Some("default=7\ntimeout=99\nboot_success=0\n"), "0/1", "boot_success=0 default=7 timeout=99"),
        (None, "0/1", ""),
    ] {
        for files in [DEBIAN, BLSCFG] {
            let disk = Disk::new(files, 2, block);
            assert_eq!(disk.start(), chosen, "{block:?}");
            assert_eq!(disk.variables(), after, "{block:?}");
        }
    }
}

#[test]
fn the_only_deployment_is_started_when_no_tries_are_left() {
    let disk = Disk::new(DEBIAN, 1, Some("boot_counter=0\nboot_success=0\n"));
    assert_eq!(disk.start(), "0/");
    assert_eq!(disk.variables(), "boot_counter=-1 boot_success=0");
}

#[test]
fn the_order_is_that_of_the_versions_not_of_the_names() {
    // Eleven entries: GRUB's file names sort 1, 10, 11, 2.
    for (block, chosen) in [("", "10/9"), ("boot_counter=0\nboot_success=0\n", "9/10")] {
        let disk = Disk::new(DEBIAN, 11, Some(block));
        assert_eq!(disk.start(), chosen);
    }
}
