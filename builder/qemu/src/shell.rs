//! A POSIX shell on the serial console: commands in, their output and exit status out.
//!
//! A command is typed as two lines. The first runs it with `eval`, so that a syntax error stays inside, and with an
//! empty standard input, so that it cannot eat the second. The second prints a marker with the status. The marker is
//! typed with a pair of quotes in its middle: should the terminal echo the line, the echo does not match.

use std::fmt::Write;
use std::ops::Range;
use std::process::ExitStatus;
use std::time::Duration;

use crate::console::Console;
use crate::error::QemuError;
use crate::pattern::Pattern;

/// A line the terminal takes before anybody reads it: N_TTY holds 4,096 bytes, its line feed included.
const LINE_LIMIT_BYTES: usize = 4000;

/// Makes the console quiet: no echo, no prompt, no colours, no pager, no shell integration (PROMPT_COMMAND and PS0
/// print OSC 3008), no kernel messages, and no status lines of systemd (SIGRTMIN+20 is "on", +21 "off", see
/// systemd(1)) in the middle of a command's output.
const QUIET: &str = "stty -echo; read -r DISKWRIGHT_PRINTK DISKWRIGHT_REST </proc/sys/kernel/printk; unset PROMPT_COMMAND PS0; PS1= PS2=; export TERM=dumb PAGER=cat SYSTEMD_PAGER= \
                     SYSTEMD_COLORS=0; dmesg -n 1; [ -d /run/systemd/system ] && kill -55 1";

/// Lets kernel and systemd speak again: the level that was there, and SIGRTMIN+20.
const LOUD: &str = "echo \"$DISKWRIGHT_PRINTK\" >/proc/sys/kernel/printk; \
                    if [ -d /run/systemd/system ]; then kill -54 1; fi";

/// What a command said and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The exit status; 128 and more for a signal.
    pub status: i32,
    /// Standard output and standard error as they came, without escape sequences, carriage returns and the line
    /// feeds at the end.
    pub text: String,
}

/// A shell that waits for commands. It lives on the machine's only console, so it borrows the machine.
pub struct Shell<'m> {
    console: &'m mut Console,
}

impl<'m> Shell<'m> {
    pub(crate) fn login(
        console: &'m mut Console,
        user: &str,
        password: Option<&str>,
        limit: Duration,
    ) -> Result<Self, QemuError> {
        // The caller may have waited for the prompt on its own.
        if !console.last_match().ends_with("login: ") {
            console.expect(&Pattern::literal("login: "), &[], limit)?;
        }
        console.write(format!("{user}\n").as_bytes())?;
        if let Some(password) = password {
            console.expect(&Pattern::literal("assword: "), &["Login incorrect"], limit)?;
            console.write(format!("{password}\n").as_bytes())?;
        }
        Self::at_prompt(console, limit)
    }

    pub(crate) fn at_prompt(console: &'m mut Console, limit: Duration) -> Result<Self, QemuError> {
        // An unread prompt, or the next one. Something else that looks like one does no harm: the lines below then
        // wait in the terminal until the shell reads them.
        let prompt = Pattern::any_of(&["# ", "$ "]);
        console.expect(&prompt, &["Login incorrect"], limit)?;
        let mut shell = Self { console };
        // Not through `run`, where standard input is not the terminal. What the terminal echoes until then is consumed
        // with the first marker.
        shell.console.write(format!("{QUIET}\n").as_bytes())?;
        shell.run(":", limit)?;
        Ok(shell)
    }

    /// Runs a command (or a script of several lines) in the shell itself, so `cd` and `export` last.
    ///
    /// # Errors
    ///
    /// [`QemuError::Command`] for a line above 4,000 bytes or a control character other than a line feed,
    /// [`QemuError::TimedOut`] when the command does not end, [`QemuError::Ended`] when the machine does.
    pub fn run(&mut self, command: &str, limit: Duration) -> Result<Output, QemuError> {
        let refuse = |reason| QemuError::Command { command: command.to_owned(), reason };
        if command.chars().any(|c| c.is_control() && c != '\n') {
            return Err(refuse("a terminal would take its control characters for keys"));
        }
        self.console.commands = self.console.commands.wrapping_add(1);
        let number = self.console.commands;
        let mut typed = format!("eval '{}' </dev/null\n", command.replace('\'', r"'\''"));
        // Writing to a string cannot fail.
        let _ = writeln!(typed, "echo DISK''WRIGHT-{number}=$?.");
        if typed.lines().any(|line| line.len() > LINE_LIMIT_BYTES) {
            return Err(refuse("a line has more than 4,000 bytes"));
        }
        self.console.write(typed.as_bytes())?;

        let marker = format!("DISKWRIGHT-{number}=");
        let name = format!("the end of `{command}`");
        let end = Pattern::test(&name, |text| Some(find_marker(text, &marker)?.0));
        let found = self.console.expect(&end, &[], limit)?;
        // The pattern has just found it there.
        let (_, status) = find_marker(&found.matched, &marker).expect("the match is a marker");
        Ok(Output { status, text: found.text_before.trim_end_matches('\n').to_owned() })
    }

