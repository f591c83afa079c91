//! What is said of a boot at its end.

use std::fmt;

/// How a boot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The system is up, no unit failed, and what was asked of it was answered well.
    TargetReached,
    /// QEMU could not be started or ended by itself, or this machine lacks something: nothing is known of the disk.
    HostError,
    /// The firmware found nothing on the disk that it could start.
    NothingToBoot,
    /// The firmware, shim or the boot loader refused what comes next because of its signature.
    SecureBootRefused,
    /// The boot loader did not get as far as starting a kernel.
    BootLoaderError,
    /// The boot loader said that it starts a kernel, and no kernel spoke.
    KernelNotReached,
    /// The kernel gave up.
    KernelPanic,
    /// The initramfs gave up and waits for somebody to repair it.
    InitramfsEmergency,
    /// The initramfs did not find the root file system, or could not mount it.
    RootNotFound,
    /// ostree or composefs could not make a root of the deployment.
    OstreeFailed,
    /// The system is up, and units failed; or so many that it waits for somebody to repair it.
    UnitsFailed,
    /// The system is up, and something that was asked of it was not so.
    CheckFailed,
    /// The guest switched the machine off or started it anew before it was up.
    Ended,
    /// The time was over.
    Timeout,
}

impl Verdict {
    /// All of them: good news first, then in the order of a boot.
    pub const ALL: [Self; 14] = [
        Self::TargetReached,
        Self::HostError,
        Self::NothingToBoot,
        Self::SecureBootRefused,
        Self::BootLoaderError,
        Self::KernelNotReached,
        Self::KernelPanic,
        Self::InitramfsEmergency,
        Self::RootNotFound,
        Self::OstreeFailed,
        Self::UnitsFailed,
        Self::CheckFailed,
        Self::Ended,
        Self::Timeout,
    ];

    /// The word for programs: lower case, without blanks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TargetReached => "target-reached",
            Self::HostError => "host-error",
            Self::NothingToBoot => "nothing-to-boot",
            Self::SecureBootRefused => "secure-boot-refused",
            Self::BootLoaderError => "boot-loader-error",
            Self::KernelNotReached => "kernel-not-reached",
            Self::KernelPanic => "kernel-panic",
            Self::InitramfsEmergency => "initramfs-emergency",
            Self::RootNotFound => "root-not-found",
            Self::OstreeFailed => "ostree-failed",
            Self::UnitsFailed => "units-failed",
            Self::CheckFailed => "check-failed",
            Self::Ended => "ended",
            Self::Timeout => "timeout",
        }
    }
}

/// The words for people.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TargetReached => "target reached",
            Self::HostError => "host or QEMU error",
            Self::NothingToBoot => "firmware found nothing to boot",
            Self::SecureBootRefused => "Secure Boot refused",
            Self::BootLoaderError => "boot loader error",
            Self::KernelNotReached => "kernel not reached",
            Self::KernelPanic => "kernel panic",
            Self::InitramfsEmergency => "initramfs emergency",
            Self::RootNotFound => "root not found",
            Self::OstreeFailed => "ostree or composefs prepare failed",
            Self::UnitsFailed => "units failed",
            Self::CheckFailed => "check failed",
            Self::Ended => "machine ended",
            Self::Timeout => "timeout",
        })
    }
}
