//! The tree as text, one line a path: what tests and people compare.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::io::Read as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::{Content, FileTree, InodeKind, Metadata, Node};

/// What a dump leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub struct DumpOptions {
    /// Print `-` for every time.
    pub without_times: bool,
}

/// One line for each path, sorted by path bytes:
///
/// ```text
/// PATH TYPE MODE UID GID SIZE MTIME TARGET-OR-SHA256 LINK XATTRS
/// ```
///
/// TYPE is one of `d f l c b p s`. SIZE is `-` for directories; of a device it is `MAJOR:MINOR`. MTIME is
/// `SECONDS.NANOSECONDS`. LINK is the first path of the same inode, `-` if this is it. XATTRS is `NAME=HEX,…` or `-`.
/// Bytes outside `!`–`~`, and the backslash, are `\xHH`.
///
/// # Errors
/// A body cannot be read from the store.
pub fn dump(tree: &FileTree, options: DumpOptions) -> io::Result<String> {
    let mut text = String::new();
    let mut first: HashMap<*const crate::Inode, String> = HashMap::new();
    line(&mut text, "/", 'd', &tree.root.metadata, "-", "-", "-", options);
    let mut visit = |path: &[u8], node: &Node| -> io::Result<()> {
        let path = format!("/{}", escape(path));
        match node {
            Node::Directory(directory) => line(&mut text, &path, 'd', &directory.metadata, "-", "-", "-", options),
            Node::Leaf(inode) => {
                let link = first.get(&Arc::as_ptr(inode)).map_or("-", String::as_str).to_owned();
                first.entry(Arc::as_ptr(inode)).or_insert_with(|| path.clone());
                let (kind, size, what) = match &inode.kind {
                    InodeKind::Regular(content) => ('f', content.size().to_string(), sha256(content)?),
                    InodeKind::Symlink(target) => ('l', target.len().to_string(), escape(target)),
                    InodeKind::CharDevice { major, minor } => ('c', format!("{major}:{minor}"), "-".into()),
                    InodeKind::BlockDevice { major, minor } => ('b', format!("{major}:{minor}"), "-".into()),
                    InodeKind::Fifo => ('p', "0".into(), "-".into()),
                    InodeKind::Socket => ('s', "0".into(), "-".into()),
                };
                line(&mut text, &path, kind, &inode.metadata, &size, &what, &link, options);
            }
        }
        Ok(())
    };
    tree.root.walk(&mut visit)?;
    Ok(text)
}

#[expect(clippy::too_many_arguments, reason = "one argument a column, used in three places of one function")]
fn line(
    text: &mut String,
    path: &str,
    kind: char,
    metadata: &Metadata,
    size: &str,
    what: &str,
    link: &str,
    options: DumpOptions,
) {
    let Metadata { mode, uid, gid, mtime, xattrs, .. } = metadata;
    let time = if options.without_times { "-".into() } else { format!("{}.{}", mtime.seconds, mtime.nanoseconds) };
    let xattrs = if xattrs.is_empty() {
        "-".to_owned()
    } else {
        xattrs.iter().map(|(name, value)| format!("{}={}", escape(name), hex(value))).collect::<Vec<_>>().join(",")
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{path} {kind} {mode:04o} {uid} {gid} {size} {time} {what} {link} {xattrs}");
}

fn sha256(content: &Content) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut reader = content.reader();
    loop {
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..n]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn escape(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, &byte| {
        if byte.is_ascii_graphic() && byte != b'\\' {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
        text
    })
}
