//! Runs of lint, and what they found.

use std::path::Path;

use diskwright_tests::command::diskwright;
use serde_json::Value;

pub(crate) const USAGE: i32 = 2;
pub(crate) const VALIDATION: i32 = 4;

/// Lints `source`; gives the exit code and what was printed.
pub(crate) fn run(directory: &Path, source: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut all = vec!["lint", source, "--platform", "linux/amd64", "-q"];
    all.extend(arguments);
    let run = diskwright(directory, &all);
    assert_eq!(run.stderr, "", "{source}");
    (run.code, run.stdout)
}

pub(crate) fn report(directory: &Path, source: &str, arguments: &[&str]) -> Value {
    let mut all = vec!["--json", "--fail-on", "never"];
    all.extend(arguments);
    let (code, stdout) = run(directory, source, &all);
    assert_eq!(code, Some(0), "{source}: {stdout}");
    serde_json::from_str(&stdout).unwrap()
}

/// What `check` finds in a report: path and message.
pub(crate) fn found<'r>(report: &'r Value, list: &str, check: &str) -> Vec<(&'r str, &'r str)> {
    let findings = report[list].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
    findings.map(|finding| (finding["path"].as_str().unwrap_or(""), finding["message"].as_str().unwrap())).collect()
}

/// How many are fatal, how many warnings, and how many allowed.
pub(crate) fn counts(report: &Value) -> [u64; 3] {
    ["fatal", "warning", "allowed"].map(|name| report["counts"][name].as_u64().unwrap())
}
