//! Runs a machine from a disk file and talks to it: firmware, serial console, shell, QMP.
//!
//! ```text
//!   MachineBuilder ──build()──► Machine ──start()──► Running ──login()──► Shell
//!   what is wanted              every path known     a live QEMU           commands and
//!                               arguments() is pure  expect(), quit()      their status
//!                                    │                 │        │
//!                                    │            console     Qmp
//!                                    ▼            fd 1          fd 0
//!                               Display: the command for people (serial on stdio)
//! ```
//!
//! Used by `cli` and by tests, never by `builder`: building a disk needs no machine. The crate imports no other
//! crate of the project, and unlike the format crates it does look at the world: it searches `PATH`, starts a
//! process and measures deadlines with the monotonic clock.
//!
//! # TCG, unless KVM was seen to work
//!
//! The accelerator is said outright (`-accel tcg,thread=multi`). "KVM if `/dev/kvm` exists" is a trap: there are
//! hosts where the device opens and stock kernels then hang or QEMU aborts, and QEMU's own `kvm:tcg` fallback only
//! covers an open that fails. So [`try_kvm`] runs a guest of a few instructions, and only who has seen that one end
//! asks for [`Accelerator::Kvm`].
//!
//! # A boot with a verdict
//!
//! ```text
//!   Smoke ──run()──► console lines ──► observer: marks.rs ──► Stage, Verdict ──► SmokeReport
//!               │                        └─► up: interrogation of the logged-in console
//!               └──► virtio port ──► notification: what systemd itself tells, where it can
//! ```
//!
//! [`Smoke`] boots a machine nobody has prepared and says how far it came, and why no farther: see [`Verdict`]. What
//! it knows is in two tables of words that firmware, boot loaders, kernels, initramfs and systemd print.
//!
//! # Nothing to wait for, nothing left behind
//!
//! QMP and the serial console are the two ends of socket pairs, handed to QEMU as its standard input and output.
//! So there is no socket file to poll for, no limit on the length of a path and no race at the start. Waiting is
//! a condition variable or a socket timeout; nothing sleeps.
//!
//! Dropping [`Running`] kills QEMU's process group and reaps it, also while a panic unwinds. Should this process
//! be killed outright, `setpriv --pdeathsig KILL` (util-linux), through which QEMU is started where it exists, makes
//! the kernel end QEMU as well. Without `setpriv` that last case leaves QEMU running.
//!
//! The firmware's variables are not copied: QEMU keeps writes to them in an anonymous overlay (`snapshot=on`), as it
//! does for disks, so there is no temporary folder to clean up either.
//!
//! # Example
//!
//! ```no_run
//! use std::time::Duration;
//! use builder_qemu::{Architecture, BOOT_FAILURES, Disk, Firmware, Machine, Pattern};
//!
//! # fn main() -> Result<(), builder_qemu::QemuError> {
//! let machine = Machine::builder(Architecture::X86_64)
//!     .memory_mib(1024)
//!     .firmware(Firmware::UefiSecureBoot)
//!     .disk(Disk::raw("disk.raw"))
//!     .build()?;
//! let mut running = machine.start()?;
//! running.stage("first boot");
//! running.expect_or_fail(&Pattern::literal("login: "), BOOT_FAILURES, Duration::from_secs(150))?;
//! let mut shell = running.login("root", Some("root"), Duration::from_secs(60))?;
//! assert_eq!(shell.run("ostree admin status", Duration::from_secs(30))?.status, 0);
//! running.power_down(Duration::from_secs(60))?;
//! # Ok(())
//! # }
//! ```

mod alive;
mod arguments;
mod console;
mod credential;
mod deadline;
mod disk;
mod error;
mod firmware;
mod interrogation;
mod kvm;
mod machine;
mod marks;
mod notification;
mod observer;
mod pattern;
mod port;
mod program;
mod qmp;
mod quote;
mod running;
mod shell;
mod smoke;
mod stage;
mod tpm;
mod transcript;
mod verdict;

pub use alive::kill_all_machines;
pub use credential::Credential;
pub use disk::{Bus, Disk, DiskFormat, SectorSize};
pub use error::{Evidence, QemuError};
pub use firmware::{Firmware, FirmwareFile, FirmwareFiles};
pub use interrogation::{Check, CheckOutcome};
pub use kvm::{KvmUnusable, try_kvm};
pub use machine::{Accelerator, Architecture, DirectKernel, Forward, Machine, MachineBuilder, Network, OnReboot};
pub use notification::Notification;
pub use observer::{Reached, Sighting};
pub use pattern::{BOOT_FAILURES, Match, Pattern};
pub use qmp::Event;
pub use running::{Running, ScreenFormat};
pub use shell::{Output, Shell};
pub use smoke::{Smoke, SmokeReport};
pub use stage::Stage;
pub use tpm::SoftwareTpm;
pub use verdict::Verdict;
