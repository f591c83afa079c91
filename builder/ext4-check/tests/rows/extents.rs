//! Damage of the maps of files.

use crate::rows::{Row, first_leaf, inode16, inode32, row};

pub(super) fn rows() -> Vec<Row> {
    vec![
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
    ]
}
