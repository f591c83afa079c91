//! A machine that runs: what it says, what it is told, how it ends.

use std::fmt;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::arguments::Wiring;
use crate::console::{Console, Said, Tee};
use crate::deadline::Deadline;
use crate::error::QemuError;
use crate::machine::Machine;
use crate::pattern::{Match, Pattern};
use crate::port::Port;
use crate::program::guarded;
use crate::qmp::{Event, Failure, Qmp};
use crate::shell::Shell;

/// QEMU answers at once; this is for a host that swaps.
const QMP_LIMIT: Duration = Duration::from_secs(60);

/// Between the end of the QMP socket and the end of the process.
const EXIT_LIMIT: Duration = Duration::from_secs(30);

/// The format in which QEMU wrote a screenshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreenFormat {
    /// QEMU 7.1 and later, where it is built in.
    Png,
    /// Portable pixmap, every QEMU.
    Ppm,
}

impl Machine {
    /// Starts QEMU and waits until it answers on QMP.
    ///
    /// # Errors
    ///
    /// [`QemuError::Io`] when the process cannot be started, [`QemuError::Ended`] with QEMU's own words when it
    /// does not like its arguments.
    pub fn start(&self) -> Result<Running, QemuError> {
        self.launch(None, None)
    }

    /// Like [`Machine::start`], and every byte of the console also goes to `tee`, escape sequences and all. A `tee`
    /// that fails is dropped; the machine goes on.
    ///
    /// # Errors
    ///
    /// Those of [`Machine::start`].
    pub fn start_with_tee(&self, tee: impl Write + Send + 'static) -> Result<Running, QemuError> {
        self.launch(Some(Box::new(tee)), None)
    }

    /// Runs QEMU in the foreground with the serial console on the terminal, until it ends. Ctrl-A X quits.
    ///
    /// # Errors
    ///
    /// [`QemuError::Io`] when the process cannot be started.
    pub fn run_in_terminal(&self) -> Result<ExitStatus, QemuError> {
        let status = self.command(Wiring::Terminal, None).status();
        status.map_err(|source| QemuError::Io { operation: "start QEMU", source })
    }

    /// Like [`Machine::start_with_tee`], and what the guest says on a virtio port comes with it, where it is to say
    /// something.
    pub(crate) fn start_with_port(
        &self,
        tee: impl Write + Send + 'static,
    ) -> Result<(Running, Option<Port>), QemuError> {
        if !self.wish.notification {
            return Ok((self.start_with_tee(tee)?, None));
        }
        let mut port = Port::open().map_err(|source| QemuError::Io { operation: "make the pipe of a port", source })?;
        let running = self.launch(Some(Box::new(tee)), port.path().as_deref())?;
        // It answers on QMP, so it has opened all its files.
        port.opened();
        Ok((running, Some(port)))
    }

    fn command(&self, wiring: Wiring, port: Option<&Path>) -> Command {
        let mut command = guarded(&self.program);
        command.args(self.arguments_for(wiring, port));
        command
    }

    fn launch(&self, tee: Option<Tee>, port: Option<&Path>) -> Result<Running, QemuError> {
        let failed = |operation| move |source| QemuError::Io { operation, source };
        let (control, qemu_control) = UnixStream::pair().map_err(failed("make the QMP socket"))?;
        let (serial, qemu_serial) = UnixStream::pair().map_err(failed("make the console socket"))?;
        let mut command = self.command(Wiring::Sockets, port);
        command.stdin(Stdio::from(OwnedFd::from(qemu_control)));
        command.stdout(Stdio::from(OwnedFd::from(qemu_serial)));
        let console = Console::start(command, serial, tee).map_err(failed("start QEMU"))?;
        let greeting = Qmp::connect(control, Deadline::after(QMP_LIMIT));
        let qmp = greeting.map_err(|failure| explain(&console, "the greeting", failure, QMP_LIMIT))?;
        Ok(Running { qmp, console })
    }
}

/// A live QEMU. Dropping it kills the process (and its group) and reaps it.
pub struct Running {
    // First, so that it is closed before the console's drop ends the process.
    qmp: Qmp,
    console: Console,
}

impl Running {
    /// Names what happens now; errors repeat it.
    pub fn stage(&mut self, stage: &str) {
        self.console.set_stage(stage);
    }

