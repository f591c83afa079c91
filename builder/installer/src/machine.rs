//! The end: the machine is started again, or turned off.

use std::time::Duration;

use rustix::system::{RebootCommand, reboot};

use crate::answers::AtEnd;

/// Ends the machine.
pub(crate) fn end(how: AtEnd) -> ! {
    rustix::fs::sync();
    let command = match how {
        AtEnd::Reboot => RebootCommand::Restart,
        AtEnd::PowerOff => RebootCommand::PowerOff,
        AtEnd::Halt => RebootCommand::Halt,
    };
    // A machine that cannot be turned off halts.
    let _ = reboot(command);
    let _ = reboot(RebootCommand::Halt);
    // The first process may not end: the kernel would panic.
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
