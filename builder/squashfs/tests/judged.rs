//! Images as `unsquashfs` and the kernel read them, and as large as `mksquashfs` makes them.

mod judge;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use builder_block::{ByteSize, DiskSource, ReadAt, Region, Sink};
use builder_squashfs::{Attributes, Content, Options, Plan, Tree, WriteError};
use judge::{Disk, MTIME, image, mksquashfs, noise, run, text};
use tempfile::TempDir;

fn options(block_size: ByteSize, level: i32) -> Options {
    Options { block_size, level, mtime: MTIME }
}

/// Files of all the lengths at which something changes.
fn files(block: usize) -> BTreeMap<&'static str, Vec<u8>> {
    let holes = [noise(1, block), vec![0; 3 * block], text(2, block), vec![0; block + 7]].concat();
    BTreeMap::from([
        ("empty", Vec::new()),
        ("one", vec![b'1']),
        ("almost", text(3, block - 1)),
        ("exactly", text(4, block)),
        ("and-one", text(5, block + 1)),
        ("zeros", vec![0; 2 * block]),
        ("small-zeros", vec![0; 100]),
        ("d/noise", noise(6, 2 * block + 100)),
        ("d/e/holes", holes),
        ("d/e/small", text(7, 1000)),
    ])
}

fn tree<'a>(files: &'a BTreeMap<&'static str, Vec<u8>>, order: &[&'static str]) -> Tree<'a> {
    let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
    tree.directory(b"d", Attributes { mode: 0o1777, uid: 0, gid: 7 }).unwrap();
    tree.directory(b"d/e", Attributes { mode: 0o700, uid: 70_000, gid: 80_000 }).unwrap();
    tree.directory("ümlaut".as_bytes(), Attributes::root(0o755)).unwrap();
    tree.symlink(b"link", Attributes::root(0o777), b"d/e/small").unwrap();
    for name in order {
        let content = Content::Bytes(files[name].as_slice().into());
        tree.file(name.as_bytes(), Attributes { mode: 0o640, uid: 1000, gid: 1000 }, content).unwrap();
    }
    tree
}

fn names(files: &BTreeMap<&'static str, Vec<u8>>) -> Vec<&'static str> {
    files.keys().copied().collect()
}

fn unsquashfs(image: &Path, options: &[&str]) -> String {
    run("squashfs-tools", Command::new("unsquashfs").env("TZ", "UTC").args(options).arg(image))
}

fn extracted(directory: &TempDir, image: &Path) -> PathBuf {
    let to = directory.path().join("extracted");
    let to_text = to.to_str().unwrap();
    unsquashfs(image, &["-no-progress", "-quiet", "-strict-errors", "-force", "-dest", to_text]);
    to
}

#[test]
fn unsquashfs_gives_what_went_in() {
    for (block_size, level) in [(ByteSize::kib(128), 3), (ByteSize::kib(256), 1), (ByteSize::mib(1), 15)] {
        let directory = tempfile::tempdir().unwrap();
        let files = files(usize::try_from(block_size.bytes()).unwrap());
        let (image, written) = image(&directory, &tree(&files, &names(&files)), &options(block_size, level));

        let stat = unsquashfs(&image, &["-stat"]);
        for line in [
            "Creation or last append time Tue Nov 14 22:13:20 2023".to_owned(),
            format!("Filesystem size {} bytes", written.bytes_used),
            "Compression zstd".to_owned(),
            format!("Block size {}", block_size.bytes()),
            "Xattrs are not stored".to_owned(),
            "Number of inodes 15".to_owned(),
            "Number of ids 5".to_owned(),
        ] {
            assert!(stat.contains(&line), "no {line:?} in {stat}");
        }
        assert_eq!(stat.contains(&format!("compression-level {level}\n")), level != 15, "{stat}");

        let list = unsquashfs(&image, &["-lln"]);
        for (words, name) in [
            ("drwxrwxrwt 0/7", "squashfs-root/d"),
            ("drwx------ 70000/80000", "squashfs-root/d/e"),
            ("-rw-r----- 1000/1000", "squashfs-root/exactly"),
            ("lrwxrwxrwx 0/0", "squashfs-root/link -> d/e/small"),
        ] {
            let line = list.lines().find(|line| line.ends_with(&format!(" {name}"))).unwrap_or_default();
            assert!(line.starts_with(words) && line.contains("2023-11-14 22:13"), "{name}: {line:?} in {list}");
        }

        let to = extracted(&directory, &image);
        for (name, bytes) in &files {
            assert!(fs::read(to.join(name)).unwrap() == *bytes, "{block_size}: {name}");
        }
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("d/e/small"));
        assert_eq!(fs::metadata(to.join("d/e")).unwrap().mode() & 0o7777, 0o700);
        assert_eq!(fs::read_dir(to.join("ümlaut")).unwrap().count(), 0);
        assert_eq!(fs::metadata(to.join("one")).unwrap().mtime(), i64::from(MTIME));
    }
}

