//! The text of unit files.
//!
//! Source: systemd.syntax(7).

use std::sync::Arc;

use crate::lines::{LINE_LIMIT, lines, skip_space, strip};
use crate::units::name::UnitType;
use crate::units::unit::Assignment;
use crate::{FileProblem, Finding, UnitProblem};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a unit file says.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) assignments: Vec<Assignment>,
    /// Whether systemd refuses it.
    pub(crate) broken: bool,
}

/// Where a line stands.
enum Section {
    None,
    Ignored,
    Known(&'static str),
}

/// Reads a file of a unit of this type; what is wrong goes to `findings`.
pub(crate) fn parse(file: &[u8], text: &[u8], unit_type: UnitType, findings: &mut Vec<Finding<UnitProblem>>) -> Parsed {
    let shared: Arc<[u8]> = file.into();
    let mut parsed = Parsed::default();
    let mut section = Section::None;
    let logical = Logical { lines: lines(text), mark_seen: false, last: 0 };
    for line in logical {
        let outcome = line.map_err(|number| (number, UnitProblem::File(FileProblem::LongLine { limit: LINE_LIMIT })));
        let outcome = outcome.and_then(|(number, text)| {
            one(&text, unit_type, &mut section).map(|found| (number, found)).map_err(|problem| (number, problem))
        });
        match outcome {
            Ok((_, None)) => {}
            Ok((line, Some((section, key, value)))) => {
                parsed.assignments.push(Assignment { section, key, value, file: Arc::clone(&shared), line });
            }
            Err((line, problem)) => {
                parsed.broken = matches!(problem, UnitProblem::BadHeader(_) | UnitProblem::File(_));
                findings.push(Finding::at(file, line, problem));
                if parsed.broken {
                    return parsed;
                }
            }
        }
    }
    parsed
}

type Setting = (&'static str, Vec<u8>, Vec<u8>);

/// One line with all that continues it.
fn one(line: &[u8], unit_type: UnitType, section: &mut Section) -> Result<Option<Setting>, UnitProblem> {
    let line = strip(line);
    if line.is_empty() {
        return Ok(None);
    }
    if std::str::from_utf8(line).is_err() {
        return Err(UnitProblem::NotUtf8(line.to_vec()));
    }
    if let Some(header) = line.strip_prefix(b"[") {
        let Some(name) = header.strip_suffix(b"]") else { return Err(UnitProblem::BadHeader(line.to_vec())) };
        *section = Section::Ignored;
        let known = ["Unit", "Install", unit_type.section()];
        if let Some(known) = known.into_iter().find(|known| known.as_bytes() == name) {
            *section = Section::Known(known);
        } else if !name.starts_with(b"X-") {
            return Err(UnitProblem::UnknownSection(name.to_vec()));
        }
        return Ok(None);
    }
    let section = match section {
        Section::None => return Err(UnitProblem::OutsideSection),
        Section::Ignored => return Ok(None),
        Section::Known(section) => *section,
    };
    let Some(equals) = line.iter().position(|&byte| byte == b'=') else { return Err(UnitProblem::NoEquals) };
    let key = strip(&line[..equals]);
    if key.is_empty() {
        return Err(UnitProblem::NoKey);
    }
    Ok(Some((section, key.to_vec(), strip(&line[equals + 1..]).to_vec())))
}

/// Lines joined where a backslash ends them; comments between the parts are left out. An error is the number of a line
/// that is too long.
struct Logical<'a> {
    lines: crate::lines::Lines<'a>,
    mark_seen: bool,
    last: usize,
}

impl Iterator for Logical<'_> {
    type Item = Result<(usize, Vec<u8>), usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut joined: Option<Vec<u8>> = None;
        for (number, line) in self.lines.by_ref() {
            self.last = number;
            if line.len() > LINE_LIMIT {
                return Some(Err(number));
            }
            if skip_space(line).first().is_some_and(|byte| b"#;".contains(byte)) {
                continue;
            }
            let line = match line.strip_prefix(BYTE_ORDER_MARK).filter(|_| !self.mark_seen) {
                Some(line) => {
                    self.mark_seen = true;
                    line
                }
                None => line,
            };
            let mut text = joined.take().unwrap_or_default();
            if text.len() + line.len() > LINE_LIMIT {
                return Some(Err(number));
            }
            text.extend_from_slice(line);
            let backslashes = line.iter().rev().take_while(|&&byte| byte == b'\\').count();
            if backslashes % 2 == 0 {
                return Some(Ok((number, text)));
            }
            text.pop();
            text.push(b' ');
            joined = Some(text);
        }
        joined.map(|text| Ok((self.last, text)))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::{UnitProblem, UnitType};

    fn read(text: &[u8]) -> (Vec<String>, Vec<(usize, UnitProblem)>) {
        let mut findings = Vec::new();
        let parsed = parse(b"f", text, UnitType::Service, &mut findings);
        let shown = parsed.assignments.iter().map(|setting| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            format!("{} {}.{}={}", setting.line, setting.section, text(&setting.key), text(&setting.value))
        });
        (shown.collect(), findings.into_iter().map(|found| (found.line.unwrap(), found.problem)).collect())
    }

    #[test]
    fn settings_belong_to_sections() {
        let (settings, problems) = read(
            b"; c\nA=1\n[Unit]\n Description = a \\\n# c\n; c\n   b \nX-Y=z\nnope\n[Socket]\na=b\n[X-Mine]\nwhat\n\
              [Service]\nExecStart=\n=v\nBad=\xff\nA=1\\\\\nB=2\\\n\nC=3\\",
        );
        let expected = [
            "7 Unit.Description=a     b",
            "8 Unit.X-Y=z",
            "15 Service.ExecStart=",
            "18 Service.A=1\\\\",
            "20 Service.B=2",
            "21 Service.C=3",
        ];
        assert_eq!(settings, expected);
        let expected = [
            (2, UnitProblem::OutsideSection),
            (9, UnitProblem::NoEquals),
            (10, UnitProblem::UnknownSection(b"Socket".to_vec())),
            (16, UnitProblem::NoKey),
            (17, UnitProblem::NotUtf8(b"Bad=\xff".to_vec())),
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn a_bad_header_ends_the_file() {
        let (settings, problems) = read(b"\xef\xbb\xbf[Service]\nA=1\n[Unit]x\nB=1\n");
        assert_eq!(settings, ["2 Service.A=1"]);
        assert_eq!(problems, [(3, UnitProblem::BadHeader(b"[Unit]x".to_vec()))]);
    }
}