    /// Process number of QEMU, as long as it lives.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.console.process_id()
    }

    /// QEMU's major and minor version.
    #[must_use]
    pub fn qemu_version(&self) -> (u64, u64) {
        self.qmp.version()
    }

    /// Waits for something on the serial console and moves on past it.
    ///
    /// # Errors
    ///
    /// [`QemuError::TimedOut`] or [`QemuError::Ended`], with the last 40 lines.
    pub fn expect(&mut self, want: &Pattern<'_>, limit: Duration) -> Result<Match, QemuError> {
        self.console.expect(want, &[], limit)
    }

    /// Like [`Running::expect`], but gives up as soon as one of `failures` comes first; [`crate::BOOT_FAILURES`] are
    /// the usual ones.
    ///
    /// # Errors
    ///
    /// [`QemuError::GuestFailed`], and those of [`Running::expect`].
    pub fn expect_or_fail(
        &mut self,
        want: &Pattern<'_>,
        failures: &[&str],
        limit: Duration,
    ) -> Result<Match, QemuError> {
        self.console.expect(want, failures, limit)
    }

    /// Types text into the serial console.
    ///
    /// # Errors
    ///
    /// [`QemuError::Io`] when the guest takes no input. A guest that is gone is no error here; the next
    /// [`Running::expect`] reports it.
    pub fn send(&mut self, text: &str) -> Result<(), QemuError> {
        self.console.write(text.as_bytes())
    }

    /// Forgets the text that was not consumed yet, so that the next [`Running::expect`] only sees what is to come.
    pub fn skip_text(&mut self) {
        self.console.skip();
    }

    /// What has come since the last call, see [`Console::lines`].
    pub(crate) fn lines(&mut self, limit: Duration) -> Said {
        self.console.lines(limit)
    }

    /// Where the console's unread text begins, see [`Console::position`].
    pub(crate) fn position(&self) -> usize {
        self.console.position()
    }

    /// What has come since a position, see [`Console::lines_since`].
    pub(crate) fn lines_since(&self, position: usize) -> Vec<String> {
        self.console.lines_since(position)
    }

    /// What QEMU itself has said on its standard error, at most 16 KiB.
    #[must_use]
    pub fn qemu_said(&self) -> Vec<String> {
        self.console.qemu_said()
    }

    /// The last lines of the console, at most `count`, blank ones left out.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        self.console.last_lines(count)
    }

    /// Waits for `login: `, logs in and prepares the shell.
    ///
    /// # Errors
    ///
    /// [`QemuError::GuestFailed`] for a refused login, and those of [`Running::expect`]. `limit` is for each step.
    pub fn login(&mut self, user: &str, password: Option<&str>, limit: Duration) -> Result<Shell<'_>, QemuError> {
        Shell::login(&mut self.console, user, password, limit)
    }

    /// Prepares a shell that already waits on the console, or is about to, without a login.
    ///
    /// # Errors
    ///
    /// Those of [`Running::expect`].
    pub fn shell(&mut self, limit: Duration) -> Result<Shell<'_>, QemuError> {
        Shell::at_prompt(&mut self.console, limit)
    }

    /// Runs any QMP command.
    ///
    /// # Errors
    ///
    /// [`QemuError::Refused`], [`QemuError::Nonsense`], [`QemuError::Ended`], [`QemuError::TimedOut`].
    pub fn qmp(&mut self, command: &str, arguments: Value) -> Result<Value, QemuError> {
        let result = self.qmp.execute(command, arguments, Deadline::after(QMP_LIMIT));
        result.map_err(|failure| explain(&self.console, command, failure, QMP_LIMIT))
    }

    /// What QEMU says the machine does: `running`, `paused`, `shutdown`, `guest-panicked`, …
    ///
    /// # Errors
    ///
    /// Those of [`Running::qmp`].
    pub fn status(&mut self) -> Result<String, QemuError> {
        let answer = self.qmp("query-status", Value::Null)?;
        match answer.get("status").and_then(Value::as_str) {
            Some(status) => Ok(status.to_owned()),
            None => Err(QemuError::Nonsense { command: "query-status".to_owned(), answer: answer.to_string() }),
        }
    }

    /// Waits for one of these QMP events, such as `RESET` or `SHUTDOWN`, also one that has come since the last call.
    ///
    /// # Errors
    ///
    /// [`QemuError::TimedOut`], [`QemuError::Ended`].
    pub fn wait_for_event(&mut self, names: &[&str], limit: Duration) -> Result<Event, QemuError> {
        let result = self.qmp.wait_for_event(names, Deadline::after(limit));
        result.map_err(|failure| explain(&self.console, &format!("the event {}", names.join(" or ")), failure, limit))
    }

    /// Presses the reset button and forgets the console's unread text.
    ///
    /// # Errors
    ///
    /// Those of [`Running::qmp`].
    pub fn reset(&mut self) -> Result<(), QemuError> {
        self.qmp.forget_events();
        self.qmp("system_reset", Value::Null)?;
        self.wait_for_event(&["RESET"], QMP_LIMIT)?;
        self.skip_text();
        Ok(())
    }

    /// Presses the power button and waits until the guest has shut down and QEMU is gone.
    ///
    /// On x86 the guest needs the ACPI `button` driver to hear it, a module that small images often lack, and somebody
    /// who acts on it, such as logind. [`Shell::power_off`] needs neither.
    ///
    /// # Errors
    ///
    /// [`QemuError::TimedOut`] when the guest does not react, and those of [`Running::qmp`].
    pub fn power_down(&mut self, limit: Duration) -> Result<ExitStatus, QemuError> {
        self.qmp("system_powerdown", Value::Null)?;
        self.wait_for_exit(limit)
    }

    /// Waits until QEMU is gone, because the guest shut down.
    ///
    /// # Errors
    ///
    /// [`QemuError::TimedOut`].
    pub fn wait_for_exit(&mut self, limit: Duration) -> Result<ExitStatus, QemuError> {
        self.console.wait_for_exit(limit)
    }

    /// Ends QEMU at once, in order: disk files are flushed and closed.
    ///
    /// # Errors
    ///
    /// Those of [`Running::qmp`], and [`QemuError::TimedOut`].
    pub fn quit(mut self) -> Result<ExitStatus, QemuError> {
        match self.qmp.execute("quit", Value::Null, Deadline::after(QMP_LIMIT)) {
            // It may be gone before its answer is, or have been gone before.
            Ok(_) | Err(Failure::Closed) => self.wait_for_exit(EXIT_LIMIT),
            Err(failure) => Err(explain(&self.console, "quit", failure, QMP_LIMIT)),
        }
    }

    /// Has QEMU write what the screen shows to `path`. The machine needs [`crate::MachineBuilder::screen`].
    ///
    /// # Errors
    ///
    /// Those of [`Running::qmp`]; QEMU refuses when there is no screen or the file cannot be written.
    pub fn screenshot(&mut self, path: &Path) -> Result<ScreenFormat, QemuError> {
        let path = std::path::absolute(path)
            .map_err(|source| QemuError::Io { operation: "find the folder of the screenshot", source })?;
        let filename = path.to_string_lossy().into_owned();
        if self.qmp.version() >= (7, 1) {
            match self.qmp("screendump", json!({ "filename": filename, "format": "png" })) {
                // A QEMU built without libpng knows the argument and refuses it.
                Err(QemuError::Refused { description, .. }) if description.to_lowercase().contains("png") => {}
                result => return result.map(|_| ScreenFormat::Png),
            }
        }
        self.qmp("screendump", json!({ "filename": filename })).map(|_| ScreenFormat::Ppm)
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running(process {:?})", self.process_id())
    }
}

/// Tells why QMP failed. A closed socket means that QEMU is about to end; how it ends is the better story.
fn explain(console: &Console, command: &str, failure: Failure, limit: Duration) -> QemuError {
    let wanted = format!("the QMP answer to {command}");
    match failure {
        Failure::Closed => match console.wait_for_exit(EXIT_LIMIT) {
            Ok(status) => console.ended(status, wanted),
            Err(error) => error,
        },
        Failure::TimedOut => console.timed_out(wanted, limit),
        Failure::Io(source) => QemuError::Io { operation: "talk to QEMU over QMP", source },
        Failure::Refused { class, description } => {
            QemuError::Refused { command: command.to_owned(), class, description }
        }
        Failure::Nonsense(answer) => QemuError::Nonsense { command: command.to_owned(), answer },
    }
}
