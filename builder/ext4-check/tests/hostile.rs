//! Bytes of anyone's: never a panic, and an end in good time.

mod images;
mod patch;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use builder_ext4_check::{Level, check};
use images::{content, made};
use patch::Patched;
use proptest::prelude::*;

/// A small file system with all features that have structures of their own.
static WHOLE: LazyLock<Patched> = LazyLock::new(|| {
    let content = content();
    let image = made(12, &["-b", "1024", "-N", "1024", "-J", "size=1"], Some(content.path()));
    Patched::read(image.path())
});

/// The bytes that hold metadata: damage elsewhere is nobody's business.
static METADATA: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let whole = &*WHOLE;
    let used =
        (0..whole.bytes.len() / 256).filter(|chunk| whole.bytes[chunk * 256..][..256].iter().any(|&byte| byte != 0));
    used.map(|chunk| chunk * 256).collect()
});

fn bounded(image: &Patched) {
    let start = Instant::now();
    let report = check(image, Level::Full);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    drop(report);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_no_harm(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..256, any::<u8>()), 1..40),
    ) {
        let mut image = WHOLE.clone();
        for (place, at, value) in flips {
            let at = METADATA[place.index(METADATA.len())] + at;
            image.bytes[at] = value;
        }
        bounded(&image);
    }

    #[test]
    fn random_words_with_right_checksums_do_no_harm(
        flips in prop::collection::vec((1_u32..900, 0_usize..160, any::<u32>(), 0_u8..4), 1..30),
        superblock in prop::option::of((0_usize..0x280, any::<u16>())),
    ) {
        let mut image = WHOLE.clone();
        for (number, at, value, how) in flips {
            // Small numbers are those that lead somewhere.
            let value = match how { 0 => value, 1 => value % 12_288, 2 => value % 16, _ => value | 0x8000 };
            let start = image.inode(number);
            image.put32(start + at / 2 * 2, value);
            image.mend_inode(number);
        }
        if let Some((at, value)) = superblock {
            image.put16(patch::SB + at, value);
            image.mend_superblock();
        }
        bounded(&image);
    }
}

#[test]
fn a_device_cut_anywhere_is_no_panic() {
    for length in [0, 1, 1023, 1024, 2047, 2048, 2049, 4096, 100_000, 1 << 20, (12 << 20) - 1] {
        let mut image = WHOLE.clone();
        image.bytes.truncate(length);
        let report = check(&image, Level::Full).unwrap();
        assert!(report.is_damaged(), "{length}");
    }
}

#[test]
fn maps_that_share_their_nodes_end() {
    let mut image = WHOLE.clone();
    // Every inode takes the deep map of the file with many extents.
    let deep = (12..900).find(|&number| image.get16(image.inode(number) + 0x2E) > 0).unwrap();
    let map = image.inode(deep) + 0x28;
    let map = image.bytes[map..map + 60].to_vec();
    for number in (12..900).filter(|&number| number != deep) {
        let at = image.inode(number);
        image.put16(at, 0o4_0755);
        image.put32(at + 0x20, 0x8_0000);
        image.bytes[at + 0x28..at + 0x28 + 60].copy_from_slice(&map);
        image.mend_inode(number);
    }
    bounded(&image);
}
