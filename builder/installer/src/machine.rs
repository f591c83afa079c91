//! The end: the machine is started again, or turned off.

use std::time::Duration;

use builder_medium::Finish;
use rustix::system::{RebootCommand, reboot};

/// Ends the machine.
pub(crate) fn end(how: Finish) -> ! {
    rustix::fs::sync();
    let command = match how {
        Finish::Reboot => RebootCommand::Restart,
        Finish::PowerOff => RebootCommand::PowerOff,
        Finish::Halt => RebootCommand::Halt,
    };
    // A machine that cannot be turned off halts.
    let _ = reboot(command);
    let _ = reboot(RebootCommand::Halt);
    // The first process may not end: the kernel would panic.
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
