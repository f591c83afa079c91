//! The words for people.

use std::fmt::Write as _;
use std::time::Duration;

use builder_qemu::{Accelerator, CheckOutcome, SmokeReport, Stage, Verdict};

use super::Outcome;
use super::arguments::Smoke;
use super::files::Places;

/// Lines of a command's output that are shown; all of them are in the JSON document.
const OUTPUT_LINES: usize = 20;

/// What is printed of these boots.
pub(crate) fn text(arguments: &Smoke, outcomes: &[Outcome], places: &Places) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "{}: {}", arguments.artefact.display(), headline(outcome));
        text.push_str(&story(outcome));
        let _ = writeln!(text, "  log         {}", outcome.log.display());
        if let Some(screenshot) = &outcome.screenshot {
            let _ = writeln!(text, "  screenshot  {}", screenshot.display());
        }
        if outcomes.len() > 1 {
            text.push('\n');
        }
    }
    if outcomes.len() > 1 {
        text.push_str(&table(outcomes));
    }
    let _ = writeln!(text, "  reports     {}, {}", places.json.display(), places.junit.display());
    if let Some(report) = &places.report {
        let _ = writeln!(text, "  page        {}", report.display());
    }
    let mut hints: Vec<String> = outcomes.iter().filter_map(hint).collect();
    hints.dedup();
    for hint in hints {
        let _ = writeln!(text, "\nhint: {hint}");
    }
    text
}

fn headline(outcome: &Outcome) -> String {
    let how = if outcome.accelerator == Accelerator::Kvm { "KVM" } else { "emulated" };
    let machine = format!("{}, {}, {how}", outcome.machine.firmware.name(), outcome.machine.disk_bus.name());
    let report = &outcome.report;
    let (reached, took) = (seconds(reached(report)), seconds(report.took));
    let summary = clean(&report.summary);
    if report.verdict == Verdict::TargetReached {
        format!("{summary} after {reached:.1} s ({machine}; {took:.1} s with all that was asked)")
    } else {
        format!("{summary} after {reached:.1} s ({machine})")
    }
}

/// When a target was reached, and not when all had been asked; of other boots, when they were given up.
pub(crate) fn reached(report: &SmokeReport) -> Duration {
    match report.timeline.last() {
        Some(last) if report.verdict == Verdict::TargetReached => last.at,
        _ => report.took,
    }
}

/// What happened, line by line.
pub(crate) fn story(outcome: &Outcome) -> String {
    let report = &outcome.report;
    let mut text = String::new();
    for reached in &report.timeline {
        let line = reached.sighting.as_ref().map(|sighting| short(&sighting.line)).unwrap_or_default();
        let step = format!("  {:<14} {:>7.1} s  {line}", reached.stage.to_string(), seconds(reached.at));
        let _ = writeln!(text, "{}", step.trim_end());
    }
    if let Some(evidence) = &report.evidence {
        let _ = writeln!(text, "  because of this line, after {:.1} s:", seconds(evidence.at));
        let _ = writeln!(text, "  > {}", clean(&evidence.line));
        let _ = writeln!(text, "    it says \"{}\", known from {}", evidence.pattern, evidence.source);
    }
    if let Some(told) = &report.notification {
        let _ = writeln!(text, "  systemd told, after {:.1} s, that the system is {}", seconds(told.at), told.state);
    }
    let by = if report.units_asked { "systemd" } else { "the console" };
    if !report.allowed_failed_units.is_empty() {
        let _ = writeln!(text, "  failed and allowed to: {}", clean(&report.allowed_failed_units.join(", ")));
    }
    if !report.failed_units.is_empty() {
        let _ = writeln!(text, "  failed units, as {by} says: {}", clean(&report.failed_units.join(", ")));
    } else if report.units_asked {
        let other = if report.allowed_failed_units.is_empty() { "" } else { "other " };
        let _ = writeln!(text, "  no {other}unit failed");
    }

    for unit in &report.unit_reports {
        lines(&mut text, unit.lines().take(OUTPUT_LINES));
    }
    for check in &report.checks {
        let status = check.status.filter(|status| *status != 0).map(|status| format!(", status {status}"));
        let _ = writeln!(text, "  {:<9}  {}{}", check.outcome.name(), clean(&check.name), status.unwrap_or_default());
        if check.outcome != CheckOutcome::NotAsked {
            lines(&mut text, check.text.lines().take(OUTPUT_LINES));
        }
    }
    for note in &report.notes {
        let _ = writeln!(text, "  note: {}", clean(note));
    }
    // The system is up: what it said before that explains nothing.
    let up = matches!(report.verdict, Verdict::TargetReached | Verdict::CheckFailed | Verdict::UnitsFailed)
        && report.stage() == Some(Stage::Target);
    if report.verdict == Verdict::HostError && !report.qemu.is_empty() {
        text.push_str("  QEMU said:\n");
        lines(&mut text, report.qemu.iter().map(String::as_str));
    }
    if !up && !report.last_lines.is_empty() {
        text.push_str("  the console's last lines:\n");
        lines(&mut text, report.last_lines.iter().map(String::as_str));
    }
    text
}

