//! The tools that judge, and trees to judge with.

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a tool with bytes on its standard input and gives back its standard output.
pub(crate) fn run(package: &str, folder: &Path, words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; install the Debian package `{package}`", words[0]));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// What a part of an initramfs can be packed with.
pub(crate) const PACKINGS: [&str; 6] = ["plain", "gzip", "zstd", "xz", "lzma", "lz4"];

/// Packs an archive.
pub(crate) fn pack(packing: &str, archive: &[u8]) -> Vec<u8> {
    let here = Path::new("/");
    match packing {
        "plain" => archive.to_vec(),
        "gzip" => run("gzip", here, &["gzip", "-c"], archive),
        "zstd" => run("zstd", here, &["zstd", "-q", "-c", "-19", "--long"], archive),
        "xz" => run("xz-utils", here, &["xz", "-c", "--check=crc32"], archive),
        "lzma" => run("xz-utils", here, &["lzma", "-c"], archive),
        "lz4" => run("lz4", here, &["lz4", "-q", "-c", "-l"], archive),
        other => panic!("no packing {other}"),
    }
}

/// Packs a folder with GNU cpio.
pub(crate) fn cpio(folder: &Path, form: &str) -> Vec<u8> {
    let mut names = Vec::new();
    list(folder, Path::new("."), &mut names);
    run("cpio", folder, &["cpio", "--quiet", "-o", "-0", "-H", form], &names)
}

fn list(folder: &Path, path: &Path, names: &mut Vec<u8>) {
    names.extend_from_slice(path.as_os_str().as_bytes());
    names.push(0);
    let full = folder.join(path);
    if fs::symlink_metadata(&full).unwrap().is_dir() {
        let mut children: Vec<_> = fs::read_dir(full).unwrap().map(|child| child.unwrap().file_name()).collect();
        children.sort();
        for child in children {
            list(folder, &path.join(child), names);
        }
    }
}

/// Random numbers that are the same each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// Fills a folder with directories, files, hard links, symbolic links and pipes, all below `top`.
pub(crate) fn plant(folder: &Path, top: &str, count: usize, dice: &mut Dice) {
    let mut directories = vec![folder.join(top)];
    let mut files = Vec::new();
    fs::create_dir_all(&directories[0]).unwrap();
    for index in 0..count {
        let parent = directories[dice.roll(directories.len())].clone();
        let name = match dice.roll(4) {
            0 => format!("{index}"),
            1 => format!("ä {index} \\ \"x\""),
            2 => format!("{index}{}", "long".repeat(dice.roll(50))),
            _ => format!(".{index}-x.ko.xz"),
        };
        let path = parent.join(name);
        match dice.roll(8) {
            0 | 1 => {
                fs::create_dir(&path).unwrap();
                directories.push(path);
            }
            2 => symlink("../".repeat(dice.roll(4)) + "somewhere/else", &path).unwrap(),
            3 if !files.is_empty() => fs::hard_link(&files[dice.roll(files.len())], &path).unwrap(),
            4 => {
                run("coreutils", folder, &["mkfifo", path.to_str().unwrap()], &[]);
            }
            _ => {
                let size = [0, 1, 3, 4, 5, 511, 4096, 70_000][dice.roll(8)];
                let body: Vec<u8> = (0..size).map(|at| u8::try_from((at * index + at / 100) % 251).unwrap()).collect();
                fs::write(&path, body).unwrap();
                let permissions = [0o600, 0o644, 0o755, 0o4755, 0o400][dice.roll(5)];
                fs::set_permissions(&path, fs::Permissions::from_mode(permissions)).unwrap();
                files.push(path);
            }
        }
    }
}
