//! Damage of the hash trees of large directories.

use crate::rows::{Row, many_root, row};

pub(super) fn rows() -> Vec<Row> {
    vec![
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
    ]
}
