//! Damage of the journal, and of the inode for later growth.

use crate::patch::SB;
use crate::rows::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    vec![
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
