//! The outside judges: mkcomposefs, fsck.erofs and fsverity.

pub(crate) mod dump;
pub(crate) mod random;
pub(crate) mod trees;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use builder_erofs::{Payload, composefs_image};
use builder_tree::{FileTree, Inode};
use sha2::{Digest, Sha256};

/// A tree, and whether the image is to have digests of its files.
pub(crate) struct Case {
    pub(crate) tree: FileTree,
    pub(crate) verity: bool,
}

impl From<FileTree> for Case {
    fn from(tree: FileTree) -> Self {
        Self { tree, verity: false }
    }
}

impl Case {
    pub(crate) fn image(&self) -> Vec<u8> {
        composefs_image(&self.tree, |inode| Ok::<_, std::convert::Infallible>(self.payload(inode))).unwrap()
    }

    /// Some path and digest that depend on what is in the file.
    pub(crate) fn payload(&self, inode: &Arc<Inode>) -> Payload {
        let content = inode.content().unwrap();
        let digest: [u8; 32] = match content.fingerprint() {
            Some(fingerprint) => fingerprint.digest,
            None => Sha256::digest(content.read_to_vec(u64::MAX).unwrap()).into(),
        };
        let name = hex(&digest);
        let path = format!("{}/{}.file", &name[..2], &name[2..]).into_bytes();
        Payload { path, verity: self.verity.then(|| Sha256::digest(digest).into()) }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What mkcomposefs makes of a dump; `None` where there is no mkcomposefs.
pub(crate) fn mkcomposefs(dump: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new("mkcomposefs");
    command
        .arg("--from-file")
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        child => child.unwrap(),
    };
    // It reads all of its input before it writes; where it stops early, it says why.
    let sent = child.stdin.take().unwrap().write_all(dump.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "mkcomposefs: {}", String::from_utf8_lossy(&output.stderr));
    sent.unwrap();
    Some(output.stdout)
}

/// The image of mkcomposefs.
pub(crate) fn mkcomposefs_image(dump: &str) -> Option<Vec<u8>> {
    mkcomposefs(dump, &["-"])
}

/// The digest of mkcomposefs.
pub(crate) fn mkcomposefs_digest(dump: &str) -> Option<String> {
    let text = mkcomposefs(dump, &["--print-digest-only"])?;
    Some(String::from_utf8(text).unwrap().trim().to_owned())
}

/// Standard output of a tool that must succeed.
pub(crate) fn run<A: AsRef<OsStr>>(tool: &str, package: &str, arguments: &[A]) -> String {
    match Command::new(tool).args(arguments).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{tool}: {}\n{text}{errors}", output.status);
            text
        }
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("install the Debian package `{package}`"),
        Err(error) => panic!("{tool}: {error}"),
    }
}

/// The digest that fsverity computes of a file.
pub(crate) fn fsverity_digest(path: &Path) -> String {
    let text = run("fsverity", "fsverity", &[OsStr::new("digest"), OsStr::new("--compact"), path.as_os_str()]);
    text.trim().to_owned()
}
