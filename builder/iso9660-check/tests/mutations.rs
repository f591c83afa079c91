//! A table of defects: each is found, under the right name.

mod support;

use builder_iso9660_check::Level;
use builder_iso9660_check::Severity::{self, Error, Warning};
use support::{joliet, number, put_both, record, report, usual};

const PRIMARY: usize = 16 * 2048;
const BOOT: usize = 17 * 2048;
const BLOCK: usize = 2048;

fn block(number: u32) -> usize {
    usize::try_from(number).unwrap() * BLOCK
}

fn kernel(image: &[u8]) -> usize {
    record(image, b"KERNEL.;1")
}

fn live(image: &[u8]) -> usize {
    record(image, b"LIVE")
}

/// First byte of a directory whose record begins at `record`.
fn directory(image: &[u8], record: usize) -> usize {
    block(number(image, record + 2))
}

fn catalogue(image: &[u8]) -> usize {
    block(number(image, BOOT + 71))
}

/// The entry of Rock Ridge with this name behind `from`.
fn entry(image: &[u8], from: usize, name: &[u8; 2]) -> usize {
    from + image[from..].windows(2).position(|window| window == name).unwrap()
}

fn blocks(image: &[u8]) -> u32 {
    u32::try_from(image.len() / BLOCK).unwrap()
}

struct Case(fn(&mut Vec<u8>), &'static str, &'static str, Severity);

