//! Lines that make what an image has.

use builder_tree::{InodeKind, Node};

use crate::lines::WHITESPACE;
use crate::place::names;

/// The line (without its end) that makes `node` at `path` on a machine that lacks it: of directories and symbolic
/// links; `None` for all else, which has contents, and for the root.
///
/// `user` and `group` are names or numbers. Names with a space stand in quotes and not as `\x20`, which systemd before
/// 254 takes for the letters `x20`; only control characters have no other form than an escape. A percent sign
/// is doubled. Paths below `/var/run` are written as below `/run`.
#[must_use]
pub fn line_for(path: &[u8], node: &Node, user: &[u8], group: &[u8]) -> Option<Vec<u8>> {
    let mut absolute = Vec::with_capacity(path.len() + 1);
    for name in names(path) {
        absolute.push(b'/');
        absolute.extend_from_slice(name);
    }
    if absolute.is_empty() {
        return None;
    }
    if let Some(below) = absolute.strip_prefix(b"/var/run/") {
        absolute = [b"/run/", below].concat();
    }
    let mut line = Vec::new();
    match node {
        Node::Directory(directory) => {
            line.extend_from_slice(b"d ");
            field(&absolute, &mut line);
            line.extend_from_slice(format!(" {:04o} ", directory.metadata.mode & 0o7777).as_bytes());
            field(user, &mut line);
            line.push(b' ');
            field(group, &mut line);
            line.extend_from_slice(b" - -");
        }
        Node::Leaf(inode) => {
            let InodeKind::Symlink(target) = &inode.kind else { return None };
            line.extend_from_slice(b"L ");
            field(&absolute, &mut line);
            line.extend_from_slice(b" - - - - ");
            argument(target, &mut line);
        }
    }
    Some(line)
}

/// A field of a line: quoted where it must be.
fn field(text: &[u8], line: &mut Vec<u8>) {
    let quoted = text.is_empty() || text.iter().any(|byte| WHITESPACE.contains(byte) || b"'\"".contains(byte));
    if quoted {
        line.push(b'"');
    }
    for &byte in text {
        match byte {
            b'"' => line.extend_from_slice(b"\\\""),
            _ => plain(byte, line),
        }
    }
    if quoted {
        line.push(b'"');
    }
}

/// The last field, which takes no quotes and ends with the line.
fn argument(text: &[u8], line: &mut Vec<u8>) {
    let last = text.len().saturating_sub(1);
    for (at, &byte) in text.iter().enumerate() {
        let edge = at == 0 || at == last;
        if (edge && WHITESPACE.contains(&byte)) || (text == b"-") {
            escape(byte, line);
        } else {
            plain(byte, line);
        }
    }
}

fn plain(byte: u8, line: &mut Vec<u8>) {
    match byte {
        b'\\' => line.extend_from_slice(b"\\\\"),
        b'%' => line.extend_from_slice(b"%%"),
        b'\t' | b' ' => line.push(byte),
        0..b' ' | 127 => escape(byte, line),
        _ => line.push(byte),
    }
}

fn escape(byte: u8, line: &mut Vec<u8>) {
    line.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, Directory, Inode, Metadata, Node};
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    use super::line_for;
    use crate::lines::{lines, strip};
    use crate::specifier::Specifiers;
    use crate::tmpfiles::line::LinePath;
    use crate::tmpfiles::parse::parse;

    #[test]
    fn lines_say_type_path_and_owner() {
        let directory = |mode| Node::from(Directory::root_owned(mode));
        let link = |target: &str| Node::from(Inode::symlink(target));
        for (path, node, expected) in [
            ("var/lib/foo", directory(0o755), "d /var/lib/foo 0755 root adm - -"),
            ("/var/tmp/", directory(0o1777), "d /var/tmp 1777 root adm - -"),
            ("var/a b", directory(0o700), "d \"/var/a b\" 0700 root adm - -"),
            ("var/\"q\"", directory(0), "d \"/var/\\\"q\\\"\" 0000 root adm - -"),
            ("var/50%\\x", directory(0o755), "d /var/50%%\\\\x 0755 root adm - -"),
            ("var/n\nl", directory(0o755), "d \"/var/n\\x0al\" 0755 root adm - -"),
            ("var/run/x", directory(0o755), "d /run/x 0755 root adm - -"),
            ("var/run", link("../run"), "L /var/run - - - - ../run"),
            ("var/x", link("target"), "L /var/x - - - - target"),
            ("var/x", link(" a b "), "L /var/x - - - - \\x20a b\\x20"),
            ("var/x", link("-"), "L /var/x - - - - \\x2d"),
            ("var/x", link("a%b\\"), "L /var/x - - - - a%%b\\\\"),
        ] {
            let line = line_for(path.as_bytes(), &node, b"root", b"adm").unwrap();
            assert_eq!(String::from_utf8(line).unwrap(), expected);
        }
        let file = Node::from(Inode::regular(Metadata::root(0o644), Content::empty()));
        assert_eq!(line_for(b"var/x", &file, b"root", b"root"), None);
        assert_eq!(line_for(b"/", &directory(0o755), b"root", b"root"), None);
    }

    proptest! {
        #[test]
        fn lines_are_read_as_they_were_meant(
            name in prop::collection::vec(any::<u8>(), 1..20),
            target in prop::collection::vec(any::<u8>(), 1..20),
        ) {
            // What the kernel forbids in names and targets.
            let clean = |bytes: Vec<u8>| bytes.into_iter().map(|byte| if byte == 0 { b'x' } else { byte });
            let name: Vec<u8> = clean(name).map(|byte| if byte == b'/' { b'x' } else { byte }).collect();
            let target: Vec<u8> = clean(target).collect();
            let path = [b"var/_", name.as_slice()].concat();
            let line = line_for(&path, &Inode::symlink(target.clone()).into(), b"0", b"0").unwrap();
            prop_assert_eq!(lines(&line).collect::<Vec<_>>(), [(1, strip(&line))]);
            let mut told = Vec::new();
            let parsed = parse(&Specifiers::default(), &line, &mut told).unwrap();
            prop_assert!(told.is_empty());
            prop_assert_eq!(parsed.path, LinePath::Known([b"/", path.as_slice()].concat()));
            prop_assert_eq!(parsed.argument, Some(target));
        }
    }
}
