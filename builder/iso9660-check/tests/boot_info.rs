//! The table in a boot image for a BIOS.

mod support;

use std::fs;

use builder_iso9660_check::Level;
use support::{make, number, report, tree};

const BLOCK: usize = 2048;

/// An image of a tree whose boot image has a table, and where its entry of the boot catalogue and its first byte are.
fn image(tool: &str, options: &[&str]) -> (Vec<u8>, usize, usize) {
    let at = |block: u32| usize::try_from(block).unwrap() * BLOCK;
    let tree = tree();
    // Lengths that are no whole words, blocks or sectors.
    fs::write(
        tree.path().join("boot/bios.img"),
        (0..30_001_u32).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<_>>(),
    )
    .unwrap();
    let mut all = vec!["-R", "-b", "boot/bios.img", "-no-emul-boot", "-boot-load-size", "4"];
    all.extend(options);
    let image = fs::read(make(tree.path(), tool, &all).path()).unwrap();
    let entry = at(number(&image, 17 * BLOCK + 71)) + 32;
    let boot = at(number(&image, entry + 8));
    (image, entry, boot)
}

#[test]
fn the_table_of_others_is_right_and_what_is_wrong_in_it_is_found() {
    for tool in ["xorriso", "genisoimage"] {
        let (image, entry, boot) = image(tool, &["-boot-info-table"]);
        let found = |image: &[u8]| -> Vec<String> {
            report(image, Level::Tree).findings.iter().map(ToString::to_string).collect()
        };
        assert_eq!(found(&image), [""; 0], "{tool}");
        type Change = fn(&mut Vec<u8>, usize);
        let cases: [(Change, &str); 7] = [
            (|image, boot| image[boot + 12] ^= 1, "its own block"),
            (|image, boot| image[boot + 16] ^= 1, "checksum"),
            (|image, boot| image[boot + 16..boot + 20].fill(0), "length"),
            (|image, boot| image[boot + 19] = 1, "length"),
            (|image, boot| image[boot + 20] ^= 1, "checksum"),
            (|image, boot| image[boot + 64] ^= 1, "checksum"),
            (|image, boot| image[boot + 30_000] ^= 1, "checksum"),
        ];
        for (change, field) in cases {
            let mut image = image.clone();
            change(&mut image, boot);
            let found = found(&image);
            let expected = format!("boot information table, {field}");
            assert!(
                found.len() == 1 && found[0].contains("entry 1 (BIOS)") && found[0].contains(&expected),
                "{found:?}"
            );
        }
        // Without its first number there is none, and where a floppy is emulated nobody reads it.
        let mut without = image.clone();
        without[boot + 8] ^= 1;
        without[boot + 64] ^= 1;
        assert_eq!(found(&without), [""; 0], "{tool}");
        let mut hard_disk = image.clone();
        hard_disk[entry + 1] = 4;
        hard_disk[boot + 64] ^= 1;
        assert_eq!(found(&hard_disk), [""; 0], "{tool}");
    }
    let (image, ..) = image("xorriso", &[]);
    assert!(report(&image, Level::Tree).is_clean());
}
