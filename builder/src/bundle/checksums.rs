//! `SHA256SUMS`, as `sha256sum` writes and checks it.
//!
//! Source: GNU Coreutils manual, "md5sum invocation" and "sha2 utilities".

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// A line for each name and checksum, in the order of the names.
pub(super) fn text(mut files: Vec<(&OsStr, String)>) -> Vec<u8> {
    files.sort();
    let mut text = Vec::new();
    for (name, sha256) in files {
        let escaped = escape(name.as_bytes());
        if escaped != name.as_bytes() {
            text.push(b'\\');
        }
        text.extend_from_slice(sha256.as_bytes());
        // The second blank says that the file is read as text, which is the same as any other here.
        text.extend_from_slice(b"  ");
        text.extend_from_slice(&escaped);
        text.push(b'\n');
    }
    text
}

/// What would end a line, and the backslash that says so, are written as two characters; a line with such a name begins
/// with a backslash.
fn escape(name: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(name.len());
    for &byte in name {
        match byte {
            b'\\' => escaped.extend_from_slice(b"\\\\"),
            b'\n' => escaped.extend_from_slice(b"\\n"),
            b'\r' => escaped.extend_from_slice(b"\\r"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::process::Command;

    use super::text;
    use crate::bundle::sha256;
    use crate::bundle::tests::judge;

    #[test]
    fn sha256sum_writes_the_same_lines_and_accepts_them() {
        let directory = tempfile::tempdir().unwrap();
        let names: [&[u8]; 8] = [
            b"disk.raw",
            b"back\\slash",
            b"line\nfeed",
            b"return\r",
            b"not \xff Unicode",
            b" blank ",
            b"SHA256",
            "ö".as_bytes(),
        ];
        let files: Vec<_> = names.iter().map(|name| (OsStr::from_bytes(name), sha256(name))).collect();
        for (name, _) in &files {
            fs::write(directory.path().join(name), name.as_bytes()).unwrap();
        }
        let mut sorted = names;
        sorted.sort_unstable();
        let mut command = Command::new("sha256sum");
        let theirs = judge("coreutils", command.args(sorted.map(OsStr::from_bytes)).current_dir(directory.path()));
        assert!(theirs.accepted);
        let ours = text(files);
        assert_eq!(theirs.stdout, String::from_utf8_lossy(&ours));
        fs::write(directory.path().join("SUMS"), ours).unwrap();
        let check = |directory| {
            judge("coreutils", Command::new("sha256sum").args(["-c", "--strict", "SUMS"]).current_dir(directory))
        };
        assert!(check(directory.path()).accepted);
        fs::write(directory.path().join("line\nfeed"), "other").unwrap();
        assert!(!check(directory.path()).accepted);
    }
}
