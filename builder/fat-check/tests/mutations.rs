//! A table of defects: each is found, under the right name, and `fsck.fat` is asked for its opinion.

mod support;

use builder_fat_check::Severity::{self, Error, Warning};
use support::{Fat, fat16, fat32, fsck, report};

/// What `fsck.fat -n` says.
enum Outside {
    /// It complains.
    Complains,
    /// It does not, and why that is no reason not to.
    Silent(&'static str),
}
use Outside::{Complains, Silent};

struct Case {
    base: fn() -> Fat,
    change: fn(&mut Fat),
    structure: &'static str,
    field: &'static str,
    severity: Severity,
    outside: Outside,
}

const fn on16(
    change: fn(&mut Fat),
    structure: &'static str,
    field: &'static str,
    severity: Severity,
    outside: Outside,
) -> Case {
    Case { base: fat16, change, structure, field, severity, outside }
}

const fn on32(
    change: fn(&mut Fat),
    structure: &'static str,
    field: &'static str,
    severity: Severity,
    outside: Outside,
) -> Case {
    Case { base: fat32, change, structure, field, severity, outside }
}

const BOOT: &str = "boot sector";
const ROOT: &str = "root directory";
const LOADER: &str = "EFI/BOOT/BOOTX64.EFI";
const README: &str = "README.TXT";
const LONG: &str = "loader/entries/an-entry-with-a-long-name.conf";

const X64: &[u8; 11] = b"BOOTX64 EFI";
const GRUB: &[u8; 11] = b"GRUBX64 EFI";
const TEXT: &[u8; 11] = b"README  TXT";
const NONE: &[u8; 11] = b"EMPTY   TXT";
const DIR: &[u8; 11] = b"EFI        ";
const BOOT_DIR: &[u8; 11] = b"BOOT       ";
/// The short name of [`LONG`].
const ENTRY: &[u8; 11] = b"AN-ENT~1CON";

/// Where the directory `EFI/BOOT` begins.
fn boot_dir(fat: &Fat) -> usize {
    fat.cluster_at(fat.first_cluster(BOOT_DIR))
}

/// A piece of the long name, so many entries before the short one.
fn piece(fat: &Fat, before: usize) -> usize {
    fat.entry(ENTRY) - 32 * before
}

/// Appends a copy of an entry to the directory that begins at `at`, and says where.
fn copy_entry(fat: &mut Fat, name: &[u8; 11], at: usize) -> usize {
    let (from, to) = (fat.entry(name), fat.free_slot(at));
    fat.0.copy_within(from..from + 32, to);
    to
}

fn root_at(fat: &Fat) -> usize {
    fat.entry(NONE) / 512 * 512
}

const CASES: &[Case] = &[
    on16(|fat| fat.put(0, &[0]), BOOT, "jump", Error, Silent("it does not look at the jump, firmware does")),
    on16(|fat| fat.put(11, &[1, 2]), BOOT, "bytes per sector", Error, Complains),
    on16(|fat| fat.put(13, &[3]), BOOT, "sectors per cluster", Error, Complains),
    on16(|fat| fat.put(13, &[0]), BOOT, "sectors per cluster", Error, Complains),
    on16(|fat| fat.put(14, &[0, 0]), BOOT, "reserved sectors", Error, Complains),
    on16(|fat| fat.put(16, &[0]), BOOT, "number of FATs", Error, Complains),
    on16(|fat| fat.put(16, &[3]), BOOT, "number of FATs", Warning, Complains),
    on16(|fat| fat.put(17, &[0, 0]), BOOT, "root entries", Error, Complains),
    on16(|fat| fat.put(17, &[1, 2]), BOOT, "root entries", Warning, Complains),
    on16(|fat| fat.put(19, &[0, 0]), BOOT, "total sectors", Error, Complains),
    on16(|fat| fat.put(19, &[40, 0]), BOOT, "total sectors", Error, Complains),
    on16(
        |fat| fat.put(19, &[1, 0x18]),
        BOOT,
        "total sectors",
        Error,
        Silent("it reads only the sectors that it needs"),
    ),
    on16(|fat| fat.put(32, &[1, 0x10]), BOOT, "total sectors (32 bits)", Error, Silent("it uses the field of 16 bits")),
    on16(|fat| fat.put(21, &[0x42]), BOOT, "media", Error, Silent("it does not look at the media byte, Linux does")),
    on16(|fat| fat.put(22, &[8]), BOOT, "sectors per FAT", Error, Complains),
    on16(|fat| fat.put(510, &[0, 0]), BOOT, "signature", Error, Silent("it does not look at the signature")),
    on16(|fat| fat.put(38, &[0x30]), BOOT, "extended boot signature", Warning, Complains),
    on16(|fat| fat.put(54, b"FAT32   "), BOOT, "type text", Warning, Silent("a text that nobody may rely on")),
    on16(|fat| fat.put(37, &[1]), BOOT, "state", Warning, Complains),
    on16(|fat| fat.put(43, b"OTHERNAME  "), BOOT, "volume label", Warning, Complains),
    on16(|fat| fat.put(43, b"NO NAME    "), BOOT, "volume label", Warning, Complains),
    on16(|fat| fat.put(fat.fat_at(1, 9), &[7, 0]), "FAT 2", "entry of cluster 9", Error, Complains),
    on16(|fat| fat.put(fat.fat_at(1, 4000), &[7, 0]), "FAT 2", "entry of cluster 4000", Error, Complains),
    on16(
        |fat| fat.set_link(0, 0xFFF0),
        "FAT 1",
        "entry 0",
        Error,
        Silent("it looks at the entry only where both FATs differ"),
    ),
    on16(|fat| fat.set_link(1, 0x0123), "FAT 1", "entry 1", Error, Complains),
    on16(|fat| fat.set_link(1, 0x7FFF), "FAT 1", "clean bit of entry 1", Warning, Complains),
    on16(
        |fat| fat.set_link(1, 0xBFFF),
        "FAT 1",
        "error bit of entry 1",
        Warning,
        Silent("it knows the other bit only"),
    ),
    on16(|fat| fat.set_link(fat.first_cluster(X64), 0x9000), LOADER, "chain", Error, Complains),
    on16(|fat| fat.set_link(fat.first_cluster(X64), 1), LOADER, "chain", Error, Complains),
    on16(|fat| fat.set_link(fat.first_cluster(X64), fat.free_cluster()), LOADER, "chain", Error, Complains),
    on16(|fat| fat.set_link(fat.first_cluster(X64) + 1, 0xFFF7), LOADER, "chain", Error, Complains),
    on16(|fat| fat.set_link(fat.first_cluster(X64) + 3, fat.first_cluster(X64)), LOADER, "chain", Error, Complains),
    on16(|fat| fat.set_link(fat.first_cluster(X64), 0xFFFF), LOADER, "size", Error, Complains),
    on16(|fat| fat.put_in(X64, 28, &[1, 0]), LOADER, "size", Error, Complains),
    on16(|fat| fat.put_in(X64, 28, &[0, 0]), LOADER, "size", Error, Complains),
    on16(|fat| fat.put_in(X64, 28, &[1, 8]), LOADER, "size", Error, Complains),
    on16(|fat| fat.put_in(NONE, 28, &[1]), "EMPTY.TXT", "size", Error, Complains),
    on16(|fat| fat.put_in(X64, 26, &[0, 0xF0]), LOADER, "first cluster", Error, Complains),
    on16(|fat| fat.put_in(X64, 26, &[1, 0]), LOADER, "first cluster", Error, Complains),
    on16(
        |fat| {
            let cluster = fat.first_cluster(GRUB);
            fat.put_in(TEXT, 26, &cluster.to_le_bytes()[..2]);
        },
        "EFI/BOOT/grubx64.efi",
        "chain",
        Error,
        Complains,
    ),
    on16(|fat| fat.set_link(fat.free_cluster() + 50, 0xFFFF), "FAT", "lost clusters", Error, Complains),
    on16(|fat| fat.put_in(TEXT, 0, &[0xE5]), "FAT", "lost clusters", Error, Complains),
    on16(|fat| fat.put_in(DIR, 28, &[1]), "EFI", "size", Error, Complains),
    on16(|fat| fat.put_in(BOOT_DIR, 26, &[0, 0]), "EFI/BOOT", "first cluster", Error, Complains),
    on16(|fat| fat.put_in(TEXT, 2, b"*"), "RE*DME.TXT", "short name", Error, Complains),
    on16(|fat| fat.put_in(TEXT, 2, b"\x07"), "RE\\u{7}DME.TXT", "short name", Error, Complains),
    on16(|fat| fat.put_in(TEXT, 0, b"r"), "rEADME.TXT", "short name", Error, Silent("it does not look at case")),
    on16(|fat| fat.put_in(TEXT, 0, b" "), " EADME.TXT", "short name", Error, Complains),
    on16(|fat| fat.put_in(NONE, 0, TEXT), README, "name", Error, Complains),
    on16(
        |fat| {
            // A second entry whose long name differs by case only; its short one is another.
            let mut slot = [0xFF; 32];
            slot[..14].copy_from_slice(b"\x41r\0e\0a\0d\0m\0\x0f\0\0");
            slot[13] = b"OTHER   TXT".iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
            slot[14..26].copy_from_slice(b"e\0.\0t\0x\0t\0\0\0");
            slot[26..28].fill(0);
            let at = fat.free_slot(root_at(fat));
            fat.put(at, &slot);
            let at = copy_entry(fat, NONE, root_at(fat));
            fat.put(at, b"OTHER   TXT");
        },
        "readme.txt",
        "name",
        Error,
        Silent("it compares short names only"),
    ),
    on16(|fat| fat.put(piece(fat, 1) + 13, &[1]), "loader/entries/AN-ENT~1.CON", "long name", Error, Complains),
    on16(|fat| fat.put(piece(fat, 1), &[3]), "loader/entries/AN-ENT~1.CON", "long name", Error, Complains),
    on16(|fat| fat.put(piece(fat, 2), &[0xE5]), "loader/entries/AN-ENT~1.CON", "long name", Error, Complains),
    on16(
        |fat| {
            let at = fat.entry(ENTRY);
            fat.put(at, &[0xE5]);
        },
        "loader/entries",
        "long name",
        Warning,
        Complains,
    ),
    on16(
        |fat| fat.put(piece(fat, 1) + 1, b"?"),
        "loader/entries/?n-entry-with-a-long-name.conf",
        "long name",
        Error,
        Silent("it judges the characters of short names only"),
    ),
    on16(
        |fat| fat.put(piece(fat, 1) + 1, &[0, 0xD8]),
        "loader/entries/\u{fffd}n-entry-with-a-long-name.conf",
        "long name",
        Warning,
        Silent("it prints the unit as it is"),
    ),
    on16(|fat| fat.put(piece(fat, 1) + 12, &[1]), LONG, "type or cluster of the long name", Warning, Complains),
    on16(|fat| fat.put(boot_dir(fat) + 26, &[9]), "EFI/BOOT", "first cluster of `.`", Error, Complains),
    on16(|fat| fat.put(boot_dir(fat) + 32 + 26, &[0]), "EFI/BOOT", "first cluster of `..`", Error, Complains),
    on16(|fat| fat.put(boot_dir(fat), b"X"), "EFI/BOOT", "entry `.`", Error, Complains),
    on16(|fat| fat.put(boot_dir(fat) + 32, &[0xE5]), "EFI/BOOT", "entry `..`", Error, Complains),
    on16(|fat| fat.put(boot_dir(fat) + 11, &[0x20]), "EFI/BOOT", "attributes of `.`", Error, Complains),
    on16(
        |fat| {
            copy_entry(fat, b"TESTVOL    ", root_at(fat));
        },
        ROOT,
        "volume label",
        Error,
        Silent("it takes the first"),
    ),
    on16(
        |fat| {
            copy_entry(fat, b"TESTVOL    ", boot_dir(fat));
        },
        "EFI/BOOT",
        "volume label",
        Error,
        Silent("it takes it for an empty file"),
    ),
    on16(|fat| fat.put_in(b"TESTVOL    ", 0, b"\xE5"), BOOT, "volume label", Warning, Complains),
    on16(|fat| fat.put_in(TEXT, 11, &[0x60]), README, "attributes", Warning, Silent("bits that nobody reads")),
    on16(|fat| fat.put_in(TEXT, 12, &[0x01]), README, "case byte", Warning, Silent("bits that nobody reads")),
    on16(
        |fat| fat.put_in(TEXT, 20, &[1]),
        README,
        "upper half of the first cluster",
        Warning,
        Silent("nobody reads it"),
    ),
    on16(
        |fat| fat.put_in(TEXT, 24, &[0, 0x5A]),
        README,
        "date of the last change",
        Warning,
        Silent("it does not look at times"),
    ),
    on16(
        |fat| fat.put_in(TEXT, 16, &[0xFF, 0xFF]),
        README,
        "date of creation",
        Warning,
        Silent("it does not look at times"),
    ),
    on16(
        |fat| fat.put_in(TEXT, 22, &[0, 0xFF]),
        README,
        "time of the last change",
        Warning,
        Silent("it does not look at times"),
    ),
    on16(
        |fat| fat.put_in(TEXT, 13, &[200]),
        README,
        "hundredths of creation",
        Warning,
        Silent("it does not look at times"),
    ),
    on16(
        |fat| {
            let at = fat.free_slot(root_at(fat));
            let from = fat.entry(NONE);
            fat.0.copy_within(from..from + 32, at + 32);
            fat.put(at + 32, b"B");
        },
        ROOT,
        "end of the directory",
        Warning,
        Silent("it goes on behind the end"),
    ),
    on16(|fat| fat.0.truncate(2 << 20), BOOT, "total sectors", Error, Complains),
    on32(|fat| fat.put(fat.fat_at(0, 1) + 3, &[0x07]), "FAT 1", "clean bit of entry 1", Warning, Complains),
    on32(|fat| fat.put(fat.fat_at(1, 60_000), &[1]), "FAT 2", "entry of cluster 60000", Error, Complains),
    on32(
        |fat| fat.put(fat.fat_at(1, 60_000) + 3, &[0x10]),
        "FAT 2",
        "upper bits of the entry of cluster 60000",
        Warning,
        Complains,
    ),
    on32(|fat| fat.put(17, &[16, 0]), BOOT, "root entries", Error, Complains),
    on32(|fat| fat.put(19, &[0xFF, 0xFF]), BOOT, "total sectors (16 bits)", Error, Complains),
    on32(|fat| fat.put(32, &60_000_u32.to_le_bytes()), BOOT, "number of clusters", Warning, Complains),
    on32(|fat| fat.put(40, &[0x85]), BOOT, "flags", Error, Complains),
    on32(|fat| fat.put(42, &[1]), BOOT, "version", Error, Complains),
    on32(|fat| fat.put(44, &[0]), ROOT, "first cluster", Error, Complains),
    on32(|fat| fat.put(44, &[0, 0, 0, 1]), ROOT, "first cluster", Error, Complains),
    on32(|fat| fat.set_link(2, 0), ROOT, "chain", Error, Complains),
    on32(|fat| fat.put(48, &[40, 0]), BOOT, "FSInfo sector", Error, Complains),
    on32(|fat| fat.put(48, &[0, 0]), BOOT, "FSInfo sector", Warning, Complains),
    on32(|fat| fat.put(50, &[40, 0]), BOOT, "backup boot sector", Error, Complains),
    on32(|fat| fat.put(50, &[0, 0]), BOOT, "backup boot sector", Warning, Complains),
    on32(|fat| fat.put(52, &[1]), BOOT, "reserved bytes", Warning, Complains),
    on32(|fat| fat.put(65, &[1]), BOOT, "state", Warning, Complains),
    on32(|fat| fat.put(6 * 512 + 67, &[1]), "backup boot sector", "serial number", Warning, Complains),
    on32(|fat| fat.put(6 * 512 + 36, &[1]), "backup boot sector", "sectors per FAT", Warning, Complains),
    on32(|fat| fat.put(6 * 512, &[0; 512]), "backup boot sector", "signature", Warning, Complains),
    on32(|fat| fat.put(512, &[1]), "FSInfo", "lead signature", Error, Complains),
    on32(|fat| fat.put(512 + 484, &[1]), "FSInfo", "structure signature", Error, Complains),
    on32(|fat| fat.put(512 + 508, &[1]), "FSInfo", "trail signature", Error, Complains),
    on32(|fat| fat.put(512 + 488, &[9, 9]), "FSInfo", "free clusters", Warning, Complains),
    on32(
        |fat| fat.put(512 + 492, &[9, 9, 9, 9]),
        "FSInfo",
        "next free cluster",
        Warning,
        Silent("a hint that drivers check before they use it"),
    ),
    on32(|fat| fat.put_in(X64, 20, &[2]), LOADER, "first cluster", Error, Complains),
    on32(
        |fat| {
            // The number of the root directory instead of none.
            let efi = fat.cluster_at(fat.first_cluster(DIR));
            fat.put(efi + 32 + 26, &[2]);
        },
        "EFI",
        "first cluster of `..`",
        Warning,
        Complains,
    ),
];

#[test]
fn every_defect_is_found_by_its_name_and_others_see_it_too() {
    assert!(CASES.len() >= 35);
    let mut wrong = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let mut fat = (case.base)();
        (case.change)(&mut fat);
        let report = report(&fat.0);
        let found = report.findings.iter().any(|finding| {
            finding.structure == case.structure && finding.field == case.field && finding.severity == case.severity
        });
        let title = format!("case {number} ({}, {})", case.structure, case.field);
        if !found {
            wrong.push(format!("{title}: {:#?}", report.findings));
        }
        if let Silent(why) = case.outside {
            assert!(!why.is_empty());
        }
        let (complains, text) = fsck(&fat.0);
        if complains != matches!(case.outside, Complains) {
            wrong.push(format!("{title}: complains {complains}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn findings_read_as_sentences() {
    type Change = fn(&mut Fat);
    let cases: [(Change, &str, &str); 5] = [
        (
            |fat| fat.put_in(X64, 28, &[1, 0]),
            "EFI/BOOT/BOOTX64.EFI: size is 1 bytes, ",
            "expected 1537 to 2048 bytes, as its chain has 4 clusters",
        ),
        (|fat| fat.put(21, &[0x42]), "boot sector: media is 0x42, ", "expected 0xf0, or 0xf8 to 0xff"),
        (|fat| fat.set_link(1, 0x7FFF), "FAT 1: clean bit of entry 1 is clear, ", "expected set"),
        (
            |fat| {
                let cluster = fat.first_cluster(GRUB);
                fat.put_in(TEXT, 26, &cluster.to_le_bytes()[..2]);
            },
            "EFI/BOOT/grubx64.efi: chain is cluster ",
            ", which README.TXT has, expected clusters of its own",
        ),
        (|fat| fat.put_in(TEXT, 0, &[0xE5]), "FAT: lost clusters is 1, the first of them ", ", expected 0"),
    ];
    for (change, start, end) in cases {
        let mut fat = fat16();
        change(&mut fat);
        let texts: Vec<String> = report(&fat.0).findings.iter().map(ToString::to_string).collect();
        assert!(texts.iter().any(|text| text.starts_with(start) && text.ends_with(end)), "{texts:#?}");
    }
}

#[test]
fn a_single_change_is_a_single_finding() {
    let changes: [fn(&mut Fat); 9] = [
        |fat| fat.put(0, &[0]),
        |fat| fat.put(510, &[0, 0]),
        |fat| fat.put(37, &[1]),
        |fat| fat.put(fat.fat_at(1, 9), &[7, 0]),
        |fat| fat.put_in(X64, 28, &[1, 0]),
        |fat| fat.put_in(TEXT, 24, &[0, 0x5A]),
        |fat| fat.put(piece(fat, 1) + 13, &[1]),
        |fat| fat.put(boot_dir(fat) + 26, &[9]),
        |fat| fat.set_link(fat.free_cluster() + 50, 0xFFFF),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut fat = fat16();
        change(&mut fat);
        let findings = report(&fat.0).findings;
        assert_eq!(findings.len(), 1, "{number}: {findings:#?}");
    }
}
