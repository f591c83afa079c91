//! Damage is found, named by structure and path, and seen by e2fsck as well.

mod images;
mod patch;

use std::collections::BTreeMap;

use builder_ext4_check::{Level, Severity, check};
use images::{content, lines, made, must, run};
use patch::{Patched, SB};

/// What a row may need: inode numbers by path.
struct Numbers(BTreeMap<&'static str, u32>);

impl Numbers {
    fn of(&self, path: &str) -> u32 {
        self.0[path]
    }
}

const PATHS: [&str; 11] = [
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

struct Row {
    name: &'static str,
    damage: fn(&mut Patched, &Numbers),
    /// How the line of the finding begins, and what else it holds.
    finding: &'static str,
    also: &'static str,
    severity: Severity,
    /// Options of e2fsck beside -fn.
    e2fsck: &'static [&'static str],
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

fn rows() -> Vec<Row> {
    vec![
        row("magic", |image, _| image.put16(SB + 0x38, 0x1234), "superblock: magic is 0x1234", ""),
        row("superblock checksum", |image, _| image.add32(SB + 0x3FC, 1), "superblock: checksum", ""),
        row("too many blocks", |image, _| superblock(image, 0x4, 1 << 20), "superblock: blocks is 1048576", ""),
        row("inode count", |image, _| superblock(image, 0x0, 4097), "superblock: inodes is 4097", ""),
        row(
            "unknown feature",
            |image, _| {
                let features = image.get32(SB + 0x60) | 0x4000_0000;
                superblock(image, 0x60, features);
            },
            "superblock: incompatible features is 0x40000000",
            "",
        ),
        row("inodes per group", |image, _| superblock(image, 0x28, 9000), "superblock: inodes per group is 9000", ""),
        Row {
            severity: Severity::Warning,
            ..row(
                "free blocks",
                |image, _| {
                    image.add32(SB + 0xC, 1);
                    image.mend_superblock();
                },
                "superblock: free blocks",
                "",
            )
        },
        Row {
            severity: Severity::Warning,
            ..row(
                "free inodes",
                |image, _| {
                    image.add32(SB + 0x10, 1);
                    image.mend_superblock();
                },
                "superblock: free inodes",
                "",
            )
        },
        row(
            "reserved descriptors",
            |image, _| {
                image.put16(SB + 0xCE, 600);
                image.mend_superblock();
            },
            "superblock: reserved descriptor blocks is 600",
            "",
        ),
        row("cluster size", |image, _| superblock(image, 0x1C, 3), "superblock: cluster size is 2^3", ""),
        row("first inode", |image, _| superblock(image, 0x54, 5), "superblock: first inode is 5", ""),
        row(
            "descriptor size",
            |image, _| {
                image.put16(SB + 0xFE, 48);
                image.mend_superblock();
            },
            "superblock: descriptor size is 48",
            "",
        ),
        row(
            "blocks for the super-user",
            |image, _| superblock(image, 0x8, 39_000),
            "superblock: blocks kept for the super-user is 39000",
            "",
        ),
        row(
            "descriptor checksum",
            |image, _| {
                let at = image.descriptor(3);
                image.add16(at + 0x1E, 1);
            },
            "group descriptor 3: checksum",
            "",
        ),
        row(
            "block bitmap outside",
            |image, _| {
                let at = image.descriptor(1);
                image.put32(at, 1_000_000);
                image.mend_descriptor(1);
            },
            "group descriptor 1: location of the block bitmap is 1000000",
            "",
        ),
        row(
            "inode table over descriptors",
            |image, _| {
                let at = image.descriptor(2);
                image.put32(at + 8, 2);
                image.mend_descriptor(2);
            },
            "inode table of group 2: location is over another structure at block 2",
            "group descriptor 0",
        ),
        row(
            "free blocks of a group",
            |image, _| {
                let at = image.descriptor(2);
                image.add16(at + 0xC, 1);
                image.mend_descriptor(2);
            },
            "group descriptor 2: free blocks",
            "",
        ),
        row(
            "free inodes of a group",
            |image, _| {
                let at = image.descriptor(0);
                image.add16(at + 0xE, 1);
                image.mend_descriptor(0);
            },
            "group descriptor 0: free inodes",
            "",
        ),
        row(
            "directories of a group",
            |image, _| {
                let at = image.descriptor(0);
                image.add16(at + 0x10, 1);
                image.mend_descriptor(0);
            },
            "group descriptor 0: directories",
            "",
        ),
        row(
            "unused inodes of a group",
            |image, _| {
                let (at, per_group) = (image.descriptor(0), image.get32(SB + 0x28));
                image.put16(at + 0x1C, u16::try_from(per_group - 12).unwrap());
                image.mend_descriptor(0);
            },
            "group descriptor 0: unused inodes",
            "",
        ),
        row(
            "bitmap said to be unwritten",
            |image, _| {
                let at = image.descriptor(0);
                image.put16(at + 0x12, image.get16(at + 0x12) | 2);
                image.mend_descriptor(0);
            },
            "group descriptor 0: flags is BLOCK_UNINIT",
            "",
        ),
        Row {
            e2fsck: &["-b", "8193", "-B", "1024"],
            ..row(
                "backup superblock",
                |image, _| {
                    let at = image.at(8193);
                    image.put16(at + 0x38, 0);
                },
                "backup superblock in group 1: magic is 0x0000",
                "",
            )
        },
        Row {
            e2fsck: &["-b", "8193", "-B", "1024"],
            ..row(
                "backup of a descriptor",
                |image, _| {
                    let at = image.at(8194);
                    image.put32(at + 64 * 2 + 8, 77);
                },
                "group descriptor 2, backup in group 1: locations",
                "77",
            )
        },
        row(
            "block bitmap checksum",
            |image, _| {
                let at = image.descriptor(2);
                image.add16(at + 0x18, 1);
                image.mend_descriptor(2);
            },
            "block bitmap of group 2: checksum",
            "",
        ),
        row(
            "inode bitmap checksum",
            |image, _| {
                let at = image.descriptor(0);
                image.add16(at + 0x1A, 1);
                image.mend_descriptor(0);
            },
            "inode bitmap of group 0: checksum",
            "",
        ),
        row(
            "used block marked as free",
            |image, numbers| {
                let block = usize::try_from(image.blocks(numbers.of("/usr/bin/small"))[0]).unwrap() - 1;
                let group = u32::try_from(block / 8192).unwrap();
                let at = image.block_bitmap(group) + block % 8192 / 8;
                image.bytes[at] &= !(1 << (block % 8));
                image.mend_bitmaps(group);
            },
            "block bitmap of group ",
            "/usr/bin/small",
        ),
        row(
            "free block marked as used",
            |image, _| {
                let at = image.block_bitmap(4) + 900;
                assert_eq!(image.bytes[at], 0);
                image.bytes[at] = 2;
                image.mend_bitmaps(4);
            },
            "block bitmap of group 4: block 39970 is in use, expected free",
            "",
        ),
        row(
            "end of a block bitmap",
            |image, _| {
                let at = image.block_bitmap(4) + 1023;
                image.bytes[at] &= 0x7f;
                image.mend_bitmaps(4);
            },
            "block bitmap of group 4: bit 8191 is clear",
            "",
        ),
        row(
            "end of an inode bitmap",
            |image, _| {
                let at = image.inode_bitmap(0) + 1023;
                image.bytes[at] &= 0x7f;
                image.mend_bitmaps(0);
            },
            "inode bitmap of group 0: bit 8191 is clear",
            "",
        ),
        row(
            "used inode marked as free",
            |image, numbers| {
                let index = numbers.of("/usr/bin/small") as usize - 1;
                let at = image.inode_bitmap(0) + index / 8;
                image.bytes[at] &= !(1 << (index % 8));
                image.mend_bitmaps(0);
            },
            "inode bitmap of group 0: bit of inode ",
            "/usr/bin/small",
        ),
        row(
            "free inode marked as used",
            |image, _| {
                let group = 4;
                let flags = image.descriptor(group) + 0x12;
                image.put16(flags, image.get16(flags) & !1);
                let at = image.inode_bitmap(group);
                let length = image.get32(SB + 0x28) as usize / 8;
                image.bytes[at..at + 1024].fill(0xff);
                image.bytes[at..at + length].fill(0);
                image.bytes[at] = 1;
                image.put16(flags + 10, 0);
                image.mend_bitmaps(group);
            },
            "inode bitmap of group 4: bit of inode ",
            "is set, expected clear",
        ),
        row(
            "inode checksum",
            |image, numbers| {
                let at = image.inode(numbers.of("/usr/bin/bash"));
                image.add16(at + 0x7C, 1);
            },
            "inode ",
            "(/usr/bin/bash): checksum",
        ),
        row("mode", |image, numbers| inode16(image, numbers.of("/empty"), 0, 0o3_0644), "inode ", "(/empty): mode"),
        row(
            "deletion time",
            |image, numbers| inode32(image, numbers.of("/usr/bin/bash"), 0x14, 12345),
            "inode ",
            "(/usr/bin/bash): deletion time is 12345",
        ),
        row(
            "links of a file",
            |image, numbers| inode16(image, numbers.of("/usr/bin/bash"), 0x1A, 3),
            "inode ",
            "(/usr/bin/bash): links is 3, expected 2",
        ),
        row(
            "links of a directory",
            |image, numbers| inode16(image, numbers.of("/deep"), 0x1A, 5),
            "inode ",
            "(/deep): links is 5, expected 3",
        ),
        row(
            "blocks on the disk",
            |image, numbers| inode32(image, numbers.of("/usr/bin/bash"), 0x1C, 10),
            "inode ",
            "(/usr/bin/bash): blocks on the disk is 10 sectors",
        ),
        row(
            "size of a file",
            |image, numbers| inode32(image, numbers.of("/usr/bin/bash"), 0x4, 1000),
            "inode ",
            "(/usr/bin/bash): size is 1000",
        ),
        row(
            "size that no map reaches",
            |image, numbers| inode32(image, numbers.of("/empty"), 0x6C, 1 << 30),
            "inode ",
            "(/empty): size is ",
        ),
        row(
            "fragment",
            |image, numbers| inode32(image, numbers.of("/empty"), 0x70, 7),
            "inode ",
            "(/empty): address of a fragment is 7",
        ),
        row(
            "size of a directory",
            |image, numbers| inode32(image, numbers.of("/usr/bin"), 0x4, 2048),
            "inode ",
            "(/usr/bin): size is 2048, expected 1024",
        ),
        row(
            "further fields",
            |image, numbers| inode16(image, numbers.of("/empty"), 0x80, 1000),
            "inode ",
            "(/empty): size of the further fields is 1000",
        ),
        row(
            "length of a target in the inode",
            |image, numbers| inode32(image, numbers.of("/fast"), 0x4, 5),
            "inode ",
            "(/fast): size is 5, expected 12",
        ),
        row(
            "length of a target in a block",
            |image, numbers| inode32(image, numbers.of("/slow"), 0x4, 119),
            "inode ",
            "(/slow): size is 119, expected 120",
        ),
        row(
            "extent magic",
            |image, numbers| inode16(image, numbers.of("/usr/bin/bash"), 0x28, 0),
            "inode ",
            "(/usr/bin/bash): extent magic",
        ),
        row(
            "extent outside",
            |image, numbers| inode32(image, numbers.of("/usr/bin/small"), 0x28 + 20, 5_000_000),
            "inode ",
            "(/usr/bin/small): place of an extent is blocks 5000000",
        ),
        row(
            "extent without length",
            |image, numbers| inode16(image, numbers.of("/usr/bin/small"), 0x28 + 16, 0),
            "inode ",
            "(/usr/bin/small): length of an extent is 0",
        ),
        row(
            "extent of another file",
            |image, numbers| {
                let block = u32::try_from(image.blocks(numbers.of("/usr/bin/bash"))[1]).unwrap();
                inode32(image, numbers.of("/usr/bin/small"), 0x28 + 20, block);
            },
            "inode ",
            "claimed a second time, expected blocks of one owner (inode ",
        ),
        row(
            "extent in an inode table",
            |image, numbers| {
                let table = image.get32(image.descriptor(1) + 8);
                inode32(image, numbers.of("/usr/bin/small"), 0x28 + 20, table);
            },
            "inode ",
            "expected blocks of one owner (inode table of group 1)",
        ),
        row(
            "no extents",
            |image, numbers| {
                let number = numbers.of("/usr/bin/bash");
                let flags = image.get32(image.inode(number) + 0x20) & !0x8_0000;
                inode32(image, number, 0x20, flags);
            },
            "inode ",
            "(/usr/bin/bash): block number is ",
        ),
        row(
            "checksum of an extent block",
            |image, numbers| {
                let leaf = image.at(first_leaf(image, numbers.of("/sparse")));
                image.add32(leaf + 1020, 1);
            },
            "extent block ",
            "(/sparse): checksum",
        ),
        row(
            "magic of an extent block",
            |image, numbers| {
                let number = numbers.of("/sparse");
                let leaf = first_leaf(image, number);
                let at = image.at(leaf);
                image.put16(at, 0);
                image.mend_extent_block(leaf, number);
            },
            "extent block ",
            "(/sparse): extent magic",
        ),
        row(
            "order of extents",
            |image, numbers| {
                let number = numbers.of("/sparse");
                let mut leaf = first_leaf(image, number);
                while image.get16(image.at(leaf) + 6) > 0 {
                    leaf = image.get32(image.at(leaf) + 12 + 4).into();
                }
                let at = image.at(leaf);
                image.put32(at + 36, 0);
                image.mend_extent_block(leaf, number);
            },
            "extent block ",
            "(/sparse): place of an extent in the file",
        ),
        row(
            "extent block outside",
            |image, numbers| inode32(image, numbers.of("/sparse"), 0x28 + 16, 4_000_000),
            "inode ",
            "(/sparse): place of a node is block 4000000",
        ),
        row(
            "attribute block outside",
            |image, numbers| inode32(image, numbers.of("/usr/bin/bash"), 0x68, 4_000_000),
            "inode ",
            "(/usr/bin/bash): block of attributes is 4000000",
        ),
        row(
            "attribute block magic",
            |image, numbers| {
                let block = xattr_block(image, numbers.of("/usr/bin/bash"));
                let at = image.at(block);
                image.put32(at, 0);
                image.mend_xattr_block(block);
            },
            "xattr block ",
            "(/usr/bin/bash): magic",
        ),
        row(
            "attribute block references",
            |image, numbers| {
                let block = xattr_block(image, numbers.of("/usr/bin/bash"));
                let at = image.at(block);
                image.put32(at + 4, 9);
                image.mend_xattr_block(block);
            },
            "xattr block ",
            "(/usr/bin/bash): references is 9, expected 1",
        ),
        row(
            "attribute block checksum",
            |image, numbers| {
                let at = image.at(xattr_block(image, numbers.of("/usr/bin/bash")));
                image.add32(at + 0x10, 1);
            },
            "xattr block ",
            "(/usr/bin/bash): checksum",
        ),
        row(
            "value of an attribute",
            |image, numbers| {
                let block = xattr_block(image, numbers.of("/usr/bin/bash"));
                let at = image.at(block);
                image.bytes[at + 1000] ^= 1;
                image.mend_xattr_block(block);
            },
            "xattr block ",
            "(/usr/bin/bash): hash of an attribute",
        ),
        row(
            "place of a value in an inode",
            |image, numbers| {
                let number = numbers.of("/usr/bin/small");
                let at = 0x80 + usize::from(image.get16(image.inode(number) + 0x80));
                assert_eq!(image.get32(image.inode(number) + at), 0xEA02_0000);
                inode16(image, number, at + 6, 250);
            },
            "inode ",
            "(/usr/bin/small): attributes: place of a value",
        ),
        row(
            "length of an entry",
            |image, numbers| entry(image, numbers, b"small", 4, &[3, 0]),
            "directory block ",
            "(/usr/bin): length of the entry at byte ",
        ),
        row(
            "entry outside",
            |image, numbers| entry(image, numbers, b"small", 0, &[0xff, 0xff, 0xff, 0]),
            "directory block ",
            "(/usr/bin): entry `small` is inode 16777215",
        ),
        row(
            "entry for a free inode",
            |image, numbers| {
                let last = image.get32(SB) - 5;
                entry(image, numbers, b"small", 0, &last.to_le_bytes());
            },
            "directory block ",
            "which is free, expected an inode in use",
        ),
        row(
            "entry for a special inode",
            |image, numbers| entry(image, numbers, b"small", 0, &[8, 0, 0, 0]),
            "directory block ",
            "(/usr/bin): entry `small` is inode 8",
        ),
        row(
            "file type",
            |image, numbers| entry(image, numbers, b"small", 7, &[2]),
            "directory block ",
            "(/usr/bin): file type of entry `small` is 2 (directory), expected 1 (regular file)",
        ),
        row(
            "name with a slash",
            |image, numbers| entry(image, numbers, b"small", 9, b"/"),
            "directory block ",
            "is `s/all`",
        ),
        row(
            "name that is there already",
            |image, numbers| {
                entry(image, numbers, b"small", 8, b"bash");
                entry(image, numbers, b"bashl", 6, &[4]);
            },
            "inode ",
            "(/usr/bin): entry `bash` is twice",
        ),
        row(
            "no entry",
            |image, numbers| entry(image, numbers, b"small", 0, &[0; 4]),
            "inode ",
            ": name is none, expected an entry in some directory",
        ),
        row(
            "second name of a directory",
            |image, numbers| {
                entry(image, numbers, b"small", 0, &numbers.of("/deep").to_le_bytes());
                entry(image, numbers, b"small", 7, &[2]);
            },
            "directory block ",
            "(/usr/bin): entry `small` is directory inode ",
        ),
        row(
            "own entry",
            |image, numbers| entry(image, numbers, b".", 0, &[2, 0, 0, 0]),
            "directory block ",
            "(/usr/bin): entry `.` is inode 2",
        ),
        row(
            "entry for the parent",
            |image, numbers| entry(image, numbers, b"..", 0, &[2, 0, 0, 0]),
            "inode ",
            "(/usr/bin): entry `..` is inode 2, expected inode ",
        ),
        row(
            "checksum of a directory block",
            |image, numbers| {
                let (block, _) = bin(image, numbers);
                let at = image.at(block + 1) - 4;
                image.add32(at, 1);
            },
            "directory block ",
            "(/usr/bin): checksum",
        ),
        row(
            "no checksum of a directory block",
            |image, numbers| {
                let (block, _) = bin(image, numbers);
                let at = image.at(block + 1) - 5;
                image.bytes[at] = 0;
            },
            "directory block ",
            "(/usr/bin): checksum is missing",
        ),
        row(
            "checksum of a hash tree",
            |image, numbers| {
                let (block, _) = many_root(image, numbers);
                let at = image.at(block + 1) - 4;
                image.add32(at, 1);
            },
            "htree node ",
            "(/many): checksum",
        ),
        row(
            "hash version",
            |image, numbers| {
                let (block, number) = many_root(image, numbers);
                let at = image.at(block) + 0x1C;
                image.bytes[at] = 77;
                image.mend_htree(block, number, 0x20);
            },
            "htree node ",
            "(/many): hash version is 77",
        ),
        row(
            "limit of a hash tree",
            |image, numbers| {
                let (block, number) = many_root(image, numbers);
                let at = image.at(block) + 0x20;
                image.add16(at, u16::MAX);
                image.mend_htree(block, number, 0x20);
            },
            "htree node ",
            "(/many): limit is ",
        ),
        row(
            "block of a hash tree",
            |image, numbers| {
                let (block, number) = many_root(image, numbers);
                let at = image.at(block) + 0x20;
                let first = image.get32(at + 4);
                image.put32(at + 12, first);
                image.mend_htree(block, number, 0x20);
            },
            "htree node ",
            "(/many): block 1 is ",
        ),
        row(
            "hash of a name",
            |image, numbers| {
                let number = numbers.of("/many");
                let block = image.blocks(number)[2];
                let at = image.at(block) + 8;
                image.bytes[at..at + 4].copy_from_slice(b"A fi");
                image.bytes[at + 5..at + 9].copy_from_slice(b"zzzz");
                image.mend_directory_block(block, number);
            },
            "directory block ",
            "(/many): hash of `A fi",
        ),
        row(
            "journal magic",
            |image, _| {
                let at = image.at(image.blocks(8)[0]);
                image.put32(at, 0);
            },
            "journal superblock: magic",
            "",
        ),
        row(
            "journal block size",
            |image, _| {
                let at = image.at(image.blocks(8)[0]);
                image.put32(at + 12, 0x0010_0000);
            },
            "journal superblock: block size is ",
            "",
        ),
        row(
            "journal length",
            |image, _| {
                let at = image.at(image.blocks(8)[0]);
                image.put32(at + 16, 0xffff_ff00);
            },
            "journal superblock: length is ",
            "",
        ),
        row(
            "list of the resize inode",
            |image, _| {
                let double = image.get32(image.inode(7) + 0x28 + 13 * 4);
                let reserved = image.get16(SB + 0xCE);
                assert!(reserved > 0);
                let at = image.at(double.into()) + 4;
                image.add32(at, 7);
            },
            "inode 7 (resize inode): list of reserved blocks",
            "",
        ),
    ]
}

/// What Linux refuses, or stumbles over, and e2fsck -n does not tell.
fn unjudged() -> Vec<Row> {
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

/// Whether the damage of a row is named; else what is.
fn named(row: &Row, image: &Patched) -> Result<(), String> {
    let report = check(image, Level::Full).unwrap();
    let named = report.findings.iter().any(|finding| {
        let line = finding.to_string();
        finding.severity == row.severity && line.starts_with(row.finding) && line.contains(row.also)
    });
    if named {
        Ok(())
    } else {
        Err(format!("{}: no `{}` with `{}` in\n{}", row.name, row.finding, row.also, lines(&report)))
    }
}

fn base() -> (Patched, Numbers) {
    let content = content();
    let image = made(40, &["-b", "1024", "-N", "4096", "-O", "metadata_csum,64bit"], Some(content.path()));
    let path = image.path().to_str().unwrap();
    must("e2fsck", &["-fn", path]);
    let numbers = PATHS.into_iter().map(|name| {
        let shown = must("debugfs", &["-R", &format!("stat {name}"), path]);
        let number = shown.split("Inode: ").nth(1).unwrap().split_whitespace().next().unwrap();
        (name, number.parse().unwrap())
    });
    (Patched::read(image.path()), Numbers(numbers.collect()))
}

#[test]
fn every_damage_is_named_and_seen_by_e2fsck_as_well() {
    let (whole, numbers) = base();
    let report = check(&whole, Level::Full).unwrap();
    assert!(report.is_clean(), "{}", lines(&report));
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let (mut wrong, rows) = (Vec::new(), rows());
    assert!(rows.len() >= 40);
    for row in rows {
        let mut image = whole.clone();
        (row.damage)(&mut image, &numbers);
        assert!(image.bytes != whole.bytes, "{}: nothing was changed", row.name);
        wrong.extend(named(&row, &image).err());
        std::fs::write(file.path(), &image.bytes).unwrap();
        let mut arguments = vec!["-fn"];
        arguments.extend(row.e2fsck);
        arguments.push(path);
        let (code, text) = run("e2fsck", &arguments);
        // Where e2fsck leaves something as it was, it does not always say so in its exit code.
        if code == 0 && !text.contains("? no") {
            wrong.push(format!("{}: e2fsck sees nothing\n{text}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_e2fsck_does_not_tell_is_named_as_well() {
    let (whole, numbers) = base();
    for row in unjudged() {
        let mut image = whole.clone();
        (row.damage)(&mut image, &numbers);
        named(&row, &image).unwrap();
    }
}

#[test]
fn a_circle_of_directories_is_found() {
    let (mut image, numbers) = base();
    // /deep/er becomes the only place of /deep.
    let (deep, deeper) = (numbers.of("/deep"), numbers.of("/deep/er"));
    let block = image.blocks(deeper)[0];
    let at = image.at(block) + 12;
    image.put16(at + 4, 12);
    image.put32(at + 12, deep);
    image.put16(at + 16, 1024 - 12 - 24);
    image.put16(at + 18, 0x0201);
    image.bytes[at + 20] = b'x';
    image.mend_directory_block(block, deeper);
    let root = image.blocks(2)[0];
    let at = image.entry(root, b"deep");
    image.put32(at, 0);
    image.mend_directory_block(root, 2);
    let report = check(&image, Level::Full).unwrap();
    assert!(lines(&report).contains("way to the root is a circle of directories"), "{}", lines(&report));
}
