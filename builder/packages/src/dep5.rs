//! Licences from Debian's machine-readable copyright files.
//!
//! Source: "Machine-readable debian/copyright file" 1.0 (once DEP 5).

use std::collections::BTreeSet;

use crate::deb822::paragraphs;

/// Longest licence that is put together, in bytes. Those of Chromium and of the kernel have less than half of it.
const LIMIT: usize = 4096;

/// The short names of all licences that `copyright` names for files, in its order, joined with `AND`; a choice of
/// several stands in parentheses. `None` where the file is for people only, or does not keep to its format.
pub(crate) fn license(copyright: &[u8]) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut joined = Vec::new();
    let mut length = 0usize;
    for (index, paragraph) in paragraphs(copyright).enumerate() {
        let paragraph = paragraph.ok()?;
        if index == 0 {
            let format = paragraph.field("Format").or_else(|| paragraph.field("Format-Specification"))?;
            let uri = if format.value.is_empty() { format.next } else { format.value };
            if !uri.starts_with(b"http") {
                return None;
            }
        } else if paragraph.field("Files").is_none() {
            // The text of a licence that other paragraphs name.
            continue;
        }
        let Some(license) = paragraph.value("License").filter(|license| !license.is_empty()) else { continue };
        if seen.insert(license) {
            // Ten bytes are for ` AND ` and the parentheses; what is not UTF-8 may become three times as long.
            length = length.saturating_add(license.len() + 10);
            if length > LIMIT {
                return None;
            }
            joined.push(String::from_utf8_lossy(license));
        }
    }
    let alone = joined.len() == 1;
    let terms = joined.into_iter().map(|license| {
        let choice = license.split_whitespace().any(|word| word.eq_ignore_ascii_case("or"));
        if choice && !alone { format!("({license})") } else { license.into_owned() }
    });
    let all = terms.collect::<Vec<_>>().join(" AND ");
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::license;

    #[test]
    fn licenses_of_files_are_joined_once_each() {
        let head = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n";
        let many: String = (0..1000).map(|n| format!("\n\nFiles: {n}\nLicense: L{n}\n")).collect();
        for (body, expected) in [
            ("\nFiles: *\nLicense: Expat\n text\n", Some("Expat")),
            ("\nFiles: *\nCopyright: x\nLicense: GPL-2+ or MIT\n", Some("GPL-2+ or MIT")),
            (
                "License: GPL-3\n\nFiles: *\nLicense: GPL-3\n\nFiles: b\nLicense: BSD-2-clause or GPL-2+\n\nLicense: \
                 Unused\n text\n",
                Some("GPL-3 AND (BSD-2-clause or GPL-2+)"),
            ),
            ("\nFiles: *\nLicense:\n no name\n", None),
            ("\nFiles: *\nLicense: MIT\n\nthis is prose\n", None),
            (many.as_str(), None),
        ] {
            assert_eq!(license(format!("{head}{body}").as_bytes()).as_deref(), expected, "{body}");
        }
        assert_eq!(license(b"Format:\n https://dep.example/\nLicense: MIT"), Some("MIT".to_owned()));
        for prose in ["This is free software: do what you want\n", "Files: *\nLicense: MIT\n", ""] {
            assert_eq!(license(prose.as_bytes()), None, "{prose}");
        }
    }
}