    /// Runs a command that must succeed and returns its output.
    ///
    /// # Errors
    ///
    /// [`QemuError::CommandFailed`] when its status is not 0, and those of [`Shell::run`].
    pub fn check(&mut self, command: &str, limit: Duration) -> Result<String, QemuError> {
        match self.run(command, limit)? {
            Output { status: 0, text } => Ok(text),
            Output { status, text } => Err(QemuError::CommandFailed { command: command.to_owned(), status, text }),
        }
    }

    /// Lets kernel messages and systemd's status lines come again.
    ///
    /// # Errors
    ///
    /// Those of [`Shell::run`].
    pub(crate) fn unmute(&mut self, limit: Duration) -> Result<(), QemuError> {
        self.run(LOUD, limit).map(|_| ())
    }

    /// Interrupts, as Ctrl-C does, a command whose end [`Shell::run`] has given up waiting for.
    ///
    /// # Errors
    ///
    /// [`QemuError::Io`] when the guest takes no input.
    pub fn interrupt(&mut self) -> Result<(), QemuError> {
        self.console.write(b"\x03")
    }

    /// Has the guest shut down in order and waits until QEMU is gone. Unlike [`crate::Running::power_down`] this needs
    /// no driver for the power button in the guest, but a root shell.
    ///
    /// # Errors
    ///
    /// [`QemuError::TimedOut`] when the guest does not end.
    pub fn power_off(self, limit: Duration) -> Result<ExitStatus, QemuError> {
        // Without systemd (a rescue shell, an initramfs) there is nobody to ask but the kernel.
        let command = "if [ -d /run/systemd/system ]; then systemctl poweroff; else sync; poweroff -f; fi\n";
        self.console.write(command.as_bytes())?;
        self.console.wait_for_exit(limit)
    }
}

/// The marker with its status and line end, and the status.
fn find_marker(text: &str, marker: &str) -> Option<(Range<usize>, i32)> {
    let start = text.find(marker)?;
    let status_at = start + marker.len();
    let length = text[status_at..].find(".\n")?;
    let status = text[status_at..status_at + length].parse().ok()?;
    Some((start..status_at + length + 2, status))
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// The host's own shells on a pseudo-terminal, which `script` (Debian package `bsdutils`) provides.
    fn console(shell: &str) -> Console {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut command = Command::new("script");
        command.args(["--quiet", "--flush", "--return", "--command", shell, "/dev/null"]);
        command.env("PS1", "host# ").env("ENV", "/dev/null");
        command.stdin(OwnedFd::from(theirs.try_clone().unwrap())).stdout(OwnedFd::from(theirs));
        Console::start(command, ours, None).expect("install the Debian package `bsdutils`")
    }

    #[test]
    fn commands_return_their_status_and_text() {
        for shell in ["dash -i", "bash --norc --noprofile -i"] {
            let mut console = console(shell);
            let mut shell = Shell::at_prompt(&mut console, LIMIT).unwrap();
            for (command, status, text) in [
                ("echo one; echo two", 0, "one\ntwo"),
                ("printf 'no line end'", 0, "no line end"),
                ("false", 1, ""),
                ("(exit 42)", 42, ""),
                ("cat; echo \"it's\" \\$ '$HOME!'", 0, "it's $ $HOME!"),
                ("printf '\\033[31mred\\033[0m\\033]3008;end=x\\033\\\\'", 0, "red"),
                ("for i in 1 2\ndo\n  echo $i\ndone", 0, "1\n2"),
                ("echo DISKWRIGHT-1=0.", 0, "DISKWRIGHT-1=0."),
            ] {
                let output = shell.run(command, LIMIT).unwrap();
                assert_eq!((output.status, output.text.as_str()), (status, text), "{command}");
            }
            shell.check("cd /usr; there=here", LIMIT).unwrap();
            assert_eq!(shell.check("echo $PWD $there", LIMIT).unwrap(), "/usr here");
            assert_ne!(shell.run("if then", LIMIT).unwrap().status, 0);
            assert_eq!(shell.check("echo still here", LIMIT).unwrap(), "still here");
        }
    }
}
