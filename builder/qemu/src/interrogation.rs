//! What a system that is up is asked, on a serial console where root is logged in.

use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::QemuError;
use crate::shell::{Output, Shell};

/// How long systemd may take to finish what it has begun, once somebody can log in; where a processor is not emulated.
pub(crate) const SETTLE_LIMIT: Duration = Duration::from_secs(60);

/// Failed units of which systemd is asked for the reason.
const UNIT_REPORTS: usize = 5;

/// Something that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was asked, such as `unit ssh.service`.
    pub name: String,
    /// How it went.
    pub outcome: CheckOutcome,
    /// The exit status, where a command was run and ended.
    pub status: Option<i32>,
    /// What came: the output of a command, the line that matched, or why there is nothing.
    pub text: String,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// As it should be.
    Passed,
    /// Not so.
    Failed,
    /// The boot did not get that far.
    NotAsked,
}

impl CheckOutcome {
    /// The word for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotAsked => "not-asked",
        }
    }
}

/// What to ask.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    /// Units that must be active.
    pub(crate) units: Vec<String>,
    /// Commands that must end with 0.
    pub(crate) commands: Vec<String>,
}

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Units that failed; `None` where there is no systemd to ask.
    pub(crate) failed_units: Option<Vec<String>>,
    /// What systemd tells of the first few of them that may not fail, in the same order.
    pub(crate) unit_reports: Vec<String>,
    pub(crate) checks: Vec<Check>,
    pub(crate) notes: Vec<String>,
}

impl Questions {
    /// Nothing but failed units is to be asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.units.is_empty() && self.commands.is_empty()
    }

    /// The checks where nobody was there to be asked.
    pub(crate) fn unanswered(&self, outcome: CheckOutcome, why: &str) -> Vec<Check> {
        let units = self.units.iter().map(|unit| unit_check(unit));
        let commands = self.commands.iter().map(|command| command_check(command));
        let check = |name| Check { name, outcome, status: None, text: why.to_owned() };
        units.chain(commands).map(check).collect()
    }

    /// Asks. A command that does not end is interrupted and fails its check. Why units failed that may is not asked.
    ///
    /// # Errors
    ///
    /// [`QemuError::Ended`] and [`QemuError::Io`]; what was answered until then is in `answers`.
    pub(crate) fn ask(
        &self,
        shell: &mut Shell<'_>,
        deadline: Deadline,
        pace: u32,
        allowed: &dyn Fn(&str) -> bool,
        answers: &mut Answers,
    ) -> Result<(), QemuError> {
        let limit = deadline.remaining().unwrap_or_default().min(SETTLE_LIMIT.saturating_mul(pace));
        if run(shell, "systemctl is-system-running --wait", limit)?.is_none() {
            let jobs = run(shell, "systemctl list-jobs --no-legend --plain --full", limit)?;
            let jobs = jobs.map(|jobs| first_words(&jobs.text, 1).join(", ")).unwrap_or_default();
            answers.notes.push(format!("not all jobs were done after {} s: {jobs}", limit.as_secs()));
        }
        let failed = "systemctl list-units --failed --plain --no-legend --full";
        match run(shell, failed, SETTLE_LIMIT.saturating_mul(pace))? {
            Some(Output { status: 0, text }) => answers.failed_units = Some(first_words(&text, 0)),
            Some(_) => answers.notes.push("there is no systemd to ask for failed units".to_owned()),
            None => answers.notes.push("systemd did not say which units failed".to_owned()),
        }
        for unit in answers.failed_units.iter().flatten().filter(|unit| !allowed(unit)).take(UNIT_REPORTS) {
            let status = format!("systemctl status --no-pager --full --lines=10 -- {}", quoted(unit));
            let status = run(shell, &status, SETTLE_LIMIT.saturating_mul(pace))?;
            answers.unit_reports.push(status.map(|status| status.text).unwrap_or_default());
        }
        for unit in &self.units {
            let command = format!("systemctl is-active -- {}", quoted(unit));
            answers.checks.push(check(shell, unit_check(unit), &command, deadline)?);
        }
        for command in &self.commands {
            // In a shell of its own, so that `exit` ends the command and not the session.
            answers.checks.push(check(shell, command_check(command), &format!("(\n{command}\n)"), deadline)?);
        }
        Ok(())
    }
}

/// One word for the guest's shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn unit_check(unit: &str) -> String {
    format!("unit {unit}")
}

fn command_check(command: &str) -> String {
    format!("run {command}")
}

fn check(shell: &mut Shell<'_>, name: String, command: &str, deadline: Deadline) -> Result<Check, QemuError> {
    let failed = |text: String| Check { name: name.clone(), outcome: CheckOutcome::Failed, status: None, text };
    let Some(left) = deadline.remaining() else { return Ok(failed("the time was over".to_owned())) };
    match run(shell, command, left) {
        Ok(Some(Output { status, text })) => {
            let outcome = if status == 0 { CheckOutcome::Passed } else { CheckOutcome::Failed };
            Ok(Check { name: name.clone(), outcome, status: Some(status), text })
        }
        Ok(None) => Ok(failed(format!("it did not end within {} s", left.as_secs()))),
        // It cannot be typed, and the others can.
        Err(error @ QemuError::Command { .. }) => Ok(failed(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Runs a command; one that does not end is interrupted and gives `None`.
fn run(shell: &mut Shell<'_>, command: &str, limit: Duration) -> Result<Option<Output>, QemuError> {
    match shell.run(command, limit) {
        Ok(output) => Ok(Some(output)),
        Err(QemuError::TimedOut { .. }) => shell.interrupt().map(|()| None),
        Err(error) => Err(error),
    }
}

/// The word at `column` of each line; at most 100 lines.
pub(crate) fn first_words(text: &str, column: usize) -> Vec<String> {
    // systemd marks failed units with a dot even where it is asked for plain text, depending on its version.
    let words = |line: &str| -> Option<String> {
        line.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).nth(column).map(str::to_owned)
    };
    text.lines().filter_map(words).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_taken_from_each_form_of_the_list() {
        for (text, units) in [
            ("", &[][..]),
            ("a.service loaded failed failed A thing\n", &["a.service"]),
            (
                "\u{25cf} a.service loaded failed failed A\n* b.mount loaded failed failed B\n",
                &["a.service", "b.mount"],
            ),
        ] {
            assert_eq!(first_words(text, 0), units, "{text}");
        }
        assert_eq!(first_words("12 ssh.service start running\n", 1), ["ssh.service"]);
    }

    #[test]
    fn what_could_not_be_asked_is_named() {
        let questions = Questions { units: vec!["a.service".to_owned()], commands: vec!["true".to_owned()] };
        let checks = questions.unanswered(CheckOutcome::NotAsked, "no login");
        let names: Vec<_> = checks.iter().map(|check| (check.name.as_str(), check.outcome.name())).collect();
        assert_eq!(names, [("unit a.service", "not-asked"), ("run true", "not-asked")]);
    }
}
