//! Names of units, and what their escapes stand for.
//!
//! Source: systemd.unit(5), "String Escaping for Inclusion in Unit Names"; systemd-escape(1).

use crate::place::{goes_up, names};

/// The longest name in bytes, with its suffix.
const NAME_LIMIT: usize = 255;

/// The types of unit, by their suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitType {
    /// `.service`
    Service,
    /// `.socket`
    Socket,
    /// `.target`
    Target,
    /// `.device`
    Device,
    /// `.mount`
    Mount,
    /// `.automount`
    Automount,
    /// `.swap`
    Swap,
    /// `.timer`
    Timer,
    /// `.path`
    Path,
    /// `.slice`
    Slice,
    /// `.scope`
    Scope,
}

const TYPES: [(UnitType, &str, &str); 11] = [
    (UnitType::Service, "service", "Service"),
    (UnitType::Socket, "socket", "Socket"),
    (UnitType::Target, "target", "Target"),
    (UnitType::Device, "device", "Device"),
    (UnitType::Mount, "mount", "Mount"),
    (UnitType::Automount, "automount", "Automount"),
    (UnitType::Swap, "swap", "Swap"),
    (UnitType::Timer, "timer", "Timer"),
    (UnitType::Path, "path", "Path"),
    (UnitType::Slice, "slice", "Slice"),
    (UnitType::Scope, "scope", "Scope"),
];

impl UnitType {
    /// The type with this suffix, given without its dot.
    #[must_use]
    pub fn from_suffix(suffix: &[u8]) -> Option<Self> {
        TYPES.iter().find(|(_, known, _)| known.as_bytes() == suffix).map(|&(kind, ..)| kind)
    }

    /// The suffix without its dot.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        self.row().1
    }

    /// The section of unit files that only this type has.
    #[must_use]
    pub fn section(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (Self, &'static str, &'static str) {
        // Every type is in the table.
        TYPES.iter().find(|(kind, ..)| *kind == self).copied().unwrap_or(TYPES[0])
    }

    /// Whether another name may be given to such units by a link.
    pub(crate) fn may_alias(self) -> bool {
        matches!(self, Self::Service | Self::Socket | Self::Target | Self::Device | Self::Timer | Self::Path)
    }

    /// Whether such units can be there without a file: because the kernel, a program, or `fstab` brings them.
    pub(crate) fn needs_file(self) -> NeedsFile {
        match self {
            Self::Device | Self::Slice | Self::Scope => NeedsFile::No,
            Self::Mount | Self::Automount | Self::Swap => NeedsFile::UnlessGenerated,
            Self::Service | Self::Socket | Self::Target | Self::Timer | Self::Path => NeedsFile::Yes,
        }
    }
}

/// Whether a unit is there only with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeedsFile {
    Yes,
    UnlessGenerated,
    No,
}

/// The kinds of name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// `a.service`
    Plain,
    /// `a@.service`
    Template,
    /// `a@b.service`
    Instance,
}

/// A valid name of a unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitName {
    text: Vec<u8>,
    at: Option<usize>,
    dot: usize,
    unit_type: UnitType,
}

fn valid(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b":-_.\\".contains(&byte)
}

impl UnitName {
    /// Takes a name apart; `None` where it is none: up to 255 letters, digits and `:-_.\@`, with a prefix and the
    /// suffix of a type.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let dot = text.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0)?;
        let unit_type = UnitType::from_suffix(&text[dot + 1..])?;
        let stem = &text[..dot];
        let at = stem.iter().position(|&byte| byte == b'@');
        let fine = text.len() <= NAME_LIMIT && at != Some(0) && stem.iter().all(|&byte| valid(byte) || byte == b'@');
        fine.then(|| Self { text: text.to_vec(), at, dot, unit_type })
    }

    /// The whole name.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// The type.
    #[must_use]
    pub fn unit_type(&self) -> UnitType {
        self.unit_type
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> NameKind {
        match self.instance() {
            None => NameKind::Plain,
            Some(b"") => NameKind::Template,
            Some(_) => NameKind::Instance,
        }
    }

    /// The name without suffix and dot.
    #[must_use]
    pub fn stem(&self) -> &[u8] {
        &self.text[..self.dot]
    }

    /// What stands before `@`, or else before the suffix.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.text[..self.at.unwrap_or(self.dot)]
    }

    /// What stands behind `@`: empty for templates, `None` for plain names.
    #[must_use]
    pub fn instance(&self) -> Option<&[u8]> {
        self.at.map(|at| &self.text[at + 1..self.dot])
    }

    /// The template of an instance, or the template itself; `None` for plain names.
    #[must_use]
    pub fn template(&self) -> Option<Vec<u8>> {
        self.at.map(|at| [&self.text[..=at], &self.text[self.dot..]].concat())
    }
}

