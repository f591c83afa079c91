//! The script that renews systemd-boot's copies on the machine, run by real shells on directories that stand for
//! `/boot`, the ESP and `/sysroot`.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use builder_boot::{BootloaderChoice, renewal, renewal_lacks};
use support::{Deployment, SYSTEMD, made_of, tree, write};

const CAN_BLESS: &[(&str, &str)] = &[
    SYSTEMD[0],
    ("usr/lib/systemd/systemd-bless-boot", "ELF"),
    ("usr/lib/systemd/system-generators/systemd-bless-boot-generator", "ELF"),
    ("efi/.keep", ""),
];

const FIRST: Deployment<'_> = Deployment {
    name: "aaaa.0",
    kernel: "one",
    kargs: "rw ostree=/ostree/boot.1/default/aaaa/0",
    title: "A (ostree:0)",
};
const OLDER: Deployment<'_> = Deployment {
    name: "bbbb.1",
    kernel: "two",
    kargs: "ostree=/ostree/boot.1/default/bbbb/0 quiet",
    title: "B (ostree:1)",
};

/// Debian's sh is dash.
const SHELLS: [&str; 2] = ["dash", "bash"];

/// A machine with two deployments, as it comes from the builder.
struct MachineDirectories {
    folder: tempfile::TempDir,
    shell: &'static str,
}

impl MachineDirectories {
    fn new(shell: &'static str) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), shell };
        let trees = made_of(CAN_BLESS, BootloaderChoice::Systemd, &[FIRST, OLDER]);
        write(&trees.boot, &machine.path("sysroot/boot"));
        write(&trees.esp.root, &machine.path("esp"));
        for deployment in [FIRST, OLDER] {
            machine.deploy("boot.1", deployment.name);
        }
        let (_, script) = renewal(0).into_iter().find(|(path, _)| path.ends_with(b"renew-esp")).unwrap();
        fs::write(machine.path("renew-esp"), script.content().unwrap().read_to_vec(1 << 20).unwrap()).unwrap();
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The directory of a deployment, and the link by which it is booted.
    fn deploy(&self, links: &str, name: &str) {
        let checksum = name.split('.').next().unwrap();
        fs::create_dir_all(self.path("sysroot/ostree/deploy/default/deploy").join(name)).unwrap();
        let link = self.path("sysroot/ostree").join(links).join("default").join(checksum);
        fs::create_dir_all(&link).unwrap();
        symlink(format!("../../../deploy/default/deploy/{name}"), link.join("0")).unwrap();
    }

    /// Boot entries as libostree leaves them behind a change: in another directory, with other links. The default first.
    fn entries(&self, links: &str, names: &[&str]) {
        fs::remove_dir_all(self.path("sysroot/boot/loader/entries")).unwrap();
        fs::create_dir(self.path("sysroot/boot/loader/entries")).unwrap();
        for old in ["boot.0", "boot.1"] {
            let _ = fs::remove_dir_all(self.path("sysroot/ostree").join(old));
        }
        for (index, name) in names.iter().enumerate() {
            self.deploy(links, name);
            let checksum = name.split('.').next().unwrap();
            let folder = format!("ostree/default-{checksum}");
            fs::create_dir_all(self.path("sysroot/boot").join(&folder)).unwrap();
            for file in ["vmlinuz-7", "initramfs-7.img"] {
                fs::write(self.path("sysroot/boot").join(&folder).join(file), format!("{file} of {checksum}")).unwrap();
            }
            let number = names.len() - index;
            let text = format!(
                "title {checksum}\nversion {number}\noptions rw ostree=/ostree/{links}/default/{checksum}/0\n\
                 linux /boot/{folder}/vmlinuz-7\ninitrd /boot/{folder}/initramfs-7.img\n"
            );
            fs::write(self.path(&format!("sysroot/boot/loader/entries/ostree-{number}.conf")), text).unwrap();
        }
    }

    fn renew(&self) -> Output {
        let arguments = ["renew-esp", "sysroot/boot", "esp", "sysroot"].map(|name| self.path(name));
        Command::new(self.shell)
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("install the Debian package `{}`: {error}", self.shell))
    }

    /// The files of the ESP by path, with their texts.
    fn esp(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        read(&self.path("esp"), "", &mut files);
        files
    }

    /// The names of the copies, and the link that each of them boots; all kernels that they name are there.
    fn copies(&self) -> Vec<String> {
        let files = self.esp();
        let mut copies = Vec::new();
        for (path, text) in &files {
            let Some(name) = path.strip_prefix("/loader/entries/") else { continue };
            let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim().to_owned();
            for key in ["linux", "initrd"] {
                assert!(files.contains_key(&value(key)), "{text}{files:?}");
            }
            let options = value("options");
            let link = options.split_whitespace().find_map(|karg| karg.strip_prefix("ostree=")).unwrap();
            assert!(self.path("sysroot").join(link.trim_start_matches('/')).exists(), "{name}: {link}");
            assert_eq!(value("sort-key"), "ostree");
            copies.push(format!("{} {name}", value("version")));
        }
        copies.sort();
        copies.reverse();
        copies
    }
}

