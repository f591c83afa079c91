//! Damage, structure by structure.

mod attributes;
mod bitmaps;
mod directories;
mod extents;
mod groups;
mod hash_trees;
mod inodes;
mod journal;
mod superblock;

use std::collections::BTreeMap;

use builder_ext4_check::Severity;

use crate::patch::{Patched, SB};

/// What a row may need: inode numbers by path.
pub(crate) struct Numbers(pub(crate) BTreeMap<&'static str, u32>);

impl Numbers {
    pub(crate) fn of(&self, path: &str) -> u32 {
        self.0[path]
    }
}

/// Every path that a row needs.
pub(crate) const PATHS: [&str; 11] = [
    "/usr",
    "/usr/bin",
    "/usr/bin/bash",
    "/usr/bin/small",
    "/fast",
    "/slow",
    "/deep",
    "/deep/er",
    "/many",
    "/sparse",
    "/empty",
];

/// A damage, and what is to be said of it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) damage: fn(&mut Patched, &Numbers),
    /// How the line of the finding begins, and what else it holds.
    pub(crate) finding: &'static str,
    pub(crate) also: &'static str,
    pub(crate) severity: Severity,
    /// Options of e2fsck beside -fn.
    pub(crate) e2fsck: &'static [&'static str],
}

const fn row(name: &'static str, damage: fn(&mut Patched, &Numbers), finding: &'static str, also: &'static str) -> Row {
    Row { name, damage, finding, also, severity: Severity::Error, e2fsck: &[] }
}

/// The first block that `/usr/bin` is in, and the directory's number.
fn bin(image: &Patched, numbers: &Numbers) -> (u64, u32) {
    let number = numbers.of("/usr/bin");
    (image.blocks(number)[0], number)
}

/// Changes a field of the superblock.
fn superblock(image: &mut Patched, at: usize, value: u32) {
    image.put32(SB + at, value);
    image.mend_superblock();
}

/// Changes a half of a field of an inode.
fn inode16(image: &mut Patched, number: u32, at: usize, value: u16) {
    let start = image.inode(number);
    image.put16(start + at, value);
    image.mend_inode(number);
}

/// Changes a field of an inode.
fn inode32(image: &mut Patched, number: u32, at: usize, value: u32) {
    let start = image.inode(number);
    image.put32(start + at, value);
    image.mend_inode(number);
}

/// Changes an entry of `/usr/bin` by its name: the field at `at`.
fn entry(image: &mut Patched, numbers: &Numbers, name: &[u8], at: usize, value: &[u8]) {
    let (block, number) = bin(image, numbers);
    let start = image.entry(block, name) + at;
    image.bytes[start..start + value.len()].copy_from_slice(value);
    image.mend_directory_block(block, number);
}

fn first_leaf(image: &Patched, number: u32) -> u64 {
    image.get32(image.inode(number) + 0x28 + 12 + 4).into()
}

fn many_root(image: &Patched, numbers: &Numbers) -> (u64, u32) {
    let number = numbers.of("/many");
    (image.blocks(number)[0], number)
}

fn xattr_block(image: &Patched, number: u32) -> u64 {
    image.get32(image.inode(number) + 0x68).into()
}

/// Everything that e2fsck sees as well.
pub(crate) fn rows() -> Vec<Row> {
    [
        superblock::rows(),
        groups::rows(),
        bitmaps::rows(),
        inodes::rows(),
        extents::rows(),
        attributes::rows(),
        directories::rows(),
        hash_trees::rows(),
        journal::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What Linux refuses, or stumbles over, and e2fsck -n does not tell.
pub(crate) fn unjudged() -> Vec<Row> {
    vec![
        row("orphan", |image, _| superblock(image, 0xE8, 999_999), "superblock: next orphan is 999999", ""),
        row(
            "depth of an extent block",
            |image, numbers| {
                let number = numbers.of("/sparse");
                let leaf = first_leaf(image, number);
                let at = image.at(leaf);
                image.add16(at + 6, 1);
                image.mend_extent_block(leaf, number);
            },
            "extent block ",
            "(/sparse): depth",
        ),
    ]
}
