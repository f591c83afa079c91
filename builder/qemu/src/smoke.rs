//! Boots a machine that nobody has prepared, and says how that went.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::console::Said;
use crate::deadline::Deadline;
use crate::error::QemuError;
use crate::interrogation::{Answers, Check, CheckOutcome, Questions, SETTLE_LIMIT};
use crate::machine::{Accelerator, Machine};
use crate::notification::{Listener, Notification};
use crate::observer::{Allowed, Conclusion, Observer, Reached, Sighting, is_serious};
use crate::port::Port;
use crate::running::{Running, ScreenFormat};
use crate::stage::Stage;
use crate::verdict::Verdict;

/// How often QEMU is asked for its state while the console is silent.
const STEP: Duration = Duration::from_secs(1);

/// How long a system that is up may take to log root in, where its processor is not emulated.
const LOGIN_LIMIT: Duration = Duration::from_secs(30);

/// How long after a login prompt it may take.
const PROMPT_LIMIT: Duration = Duration::from_secs(5);

/// Silence that confirms a failure: this part of the time for the whole boot, and no less than the other.
const QUIET_PART: u32 = 8;
const QUIET_LIMIT: Duration = Duration::from_secs(5);

/// How much slower everything is where the processor is emulated; measured: 5 to 10 times.
const EMULATED_PACE: u32 = 8;

/// Lines of the console that a report carries.
const LAST_LINES: usize = 20;

/// What agetty says where a credential logs somebody in, see agetty(8).
const LOGGED_IN: &str = "(automatic login)";

/// Text that the console must say.
struct Expectation {
    name: String,
    test: Box<dyn Fn(&str) -> bool>,
    met: Option<String>,
}

/// A boot to be watched.
pub struct Smoke {
    machine: Machine,
    limit: Duration,
    expectations: Vec<Expectation>,
    questions: Questions,
    log_in: bool,
    allowed: Allowed,
    screenshot: Option<PathBuf>,
}

impl Smoke {
    /// How many times longer a boot may take with `accelerator` than with KVM.
    #[must_use]
    pub fn pace(accelerator: Accelerator) -> u32 {
        match accelerator {
            Accelerator::Kvm => 1,
            Accelerator::Tcg => EMULATED_PACE,
        }
    }

    /// A boot of `machine` that may take `limit`, questions included. It is nobody's to keep: the machine ends with the
    /// verdict.
    #[must_use]
    pub fn new(machine: Machine, limit: Duration) -> Self {
        Self {
            machine,
            limit,
            expectations: Vec::new(),
            questions: Questions::default(),
            log_in: false,
            allowed: Allowed::nothing(),
            screenshot: None,
        }
    }

    /// Units for which `test` is true may fail: they are named, and are no reason for a verdict.
    #[must_use]
    pub fn allow_failed_units(self, test: impl Fn(&str) -> bool + 'static) -> Self {
        Self { allowed: Allowed(Box::new(test)), ..self }
    }

    /// A line that the console must say before the time is over: one for which `test` is true. Lines come without
    /// their ends, without escape sequences, and also while they grow.
    #[must_use]
    pub fn expect(mut self, name: impl Into<String>, test: impl Fn(&str) -> bool + 'static) -> Self {
        self.expectations.push(Expectation { name: name.into(), test: Box::new(test), met: None });
        self
    }

    /// A unit that must be active when the system is up; it takes [`Smoke::log_in`].
    #[must_use]
    pub fn expect_unit(mut self, unit: impl Into<String>) -> Self {
        self.questions.units.push(unit.into());
        self
    }

    /// A command that root must be able to run when the system is up; it takes [`Smoke::log_in`].
    #[must_use]
    pub fn run_command(mut self, command: impl Into<String>) -> Self {
        self.questions.commands.push(command.into());
        self
    }

    /// Whether the system is asked for its failed units, and all that needs a login. The machine needs the credentials
    /// `agetty.autologin` and `login.noauth`; a system that does not know them is judged by its console alone.
    #[must_use]
    pub fn log_in(self, log_in: bool) -> Self {
        Self { log_in, ..self }
    }

    /// A file for what the screen shows at the end. The machine needs [`crate::MachineBuilder::screen`].
    #[must_use]
    pub fn screenshot(self, path: impl Into<PathBuf>) -> Self {
        Self { screenshot: Some(path.into()), ..self }
    }

