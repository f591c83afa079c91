//! A child process and its serial console: one thread starts the child, reads what it says, and reaps it.
//!
//! One thread for all three on purpose. The kernel's parent death signal fires when the *thread* that started the
//! child ends, so that thread has to live as long as the child; and the console ends when the child does.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::alive::groups;
use crate::deadline::Deadline;
use crate::error::{Evidence, QemuError, WANTED_EXIT};
use crate::pattern::{Match, Pattern};
use crate::transcript::Transcript;

/// Lines of the console that an error carries.
const EVIDENCE_LINES: usize = 40;

/// A guest that takes no input for this long never will.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// How long a line that reports a failure may take to end. A prompt never ends.
const LINE_LIMIT: Duration = Duration::from_secs(2);

/// A line that is longer is taken in pieces: whoever reads lines must not wait for an end that a guest never sends.
const LONG_LINE_BYTES: usize = 16 << 10;

/// What came since the last call of [`Console::lines`].
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Whole lines.
    pub(crate) lines: Vec<String>,
    /// The beginning of the next line, such as a prompt. It is not consumed.
    pub(crate) rest: String,
    /// Whether anything came at all.
    pub(crate) fresh: bool,
    /// How the child has ended.
    pub(crate) ended: Option<ExitStatus>,
}

/// Gets every byte of the console as it comes.
pub(crate) type Tee = Box<dyn Write + Send>;

