//! Damaged and hostile bytes give one clear error, in little time and memory, and never a panic.

use std::error::Error;
use std::io::{self, Read};

use crate::tools::{PACKINGS, pack, run};
use builder_initramfs::{ArchiveWriter, IgnoredReason, Initramfs, InitramfsError, Limits};
use proptest::prelude::*;

/// Few enough to reach them in a test.
fn small() -> Limits {
    Limits {
        unpacked_bytes: 1 << 20,
        entries: 50,
        archives: 5,
        name_bytes: 10_000,
        lookups: 2_000,
        body_bytes: 1_000,
        kept_bytes: 2_000,
        decoder_bytes: 16 << 20,
    }
}

fn read(bytes: &[u8]) -> Result<Initramfs, InitramfsError> {
    Initramfs::read(bytes, &small(), |_| true)
}

/// An entry as it stands in an archive: header with the fields' digits, name, body.
struct Raw {
    magic: &'static str,
    ino: u32,
    mode: u32,
    nlink: u32,
    body_bytes: u32,
    name_bytes: u32,
    sum: u32,
}

fn raw(name: &[u8], mode: u32, body: &[u8], change: impl Fn(&mut Raw)) -> Vec<u8> {
    let mut raw = Raw {
        magic: "070701",
        ino: 1,
        mode,
        nlink: 1,
        body_bytes: u32::try_from(body.len()).unwrap(),
        name_bytes: u32::try_from(name.len()).unwrap(),
        sum: 0,
    };
    change(&mut raw);
    let Raw { magic, ino, mode, nlink, body_bytes, name_bytes, sum } = raw;
    let mut bytes = format!(
        "{magic}{ino:08x}{mode:08x}{:08x}{:08x}{nlink:08x}{:08x}{body_bytes:08x}{:032x}{name_bytes:08x}{sum:08x}",
        0, 0, 0, 0
    )
    .into_bytes();
    assert_eq!(bytes.len(), 110);
    for part in [name, body] {
        bytes.extend_from_slice(part);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn file(name: &str, body: &[u8]) -> Vec<u8> {
    raw(&[name.as_bytes(), b"\0"].concat(), 0o100_644, body, |_| ())
}

fn directory(name: &str) -> Vec<u8> {
    raw(&[name.as_bytes(), b"\0"].concat(), 0o040_755, b"", |_| ())
}

fn symlink(name: &str, target: &str) -> Vec<u8> {
    raw(&[name.as_bytes(), b"\0"].concat(), 0o120_777, target.as_bytes(), |_| ())
}

fn trailer() -> Vec<u8> {
    raw(b"TRAILER!!!\0", 0, b"", |_| ())
}

fn with(mut bytes: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    bytes[at] = value;
    bytes
}

#[test]
fn each_damage_has_an_error_that_says_what_and_where() {
    let good = [file("a", b"body"), trailer()].concat();
    let second = |bytes: Vec<u8>| [good.clone(), bytes].concat();
    let at = good.len();
    let long = "x".repeat(2000);
    let table: Vec<(Vec<u8>, String)> = vec![
        (b"hello world".to_vec(), "byte 0 of the initramfs is neither the begin of a cpio archive nor of a known compression: it reads \"hello wo\"".into()),
        (second(b"\xff".to_vec()), format!("byte {at} of the initramfs is neither the begin of a cpio archive nor of a known compression: it reads \"\\xff\"")),
        (b"BZh91AY".to_vec(), "the part of the initramfs from byte 0 is packed with bzip2, which is not read here".into()),
        (b"\x04\x22\x4d\x18".to_vec(), "the part of the initramfs from byte 0 is packed with LZ4's new frame, which is not supported".into()),
        (b"\xfd7zXZ\0\0\x04".to_vec(), "the part of the initramfs from byte 0 is packed with xz with a check other than CRC32, which is not supported".into()),
        (second(b"0707".to_vec()), format!("archive 2, byte {at}: the archive ends inside of a header, 106 bytes are missing")),
        (second(vec![b'0'; 110]), format!("archive 2, byte {at}: a header must begin with 070701 or 070702, found \"000000\"")),
        (with(good.clone(), 5, b'7'), "archive 1, byte 0: the archive has the old cpio form 070707, which the kernel does not unpack".into()),
        (with(good.clone(), 54, b'g'), "archive 1, byte 0: the field c_filesize of the header is not a hexadecimal number".into()),
        (raw(b"a\0", 0o100_644, b"", |raw| raw.name_bytes = 0), "archive 1, byte 0: the name has 0 bytes, it must have 1 to 4,096".into()),
        (raw(b"a\0", 0o100_644, b"", |raw| raw.name_bytes = u32::MAX), "archive 1, byte 0: the name has 4,294,967,295 bytes, it must have 1 to 4,096".into()),
        (raw(b"a\0", 0o100_644, b"", |raw| raw.name_bytes = 4096), "archive 1, byte 0: the archive ends inside of a name, 4,094 bytes are missing".into()),
        (raw(b"abcd", 0o100_644, b"", |_| ()), "archive 1, byte 0: the name \"abcd\" does not end with a NUL".into()),
        (raw(b"a\0", 0o120_777, b"", |raw| raw.body_bytes = 4097), "archive 1, byte 0: the target of \"a\" has 4,097 bytes, more than 4,096".into()),
        (raw(b"a\0", 0o120_777, b"", |raw| raw.body_bytes = 4096), "archive 1, byte 0: the archive ends inside of the target of \"a\", 4,096 bytes are missing".into()),
        (raw(b"a\0", 0o100_644, b"xyz", |raw| raw.body_bytes = 900), "archive 1, byte 0: the archive ends inside of the body of \"a\", 896 bytes are missing".into()),
        (raw(b"a\0", 0o100_644, b"", |raw| raw.body_bytes = u32::MAX), "archive 1, byte 0: \"a\" has 4,294,967,295 bytes, more than the 1,000 that are read of one file".into()),
        (raw(b"a\0", 0o100_644, b"ab", |raw| (raw.magic, raw.sum) = ("070702", 0xc4)), "archive 1, byte 0: the bytes of \"a\" add up to 0x000000c3, its header says 0x000000c4".into()),
        ([vec![0; 6], good.clone()].concat(), "archive 1, byte 6: what begins here is not at a multiple of 4 bytes".into()),
        ([good.clone(), vec![0; 5], pack("gzip", &good)].concat(), format!("archive 2, byte {}: what begins here is not at a multiple of 4 bytes", at + 5)),
        (["a", "b", "c"].map(|name| file(name, &[7; 900])).concat(), "archive 1, byte 2,024: the initramfs has more than 2,000 bytes in the files that are read".into()),
        (file("a", b"").repeat(51), "archive 1, byte 5,600: the initramfs has more than 50 entries".into()),
        (good.repeat(6), format!("archive 6, byte {}: the initramfs has more than 5 archives and compressed parts", comma(5 * at))),
        (pack("gzip", b"").repeat(6), "archive 1 (gzip, from byte 100), byte 0 of its unpacked contents: the initramfs has more than 5 archives and compressed parts".into()),
        (symlink("a", &long).repeat(6), "archive 1, byte 8,448: the initramfs has more than 10,000 bytes in names and link targets".into()),
        (vec![0; (1 << 20) + 1], "archive 1, byte 1,048,576: the initramfs has more than 1,048,576 bytes after unpacking".into()),
    ];
    for (bytes, expected) in table {
        let error = read(&bytes).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().is_some(), "{expected}");
    }
}

fn comma(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

#[test]
fn damage_in_a_compressed_part_is_told_with_both_offsets() {
    let archive = [file("a", &[b'x'; 900]), trailer()].concat();
    for packing in PACKINGS.into_iter().filter(|packing| *packing != "plain") {
        let prefix = format!(" ({packing}, from byte {}), byte ", comma(archive.len()));
        let read_behind = |part: &[u8]| read(&[&archive[..], part].concat()).unwrap_err();
        let packed = pack(packing, &archive);
        // lz4 needs nothing at its end and sees only a shorter archive, or a damaged block.
        let error = read_behind(&packed[..packed.len() - 6]);
        assert!(error.to_string().starts_with(&format!("archive 2{prefix}")), "{error}");
        assert!(matches!(error, InitramfsError::Damaged { .. }), "{packing}: {error}");
        assert!(error.source().is_some() && error.hint().is_some());

        for (contents, expected) in [
            ([archive.clone(), b"junk".to_vec()].concat(), "expected an archive, zeros or the end, found \"junk\""),
            (archive[..200].to_vec(), "the archive ends inside of the body of \"a\", 812 bytes are missing"),
            (
                file("b", b"12345")[..117].to_vec(),
                "the archive ends inside of the zeros behind \"b\", 3 bytes are missing",
            ),
            (
                [archive.clone(), vec![0; 2], archive.clone()].concat(),
                "what begins here is not at a multiple of 4 bytes",
            ),
        ] {
            let error = read_behind(&pack(packing, &contents)).to_string();
            let (place, said) = error.split_once(&prefix).unwrap_or_else(|| panic!("{error}"));
            // Behind the trailer it would be the next one.
            assert_eq!(place, if contents.len() > archive.len() { "archive 3" } else { "archive 2" });
            assert!(said.ends_with(expected), "{packing}: {said}");
        }
    }
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let zeros = vec![0; 64 << 20];
    for packing in PACKINGS {
        for contents in [zeros.clone(), raw(b"a\0", 0o100_644, &zeros, |_| ())] {
            let error = Initramfs::read(&pack(packing, &contents)[..], &small(), |_| false).unwrap_err().to_string();
            assert!(
                error.ends_with("the initramfs has more than 1,048,576 bytes after unpacking"),
                "{packing}: {error}"
            );
        }
    }
    // All parts count together.
    let part = pack("zstd", &[0; 300 << 10]);
    assert!(read(&part.repeat(3)).is_ok());
    assert!(matches!(read(&part.repeat(4)), Err(InitramfsError::TooMuch { limit: 1_048_576, .. })));
}

#[test]
fn a_decoder_gets_only_so_much_memory() {
    let archive = trailer();
    let xz = run("xz-utils", "/".as_ref(), &["xz", "-c", "--check=crc32", "--lzma2=dict=32MiB"], &archive);
    let lzma = run("xz-utils", "/".as_ref(), &["xz", "-c", "--format=lzma", "--lzma1=dict=32MiB"], &archive);
    for part in [xz, lzma] {
        let error = read(&part).unwrap_err();
        assert!(matches!(error, InitramfsError::DecoderMemory { limit: 16_777_216, .. }), "{error}");
        assert!(Initramfs::read(&part[..], &Limits::default(), |_| true).is_ok());
    }
    let long = |log: &str| {
        let words = ["zstd", "-q", "-c", "--ultra", "-22", log];
        run("zstd", "/".as_ref(), &words, &vec![1; 300 << 20])
    };
    let error = read(&long("--long=28")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the zstd frame from byte 0 of the initramfs needs a window of 268,435,456 bytes, more than the 134,217,728 \
         that the kernel allows"
    );
    assert!(matches!(read(&long("--long=27")), Err(InitramfsError::Junk { .. })));
}

/// Gives an error behind its bytes.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::Error::other("bad sector")) } else { self.0.read(out) }
    }
}