#[test]
fn an_empty_tree_is_an_image() {
    let directory = tempfile::tempdir().unwrap();
    let tree = Tree::new(Attributes::root(0o755)).unwrap();
    let (image, written) = image(&directory, &tree, &Options::new(MTIME));
    assert_eq!(written.length, 4096);
    let stat = unsquashfs(&image, &["-stat"]);
    assert!(stat.contains("Number of inodes 1\n") && stat.contains("Number of fragments 0\n"), "{stat}");
    assert_eq!(fs::read_dir(extracted(&directory, &image)).unwrap().count(), 0);
}

#[test]
fn the_bytes_depend_on_nothing_but_tree_and_options() {
    let files = files(128 << 10);
    let directory = tempfile::tempdir().unwrap();
    let options = options(ByteSize::kib(128), 6);
    let (first, written) = image(&directory, &tree(&files, &names(&files)), &options);
    let first = fs::read(first).unwrap();
    let mut backwards = names(&files);
    backwards.reverse();
    for (order, threads) in [(names(&files), 1), (names(&files), 4), (backwards, 16)] {
        let tree = tree(&files, &order);
        let plan = Plan::new(&tree, &options).unwrap();
        let start = 10 * 4096_u64;
        let mut file = tempfile::tempfile().unwrap();
        file.write_at(0, &vec![0xaa; 1 << 16]).unwrap();
        let (mut last, mut steps) = (0, 0);
        let again = plan
            .write_to(&mut file, start, threads, &mut |done| {
                assert!(done >= last);
                (last, steps) = (done, steps + 1);
            })
            .unwrap();
        assert_eq!((again, last), (written, plan.content_size().bytes()));
        assert!(steps > 5);
        let mut bytes = vec![0; usize::try_from(start + written.length).unwrap()];
        Sink::read_at(&file, 0, &mut bytes).unwrap();
        let (before, image) = bytes.split_at(usize::try_from(start).unwrap());
        assert!(before.iter().all(|&byte| byte == 0xaa));
        assert!(image == first, "{threads} threads");
    }
}

#[test]
fn a_disk_of_hundreds_of_gib_costs_what_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let size = (300 << 30) + 1000;
    let disk = Disk {
        size,
        runs: vec![
            (0, text(1, 100)),
            ((5 << 30) - 10, noise(2, 3 << 20)),
            (200 << 30, vec![0; 1 << 20]),
            (size - 5, vec![9; 5]),
        ],
    };
    let small = Disk { size: (4 << 30) + 1, runs: Vec::new() };
    let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
    tree.file(b"disk", Attributes::root(0o644), Content::Disk(&disk)).unwrap();
    tree.file(b"nothing", Attributes::root(0o644), Content::Disk(&small)).unwrap();
    let (image, written) = image(&directory, &tree, &Options::new(MTIME));
    assert!(written.length < 4 << 20, "{written:?}");
    let list = unsquashfs(&image, &["-lln"]);
    assert!(list.contains(&format!(" {size} 2023")), "{list}");

    let to = extracted(&directory, &image);
    let file = fs::File::open(to.join("disk")).unwrap();
    assert_eq!(file.metadata().unwrap().len(), size);
    assert_eq!(fs::metadata(to.join("nothing")).unwrap().len(), (4 << 30) + 1);
    for (at, length) in [(0, 4096), ((5 << 30) - 100, 4 << 20), (200 << 30, 1 << 20), (size - 4096, 4096)] {
        let (mut found, mut expected) = (vec![1; length], vec![2; length]);
        Sink::read_at(&file, at, &mut found).unwrap();
        disk.read_at(at, &mut expected).unwrap();
        assert!(found == expected, "at {at}");
    }
}

#[test]
fn ten_thousand_names_in_one_directory_are_all_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
    tree.directory(b"many", Attributes::root(0o755)).unwrap();
    let mut expected = BTreeMap::new();
    for number in 0..10_000_u32 {
        let name = format!("many/file-{number}-{}", "x".repeat(usize::try_from(number % 200).unwrap()));
        let bytes = text(number, usize::try_from(number % 777).unwrap());
        tree.file(name.as_bytes(), Attributes::root(0o644), Content::Bytes(bytes.clone().into())).unwrap();
        expected.insert(name, bytes);
    }
    let (image, _) = image(&directory, &tree, &Options::new(MTIME));
    let to = extracted(&directory, &image);
    assert_eq!(fs::read_dir(to.join("many")).unwrap().count(), 10_000);
    for (name, bytes) in expected {
        assert!(fs::read(to.join(&name)).unwrap() == bytes, "{name}");
    }
}