    /// Boots it. `log` gets every byte of the console; `heard` every stage as it is reached.
    pub fn run(self, log: impl Write + Send + 'static, heard: &mut dyn FnMut(&Reached)) -> SmokeReport {
        let begun = Instant::now();
        match self.machine.start_with_port(log) {
            Ok((running, port)) => Boot::new(self, running, port, begun, heard).judge(),
            Err(error) => SmokeReport { limit: self.limit, ..SmokeReport::host_error(&error) },
        }
    }
}

impl fmt::Debug for Smoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Smoke({:?}, {:?})", self.limit, self.questions)
    }
}

/// How a boot went.
#[derive(Clone, Debug)]
pub struct SmokeReport {
    /// In one word.
    pub verdict: Verdict,
    /// In one sentence, without a full stop.
    pub summary: String,
    /// What to do where no machine could be started.
    pub hint: Option<String>,
    /// The stages that were seen, in their order.
    pub timeline: Vec<Reached>,
    /// How long all of it took.
    pub took: Duration,
    /// How long it might have taken.
    pub limit: Duration,
    /// The line that gave it away, where there is one.
    pub evidence: Option<Sighting>,
    /// The last lines of the console, at most 20.
    pub last_lines: Vec<String>,
    /// What QEMU itself said.
    pub qemu: Vec<String>,
    /// Units that failed: as systemd says where it was asked or told by itself, else as the console says.
    pub failed_units: Vec<String>,
    /// Units that failed and may, see [`Smoke::allow_failed_units`]; they are not among the others.
    pub allowed_failed_units: Vec<String>,
    /// What systemd tells of the first five of them, in the same order; empty where it was not asked.
    pub unit_reports: Vec<String>,
    /// Whether systemd was asked, or told by itself.
    pub units_asked: bool,
    /// What systemd told by itself, where it can: see [`crate::MachineBuilder::notification`].
    pub notification: Option<Notification>,
    /// What was asked of the system.
    pub checks: Vec<Check>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// The format of the screenshot, where one was made.
    pub screenshot: Option<ScreenFormat>,
}

impl SmokeReport {
    /// The report where no machine could be started, because of an error.
    #[must_use]
    pub fn host_error(error: &QemuError) -> Self {
        let mut summary = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            summary = format!("{summary}: {error}");
            source = error.source();
        }
        Self::not_started(summary, error.hint())
    }

    /// The report where no machine could be started, with a sentence that says why.
    #[must_use]
    pub fn not_started(summary: String, hint: Option<String>) -> Self {
        Self {
            verdict: Verdict::HostError,
            summary,
            hint,
            timeline: Vec::new(),
            took: Duration::ZERO,
            limit: Duration::ZERO,
            evidence: None,
            last_lines: Vec::new(),
            qemu: Vec::new(),
            failed_units: Vec::new(),
            allowed_failed_units: Vec::new(),
            unit_reports: Vec::new(),
            units_asked: false,
            notification: None,
            checks: Vec::new(),
            notes: Vec::new(),
            screenshot: None,
        }
    }

    /// How far it came; `None` where no machine could be started.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        self.timeline.last().map(|reached| reached.stage)
    }
}

/// Why watching came to an end.
enum End {
    /// The system is up.
    Up,
    /// The console told.
    Told(Conclusion),
    /// QEMU has ended.
    Exited(ExitStatus),
    /// QEMU has stopped the machine, in this state.
    Stopped(String),
    /// The time is over.
    OutOfTime,
}

struct Boot<'h> {
    smoke: Smoke,
    running: Running,
    port: Option<Port>,
    listener: Listener,
    begun: Instant,
    deadline: Deadline,
    pace: u32,
    observer: Observer,
    heard: &'h mut dyn FnMut(&Reached),
    /// Stages that were told to `heard`.
    told: usize,
    /// When a login prompt was heard.
    prompted: Option<Duration>,
    /// Somebody was logged in on the console.
    logged_in: bool,
    /// The last lines before anything was typed.
    last_lines: Vec<String>,
}

impl<'h> Boot<'h> {
    fn new(
        mut smoke: Smoke,
        running: Running,
        port: Option<Port>,
        begun: Instant,
        heard: &'h mut dyn FnMut(&Reached),
    ) -> Self {
        let quiet = (smoke.limit / QUIET_PART).max(QUIET_LIMIT);
        Self {
            deadline: Deadline::after(smoke.limit),
            pace: Smoke::pace(smoke.machine.wish.accelerator),
            observer: Observer::new(quiet, std::mem::replace(&mut smoke.allowed, Allowed::nothing())),
            smoke,
            running,
            port,
            listener: Listener::default(),
            begun,
            heard,
            told: 0,
            prompted: None,
            logged_in: false,
            last_lines: Vec::new(),
        }
    }