/// A text whose escapes cannot be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnescapeError {
    /// A backslash without `x` and two hexadecimal digits, or one that stands for NUL.
    #[error("a backslash must be followed by `x` and two hexadecimal digits, not both zero")]
    Escape,
    /// What would be no absolute, normalized path.
    #[error("it is no path in the form systemd-escape gives")]
    Path,
}

/// The text as it stands in the name of a unit: `/` becomes `-`, and what may not stand there, `\xHH`.
#[must_use]
pub fn escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        let plain = valid(byte) && byte != b'-' && byte != b'\\' && !(byte == b'.' && at == 0);
        match byte {
            b'/' => out.push(b'-'),
            _ if plain => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out
}

/// The path as it stands in the name of a unit, as of mounts; `None` for paths with `..`.
#[must_use]
pub fn escape_path(path: &[u8]) -> Option<Vec<u8>> {
    if goes_up(path) {
        return None;
    }
    let simple = names(path).filter(|name| name != b".").collect::<Vec<_>>().join(&b'/');
    Some(if simple.is_empty() { b"-".to_vec() } else { escape(&simple) })
}

/// Undoes [`escape`].
///
/// # Errors
/// [`UnescapeError::Escape`].
pub fn unescape(text: &[u8]) -> Result<Vec<u8>, UnescapeError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'-' => out.push(b'/'),
            b'\\' => {
                let digit = |at: usize| rest.get(at).and_then(|&digit| char::from(digit).to_digit(16));
                let (Some(b'x'), Some(high), Some(low)) = (rest.first(), digit(1), digit(2)) else {
                    return Err(UnescapeError::Escape);
                };
                let value = u8::try_from(high * 16 + low).map_err(|_| UnescapeError::Escape)?;
                if value == 0 {
                    return Err(UnescapeError::Escape);
                }
                out.push(value);
                rest = &rest[3..];
            }
            _ => out.push(byte),
        }
    }
    Ok(out)
}

/// Undoes [`escape_path`]; the path is absolute.
///
/// # Errors
/// [`UnescapeError`].
pub fn unescape_path(text: &[u8]) -> Result<Vec<u8>, UnescapeError> {
    if text == b"-" {
        return Ok(b"/".to_vec());
    }
    let path = unescape(text)?;
    let normal = path.split(|&byte| byte == b'/').all(|name| !name.is_empty() && name != b"." && name != b"..");
    if normal { Ok([b"/", path.as_slice()].concat()) } else { Err(UnescapeError::Path) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::{NameKind, UnitName, escape, escape_path, unescape, unescape_path};

    #[test]
    fn names_have_a_kind_and_parts() {
        for (text, kind, prefix, instance) in [
            ("a.service", NameKind::Plain, "a", None),
            ("a.b.target", NameKind::Plain, "a.b", None),
            ("a@.timer", NameKind::Template, "a", Some("")),
            ("a@b@c.d.socket", NameKind::Instance, "a", Some("b@c.d")),
            ("-.mount", NameKind::Plain, "-", None),
        ] {
            let name = UnitName::parse(text.as_bytes()).unwrap();
            assert_eq!(name.kind(), kind, "{text}");
            assert_eq!((name.prefix(), name.instance()), (prefix.as_bytes(), instance.map(str::as_bytes)), "{text}");
        }
        assert_eq!(UnitName::parse(b"a@b.service").unwrap().template().unwrap(), b"a@.service");
        let long = [b'x'; 248];
        assert!(UnitName::parse(&[&long[..247], b".service"].concat()).is_some());
        for text in [
            &b"a"[..],
            b".service",
            b"a.conf",
            b"@a.service",
            b"a b.service",
            b"a/b.service",
            b"",
            &[&long[..], b".service"].concat(),
        ] {
            assert_eq!(UnitName::parse(text), None, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn paths_with_dots_have_no_name() {
        assert_eq!(escape_path(b"/a/../b"), None);
        for text in ["a-", "-a", "a--b", "..-a", "a\\x2", "a\\y20", "a\\x00"] {
            assert!(unescape_path(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn escapes_are_undone(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let text: Vec<u8> = text.into_iter().filter(|&byte| byte != 0).collect();
            prop_assert_eq!(unescape(&escape(&text)).unwrap(), text);
        }
    }
}
