//! The reader, held against what `mksquashfs` and our own writer make, and against damage.

mod judge;

use std::fs;
use std::io;
use std::path::Path;

use builder_block::{ByteSize, DiskSource as _, ReadAt, Region};
use builder_squashfs::{Attributes, Content, EntryKind, File, InodeKind, Options, Plan, ReadError, Squashfs, Tree};
use judge::{Disk, MTIME, mksquashfs, noise, text};

/// Files of a directory on the host, of lengths that fill blocks of many sizes or do not.
const FILES: [(&str, usize); 9] = [
    ("empty", 0),
    ("one", 1),
    ("page", 4096),
    ("tail", 4097),
    ("block", 1 << 17),
    ("d/more", (1 << 17) + 1),
    ("d/e/long", (3 << 20) + 77),
    ("d/e/small", 500),
    ("noise", 300_000),
];

fn content(name: &str, length: usize) -> Vec<u8> {
    let seed = u32::try_from(length).unwrap();
    if name == "noise" {
        return noise(u64::from(seed), length);
    }
    let mut bytes = text(seed, length);
    if name == "d/e/long" {
        bytes[100_000..2_500_000].fill(0);
    }
    bytes
}

fn host_directory(path: &Path) {
    fs::create_dir_all(path.join("d/e")).unwrap();
    fs::create_dir_all(path.join("many")).unwrap();
    for (name, length) in FILES {
        fs::write(path.join(name), content(name, length)).unwrap();
    }
    for number in 0..3000 {
        fs::write(path.join(format!("many/{number}-{}", "n".repeat(number % 90))), number.to_string()).unwrap();
    }
    std::os::unix::fs::symlink("d/e/long", path.join("link")).unwrap();
}

fn read(file: &File<'_, impl ReadAt>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![1; usize::try_from(file.size().bytes()).unwrap()];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// Everything of an image that is made of [`host_directory`].
fn check(image: &Squashfs<impl ReadAt>, words: &str) {
    for (name, length) in FILES {
        let expected = content(name, length);
        let file = image.open_file(name.as_bytes()).unwrap();
        assert!(read(&file).unwrap() == expected, "{words}: {name}");
        for start in [0, 1, length / 3, length.saturating_sub(5000)] {
            let piece = start.min(length)..length.min(start + 9000);
            let mut bytes = vec![1; piece.len()];
            file.read_at(piece.start as u64, &mut bytes).unwrap();
            assert!(bytes == expected[piece], "{words}: {name} from {start}");
        }
        let end = file.read_at(length as u64, &mut [0]).unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
        let runs: Vec<Region> = file.regions().map(Result::unwrap).collect();
        let covered = |at: u64| runs.iter().any(|run| (run.start..run.end).contains(&at));
        assert!(expected.iter().zip(0..).all(|(&byte, at)| byte == 0 || covered(at)), "{words}: {name}");
        assert!(name != "d/e/long" || !covered(1_100_000), "{words}: holes are known");
    }
    let Some(link) = image.lookup(b"link").unwrap() else { panic!("{words}: no link") };
    assert!(matches!(link.kind, InodeKind::Symlink(target) if target == b"d/e/long"));
    for (path, there) in [("", true), ("d//e/", true), ("d/none", false), ("one/below", false), ("link/..", false)] {
        assert_eq!(image.lookup(path.as_bytes()).unwrap().is_some(), there, "{words}: {path}");
    }
    let InodeKind::Directory(many) = image.lookup(b"many").unwrap().unwrap().kind else { panic!("no directory") };
    let names = image.entries(&many).unwrap();
    assert_eq!(names.len(), 3000);
    assert!(names.is_sorted_by(|one, other| one.name < other.name));
    let entry = names.iter().find(|entry| entry.name.starts_with(b"2999-")).unwrap();
    assert_eq!(entry.kind, EntryKind::File);
    let InodeKind::File(file) = image.inode_of(entry).unwrap().kind else { panic!("no file") };
    assert_eq!(read(&image.file(&file).unwrap()).unwrap(), b"2999");
}

#[test]
fn what_mksquashfs_makes_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let from = directory.path().join("from");
    host_directory(&from);
    for options in [
        &["-b", "128K"][..],
        &["-b", "4K"],
        &["-b", "64K", "-always-use-fragments"],
        &["-b", "1M", "-always-use-fragments"],
        &["-b", "1M", "-no-fragments"],
        &["-b", "256K", "-noI", "-noD", "-noF", "-noId"],
        &["-b", "128K", "-no-exports", "-nopad", "-Xcompression-level", "22"],
    ] {
        let image = directory.path().join("image");
        mksquashfs(&from, &image, &[&["-comp", "zstd", "-force-uid", "70000", "-force-gid", "7"], options].concat());
        let image = Squashfs::open(fs::read(&image).unwrap(), 0).unwrap();
        check(&image, &options.join(" "));
        let inode = image.lookup(b"d/e/small").unwrap().unwrap();
        assert_eq!((inode.uid, inode.gid), (70_000, 7));
        assert_eq!(image.inode_count(), 3000 + 14);
    }
}