    fn judge(mut self) -> SmokeReport {
        let mut answers = Answers::default();
        let mut end = self.watch();
        if matches!(end, End::Up) && self.smoke.log_in {
            end = self.ask(&mut answers);
        }
        // What came while it was asked.
        self.take_notifications();
        if matches!(end, End::Up) && answers.failed_units.is_none() {
            end = self.wait_for_notification();
        }
        if matches!(end, End::Up) {
            // What was asked is known by now; a line that does not come takes nothing from it but time.
            end = self.wait_for_expectations();
        }
        let mut report = self.report(end, answers);
        if let Some(path) = &self.smoke.screenshot {
            match self.running.screenshot(path) {
                Ok(format) => report.screenshot = Some(format),
                // It ended before its picture could be taken; the report has a better reason than this.
                Err(QemuError::Ended { .. }) => report.notes.push("there is no screenshot: QEMU had ended".to_owned()),
                Err(error) => report.notes.push(format!("there is no screenshot: {error}")),
            }
        }
        // Dropped here: nothing on the disk is kept, so there is nothing to end in order.
        report
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Follows the console until the system is up, or cannot come up any more.
    fn watch(&mut self) -> End {
        loop {
            let Some(left) = self.deadline.remaining() else { return End::OutOfTime };
            if let Some(end) = self.listen(left) {
                return end;
            }
            if self.observer.stage() == Stage::Target {
                return End::Up;
            }
        }
    }

    /// Hears the console for a moment.
    fn listen(&mut self, left: Duration) -> Option<End> {
        let said = self.running.lines(left.min(STEP));
        let ended = said.ended;
        self.take(&said);
        self.take_notifications();
        if let Some(conclusion) = self.observer.conclusion(self.now()) {
            return Some(End::Told(conclusion));
        }
        if let Some(status) = ended {
            return Some(End::Exited(status));
        }
        if said.fresh { None } else { self.stopped() }
    }

    /// Whether QEMU has stopped the machine by itself: KVM could not go on, or the host's disk.
    fn stopped(&mut self) -> Option<End> {
        // That QEMU has ended is heard on the console as well.
        let state = self.running.status().ok()?;
        ["internal-error", "io-error"].contains(&state.as_str()).then_some(End::Stopped(state))
    }

    fn take(&mut self, said: &Said) {
        let now = self.now();
        for line in &said.lines {
            self.observer.line(now, line);
        }
        if said.fresh {
            self.observer.beginning(now, &said.rest);
        }
        for line in said.lines.iter().chain([&said.rest]) {
            self.logged_in |= line.contains(LOGGED_IN);
            self.meet_expectations(line);
        }
        if self.prompted.is_none() && said.rest.trim_end().ends_with("login:") {
            self.prompted = Some(now);
        }
        self.tell_stages();
    }

    fn meet_expectations(&mut self, line: &str) {
        for expectation in &mut self.smoke.expectations {
            if expectation.met.is_none() && !line.is_empty() && (expectation.test)(line) {
                expectation.met = Some(line.trim_end().to_owned());
            }
        }
    }

    fn expects_more(&self) -> bool {
        self.smoke.expectations.iter().any(|expectation| expectation.met.is_none())
    }

    /// Waits until the console has said what it should, or the time is over.
    fn wait_for_expectations(&mut self) -> End {
        while self.expects_more() {
            let Some(left) = self.deadline.remaining() else { break };
            if let Some(end) = self.listen(left) {
                return end;
            }
        }
        End::Up
    }

    /// Where something is still expected, lets a system that is up end its start before it is asked: a shell on the
    /// console silences kernel and systemd. At least half of the time that is left remains for what is asked.
    fn wait_for_the_rest_of_the_start(&mut self) -> End {
        let left = self.deadline.remaining().unwrap_or_default() / 2;
        let deadline = Deadline::after(left.min(SETTLE_LIMIT.saturating_mul(self.pace)));
        while self.expects_more() && self.listener.told().is_none() {
            let Some(left) = deadline.remaining() else { break };
            if let Some(end) = self.listen(left) {
                return end;
            }
        }
        End::Up
    }

    fn take_notifications(&mut self) {
        let now = self.now();
        let Some(port) = &self.port else { return };
        for line in port.lines() {
            self.listener.line(now, &line);
        }
        if let Some(told) = self.listener.told() {
            self.observer.told_ready(told.at);
            self.tell_stages();
        }
    }

    fn tell_stages(&mut self) {
        while let Some(reached) = self.observer.timeline().get(self.told) {
            (self.heard)(reached);
            self.told += 1;
        }
    }

    /// Waits for what systemd tells by itself, where it has said that it will.
    fn wait_for_notification(&mut self) -> End {
        let deadline = Deadline::after(SETTLE_LIMIT.saturating_mul(self.pace));
        while self.listener.is_awaited() {
            let Some(left) = deadline.remaining() else { break };
            let Some(whole) = self.deadline.remaining() else { break };
            if let Some(end) = self.listen(left.min(whole)) {
                return end;
            }
        }
        End::Up
    }

    /// Waits until root is logged in; `Ok(false)` where that will not happen.
    fn wait_for_login(&mut self) -> Result<bool, End> {
        let deadline = Deadline::after(LOGIN_LIMIT.saturating_mul(self.pace));
        while !self.logged_in {
            let Some(left) = deadline.remaining() else { return Ok(false) };
            let Some(whole) = self.deadline.remaining() else { return Ok(false) };
            // A system that has told that all is started has no prompt to come.
            let last_chance = self.prompted.or_else(|| self.listener.told().map(|told| told.at));
            let waited = last_chance.map_or(Duration::ZERO, |since| self.now().saturating_sub(since));
            if waited > PROMPT_LIMIT.saturating_mul(self.pace) {
                return Ok(false);
            }
            if let Some(end) = self.listen(left.min(whole)) {
                return Err(end);
            }
        }
        Ok(true)
    }

    /// Asks the system that is up.
    fn ask(&mut self, answers: &mut Answers) -> End {
        const NO_LOGIN: &str = "nobody could log in on the serial console: that takes a login prompt, and an agetty \
                                and a login that know the credentials agetty.autologin and login.noauth";
        match self.wait_for_login() {
            Ok(true) => {}
            // What would have been asked is known.
            Ok(false) if self.listener.told().is_some() && self.smoke.questions.is_empty() => return End::Up,
            Ok(false) => {
                answers.notes.push(NO_LOGIN.to_owned());
                answers.checks = self.smoke.questions.unanswered(CheckOutcome::Failed, "nobody could log in");
                return End::Up;
            }
            Err(end) => return end,
        }
        let end = self.wait_for_the_rest_of_the_start();
        if !matches!(end, End::Up) {
            return end;
        }
        self.last_lines = self.running.last_lines(LAST_LINES);
        let limit = self.deadline.remaining().unwrap_or_default().min(LOGIN_LIMIT.saturating_mul(self.pace));
        let (position, expects_more) = (self.running.position(), self.expects_more());
        // The prompt may have been taken for a line already, as messages of the kernel come in between.
        let shell = self.running.send("\n").and_then(|()| self.running.shell(limit));
        let asked = shell.and_then(|mut shell| {
            let allowed = |unit: &str| self.observer.allowed().allows(unit);
            self.smoke.questions.ask(&mut shell, self.deadline, self.pace, &allowed, answers)?;
            match self.deadline.remaining().filter(|_| expects_more) {
                Some(left) => shell.unmute(left.min(limit)),
                None => Ok(()),
            }
        });
        // What came between the answers was taken with them.
        for line in self.running.lines_since(position) {
            self.meet_expectations(&line);
        }
        let Err(error) = asked else { return End::Up };
        let said = self.running.lines(Duration::ZERO);
        self.take(&said);
        if let Some(conclusion) = self.observer.last_word() {
            return End::Told(conclusion);
        }
        if let QemuError::Ended { status, .. } = error {
            return End::Exited(status);
        }
        let first_line = error.to_string().lines().next().unwrap_or_default().to_owned();
        answers.notes.push(format!("the shell on the serial console did not answer: {first_line}"));
        let answered = answers.checks.len();
        let unanswered = self.smoke.questions.unanswered(CheckOutcome::Failed, "the shell did not answer");
        answers.checks.extend(unanswered.into_iter().skip(answered));
        End::Up
    }

    fn report(&self, end: End, answers: Answers) -> SmokeReport {
        let stage = self.observer.stage();
        let told = self.listener.told();
        let from_systemd = answers.failed_units.or_else(|| told.map(|told| told.failed_units.clone()));
        let units_asked = from_systemd.is_some();
        let all = from_systemd.unwrap_or_else(|| self.observer.failed_units().to_vec());
        let (allowed_failed_units, failed_units): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|unit| self.observer.allowed().allows(unit));
        let mut checks: Vec<Check> = self.smoke.expectations.iter().map(Expectation::check).collect();
        let up = matches!(end, End::Up);
        checks.extend(answers.checks);
        if !up {
            let asked = checks.len() - self.smoke.expectations.len();
            let rest = self.smoke.questions.unanswered(CheckOutcome::NotAsked, "the boot did not get that far");
            checks.extend(rest.into_iter().skip(asked));
        }
        let (conclusion, summary) = self.conclude(end, &failed_units, units_asked, &checks);
        // What was typed and answered is no part of the boot, as long as it is not what ended it.
        let of_boot = up && !self.last_lines.is_empty();
        let last_lines = if of_boot { self.last_lines.clone() } else { self.running.last_lines(LAST_LINES) };
        SmokeReport {
            verdict: conclusion.verdict,
            summary: summary.unwrap_or_else(|| format!("{} at the stage: {stage}", conclusion.verdict)),
            hint: None,
            timeline: self.observer.timeline().to_vec(),
            took: self.now(),
            limit: self.smoke.limit,
            evidence: conclusion.evidence,
            last_lines,
            qemu: self.running.qemu_said(),
            failed_units,
            allowed_failed_units,
            unit_reports: answers.unit_reports,
            units_asked,
            notification: told.cloned(),
            checks,
            notes: answers.notes,
            screenshot: None,
        }
    }

