//! Layers that cannot be meant: each is one clear error, soon and in little memory.

use std::fs;

use builder_oci::OciError;
use serde_json::json;

use crate::layout::{Layout, Packing, config, dump, layout_of, pack, read, read_tars, sha256};
use crate::tarfile::{Entry, Tar, dir, file, hard_link, record, symlink};

fn error(tars: &[Vec<u8>]) -> OciError {
    match read_tars(tars) {
        Ok(layers) => panic!("it was read:\n{}", dump(&layers.merged)),
        Err(error) => error,
    }
}

/// Fails unless reading the one layer fails with these words behind the layer's name.
fn refused(tar: &[u8], wanted: &str) {
    let text = error(&[tar.to_vec()]).to_string();
    let digest = sha256(tar);
    let wanted = format!("layer 1 of 1 ({}…): {wanted}", &digest[..7 + 12]);
    assert!(text.starts_with(&wanted), "{text}\nwanted: {wanted}");
}

#[test]
fn entries_that_cannot_be_applied_are_named() {
    let longest = "d".repeat(255);
    let cases: Vec<(Vec<Entry>, &str)> = vec![
        (vec![file("a/../../etc/x", "")], "tar entry at byte 0 (/a/../../etc/x): the name leads through \"..\""),
        (vec![hard_link("a", "../x")], "tar entry at byte 0 (/a): the hard link target leads through \"..\""),
        (vec![hard_link("a", "none")], "tar entry at byte 0 (/a): hard link to /none, which does not exist"),
        (vec![hard_link("a", "a")], "tar entry at byte 0 (/a): hard link to /a, which does not exist"),
        (
            vec![file("d/x", ""), hard_link("d", "d/x")],
            "tar entry at byte 512 (/d): hard link to /d/x, which does not exist",
        ),
        (
            vec![hard_link("late", "x"), file("x", "")],
            "tar entry at byte 0 (/late): hard link to /x, which does not exist",
        ),
        (
            vec![dir("d", 0o755), hard_link("a", "d")],
            "tar entry at byte 512 (/a): hard link to /d, which is a directory",
        ),
        (vec![hard_link("a", "/")], "tar entry at byte 0 (/a): hard link to /, which is a directory"),
        (vec![file("f", ""), file("f/x", "")], "tar entry at byte 512 (/f/x): /f is a regular file, not a directory"),
        (
            vec![symlink("a", "b"), symlink("b", "a"), file("a/x", "")],
            "tar entry at byte 1,024 (/a/x): its path goes through more than 40 symbolic links",
        ),
        (vec![symlink(".", "x")], "tar entry at byte 0 (/.): the root directory cannot be replaced"),
        (vec![file("d/.wh.", "")], "tar entry at byte 0 (/d/.wh.): the name is a whiteout of nothing"),
        (vec![file(".wh.d/x", "")], "tar entry at byte 0 (/.wh.d/x): the name is below a whiteout"),
        (vec![file("x", "").pax("path", "n".repeat(256))], "tar entry at byte 1,024 (/nnnnnn"),
        (vec![file("x", "").pax("path", "d/".repeat(2100))], "tar entry at byte 5,120 (/d/d/d"),
        (vec![file("x", "").pax("path", "a\0b")], "tar entry at byte 1,024 (/a\\x00b): the name has a NUL byte"),
        (vec![symlink("x", "")], "tar entry at byte 0 (/x): the symbolic link's target is empty"),
        (vec![Entry::new(b'Z', "x", 0)], "tar entry at byte 0 (/x): the type flag 'Z' is not known"),
        (vec![file("x", "").pax("uid", "4294967296")], "tar entry at byte 0: the PAX uid \"4294967296\" is no number"),
        (vec![file("x", "").pax("mtime", "soon")], "tar entry at byte 0: the PAX mtime \"soon\" is no number"),
        (
            vec![file("x", "").pax("SCHILY.xattr.user.big", vec![0; 65_537])],
            "tar entry at byte 0: the extended attribute user.big is larger than 64 KiB",
        ),
        (
            vec![file("x", "").pax(&format!("SCHILY.xattr.user.{longest}"), "")],
            "tar entry at byte 0: the extended attribute user.ddd",
        ),
        (
            vec![file("x", "").pax("comment", vec![b'x'; 1 << 20])],
            "tar entry at byte 0: the extended headers have 1,048,593 bytes, more than the 1,048,576 that are read",
        ),
        (vec![file("x", "").claim(1 << 60)], "tar entry at byte 0 (/x): the tar stream ends 1,152,921,504,606,845,952"),
        (
            vec![file("x", "").pax("size", (1_u64 << 60).to_string())],
            "tar entry at byte 1,024 (/x): the tar stream ends",
        ),
        (
            vec![file("x", "").pax("size", u64::MAX.to_string())],
            "tar entry at byte 0: the PAX size \"18446744073709551615\" is no number that can be meant",
        ),
        (
            vec![file("x", "").pax("GNU.sparse.size", (1_u64 << 60).to_string())],
            "tar entry at byte 1,024 (/x): with this file the image's holes add up to more than 68,719,476,736 bytes",
        ),
        (
            vec![file("x", "").pax("GNU.sparse.size", "9").pax("GNU.sparse.map", "5,1,2,1")],
            "tar entry at byte 1,024 (/x): the sparse map has pieces out of order",
        ),
        (
            vec![
                file("x", vec![b'1'; 512])
                    .pax("GNU.sparse.major", "1")
                    .pax("GNU.sparse.minor", "0")
                    .pax("GNU.sparse.realsize", "9"),
            ],
            "tar entry at byte 1,024 (/x): the sparse map has a number that is too long",
        ),
        (
            vec![
                file("x", [&b"999999999999\n"[..], &[0; 499]].concat())
                    .pax("GNU.sparse.major", "1")
                    .pax("GNU.sparse.minor", "0")
                    .pax("GNU.sparse.realsize", "9"),
            ],
            "tar entry at byte 1,024 (/x): the sparse map has more than 131,072 pieces",
        ),
    ];
    for (entries, wanted) in cases {
        refused(&Tar::of(entries).end(), wanted);
    }
}