#[test]
fn what_the_writer_makes_is_read() {
    for block_size in [ByteSize::kib(128), ByteSize::mib(1)] {
        let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
        for path in ["d", "d/e", "many"] {
            tree.directory(path.as_bytes(), Attributes::root(0o755)).unwrap();
        }
        for (name, length) in FILES {
            let attributes = Attributes { mode: 0o4755, uid: 5, gid: u32::MAX };
            tree.file(name.as_bytes(), attributes, Content::Bytes(content(name, length).into())).unwrap();
        }
        for number in 0..3000 {
            let name = format!("many/{number}-{}", "n".repeat(number % 90));
            let bytes = number.to_string().into_bytes();
            tree.file(name.as_bytes(), Attributes::root(0o644), Content::Bytes(bytes.into())).unwrap();
        }
        tree.symlink(b"link", Attributes::root(0o777), b"d/e/long").unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let options = Options { block_size, ..Options::new(MTIME) };
        Plan::new(&tree, &options).unwrap().write_to(&mut file, 2048, 2, &mut |_| ()).unwrap();
        let device = builder_block::PlainFile::new(file).unwrap();
        let image = Squashfs::open(device, 2048).unwrap();
        check(&image, &block_size.to_string());
        assert_eq!((image.block_size(), image.mtime()), (block_size, MTIME));
        let inode = image.lookup(b"one").unwrap().unwrap();
        assert_eq!((inode.mode, inode.uid, inode.gid, inode.mtime), (0o4755, 5, u32::MAX, MTIME));
    }
}

#[test]
fn a_large_disk_is_read_by_its_data() {
    let size = (100 << 30) + 3;
    let disk = Disk { size, runs: vec![(7 << 30, text(1, 3 << 20)), (size - 3, vec![1; 3])] };
    let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
    tree.file(b"disk", Attributes::root(0o644), Content::Disk(&disk)).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    Plan::new(&tree, &Options::new(MTIME)).unwrap().write_to(&mut file, 0, 2, &mut |_| ()).unwrap();
    let image = Squashfs::open(builder_block::PlainFile::new(file).unwrap(), 0).unwrap();
    let file = image.open_file(b"disk").unwrap();
    assert_eq!(file.size().bytes(), size);
    let runs: Vec<Region> = file.regions().map(Result::unwrap).collect();
    assert_eq!(runs, [Region { start: 7 << 30, end: (7 << 30) + (3 << 20) }, Region { start: size - 3, end: size }]);
    let mut bytes = vec![0; 3 << 20];
    file.read_at(7 << 30, &mut bytes).unwrap();
    assert!(bytes == text(1, 3 << 20));
}

#[test]
fn what_is_not_read_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let from = directory.path().join("from");
    fs::create_dir_all(&from).unwrap();
    fs::write(from.join("file"), text(1, 100_000)).unwrap();
    let image = directory.path().join("image");
    for compressor in ["gzip", "xz", "lz4"] {
        mksquashfs(&from, &image, &["-comp", compressor]);
        let error = Squashfs::open(fs::read(&image).unwrap(), 0).unwrap_err().to_string();
        let expected = format!("the squashfs image is compressed with {compressor}, but only zstd is read; ");
        assert!(error.starts_with(&expected), "{error}");
    }
    mksquashfs(&from, &image, &["-comp", "zstd"]);
    let whole = fs::read(&image).unwrap();
    let image = Squashfs::open(whole.clone(), 0).unwrap();
    assert!(matches!(image.open_file(b"none"), Err(ReadError::Missing { .. })));
    assert!(matches!(image.open_file(b""), Err(ReadError::NoFile { .. })));
    for (at, bytes, words) in [
        (0x00, &b"sqsh"[..], "this is not a squashfs image: it begins with sqsh instead of hsqs"),
        (0x1C, &[3, 0], "version 3.0, but only 4.0 is read"),
        (0x14, &[77, 0], "compressed with compressor 77, which is not known"),
        (0x16, &[21, 0], "block_log 21, but blocks have 4 KiB to 1 MiB"),
        (0x16, &[255, 255], "block_log 65535"),
        (0x0C, &[1, 0, 2, 0], "block_size 131073, but block_log says otherwise"),
        (0x28, &[0xff; 8], "bytes_used 18446744073709551615, but the device ends before"),
        (0x30, &[0xff; 8], "id_table_start 18446744073709551615, but the image ends before"),
        (0x40, &[0xff; 8], "inode_table_start 18446744073709551615"),
        (0x48, &[0xff; 8], "directory_table_start 18446744073709551615"),
        (0x50, &[0xff; 8], "fragment_table_start 18446744073709551615"),
        (0x20, &[0xff; 8], "the table of inodes at byte 281474976"),
        (0x1A, &[0, 0], "owner or group of number 0, but the table of them ends before"),
    ] {
        let mut damaged = whole.clone();
        damaged[at..at + bytes.len()].copy_from_slice(bytes);
        let error = match Squashfs::open(damaged, 0).and_then(|image| image.root().map(|_| ())) {
            Err(error) => error.to_string(),
            Ok(()) => panic!("{words}: it is taken"),
        };
        assert!(error.contains(words), "{error:?} should say {words:?}");
    }
    for length in [0, 3, 95] {
        assert!(matches!(Squashfs::open(whole[..length].to_vec(), 0), Err(ReadError::Magic { .. })));
    }
    assert!(matches!(Squashfs::open(whole.clone(), u64::MAX), Err(ReadError::Magic { .. })));
    assert!(matches!(Squashfs::open(whole[..200].to_vec(), 0), Err(ReadError::Damaged { .. })));
}