fn lines<'a>(text: &mut String, lines: impl Iterator<Item = &'a str>) {
    for line in lines {
        let _ = writeln!(text, "    | {}", clean(line));
    }
}

/// All machines, one a line.
fn table(outcomes: &[Outcome]) -> String {
    let mut text = format!("  {:<12} {:<8} {:>8}  {:<14} verdict\n", "firmware", "bus", "seconds", "stage");
    for outcome in outcomes {
        let report = &outcome.report;
        let stage = report.stage().map(|stage| stage.to_string()).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {:<12} {:<8} {:>8.1}  {stage:<14} {}",
            outcome.machine.firmware.name(),
            outcome.machine.disk_bus.name(),
            seconds(report.took),
            report.verdict
        );
    }
    text
}

/// What to do now, where there is something to say that is not in the evidence.
pub(crate) fn hint(outcome: &Outcome) -> Option<String> {
    let report = &outcome.report;
    if report.hint.is_some() {
        return report.hint.clone();
    }
    let hint = match report.verdict {
        Verdict::HostError if outcome.accelerator == Accelerator::Kvm => "try it without KVM: --accel tcg",
        Verdict::TargetReached | Verdict::HostError | Verdict::KernelPanic | Verdict::CheckFailed => return None,
        Verdict::NothingToBoot => {
            "UEFI looks for EFI/BOOT/BOOTX64.EFI (BOOTAA64.EFI) in the EFI system partition, a BIOS for code in the \
             first sector, and both find partitions only with the sector size that their table was made for"
        }
        Verdict::SecureBootRefused => {
            "sign what was refused, or have shim load it; --firmware uefi boots it without Secure Boot"
        }
        Verdict::BootLoaderError => "look at the boot loader's configuration, and at what it names",
        Verdict::KernelNotReached => {
            "if the kernel is sound it may be silent: give it console=ttyS0 (console=ttyAMA0 on aarch64)"
        }
        Verdict::InitramfsEmergency => "the log has what the initramfs said before it gave up",
        Verdict::RootNotFound => {
            "compare root= with the file system's UUID, and see that the initramfs has the drivers of the controller \
             and of the file system"
        }
        Verdict::OstreeFailed => {
            "compare ostree= with the link below /ostree, and prepare-root.conf in the initramfs with the deployment"
        }
        Verdict::UnitsFailed => "see why with --run 'journalctl --no-pager -u UNIT'",
        Verdict::Ended => "the log ends with what made it do so",
        Verdict::Timeout => {
            "allow more with --timeout; a kernel without console=ttyS0 (console=ttyAMA0 on aarch64) is silent"
        }
    };
    Some(hint.to_owned())
}

/// In seconds, to the millisecond.
pub(crate) fn seconds(time: Duration) -> f64 {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

/// What a console said, without anything that a terminal would act on.
fn clean(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// The beginning of a line.
fn short(line: &str) -> String {
    const LIMIT: usize = 72;
    let line = clean(line.trim());
    match line.char_indices().nth(LIMIT) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_console_does_nothing_to_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{9b}c\td"), "a [31mb c d");
        assert_eq!(short(&"x".repeat(100)).chars().count(), 73);
        assert_eq!(short("  short  "), "short");
    }

    #[test]
    fn seconds_are_whole_milliseconds() {
        assert!((seconds(Duration::from_micros(1_234_567)) - 1.234).abs() < 1e-9);
    }
}
