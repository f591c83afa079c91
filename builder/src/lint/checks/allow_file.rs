//! The image's own allow list.

use builder_tree::Content;

use crate::lint::allow::{AllowList, IMAGE_ALLOW_FILE};
use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

/// Larger than any real one, in bytes.
const LIMIT: u64 = 64 << 10;

pub(crate) static LINT_ALLOW: Check = Check {
    name: "lint-allow",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "A line of the image's own allow list cannot be understood",
    reason: "`/usr/lib/diskwright/lint.allow` allows nothing by such a line, whatever was meant by it",
    fix: "# correct the line; names of checks: diskwright lint --list\nCOPY lint.allow /usr/lib/diskwright/lint.allow",
    run: Run::Once(lint_allow),
};

/// The text of the image's list, where it has one that is read.
pub(crate) fn text(subject: &Subject) -> Option<String> {
    let bytes = subject.whole(subject.file(IMAGE_ALLOW_FILE)?.content()?, LIMIT)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn lint_allow(subject: &Subject, findings: &mut Findings<'_>) {
    let path = IMAGE_ALLOW_FILE.as_bytes();
    let size = subject.file(IMAGE_ALLOW_FILE).and_then(|inode| inode.content()).map_or(0, Content::size);
    if size > LIMIT {
        return findings.at(path, format!("it has {size} bytes, more than the {LIMIT} that are read"));
    }
    let Some(text) = text(subject) else { return };
    let mut problems = Vec::new();
    AllowList::new().read_lines("", &text, &mut problems);
    for problem in problems {
        let hint = problem.hint().map_or_else(String::new, |hint| format!("; {hint}"));
        findings.at(path, format!("line {}: {}{hint}", problem.line, problem.problem));
    }
}
