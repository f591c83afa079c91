//! Where a GRUB binary looks for its configuration.

/// The folder below `/EFI` that GRUB was built to look in: its prefix is a text such as `/EFI/debian` in the binary.
///
/// `/EFI/BOOT` does not count: it is the place for removable media, named by many binaries.
pub fn find(binary: &[u8]) -> Option<String> {
    const START: &[u8] = b"/EFI/";
    let mut at = 0;
    while let Some(found) = binary[at..].windows(START.len()).position(|window| window == START) {
        let begin = at + found + START.len();
        let name: Vec<u8> = binary[begin..]
            .iter()
            .copied()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
            .take(64)
            .collect();
        let ends = binary.get(begin + name.len()) == Some(&0);
        if ends && !name.is_empty() && !name.eq_ignore_ascii_case(b"BOOT") {
            return String::from_utf8(name).ok();
        }
        at = begin;
    }
    None
}

/// Whether the binary has the command that reads boot entries. A GRUB that compresses its modules may hide it.
pub fn has_blscfg(binary: &[u8]) -> bool {
    binary.windows(6).any(|window| window == b"blscfg")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_prefix_is_found_in_the_binary() {
        for (binary, vendor) in [
            (&b"xx/EFI/debian\0yy"[..], Some("debian")),
            (b"/EFI/BOOT\0/EFI/fedora\0", Some("fedora")),
            (b"/EFI/%s/grub.cfg\0 /EFI/a b\0", None),
            (b"/EFI/", None),
            (b"", None),
        ] {
            assert_eq!(super::find(binary).as_deref(), vendor);
        }
    }
}