    /// The verdict, and a sentence where there is more to say than it.
    fn conclude(
        &self,
        end: End,
        failed_units: &[String],
        units_asked: bool,
        checks: &[Check],
    ) -> (Conclusion, Option<String>) {
        let plain = |verdict| Conclusion { verdict, evidence: None };
        let stage = self.observer.stage();
        // A console alone is no proof against a unit that only starts others.
        let serious: Vec<&str> =
            failed_units.iter().map(String::as_str).filter(|unit| units_asked || is_serious(unit)).collect();
        let names = format!("units failed: {}", serious.join(", "));
        match end {
            End::Told(conclusion) => {
                let named = conclusion.verdict == Verdict::UnitsFailed && !serious.is_empty();
                (conclusion, named.then_some(names))
            }
            End::Exited(status) => {
                match self.observer.last_word().filter(|word| word.verdict != Verdict::KernelNotReached) {
                    Some(conclusion) => (conclusion, None),
                    None if status.success() => {
                        (plain(Verdict::Ended), Some(format!("the machine was switched off at the stage: {stage}")))
                    }
                    None => (plain(Verdict::HostError), Some(format!("QEMU ended ({status}) at the stage: {stage}"))),
                }
            }
            End::Stopped(state) => {
                (plain(Verdict::HostError), Some(format!("QEMU stopped the machine ({state}) at the stage: {stage}")))
            }
            End::OutOfTime => match self.observer.last_word() {
                Some(conclusion) => (conclusion, None),
                None => {
                    let summary = format!("timeout after {} s at the stage: {stage}", self.smoke.limit.as_secs());
                    (plain(Verdict::Timeout), Some(summary))
                }
            },
            End::Up => {
                let failed: Vec<&str> = checks
                    .iter()
                    .filter(|check| check.outcome == CheckOutcome::Failed)
                    .map(|check| check.name.as_str())
                    .collect();
                if !serious.is_empty() {
                    (plain(Verdict::UnitsFailed), Some(names))
                } else if !failed.is_empty() {
                    (plain(Verdict::CheckFailed), Some(format!("check failed: {}", failed.join(", "))))
                } else {
                    (plain(Verdict::TargetReached), Some("target reached".to_owned()))
                }
            }
        }
    }
}

impl Expectation {
    fn check(&self) -> Check {
        let name = format!("expect {}", self.name);
        match &self.met {
            Some(line) => Check { name, outcome: CheckOutcome::Passed, status: None, text: line.clone() },
            None => Check {
                name,
                outcome: CheckOutcome::Failed,
                status: None,
                text: "the console did not say it".to_owned(),
            },
        }
    }
}