#[test]
fn images_are_not_larger_than_those_of_mksquashfs() {
    for (block_size, block_text, level) in [(ByteSize::mib(1), "1M", 3), (ByteSize::kib(128), "128K", 15)] {
        let directory = tempfile::tempdir().unwrap();
        let from = directory.path().join("from");
        fs::create_dir_all(from.join("small")).unwrap();
        let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
        tree.directory(b"small", Attributes::root(0o755)).unwrap();
        let mut all = vec![("disk".to_owned(), [text(1, 5 << 20), vec![0; 8 << 20], noise(2, 2 << 20)].concat())];
        for number in 0..2000_u32 {
            let length = usize::try_from(number % 50 * 100).unwrap();
            all.push((format!("small/{number}"), text(1000 + number, length)));
        }
        for (name, bytes) in &all {
            fs::write(from.join(name), bytes).unwrap();
            tree.file(name.as_bytes(), Attributes::root(0o644), Content::Bytes(bytes.as_slice().into())).unwrap();
        }
        let (_, written) = image(&directory, &tree, &options(block_size, level));
        let theirs = directory.path().join("theirs");
        let level = level.to_string();
        let options = ["-b", block_text, "-comp", "zstd", "-Xcompression-level", &level, "-all-root", "-nopad"];
        mksquashfs(&from, &theirs, &options);
        let theirs = fs::metadata(&theirs).unwrap().len();
        assert!(written.bytes_used * 100 <= theirs * 101, "{block_text}: {} and {theirs} bytes", written.bytes_used);
    }
}

/// A mount for reading that ends with the value; `None` where that is not permitted, but in CI that is a failure.
struct Mount(TempDir);

fn mount(image: &Path) -> Option<Mount> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("mount");
    let output = command.args(["-t", "squashfs", "-o", "loop,ro"]).arg(image).arg(directory.path()).output();
    let output = output.expect("install the Debian package `mount`");
    if output.status.success() {
        return Some(Mount(directory));
    }
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(std::env::var_os("CI").is_none(), "the kernel does not mount it: {text}");
    #[expect(clippy::print_stderr, reason = "says that the test did not look")]
    {
        eprintln!("not mounted, as that is not permitted here: {text}");
    }
    None
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn the_kernel_reads_what_went_in() {
    for (block_size, level) in [(ByteSize::kib(128), 3), (ByteSize::mib(1), 1), (ByteSize::mib(1), 19)] {
        let directory = tempfile::tempdir().unwrap();
        let files = files(usize::try_from(block_size.bytes()).unwrap());
        let disk = Disk { size: (9 << 30) + 5, runs: vec![(0, text(1, 9)), ((9 << 30) - 9, noise(2, 14))] };
        let mut tree = tree(&files, &names(&files));
        tree.file(b"disk", Attributes::root(0o644), Content::Disk(&disk)).unwrap();
        let (image, _) = image(&directory, &tree, &options(block_size, level));
        let Some(mounted) = mount(&image) else { return };
        let at = mounted.0.path();
        for (name, bytes) in &files {
            assert!(fs::read(at.join(name)).unwrap() == *bytes, "{name}");
            let stat = fs::metadata(at.join(name)).unwrap();
            assert_eq!((stat.mode() & 0o7777, stat.uid(), stat.mtime()), (0o640, 1000, i64::from(MTIME)), "{name}");
        }
        let stat = fs::metadata(at.join("d/e")).unwrap();
        assert_eq!((stat.uid(), stat.gid(), stat.nlink()), (70_000, 80_000, 2));
        assert_eq!(fs::metadata(at).unwrap().nlink(), 4);
        assert_eq!(fs::read_dir(at).unwrap().count(), 11);
        let file = fs::File::open(at.join("disk")).unwrap();
        assert_eq!(file.metadata().unwrap().len(), disk.size);
        for (offset, length) in [(0, 4096), (5 << 30, 4096), ((9 << 30) - 4096, 4101)] {
            let (mut found, mut expected) = (vec![1; length], vec![2; length]);
            Sink::read_at(&file, offset, &mut found).unwrap();
            disk.read_at(offset, &mut expected).unwrap();
            assert!(found == expected, "at {offset}");
        }
    }
}

