//! Programs of Debian packages that boot, as they are and damaged.

use std::fs;

use diskwright_tests::fixture::Layer;

use crate::lint::images::GRUB;

/// A program of a Debian package.
pub(crate) fn program(path: &str, package: &str) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| {
        panic!("{path}: {error}; install the Debian package `{package}` (tests/install-judges does)")
    })
}

/// A shim that Microsoft signed.
pub(crate) fn shim() -> Vec<u8> {
    program("/usr/lib/shim/shimx64.efi.signed", "shim-signed")
}

/// The GRUB for it.
pub(crate) fn grub() -> Vec<u8> {
    program("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grub-efi-amd64-signed")
}

/// The good image with such programs as shim and GRUB.
pub(crate) fn booting(shim: &[u8], grub: &[u8]) -> Layer {
    Layer::new().file("usr/lib/shim/shimx64.efi.signed", 0o644, shim).file(GRUB, 0o644, grub)
}

/// The program after somebody changed it.
pub(crate) fn changed(mut program: Vec<u8>) -> Vec<u8> {
    // In the first section, whose bytes are code.
    program[0x2000] ^= 0xff;
    program
}

/// The program, whose section of components has another name now.
pub(crate) fn without_sbat(mut program: Vec<u8>) -> Vec<u8> {
    let at = program.windows(8).position(|name| name == b".sbat\0\0\0").unwrap();
    program[at + 1] = b'x';
    program
}

/// The shim with a higher generation of GRUB in the last `levels` of its two revocation levels: the automatic one and
/// the latest.
pub(crate) fn stricter(mut shim: Vec<u8>, levels: usize) -> Vec<u8> {
    let is_row = |text: &[u8]| text.starts_with(b"\ngrub,") && text.ends_with(b"\n");
    let places: Vec<usize> =
        shim.windows(8).enumerate().filter(|(_, text)| is_row(text)).map(|(at, _)| at + 6).collect();
    assert_eq!(places.len(), 2, "this shim has other levels");
    for at in places.into_iter().rev().take(levels) {
        shim[at] = b'9';
    }
    shim
}
