//! Images that anything may have happened to: no panic, no long time, no more findings than promised.

mod support;

use std::time::{Duration, Instant};

use builder_iso9660_check::{Level, MOST_FINDINGS, check};
use proptest::prelude::*;
use support::{number, record, usual};

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), Just(0), Just(0xFF), Just(1), Just(2), Just(0x80)]
}

/// Offsets where structures are: descriptors, catalogue and tables, directories, anywhere.
fn offset() -> impl Strategy<Value = usize> {
    prop_oneof![2 => 32_768..36_864_usize, 4 => 36_864..130_000_usize, 1 => any::<usize>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn random_changes_never_panic_and_take_no_time(
        changes in prop::collection::vec((offset(), prop::collection::vec(byte(), 1..40)), 1..20),
        length in prop_oneof![3 => Just(usize::MAX), 1 => 34_816_usize..1 << 18],
    ) {
        let mut image = usual();
        for (at, bytes) in changes {
            let at = at % image.len();
            let end = (at + bytes.len()).min(image.len());
            image[at..end].copy_from_slice(&bytes[..end - at]);
        }
        image.truncate(length);
        let begun = Instant::now();
        let report = check(&image, Level::Sum).unwrap();
        prop_assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        // A file's own findings may come in threes.
        prop_assert!(report.findings.len() <= MOST_FINDINGS + 16);
        let _ = report.tree.find(b"/boot/link/../live/kernel");
        for finding in &report.findings {
            prop_assert!(!finding.to_string().is_empty());
        }
    }
}

#[test]
fn directories_in_themselves_end() {
    let mut image = usual();
    // Each name of the directory is a directory, and all are where it is.
    let live = record(&image, b"LIVE");
    let (block, length) = (number(&image, live + 2), number(&image, live + 10));
    let start = usize::try_from(block).unwrap() * 2048;
    let mut at = start;
    while at < start + usize::try_from(length).unwrap() && image[at] != 0 {
        support::put_both(&mut image, at + 2, block);
        support::put_both(&mut image, at + 10, length);
        image[at + 25] = 2;
        at += usize::from(image[at]);
    }
    let begun = Instant::now();
    let report = check(&image, Level::Tree).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(report.has_errors());
}
