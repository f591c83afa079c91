//! Fields of `.modinfo`: `key=value`, each with a NUL at its end.

use crate::error::shown;

/// What a module says of itself, in its order. A key may come several times.
///
/// Values are made text where they are not UTF-8: names of authors are in whatever encoding the authors had.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

/// A string that is no field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldFault {
    pub(crate) offset: u64,
    pub(crate) problem: &'static str,
    pub(crate) text: String,
}

impl Fields {
    /// The section `.modinfo`.
    pub(crate) fn parse(section: &[u8]) -> Result<Self, FieldFault> {
        strings(section).map(|(offset, string)| field(offset, string)).collect::<Result<_, _>>().map(Self)
    }

    /// Adds a field behind the others.
    pub(crate) fn push(&mut self, key: String, value: String) {
        self.0.push((key, value));
    }

    /// The value of the first field with that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    /// The values of all fields with that key.
    pub fn all<'a, 'k>(&'a self, key: &'k str) -> impl Iterator<Item = &'a str> + use<'a, 'k> {
        self.0.iter().filter(move |(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// The strings that end with a NUL or the end, but for empty ones, which align others.
pub(crate) fn strings(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = 0;
    bytes.split(|&byte| byte == 0).filter_map(move |string| {
        let offset = at;
        at += string.len() as u64 + 1;
        (!string.is_empty()).then_some((offset, string))
    })
}

/// Key and value of a string.
pub(crate) fn field(offset: u64, string: &[u8]) -> Result<(String, String), FieldFault> {
    let text = String::from_utf8_lossy(string);
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(FieldFault { offset, problem: "has a string that is not key=value", text: shown(string) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_their_equals_signs() {
        let fields = Fields::parse(b"license=GPL\0\0\0alias=a=b\0alias=c\0author=J\xfcrgen").unwrap();
        assert_eq!(fields.get("license"), Some("GPL"));
        assert_eq!(fields.all("alias").collect::<Vec<_>>(), ["a=b", "c"]);
        assert_eq!(fields.get("author"), Some("J\u{fffd}rgen"));
        assert_eq!(fields.iter().count(), 4);
        assert_eq!(fields.get("name"), None);
        let fault = Fields::parse(b"a=b\0\0cd\0").unwrap_err();
        assert_eq!((fault.offset, fault.text.as_str()), (5, "cd"));
    }
}
