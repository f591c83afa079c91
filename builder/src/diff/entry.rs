//! Boot entries as they stand on a disk: Boot Loader Specification, type 1.

use crate::diff::error::DiskProblem;

/// Largest entry that is read, in bytes.
pub(crate) const ENTRY_LIMIT: u64 = 64 << 10;
/// Most entries of a disk.
pub(crate) const ENTRIES_LIMIT: usize = 1000;

/// A boot entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoaderEntry {
    /// Where it lies: a directory on the root or boot file system, or on the ESP.
    pub(crate) place: &'static str,
    /// Name of its file.
    pub(crate) file: String,
    /// The fields but `options`, in the order of the file; a key may be there several times.
    pub(crate) fields: Vec<(String, String)>,
    /// The kernel arguments.
    pub(crate) options: Vec<String>,
}

impl LoaderEntry {
    /// Reads the text of an entry.
    pub(crate) fn parse(place: &'static str, file: &[u8], text: &[u8]) -> Result<Self, DiskProblem> {
        let file = String::from_utf8_lossy(file).into_owned();
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(DiskProblem::Entry { entry: file, problem: "it is not UTF-8" });
        };
        let mut entry = Self { place, file, ..Self::default() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            match key {
                "options" => entry.options.extend(value.split_ascii_whitespace().map(str::to_owned)),
                _ => entry.fields.push((key.to_owned(), value.trim().to_owned())),
            }
        }
        Ok(entry)
    }

    /// The values of a field, several behind each other.
    pub(crate) fn field(&self, key: &str) -> Option<String> {
        let values: Vec<&str> =
            self.fields.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(" "))
    }

    /// Where the deployment is that it boots.
    pub(crate) fn deployment(&self) -> Option<&str> {
        self.options.iter().rev().find_map(|option| option.strip_prefix("ostree="))
    }

    /// libostree writes the default with the highest version, and names files after it.
    fn rank(&self) -> (u64, &str) {
        (self.field("version").and_then(|version| version.parse().ok()).unwrap_or(0), &self.file)
    }

    /// The entry of ostree's that is booted by default.
    pub(crate) fn default_of(entries: &[Self]) -> Option<&Self> {
        let ours = entries.iter().filter(|entry| entry.deployment().is_some());
        // What is on the ESP is a copy.
        ours.max_by_key(|entry| (entry.place != crate::diff::disk::ESP_ENTRIES, entry.rank()))
    }
}

#[cfg(test)]
mod tests {
    use super::LoaderEntry;

    #[test]
    fn the_default_is_the_highest_version() {
        let entry = |version: u32| {
            let text = format!(
                "# x\ntitle  T {version}\nversion {version}\noptions a b=c\ninitrd /1\ninitrd /2\noptions ostree=/{version}\n"
            );
            LoaderEntry::parse("/boot", format!("{version}.conf").as_bytes(), text.as_bytes()).unwrap()
        };
        let entries = [entry(2), entry(10), entry(9)];
        let default = LoaderEntry::default_of(&entries).unwrap();
        assert_eq!((default.deployment(), default.field("title").as_deref()), (Some("/10"), Some("T 10")));
        assert_eq!(default.options, ["a", "b=c", "ostree=/10"]);
        assert_eq!(default.field("initrd").as_deref(), Some("/1 /2"));
        assert!(LoaderEntry::parse("/boot", b"x", b"\xff").is_err());
    }
}
