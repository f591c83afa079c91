//! Names of modules, in which `-` and `_` are the same.

/// How the files of modules end: plain, or packed as the kernel's build packs them.
const ENDINGS: [&str; 4] = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"];

/// The name as the kernel shows it: every `-` is a `_`.
#[must_use]
pub fn normalized(name: &str) -> String {
    name.replace('-', "_")
}

/// The normalized name of the module in the file at `path`; `None` where the file's name is not that of a module.
///
/// The name ends at the first dot, as for kmod.
#[must_use]
pub fn module_name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next()?;
    if !ENDINGS.iter().any(|ending| file.ends_with(ending)) {
        return None;
    }
    let name = file.split('.').next()?;
    (!name.is_empty()).then(|| normalized(name))
}

/// The alias as indexes have it: every `-` outside of brackets is a `_`. `None` for brackets that do not match, with
/// which `depmod` leaves the alias out.
pub(crate) fn normalized_alias(alias: &str) -> Option<String> {
    let mut is_in_brackets = false;
    let mut text = String::with_capacity(alias.len());
    for c in alias.chars() {
        match c {
            '[' => is_in_brackets = true,
            ']' if !is_in_brackets => return None,
            ']' => is_in_brackets = false,
            _ => {}
        }
        text.push(if c == '-' && !is_in_brackets { '_' } else { c });
    }
    (!is_in_brackets).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_module_a_name() {
        for (path, name) in [
            ("kernel/fs/ext4/ext4.ko", Some("ext4")),
            ("kernel/drivers/usb/storage/usb-storage.ko.xz", Some("usb_storage")),
            ("dm-mod.ko.zst", Some("dm_mod")),
            ("/lib/modules/1/a.ko.gz", Some("a")),
            ("a.b.ko", Some("a")),
            ("ext4.ko.bz2", None),
            ("modules.dep", None),
            (".ko", None),
            ("x/.ko.xz", None),
            ("", None),
        ] {
            assert_eq!(module_name(path).as_deref(), name, "{path}");
        }
    }

    #[test]
    fn dashes_in_brackets_are_ranges() {
        for (alias, expected) in [
            ("crypto-crc32c", Some("crypto_crc32c")),
            ("usb:v0781d000[0-5]-x", Some("usb:v0781d000[0-5]_x")),
            ("a[", None),
            ("a]", None),
            ("[a[b]-", Some("[a[b]_")),
        ] {
            assert_eq!(normalized_alias(alias).as_deref(), expected, "{alias}");
        }
    }
}
