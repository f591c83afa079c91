//! Trees that are in memory and on disk alike, and systemd's own tools run on the latter.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Output};

use builder_tree::{Content, FileTree, Inode, Metadata};
use tempfile::TempDir;

/// One tree in two forms.
pub(crate) struct Image {
    pub(crate) tree: FileTree,
    pub(crate) disk: TempDir,
}

impl Image {
    pub(crate) fn new() -> Self {
        let mut image = Self { tree: FileTree::new(), disk: TempDir::new().unwrap() };
        image.file("usr/lib/os-release", "ID=test\nVERSION_ID=\"7\"\n");
        image.link("etc/os-release", "../usr/lib/os-release");
        image
    }

    pub(crate) fn file(&mut self, path: &str, text: impl AsRef<[u8]>) {
        self.file_with(path, text, 0o644);
    }

    pub(crate) fn file_with(&mut self, path: &str, text: impl AsRef<[u8]>, mode: u16) {
        let text = text.as_ref();
        let inode = Inode::regular(Metadata::root(mode), Content::bytes(text));
        self.tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        let on_disk = self.disk.path().join(path);
        std::fs::create_dir_all(on_disk.parent().unwrap()).unwrap();
        std::fs::write(&on_disk, text).unwrap();
        std::fs::set_permissions(on_disk, std::fs::Permissions::from_mode(mode.into())).unwrap();
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.tree.insert(path.as_bytes(), Inode::symlink(target), &Metadata::root(0o755)).unwrap();
        let on_disk = self.disk.path().join(path);
        std::fs::create_dir_all(on_disk.parent().unwrap()).unwrap();
        symlink(target, on_disk).unwrap();
    }

    pub(crate) fn directory(&mut self, path: &str) {
        self.tree.make_directories(path.as_bytes(), &Metadata::root(0o755)).unwrap();
        std::fs::create_dir_all(self.disk.path().join(path)).unwrap();
    }

    /// Runs a program of Debian's package `package` with `--root=` and these arguments.
    pub(crate) fn run(&self, package: &str, program: &str, arguments: &[&str]) -> Output {
        let root = format!("--root={}", self.disk.path().display());
        run(package, Command::new(program).arg(root).args(arguments))
    }

    /// What a program says of lines of `path`: by line number, without the prefix.
    pub(crate) fn said(&self, output: &Output, path: &str) -> BTreeMap<usize, Vec<String>> {
        let mut said: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let on_disk = self.disk.path().join(path).display().to_string();
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            // Either `FILE:LINE: text` or, formerly, `[FILE:LINE] text`.
            let Some(rest) = line.trim_start_matches('[').strip_prefix(&on_disk) else { continue };
            let Some((number, text)) = rest.strip_prefix(':').and_then(|rest| rest.split_once([':', ']'])) else {
                continue;
            };
            let root = self.disk.path().display().to_string();
            said.entry(number.parse().unwrap()).or_default().push(text.trim().replace(&root, ""));
        }
        said
    }
}

pub(crate) fn run(package: &str, command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.env("LC_ALL", "C.UTF-8").env("SYSTEMD_COLORS", "0").env("SYSTEMD_PAGER", "").output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    }
}

/// The number of systemd's version.
pub(crate) fn systemd_version() -> u32 {
    let output = run("systemd", Command::new("systemd-analyze").arg("--version"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).unwrap().parse().unwrap()
}
