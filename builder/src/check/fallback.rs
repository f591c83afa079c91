//! What a shim starts that firmware found by itself: the program that makes boot entries anew.
//!
//! A shim in `\EFI\BOOT` looks for `fb*.efi` beside it, and starts it rather than GRUB (shim, `shim.c`:
//! `should_use_fallback`). That reads a list in each other directory of `\EFI`, makes an entry for each of its lines, and
//! starts the first by the firmware (shim, `fallback.c`).

use std::io;

use builder_grub::{DeviceId, Machine as _};

use super::volumes::Volumes;

/// Where vendors have their directories.
const VENDORS: &str = "/EFI";

/// More than any list has, in bytes.
const LIST: u64 = 64 << 10;

/// The first list that leads on, and the program that its first line names; `None` where there is none.
///
/// # Errors
/// The file system cannot be read.
pub(crate) fn first(volumes: &Volumes, device: DeviceId, suffix: &str) -> io::Result<Option<(String, String)>> {
    let mut vendors = volumes.list(device, VENDORS)?.unwrap_or_default();
    vendors.sort();
    for vendor in vendors.iter().filter(|vendor| !vendor.eq_ignore_ascii_case("BOOT")) {
        for name in [format!("BOOT{}.CSV", suffix.to_uppercase()), "BOOT.CSV".to_owned()] {
            let list = format!("{VENDORS}/{vendor}/{name}");
            let Some(bytes) = volumes.read(device, &list, LIST)? else { continue };
            if let Some(program) = first_program(&bytes) {
                return Ok(Some((list, format!("{VENDORS}/{vendor}/{program}"))));
            }
            break;
        }
    }
    Ok(None)
}

/// The file in the first line of a list: UTF-16, `FILE,LABEL,ARGUMENTS,DESCRIPTION`.
fn first_program(bytes: &[u8]) -> Option<String> {
    let letters = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: String =
        char::decode_utf16(letters).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    let line = text.trim_start_matches('\u{feff}').lines().find(|line| !line.trim().is_empty())?;
    let (file, _) = line.split_once(',')?;
    (!file.is_empty()).then(|| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::first_program;

    #[test]
    fn the_first_line_of_a_list_names_the_program() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for (text, program) in [
            ("\u{feff}shimx64.efi,Fedora,,This is the boot entry for Fedora\n", Some("shimx64.efi")),
            ("shimx64.efi,debian,,x\r\nmmx64.efi,y,,z\r\n", Some("shimx64.efi")),
            ("\u{feff}\n", None),
            ("no comma\n", None),
            (",Fedora,,x\n", None),
            ("", None),
        ] {
            assert_eq!(first_program(&utf16(text)).as_deref(), program, "{text:?}");
        }
        assert_eq!(first_program(&[0x2c]), None, "half a letter");
    }
}
