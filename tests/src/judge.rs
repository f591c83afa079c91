//! Outside tools that say whether a disk is right.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// The Debian package of each judge.
const PACKAGES: &[(&str, &str)] = &[
    ("attr", "attr"),
    ("bmaptool", "bmap-tools"),
    ("cmp", "diffutils"),
    ("debugfs", "e2fsprogs"),
    ("depmod", "kmod"),
    ("diff", "diffutils"),
    ("dpkg-query", "dpkg"),
    ("dumpe2fs", "e2fsprogs"),
    ("e2fsck", "e2fsprogs"),
    ("fsck.erofs", "erofs-utils"),
    ("fsck.fat", "dosfstools"),
    ("grpck", "passwd"),
    ("grub-fstest", "grub-common"),
    ("grub-mkimage", "grub-common"),
    ("implantisomd5", "isomd5sum"),
    ("losetup", "mount"),
    ("mcopy", "mtools"),
    ("mdir", "mtools"),
    ("mount", "mount"),
    ("objcopy", "binutils"),
    ("ostree", "ostree"),
    ("pwck", "passwd"),
    ("python3", "python3-jsonschema"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("sbsign", "sbsigntool"),
    ("sgdisk", "gdisk"),
    ("sha256sum", "coreutils"),
    ("skopeo", "skopeo"),
    ("strace", "strace"),
    ("umoci", "umoci"),
    ("taskset", "util-linux"),
    ("unshare", "util-linux"),
    ("xmllint", "libxml2-utils"),
];

/// What a judge said.
#[derive(Debug)]
pub struct Verdict {
    /// Whether it left with 0.
    pub passed: bool,
    /// Its stdout.
    pub stdout: String,
    /// Its stderr.
    pub stderr: String,
}

impl Verdict {
    /// Fails the test, with all that the judge printed, unless it passed.
    ///
    /// # Panics
    /// If the judge did not pass.
    #[must_use]
    pub fn passed(self) -> Self {
        assert!(self.passed, "the judge refused:\n{}{}", self.stdout, self.stderr);
        self
    }
}

/// Runs a judge.
///
/// # Panics
/// Where the tool is missing: a test without its judge proves nothing, so it names the package and fails.
pub fn judge<A: AsRef<OsStr>>(tool: &str, arguments: impl IntoIterator<Item = A>) -> Verdict {
    let mut command = Command::new(tool);
    // Debian keeps some of them where an ordinary user's PATH does not look.
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    command.args(arguments).env("PATH", path).env("LC_ALL", "C");
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let package = PACKAGES.iter().find(|(name, _)| *name == tool).map_or(tool, |(_, package)| *package);
            panic!("the judge `{tool}` is missing: install the Debian package `{package}` (tests/install-judges does)");
        }
        Err(error) => panic!("cannot run {tool}: {error}"),
    };
    verdict(&output)
}

/// Runs a script of judges in `directory`, which ends at the first that refuses; gives its stdout.
///
/// # Panics
/// If one refuses or is missing.
#[must_use]
pub fn shell(directory: &Path, script: &str) -> String {
    let script = format!("set -eu; cd \"$1\"; {script}");
    judge("sh", ["-c".as_ref(), script.as_ref(), "sh".as_ref(), directory.as_os_str()]).passed().stdout
}

/// What a finished process said.
#[must_use]
pub fn verdict(output: &Output) -> Verdict {
    Verdict {
        passed: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
