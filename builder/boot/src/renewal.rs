//! Copies for systemd-boot that the machine renews by itself.
//!
//! systemd-boot reads only FAT, and ostree's `/boot` needs symbolic links. So kernels and boot entries on the ESP are
//! copies, and since libostree turns all links of boot entries round at each deployment (`/ostree/boot.0`,
//! `/ostree/boot.1`), copies that nobody renews lead nowhere after the first update. The units below renew them: at
//! boot, after each change of the deployments, and at shutdown, behind `ostree-finalize-staged.service`.

use builder_tree::{FileTree, Inode};

use crate::loader::regular_file;
use crate::made::Maker;

/// The directory in which the machine has the ESP that it renews, and on which a counted boot is marked good. `/boot`
/// is ostree's.
pub const ESP_MOUNT_POINT: &str = "efi";

/// What the script calls, and what calls it.
const NEEDS: [&str; 12] = [
    "usr/lib/systemd/systemd",
    "bin/sh",
    "bin/cat",
    "bin/cp",
    "bin/grep",
    "bin/mkdir",
    "bin/mv",
    "bin/readlink",
    "bin/rm",
    "bin/sed",
    "bin/stat",
    "bin/sync",
];

const UNITS: [(&str, &str); 3] = [
    ("diskwright-renew-esp.service", include_str!("renewal/diskwright-renew-esp.service")),
    ("diskwright-renew-esp-now.service", include_str!("renewal/diskwright-renew-esp-now.service")),
    ("diskwright-renew-esp.path", include_str!("renewal/diskwright-renew-esp.path")),
];

const ENABLED: [&str; 2] = ["diskwright-renew-esp.service", "diskwright-renew-esp.path"];

/// What the image in `tree` lacks to renew the copies, as a path; `None` where it can.
#[must_use]
pub fn renewal_lacks(tree: &FileTree) -> Option<&'static str> {
    if tree.directory(ESP_MOUNT_POINT.as_bytes()).is_none() {
        return Some(ESP_MOUNT_POINT);
    }
    NEEDS.into_iter().find(|path| regular_file(tree, path).is_none())
}

/// Files for `/etc` of a deployment that renews the copies, by their path below it; made at `created`.
#[must_use]
pub fn renewal(created: i64) -> Vec<(Vec<u8>, Inode)> {
    let maker = Maker::new(created);
    let script = maker.file(0o755, include_str!("renewal/renew-esp"));
    let mut files = vec![(b"diskwright/renew-esp".to_vec(), script)];
    for (name, text) in UNITS {
        files.push((format!("systemd/system/{name}").into_bytes(), maker.file(0o644, text)));
    }
    for name in ENABLED {
        let link = maker.symlink(&format!("/etc/systemd/system/{name}"));
        files.push((format!("systemd/system/multi-user.target.wants/{name}").into_bytes(), link));
    }
    files
}