const CASES: &[Case] = &[
    // Descriptors.
    Case(|i| i[PRIMARY + 1] = b'X', "volume descriptor in block 16", "identifier", Error),
    Case(|i| i[PRIMARY] = 3, "volume descriptors", "primary", Error),
    Case(|i| i[PRIMARY + 6] = 9, "primary volume descriptor", "version", Warning),
    Case(|i| i[PRIMARY + 87] ^= 1, "primary volume descriptor", "volume space size", Error),
    Case(|i| i[PRIMARY + 123] ^= 1, "primary volume descriptor", "volume set size", Error),
    Case(|i| i[PRIMARY + 131] ^= 1, "primary volume descriptor", "block size", Error),
    Case(|i| i[PRIMARY + 129] = 4, "primary volume descriptor", "block size", Error),
    Case(|i| i[PRIMARY + 139] ^= 1, "primary volume descriptor", "path table size", Error),
    Case(|i| i[18 * BLOCK + 87] ^= 1, "Joliet volume descriptor", "volume space size", Error),
    Case(|i| i[19 * BLOCK] = 3, "volume descriptor in block 20", "identifier", Error),
    Case(|i| i.truncate(i.len() - 200 * BLOCK), "primary volume descriptor", "volume space size", Error),
    Case(|i| i[PRIMARY + 156 + 9] ^= 1, "primary volume descriptor", "root directory's extent", Error),
    Case(|i| i[PRIMARY + 156 + 25] = 0, "primary volume descriptor", "root directory's record", Error),
    Case(|i| put_both(i, PRIMARY + 158, 9_999_999), "/", "extent", Error),
    Case(|i| put_both(i, PRIMARY + 166, 100), "/", "data length", Error),
    // The boot catalogue.
    Case(|i| i[BOOT + 74] = 0x7f, "boot record", "boot catalogue's block", Error),
    Case(
        |i| {
            let at = catalogue(i);
            i[at] = 7
        },
        "boot catalogue",
        "header of the validation entry",
        Error,
    ),
    Case(
        |i| {
            let at = catalogue(i);
            i[at + 5] ^= 1
        },
        "boot catalogue",
        "checksum",
        Error,
    ),
    Case(
        |i| {
            let at = catalogue(i);
            i[at + 30] = 0
        },
        "boot catalogue",
        "key of the validation entry",
        Error,
    ),
    Case(
        |i| {
            let at = catalogue(i);
            i[at + 32] = 7
        },
        "boot catalogue, entry 1 (UEFI)",
        "boot indicator",
        Error,
    ),
    Case(
        |i| {
            let at = catalogue(i);
            i[at + 33] = 7
        },
        "boot catalogue, entry 1 (UEFI)",
        "media type",
        Error,
    ),
    Case(
        |i| {
            let at = catalogue(i);
            i[at + 43] = 0x7f
        },
        "boot catalogue, entry 1 (UEFI)",
        "load range",
        Error,
    ),
    Case(
        |i| {
            let at = catalogue(i);
            i[at + 39] = 0x7f
        },
        "boot catalogue, entry 1 (UEFI)",
        "load range",
        Error,
    ),
    // Directories.
    Case(
        |i| {
            let at = kernel(i);
            i[at + 9] ^= 1
        },
        "/live/kernel",
        "extent's block",
        Error,
    ),
    Case(
        |i| {
            let at = kernel(i);
            i[at + 17] ^= 1
        },
        "/live/kernel",
        "data length",
        Error,
    ),
    Case(
        |i| {
            let at = kernel(i);
            i[at + 31] ^= 1
        },
        "/live/kernel",
        "volume sequence number",
        Error,
    ),
    Case(
        |i| {
            let at = kernel(i);
            put_both(i, at + 2, 9_999_999)
        },
        "/live/kernel",
        "extent",
        Error,
    ),
    Case(
        |i| {
            let (at, last) = (kernel(i), blocks(i) - 1);
            put_both(i, at + 2, last)
        },
        "/live/kernel",
        "extent",
        Error,
    ),
    Case(
        |i| {
            let at = kernel(i);
            let there = number(i, live(i) + 2);
            put_both(i, at + 2, there - 1)
        },
        "/live",
        "extent",
        Error,
    ),
    Case(
        |i| {
            let at = kernel(i);
            i[at + 27] = 1
        },
        "/live/kernel",
        "interleaving",
        Error,
    ),
    Case(
        |i| {
            let at = kernel(i);
            i[at + 25] |= 0x80
        },
        "/live",
        "last record",
        Error,
    ),
    Case(
        |i| {
            let at = live(i);
            put_both(i, at + 2, 9_999_999)
        },
        "/live",
        "extent",
        Error,
    ),
    Case(
        |i| {
            let at = live(i);
            let root = number(i, PRIMARY + 158);
            put_both(i, at + 2, root)
        },
        "/live",
        "extent",
        Error,
    ),
    Case(
        |i| {
            let at = directory(i, live(i));
            put_both(i, at + 2, 30)
        },
        "/live",
        "record of the directory itself",
        Error,
    ),
    Case(
        |i| {
            let at = directory(i, live(i));
            i[at + 33] = 9
        },
        "/live",
        "first record",
        Error,
    ),
    Case(
        |i| {
            let at = directory(i, live(i));
            let second = at + usize::from(i[at]);
            put_both(i, second + 2, 30)
        },
        "/live",
        "record of the directory above",
        Error,
    ),
    Case(
        |i| {
            let at = kernel(i);
            i[at] = 20
        },
        "/live",
        "length of a record",
        Error,
    ),
    // Rock Ridge.
    Case(
        |i| {
            let at = entry(i, kernel(i), b"PX");
            i[at + 11] ^= 1
        },
        "/live/KERNEL",
        "mode of the entry PX",
        Error,
    ),
    Case(
        |i| {
            let at = entry(i, kernel(i), b"PX");
            put_both(i, at + 4, 0o040_755)
        },
        "/live/kernel",
        "type",
        Error,
    ),
    Case(
        |i| {
            let at = entry(i, kernel(i), b"PX");
            i[at + 2] = 2
        },
        "/live/KERNEL",
        "system use entry",
        Error,
    ),
    Case(
        |i| {
            let at = entry(i, record(i, b"LINK.;1"), b"SL");
            i[at] = b'X'
        },
        "/boot/link",
        "target of the link",
        Error,
    ),
    Case(
        |i| {
            let at = entry(i, record(i, b"EMPTY.;1"), b"NM");
            i[at + 5..at + 10].copy_from_slice(b"FILE\0");
            let other = entry(i, record(i, b"INITRD.;1"), b"NM");
            i[other + 5..other + 11].copy_from_slice(b"kernel")
        },
        "/live/kernel",
        "name",
        Error,
    ),
    // Path tables.
    Case(
        |i| {
            let at = block(number(i, PRIMARY + 140));
            i[at + 12] ^= 0x40
        },
        "path table (little end first)",
        "directory of entry 2",
        Error,
    ),
    Case(
        |i| {
            let at = block(number(i, PRIMARY + 148).swap_bytes());
            i[at + 10 + 7] = 99
        },
        "path table (big end first)",
        "parent of entry 2",
        Error,
    ),
    Case(|i| put_both(i, PRIMARY + 132, 32), "path table (little end first)", "directories", Error),
    Case(|i| put_both(i, PRIMARY + 132, u32::MAX), "path table (big end first)", "place", Error),
    // Joliet.
    Case(
        |i| {
            let at = record(i, &joliet("kernel"));
            i[at + 9] ^= 1
        },
        "Joliet: /live/kernel",
        "extent's block",
        Error,
    ),
    Case(
        |i| {
            let at = record(i, &joliet("kernel"));
            put_both(i, at + 10, 9)
        },
        "Joliet: /live/kernel",
        "extent",
        Warning,
    ),
    // The checksum.
    Case(
        |i| {
            let at = block(number(i, kernel(i) + 2));
            i[at + 5] ^= 1
        },
        "checksum of the medium",
        "MD5",
        Error,
    ),
    Case(|i| i[PRIMARY + 883 + 13] = b'x', "checksum of the medium", "MD5", Error),
    Case(
        |i| {
            let at = PRIMARY + 883 + i[PRIMARY + 883..].windows(14).position(|w| w == b"SKIPSECTORS = ").unwrap();
            i[at + 14..at + 16].copy_from_slice(b"xx")
        },
        "checksum of the medium",
        "blocks to skip",
        Error,
    ),
];

#[test]
fn each_defect_is_found_under_its_name() {
    let mut missed = Vec::new();
    for (at, Case(change, structure, field, severity)) in CASES.iter().enumerate() {
        let mut image = usual();
        change(&mut image);
        let report = report(&image, Level::Sum);
        let found = report.findings.iter().any(|finding| {
            (finding.structure.as_str(), finding.field.as_str(), finding.severity) == (*structure, *field, *severity)
        });
        if !found {
            let texts: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
            missed.push(format!("{at}: {severity} {structure}: {field}: {texts:#?}"));
        }
    }
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), CASES.len(), missed.join("\n"));
}