#[test]
fn damaged_streams_say_where() {
    let good = Tar::of([file("a", "a"), file("b", "b".repeat(600))]).end();
    let changed = |at: usize, byte: u8| {
        let mut tar = good.clone();
        tar[at] = byte;
        tar
    };
    refused(&changed(1024, b'c'), "tar entry at byte 1,024: the header has checksum 0o");
    refused(&changed(1024 + 150, b'x'), "tar entry at byte 1,024: the header has checksum 0o");
    refused(&good[..1700], "tar entry at byte 1,024 (/b): the tar stream ends 436 bytes early");
    refused(&good[..1100], "tar entry at byte 1,024: the tar stream ends 436 bytes early");
    refused(&[&good[..], b"more"].concat(), "tar entry at byte 2,560: other bytes than zeros follow");
    let mut orphan = Tar::default();
    orphan.raw(b'x', b"pax", &record(b"path", b"x"));
    refused(&orphan.end(), "tar entry at byte 1,024: an extended header is followed by no entry");
    let mut damaged = Tar::default();
    damaged.raw(b'x', b"pax", b"99 path=x\n").push(&file("x", ""));
    refused(&damaged.end(), "tar entry at byte 0: the PAX header is damaged at its byte 0: a record is longer");
    let claims = Tar::of([Entry::new(b'L', "x", 0).claim(1 << 62)]);
    refused(&claims.end(), "tar entry at byte 0: the extended headers have 4,611,686,018,427,387,904 bytes");
    // What is allowed: no end at all, zeros behind it, an empty stream.
    for (tar, lines) in [(&good[..2560], 3), (&[&good[..], &[0; 10_240]].concat(), 3), (&[], 1), (&[0; 512], 1)] {
        assert_eq!(dump(&read_tars(&[tar.to_vec()]).unwrap().merged).lines().count(), lines);
    }
}

#[test]
fn links_cannot_make_paths_without_end() {
    // Each round leads 4,000 bytes deeper than the last.
    let deep = "0123456789abcde/".repeat(250);
    let tar = Tar::of([
        file("x", "").pax("path", format!("{deep}f")),
        symlink("a", "x").pax("linkpath", deep.clone()),
        file("x", "").pax("path", format!("a/{deep}f")),
    ]);
    let text = error(&[tar.end()]).to_string();
    assert!(text.ends_with("the name leads through links to more than 4,096 bytes"), "{text}");
}

#[test]
fn the_deepest_trees_are_read_and_dropped() {
    let tar = |depth| Tar::of([file("x", "").pax("path", format!("{}f", "d/".repeat(depth)))]).end();
    let layers = read_tars(&[tar(512), tar(512)]).unwrap();
    assert_eq!(dump(&layers.merged).lines().count(), 514);
    let text = error(&[tar(513)]).to_string();
    assert!(text.ends_with("the name is more than 512 directories deep"), "{text}");
}

