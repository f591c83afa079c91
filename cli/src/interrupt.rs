//! Ctrl-C: a word and an exit code. There is nothing to clean up but what machines leave behind, since an unfinished
//! output has no name.

use std::io::Write as _;
use std::thread;

use builder::Discarded;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Exit;
use crate::report::Failure;

/// From now on, an interrupt ends the process with a message and the code of [`Exit::Interrupted`].
pub(crate) fn install() -> Result<(), Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::signals)?;
    thread::spawn(move || {
        for _ in signals.forever() {
            let left = match builder::discard_pending_outputs() {
                // The output is complete and only its description is not printed yet.
                Discarded::Complete => continue,
                Discarded::Everything => "no output was written".to_owned(),
                Discarded::AllBut(device) => {
                    format!("the device {} has lost what was on it and has no partition table now", device.display())
                }
            };
            // Nobody may be listening any more, which changes nothing.
            let _ = writeln!(std::io::stderr(), "\ninterrupted: {left}");
            // The kernel ends them with this process, but only where util-linux is installed; and the directories of
            // their TPMs are nobody's to remove then.
            builder_qemu::kill_all_machines();
            #[expect(clippy::exit, reason = "the main thread cannot be told to stop in the middle of a write")]
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
    });
    Ok(())
}
