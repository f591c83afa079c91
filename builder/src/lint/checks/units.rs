//! Units that something asks for and that are not there.

use builder_systemd::{Manager, UnitProblem, Units};
use builder_tree::join;

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::checks::links::{UNITS, is_of_dangling_unit_links};
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
    for manager in [Manager::System, Manager::User] {
        let Some(units) = known(Units::read(&subject.tree, manager), subject, findings) else { return };
        for found in units.findings() {
            let problem = &found.problem;
            let is_told = |path: &[u8]| is_of_dangling_unit_links(&subject.tree, path);
            let is_new = match problem {
                // What generators may bring is only worth a notice.
                UnitProblem::MissingUnit { .. } if problem.severity() == builder_systemd::Severity::Notice => false,
                UnitProblem::MissingUnit { .. } | UnitProblem::NoSuchUnit(_) => !is_told(&found.file),
                UnitProblem::NoDefaultTarget(_) => {
                    !UNITS.iter().any(|directory| is_told(&join(directory.as_bytes(), b"default.target")))
                }
                _ => false,
            };
            if is_new {
                findings.at(&found.file, problem.to_string());
            }
        }
    }
}