#[test]
fn damaged_blobs_are_told_from_damaged_layers() {
    let tar = Tar::of([file("a", "a".repeat(5000)), file("b", "b")]).end();
    type Case = (Packing, fn(&mut Vec<u8>), bool, &'static str);
    let cases: [Case; 11] = [
        (Packing::Gzip, |blob| blob[20] ^= 1, false, "the blob is damaged: its contents have the digest sha256:"),
        (Packing::Plain, |blob| blob[20] ^= 1, false, "the blob is damaged: its contents have the digest sha256:"),
        (Packing::Zstd, |blob| blob[20] ^= 1, false, "the blob is damaged: its contents have the digest sha256:"),
        (Packing::Gzip, |blob| blob.truncate(50), false, "the blob has 50 bytes, its descriptor says"),
        (Packing::Gzip, |blob| blob.push(0), false, "bytes, its descriptor says"),
        (Packing::Gzip, |blob| blob.truncate(50), true, "the gzip data is damaged after"),
        (Packing::Gzip, |blob| blob.extend(b"junk"), true, "the gzip data is damaged after"),
        (Packing::Gzip, |blob| *blob = b"no gzip".to_vec(), true, "the gzip data is damaged after 0 bytes of tar"),
        (Packing::Zstd, |blob| blob.truncate(50), true, "the zstd data is damaged after"),
        (Packing::Zstd, |blob| blob.extend(b"junk"), true, "the zstd data is damaged after"),
        (Packing::GzipMembers, |blob| blob.truncate(8), true, "the gzip data is damaged after 0 bytes of tar"),
    ];
    for (packing, damage, before_digest, wanted) in cases {
        let (mut blob, media_type) = pack(&tar, packing);
        let mut layout = Layout::new();
        if before_digest {
            damage(&mut blob);
        }
        let descriptor = layout.blob(&blob, media_type);
        let manifest = layout.manifest(std::slice::from_ref(&descriptor), &config("amd64", &[sha256(&tar)]));
        layout.enter(manifest, None);
        if !before_digest {
            damage(&mut blob);
            fs::write(layout.blob_path(descriptor["digest"].as_str().unwrap()), &blob).unwrap();
        }
        let error = read(&layout.source(None)).unwrap_err();
        assert!(error.to_string().contains(wanted), "{packing:?}: {error}\nwanted: {wanted}");
        let hint = if before_digest { "the blob matches its digest" } else { "the image changed after it was made" };
        assert!(error.hint().unwrap().starts_with(hint), "{error}");
    }
}

#[test]
fn the_diff_id_covers_the_whole_stream() {
    let tar = Tar::of([file("a", "a")]).end();
    let longer = [&tar[..], &[0; 512]].concat();
    let mut layout = Layout::new();
    let (blob, media_type) = pack(&longer, Packing::Gzip);
    let descriptor = layout.blob(&blob, media_type);
    let manifest = layout.manifest(&[descriptor], &config("amd64", &[sha256(&tar)]));
    layout.enter(manifest, None);
    let text = read(&layout.source(None)).unwrap_err().to_string();
    let wanted =
        format!("the uncompressed layer has the digest {}, the configuration says {}", sha256(&longer), sha256(&tar));
    assert!(text.ends_with(&wanted), "{text}");
}

#[test]
fn a_missing_layer_and_one_that_is_no_file_are_named() {
    let layers: Vec<_> = (0..3).map(|n| (Tar::of([file(format!("f{n}"), "x")]).end(), Packing::Plain)).collect();
    let layout = layout_of(&layers);
    let path = layout.blob_path(&sha256(&layers[1].0));
    fs::remove_file(&path).unwrap();
    let text = read(&layout.source(None)).unwrap_err().to_string();
    assert!(text.starts_with("layer 2 of 3 (sha256:") && text.ends_with("…): the blob is missing"), "{text}");
    fs::create_dir(&path).unwrap();
    let text = read(&layout.source(None)).unwrap_err().to_string();
    assert!(text.ends_with("the blob cannot be read: it is not a regular file"), "{text}");
}

#[test]
fn a_consumer_that_fails_early_does_not_leave_the_decoder_waiting() {
    // Far more than what is kept in flight follows the entry that fails.
    let mut tar = Tar::of([hard_link("a", "none")]);
    tar.push(&file("big", vec![7; 20 << 20]));
    let layers = vec![(tar.end(), Packing::Zstd), (tar.end(), Packing::Gzip)];
    let text = read(&layout_of(&layers).source(None)).unwrap_err().to_string();
    assert!(text.ends_with("hard link to /none, which does not exist"), "{text}");
}

#[test]
fn a_hint_goes_with_errors_of_the_image_s_maker() {
    let hint = error(&[Tar::of([hard_link("a", "none")]).end()]).hint();
    let wanted = "the blob matches its digest, so the image was built like this; build it again, or with another tool";
    assert_eq!(hint.as_deref(), Some(wanted));
    // Indexes may carry anything; only what is meant is read.
    let mut layout = layout_of(&[(Tar::of([file("x", "")]).end(), Packing::Plain)]);
    layout.enter(json!({"mediaType": "text/plain", "digest": sha256(b""), "size": 0}), Some("other"));
    assert!(read(&layout.source(Some("t"))).is_ok());
}
