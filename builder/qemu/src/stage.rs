//! How far a boot has come.

use std::fmt;

/// A point that a boot passes. Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// QEMU runs.
    Started,
    /// The firmware has said something.
    Firmware,
    /// The firmware has started what it found on the disk.
    BootLoader,
    /// The kernel has said something.
    Kernel,
    /// The first program of the initramfs runs.
    Initramfs,
    /// The root file system is mounted, or is about to become the root.
    Root,
    /// The system's own service manager runs.
    Systemd,
    /// Everything that was to be started is, or somebody may log in.
    Target,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Started,
        Self::Firmware,
        Self::BootLoader,
        Self::Kernel,
        Self::Initramfs,
        Self::Root,
        Self::Systemd,
        Self::Target,
    ];

    /// The word for programs: lower case, without blanks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Firmware => "firmware",
            Self::BootLoader => "boot-loader",
            Self::Kernel => "kernel",
            Self::Initramfs => "initramfs",
            Self::Root => "root",
            Self::Systemd => "systemd",
            Self::Target => "target",
        }
    }
}

/// The words for people.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BootLoader => "boot loader",
            Self::Root => "root mounted",
            Self::Target => "target reached",
            other => other.name(),
        })
    }
}
