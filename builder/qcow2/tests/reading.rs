//! Files that `qemu-img` wrote, and what becomes of them when they are damaged.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use builder_block::{DiskSource, PIECE, Piece, ReadAt};
use builder_qcow2::{Qcow2Error, Qcow2Reader};
use tempfile::TempDir;

/// Numbers without rhyme or reason, the same every time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

fn command(program: &str) -> Command {
    Command::new(program)
}

fn run(command: &mut Command) {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `qemu-utils`"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&output.stderr));
}

fn qemu_io(disk: &Path, commands: &[&str]) {
    let mut qemu_io = command("qemu-io");
    qemu_io.args(["-f", "qcow2"]);
    for one in commands {
        qemu_io.args(["-c", one]);
    }
    run(qemu_io.arg(disk));
}

/// Runs of bytes that cannot be compressed, of bytes that can, of zeros, and holes.
fn content(size: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = vec![0; size];
    let mut at = 0;
    while at < size {
        let end = size.min(at + 1 + random.below(200_000));
        match random.below(4) {
            0 => bytes[at..end].fill_with(|| random.next().to_be_bytes()[3]),
            1 => bytes[at..end].iter_mut().zip(at..).for_each(|(byte, at)| *byte = at.to_be_bytes()[6]),
            // A single byte in the middle of nothing.
            2 => bytes[at + random.below(end - at)] = 1,
            _ => {}
        }
        at = end;
    }
    bytes
}

struct Workshop {
    directory: TempDir,
}

impl Workshop {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A disk with `raw` on it.
    fn convert(&self, raw: &[u8], options: &[&str]) -> PathBuf {
        let (from, to) = (self.path("disk.raw"), self.path("disk.qcow2"));
        std::fs::write(&from, raw).unwrap();
        run(command("qemu-img").args(["convert", "-f", "raw", "-O", "qcow2"]).args(options).args([&from, &to]));
        to
    }

    fn file(&self, raw: &[u8], options: &[&str]) -> Vec<u8> {
        std::fs::read(self.convert(raw, options)).unwrap()
    }
}

fn open(bytes: Vec<u8>) -> Result<Qcow2Reader<Vec<u8>>, Qcow2Error> {
    Qcow2Reader::open(bytes)
}

