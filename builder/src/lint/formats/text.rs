//! A report for people.

use std::fmt;

use builder_tree::DisplayPath;

use crate::lint::check::Severity;
use crate::lint::finding::{Allowed, Finding};
use crate::lint::report::{Counts, Report};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Image    {}", self.source)?;
        writeln!(f, "         {} {}", self.platform, self.digest)?;
        let mut severity = None;
        for findings in self.by_check() {
            let Some(first) = findings.first() else { continue };
            if severity != Some(first.severity) {
                severity = Some(first.severity);
                writeln!(f, "\n{}", title(first.severity))?;
            }
            write!(f, "  {}", first.check)?;
            told(f, findings, self.more(first.check))?;
            writeln!(f)?;
        }
        if !self.allowed.is_empty() {
            writeln!(f, "\nAllowed")?;
        }
        for allowed in self.allowed.chunk_by(|one, other| one.finding.check == other.finding.check) {
            let Some(first) = allowed.first() else { continue };
            writeln!(f, "  {} ({})", first.finding.check, first.finding.severity)?;
            for Allowed { finding, by, why } in allowed {
                let why = why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
                writeln!(f, "    {} [{by}{why}]", Told(finding))?;
            }
            let more = self.allowed_more(first.finding.check);
            if more > 0 {
                writeln!(f, "    and {more} more")?;
            }
        }
        if !self.notes.is_empty() {
            writeln!(f, "\nNotes")?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        writeln!(f, "\n{}", self.counts)
    }
}

impl fmt::Display for Counts {
    /// The line that closes a report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { checks, fatal, warning, info, allowed } = self;
        let plural = |n: u64| if n == 1 { "" } else { "s" };
        let (warnings, infos) = (plural(*warning), plural(*info));
        write!(f, "{checks} checks: {fatal} fatal, {warning} warning{warnings}, {info} info{infos}, {allowed} allowed")
    }
}

/// Where and what, in one line.
pub(crate) struct Told<'a>(pub(crate) &'a Finding);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.0.path {
            write!(f, "{}: ", DisplayPath(path))?;
        }
        // What is said may quote the image, which may hold anything.
        self.0
            .message
            .chars()
            .try_for_each(|c| if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") })
    }
}

fn title(severity: Severity) -> &'static str {
    match severity {
        Severity::Fatal => "Fatal",
        Severity::Warning => "Warnings",
        Severity::Info => "Infos",
    }
}

/// Findings of one check, `more` of which are not among them, each on a line of its own; it begins with the end of the
/// line before.
pub(crate) fn told(f: &mut fmt::Formatter<'_>, findings: &[Finding], more: u64) -> fmt::Result {
    for (at, finding) in findings.iter().enumerate() {
        write!(f, "\n    {}", Told(finding))?;
        if at + 1 == findings.len() && more > 0 {
            write!(f, "\n    and {more} more")?;
        }
        for (at, line) in fix_behind(findings, at).into_iter().flat_map(str::lines).enumerate() {
            write!(f, "\n      {} {line}", if at == 0 { "fix:" } else { "    " })?;
        }
    }
    Ok(())
}

/// The fix that is told behind the finding `at` of those of one check: those in a row that have the same one have it
/// once, behind the last of them.
pub(crate) fn fix_behind(findings: &[Finding], at: usize) -> Option<&str> {
    let fix = &findings.get(at)?.fix;
    findings.get(at + 1).is_none_or(|next| next.fix != *fix).then_some(fix)
}

/// Findings of one check as lines: the fixes, and how many more there are, as in the report for people.
pub(crate) fn lines(findings: &[Finding], more: u64) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, finding) in findings.iter().enumerate() {
        lines.push(Told(finding).to_string());
        if at + 1 == findings.len() && more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.extend(fix_behind(findings, at).map(|fix| format!("fix:\n{fix}")));
    }
    lines
}