struct State {
    transcript: Transcript,
    /// The child, as long as it is not reaped; its process group has the same number.
    alive: Option<Pid>,
    ended: Option<ExitStatus>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    /// No code panics while it holds the lock half-way through a change, so a poisoned state is still a whole one.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The near end of a child's serial console. Dropping it kills the child with its process group and reaps it.
pub(crate) struct Console {
    shared: Arc<Shared>,
    stream: UnixStream,
    errors: File,
    keeper: Option<JoinHandle<()>>,
    stage: String,
    /// What [`Console::expect`] found last.
    last_match: String,
    /// Commands typed so far, see [`crate::shell`].
    pub(crate) commands: u32,
}

impl Console {
    /// Starts `command` in a process group of its own. Its console is the other end of `stream`, which the caller
    /// has already given to the command; its standard error goes to a temporary file.
    pub(crate) fn start(mut command: Command, stream: UnixStream, tee: Option<Tee>) -> io::Result<Self> {
        let errors = tempfile::tempfile()?;
        command.stderr(errors.try_clone()?).process_group(0);
        stream.set_write_timeout(Some(WRITE_LIMIT))?;
        let input = stream.try_clone()?;
        let state = State { transcript: Transcript::new(), alive: None, ended: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let (started, has_started) = mpsc::channel();
        let keeper = {
            let shared = Arc::clone(&shared);
            let keep = move || match command.spawn() {
                Ok(child) => {
                    shared.lock().alive = Some(Pid::from_child(&child));
                    groups().push(Pid::from_child(&child));
                    // The command holds the child's ends of the sockets; the console only ends when all are closed.
                    drop(command);
                    // The receiver waits for this very message.
                    let _ = started.send(Ok(()));
                    read_until_end(input, &shared, tee);
                    reap(child, &shared);
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            };
            std::thread::Builder::new().name("serial console".to_owned()).spawn(keep)?
        };
        has_started.recv().map_err(|_| io::Error::other("the console thread ended"))??;
        Ok(Self {
            shared,
            stream,
            errors,
            keeper: Some(keeper),
            stage: "start".to_owned(),
            last_match: String::new(),
            commands: 0,
        })
    }

    /// Names what the caller is doing, for errors.
    pub(crate) fn set_stage(&mut self, stage: &str) {
        stage.clone_into(&mut self.stage);
    }

    /// Types bytes into the console.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), QemuError> {
        match self.stream.write_all(bytes) {
            // The child is gone; whoever waits for its answer says so, with how it ended.
            Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => Ok(()),
            result => result.map_err(|source| QemuError::Io { operation: "write to the serial console", source }),
        }
    }

    /// Waits until the unread text matches `want` and moves on past the match, or until one of `failures` comes
    /// first, the child ends, or `limit` passes.
    pub(crate) fn expect(
        &mut self,
        want: &Pattern<'_>,
        failures: &[&str],
        limit: Duration,
    ) -> Result<Match, QemuError> {
        let deadline = Deadline::after(limit);
        let failures = Pattern::any_of(failures);
        let mut state = self.shared.lock();
        state.transcript.restart_search();
        loop {
            let (unread, searched) = (state.transcript.unread(), state.transcript.searched());
            let found = want.find(unread, searched);
            if let Some(bad) = failures.find(unread, searched)
                && found.as_ref().is_none_or(|good| bad.start < good.start)
            {
                let found = unread[bad.clone()].to_owned();
                state.transcript.consume(bad.end);
                let state = self.let_it_finish_the_line(state);
                let evidence = self.evidence(&state);
                return Err(QemuError::GuestFailed { found, wanted: want.to_string(), evidence });
            }
            if let Some(range) = found {
                let text_before = unread[..range.start].to_owned();
                let matched = unread[range.clone()].to_owned();
                state.transcript.consume(range.end);
                self.last_match.clone_from(&matched);
                return Ok(Match { text_before, matched });
            }
            state.transcript.mark_searched();
            if let Some(status) = state.ended {
                let evidence = self.evidence(&state);
                return Err(QemuError::Ended { status, wanted: want.to_string(), evidence });
            }
            let Some(left) = deadline.remaining() else {
                let evidence = self.evidence(&state);
                return Err(QemuError::TimedOut { wanted: want.to_string(), limit, evidence });
            };
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The words that give a failure away come before its reason: "Kernel panic - not syncing: …".
    fn let_it_finish_the_line<'s>(&'s self, mut state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let deadline = Deadline::after(LINE_LIMIT);
        while !state.transcript.unread().contains('\n') && state.ended.is_none() {
            let Some(left) = deadline.remaining() else { break };
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// Waits until the child has ended and is reaped.
    pub(crate) fn wait_for_exit(&self, limit: Duration) -> Result<ExitStatus, QemuError> {
        let deadline = Deadline::after(limit);
        let mut state = self.shared.lock();
        loop {
            if let Some(status) = state.ended {
                return Ok(status);
            }
            let Some(left) = deadline.remaining() else {
                let wanted = WANTED_EXIT.to_owned();
                return Err(QemuError::TimedOut { wanted, limit, evidence: self.evidence(&state) });
            };
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for text, or for the end of the child, and consumes the lines that are whole. Gives nothing where `limit`
    /// passes first.
    pub(crate) fn lines(&mut self, limit: Duration) -> Said {
        let deadline = Deadline::after(limit);
        let mut state = self.shared.lock();
        while state.transcript.unread().len() <= state.transcript.searched() && state.ended.is_none() {
            let Some(left) = deadline.remaining() else { break };
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let unread = state.transcript.unread();
        let fresh = unread.len() > state.transcript.searched();
        let whole = match unread.rfind('\n') {
            Some(at) => at + 1,
            None if unread.len() > LONG_LINE_BYTES => unread.len(),
            None => 0,
        };
        let lines = unread[..whole].lines().map(str::to_owned).collect();
        let rest = unread[whole..].to_owned();
        state.transcript.consume(whole);
        state.transcript.mark_searched();
        Said { lines, rest, fresh, ended: state.ended }
    }

    /// Where the text begins that nobody has consumed, for [`Console::lines_since`].
    pub(crate) fn position(&self) -> usize {
        self.shared.lock().transcript.position()
    }

    /// What has come since a position, consumed or not.
    pub(crate) fn lines_since(&self, position: usize) -> Vec<String> {
        self.shared.lock().transcript.since(position).lines().map(str::to_owned).collect()
    }

    /// Drops the text nobody has consumed.
    pub(crate) fn skip(&mut self) {
        self.shared.lock().transcript.consume_all();
    }

    /// What was found last.
    pub(crate) fn last_match(&self) -> &str {
        &self.last_match
    }

    /// The last lines, at most `count`.
    pub(crate) fn last_lines(&self, count: usize) -> Vec<String> {
        self.shared.lock().transcript.last_lines(count)
    }

    /// Process number of the child, as long as it lives.
    pub(crate) fn process_id(&self) -> Option<u32> {
        self.pid().and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok())
    }

    /// The same.
    pub(crate) fn pid(&self) -> Option<Pid> {
        self.shared.lock().alive
    }

    /// The error of a deadline that passed somewhere else than on the console.
    pub(crate) fn timed_out(&self, wanted: String, limit: Duration) -> QemuError {
        QemuError::TimedOut { wanted, limit, evidence: self.evidence(&self.shared.lock()) }
    }

    /// The error of a child that ended somewhere else than on the console.
    pub(crate) fn ended(&self, status: ExitStatus, wanted: String) -> QemuError {
        QemuError::Ended { status, wanted, evidence: self.evidence(&self.shared.lock()) }
    }

    /// What the child has written to its standard error, at most 16 KiB.
    pub(crate) fn qemu_said(&self) -> Vec<String> {
        // Errors of this read would only hide the error that is being described.
        let mut said = vec![0; 16 << 10];
        let length = self.errors.read_at(&mut said, 0).unwrap_or(0);
        String::from_utf8_lossy(&said[..length]).lines().map(str::to_owned).collect()
    }

    fn evidence(&self, state: &State) -> Box<Evidence> {
        Box::new(Evidence {
            stage: self.stage.clone(),
            console: state.transcript.last_lines(EVIDENCE_LINES),
            qemu: self.qemu_said(),
        })
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        {
            // Under the lock: the number cannot have been reaped, and so cannot belong to another process.
            let state = self.shared.lock();
            if let Some(group) = state.alive {
                // It can only fail because the group has just ended by itself.
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
        // A grandchild outside the group might still hold the console open; the keeper must not wait for it.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        if let Some(keeper) = self.keeper.take() {
            // A panic of the keeper has been reported on its own; there is nothing to add while dropping.
            let _ = keeper.join();
        }
    }
}

fn read_until_end(mut input: UnixStream, shared: &Shared, mut tee: Option<Tee>) {
    let mut chunk = [0; 4096];
    loop {
        let bytes = match input.read(&mut chunk) {
            // Errors other than an interruption mean that the other end is gone.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => return,
            Ok(count) => &chunk[..count],
        };
        shared.lock().transcript.push(bytes);
        shared.changed.notify_all();
        if tee.as_mut().is_some_and(|tee| tee.write_all(bytes).and_then(|()| tee.flush()).is_err()) {
            tee = None;
        }
    }
}

/// Waits for the end without reaping, then reaps under the lock, so that nobody signals a number that was reused.
fn reap(mut child: Child, shared: &Shared) {
    let pid = Pid::from_child(&child);
    while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {}
    let mut state = shared.lock();
    // The number is free for others once the child is reaped.
    let mut groups = groups();
    groups.retain(|group| *group != pid);
    state.ended = child.wait().ok();
    state.alive = None;
    drop(groups);
    drop(state);
    shared.changed.notify_all();
}
