//! The tools that judge, and ways to ask them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use builder_kmod::module_name;
use builder_tree::{Content, Directory, FileTree, Inode, Metadata, Node};

/// Runs a tool with bytes on its standard input and gives back its standard output.
pub(crate) fn run(package: &str, words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; install the Debian package `{package}`", words[0]));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    feeder.join().unwrap().unwrap();
    output.stdout
}

/// What `modprobe` would load, each module once, and nothing that is built in.
pub(crate) fn modprobe(root: &Path, release: &str, name: &str) -> Vec<String> {
    let root = root.to_str().unwrap();
    // Without -C it would take the configuration of the machine that tests.
    let words = ["modprobe", "-C", "/dev/null", "-d", root, "--show-depends", "--set-version", release, name];
    let shown = run("kmod", &words, &[]);
    let mut order = Vec::new();
    for line in String::from_utf8(shown).unwrap().lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("insmod"), Some(path)) => {
                let name = module_name(path).unwrap();
                if !order.contains(&name) {
                    order.push(name);
                }
            }
            (Some("builtin"), Some(_)) => {}
            _ => panic!("modprobe {name}: {line}"),
        }
    }
    order
}

/// The values of a field, as `modinfo` has them.
pub(crate) fn modinfo(field: &str, file: &Path) -> Vec<String> {
    let shown = run("kmod", &["modinfo", "-F", field, file.to_str().unwrap()], &[]);
    String::from_utf8_lossy(&shown).lines().map(str::to_owned).collect()
}

/// A folder as a tree; files are read when the tree is made.
pub(crate) fn tree(folder: &Path) -> FileTree {
    let mut tree = FileTree::new();
    tree.root = directory(folder);
    tree
}

fn directory(folder: &Path) -> Directory {
    let mut directory = Directory::root_owned(0o755);
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let node: Node = if kind.is_dir() {
            self::directory(&path).into()
        } else if kind.is_symlink() {
            Inode::symlink(fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()).into()
        } else {
            Inode::regular(Metadata::root(0o644), Content::bytes(fs::read(&path).unwrap())).into()
        };
        directory.insert(entry.file_name().into_encoded_bytes(), node);
    }
    directory
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