fn read(directory: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            read(&entry.path(), &path, files);
        } else {
            let _ = files.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_disk_as_it_was_built_has_nothing_to_renew() {
    for shell in SHELLS {
        let machine = MachineDirectories::new(shell);
        let before = machine.esp();
        assert_eq!(succeeded(&machine.renew()), "");
        assert_eq!(machine.esp(), before);
    }
}

#[test]
fn an_update_and_a_rollback_reach_the_esp() {
    // Only where the program is that takes the tries away.
    let tries = if Path::new("/usr/lib/systemd/systemd-bless-boot").exists() { "+3" } else { "" };
    for shell in SHELLS {
        let machine = MachineDirectories::new(shell);
        // The first boot was good.
        let entries = machine.path("esp/loader/entries");
        fs::rename(entries.join("ostree-default-aaaa.0+3.conf"), entries.join("ostree-default-aaaa.0.conf")).unwrap();
        fs::write(entries.join("windows.conf"), "sort-key ostree\nversion 0\noptions ostree=/\nlinux /w\ninitrd /w\n")
            .unwrap();
        fs::write(machine.path("esp/w"), "w").unwrap();

        machine.entries("boot.0", &["cccc.0", "aaaa.0"]);
        let _ = succeeded(&machine.renew());
        let update = format!("2 ostree-default-cccc.0{tries}.conf");
        assert_eq!(machine.copies(), [&update, "1 ostree-default-aaaa.0.conf", "0 windows.conf"]);
        let files = machine.esp();
        assert_eq!(files["/ostree/default-cccc/vmlinuz-7"], "vmlinuz-7 of cccc");
        assert!(!files.keys().any(|path| path.contains("bbbb")), "what is gone takes no space: {files:?}");
        assert_eq!(succeeded(&machine.renew()), "", "once is enough");

        // It was tried once.
        let counted = "ostree-default-cccc.0+2-1.conf";
        fs::rename(entries.join(format!("ostree-default-cccc.0{tries}.conf")), entries.join(counted)).unwrap();
        machine.entries("boot.1", &["aaaa.0", "cccc.0"]);
        let _ = succeeded(&machine.renew());
        let counted = format!("1 {counted}");
        assert_eq!(machine.copies(), ["2 ostree-default-aaaa.0.conf", counted.as_str(), "0 windows.conf"]);
        assert_eq!(succeeded(&machine.renew()), "");
    }
}

#[test]
fn a_run_that_was_cut_off_is_made_up_for() {
    for shell in SHELLS {
        let machine = MachineDirectories::new(shell);
        machine.entries("boot.0", &["cccc.0", "aaaa.0"]);
        let folder = machine.path("esp/ostree/default-cccc");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("vmlinuz-7"), "vmlin").unwrap();
        fs::write(folder.join("initramfs-7.img.new"), "initr").unwrap();
        fs::write(machine.path("esp/loader/entries/x.conf.new"), "ti").unwrap();
        let _ = succeeded(&machine.renew());
        assert_eq!(machine.copies().len(), 2);
        let files = machine.esp();
        assert_eq!(files["/ostree/default-cccc/vmlinuz-7"], "vmlinuz-7 of cccc");
        assert!(!files.keys().any(|path| path.ends_with(".new")), "{files:?}");
    }
}

#[test]
fn what_cannot_be_understood_leaves_the_esp_as_it_is() {
    for shell in SHELLS {
        let machine = MachineDirectories::new(shell);
        let before = machine.esp();
        machine.entries("boot.0", &[]);
        let output = machine.renew();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("no boot entry of ostree in ") && said.contains("the ESP stays as it is"), "{said}");
        assert_eq!(machine.esp(), before);

        for missing in ["default/cccc/0", "default"] {
            machine.entries("boot.0", &["cccc.0"]);
            let missing = machine.path("sysroot/ostree/boot.0").join(missing);
            fs::remove_file(&missing).or_else(|_| fs::remove_dir_all(&missing)).unwrap();
            let output = machine.renew();
            assert_eq!(output.status.code(), Some(1));
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("/ostree/boot.0/default/cccc/0, which it starts, leads to no deployment"), "{said}");
            assert_eq!(machine.esp(), before);
        }
    }
}

#[test]
fn every_program_that_the_script_calls_is_looked_for_in_the_image() {
    let programs = ["sh", "cat", "cp", "grep", "mkdir", "mv", "readlink", "rm", "sed", "stat", "sync"];
    let all: Vec<String> = programs.iter().map(|name| format!("bin/{name}")).collect();
    let with = |left_out: &str| {
        let fixed = ["usr/lib/systemd/systemd", "efi/.keep"];
        let files = fixed.into_iter().chain(all.iter().map(String::as_str)).filter(|path| *path != left_out);
        tree(&files.map(|path| (path, "ELF")).collect::<Vec<_>>())
    };
    assert_eq!(renewal_lacks(&with("")), None);
    assert_eq!(renewal_lacks(&with("efi/.keep")), Some("efi"));
    for path in all.iter().map(String::as_str).chain(["usr/lib/systemd/systemd"]) {
        assert_eq!(renewal_lacks(&with(path)), Some(path));
    }
    // With these, and nothing else in reach, it does its work.
    let machine = MachineDirectories::new("dash");
    let path = machine.path("bin");
    fs::create_dir(&path).unwrap();
    for name in programs {
        let found =
            std::env::split_paths(&std::env::var_os("PATH").unwrap()).map(|at| at.join(name)).find(|at| at.exists());
        symlink(found.unwrap(), path.join(name)).unwrap();
    }
    machine.entries("boot.0", &["cccc.0", "aaaa.0"]);
    let arguments = ["renew-esp", "sysroot/boot", "esp", "sysroot"].map(|name| machine.path(name));
    let output = Command::new(path.join("sh")).args(arguments).env("PATH", &path).output().unwrap();
    let _ = succeeded(&output);
    assert_eq!(machine.copies().len(), 2);
}
