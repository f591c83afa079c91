//! `os-release`: what the system is called.

use std::collections::BTreeMap;

use builder_tree::{FileTree, Node};

use crate::BootError;

/// Larger than any real one, in bytes.
const LIMIT: u64 = 1 << 20;

/// The fields of `os-release` (os-release(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsRelease {
    fields: BTreeMap<String, String>,
}

impl OsRelease {
    /// Reads `usr/lib/os-release`, else the one in `etc`.
    ///
    /// # Errors
    /// There is none that names the system, or it cannot be read.
    pub fn read(tree: &FileTree) -> Result<Self, BootError> {
        for path in ["usr/lib/os-release", "etc/os-release", "usr/etc/os-release"] {
            let Some(Node::Leaf(inode)) = tree.resolve(path.as_bytes())? else { continue };
            let Some(content) = inode.content() else { continue };
            let bytes =
                content.read_to_vec(LIMIT).map_err(|source| BootError::Read { path: path.to_owned(), source })?;
            let release = Self { fields: parse(&String::from_utf8_lossy(&bytes)) };
            return if release.name().is_some() { Ok(release) } else { Err(BootError::NoName) };
        }
        Err(BootError::NoName)
    }

    fn name(&self) -> Option<&str> {
        let get = |key: &str| self.fields.get(key).map(String::as_str).filter(|value| !value.is_empty());
        get("PRETTY_NAME").or_else(|| get("NAME")).or_else(|| get("ID"))
    }

    /// The name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        // `read` makes sure that there is one.
        self.name().unwrap_or("Linux")
    }

    /// The name for machines.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.fields.get("ID").map(String::as_str)
    }

    /// All fields.
    #[must_use]
    pub fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }
}

fn parse(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(key, value)| (key.trim().to_owned(), unquote(value))).collect()
}

/// A value as the shell reads it, without expansions: quotes go, a backslash keeps the next character.
fn unquote(value: &str) -> String {
    let (mut out, mut quote, mut chars) = (String::new(), None, value.trim().chars());
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (Some('\''), c) => out.push(c),
            (_, '\\') => out.extend(chars.next()),
            // A control character would leave the line of the boot entry.
            (_, c) if c.is_control() => out.push(' '),
            (_, c) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{parse, unquote};

    #[test]
    fn values_are_read_as_the_shell_does() {
        for (text, value) in [
            ("plain", "plain"),
            ("\"Debian GNU/Linux 13 (trixie)\"", "Debian GNU/Linux 13 (trixie)"),
            ("'single \\ '", "single \\ "),
            ("\"a \\\"b\\\" \\$c\"", "a \"b\" $c"),
            ("", ""),
        ] {
            assert_eq!(unquote(text), value);
        }
        assert_eq!(
            parse("# x=y\n ID = fedora\nbroken\n").into_iter().collect::<Vec<_>>(),
            [("ID".into(), "fedora".into())]
        );
    }
}