#[test]
fn a_failing_reader_is_told_apart_from_damaged_data() {
    let archive = [file("a", b"body"), trailer()].concat();
    for packing in PACKINGS {
        let part = pack(packing, &archive);
        for length in [0, 1, part.len() - 5, part.len()] {
            let error = Initramfs::read(Broken(&part[..length]), &small(), |_| true).unwrap_err();
            assert!(matches!(error, InitramfsError::Read { .. }), "{packing} {length}: {error}");
            assert_eq!(error.source().unwrap().to_string(), "bad sector");
        }
    }
    let error = Initramfs::read(io::repeat(0), &small(), |_| true).unwrap_err();
    assert!(matches!(error, InitramfsError::TooMuch { .. }));
    // An endless gzip member of empty blocks, which unpack to nothing.
    let endless = [&b"\x1f\x8b\x08\0\0\0\0\0\0\xff"[..]].concat();
    let endless = Read::chain(&endless[..], Blocks(0));
    let error = Initramfs::read(endless, &small(), |_| true).unwrap_err();
    assert!(error.to_string().ends_with("the initramfs has more than 1,048,576 bytes"), "{error}");
}

/// Stored blocks of deflate, without contents, without end.
struct Blocks(usize);

impl Read for Blocks {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        for byte in out.iter_mut() {
            *byte = [0, 0, 0, 0xff, 0xff][self.0 % 5];
            self.0 += 1;
        }
        Ok(out.len())
    }
}