fn whole(disk: &impl ReadAt) -> io::Result<Vec<u8>> {
    let mut bytes = vec![7; usize::try_from(disk.size().bytes()).unwrap()];
    disk.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// Reads a disk in all ways there are, and compares with what should be on it.
fn assert_reads(disk: &Qcow2Reader<Vec<u8>>, raw: &[u8], name: &str) {
    assert_eq!(disk.size().bytes(), raw.len() as u64, "{name}");
    assert!(whole(disk).unwrap() == raw, "{name}: read at once");

    let mut by_piece = Vec::new();
    for offset in (0..raw.len() as u64).step_by(usize::try_from(PIECE).unwrap()) {
        let piece = Piece::read(disk, offset).unwrap();
        let length = by_piece.len() + piece.length();
        by_piece.extend_from_slice(piece.bytes().unwrap_or_default());
        by_piece.resize(length, 0);
    }
    assert!(by_piece == raw, "{name}: read by piece");

    let mut behind = 0;
    for region in disk.regions() {
        let region = region.unwrap();
        let [last, start, end] = [behind, region.start, region.end].map(|at| usize::try_from(at).unwrap());
        assert!(last <= start && start < end && end <= raw.len(), "{name}: {region} behind {last}");
        assert!(raw[last..start].iter().all(|&byte| byte == 0), "{name}: data in front of {region}");
        behind = region.end;
    }
    assert!(raw[usize::try_from(behind).unwrap()..].iter().all(|&byte| byte == 0), "{name}: data behind {behind}");

    let mut random = Random(3);
    for _ in 0..300 {
        let start = random.below(raw.len());
        let limit = if random.below(2) == 0 { 9_000 } else { 300_000 };
        let end = raw.len().min(start + random.below(limit));
        let mut bytes = vec![7; end - start];
        disk.read_at(start as u64, &mut bytes).unwrap();
        assert!(bytes == raw[start..end], "{name}: {start}..{end}");
        let found = disk.data_behind(start as u64).unwrap();
        let skipped = found.map_or(raw.len(), |found| usize::try_from(found.start).unwrap());
        assert!(start <= skipped && raw[start..skipped].iter().all(|&byte| byte == 0), "{name}: behind {start}");
    }

    let behind = disk.read_at(raw.len() as u64 - 1, &mut [0; 2]).unwrap_err();
    assert_eq!(behind.kind(), io::ErrorKind::UnexpectedEof, "{name}");
    assert!(disk.read_at(u64::MAX, &mut [0; 2]).is_err() && disk.data_behind(u64::MAX).unwrap().is_none(), "{name}");
}

#[test]
fn what_qemu_wrote_is_read_back() {
    let workshop = Workshop::new();
    let table: [&[&str]; 16] = [
        &[],
        &["-c"],
        &["-c", "-o", "compression_type=zstd"],
        &["-o", "cluster_size=512"],
        &["-c", "-o", "cluster_size=512"],
        &["-o", "cluster_size=4k"],
        &["-c", "-o", "cluster_size=4k,compression_type=zstd"],
        &["-o", "cluster_size=2M"],
        &["-c", "-o", "cluster_size=2M"],
        &["-o", "compat=0.10"],
        &["-c", "-o", "compat=0.10,cluster_size=8k"],
        &["-o", "preallocation=metadata"],
        &["-o", "preallocation=full,cluster_size=4k"],
        &["-o", "lazy_refcounts=on,refcount_bits=1"],
        &["-o", "extended_l2=on"],
        &["-c", "-o", "extended_l2=on,cluster_size=16k"],
    ];
    // No multiples of a cluster; the second is less than one piece, the third has two L2 tables of 4 KiB.
    for (size, seed) in [(9 * 512, 5), ((1 << 20) + 512, 6), ((4 << 20) + 5 * 512, 7)] {
        let raw = content(size, seed);
        for options in table {
            let name = format!("{size} bytes {options:?}");
            let disk = open(workshop.file(&raw, options)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_reads(&disk, &raw, &name);
        }
    }
}

#[test]
fn what_was_written_and_discarded_later_is_seen() {
    let workshop = Workshop::new();
    let size = 4 << 20;
    for options in [
        "compat=1.1",
        "compat=0.10",
        "cluster_size=4k",
        "cluster_size=2M",
        "extended_l2=on",
        "extended_l2=on,cluster_size=16k",
        "preallocation=metadata",
    ] {
        for compress in [&["-o", options][..], &["-c", "-o", options]] {
            if compress.len() == 3 && options.contains("preallocation") {
                continue;
            }
            let mut raw = content(size, 11);
            let disk = workshop.convert(&raw, compress);
            qemu_io(
                &disk,
                &[
                    "write -z 64k 128k",
                    "write -P 9 100k 3k",
                    "discard 1M 512k",
                    "write -zu 2M 96k",
                    "write -P 5 3M 513k",
                ],
            );
            raw[64 << 10..192 << 10].fill(0);
            raw[100 << 10..103 << 10].fill(9);
            raw[1 << 20..(1 << 20) + (512 << 10)].fill(0);
            raw[2 << 20..(2 << 20) + (96 << 10)].fill(0);
            raw[3 << 20..(3 << 20) + (513 << 10)].fill(5);
            let name = format!("{compress:?}");
            // With large clusters some of that is not discarded; what the disk then holds is for the judge to say.
            let judged = workshop.path("judged.raw");
            run(command("qemu-img").args(["convert", "-O", "raw"]).args([&disk, &judged]));
            let judged = std::fs::read(judged).unwrap();
            if options != "cluster_size=2M" {
                assert!(judged == raw, "{name}: the test itself");
            }
            assert_reads(&open(std::fs::read(&disk).unwrap()).unwrap(), &judged, &name);

            // The snapshot is what was there before.
            run(command("qemu-img").args(["snapshot", "-c", "before"]).arg(&disk));
            qemu_io(&disk, &["write -P 77 0 300k", "write -P 78 3500k 9k"]);
            let mut after = judged;
            after[..300 << 10].fill(77);
            after[3500 << 10..3509 << 10].fill(78);
            assert_reads(&open(std::fs::read(&disk).unwrap()).unwrap(), &after, &format!("{name} and a snapshot"));
        }
    }
}

#[test]
fn empty_space_takes_no_time() {
    let workshop = Workshop::new();
    let disk = workshop.path("large.qcow2");
    // 32 KiB are told of by a table of this size, so this has four million L1 entries.
    run(command("qemu-img").args(["create", "-f", "qcow2", "-o", "cluster_size=512"]).arg(&disk).arg("127G"));
    qemu_io(&disk, &["write -P 3 100G 1k", "write -P 4 126G 1k", "discard 100G 1k"]);
    let disk = open(std::fs::read(&disk).unwrap()).unwrap();
    let mut regions = Vec::new();
    for offset in (0..127_u64 << 30).step_by(1 << 22) {
        let piece = Piece::read(&disk, offset).unwrap();
        regions.extend(piece.data().map(|(offset, bytes)| (offset, bytes.iter().map(|&byte| u32::from(byte)).sum())));
    }
    assert_eq!(regions, [(126 << 30, 4 * 1024_u32)]);
}

#[test]
fn a_table_that_two_entries_name_is_refused() {
    let workshop = Workshop::new();
    // With clusters of 512 bytes a table tells of 32 KiB.
    let mut file = workshop.file(&content(1 << 20, 1), &["-o", "cluster_size=512"]);
    let l1 = usize::try_from(u64::from_be_bytes(file[40..48].try_into().unwrap())).unwrap();
    let (from, to) = (l1 + 8 * 3, l1 + 8 * 7);
    file.copy_within(from..from + 8, to);
    let error = open(file).unwrap_err();
    let words = "the L2 table for byte 229376 of the disk at byte";
    assert!(error.to_string().contains(words), "{error}");
    assert!(error.to_string().ends_with("where it has the L2 table for byte 98304 of the disk as well"), "{error}");
    assert!(error.hint().unwrap().contains("qemu-img check"));
}

#[test]
fn disks_that_are_not_complete_are_refused_by_name() {
    let workshop = Workshop::new();
    std::fs::write(workshop.path("base.raw"), vec![1; 1 << 20]).unwrap();
    let secret = ["--object", "secret,id=key,data=a-word"];
    let table = [
        ("over", &[][..], &["-F", "raw", "-b", "base.raw"][..], "its backing file \"base.raw\"", "flatten it"),
        ("data", &[], &["-o", "data_file=else\u{7}where.raw"], "data file \"else\\u{7}where.raw\"", "flatten it"),
        ("aes", &secret, &["-o", "encrypt.format=aes,encrypt.key-secret=key"], "encrypted (AES)", "decrypt it"),
    ];
    for (name, before, options, text, hint) in table {
        run(command("qemu-img")
            .current_dir(workshop.directory.path())
            .args(["create", "-f", "qcow2"])
            .args(before)
            .args(options)
            .args([name, "1M"]));
        let error = open(std::fs::read(workshop.path(name)).unwrap()).unwrap_err();
        assert!(error.to_string().contains(text), "{name}: {error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{name}: {:?}", error.hint());
    }

    let file = workshop.file(&content(1 << 20, 1), &[]);
    // Fields of the header, by the byte that they are in: the incompatible features, and the method of encryption.
    for (offset, bits, text, hint) in [
        (79, 0b10, "marked as corrupt", "qemu-img check"),
        // By hand: qemu-img makes no LUKS header where it finds the clock of its thread too coarse.
        (35, 2, "encrypted (LUKS)", "decrypt it"),
        (79, 0b110_0000, "bits 5, 6 of incompatible_features", "qemu-img convert"),
        (72, 0b1000_0000, "bit 63 of incompatible_features", "qemu-img convert"),
    ] {
        let mut file = file.clone();
        file[offset] |= bits;
        let error = open(file).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{:?}", error.hint());
    }
    let mut dirty = file;
    dirty[79] |= 1;
    assert!(open(dirty).is_ok());
}

/// Reads a disk that may be damaged, as far as it is not too large.
fn read_damaged(file: Vec<u8>) -> Result<Vec<u8>, String> {
    const LIMIT: u64 = 64 << 20;
    let disk = open(file).map_err(|error| error.to_string())?;
    for region in disk.regions().take(10_000) {
        let region = region.map_err(|error| error.to_string())?;
        assert!(region.start < region.end && region.end <= disk.size().bytes());
    }
    let mut bytes = vec![7; usize::try_from(disk.size().bytes().min(LIMIT)).unwrap()];
    disk.read_at(0, &mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// What `qemu-img` reads from a damaged disk; `None` where it refuses.
fn judge_damaged(workshop: &Workshop, file: &[u8]) -> Option<Vec<u8>> {
    let (from, to) = (workshop.path("damaged.qcow2"), workshop.path("damaged.raw"));
    std::fs::write(&from, file).unwrap();
    let result = command("qemu-img").args(["convert", "-f", "qcow2", "-O", "raw"]).args([&from, &to]).output().unwrap();
    result.status.success().then(|| std::fs::read(to).unwrap())
}

const DAMAGED: [&[&str]; 4] = [
    &["-o", "cluster_size=4k"],
    &["-c", "-o", "cluster_size=4k"],
    &["-c", "-o", "cluster_size=16k,extended_l2=on,compression_type=zstd"],
    &["-o", "compat=0.10"],
];

#[test]
fn a_file_that_was_cut_is_refused_or_lacks_the_end_of_a_cluster() {
    let workshop = Workshop::new();
    let raw = content(1 << 20, 21);
    for options in DAMAGED {
        let file = workshop.file(&raw, options);
        let disk = open(file.clone()).unwrap();
        let cluster = usize::try_from(disk.cluster_size().bytes()).unwrap();
        let mut random = Random(22);
        let cuts = (0..130).chain((0..120).map(|_| random.below(file.len())));
        for cut in cuts.collect::<Vec<_>>() {
            match read_damaged(file[..cut].to_vec()) {
                Err(error) => assert!(error.contains("qcow2"), "{error}"),
                Ok(bytes) => {
                    let pairs = bytes.chunks(cluster).zip(raw.chunks(cluster));
                    let changed = pairs.filter(|(read, written)| read != written).count();
                    assert!(bytes.len() == raw.len() && changed <= 1, "{options:?} {cut}: {changed}");
                }
            }
        }
    }
}

#[test]
fn header_fields_may_be_anything() {
    let workshop = Workshop::new();
    let raw = content(1 << 20, 31);
    let fields = [4, 8, 16, 20, 24, 32, 36, 40, 48, 56, 60, 64, 72, 80, 88, 96, 100, 104].map(|offset| {
        let length = match offset {
            8 | 24 | 40 | 48 | 64 | 72 | 80 | 88 => 8,
            104 => 1,
            _ => 4,
        };
        (offset, length)
    });
    let mut read = 0;
    for options in DAMAGED {
        let file = workshop.file(&raw, options);
        let mut random = Random(32);
        for (offset, length) in fields {
            for round in 0..12 {
                let value = match round {
                    0 => 0,
                    1 => u64::MAX,
                    2 => u64::MAX >> 1,
                    3..6 => random.next(),
                    // Close to what is there.
                    _ => random.next() >> (8 * random.below(8)) >> random.below(8),
                };
                let mut damaged = file.clone();
                damaged[offset..offset + length].copy_from_slice(&value.to_be_bytes()[8 - length..]);
                let Ok(bytes) = read_damaged(damaged.clone()) else { continue };
                read += 1;
                // The judge looks at the things that we do not need as well, so it may refuse more.
                if round < 3
                    && let Some(judged) = judge_damaged(&workshop, &damaged)
                {
                    let length = judged.len().min(bytes.len());
                    assert!(bytes[..length] == judged[..length], "{options:?} {offset} {value:#x}");
                }
            }
        }
    }
    assert!(read > 100, "{read}");
}

#[test]
fn table_entries_may_be_anything() {
    let workshop = Workshop::new();
    let raw = content(1 << 20, 41);
    let (mut read, mut refused, mut judged) = (0, 0, 0);
    for options in DAMAGED {
        let file = workshop.file(&raw, options);
        let number = |at: usize| u64::from_be_bytes(file[at..at + 8].try_into().unwrap());
        let l1 = usize::try_from(number(40)).unwrap();
        let l2 = usize::try_from(number(l1) & 0x00ff_ffff_ffff_fe00).unwrap();
        let mut random = Random(42);
        for round in 0..150 {
            let mut damaged = file.clone();
            for _ in 0..1 + random.below(3) {
                let entry = if round % 5 == 0 { l1 } else { l2 + 8 * random.below(256) };
                let there = number(entry);
                let value = match random.below(8) {
                    0 => random.next(),
                    1 => there ^ 1 << random.below(64),
                    // Each other, themselves, the header, the end of the file.
                    2 => l1 as u64,
                    3 => l2 as u64 | 1 << 63,
                    4 => number(l2 + 8 * random.below(256)),
                    5 => file.len() as u64 & !511,
                    6 => (1 << 62) | (random.next() % file.len() as u64),
                    _ => there | 0xffff << random.below(48),
                };
                damaged[entry..entry + 8].copy_from_slice(&value.to_be_bytes());
            }
            match read_damaged(damaged.clone()) {
                Err(error) => {
                    assert!(error.contains("qcow2") && error.contains("byte"), "{error}");
                    refused += 1;
                }
                Ok(bytes) => {
                    read += 1;
                    if round % 4 == 1
                        && let Some(expected) = judge_damaged(&workshop, &damaged)
                    {
                        assert!(bytes == expected, "{options:?} {round}");
                        judged += 1;
                    }
                }
            }
        }
    }
    assert!(read > 50 && refused > 50 && judged > 10, "{read} {refused} {judged}");
}

#[test]
fn compressed_bytes_may_be_anything() {
    let workshop = Workshop::new();
    let raw = content(1 << 20, 51);
    for options in [&DAMAGED[1], &DAMAGED[2], &&["-c"][..]] {
        let file = workshop.file(&raw, options);
        let mut random = Random(52);
        for _ in 0..150 {
            let mut damaged = file.clone();
            for _ in 0..1 + random.below(20) {
                damaged[4096 + random.below(file.len() - 4096)] = random.next().to_be_bytes()[2];
            }
            if let Err(error) = read_damaged(damaged) {
                assert!(error.contains("qcow2"), "{error}");
            }
        }
    }
}
