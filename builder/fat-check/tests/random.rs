//! File systems that anything may have happened to: no panic, no long time, no more findings than promised.

mod support;

use std::time::{Duration, Instant};

use builder_fat_check::{Level, MOST_FINDINGS, check};
use proptest::prelude::*;
use support::{fat12, fat16, fat32};

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), Just(0), Just(0xFF), Just(1), Just(0xE5), Just(0x0F), Just(0x10)]
}

/// Offsets where structures are: the boot sector, the head of the tables, the directories, anywhere.
fn offset() -> impl Strategy<Value = usize> {
    prop_oneof![2 => 0..100_usize, 1 => 480..512_usize, 3 => 512..4096_usize, 3 => 0..65_536_usize, 1 => any::<usize>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn random_changes_never_panic_and_take_no_time(
        kind in prop_oneof![4 => Just(12), 4 => Just(16), 1 => Just(32)],
        in_tree: bool,
        changes in prop::collection::vec((offset(), prop::collection::vec(byte(), 1..40)), 1..20),
        length in prop_oneof![3 => Just(usize::MAX), 1 => 512_usize..1 << 20],
    ) {
        let base = match kind { 12 => fat12(), 16 => fat16(), _ => fat32() };
        // The first cluster of a directory: what is damaged behind it are entries.
        let start = if in_tree { base.entry(b"EMPTY   TXT") / 512 * 512 } else { 0 };
        let mut image = base.0;
        for (at, bytes) in changes {
            let at = start.saturating_add(at) % image.len();
            let end = (at + bytes.len()).min(image.len());
            image[at..end].copy_from_slice(&bytes[..end - at]);
        }
        image.truncate(length);
        let begun = Instant::now();
        let report = check(&image, Level::Tree).unwrap();
        prop_assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        prop_assert!(report.findings.len() <= MOST_FINDINGS);
        for finding in &report.findings {
            prop_assert!(!finding.to_string().is_empty());
        }
    }
}

#[test]
fn directories_that_lead_to_each_other_end() {
    // Every entry of every directory is a directory, and leads to any cluster.
    let mut image = fat16();
    let data = image.cluster_at(2);
    let mut number = 0_u16;
    for slot in image.0[data..].chunks_exact_mut(32) {
        number = number.wrapping_mul(31).wrapping_add(17) % 5000;
        slot.fill(0);
        slot[..11].copy_from_slice(b"D          ");
        slot[1..6].copy_from_slice(format!("{number:05}").as_bytes());
        slot[11] = 0x10;
        slot[26..28].copy_from_slice(&number.to_le_bytes());
    }
    for cluster in 2..4000 {
        image.set_link(cluster, cluster % 3500 + 2);
    }
    let begun = Instant::now();
    let report = check(&image.0, Level::Tree).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(report.findings.len(), MOST_FINDINGS);
    assert!(report.left_out > 0);
}
