//! A tree as the text that mkcomposefs reads: composefs-dump(5).

use std::fmt::Write as _;

use builder_tree::{InodeKind, Metadata, Node, Xattrs};

use super::{Case, hex};

/// The dump of what libostree would hand to libcomposefs: every path is its own file, every time is 0, and the five
/// mount points are there.
pub(crate) fn dump(case: &Case) -> String {
    let mut text = String::new();
    line(&mut text, b"/", 0, 0o040_000, &case.tree.root.metadata, None, None);
    for name in ["boot", "etc", "sysroot", "usr", "var"] {
        if case.tree.root.get(name.as_bytes()).is_none() {
            line(&mut text, &[b"/", name.as_bytes()].concat(), 0, 0o040_000, &Metadata::root(0o755), None, None);
        }
    }
    let mut visit = |path: &[u8], node: &Node| {
        let path = [b"/", path].concat();
        match node {
            Node::Directory(directory) => line(&mut text, &path, 0, 0o040_000, &directory.metadata, None, None),
            Node::Leaf(inode) => {
                let kind = inode.kind.type_bits();
                match &inode.kind {
                    InodeKind::Regular(content) if content.is_empty() => {
                        line(&mut text, &path, 0, kind, &inode.metadata, None, None);
                    }
                    InodeKind::Regular(content) => {
                        let payload = case.payload(inode);
                        let digest = payload.verity.map(|digest| hex(&digest));
                        let digest = digest.as_deref();
                        line(&mut text, &path, content.size(), kind, &inode.metadata, Some(&payload.path), digest);
                    }
                    InodeKind::Symlink(target) => {
                        line(&mut text, &path, target.len() as u64, kind, &inode.metadata, Some(target), None);
                    }
                    _ => panic!("ostree has no {}", inode.kind.name()),
                }
            }
        }
        Ok::<_, std::convert::Infallible>(())
    };
    case.tree.root.walk(&mut visit).unwrap();
    text
}

fn line(
    text: &mut String,
    path: &[u8],
    size: u64,
    kind: u32,
    metadata: &Metadata,
    payload: Option<&[u8]>,
    digest: Option<&str>,
) {
    let Metadata { mode, uid, gid, xattrs, .. } = metadata;
    let payload = payload.map_or_else(|| "-".to_owned(), escape);
    let (path, mode, digest) = (escape(path), kind | u32::from(*mode), digest.unwrap_or("-"));
    write!(text, "{path} {size} {mode:o} 1 {uid} {gid} 0 0.0 {payload} - {digest}").unwrap();
    attributes(text, xattrs);
    text.push('\n');
}

fn attributes(text: &mut String, xattrs: &Xattrs) {
    for (name, value) in xattrs {
        write!(text, " {}={}", escape(name), escape(value)).unwrap();
    }
}

fn escape(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, &byte| {
        if byte.is_ascii_alphanumeric() || b"./_".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "\\x{byte:02x}").unwrap();
        }
        text
    })
}
