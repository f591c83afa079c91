//! Damage of bitmaps.

use crate::patch::SB;
use crate::rows::{Row, row};

pub(super) fn rows() -> Vec<Row> {
    vec![
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
    ]
}
