//! Programs of Debian packages.

/// Where a program is, and the package that brings it.
#[derive(Clone, Copy)]
pub(crate) struct Program(pub(crate) &'static str, pub(crate) &'static str);

/// Signed by Microsoft.
pub(crate) const SHIM: Program = Program("/usr/lib/shim/shimx64.efi.signed", "shim-signed");
/// Small, and signed by Debian.
pub(crate) const FALLBACK: Program = Program("/usr/lib/shim/fbx64.efi.signed", "shim-helpers-amd64-signed");

impl Program {
    pub(crate) fn read(self) -> Vec<u8> {
        let Self(path, package) = self;
        std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}; install the Debian package `{package}`"))
    }
}
