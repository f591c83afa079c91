//! Damage of inodes.

use crate::rows::{Row, inode16, inode32, row};

pub(super) fn rows() -> Vec<Row> {
    vec![
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
    ]
}
