//! Damage of group descriptors and of backups.

use crate::patch::SB;
use crate::rows::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    vec![
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
    ]
}
