//! The program on a medium that installs.
//!
//! ```text
//!  kernel ──► /diskwright/install, the first process
//!               │
//!             session ── mounts, modules, devices ──► medium, found by its identity
//!               │                                       │
//!               ├── live ───── loop, snapshot ─────────►│ the image's own /init
//!               │                                       ▼
//!               └── choose ── confirm ── media_check ── install ── write, verify, identities, provision,
//!                     ▲                                            table, efi_variables
//!                     │
//!  diskwright-install ┘ the same in the live system: command
//! ```
//!
//! One static program without a shell or any other: what the kernel offers is all that it needs. What it understands of
//! the kernel command line is said in `cmdline.rs`, what it understands of answers in `answers.rs`.
//!
//! No drive is written before somebody has typed its name, or answers say `destructive = true` and fit exactly one. The
//! partition table is written last, so that a drive that is half written is not taken for a whole one.

mod answers;
mod choose;
mod cmdline;
mod command;
mod console;
mod devices;
mod drives;
mod efi_entry;
mod efi_variables;
mod failure;
mod firmware;
mod identities;
mod install;
mod ioctl;
mod links;
mod live;
mod live_state;
mod log;
mod loop_device;
mod machine;
mod media_check;
mod medium;
mod menu;
mod modules;
mod mounts;
mod pattern;
mod probe;
mod progress;
mod provision;
mod random;
mod refuse;
mod screen;
mod session;
mod snapshot;
mod table;
mod target;
mod uevents;
mod verify;
mod write;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::process::id() == 1 {
        session::run();
    }
    command::run(std::env::args().skip(1))
}
