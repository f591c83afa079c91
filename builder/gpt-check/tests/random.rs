//! Disks that anything may have happened to: no panic, no long time, and no more findings than promised.

mod support;

use std::time::{Duration, Instant};

use builder_gpt_check::{MOST_FINDINGS, Options, SectorSize, check};
use proptest::prelude::*;
use support::{BACKUP, BACKUP_ENTRIES, LAST, PRIMARY, PRIMARY_ENTRIES, SECTOR, base, seal};

/// Offsets where structures are: the MBR, the headers, the entries.
fn offset() -> impl Strategy<Value = usize> {
    prop_oneof![
        440..SECTOR,
        PRIMARY..PRIMARY + 96,
        PRIMARY_ENTRIES..PRIMARY_ENTRIES + 1024,
        BACKUP_ENTRIES..BACKUP_ENTRIES + 1024,
        BACKUP..BACKUP + 96,
        0..(LAST + 1) * SECTOR,
    ]
}

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), Just(0), Just(0xFF), Just(1), Just(0x80)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_changes_never_panic_and_take_no_time(
        changes in prop::collection::vec((offset(), prop::collection::vec(byte(), 1..9)), 1..12),
        sealed: bool,
        length in prop_oneof![3 => Just(usize::MAX), 1 => 512_usize..(LAST + 1) * SECTOR],
        sector in prop_oneof![Just(None), Just(Some(SectorSize::Bytes512)), Just(Some(SectorSize::Bytes4096))],
    ) {
        let mut image = base();
        for (at, bytes) in changes {
            let end = (at + bytes.len()).min(image.len());
            image[at..end].copy_from_slice(&bytes[..end - at]);
        }
        if sealed {
            seal(&mut image);
        }
        image.truncate(length);
        let begun = Instant::now();
        let report = check(&image, &Options { sector_size: sector }).unwrap();
        prop_assert!(begun.elapsed() < Duration::from_secs(2));
        prop_assert!(report.findings.len() <= MOST_FINDINGS && report.notes.len() <= 2 * MOST_FINDINGS);
        for finding in &report.findings {
            prop_assert!(!finding.to_string().is_empty());
        }
    }
}

#[test]
fn a_table_full_of_lies_is_checked_in_no_time() {
    // 32,768 entries that all cover the whole disk and share one GUID.
    let mut image = vec![0; 12 << 20];
    image[..34 * SECTOR].copy_from_slice(&base()[..34 * SECTOR]);
    let entries = 32_768_u32;
    for entry in image[PRIMARY_ENTRIES..PRIMARY_ENTRIES + (4 << 20)].chunks_exact_mut(128) {
        entry[..32].fill(7);
        entry[32..48].copy_from_slice(&[1_u64.to_le_bytes(), u64::MAX.to_le_bytes()].concat());
        entry[48..].fill(0xD8);
    }
    image[PRIMARY + 80..PRIMARY + 84].copy_from_slice(&entries.to_le_bytes());
    let begun = Instant::now();
    let report = check(&image, &Options::default()).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!((report.findings.len(), report.partitions.len()), (MOST_FINDINGS, 32_768));
    assert!(report.left_out > 32_000 && !report.partitions[0].on_disk);
}
