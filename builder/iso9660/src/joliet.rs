//! Names for Windows: Joliet, level 3.

use crate::IsoError;

/// Longest name in UCS-2 units; Joliet specification, "File Identifiers": 128 bytes.
const NAME_UNITS: usize = 64;
/// Joliet specification, "Allowed Character Set": besides control characters, which nobody's names have.
const FORBIDDEN: &[char] = &['*', '/', ':', ';', '?', '\\'];

/// The identifier of a file or directory: its name in UCS-2, the big end first.
pub(crate) fn identifier(name: &str, path: &str) -> Result<Vec<u8>, IsoError> {
    let refuse = |reason| Err(IsoError::Joliet { path: path.to_owned(), reason });
    if name.chars().any(|c| u32::from(c) > 0xFFFF) {
        return refuse("it has a character behind U+FFFF, which UCS-2 does not have".to_owned());
    }
    if let Some(c) = name.chars().find(|c| c.is_ascii_control() || FORBIDDEN.contains(c)) {
        return refuse(format!("it has the character {c:?}"));
    }
    let units = name.chars().count();
    if units > NAME_UNITS {
        return refuse(format!("it has {units} characters, and {NAME_UNITS} are the most"));
    }
    Ok(ucs2(name))
}

/// UCS-2, the big end first. `text` has no character behind U+FFFF.
pub(crate) fn ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::identifier;

    #[test]
    fn what_joliet_cannot_hold_is_refused_with_the_path() {
        for (name, reason) in [
            ("a:b", "it has the character ':'"),
            ("a\tb", "it has the character '\\t'"),
            ("\u{1f4be}", "it has a character behind U+FFFF, which UCS-2 does not have"),
            (&"ä".repeat(65), "it has 65 characters, and 64 are the most"),
        ] {
            let error = identifier(name, "d/name").unwrap_err().to_string();
            assert_eq!(error, format!("Joliet cannot hold the name of \"d/name\": {reason}"));
        }
        assert_eq!(identifier("aä", "aä").unwrap(), [0, b'a', 0, 0xe4]);
        identifier(&"ä".repeat(64), "x").unwrap();
    }
}