/// A disk that cannot be read from some byte on.
struct Failing(u64);

impl ReadAt for Failing {
    fn size(&self) -> ByteSize {
        ByteSize::mib(64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset + buffer.len() as u64 > self.0 {
            return Err(io::Error::other("unreadable"));
        }
        buffer.fill(1);
        Ok(())
    }
}

impl DiskSource for Failing {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        Ok((from < 64 << 20).then_some(Region { start: from, end: 64 << 20 }))
    }
}

/// A file that takes no more than some bytes.
struct Full(u64);

impl Sink for Full {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if offset + bytes.len() as u64 > self.0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn end_at(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn failures_end_the_writing_with_their_reason() {
    for threads in [1, 3, 16] {
        for mib in [0, 1, 7, 40] {
            let disk = Failing(mib << 20);
            let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
            tree.file(b"disk", Attributes::root(0o644), Content::Disk(&disk)).unwrap();
            let plan = Plan::new(&tree, &Options::new(MTIME)).unwrap();
            let mut file = tempfile::tempfile().unwrap();
            let error = plan.write_to(&mut file, 0, threads, &mut |_| ()).unwrap_err();
            assert!(
                matches!(&error, WriteError::Source { path, offset, .. } if path == b"disk" && *offset == mib << 20),
                "{error:?}"
            );
            let noise = noise(mib + 1, 3 << 20);
            let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
            tree.file(b"noise", Attributes::root(0o644), Content::Bytes(noise.into())).unwrap();
            let plan = Plan::new(&tree, &Options::new(MTIME)).unwrap();
            for room in [0, 200, 2 << 20, (3 << 20) + 150] {
                let error = plan.write_to(&mut Full(room), 0, threads, &mut |_| ()).unwrap_err();
                assert!(matches!(error, WriteError::Output { .. }), "{error:?}");
            }
        }
    }
}

/// Noise that counts how often it is read, and may not like it.
struct Counting {
    reads: AtomicU64,
    panics_at: u64,
}

impl ReadAt for Counting {
    fn size(&self) -> ByteSize {
        ByteSize::mib(12)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        assert!(offset < self.panics_at, "a source that does not like to be read");
        self.reads.fetch_add(1, Ordering::SeqCst);
        buffer.copy_from_slice(&noise(offset + 1, buffer.len()));
        Ok(())
    }
}

impl DiskSource for Counting {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        Ok((from < 12 << 20).then_some(Region { start: from, end: 12 << 20 }))
    }
}

/// A slow file that looks how far the reading is ahead of it.
struct Slow<'a> {
    source: &'a Counting,
    blocks: u64,
    most: u64,
}

impl Sink for Slow<'_> {
    fn write_at(&mut self, _: u64, bytes: &[u8]) -> io::Result<()> {
        thread::sleep(Duration::from_millis(2));
        if bytes.len() == 128 << 10 {
            self.most = self.most.max(self.source.reads.load(Ordering::SeqCst) - self.blocks);
            self.blocks += 1;
        }
        Ok(())
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn end_at(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn few_blocks_are_in_memory_at_a_time() {
    let source = Counting { reads: AtomicU64::new(0), panics_at: u64::MAX };
    let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
    tree.file(b"disk", Attributes::root(0o644), Content::Disk(&source)).unwrap();
    let plan = Plan::new(&tree, &options(ByteSize::kib(128), 1)).unwrap();
    let mut sink = Slow { source: &source, blocks: 0, most: 0 };
    plan.write_to(&mut sink, 0, 2, &mut |_| ()).unwrap();
    assert_eq!(sink.blocks, 96);
    assert!(sink.most <= 6, "{} blocks", sink.most);
}

#[test]
fn a_source_that_panics_keeps_nobody_waiting() {
    for threads in [1, 4] {
        let (sender, receiver) = mpsc::channel::<()>();
        let writing = thread::spawn(move || {
            // Dropped when this thread ends, however it does.
            let _sender = sender;
            let source = Counting { reads: AtomicU64::new(0), panics_at: 5 << 20 };
            let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
            tree.file(b"disk", Attributes::root(0o644), Content::Disk(&source)).unwrap();
            let plan = Plan::new(&tree, &Options::new(MTIME)).unwrap();
            plan.write_to(&mut tempfile::tempfile().unwrap(), 0, threads, &mut |_| ()).map(|_| ())
        });
        let ended = receiver.recv_timeout(Duration::from_secs(60));
        assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected), "{threads} threads");
        assert!(writing.join().is_err());
    }
}
