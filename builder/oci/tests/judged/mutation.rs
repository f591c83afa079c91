//! Small images with bytes changed at random: whatever comes of it, it is an answer.

use std::fs;

use serde_json::json;

use crate::layout::Packing;
use crate::layout::{Layout, MANIFEST, config, layout_of, read, sha256};
use crate::tarfile::{Entry, Tar, dir, file, hard_link, symlink};

/// Numbers that look random and are the same in every run (Numerical Recipes' generator, high bits).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

fn sample() -> Vec<u8> {
    let mut tar = Tar::of([
        dir("d", 0o755),
        file("d/f", "body").pax("SCHILY.xattr.user.a", "value").pax("mtime", "1.5").pax("path", "d/longer"),
        symlink("l", "d"),
        file("l/through", "x"),
        hard_link("h", "d/longer"),
        file(".wh.gone", ""),
        file("d/.wh..wh..opq", ""),
        Entry::new(b'3', "c", 0o600).device(1, 3),
        file("s", "onetwo").pax("GNU.sparse.size", "20").pax("GNU.sparse.map", "0,3,17,3"),
        file("t", [&b"1\n0\n0\n"[..], &[0; 506]].concat())
            .pax("GNU.sparse.major", "1")
            .pax("GNU.sparse.minor", "0")
            .pax("GNU.sparse.realsize", "300"),
    ]);
    tar.old_gnu_sparse("o", 9000, &[(0, b"a"), (10, b"b"), (20, b"c"), (30, b"d"), (4096, b"e")]);
    tar.gnu_long(b'L', b"name").push(&file("n", "x"));
    tar.end()
}

/// Makes the checksum of every header-like block right again, so that changes get past it.
fn mend(tar: &mut [u8]) {
    for block in tar.chunks_exact_mut(512) {
        if &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

fn mutated(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        bytes[at] = match numbers.below(4) {
            0 => 0,
            1 => 0xff,
            2 => b"0123456789/.=\n \x80"[numbers.below(16)],
            _ => u8::try_from(numbers.below(256)).unwrap(),
        };
    }
    if numbers.below(8) == 0 {
        bytes.truncate(numbers.below(bytes.len()).max(1));
    }
    bytes
}

#[test]
fn no_change_to_a_layer_makes_the_reader_fall_over() {
    let sample = sample();
    let mut numbers = Numbers(1);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..1200 {
        let mut tar = mutated(&sample, &mut numbers);
        mend(&mut tar);
        match read(&layout_of(&[(sample.clone(), Packing::Plain), (tar, Packing::Plain)]).source(None)) {
            Ok(_) => good += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                bad += 1;
            }
        }
    }
    assert!(good > 100 && bad > 100, "{good} good, {bad} bad: the changes are too few or too many");
}

#[test]
fn no_change_to_a_packed_layer_makes_the_decoder_fall_over() {
    let tar = sample();
    let mut numbers = Numbers(2);
    for packing in [Packing::Gzip, Packing::Zstd] {
        let (blob, media_type) = crate::layout::pack(&tar, packing);
        for _ in 0..200 {
            let mut layout = Layout::new();
            let descriptor = layout.blob(&mutated(&blob, &mut numbers), media_type);
            let manifest = layout.manifest(&[descriptor], &config("amd64", &[sha256(&tar)]));
            layout.enter(manifest, None);
            if let Err(error) = read(&layout.source(None)) {
                assert!(error.to_string().starts_with("layer 1 of 1 (sha256:"), "{error}");
            }
        }
    }
}

#[test]
fn no_change_to_a_document_makes_the_reader_fall_over() {
    let layout = layout_of(&[(sample(), Packing::Gzip)]);
    let index = fs::read(layout.path().join("index.json")).unwrap();
    let digest = layout.manifests[0]["digest"].as_str().unwrap();
    let manifest = fs::read(layout.blob_path(digest)).unwrap();
    let mut numbers = Numbers(3);
    for round in 0..400 {
        let bytes = if round % 2 == 0 {
            mutated(&index, &mut numbers)
        } else {
            let descriptor = layout.blob(&mutated(&manifest, &mut numbers), MANIFEST);
            json!({"schemaVersion": 2, "manifests": [descriptor]}).to_string().into_bytes()
        };
        fs::write(layout.path().join("index.json"), bytes).unwrap();
        if let Err(error) = read(&layout.source(None)) {
            assert!(!error.to_string().is_empty());
        }
    }
}
