//! A report as the XML that test runners write: a check is a test case.
//!
//! There are no times: a check takes none worth telling, and reports of one image are the same bytes.

use std::fmt::Write as _;

use crate::junit::{Case, Document, Fault, Outcome, Suite};
use crate::lint::check::Check;
use crate::lint::finding::{Allowed, Finding};
use crate::lint::formats::text::{self, Told};
use crate::lint::registry;
use crate::lint::report::{FailOn, Report};

impl Report {
    /// The report as JUnit's XML. Checks with findings fail where `fail_on` says so; others pass and tell what they
    /// found; those whose findings are all allowed are skipped.
    #[must_use]
    pub fn junit(&self, fail_on: FailOn) -> String {
        let cases = registry::checks().into_iter().filter_map(|check| self.case(check, fail_on)).collect();
        let suite = Suite { name: self.source.clone(), cases, ..Suite::default() };
        Document { name: "diskwright lint".to_owned(), suites: vec![suite] }.to_string()
    }

    /// The case of a check; `None` where it was not run.
    fn case(&self, check: &Check, fail_on: FailOn) -> Option<Case> {
        let found = self.by_check().find(|found| found.first().is_some_and(|first| first.check == check.name));
        let found: &[Finding] = found.unwrap_or_default();
        let allowed: Vec<&Allowed> =
            self.allowed.iter().filter(|allowed| allowed.finding.check == check.name).collect();
        if found.is_empty() && allowed.is_empty() && !self.passed.contains(&check.name) {
            return None;
        }
        let more = self.more(check.name);
        let count = more.saturating_add(found.len() as u64);
        let mut told = String::new();
        // Writing to a String does not fail, here and below.
        for line in text::lines(found, more) {
            let _ = writeln!(told, "{line}");
        }
        for allowed in &allowed {
            let _ = writeln!(told, "allowed [{}]: {}", allowed.by, Told(&allowed.finding));
        }
        let kind = check.severity.name();
        let (outcome, said) = if count > 0 && fail_on.includes(check.severity) {
            let message = format!("{}: {count} found", check.summary);
            (Outcome::Failed(Fault { kind: kind.to_owned(), message, text: told }), None)
        } else if count > 0 {
            (Outcome::Passed, Some(told))
        } else if !allowed.is_empty() {
            (Outcome::Skipped { message: "allowed".to_owned() }, Some(told))
        } else {
            (Outcome::Passed, None)
        };
        Some(Case { class: format!("diskwright.lint.{kind}"), name: check.name.to_owned(), took: None, outcome, said })
    }
}
