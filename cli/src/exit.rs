//! Exit codes: one enum, one meaning each.

use std::process::ExitCode;

use builder::Category;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All was done.
    Success = 0,
    /// A defect of diskwright.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The image, or a file given, is damaged or not what it should be.
    InputInvalid = 3,
    /// The image is sound but would not make a working machine.
    ValidationFailed = 4,
    /// The image asks for something that diskwright cannot do.
    Unsupported = 5,
    /// The machine that builds lacks something: room, a directory, a permission.
    Environment = 6,
    /// Reading or writing failed.
    Io = 7,
    /// What was compared is not the same.
    Different = 8,
    /// A smoke test: QEMU, or this machine.
    HostError = 20,
    /// A smoke test: the firmware found nothing that it could start.
    NothingToBoot = 21,
    /// A smoke test: a signature was refused.
    SecureBootRefused = 22,
    /// A smoke test: the boot loader failed.
    BootLoaderError = 23,
    /// A smoke test: the kernel did not speak.
    KernelNotReached = 24,
    /// A smoke test: the kernel gave up.
    KernelPanic = 25,
    /// A smoke test: the initramfs gave up.
    InitramfsEmergency = 26,
    /// A smoke test: there was no root file system.
    RootNotFound = 27,
    /// A smoke test: ostree or composefs made no root.
    OstreeFailed = 28,
    /// A smoke test: units failed.
    UnitsFailed = 29,
    /// A smoke test: something asked of the system was not so.
    CheckFailed = 30,
    /// A smoke test: the machine was switched off or started anew.
    MachineEnded = 31,
    /// A smoke test: the time was over.
    TimedOut = 32,
    /// Stopped by Ctrl-C or a termination signal.
    Interrupted = 130,
}

/// The table for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  success
    1  internal error: a defect of diskwright
    2  usage: the command line is wrong
    3  input invalid: the image or a given file is damaged or malformed
    4  validation failed: the image would not make a working machine
    5  unsupported: the image asks for something that diskwright cannot do
    6  environment: this machine lacks room, a directory or a permission
    7  I/O: reading or writing failed
    8  different: what was compared is not the same
   20  smoke: host or QEMU error
   21  smoke: the firmware found nothing to boot
   22  smoke: Secure Boot refused
   23  smoke: boot loader error
   24  smoke: kernel not reached
   25  smoke: kernel panic
   26  smoke: initramfs emergency
   27  smoke: root not found
   28  smoke: ostree or composefs prepare failed
   29  smoke: units failed
   30  smoke: the system is up, and a check failed
   31  smoke: the machine was switched off or started anew before the system was up
   32  smoke: timeout
       of several machines that failed, the lowest of their codes: the boot that came least far
  130  interrupted";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Category> for Exit {
    fn from(category: Category) -> Self {
        match category {
            Category::Usage => Self::Usage,
            Category::Input => Self::InputInvalid,
            Category::Validation => Self::ValidationFailed,
            Category::Unsupported => Self::Unsupported,
            Category::Environment => Self::Environment,
            Category::Io => Self::Io,
            Category::Internal => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, HELP};

    #[test]
    fn help_names_every_code() {
        for exit in [
            Exit::Success,
            Exit::Internal,
            Exit::Usage,
            Exit::InputInvalid,
            Exit::ValidationFailed,
            Exit::Unsupported,
            Exit::Environment,
            Exit::Io,
            Exit::Different,
            Exit::HostError,
            Exit::NothingToBoot,
            Exit::SecureBootRefused,
            Exit::BootLoaderError,
            Exit::KernelNotReached,
            Exit::KernelPanic,
            Exit::InitramfsEmergency,
            Exit::RootNotFound,
            Exit::OstreeFailed,
            Exit::UnitsFailed,
            Exit::CheckFailed,
            Exit::MachineEnded,
            Exit::TimedOut,
            Exit::Interrupted,
        ] {
            let code = exit as u8;
            assert!(HELP.lines().any(|line| line.trim_start().starts_with(&format!("{code}  "))), "{code}");
        }
    }
}
