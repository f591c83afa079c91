//! Keys with which root may log in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use builder_medium::is_public_key;
use builder_tree::{Content, FileTree, Inode, InodeKind, Metadata, Node, Timestamp};

/// Largest list of keys, in bytes.
const LIMIT: usize = 1 << 18;

/// A file for sshd's `AuthorizedKeysFile`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedKeys {
    text: String,
}

/// Why a list of keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysProblem {
    /// Not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Too long.
    #[error("it has {size} bytes, at most {LIMIT} are taken")]
    TooLarge {
        /// Its length in bytes.
        size: usize,
    },
    /// No key in it.
    #[error("there is no key in it")]
    NoKeys,
    /// A private key.
    #[error("line {line} begins a private key, which must stay where it is")]
    PrivateKey {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A line that is no key.
    #[error("line {line} is no public key")]
    NotAKey {
        /// Number of the line, from 1.
        line: usize,
    },
}

impl AuthorizedKeys {
    /// Reads a list: a public key in each line, comments and empty lines between (sshd(8), "AUTHORIZED_KEYS FILE
    /// FORMAT").
    ///
    /// # Errors
    /// There is a line that is no public key, or there are only such.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeysProblem> {
        if bytes.len() > LIMIT {
            return Err(KeysProblem::TooLarge { size: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| KeysProblem::NotText)?;
        let mut keys = 0;
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with("-----BEGIN") && line.contains("PRIVATE KEY") {
                return Err(KeysProblem::PrivateKey { line: number });
            }
            if !is_public_key(line) {
                return Err(KeysProblem::NotAKey { line: number });
            }
            keys += 1;
        }
        if keys == 0 {
            return Err(KeysProblem::NoKeys);
        }
        let mut text = text.to_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(Self { text })
    }

    /// The text, with a line's end at its end.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file of `/etc` that has systemd-tmpfiles put the keys into root's home, wherever the image in `tree` has
    /// that: it is a part of `/var` in most, which no update may touch. bootc does the same under the same name.
    pub(crate) fn tmpfiles(&self, tree: &FileTree, created: i64) -> (Vec<u8>, Inode) {
        let home = root_home(tree);
        let text = format!(
            "d {home}/.ssh 0700 root root -\nf~ {home}/.ssh/authorized_keys 0600 root root - {}\n",
            STANDARD.encode(&self.text)
        );
        let mut metadata = Metadata::root(0o644);
        metadata.mtime = Timestamp { seconds: created, nanoseconds: 0 };
        (b"tmpfiles.d/bootc-root-ssh.conf".to_vec(), Inode::regular(metadata, Content::bytes(text.into_bytes())))
    }
}

/// Where `/root` leads. systemd-tmpfiles makes what is above a path before it, whatever the order of files, but only
/// if it sees so in the paths: behind a link to a home that another file's line makes, there would be nothing yet.
fn root_home(tree: &FileTree) -> String {
    let target = tree.get(b"root").and_then(Node::as_leaf).and_then(|inode| match &inode.kind {
        InodeKind::Symlink(target) => std::str::from_utf8(target).ok(),
        _ => None,
    });
    // Below the root directory, so leading `..` change nothing; tmpfiles takes no such in a path.
    let names = target.unwrap_or("root").split('/').filter(|name| !matches!(*name, "" | "." | ".."));
    names.flat_map(|name| ["/", name]).collect()
}

#[cfg(test)]
mod tests {
    use builder_tree::{Directory, FileTree, Inode, Metadata, Node};

    use super::{AuthorizedKeys, KeysProblem, root_home};

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDqSGuCfVKBpkvtfUlC1zvFwEJMIgNMLe1zQSBfnNuXj";

    #[test]
    fn the_home_of_root_is_found_behind_its_link() {
        for (target, home) in [
            (None, "/root"),
            (Some("var/roothome"), "/var/roothome"),
            (Some("/var/roothome"), "/var/roothome"),
            (Some("../var//roothome/"), "/var/roothome"),
        ] {
            let mut tree = FileTree::new();
            let node = target.map_or_else(
                || Directory::new(Metadata::root(0o700)).into(),
                |target| Node::from(Inode::symlink(target)),
            );
            tree.root.insert("root", node);
            assert_eq!(root_home(&tree), home);
        }
        assert_eq!(root_home(&FileTree::new()), "/root");
    }

    #[test]
    fn only_lists_of_public_keys_are_taken() {
        let options = format!("from=\"10.0.0.1\",no-pty {KEY} me@here");
        for (text, expected) in [
            (format!("{KEY}\n"), Ok(())),
            (format!("# mine\n\n{KEY} me@here"), Ok(())),
            (options, Ok(())),
            (String::new(), Err(KeysProblem::NoKeys)),
            ("# none\n".to_owned(), Err(KeysProblem::NoKeys)),
            (format!("{KEY}\nhello there\n"), Err(KeysProblem::NotAKey { line: 2 })),
            ("ssh-rsa AAAA".to_owned(), Err(KeysProblem::NotAKey { line: 1 })),
            ("\n-----BEGIN OPENSSH PRIVATE KEY-----\n".to_owned(), Err(KeysProblem::PrivateKey { line: 2 })),
        ] {
            assert_eq!(AuthorizedKeys::parse(text.as_bytes()).map(drop), expected, "{text:?}");
        }
        assert_eq!(AuthorizedKeys::parse(b"\xff"), Err(KeysProblem::NotText));
        let long = vec![b'#'; super::LIMIT + 1];
        assert_eq!(AuthorizedKeys::parse(&long), Err(KeysProblem::TooLarge { size: super::LIMIT + 1 }));
    }
}
