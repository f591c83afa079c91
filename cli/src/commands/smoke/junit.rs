//! The JUnit document: a suite for each machine, a case for its boot and one for each check.
//!
//! Of the forms in use this is the one that Jenkins' `junit-10.xsd` describes and that GitLab and others read.

use std::fmt::Write as _;

use builder_qemu::{CheckOutcome, Verdict};

use super::arguments::Smoke;
use super::words::seconds;
use super::{Outcome, words};

/// The document of these boots.
pub(crate) fn document(arguments: &Smoke, outcomes: &[Outcome]) -> String {
    let name = arguments.artefact.file_name().unwrap_or_default().to_string_lossy();
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"diskwright smoke\">\n".to_owned();
    for outcome in outcomes {
        suite(&mut xml, &name, outcome);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, artefact: &str, outcome: &Outcome) {
    let report = &outcome.report;
    // What a check brought about is the check's failure; the boot itself went well.
    let boot_failed = !matches!(report.verdict, Verdict::TargetReached | Verdict::CheckFailed);
    let is_error = report.verdict == Verdict::HostError;
    let of = |wanted| report.checks.iter().filter(|check| check.outcome == wanted).count();
    let failures = of(CheckOutcome::Failed) + usize::from(boot_failed && !is_error);
    let class = attribute(&format!("{artefact}.{}", outcome.machine));
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{class}\" tests=\"{}\" failures=\"{failures}\" errors=\"{}\" skipped=\"{}\" \
         time=\"{:.3}\">",
        report.checks.len() + 1,
        usize::from(is_error),
        of(CheckOutcome::NotAsked),
        seconds(report.took),
    );
    let _ = write!(xml, "    <testcase classname=\"{class}\" name=\"boot\" time=\"{:.3}\"", seconds(report.took));
    if boot_failed {
        let element = if is_error { "error" } else { "failure" };
        let _ = writeln!(
            xml,
            ">\n      <{element} type=\"{}\" message=\"{}\">{}</{element}>\n    </testcase>",
            report.verdict.name(),
            attribute(&report.summary),
            content(&words::story(outcome)),
        );
    } else {
        xml.push_str("/>\n");
    }
    for check in &report.checks {
        let _ = write!(xml, "    <testcase classname=\"{class}\" name=\"{}\"", attribute(&check.name));
        let _ = match check.outcome {
            CheckOutcome::Passed => writeln!(xml, "/>"),
            CheckOutcome::NotAsked => {
                writeln!(xml, ">\n      <skipped message=\"{}\"/>\n    </testcase>", attribute(&check.text))
            }
            CheckOutcome::Failed => {
                let status = check.status.map(|status| format!("status {status}")).unwrap_or_default();
                let text = content(&check.text);
                writeln!(
                    xml,
                    ">\n      <failure type=\"check-failed\" message=\"{status}\">{text}</failure>\n    </testcase>"
                )
            }
        };
    }
    let _ = writeln!(xml, "    <system-out>{}</system-out>\n  </testsuite>", content(&report.last_lines.join("\n")));
}

/// Text between elements. XML 1.0 has no way to write most control characters (section 2.2, "Characters").
fn content(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\n' | '\t' => xml.push(character),
            '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            other if other.is_control() => xml.push('\u{fffd}'),
            other => xml.push(other),
        }
    }
    xml
}

/// Text in double quotes. A reader takes line ends there for blanks, unless they are written as references.
fn attribute(text: &str) -> String {
    content(text).replace('"', "&quot;").replace('\n', "&#10;").replace('\t', "&#9;")
}

#[cfg(test)]
mod tests {
    use super::{attribute, content};

    #[test]
    fn what_xml_cannot_say_is_replaced_and_the_rest_escaped() {
        assert_eq!(
            content("a < b & c > d\n\u{1b}[0m\u{9b}\u{ffff}"),
            "a &lt; b &amp; c &gt; d\n\u{fffd}[0m\u{fffd}\u{fffd}"
        );
        assert_eq!(attribute("say \"x\"\nand\ty"), "say &quot;x&quot;&#10;and&#9;y");
    }
}
