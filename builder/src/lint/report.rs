//! All that was found in an image.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::lint::allow::AllowList;
use crate::lint::check::Severity;
use crate::lint::finding::{Allowed, Finding, Findings};
use crate::lint::layer_size::LayerSize;
use crate::lint::space::Space;

/// What was found in an image, the worst first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Where the image is.
    pub source: String,
    /// Digest of the platform's manifest.
    pub digest: String,
    /// What the image is made for.
    pub platform: String,
    /// How much was found.
    pub counts: Counts,
    /// What was found: by severity, then by the check's name, then by path.
    pub findings: Vec<Finding>,
    /// Checks that found more than is in `findings`.
    pub cut: Vec<Cut>,
    /// What was found and allowed, in the same order.
    pub allowed: Vec<Allowed>,
    /// Checks that found more that is allowed than is in `allowed`.
    pub allowed_cut: Vec<Cut>,
    /// Checks that found nothing, in the order of severity and name.
    pub passed: Vec<&'static str>,
    /// The layers, and what of them is hidden.
    pub layers: Vec<LayerSize>,
    /// What takes the space.
    pub space: Space,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// How many findings there are, those left out of the lists among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Checks that were run.
    pub checks: u64,
    /// Fatal ones that nobody allowed.
    pub fatal: u64,
    /// Warnings that nobody allowed.
    pub warning: u64,
    /// Infos that nobody allowed.
    pub info: u64,
    /// Those that are allowed, of all severities.
    pub allowed: u64,
}

/// Findings of a check that are counted only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// The check.
    pub check: &'static str,
    /// How many.
    pub more: u64,
}

/// From which severity on an image has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// Where something is fatal.
    #[default]
    Fatal,
    /// At warnings too.
    Warning,
    /// At everything that is found.
    Info,
    /// At nothing.
    Never,
}

impl FailOn {
    /// Whether findings of `severity` make an image fail.
    #[must_use]
    pub fn includes(self, severity: Severity) -> bool {
        match self {
            Self::Fatal => severity == Severity::Fatal,
            Self::Warning => severity <= Severity::Warning,
            Self::Info => true,
            Self::Never => false,
        }
    }
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "fatal" => Ok(Self::Fatal),
            "warning" => Ok(Self::Warning),
            "info" => Ok(Self::Info),
            "never" => Ok(Self::Never),
            _ => Err("expected fatal, warning, info or never".to_owned()),
        }
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fatal => "fatal",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Never => "never",
        })
    }
}

impl Counts {
    /// Findings of that severity that nobody allowed.
    #[must_use]
    pub fn of(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Fatal => self.fatal,
            Severity::Warning => self.warning,
            Severity::Info => self.info,
        }
    }

    fn of_mut(&mut self, severity: Severity) -> &mut u64 {
        match severity {
            Severity::Fatal => &mut self.fatal,
            Severity::Warning => &mut self.warning,
            Severity::Info => &mut self.info,
        }
    }
}

impl Report {
    /// Puts together what the checks found; they are in the order in which they are told of.
    pub(crate) fn new(platform: String, all: Vec<Findings<'_>>, allow: &AllowList, layers: Vec<LayerSize>) -> Self {
        let mut report = Self { platform, layers, ..Self::default() };
        let run: Vec<&str> = all.iter().map(|findings| findings.check.name).collect();
        let unused = allow.unused().filter(|entry| run.contains(&entry.check));
        report.notes.extend(unused.map(|entry| format!("{entry}, which finds nothing there")));
        for findings in all {
            let check = findings.check;
            let (count, allowed) = (findings.count(), findings.allowed_count());
            let counts = &mut report.counts;
            counts.checks += 1;
            counts.allowed = counts.allowed.saturating_add(allowed);
            let sum = counts.of_mut(check.severity);
            *sum = sum.saturating_add(count);
            if count == 0 && allowed == 0 {
                report.passed.push(check.name);
            }
            let cut = |more: u64| (more > 0).then_some(Cut { check: check.name, more });
            report.cut.extend(cut(findings.more));
            report.allowed_cut.extend(cut(findings.allowed_more));
            report.findings.extend(findings.found);
            report.allowed.extend(findings.allowed);
        }
        report
    }

    /// Whether the image fails.
    #[must_use]
    pub fn fails(&self, fail_on: FailOn) -> bool {
        Severity::ALL.into_iter().any(|severity| fail_on.includes(severity) && self.counts.of(severity) > 0)
    }

    /// How many more a check found than are listed.
    #[must_use]
    pub fn more(&self, check: &str) -> u64 {
        self.cut.iter().find(|cut| cut.check == check).map_or(0, |cut| cut.more)
    }

    /// How many more a check found that are allowed than are listed.
    pub(crate) fn allowed_more(&self, check: &str) -> u64 {
        self.allowed_cut.iter().find(|cut| cut.check == check).map_or(0, |cut| cut.more)
    }

    /// The findings, those of each check together.
    pub fn by_check(&self) -> impl Iterator<Item = &[Finding]> {
        self.findings.chunk_by(|one, other| one.check == other.check)
    }
}

#[cfg(test)]
mod tests {
    use super::{Counts, FailOn, Report};

    #[test]
    fn an_image_fails_from_the_severity_that_was_asked_for() {
        let report = |fatal, warning, info| Report {
            counts: Counts { fatal, warning, info, ..Counts::default() },
            ..Report::default()
        };
        for (report, fails_on) in [
            (report(0, 0, 0), ""),
            (report(0, 0, 1), "info"),
            (report(0, 1, 0), "warning info"),
            (report(2, 0, 0), "fatal warning info"),
        ] {
            for name in ["fatal", "warning", "info", "never"] {
                let fail_on: FailOn = name.parse().unwrap();
                assert_eq!(fail_on.to_string(), name);
                assert_eq!(report.fails(fail_on), fails_on.split(' ').any(|word| word == name), "{name} {fails_on}");
            }
        }
        assert!("error".parse::<FailOn>().is_err());
    }
}