#[test]
fn links_that_multiply_are_stopped() {
    let mut bytes = directory("a");
    for link in 0..40 {
        bytes.extend(symlink(&format!("l{}", link + 1), &"a/../".repeat(40).replacen("a", &format!("l{link}"), 1)));
    }
    bytes.extend(file("l40/x", b"").repeat(5));
    let error = read(&bytes).unwrap_err().to_string();
    assert!(error.contains("more than 2,000 names to look up"), "{error}");
}

#[test]
fn what_the_kernel_drops_is_dropped_and_told() {
    use IgnoredReason::{
        DirectoryInPlace, NoParent, NothingToLinkTo, ParentIsNotADirectory, TooManyLinks, UnexpectedBody, UnknownType,
    };
    let link = |name: &[u8], ino: u32, body: &[u8]| raw(name, 0o100_644, body, |raw| (raw.ino, raw.nlink) = (ino, 2));
    let bytes = [
        file("none/x", b""),
        file("dev/null", b"the kernel has this directory"),
        file("a", b"old"),
        file("a/x", b""),
        directory("d"),
        file("d/x", b""),
        symlink("d", "a"),
        file("d", b"skipped"),
        directory("empty"),
        symlink("empty", "d"),
        file("empty/y", b"through a link"),
        symlink("circle", "circle"),
        file("circle/x", b""),
        raw(b"odd\0", 0, b"", |_| ()),
        raw(b"full\0", 0o040_755, b"body", |_| ()),
        link(b"none/first\0", 7, b""),
        link(b"second\0", 7, b"lost"),
        link(b"early\0", 8, b"early body"),
        link(b"late\0", 8, b""),
        directory("a"),
        trailer(),
        // In another archive the same number is another file.
        link(b"other\0", 8, b"new"),
        file("./d//x", b"newer"),
        raw(b"padded\0\0\0\0\0\0", 0o100_600, b"p", |_| ()),
    ]
    .concat();
    let initramfs = read(&bytes).unwrap();
    let dropped: Vec<_> =
        initramfs.ignored().iter().map(|one| (String::from_utf8(one.name.clone()).unwrap(), one.reason)).collect();
    let expected = [
        ("none/x", NoParent),
        ("a/x", ParentIsNotADirectory),
        ("d", DirectoryInPlace),
        ("d", DirectoryInPlace),
        ("circle/x", TooManyLinks),
        ("odd", UnknownType),
        ("full", UnexpectedBody),
        ("none/first", NoParent),
        ("second", NothingToLinkTo),
    ];
    assert_eq!(dropped, expected.map(|(name, reason)| (name.to_owned(), reason)));
    assert_eq!(initramfs.ignored_count(), 9);
    let paths: Vec<_> = initramfs.entries().map(|(path, _)| String::from_utf8(path).unwrap()).collect();
    let expected =
        ["", "a", "circle", "d", "d/x", "d/y", "dev", "dev/null", "early", "empty", "late", "other", "padded"];
    assert_eq!(paths, expected);
    assert!(initramfs.entry("a").unwrap().kind.is_directory());
    for (path, text) in [("late", "early body"), ("other", "new"), ("empty/x", "newer"), ("d/y", "through a link")] {
        assert_eq!(initramfs.text(path).unwrap(), Some(text));
    }
    assert_eq!(initramfs.entry("d/x").unwrap().archive, 2);
}

