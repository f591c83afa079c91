//! A report as the XML that test runners write, which every CI server shows: a check is a test case.
//!
//! The form is the one that Jenkins and the runners of pytest and Maven agree on. There are no times: a check takes
//! none worth telling, and reports of one image are the same bytes.

use std::fmt::Write as _;

use crate::lint::finding::Finding;
use crate::lint::formats::text::Told;
use crate::lint::registry;
use crate::lint::report::{FailOn, Report};

impl Report {
    /// The report as JUnit's XML. Checks with findings fail where `fail_on` says so; others pass and tell what they
    /// found; those whose findings are all allowed are skipped.
    #[must_use]
    pub fn junit(&self, fail_on: FailOn) -> String {
        let mut cases = String::new();
        let (mut tests, mut failures, mut skipped) = (0_u64, 0_u64, 0_u64);
        for check in registry::checks() {
            let found: Vec<&Finding> = self.findings.iter().filter(|finding| finding.check == check.name).collect();
            let allowed: Vec<_> = self.allowed.iter().filter(|allowed| allowed.finding.check == check.name).collect();
            if found.is_empty() && allowed.is_empty() && !self.passed.contains(&check.name) {
                continue;
            }
            tests += 1;
            // Writing to a String does not fail.
            let _ = write!(
                cases,
                "    <testcase classname=\"diskwright.lint.{}\" name=\"{}\"",
                escape(check.severity.name()),
                escape(check.name)
            );
            let more = self.more(check.name);
            let count = more.saturating_add(found.len() as u64);
            let mut told = String::new();
            for finding in &found {
                let _ = writeln!(told, "{}", Told(finding));
            }
            if more > 0 {
                let _ = writeln!(told, "and {more} more");
            }
            for allowed in &allowed {
                let _ = writeln!(told, "allowed [{}]: {}", allowed.by, Told(&allowed.finding));
            }
            if let Some(first) = found.first() {
                let _ = write!(told, "\nfix:\n{}\n", first.fix);
            }
            let told = escape(&told);
            if count > 0 && fail_on.includes(check.severity) {
                failures += 1;
                let message = escape(&format!("{}: {count} found", check.summary));
                let kind = escape(check.severity.name());
                let _ = writeln!(cases, ">\n      <failure message=\"{message}\" type=\"{kind}\">{told}</failure>");
            } else if count > 0 {
                let _ = writeln!(cases, ">\n      <system-out>{told}</system-out>");
            } else if !allowed.is_empty() {
                skipped += 1;
                let _ =
                    writeln!(cases, ">\n      <skipped message=\"allowed\"/>\n      <system-out>{told}</system-out>");
            } else {
                cases.push_str("/>\n");
                continue;
            }
            cases.push_str("    </testcase>\n");
        }
        let sums = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"");
        let suite = escape(&self.source);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"diskwright lint\" {sums}>\n  <testsuite name=\"{suite}\" {sums}>\n{cases}  </testsuite>\n</testsuites>\n"
        )
    }
}

/// Text for XML: the five characters with a meaning, and U+FFFD for those that XML 1.0 (section 2.2) does not have.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' | '\t' => out.push(c),
            '\0'..=' ' if c != ' ' => out.push(char::REPLACEMENT_CHARACTER),
            '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn text_is_made_fit_for_xml() {
        assert_eq!(
            escape("<a b=\"c\">&'\n\u{1}\u{fffe} é"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&apos;\n\u{fffd}\u{fffd} é"
        );
    }
}
