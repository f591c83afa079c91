//! What checks read of an image's files, so that nothing else is kept while the layers are read.
//!
//! A check may come to a file by a link, from a place of which nobody thinks here; then the body was not kept, that is
//! noted, and the image is read once more with all that is in it. So this list decides how long it takes, and never what
//! is found.

use builder_kmod::{DRIVERS, module_name};
use builder_oci::{FileAhead, Keep};
use builder_tree::Wanted;

use crate::lint::check::is_below;
use crate::lint::checks::{elf, secrets};

/// Directories of which files are read as a whole.
const WHOLE: [&str; 30] = [
    "etc",
    "lib/apk/db",
    "run/secrets",
    "run/systemd",
    "usr/etc",
    "usr/lib/apk/db",
    "usr/lib/bootc",
    "usr/lib/bootupd",
    "usr/lib/diskwright",
    "usr/lib/dpkg",
    "usr/lib/efi",
    "usr/lib/grub",
    "usr/lib/modules",
    "usr/lib/ostree",
    "usr/lib/shim",
    "usr/lib/sysimage",
    "usr/lib/systemd",
    "usr/lib/sysusers.d",
    "usr/lib/tmpfiles.d",
    "usr/local/lib/bootc",
    "usr/local/lib/systemd",
    "usr/local/lib/sysusers.d",
    "usr/local/lib/tmpfiles.d",
    "usr/local/share/systemd",
    "usr/share/doc/bootc",
    "usr/share/dpkg",
    "usr/share/grub",
    "usr/share/rpm",
    "usr/share/systemd",
    "var/lib/dbus",
];

/// Files of `var/lib/dpkg` and `var/lib/rpm` are read as a whole, but for the many that list a package's files.
const DATABASES: [&str; 2] = ["var/lib/dpkg", "var/lib/rpm"];

/// Ends of the names of files to which links lead from there: units, and configuration in pieces.
const ENDS: [&[u8]; 10] =
    [b".conf", b".mount", b".path", b".preset", b".service", b".slice", b".socket", b".swap", b".target", b".timer"];

/// Larger than such files are, in bytes.
const PIECE: u64 = 64 << 10;

/// What is kept of the file `ahead`; `wanted` notes who wants more.
pub(crate) fn keep(ahead: &FileAhead<'_>, wanted: &Wanted) -> Keep {
    let FileAhead { path, metadata, size, .. } = *ahead;
    let is_piece = size <= PIECE && ENDS.iter().any(|end| path.ends_with(end));
    if is_whole(path) || is_piece || secrets::may_hold_key(path, size) {
        return Keep::Stored(Vec::new());
    }
    Keep::Beginning(elf::wanted(path, metadata.mode, size), wanted.clone())
}

fn is_whole(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    if is_below(path, &["usr/lib/modules"])
        && let Some(module) = std::str::from_utf8(name).ok().and_then(module_name)
    {
        // What an alias leads to is like it by name, as a rule: `crc32c` to `crc32c_generic`.
        return DRIVERS.iter().flat_map(|driver| driver.provided_by).any(|name| module.contains(name));
    }
    is_below(path, &WHOLE)
        || path == b"usr/lib/os-release"
        || is_below(path, &DATABASES) && !is_below(path, &["var/lib/dpkg/info"])
        || is_below(path, &["usr/share/doc"]) && name == b"copyright"
        || secrets::credential(path).is_some()
}
