//! The floors of the house: who may import whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use diskwright_tests::command::checkout;

/// Each crate with the crates of ours that it may use.
const FLOORS: &[(&str, &[&str])] = &[
    ("builder/block", &[]),
    ("builder/tree", &[]),
    ("builder/oci", &["builder-tree"]),
    ("builder/ostree", &["builder-block", "builder-tree"]),
    ("builder/boot", &["builder-tree"]),
    ("builder/selinux", &["builder-tree"]),
    ("builder/initramfs", &[]),
    ("builder/kmod", &["builder-tree"]),
    ("builder/systemd", &["builder-tree"]),
    ("builder/pe", &[]),
    ("builder/grub", &[]),
    ("builder/grub-core", &[]),
    ("builder/ext4-check", &["builder-block"]),
    ("builder/fat-check", &["builder-block"]),
    ("builder/gpt-check", &["builder-block"]),
    ("builder/iso9660-check", &["builder-block"]),
    ("builder/erofs", &["builder-tree"]),
    ("builder/ext4", &["builder-block", "builder-tree"]),
    ("builder/fat", &["builder-block", "builder-tree"]),
    ("builder/filesystem-ids", &["builder-block"]),
    ("builder/squashfs", &["builder-block", "builder-tree"]),
    ("builder/gpt", &["builder-block"]),
    ("builder/qcow2", &["builder-block"]),
    ("builder/vmdk", &["builder-block"]),
    ("builder/vhd", &["builder-block"]),
    ("builder/iso9660", &["builder-block"]),
    ("builder/medium", &["builder-block"]),
    ("builder/installer-program", &[]),
    ("builder/packages", &["builder-tree"]),
    ("builder/spdx", &[]),
    ("builder/qemu", &[]),
    (
        "builder",
        &[
            "builder-block",
            "builder-boot",
            "builder-erofs",
            "builder-ext4",
            "builder-ext4-check",
            "builder-fat",
            "builder-fat-check",
            "builder-gpt",
            "builder-gpt-check",
            "builder-grub",
            "builder-grub-core",
            "builder-initramfs",
            "builder-installer-program",
            "builder-iso9660",
            "builder-iso9660-check",
            "builder-kmod",
            "builder-medium",
            "builder-oci",
            "builder-ostree",
            "builder-packages",
            "builder-pe",
            "builder-qcow2",
            "builder-selinux",
            "builder-spdx",
            "builder-squashfs",
            "builder-systemd",
            "builder-tree",
            "builder-vhd",
            "builder-vmdk",
        ],
    ),
    (
        "builder/installer",
        &[
            "builder-block",
            "builder-filesystem-ids",
            "builder-gpt",
            "builder-iso9660",
            "builder-medium",
            "builder-provision",
        ],
    ),
    ("builder/provision", &["builder-medium"]),
    ("cli", &["builder", "builder-block", "builder-qemu"]),
    ("tests", &["builder", "builder-block", "builder-medium", "builder-provision", "builder-qemu", "builder-tree"]),
];

#[test]
fn crates_import_only_from_the_floors_below() {
    let manifest = |path: &str| -> toml::Table {
        let path = checkout().join(path).join("Cargo.toml");
        fs::read_to_string(&path).unwrap().parse().unwrap()
    };
    let members: BTreeSet<String> = manifest(".")["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member.as_str().unwrap().to_owned())
        .collect();
    let known: BTreeSet<String> = FLOORS.iter().map(|(member, _)| (*member).to_owned()).collect();
    assert_eq!(members, known, "a new crate needs its floor here");
    let mut wrong = BTreeMap::new();
    for (member, allowed) in FLOORS {
        let table = manifest(member);
        let empty = toml::Table::new();
        let uses = table["dependencies"].as_table().unwrap_or(&empty).keys();
        let strangers: Vec<_> =
            uses.filter(|name| name.starts_with("builder") && !allowed.contains(&name.as_str())).cloned().collect();
        if !strangers.is_empty() {
            wrong.insert(*member, strangers);
        }
    }
    assert_eq!(wrong, BTreeMap::new(), "imports that go upwards or sideways");
}

#[test]
fn no_room_has_a_name_that_says_nothing() {
    let mut directories = vec![checkout().join("builder"), checkout().join("cli"), checkout().join("tests")];
    let mut found = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if ["util", "utils", "common", "helper", "helpers", "misc"].contains(&stem.as_str()) {
                found.push(path.clone());
            }
            if path.is_dir() {
                directories.push(path);
            }
        }
    }
    assert_eq!(found, Vec::<std::path::PathBuf>::new());
}
