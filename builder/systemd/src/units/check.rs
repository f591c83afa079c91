//! What cannot work with the units of an image.

use std::collections::{BTreeMap, BTreeSet};

use builder_tree::{FileTree, Node};

use crate::place::{LastLink, follow};
use crate::specifier::Specifiers;
use crate::units::name::NeedsFile;
use crate::units::unit::{Assignment, Unit, is_condition};
use crate::units::{Entry, Found, Manager, UnitName, Units, command};
use crate::{Command, Finding, ReadError, UnitProblem};

/// Where programs without a path are searched for.
const SEARCH_PATH: [&str; 6] = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"];

/// Bytes of commands that are looked at, those of drop-ins once for every unit they belong to.
const COMMAND_LIMIT: u64 = 256 << 20;

/// What a command counts at least, and a drop-in of a unit without any.
const COMMAND_BASE: u64 = 64;

/// Dependencies on units that are not there.
pub(crate) fn links(units: &mut Units) {
    let mut findings = Vec::new();
    for link in units.links.iter().filter(|link| !link.masked) {
        // Only valid names are kept.
        let Some(name) = UnitName::parse(&link.wanted) else { continue };
        if name.unit_type().needs_file() != NeedsFile::No && matches!(units.find(&link.wanted), Found::Missing) {
            let (unit, kind, wanted) = (link.unit.clone(), link.kind, link.wanted.clone());
            findings.push(Finding::of(&link.path, UnitProblem::MissingUnit { unit, kind, wanted }));
        }
    }
    for (name, entry) in &units.names {
        if let (Entry::Alias { to, path }, Found::Missing) = (entry, units.find(name)) {
            findings.push(Finding::of(path, UnitProblem::NoSuchUnit(to.clone())));
        }
    }
    units.findings.append(&mut findings);
}

/// A system without something to start.
pub(crate) fn default_target(units: &mut Units) {
    if units.manager != Manager::System || units.units.is_empty() {
        return;
    }
    let state = match units.find(b"default.target") {
        Found::Unit(_) => return,
        Found::Masked(_) => "masked",
        Found::Missing => "missing",
    };
    let path = b"usr/lib/systemd/system/default.target";
    units.findings.push(Finding::of(path, UnitProblem::NoDefaultTarget(state)));
}

/// Programs that are not there.
pub(crate) fn programs(units: &mut Units, tree: &FileTree, specifiers: &Specifiers) -> Result<(), ReadError> {
    let mut findings = Vec::new();
    // A line of a drop-in of many units is told once.
    let mut told = BTreeSet::new();
    let mut left = COMMAND_LIMIT;
    for unit in units.units.iter().filter(|unit| !unit.broken) {
        let drop_ins = units.drop_ins(unit.name.as_bytes());
        let added = drop_ins.iter().filter_map(|drop_in| drop_in.assignments.as_deref()).flatten();
        spend(&mut left, (drop_ins.len() as u64).saturating_mul(COMMAND_BASE), unit)?;
        let settings: Vec<&Assignment> = unit.assignments.iter().chain(added).collect();
        let elsewhere = settings.iter().any(|setting| {
            let key = setting.key.as_slice();
            setting.section == "Service"
                && !setting.value.is_empty()
                && (key == b"RootDirectory" || key == b"RootImage")
        });
        let own_path = settings.iter().any(|setting| setting.key == b"ExecSearchPath");
        let conditional = settings.iter().any(|setting| is_condition(setting));
        let mut lists: BTreeMap<&'static str, Vec<&Assignment>> = BTreeMap::new();
        for setting in settings {
            spend(&mut left, COMMAND_BASE, unit)?;
            let Some(key) = command::setting(unit.name.unit_type(), setting) else { continue };
            let list = lists.entry(key).or_default();
            if setting.value.is_empty() {
                list.clear();
            } else {
                spend(&mut left, setting.value.len() as u64, unit)?;
                list.push(setting);
            }
        }
        for (key, list) in lists {
            for setting in list {
                let mut problems = Vec::new();
                match command::parse(specifiers, &unit.name, key, &setting.value, &mut problems) {
                    Err(problem) => problems.push(problem),
                    Ok(commands) => {
                        problems.extend(commands.into_iter().flatten().filter(|_| !elsewhere).filter_map(|command| {
                            let why = unusable(tree, &command, own_path)?;
                            Some(UnitProblem::Program { setting: key, program: command.program, why, conditional })
                        }))
                    }
                }
                for problem in problems {
                    if told.insert((setting.file.clone(), setting.line, problem.clone())) {
                        findings.push(Finding::at(&setting.file, setting.line, problem));
                    }
                }
            }
        }
    }
    units.findings.append(&mut findings);
    Ok(())
}

fn spend(left: &mut u64, cost: u64, unit: &Unit) -> Result<(), ReadError> {
    *left =
        left.checked_sub(cost).ok_or_else(|| ReadError::TooMuch { path: unit.path.clone(), limit: COMMAND_LIMIT })?;
    Ok(())
}

/// Why a program cannot be run; `None` where it can, or where nobody minds.
fn unusable(tree: &FileTree, command: &Command, own_path: bool) -> Option<&'static str> {
    if command.ignore_failure {
        return None;
    }
    if command.program.starts_with(b"/") {
        return refused(tree, &command.program);
    }
    if own_path {
        return None;
    }
    let places = SEARCH_PATH.iter().map(|folder| [folder.as_bytes(), b"/", &command.program].concat());
    let mut reasons = places.map(|place| refused(tree, &place));
    if reasons.any(|reason| reason.is_none()) { None } else { Some("No such file or directory") }
}

/// The kernel's reason not to run what is at a path.
fn refused(tree: &FileTree, path: &[u8]) -> Option<&'static str> {
    match follow(tree, path, LastLink::Follow) {
        Err(_) => Some("Too many levels of symbolic links"),
        Ok(place) => match place.node {
            None => Some("No such file or directory"),
            Some(Node::Directory(_)) => Some("Is a directory"),
            Some(Node::Leaf(inode)) => (inode.metadata.mode & 0o111 == 0).then_some("Permission denied"),
        },
    }
}
