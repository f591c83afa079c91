//! Where units lie.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use builder_tree::{Content, Directory, FileTree, InodeKind, Node, join};

use crate::place::{LastLink, base_name, directory, follow, parent};
use crate::read::Reader;
use crate::units::file;
use crate::units::links::{DependencyKind, DependencyLink};
use crate::units::name::{NameKind, UnitName, UnitType};
use crate::units::unit::{Assignment, DropIn, Unit};
use crate::units::{Entry, Units};
use crate::{FileProblem, Finding, ReadError, UnitProblem};

/// Whose units are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// The system's.
    System,
    /// Those of a user's session; the user's own files are in no image.
    User,
}

impl Manager {
    /// Where it looks for units, the strongest first; without a leading slash. systemd.unit(5), "Unit File Load Path".
    #[must_use]
    pub fn directories(self) -> &'static [&'static str] {
        match self {
            Self::System => &[
                "etc/systemd/system.control",
                "usr/etc/systemd/system.control",
                "run/systemd/system.control",
                "etc/systemd/system",
                "usr/etc/systemd/system",
                "run/systemd/system",
                "usr/local/lib/systemd/system",
                "usr/lib/systemd/system",
            ],
            Self::User => &[
                "etc/systemd/user",
                "usr/etc/systemd/user",
                "run/systemd/user",
                "usr/local/share/systemd/user",
                "usr/share/systemd/user",
                "usr/local/lib/systemd/user",
                "usr/lib/systemd/user",
            ],
        }
    }
}

/// By unit, kind and name, the strongest link; `None` for what is no dependency.
type LinksByName = BTreeMap<(Vec<u8>, DependencyKind, Vec<u8>), Option<DependencyLink>>;

type Settings = (Arc<[Assignment]>, bool);

/// Collects units from the directories.
pub(crate) struct Search<'t, 'r> {
    tree: &'t FileTree,
    reader: &'r mut Reader,
    /// By true path and type: a file that has many names is read once.
    read: BTreeMap<(Vec<u8>, UnitType), Settings>,
}

/// A directory of units.
struct Searched<'t> {
    /// As it is written.
    path: &'static str,
    /// Its true path.
    place: Vec<u8>,
    entries: &'t Directory,
}

impl<'t, 'r> Search<'t, 'r> {
    pub(crate) fn new(tree: &'t FileTree, reader: &'r mut Reader) -> Self {
        Self { tree, reader, read: BTreeMap::new() }
    }

    pub(crate) fn collect(&mut self, units: &mut Units) -> Result<(), ReadError> {
        let mut seen = BTreeSet::new();
        let mut searched = Vec::new();
        for &path in units.manager.directories() {
            if let Some((place, entries)) = directory(self.tree, path.as_bytes())
                && seen.insert(place.clone())
            {
                searched.push(Searched { path, place, entries });
            }
        }
        let mut links = LinksByName::new();
        for (rank, here) in searched.iter().enumerate() {
            for (name, node) in &here.entries.entries {
                let path = join(here.path.as_bytes(), name);
                if let Some(unit) = UnitName::parse(name) {
                    if !units.names.contains_key(name)
                        && let Some(entry) = self.entry(units, &searched, &path, &unit, node)?
                    {
                        units.names.insert(name.clone(), entry);
                    }
                    continue;
                }
                if let Some(of) = name.strip_suffix(b".d") {
                    self.drop_ins(units, rank, of, &path)?;
                }
                for (kind, suffix) in DependencyKind::SUFFIXES {
                    if let Some(of) = name.strip_suffix(suffix.as_bytes()).filter(|of| UnitName::parse(of).is_some()) {
                        self.links(units, &mut links, of, kind, &path);
                    }
                }
            }
        }
        units.links = links.into_values().flatten().collect();
        Ok(())
    }

