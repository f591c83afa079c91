//! A report as workflow commands, which GitHub shows beside the lines of a job.
//!
//! ```text
//! ::error title=fatal%3A kernel::…
//! ```
//!
//! GitHub shows ten of each kind for a step, so there is one for each check and not for each finding. A command is a
//! line: line feeds in it are `%0A`.

use std::fmt::Write as _;

use crate::lint::check::Severity;
use crate::lint::formats::text;
use crate::lint::report::Report;

impl Report {
    /// The report as workflow commands, with a closing line of plain text.
    #[must_use]
    pub fn github(&self) -> String {
        let mut lines = String::new();
        for findings in self.by_check() {
            let Some(first) = findings.first() else { continue };
            let command = match first.severity {
                Severity::Fatal => "error",
                Severity::Warning => "warning",
                Severity::Info => "notice",
            };
            let told = text::lines(findings, self.more(first.check));
            let title = property(&format!("{}: {}", first.severity, first.check));
            // Writing to a String does not fail.
            let _ = writeln!(lines, "::{command} title={title}::{}", message(&told.join("\n")));
        }
        let allowed = self.allowed.chunk_by(|one, other| one.finding.check == other.finding.check);
        for first in allowed.filter_map(|allowed| allowed.first()) {
            let _ = writeln!(lines, "allowed: {} [{}]", first.finding.check, first.by.escape_debug());
        }
        let _ = writeln!(lines, "{}", self.counts);
        lines
    }
}

/// The text of a command. GitHub, "Workflow commands": `%`, carriage return and line feed.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, in which `:` and `,` have a meaning too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use crate::lint::check::Severity;
    use crate::lint::finding::Finding;
    use crate::lint::report::{Counts, Cut, Report};

    #[test]
    fn a_command_is_one_line_whatever_is_in_it() {
        let finding = |check, severity, path: &[u8], message: &str| Finding {
            check,
            severity,
            path: Some(path.to_vec()),
            message: message.to_owned(),
            fix: Cow::Borrowed("# words\nRUN rm 100%"),
        };
        let otherwise = |finding: Finding| Finding { fix: Cow::Borrowed("RUN mv"), ..finding };
        let report = Report {
            findings: vec![
                finding("kernel", Severity::Fatal, b"a\n::error::b", "1%,\r\n2"),
                finding("kernel", Severity::Fatal, b"c", "d"),
                finding("setuid", Severity::Info, b"e", "f"),
                otherwise(finding("setuid", Severity::Info, b"g", "h")),
                otherwise(finding("setuid", Severity::Info, b"i", "j")),
            ],
            cut: vec![Cut { check: "kernel", more: 7 }],
            counts: Counts { checks: 2, fatal: 9, info: 3, ..Counts::default() },
            ..Report::default()
        };
        assert_eq!(
            report.github().lines().collect::<Vec<_>>(),
            [
                "::error title=fatal%3A kernel::/a\\x0a::error::b: 1%25,\\r\\n2%0A/c: d%0Aand 7 more%0Afix:%0A# words%0ARUN rm 100%25",
                "::notice title=info%3A setuid::/e: f%0Afix:%0A# words%0ARUN rm 100%25%0A/g: h%0A/i: j%0Afix:%0ARUN mv",
                "2 checks: 9 fatal, 0 warnings, 3 infos, 0 allowed",
            ]
        );
    }
}
