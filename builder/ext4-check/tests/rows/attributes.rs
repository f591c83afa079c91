//! Damage of extended attributes.

use crate::rows::{Row, inode16, inode32, row, xattr_block};

pub(super) fn rows() -> Vec<Row> {
    vec![
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
    ]
}
