//! A table of defects: each is found, under the right name, and the outside tools are asked for their opinion.

mod support;

use builder_gpt_check::Severity::{self, Error, Warning};
use support::{
    BACKUP, BACKUP_ENTRIES, LAST, PRIMARY, PRIMARY_ENTRIES, SECTOR, SECTORS, base, entries, headers, outside, put,
    report, seal,
};

/// What `sgdisk -v` and `sfdisk --verify` say.
enum Outside {
    /// At least one of them complains.
    Complains,
    /// Neither does, and why that is no reason not to.
    Silent(&'static str),
}
use Outside::{Complains, Silent};

struct Case {
    change: fn(&mut Vec<u8>),
    structure: &'static str,
    field: &'static str,
    severity: Severity,
    outside: Outside,
}

const fn case(
    change: fn(&mut Vec<u8>),
    structure: &'static str,
    field: &'static str,
    severity: Severity,
    outside: Outside,
) -> Case {
    Case { change, structure, field, severity, outside }
}

fn u64s(image: &mut [u8], at: usize, value: u64) {
    headers(image, at, &value.to_le_bytes());
}

fn u32s(image: &mut [u8], at: usize, value: u32) {
    headers(image, at, &value.to_le_bytes());
}

/// A change of one copy only, sealed.
fn one(image: &mut [u8], at: usize, bytes: &[u8]) {
    put(image, at, bytes);
    seal(image);
}

const MBR: &str = "protective MBR";
const FIRST: &str = "primary header";
const SECOND: &str = "backup header";

const CASES: &[Case] = &[
    case(|image| put(image, 510, &[0, 0]), MBR, "signature", Error, Complains),
    case(|image| put(image, 450, &[0x83]), MBR, "entry of type 0xee", Error, Complains),
    case(|image| put(image, 454, &[2]), MBR, "starting LBA", Error, Complains),
    case(|image| put(image, 458, &[100, 0, 0, 0]), MBR, "size in LBA", Warning, Complains),
    case(|image| put(image, 458, &[0, 0, 1, 0]), MBR, "size in LBA", Warning, Complains),
    case(
        |image| put(image, 446, &[0x42]),
        MBR,
        "boot indicator",
        Warning,
        Silent("firmware ignores it, other programs need not"),
    ),
    case(
        |image| put(image, 462, &[0, 0, 2, 0, 0xEE, 0, 0, 0, 50, 0, 0, 0, 1, 0, 0, 0]),
        MBR,
        "entries of type 0xee",
        Warning,
        Complains,
    ),
    case(|image| put(image, PRIMARY, b"EFI MART"), FIRST, "signature", Error, Complains),
    case(|image| one(image, PRIMARY + 8, &[0, 0, 2, 0]), FIRST, "revision", Error, Complains),
    case(|image| put(image, PRIMARY + 12, &[0, 8, 0, 0]), FIRST, "header size", Error, Complains),
    case(|image| put(image, PRIMARY + 12, &[91, 0, 0, 0]), FIRST, "header size", Error, Complains),
    case(|image| put(image, PRIMARY + 16, &[1, 2, 3, 4]), FIRST, "header CRC", Error, Complains),
    case(|image| put(image, BACKUP + 16, &[1, 2, 3, 4]), SECOND, "header CRC", Error, Complains),
    case(|image| one(image, PRIMARY + 20, &[1]), FIRST, "reserved field", Warning, Silent("a field that nobody reads")),
    case(
        |image| put(image, BACKUP + 300, &[1]),
        SECOND,
        "rest of the sector",
        Warning,
        Silent("bytes that nobody reads"),
    ),
    case(|image| one(image, PRIMARY + 24, &[2]), FIRST, "my LBA", Error, Complains),
    case(|image| one(image, BACKUP + 24, &[9]), SECOND, "my LBA", Error, Complains),
    case(|image| one(image, PRIMARY + 32, &[0, 1]), FIRST, "alternate LBA", Error, Complains),
    case(|image| one(image, PRIMARY + 32, &[0, 0, 0, 0, 0, 0, 0, 1]), FIRST, "alternate LBA", Error, Complains),
    case(|image| one(image, BACKUP + 32, &[2]), SECOND, "alternate LBA", Error, Complains),
    case(|image| u64s(image, 40, SECTORS as u64 - 33), FIRST, "first usable LBA", Error, Complains),
    case(|image| u64s(image, 48, SECTORS as u64), FIRST, "last usable LBA", Error, Complains),
    case(
        |image| u64s(image, 48, SECTORS as u64 - 20),
        SECOND,
        "place of the entries",
        Error,
        Silent("they look at partitions only, of which none is there yet"),
    ),
    case(|image| one(image, BACKUP + 40, &[35]), SECOND, "first usable LBA", Error, Complains),
    case(|image| one(image, BACKUP + 48, &[0xDD]), SECOND, "last usable LBA", Error, Complains),
    case(|image| headers(image, 56, &[0; 16]), FIRST, "disk GUID", Error, Silent("they take nil for a GUID")),
    case(|image| one(image, BACKUP + 56, &[1, 2, 3]), SECOND, "disk GUID", Error, Complains),
    case(|image| one(image, PRIMARY + 72, &[0, 8]), FIRST, "place of the entries", Error, Complains),
    case(|image| one(image, PRIMARY + 72, &[0, 0, 0, 1]), "primary entries", "place", Error, Complains),
    case(|image| one(image, BACKUP + 72, &[1, 0]), SECOND, "place of the entries", Error, Complains),
    case(|image| u32s(image, 80, 0), FIRST, "number of entries", Error, Complains),
    case(|image| u32s(image, 80, u32::MAX), "primary entries", "length", Error, Complains),
    case(|image| one(image, BACKUP + 80, &[127]), SECOND, "number of entries", Error, Complains),
    case(|image| u32s(image, 84, 127), FIRST, "size of an entry", Error, Complains),
    case(|image| u32s(image, 84, 384), FIRST, "size of an entry", Error, Complains),
    case(|image| put(image, PRIMARY_ENTRIES + 56, b"X"), FIRST, "CRC of the entries", Error, Complains),
    case(|image| put(image, BACKUP_ENTRIES + 56, b"X"), SECOND, "CRC of the entries", Error, Complains),
    case(|image| put(image, PRIMARY_ENTRIES + 9_000, b"X"), FIRST, "CRC of the entries", Error, Complains),
    case(|image| put(image, BACKUP, &[0; 8]), SECOND, "signature", Error, Complains),
    case(|image| put(image, BACKUP, &[0; SECTOR]), SECOND, "signature", Error, Complains),
    case(
        |image| one(image, BACKUP_ENTRIES + 56, b"X"),
        "backup entries",
        "partition 1 (\"EFI-SYSTEM\"), name",
        Error,
        Complains,
    ),
    case(
        |image| one(image, BACKUP_ENTRIES + 128 + 40, &[0xFE]),
        "backup entries",
        "partition 2 (\"root\"), last LBA",
        Error,
        Complains,
    ),
    case(
        |image| one(image, BACKUP_ENTRIES + 128 + 48, &[4]),
        "backup entries",
        "partition 2 (\"root\"), attributes",
        Error,
        Complains,
    ),
    case(
        |image| one(image, BACKUP_ENTRIES + 256, &[0; 128]),
        "backup entries",
        "partition 3 (\"data\")",
        Error,
        Complains,
    ),
    case(
        |image| entries(image, 2, 40, &4000_u64.to_le_bytes()),
        "partition 2 (\"root\")",
        "last LBA",
        Error,
        Complains,
    ),
    case(
        |image| entries(image, 1, 32, &8_u64.to_le_bytes()),
        "partition 1 (\"EFI-SYSTEM\")",
        "first LBA",
        Error,
        Complains,
    ),
    case(
        |image| entries(image, 3, 40, &(LAST as u64 - 10).to_le_bytes()),
        "partition 3 (\"data\")",
        "last LBA",
        Error,
        Complains,
    ),
    case(
        |image| entries(image, 3, 40, &u64::MAX.to_le_bytes()),
        "partition 3 (\"data\")",
        "last LBA",
        Error,
        Complains,
    ),
    case(|image| entries(image, 1, 40, &4096_u64.to_le_bytes()), "partition 2 (\"root\")", "sectors", Error, Complains),
    case(
        |image| {
            let guid: [u8; 16] = image[PRIMARY_ENTRIES + 16..PRIMARY_ENTRIES + 32].try_into().unwrap();
            entries(image, 3, 16, &guid);
        },
        "partition 3 (\"data\")",
        "unique GUID",
        Error,
        Silent("they do not compare GUIDs"),
    ),
    case(
        |image| {
            let guid: [u8; 16] = image[PRIMARY + 56..PRIMARY + 72].try_into().unwrap();
            entries(image, 3, 16, &guid);
        },
        "partition 3 (\"data\")",
        "unique GUID",
        Error,
        Silent("they do not compare GUIDs"),
    ),
    case(
        |image| entries(image, 3, 16, &[0; 16]),
        "partition 3 (\"data\")",
        "unique GUID",
        Error,
        Silent("they take nil for a GUID"),
    ),
    case(
        |image| entries(image, 3, 50, &[1]),
        "partition 3 (\"data\")",
        "attributes",
        Warning,
        Silent("they show the bit and do not judge it"),
    ),
    case(
        |image| entries(image, 3, 56, &[0x41, 0, 0, 0xD8, 0x42, 0]),
        "partition 3 (\"A\u{fffd}Ba\")",
        "name",
        Warning,
        Silent("they show a replacement character"),
    ),
    case(
        |image| entries(image, 3, 56, &[7, 0]),
        "partition 3 (\"\\u{7}ata\")",
        "name",
        Warning,
        Silent("they print it as it is"),
    ),
    case(
        |image| entries(image, 3, 32, &6145_u64.to_le_bytes()),
        "partition 3 (\"data\")",
        "first LBA",
        Warning,
        Silent("only sgdisk speaks of alignment, and only of the end here"),
    ),
    case(|image| image.truncate(SECTORS / 2 * SECTOR), FIRST, "alternate LBA", Error, Complains),
    case(|image| image.truncate(SECTORS / 2 * SECTOR), "partition 3 (\"data\")", "last LBA", Error, Complains),
    case(|image| image.resize((SECTORS + 2048) * SECTOR, 0), SECOND, "place", Warning, Complains),
    case(|image| image.resize(SECTORS * SECTOR + 100, 0), "disk", "size", Warning, Complains),
];

#[test]
fn the_table_before_the_changes_is_clean_for_everyone() {
    let image = base();
    assert!(report(&image).is_clean());
    for (complains, text) in outside(&image) {
        assert!(!complains, "{text}");
    }
}

#[test]
fn every_defect_is_found_by_its_name_and_others_see_it_too() {
    assert!(CASES.len() >= 30);
    let mut wrong = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let mut image = base();
        (case.change)(&mut image);
        let report = report(&image);
        let found = report.findings.iter().any(|finding| {
            finding.structure == case.structure && finding.field == case.field && finding.severity == case.severity
        });
        if !found {
            wrong.push(format!("case {number}: no {} of {}: {:#?}", case.field, case.structure, report.findings));
        }
        let opinions = outside(&image);
        let complains = opinions.iter().any(|(complains, _)| *complains);
        let expected = matches!(case.outside, Complains);
        if let Silent(why) = case.outside {
            assert!(!why.is_empty());
        }
        if complains != expected {
            let texts = opinions.map(|(_, text)| text).join("\n");
            wrong.push(format!("case {number} ({}, {}): complains {complains}\n{texts}", case.structure, case.field));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_single_change_is_a_single_finding() {
    for (change, text) in [
        (
            (|image: &mut Vec<u8>| one(image, PRIMARY + 20, &[1])) as fn(&mut Vec<u8>),
            "primary header: reserved field is 0x00000001, expected 0",
        ),
        (
            |image| entries(image, 3, 32, &6145_u64.to_le_bytes()),
            "partition 3 (\"data\"): first LBA is 6145, which is byte 3146240, expected a multiple of 4096 bytes, \
             better of 1 MiB",
        ),
        (
            |image| entries(image, 1, 40, &4096_u64.to_le_bytes()),
            "partition 2 (\"root\"): sectors is 4096 to 6143, expected none of partition 1 (\"EFI-SYSTEM\"), which has \
             the sectors 2048 to 4096",
        ),
    ] {
        let mut image = base();
        change(&mut image);
        let texts: Vec<String> = report(&image).findings.iter().map(ToString::to_string).collect();
        assert_eq!(texts, [text]);
    }
}
