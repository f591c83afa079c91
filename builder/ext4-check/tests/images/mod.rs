//! File systems to check, made by e2fsprogs.

#![allow(dead_code, reason = "each test uses its part")]

use std::fs::File;
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::Path;
use std::process::Command;

use builder_block::PlainFile;
use builder_ext4_check::{Level, Report, check};
use tempfile::{NamedTempFile, TempDir};

/// What a program answers: its exit code, and all it says.
pub(crate) fn run(program: &str, arguments: &[&str]) -> (i32, String) {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            (output.status.code().unwrap_or(-1), text)
        }
        Err(error) => panic!("{program}: {error}; install the Debian package `e2fsprogs`"),
    }
}

/// Runs a program that must not fail.
pub(crate) fn must(program: &str, arguments: &[&str]) -> String {
    let (code, text) = run(program, arguments);
    assert_eq!(code, 0, "{program} {arguments:?}: {text}");
    text
}

/// A tree with something of everything.
pub(crate) fn content() -> TempDir {
    let directory = TempDir::new().unwrap();
    let root = directory.path();
    std::fs::create_dir_all(root.join("usr/bin")).unwrap();
    std::fs::write(root.join("usr/bin/bash"), vec![7; 150_000]).unwrap();
    std::fs::write(root.join("usr/bin/small"), b"small").unwrap();
    std::fs::write(root.join("empty"), b"").unwrap();
    std::fs::hard_link(root.join("usr/bin/bash"), root.join("usr/bin/sh")).unwrap();
    symlink("usr/bin/bash", root.join("fast")).unwrap();
    symlink("x/".repeat(60), root.join("slow")).unwrap();
    std::fs::create_dir(root.join("deep")).unwrap();
    std::fs::create_dir(root.join("deep/er")).unwrap();
    std::fs::write(root.join("deep").join("n".repeat(250)), b"a long name").unwrap();
    std::fs::create_dir(root.join("many")).unwrap();
    for number in 0..700 {
        std::fs::write(root.join(format!("many/a file with a name of some length {number:04}")), b"").unwrap();
    }
    // Every second block is a hole: one extent for each of the others.
    let sparse = File::create(root.join("sparse")).unwrap();
    sparse.set_len(4 << 20).unwrap();
    for number in 0..450 {
        sparse.write_all_at(b"data", number * 8192).unwrap();
    }
    directory
}

/// An image with the content, made with these options of mke2fs; and indexed by e2fsck.
pub(crate) fn made(mebibytes: u64, options: &[&str], content: Option<&Path>) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    file.as_file().set_len(mebibytes << 20).unwrap();
    let path = file.path().to_str().unwrap();
    let mut arguments = vec!["-q", "-F"];
    if !options.contains(&"-t") {
        arguments.extend(["-t", "ext4"]);
    }
    arguments.extend(options);
    if let Some(content) = content {
        arguments.extend(["-d", content.to_str().unwrap()]);
    }
    arguments.push(path);
    must("mke2fs", &arguments);
    if content.is_some() {
        for command in [
            "ea_set /usr/bin/small user.note short",
            "ea_set /usr/bin/bash security.selinux system_u:object_r:shell_exec_t:s0",
            &format!("ea_set /usr/bin/bash user.long {}", "v".repeat(500)),
            &format!("ea_set /deep user.long {}", "v".repeat(500)),
        ] {
            must("debugfs", &["-w", "-R", command, path]);
        }
        // 1 says that something was changed: the directories.
        let (code, text) = run("e2fsck", &["-fyD", path]);
        assert!(code <= 1, "{text}");
    }
    file
}

/// Checks an image.
pub(crate) fn checked(path: &Path, level: Level) -> Report {
    check(&PlainFile::new(File::open(path).unwrap()).unwrap(), level).unwrap()
}

/// The findings, one a line.
pub(crate) fn lines(report: &Report) -> String {
    let findings = report.findings.iter().map(|finding| format!("{}: {finding}\n", finding.severity));
    findings.chain(report.unchecked.iter().map(|sentence| format!("unchecked: {sentence}\n"))).collect()
}
