//! Damage of the superblock.

use builder_ext4_check::Severity;

use crate::patch::SB;
use crate::rows::{Row, row, superblock};

pub(super) fn rows() -> Vec<Row> {
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
    ]
}