    /// What a name of a directory stands for; `None` where it is passed over and a weaker directory may have it.
    fn entry(
        &mut self,
        units: &mut Units,
        searched: &[Searched<'_>],
        path: &[u8],
        name: &UnitName,
        node: &Node,
    ) -> Result<Option<Entry>, ReadError> {
        let mut told = |problem| units.findings.push(Finding::of(path, problem));
        if let Some(InodeKind::Symlink(target)) = node.as_leaf().map(|inode| &inode.kind) {
            let from = [parent(path), b"/", target.as_slice()].concat();
            let target_path = if target.starts_with(b"/") { target } else { &from };
            let Ok(place) = follow(self.tree, target_path, LastLink::Keep) else {
                told(UnitProblem::File(FileProblem::Loop));
                return Ok(None);
            };
            if place.above_root {
                told(UnitProblem::AboveRoot(target.clone()));
            }
            let folder = parent(&place.path);
            let within = |searched: &Searched<'_>| {
                folder == searched.place
                    || folder.strip_prefix(searched.place.as_slice()).is_some_and(|rest| rest.starts_with(b"/"))
            };
            if searched.iter().any(within) {
                let to = base_name(&place.path);
                if !may_stand_for(name, to) {
                    told(UnitProblem::BadAlias(place.path));
                    return Ok(None);
                }
                if to != name.as_bytes() {
                    return Ok(Some(Entry::Alias { to: to.to_vec(), path: path.to_vec() }));
                }
                // A name for itself changes nothing, but should lead somewhere.
                match follow(self.tree, path, LastLink::Follow) {
                    Err(_) => told(UnitProblem::File(FileProblem::Loop)),
                    Ok(end) if end.node.is_none() && end.path != b"dev/null" => {
                        told(UnitProblem::Dangling(place.path));
                    }
                    Ok(_) => {}
                }
                return Ok(None);
            }
        }
        let place = match follow(self.tree, path, LastLink::Follow) {
            Ok(place) if place.path == b"dev/null" => return Ok(Some(Entry::Masked(path.to_vec()))),
            Ok(place) => place,
            Err(_) => {
                told(UnitProblem::File(FileProblem::Loop));
                return Ok(Some(Entry::Unusable));
            }
        };
        let Some(node) = place.node else {
            told(UnitProblem::Dangling(place.path));
            return Ok(Some(Entry::Unusable));
        };
        let Some(content) = node.as_leaf().and_then(|inode| inode.content()) else {
            told(UnitProblem::File(FileProblem::NotAFile(node.kind_name())));
            return Ok(Some(Entry::Unusable));
        };
        if content.is_empty() {
            return Ok(Some(Entry::Masked(path.to_vec())));
        }
        let (assignments, broken) = self.settings(units, path, place.path, name.unit_type(), content)?;
        units.units.push(Unit { name: name.clone(), path: path.to_vec(), assignments, broken });
        Ok(Some(Entry::File(units.units.len() - 1)))
    }

    /// The settings of a file.
    fn settings(
        &mut self,
        units: &mut Units,
        path: &[u8],
        place: Vec<u8>,
        unit_type: UnitType,
        content: &Content,
    ) -> Result<Settings, ReadError> {
        let key = (place, unit_type);
        if let Some((assignments, broken)) = self.read.get(&key) {
            return Ok((Arc::clone(assignments), *broken));
        }
        let text = self.reader.read(path, content)?;
        let parsed = file::parse(path, &text, unit_type, &mut units.findings);
        let settings: Settings = (parsed.assignments.into(), parsed.broken);
        self.read.insert(key, (Arc::clone(&settings.0), settings.1));
        Ok(settings)
    }