#[test]
fn a_body_is_there_or_it_is_told_why_not() {
    let bytes = [
        file("kept", b"\xff"),
        file("skipped", b"x"),
        raw(b"first\0", 0o100_644, b"body", |raw| (raw.ino, raw.nlink) = (9, 2)),
    ]
    .concat();
    let initramfs = Initramfs::read(&bytes[..], &small(), |path| path == b"kept").unwrap();
    assert!(matches!(initramfs.text("kept"), Err(InitramfsError::NotText { .. })));
    assert!(matches!(initramfs.body("skipped"), Err(InitramfsError::NotKept { .. })));
    assert!(matches!(initramfs.body("none"), Ok(None)));
    let late = raw(b"late\0", 0o100_644, b"", |raw| (raw.ino, raw.nlink) = (9, 2));
    let error = Initramfs::read(&[bytes, late].concat()[..], &small(), |path| path == b"late").unwrap_err();
    assert!(matches!(error, InitramfsError::BodyPassed { .. }), "{error}");
}

fn sample() -> Vec<u8> {
    let mut archive = ArchiveWriter::new(Vec::new());
    archive.directory("usr", 0o755).unwrap();
    archive.directory("usr/lib", 0o755).unwrap();
    archive.symlink("lib", "usr/lib").unwrap();
    archive.file("lib/x", 0o644, &[b'y'; 300]).unwrap();
    let bytes = archive.finish().unwrap();
    let link = |name: &[u8], body: &[u8]| raw(name, 0o100_644, body, |raw| (raw.ino, raw.nlink) = (3, 2));
    [bytes, link(b"one\0", b""), link(b"two\0", b"2"), trailer()].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_archives_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        digits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"0123456789abcdef".to_vec())), 0..6),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = sample();
        for (at, value) in changes.into_iter().chain(digits) {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(initramfs) = read(&bytes) {
            for (path, entry) in initramfs.entries() {
                prop_assert_eq!(initramfs.entry(&path), Some(entry));
            }
        }
    }

    #[test]
    fn mutated_compressed_parts_never_panic(
        which in 1..PACKINGS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        thread_local!(static PARTS: Vec<Vec<u8>> = PACKINGS.iter().map(|packing| pack(packing, &sample())).collect());
        let mut bytes = PARTS.with(|parts| parts[which].clone());
        for (at, value) in changes {
            // The magic stays, or hardly any case would come to the decoder.
            let at = 2 + at.index(bytes.len() - 2);
            bytes[at] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = read(&bytes);
    }

    #[test]
    fn random_bytes_behind_each_magic_never_panic(
        magic in prop::sample::select(vec![
            &b"070701"[..], b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0\0\x01", b"\x5d\0\0", b"\x02\x21\x4c\x18", b"",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = read(&[magic, &rest].concat());
    }
}
