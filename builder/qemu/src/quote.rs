//! Quoting: for a POSIX shell, and for QEMU's `key=value,key=value` options.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// One word for a POSIX shell. Words of harmless characters stay as they are.
pub(crate) fn shell_word(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "@%_+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// `prefix` and a value in which every comma is doubled, as QEMU's option parser wants it.
pub(crate) fn option_value(prefix: &str, value: &OsStr) -> OsString {
    let mut bytes = prefix.as_bytes().to_vec();
    for &byte in value.as_bytes() {
        bytes.extend_from_slice(if byte == b',' { b",," } else { std::slice::from_ref(&byte) });
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_survive_a_shell() {
        for (word, quoted) in [
            ("virtio-blk-pci,drive=disk0", "virtio-blk-pci,drive=disk0"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$HOME;~", "'$HOME;~'"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }

    #[test]
    fn commas_in_option_values_are_doubled() {
        assert_eq!(option_value("file=", OsStr::new("/a,b,,c")), "file=/a,,b,,,,c");
    }
}