    /// The files of a directory `OF.d`.
    fn drop_ins(&mut self, units: &mut Units, rank: usize, of: &[u8], path: &[u8]) -> Result<(), ReadError> {
        let unit_type = match UnitName::parse(of) {
            Some(name) => Some(name.unit_type()),
            None => UnitType::from_suffix(of),
        };
        let (Some(unit_type), Some((_, entries))) = (unit_type, directory(self.tree, path)) else { return Ok(()) };
        for name in entries.entries.keys().filter(|name| name.ends_with(b".conf") && !name.starts_with(b".")) {
            let file = join(path, name);
            let assignments = self.drop_in(units, &file, unit_type)?;
            units.drop_ins.entry(of.to_vec()).or_default().push(DropIn { name: name.clone(), rank, assignments });
        }
        Ok(())
    }

    fn drop_in(
        &mut self,
        units: &mut Units,
        path: &[u8],
        unit_type: UnitType,
    ) -> Result<Option<Arc<[Assignment]>>, ReadError> {
        let problem = match follow(self.tree, path, LastLink::Follow) {
            Err(_) => FileProblem::Loop,
            Ok(place) if place.path == b"dev/null" => return Ok(None),
            Ok(place) => match place.node {
                None => FileProblem::Dangling,
                Some(node) => match node.as_leaf().and_then(|inode| inode.content()) {
                    None => FileProblem::NotAFile(node.kind_name()),
                    Some(content) => {
                        let (assignments, _) = self.settings(units, path, place.path, unit_type, content)?;
                        return Ok(Some(assignments));
                    }
                },
            },
        };
        units.findings.push(Finding::of(path, UnitProblem::File(problem)));
        Ok(None)
    }

    /// The links of a directory `OF.wants` or the like. Of equal names that of the strongest directory counts; `None`
    /// stands for one that is no dependency.
    fn links(&self, units: &mut Units, links: &mut LinksByName, of: &[u8], kind: DependencyKind, path: &[u8]) {
        let Some((place, entries)) = directory(self.tree, path) else { return };
        for (name, node) in &entries.entries {
            let std::collections::btree_map::Entry::Vacant(slot) = links.entry((of.to_vec(), kind, name.clone()))
            else {
                continue;
            };
            let link = join(path, name);
            let mut told = |problem| units.findings.push(Finding::of(&link, problem));
            let Some(wanted) = UnitName::parse(name) else {
                told(UnitProblem::InvalidName(name.clone()));
                slot.insert(None);
                continue;
            };
            let target = match node.as_leaf().map(|inode| &inode.kind) {
                Some(InodeKind::Symlink(target)) => target,
                _ => {
                    told(UnitProblem::NotALink(node.kind_name()));
                    slot.insert(None);
                    continue;
                }
            };
            let from = [place.as_slice(), b"/", target.as_slice()].concat();
            let followed = follow(self.tree, if target.starts_with(b"/") { target } else { &from }, LastLink::Keep);
            let mut masked = false;
            if let Ok(to) = followed {
                masked = to.path == b"dev/null";
                if to.above_root {
                    told(UnitProblem::AboveRoot(target.clone()));
                } else if !masked && !fits(&wanted, base_name(&to.path)) {
                    told(UnitProblem::OtherName(to.path));
                }
            }
            let (unit, wanted) = (of.to_vec(), name.clone());
            slot.insert(Some(DependencyLink { unit, kind, wanted, path: link, masked }));
        }
    }
}

/// Whether a unit may be called `name` by a link to `target`.
fn may_stand_for(name: &UnitName, target: &[u8]) -> bool {
    let Some(target) = UnitName::parse(target) else { return false };
    let kinds = match (name.kind(), target.kind()) {
        (NameKind::Instance, NameKind::Template) => true,
        (NameKind::Instance, NameKind::Instance) => name.instance() == target.instance(),
        (one, other) => one == other,
    };
    kinds && name.unit_type() == target.unit_type() && name.unit_type().may_alias()
}

/// Whether a link of this name in a directory of dependencies fits the unit it leads to.
fn fits(name: &UnitName, target: &[u8]) -> bool {
    name.as_bytes() == target || (name.kind() == NameKind::Instance && name.template().as_deref() == Some(target))
}
