//! Names and labels FAT allows.

use crate::NameProblem;

/// UTF-16 units of the longest name: FAT specification, "Long directory entries".
pub(crate) const NAME_UNITS: usize = 255;

/// Characters of the volume label.
pub(crate) const LABEL_LENGTH: usize = 11;

/// The name as text, where FAT can hold it as it is.
///
/// # Errors
/// [`NameProblem`]: FAT would hold another name, or none.
pub fn check(name: &[u8]) -> Result<&str, NameProblem> {
    let name = str::from_utf8(name).map_err(|_| NameProblem::NotUtf8)?;
    if ["", ".", ".."].contains(&name) {
        return Err(NameProblem::Reserved);
    }
    if let Some(c) = name.chars().find(|&c| c < ' ' || "\"*/:<>?\\|".contains(c)) {
        return Err(NameProblem::Forbidden(c));
    }
    if let Some(c) = name.chars().next_back().filter(|&c| c == '.' || c == ' ') {
        return Err(NameProblem::Ending(c));
    }
    let units = name.encode_utf16().count();
    if units > NAME_UNITS {
        return Err(NameProblem::TooLong(units));
    }
    Ok(name)
}

/// What two names have in common that FAT takes for one: each character's capital, where that is one character.
#[must_use]
pub fn folded(name: &str) -> String {
    name.chars()
        .map(|c| {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(upper), None) => upper,
                _ => c,
            }
        })
        .collect()
}

/// The label as it is written, padded with spaces; or what is wrong with it. The empty label is allowed.
pub(crate) fn check_label(label: &str) -> Result<[u8; LABEL_LENGTH], &'static str> {
    let mut padded = [b' '; LABEL_LENGTH];
    if label.chars().any(|c| c.is_ascii_lowercase()) {
        return Err("has small letters, which FAT labels cannot have");
    }
    if !label.bytes().all(|byte| byte == b' ' || crate::short::is_allowed(byte)) {
        return Err("contains a character that FAT labels cannot have");
    }
    if label.starts_with(' ') || label.ends_with(' ') {
        return Err("begins or ends with a space, which is lost on FAT");
    }
    padded
        .get_mut(..label.len())
        .ok_or("has more than the 11 characters of a FAT label")?
        .copy_from_slice(label.as_bytes());
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use super::{check, check_label, folded};
    use crate::NameProblem;

    #[test]
    fn names_are_held_as_they_are_or_refused() {
        for good in ["a", "EFI", "grub.cfg", ".hidden", " leading", "a.b.c", "ümläut-日本-💾", "+,;=[]", "\u{7f}"]
        {
            assert_eq!(check(good.as_bytes()), Ok(good));
        }
        assert!(check("é".repeat(255).as_bytes()).is_ok());
        assert_eq!(check("💾".repeat(128).as_bytes()), Err(NameProblem::TooLong(256)));
        for (bad, problem) in [
            (&b"\xff"[..], NameProblem::NotUtf8),
            (b"", NameProblem::Reserved),
            (b".", NameProblem::Reserved),
            (b"..", NameProblem::Reserved),
            (b"a:b", NameProblem::Forbidden(':')),
            (b"a/b", NameProblem::Forbidden('/')),
            (b"tab\t", NameProblem::Forbidden('\t')),
            (b"dot.", NameProblem::Ending('.')),
            (b"space ", NameProblem::Ending(' ')),
        ] {
            assert_eq!(check(bad), Err(problem));
        }
    }

    #[test]
    fn case_is_folded_one_character_to_one() {
        assert_eq!(folded("Grüße.Txt"), folded("GRÜßE.TXT"));
        assert_ne!(folded("straße"), folded("strasse"));
    }

    #[test]
    fn labels_are_held_as_they_are_or_refused() {
        assert_eq!(check_label("EFI-SYSTEM"), Ok(*b"EFI-SYSTEM "));
        assert_eq!(check_label("A B 1234567"), Ok(*b"A B 1234567"));
        assert_eq!(check_label(""), Ok(*b"           "));
        for bad in ["esp", "TWELVE-CHARS", " A", "A ", "A.B", "A:B", "É"] {
            assert!(check_label(bad).is_err(), "{bad}");
        }
    }
}
