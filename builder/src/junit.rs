//! Results as the XML that test runners write, which every CI server shows.
//!
//! Of the forms in use this is the one that Jenkins' `junit-10.xsd` describes, and that GitLab and others read.

use std::fmt;
use std::time::Duration;

/// A document.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// Who says so.
    pub name: String,
    /// What belongs together.
    pub suites: Vec<Suite>,
}

/// Cases of one thing.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// What it is.
    pub name: String,
    /// How long all of it took, where that is worth telling.
    pub took: Option<Duration>,
    /// The cases, in their order.
    pub cases: Vec<Case>,
    /// What was said meanwhile.
    pub said: Option<String>,
}

/// Something that went well or not.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it belongs to, with dots between the parts.
    pub class: String,
    /// What it is.
    pub name: String,
    /// How long it took, where that is worth telling.
    pub took: Option<Duration>,
    /// How it went.
    pub outcome: Outcome,
    /// What was said meanwhile.
    pub said: Option<String>,
}

/// How a case went.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Well.
    Passed,
    /// Nobody asked.
    Skipped {
        /// Why.
        message: String,
    },
    /// Not well.
    Failed(Fault),
    /// It could not be tried.
    Error(Fault),
}

/// What went wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Its kind, in a word.
    pub kind: String,
    /// In a sentence.
    pub message: String,
    /// At length.
    pub text: String,
}

/// How many cases there are, and how they went.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Sums {
    fn of<'c>(cases: impl Iterator<Item = &'c Case>) -> Self {
        let mut sums = Self::default();
        for case in cases {
            sums.tests += 1;
            match case.outcome {
                Outcome::Passed => {}
                Outcome::Skipped { .. } => sums.skipped += 1,
                Outcome::Failed(_) => sums.failures += 1,
                Outcome::Error(_) => sums.errors += 1,
            }
        }
        sums
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tests, failures, errors, skipped } = self;
        write!(f, "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sums { tests, failures, errors, .. } = Sums::of(self.suites.iter().flat_map(|suite| &suite.cases));
        let name = attribute(&self.name);
        writeln!(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        // The schema has `skipped` for a suite, and not for all of them.
        writeln!(f, "<testsuites name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">")?;
        for suite in &self.suites {
            let sums = Sums::of(suite.cases.iter());
            writeln!(f, "  <testsuite name=\"{}\" {sums}{}>", attribute(&suite.name), time(suite.took))?;
            suite.cases.iter().try_for_each(|case| case.write(f))?;
            said(f, "    ", suite.said.as_deref())?;
            writeln!(f, "  </testsuite>")?;
        }
        writeln!(f, "</testsuites>")
    }
}

impl Case {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, name, took, .. } = self;
        let (class, name) = (attribute(class), attribute(name));
        write!(f, "    <testcase classname=\"{class}\" name=\"{name}\"{}", time(*took))?;
        if matches!(self.outcome, Outcome::Passed) && self.said.is_none() {
            return writeln!(f, "/>");
        }
        writeln!(f, ">")?;
        match &self.outcome {
            Outcome::Passed => {}
            Outcome::Skipped { message } => writeln!(f, "      <skipped message=\"{}\"/>", attribute(message))?,
            Outcome::Failed(fault) => fault.write(f, "failure")?,
            Outcome::Error(fault) => fault.write(f, "error")?,
        }
        said(f, "      ", self.said.as_deref())?;
        writeln!(f, "    </testcase>")
    }
}

impl Fault {
    fn write(&self, f: &mut fmt::Formatter<'_>, element: &str) -> fmt::Result {
        let (kind, message, text) = (attribute(&self.kind), attribute(&self.message), content(&self.text));
        writeln!(f, "      <{element} type=\"{kind}\" message=\"{message}\">{text}</{element}>")
    }
}

fn said(f: &mut fmt::Formatter<'_>, indent: &str, said: Option<&str>) -> fmt::Result {
    said.map_or(Ok(()), |said| writeln!(f, "{indent}<system-out>{}</system-out>", content(said)))
}

/// The attribute for a time, in seconds.
fn time(took: Option<Duration>) -> String {
    took.map_or_else(String::new, |took| format!(" time=\"{}.{:03}\"", took.as_secs(), took.subsec_millis()))
}

/// Text between elements. XML 1.0 has no way to write most control characters (section 2.2, "Characters"): U+FFFD says
/// that there was one.
fn content(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\n' | '\t' => xml.push(character),
            '\u{fffe}' | '\u{ffff}' => xml.push(char::REPLACEMENT_CHARACTER),
            other if other.is_control() => xml.push(char::REPLACEMENT_CHARACTER),
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
    use std::time::Duration;

    use super::{Case, Document, Fault, Outcome, Suite, attribute, content};

    #[test]
    fn what_xml_cannot_say_is_replaced_and_the_rest_escaped() {
        assert_eq!(
            content("a < b & c > d\n\u{1b}[0m\u{9b}\u{ffff}"),
            "a &lt; b &amp; c &gt; d\n\u{fffd}[0m\u{fffd}\u{fffd}"
        );
        assert_eq!(attribute("say \"x\"\nand\ty"), "say &quot;x&quot;&#10;and&#9;y");
    }

    #[test]
    fn cases_are_counted_by_how_they_went() {
        let fault = || Fault { kind: "k".into(), message: "m".into(), text: "t".into() };
        let case = |name: &str, outcome, said: Option<&str>| Case {
            class: "a.b".into(),
            name: name.into(),
            took: None,
            outcome,
            said: said.map(str::to_owned),
        };
        let cases = vec![
            case("1", Outcome::Passed, None),
            Case { took: Some(Duration::from_millis(1500)), ..case("2", Outcome::Passed, Some("s")) },
            case("3", Outcome::Skipped { message: "m".into() }, None),
            case("4", Outcome::Failed(fault()), None),
            case("5", Outcome::Error(fault()), None),
        ];
        let suite = Suite { name: "s".into(), took: Some(Duration::from_secs(2)), cases, said: Some("end".into()) };
        assert_eq!(
            Document { name: "n".into(), suites: vec![suite] }.to_string(),
            r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="n" tests="5" failures="1" errors="1">
  <testsuite name="s" tests="5" failures="1" errors="1" skipped="1" time="2.000">
    <testcase classname="a.b" name="1"/>
    <testcase classname="a.b" name="2" time="1.500">
      <system-out>s</system-out>
    </testcase>
    <testcase classname="a.b" name="3">
      <skipped message="m"/>
    </testcase>
    <testcase classname="a.b" name="4">
      <failure type="k" message="m">t</failure>
    </testcase>
    <testcase classname="a.b" name="5">
      <error type="k" message="m">t</error>
    </testcase>
    <system-out>end</system-out>
  </testsuite>
</testsuites>
"#
        );
    }
}
