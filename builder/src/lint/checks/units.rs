//! Units that something asks for and that are not there.

use std::collections::BTreeSet;
use std::iter;

use builder_systemd::{FileProblem, Manager, NameKind, UnitName, UnitProblem, Units};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::checks::links::{is_filled_later, is_made_at_boot, is_told};
use crate::lint::checks::systemd::known;
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static UNITS_MISSING: Check = Check {
    name: "units-missing",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "A unit that is enabled, or that has another name, is not there, or there is no `default.target`",
    reason: "A unit is found by its name in systemd's own directories and not by where a link to it leads; what is not \
             there is not started, and without a default target the system ends in a rescue shell",
    fix: "RUN systemctl disable UNIT\n\
          # or install what brings it; for the default target\nRUN systemctl set-default multi-user.target",
    run: Run::Once(units_missing),
};

fn units_missing(subject: &Subject, findings: &mut Findings<'_>) {
    let tree = &subject.tree;
    for manager in [Manager::System, Manager::User] {
        let Some(units) = known(Units::read(tree, manager), subject, findings) else { return };
        let broken: BTreeSet<&[u8]> = units
            .findings()
            .iter()
            .filter(|found| is_broken_link(&found.problem))
            .map(|found| name(&found.file))
            .collect();
        for found in units.findings() {
            let (file, problem) = (&found.file, &found.problem);
            let is_new = match problem {
                // What generators may bring is only worth a notice.
                UnitProblem::MissingUnit { .. } if problem.severity() == builder_systemd::Severity::Notice => false,
                // Where the link leads does not matter to systemd: one to /var brings no unit.
                UnitProblem::MissingUnit { wanted, .. } => {
                    let template = template(wanted);
                    let is_broken = iter::once(wanted).chain(&template).any(|name| broken.contains(name.as_slice()));
                    !is_broken && !is_told(tree, file) && !is_made_at_boot(tree, file)
                }
                UnitProblem::NoDefaultTarget(_) => !broken.contains(&b"default.target"[..]),
                problem => is_broken_link(problem) && !is_told(tree, file) && !is_filled_later(tree, file),
            };
            if is_new {
                findings.at(file, problem.to_string());
            }
        }
    }
}

/// Whether a link that stands for a unit leads to none. What wants that unit is not told of besides.
fn is_broken_link(problem: &UnitProblem) -> bool {
    matches!(problem, UnitProblem::NoSuchUnit(_) | UnitProblem::Dangling(_) | UnitProblem::File(FileProblem::Loop))
}

/// Last part of a path.
fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// The template of an instance.
fn template(name: &[u8]) -> Option<Vec<u8>> {
    UnitName::parse(name).filter(|name| name.kind() == NameKind::Instance)?.template()
}
