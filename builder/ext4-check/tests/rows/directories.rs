//! Damage of directories.

use crate::patch::SB;
use crate::rows::{Row, bin, entry, row};

pub(super) fn rows() -> Vec<Row> {
    vec![
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
    ]
}
