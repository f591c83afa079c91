//! What runs before the root is mounted: the initramfs, whose settings decide how the deployment is mounted.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use builder_initramfs::{Compression, Initramfs, InitramfsError, Limits};
use builder_kmod::MAX_LIST_BYTES;
use builder_tree::Inode;

use crate::settings::key_file;

mod modules;

pub(crate) use modules::EarlyModules;

/// Where the settings may be; the first one found replaces the others as a whole (libostree,
/// `otcore_load_config`).
const SETTINGS: [&str; 2] = ["etc/ostree/prepare-root.conf", "usr/lib/ostree/prepare-root.conf"];

/// Where the program may be that mounts the deployment.
const PROGRAMS: [&str; 3] =
    ["usr/lib/ostree/ostree-prepare-root", "usr/libexec/ostree/ostree-prepare-root", "lib/ostree/ostree-prepare-root"];

/// What an initramfs says of the root, and the kernel modules that it has to find it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Early {
    /// Whether there is a program that mounts a deployment.
    pub(crate) has_program: bool,
    /// Its `prepare-root.conf` as `section.key`; empty where it has none, for then the defaults hold.
    pub(crate) settings: BTreeMap<String, String>,
    /// Its kernel modules.
    pub(crate) modules: EarlyModules,
    /// Whether an archive of it is packed with zstd, so that its kernel unpacks that.
    pub(crate) has_zstd: bool,
}

impl Early {
    /// Reads an initramfs.
    pub(crate) fn read(initramfs: &Inode) -> Result<Self, InitramfsError> {
        match initramfs.content() {
            Some(content) => Self::parse(BufReader::with_capacity(1 << 18, content.reader())),
            None => Self::parse(std::io::empty()),
        }
    }

    /// Reads what a boot loader loads: one archive, or several one behind the other.
    pub(crate) fn parse(bytes: impl Read) -> Result<Self, InitramfsError> {
        let wanted =
            |path: &[u8]| SETTINGS.iter().any(|settings| path == settings.as_bytes()) || EarlyModules::wants(path);
        let limits = Limits { body_bytes: MAX_LIST_BYTES, ..Limits::default() };
        let initramfs = Initramfs::read(bytes, &limits, wanted)?;
        let mut settings = BTreeMap::new();
        for path in SETTINGS {
            // Behind a link to a place that nobody would look for, it is not kept: then it has no say here.
            if let Ok(Some(text)) = initramfs.text(path) {
                settings = key_file(text);
                break;
            }
        }
        let has_program = PROGRAMS.iter().any(|path| initramfs.has(path));
        let has_zstd = initramfs.archives().iter().any(|archive| archive.compression == Compression::Zstd);
        Ok(Self { has_program, settings, modules: EarlyModules::of(&initramfs), has_zstd })
    }
}
