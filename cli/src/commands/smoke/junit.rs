//! The JUnit document: a suite for each machine, a case for its boot and one for each check.

use builder::junit::{self, Case, Document, Fault, Suite};
use builder_qemu::{CheckOutcome, Verdict};

use super::arguments::Smoke;
use super::{Outcome, words};

/// The document of these boots.
pub(crate) fn document(arguments: &Smoke, outcomes: &[Outcome]) -> String {
    let name = arguments.artefact.file_name().unwrap_or_default().to_string_lossy();
    let suites = outcomes.iter().map(|outcome| suite(&name, outcome)).collect();
    Document { name: "diskwright smoke".to_owned(), suites }.to_string()
}

fn suite(artefact: &str, outcome: &Outcome) -> Suite {
    let report = &outcome.report;
    let class = format!("{artefact}.{}", outcome.machine);
    let fault = || Fault {
        kind: report.verdict.name().to_owned(),
        message: report.summary.clone(),
        text: words::story(outcome),
    };
    // What a check brought about is the check's failure; the boot itself went well.
    let boot = match report.verdict {
        Verdict::TargetReached | Verdict::CheckFailed => junit::Outcome::Passed,
        Verdict::HostError => junit::Outcome::Error(fault()),
        _ => junit::Outcome::Failed(fault()),
    };
    let case =
        |name: &str, outcome| Case { class: class.clone(), name: name.to_owned(), took: None, outcome, said: None };
    let mut cases = vec![Case { took: Some(report.took), ..case("boot", boot) }];
    for check in &report.checks {
        let outcome = match check.outcome {
            CheckOutcome::Passed => junit::Outcome::Passed,
            CheckOutcome::NotAsked => junit::Outcome::Skipped { message: check.text.clone() },
            CheckOutcome::Failed => junit::Outcome::Failed(Fault {
                kind: "check-failed".to_owned(),
                message: check.status.map(|status| format!("status {status}")).unwrap_or_default(),
                text: check.text.clone(),
            }),
        };
        cases.push(case(&check.name, outcome));
    }
    Suite { name: class, took: Some(report.took), cases, said: Some(report.last_lines.join("\n")) }
}