/// Reads whatever there is, however damaged, but no tree that is larger than the one that was damaged.
fn read_all(bytes: Vec<u8>) -> Result<(), ReadError> {
    let image = Squashfs::open(bytes, 0)?;
    let mut waiting = vec![image.root()?];
    let mut steps = 0;
    while let Some(inode) = waiting.pop() {
        steps += 1;
        if steps > 60 {
            break;
        }
        match inode.kind {
            InodeKind::Directory(directory) => {
                for entry in image.entries(&directory)?.iter().take(60) {
                    waiting.extend(image.inode_of(entry).ok());
                }
            }
            InodeKind::File(file) => {
                let Ok(file) = image.file(&file) else { continue };
                let _ = file.regions().take(1000).count();
                let mut buffer = vec![0; 70_000];
                for at in [0, 100_000, file.size().bytes().saturating_sub(70_000)] {
                    let _ = file.read_at(at, &mut buffer);
                }
                let length = usize::try_from(file.size().bytes().min(70_000)).unwrap();
                let _ = file.read_at(0, &mut buffer[..length]);
            }
            InodeKind::Symlink(_) | InodeKind::Other => (),
        }
    }
    Ok(())
}

/// A small image with all that there is, compressed or not.
fn small_image(directory: &Path, options: &[&str]) -> Vec<u8> {
    let from = directory.join("from");
    fs::create_dir_all(from.join("d/e")).unwrap();
    fs::write(from.join("long"), [text(1, 20_000), vec![0; 20_000], noise(2, 3000)].concat()).unwrap();
    fs::write(from.join("d/small"), text(3, 300)).unwrap();
    fs::write(from.join("d/e/tail"), text(4, 5000)).unwrap();
    let _ = std::os::unix::fs::symlink("d/e/tail", from.join("link"));
    let image = directory.join("image");
    mksquashfs(&from, &image, &[&["-comp", "zstd", "-b", "4K", "-nopad"], options].concat());
    fs::read(image).unwrap()
}

#[test]
fn damage_anywhere_ends_the_reading_in_time() {
    let directory = tempfile::tempdir().unwrap();
    // Metadata that is not compressed takes damage that zstd would find.
    for options in [&["-always-use-fragments"][..], &["-noI", "-noId", "-noF", "-always-use-fragments"]] {
        let whole = small_image(directory.path(), options);
        read_all(whole.clone()).unwrap();
        let tables = usize::try_from(u64::from_le_bytes(whole[0x40..0x48].try_into().unwrap())).unwrap();
        for at in (0..96).chain(tables..whole.len()).chain((96..tables).step_by(7)) {
            for value in [0x00, 0xff, 0x80, whole[at] ^ 1, whole[at].wrapping_add(1), whole[at] ^ 0x40] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                let _ = read_all(bytes);
            }
        }
        for round in 0..2000_usize {
            let mut bytes = whole.clone();
            for number in 0..6_usize {
                let spread = (round * 6 + number).wrapping_mul(2_654_435_761);
                // Half of it in the tables and the superblock.
                let at = match number % 3 {
                    0 => spread % whole.len(),
                    1 => spread % 96,
                    _ => tables + spread % (whole.len() - tables),
                };
                bytes[at] = u8::try_from(spread >> 9 & 0xff).unwrap();
            }
            let _ = read_all(bytes);
        }
        for length in (0..whole.len()).step_by(11) {
            let _ = read_all(whole[..length].to_vec());
        }
    }
}
