//! The variables of a UEFI firmware, as a machine finds them at its first start.
//!
//! ```text
//!  volume header ─ store header ─ variable ─ variable ─ … ─ erased flash: all ones
//! ```

use std::fs;
use std::path::Path;

/// `EFI_GLOBAL_VARIABLE`: UEFI 2.10, section 3.3, as it lies in memory.
const GLOBAL: [u8; 16] =
    [0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c];
/// `gEfiAuthenticatedVariableGuid` in front of a store: edk2 MdeModulePkg/Include/Guid/VariableFormat.h.
const STORE: [u8; 16] =
    [0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92];
/// Offset of the length of the header in front of a volume: PI 1.8, volume 3, section 3.2.1.1.
const HEADER_LENGTH: usize = 48;
/// Bytes of a `VARIABLE_STORE_HEADER`.
const STORE_HEADER: usize = 28;
/// `StartId`, `VAR_ADDED`, and a byte that is reserved.
const BEGIN: [u8; 4] = [0xaa, 0x55, 0x3f, 0];
/// Non-volatile, and there for boot services and at run time.
const ATTRIBUTES: u32 = 7;
/// The number of the boot option: none that a firmware would take by itself.
const NUMBER: u16 = 0x0099;
/// `LOAD_OPTION_ACTIVE`.
const ACTIVE: u32 = 1;
/// The end of a device path: UEFI 2.10, section 10.3.1.
const END: [u8; 4] = [0x7f, 0xff, 4, 0];

/// Copies the empty variables `template` to `to`, and adds that the machine boots, once, what lies at `uri`.
///
/// # Panics
/// If `template` is no store of variables or has some already, or one of the files cannot be read or written.
pub fn boot_next(template: &Path, to: &Path, uri: &str) {
    let mut flash = fs::read(template).expect("the template can be read");
    let header = usize::from(u16::from_le_bytes([flash[HEADER_LENGTH], flash[HEADER_LENGTH + 1]]));
    assert!(flash[header..].starts_with(&STORE), "{} has no store of variables", template.display());
    let variables = [
        variable(&format!("Boot{NUMBER:04X}"), &load_option("HTTP", uri)),
        variable("BootNext", &NUMBER.to_le_bytes()),
    ]
    .concat();
    let place = &mut flash[header + STORE_HEADER..][..variables.len()];
    assert!(place.iter().all(|&byte| byte == 0xff), "{} has variables", template.display());
    place.copy_from_slice(&variables);
    fs::write(to, flash).expect("the variables can be written");
}

/// An `AUTHENTICATED_VARIABLE_HEADER` with name and value, filled up to a multiple of four bytes.
fn variable(name: &str, value: &[u8]) -> Vec<u8> {
    let name = utf16(name);
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("variables are short").to_le_bytes();
    let mut bytes = [&BEGIN[..], &ATTRIBUTES.to_le_bytes()].concat();
    // Counter, time and key of who may change it: nobody in particular.
    bytes.resize(bytes.len() + 8 + 16 + 4, 0);
    for part in [&length(&name)[..], &length(value), &GLOBAL, &name, value] {
        bytes.extend(part);
    }
    bytes.resize(bytes.len().next_multiple_of(4), 0xff);
    bytes
}

/// An `EFI_LOAD_OPTION`, UEFI 2.10, section 3.1.3, with the device path of a URI, section 10.3.4.22, alone: firmware
/// looks for a network card that reaches it.
fn load_option(description: &str, uri: &str) -> Vec<u8> {
    let length = |bytes: usize| u16::try_from(bytes).expect("URIs are short").to_le_bytes();
    let path = [&[3, 24], &length(4 + uri.len())[..], uri.as_bytes(), &END].concat();
    [&ACTIVE.to_le_bytes()[..], &length(path.len()), &utf16(description), &path].concat()
}

/// With the zero at its end.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}
