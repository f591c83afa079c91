//! Presets: which units a distribution wants enabled.
//!
//! Source: systemd.preset(5).

use builder_tree::FileTree;

use crate::config_files::{CONFIG_ROOTS, config_files};
use crate::glob;
use crate::lines::{LINE_LIMIT, WHITESPACE, lines, skip_space, strip};
use crate::read::Reader;
use crate::shown::Shown;
use crate::units::name::{NameKind, UnitName};
use crate::{FileProblem, Finding, Manager, ReadError};

/// What a preset says of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is enabled.
    Enable,
    /// It is disabled.
    Disable,
    /// It is left as it is. Since systemd 256.
    Ignore,
}

/// A line of a preset file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetRule {
    /// The file it stands in, as a path of the tree without a leading slash.
    pub file: Vec<u8>,
    /// Line, counted from 1.
    pub line: usize,
    /// What it says.
    pub decision: Decision,
    /// Of which units: a pattern of a shell.
    pub pattern: Vec<u8>,
    /// Of a template, the instances that are enabled.
    pub instances: Vec<Vec<u8>>,
}

/// What is wrong with a preset file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresetProblem {
    /// The file is not read, or not to its end.
    #[error("{0}")]
    File(
        /// Why.
        FileProblem,
    ),
    /// A line that is no rule.
    #[error("Couldn't parse line '{}'. Ignoring.", Shown(.0))]
    Line(
        /// The line.
        Vec<u8>,
    ),
}

/// All rules of an image, in the order in which they are asked.
#[derive(Clone, Debug, Default)]
pub struct Presets {
    rules: Vec<PresetRule>,
    findings: Vec<Finding<PresetProblem>>,
}

impl Presets {
    /// Reads the files `*.preset` of `systemd/system-preset` (`systemd/user-preset`) below `/etc`, `/usr/etc`, `/run`,
    /// `/usr/local/lib` and `/usr/lib`.
    ///
    /// # Errors
    /// [`ReadError`] for files that are too large or cannot be read. Malformed lines are findings.
    pub fn read(tree: &FileTree, manager: Manager) -> Result<Self, ReadError> {
        Self::read_with(tree, manager, &mut Reader::new())
    }

    pub(crate) fn read_with(tree: &FileTree, manager: Manager, reader: &mut Reader) -> Result<Self, ReadError> {
        let folder = match manager {
            Manager::System => "systemd/system-preset",
            Manager::User => "systemd/user-preset",
        };
        let folders: Vec<_> = CONFIG_ROOTS.iter().map(|root| format!("{root}/{folder}").into_bytes()).collect();
        let mut presets = Self::default();
        for file in config_files(tree, &folders, b".preset") {
            match file.body {
                Err(problem) => presets.findings.push(Finding::of(&file.path, PresetProblem::File(problem))),
                Ok(content) => presets.add(&file.path, &reader.read(&file.path, content)?),
            }
        }
        Ok(presets)
    }

    fn add(&mut self, file: &[u8], text: &[u8]) {
        for (number, line) in lines(text) {
            if line.len() > LINE_LIMIT {
                let problem = PresetProblem::File(FileProblem::LongLine { limit: LINE_LIMIT });
                self.findings.push(Finding::at(file, number, problem));
                return;
            }
            let line = strip(line);
            if line.first().is_none_or(|byte| b"#;".contains(byte)) {
                continue;
            }
            match rule(line) {
                Some((decision, pattern, instances)) => {
                    self.rules.push(PresetRule { file: file.to_vec(), line: number, decision, pattern, instances });
                }
                None => self.findings.push(Finding::at(file, number, PresetProblem::Line(line.to_vec()))),
            }
        }
    }

    /// The rules, the first that matches counts.
    #[must_use]
    pub fn rules(&self) -> &[PresetRule] {
        &self.rules
    }

    /// What systemd would complain about.
    #[must_use]
    pub fn findings(&self) -> &[Finding<PresetProblem>] {
        &self.findings
    }

    /// What is said of the unit `name`, with the rule that says it; without a rule a unit is enabled. A template is
    /// enabled by the rule for any of its instances.
    #[must_use]
    pub fn decide(&self, name: &[u8]) -> (Decision, Option<&PresetRule>) {
        let rule = self.rules.iter().find(|rule| rule.matches(name));
        (rule.map_or(Decision::Enable, |rule| rule.decision), rule)
    }
}

impl PresetRule {
    fn matches(&self, name: &[u8]) -> bool {
        if glob::matches(&self.pattern, name) {
            return true;
        }
        // `enable a@.service b` is also said of `a@b.service`.
        let Some(name) = UnitName::parse(name).filter(|name| name.kind() == NameKind::Instance) else { return false };
        name.template().is_some_and(|template| template == self.pattern)
            && self.instances.iter().any(|instance| name.instance() == Some(instance))
    }
}

fn rule(line: &[u8]) -> Option<(Decision, Vec<u8>, Vec<Vec<u8>>)> {
    let words = [(&b"enable"[..], Decision::Enable), (b"disable", Decision::Disable), (b"ignore", Decision::Ignore)];
    let (decision, rest) = words.into_iter().find_map(|(word, decision)| {
        let rest = line.strip_prefix(word)?;
        rest.first().is_some_and(|byte| WHITESPACE.contains(byte)).then_some((decision, skip_space(rest)))
    })?;
    let mut words = rest.split(|byte| WHITESPACE.contains(byte)).filter(|word| !word.is_empty()).map(<[u8]>::to_vec);
    let (pattern, mut instances) = (words.next()?, words.collect::<Vec<_>>());
    match decision {
        Decision::Enable if instances.is_empty() => {}
        // Instances go with templates only.
        Decision::Enable => {
            UnitName::parse(&pattern).filter(|name| name.kind() == NameKind::Template)?;
        }
        Decision::Disable | Decision::Ignore => instances.clear(),
    }
    Some((decision, pattern, instances))
}

#[cfg(test)]
mod tests {
    use super::{Decision, Presets};

    #[test]
    fn the_first_rule_that_matches_decides() {
        let mut presets = Presets::default();
        presets.add(
            b"90",
            b"# c\n; c\nenable en.service\ndisable en.service\nenable t@.service a b\nenable br[1].*\n\
              ignore i.service\n\
              nonsense x\nenable\nenable a b c\n  disable   d.service  \n",
        );
        presets.add(b"99", b"disable *\n");
        for (name, decision, line) in [
            ("en.service", Decision::Enable, 3),
            ("t@.service", Decision::Enable, 5),
            ("t@a.service", Decision::Enable, 5),
            ("t@c.service", Decision::Disable, 1),
            ("br1.socket", Decision::Enable, 6),
            ("br2.socket", Decision::Disable, 1),
            ("i.service", Decision::Ignore, 7),
            ("d.service", Decision::Disable, 11),
        ] {
            let (found, rule) = presets.decide(name.as_bytes());
            assert_eq!((found, rule.unwrap().line), (decision, line), "{name}");
        }
        let lines: Vec<_> = presets.findings().iter().map(|found| found.line.unwrap()).collect();
        assert_eq!(lines, [8, 9, 10]);
        assert_eq!(Presets::default().decide(b"x.service").0, Decision::Enable);
    }
}
