//! Key files of GLib: `config` of a repository, `.origin` of a deployment.

use std::collections::BTreeMap;

/// Groups with keys. Of two equal ones the last counts, as in GLib.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFile {
    groups: BTreeMap<String, BTreeMap<String, String>>,
}

/// Why a text is no key file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {problem}")]
pub struct KeyFileError {
    /// Its number, from 1.
    pub line: usize,
    /// The end of the sentence.
    pub problem: &'static str,
}

impl KeyFile {
    /// Reads a key file. Values stay as they are written, escapes included.
    ///
    /// # Errors
    /// A line that is neither empty, comment, group nor `key=value`, or a key ahead of all groups.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyFileError> {
        let mut file = Self::default();
        let mut group: Option<String> = None;
        for (line, bytes) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
            let wrong = |problem| KeyFileError { line, problem };
            let text = std::str::from_utf8(bytes).map_err(|_| wrong("is not valid UTF-8"))?;
            let text = text.trim_start().trim_end_matches('\r');
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if let Some(rest) = text.strip_prefix('[') {
                let name = rest.trim_end().strip_suffix(']').filter(|name| !name.is_empty());
                let name = name.filter(|name| !name.contains(['[', ']'])).ok_or(wrong("is no group: [NAME] is"))?;
                file.groups.entry(name.to_owned()).or_default();
                group = Some(name.to_owned());
                continue;
            }
            let (key, value) = text.split_once('=').ok_or(wrong("is neither a group nor KEY=VALUE"))?;
            let group = group.as_ref().ok_or(wrong("is ahead of all groups"))?;
            let key = key.trim_end();
            if key.is_empty() {
                return Err(wrong("has no key"));
            }
            let keys = file.groups.entry(group.clone()).or_default();
            keys.insert(key.to_owned(), value.trim_start().to_owned());
        }
        Ok(file)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, group: &str, key: &str) -> Option<&str> {
        self.groups.get(group)?.get(key).map(String::as_str)
    }

    /// Whether a group is there.
    #[must_use]
    pub fn has_group(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyFile;

    #[test]
    fn key_files_are_read_as_glib_does() {
        let file = KeyFile::parse(b"# x\n\n[core]\r\nmode = bare\nmode=archive\r\n[a b]\nk==v\n").unwrap();
        assert_eq!(
            (file.get("core", "mode"), file.get("a b", "k"), file.get("x", "k")),
            (Some("archive"), Some("=v"), None)
        );
        assert!(file.has_group("core") && !file.has_group("mode"));
        for (text, line) in [("a=b", 1), ("[x]\nfoo", 2), ("[x", 1), ("[x]\n=v", 2), ("[]", 1)] {
            assert_eq!(KeyFile::parse(text.as_bytes()).unwrap_err().line, line, "{text}");
        }
        assert!(KeyFile::parse(b"\xff").is_err());
    }
}
