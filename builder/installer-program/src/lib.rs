//! The program of installer media, `diskwright-installer`, built together with whatever uses this crate.
//!
//! ```text
//!  builder/installer ──► cargo, for each architecture that this host can link for ──► program("amd64")
//! ```
//!
//! It is the first process of a machine and has nothing around it, so it is linked statically.

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

/// The program for an architecture by its OCI name (`amd64`, `arm64`); `None` where it could not be built on the host that
/// this was compiled on.
#[must_use]
pub fn program(architecture: &str) -> Option<&'static [u8]> {
    PROGRAMS.iter().find(|(name, _)| *name == architecture).map(|(_, program)| *program)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Command;

    use super::program;

    /// OCI name of the architecture that this was compiled for.
    const OWN: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

    #[test]
    fn the_program_needs_no_other_file() {
        let program = program(OWN).expect("the program for this machine");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(program).unwrap();
        let readelf = |option: &str| {
            let output = Command::new("readelf").arg(option).arg(file.path()).output();
            let output = output.expect("readelf (Debian package binutils)");
            assert!(output.status.success(), "{output:?}");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert!(!readelf("-lW").contains("INTERP"));
        assert!(!readelf("-dW").contains("NEEDED"));
        // The C library's way to names of hosts and users, which loads libraries of its own.
        let has = |word: &[u8]| program.windows(word.len()).any(|bytes| bytes == word);
        assert!(!has(b"nsswitch.conf") && has(b"diskwright: INSTALLED"));
        assert!(super::program("sparc").is_none());
    }

    #[test]
    fn an_initramfs_stays_small() {
        // Half of it is the C library's; packed, it is a third.
        let length = program(OWN).unwrap().len();
        assert!(length < 2_000_000, "{length}");
    }
}
