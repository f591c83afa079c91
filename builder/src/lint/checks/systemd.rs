//! What the checks of systemd's files have in common.

use std::fmt::Display;

use builder_systemd::ReadError;

use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

/// What was read. Files that are too large are a finding; a scratch file that fails is told when all checks are run.
pub(crate) fn known<T>(read: Result<T, ReadError>, subject: &Subject, findings: &mut Findings<'_>) -> Option<T> {
    match read {
        Ok(known) => Some(known),
        Err(ReadError::Read { source, .. }) => {
            subject.fail(source);
            None
        }
        Err(error) => {
            findings.image(error.to_string());
            None
        }
    }
}

/// Tells of a line, or of a file, that systemd refuses; `hint` goes before the fix.
pub(crate) fn refused<P: Display>(
    found: &builder_systemd::Finding<P>,
    hint: Option<&str>,
    findings: &mut Findings<'_>,
) {
    let message = match found.line {
        Some(line) => format!("line {line}: {}", found.problem),
        None => found.problem.to_string(),
    };
    let fix = findings.check.fix;
    match hint {
        Some(hint) => findings.at_with_fix(&found.file, message, format!("# {hint}\n{fix}")),
        None => findings.at(&found.file, message),
    }
}
