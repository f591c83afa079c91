//! The second walk: every directory, and where its entries lead.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::bytes::{byte, le16, le32};
use crate::directory::{Broken, Entry, Style, entries, has_tail};
use crate::findings::Findings;
use crate::format::{dirent, flag, inode as format, special};
use crate::htree::{self, Tree};
use crate::inode::{Inode, Kind};
use crate::mapping::{Run, Runs};
use crate::records::{Records, State};
use crate::report::{CheckError, Finding};
use crate::structure::{InodeName, Structure};
use crate::volume::Volume;
use crate::xattr::{self, Place};

/// Blocks of directories that are read although they are somebody else's as well.
const MOST_SHARED: u64 = 1 << 16;
/// Words for kinds of files in messages: file types of entries, from 0.
const TYPES: [&str; 8] =
    ["unknown", "regular file", "directory", "character device", "block device", "FIFO", "socket", "link"];

/// How entries are stored on a file system.
pub(crate) fn style(volume: &Volume<'_>) -> Style {
    Style { file_types: volume.superblock.incompat(crate::format::incompat::FILETYPE) }
}

/// Looks at all entries of all directories; counts in `records` what leads to each inode, and from where.
pub(crate) fn walk(volume: &Volume<'_>, records: &mut Records, findings: &mut Findings) -> Result<(), CheckError> {
    let directories: Vec<(u32, State)> = records
        .all()
        .iter()
        .filter(|record| record.kind == Kind::Directory)
        .map(|record| (record.number, record.state))
        .collect();
    let mut shared = MOST_SHARED;
    for (number, state) in directories {
        let Some(bytes) = volume.inode(number)? else { continue };
        let inode = Inode::new(number, &bytes);
        if state == State::SharedMap {
            findings
                .unchecked(format!("directory inode {number} was not read: its map belongs to another inode as well"));
            continue;
        }
        let runs = Runs::of(volume, inode)?;
        if state == State::SharedBlocks {
            let length: u64 = runs.iter().map(|run| run.length).sum();
            let Some(rest) = shared.checked_sub(length) else {
                let reason = "its blocks belong to others as well";
                findings.unchecked(format!("directory inode {number} was not read: {reason}"));
                continue;
            };
            shared = rest;
        }
        let mut directory = Directory {
            volume,
            inode,
            style: style(volume),
            records: &mut *records,
            findings: &mut *findings,
            names: HashSet::new(),
            repeated: HashSet::new(),
            dots: 0,
        };
        if inode.has(flag::INLINE_DATA) {
            directory.inline();
        } else {
            directory.blocks(&runs)?;
        }
        directory.finish(&runs)?;
    }
    Ok(())
}

struct Directory<'a> {
    volume: &'a Volume<'a>,
    inode: Inode<'a>,
    style: Style,
    records: &'a mut Records,
    findings: &'a mut Findings,
    /// Hashes of the names so far.
    names: HashSet<u64>,
    /// Those that were met twice.
    repeated: HashSet<u64>,
    /// How many of `.` and `..` were met.
    dots: u8,
}

impl Directory<'_> {
    fn structure(&self, block: Option<u64>) -> Structure {
        let inode = InodeName::new(self.inode.number);
        match block {
            Some(block) => Structure::DirectoryBlock { block, inode },
            None => Structure::Inode(inode),
        }
    }

    fn error(&mut self, block: Option<u64>, field: String, found: impl ToString, expected: impl ToString) {
        let structure = self.structure(block);
        self.findings.push(Finding::error(structure, field, found.to_string(), expected.to_string()));
    }

    /// Reads the blocks one after the other.
    fn blocks(&mut self, runs: &[Run]) -> Result<(), CheckError> {
        let place = |logical: u64| {
            let index = runs.partition_point(|run| run.logical + run.length <= logical);
            runs.get(index).and_then(|run| run.find(logical))
        };
        let tree = if self.inode.has(flag::INDEX) {
            Some(htree::read(self.volume, self.inode, &place, self.findings)?)
        } else {
            None
        };
        let mut next = 0;
        for run in runs {
            if run.logical > next {
                let field = format!("blocks {next} to {} of the directory", run.logical - 1);
                self.error(None, field, "missing", "present");
            }
            next = run.logical + run.length;
            for (logical, physical) in (run.logical..next).zip(run.physical..) {
                let bytes = self.volume.block(physical)?;
                self.block(logical, physical, &bytes, tree.as_ref());
            }
        }
        Ok(())
    }

    fn block(&mut self, logical: u64, physical: u64, bytes: &[u8], tree: Option<&Tree>) {
        let is_node = tree.is_some_and(|tree| tree.nodes.contains(&logical));
        if is_node && logical > 0 {
            return;
        }
        let mut end = bytes.len();
        if is_node {
            // The root: `.` and `..`, and then the tree.
            let covered = usize::from(le16(bytes, dirent::TAIL + 4));
            if bytes.len() < 1 << 16 && covered != bytes.len() - dirent::TAIL {
                let expected = bytes.len() - dirent::TAIL;
                self.error(Some(physical), "length of entry `..`".into(), covered, expected);
            }
            end = htree::ROOT_ENTRIES;
        } else if self.volume.superblock.has_checksums() {
            if has_tail(bytes) {
                end -= dirent::TAIL;
                let seed = self.volume.seed.inode(self.inode.number, self.inode.generation());
                let (found, expected) = (le32(bytes, bytes.len() - 4), seed.of(&bytes[..end]));
                if found != expected {
                    let structure = self.structure(Some(physical));
                    self.findings.push(Finding::checksum(structure, found, expected));
                }
            } else {
                self.error(Some(physical), "checksum".into(), "missing", "an entry for it at the end of the block");
            }
        }
        if is_node {
            self.root_entries(physical, bytes);
            return;
        }
        let hashes = tree.and_then(|tree| Some((tree.hasher?, *tree.leaves.get(&logical)?)));
        if let Some(tree) = tree.filter(|tree| tree.complete)
            && !tree.leaves.contains_key(&logical)
        {
            self.error(Some(physical), "place in the hash tree".into(), "none", "one");
        }
        for (number, entry) in entries(&bytes[..end], 0, self.style).enumerate() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(broken) => {
                    self.broken(Some(physical), broken);
                    break;
                }
            };
            if logical == 0 && number < 2 {
                self.dot(Some(physical), number, &entry);
                continue;
            }
            if let Some((hasher, hashes)) = hashes.filter(|_| entry.inode != 0) {
                let hash = hasher.hash(entry.name);
                if hash < hashes.from || hash > hashes.to {
                    let expected = format!("{:#x} to {:#x} in this block", hashes.from, hashes.to);
                    let field = format!("hash of {}", shown(entry.name));
                    self.error(Some(physical), field, format_args!("{hash:#x}"), expected);
                }
            }
            self.entry(Some(physical), &entry);
        }
    }

    /// The two entries of a block that holds the root of a hash tree.
    fn root_entries(&mut self, physical: u64, bytes: &[u8]) {
        for (number, at) in [0, dirent::TAIL].into_iter().enumerate() {
            let name = bytes.get(at + dirent::HEADER..at + dirent::HEADER + usize::from(byte(bytes, at + 6)).min(4));
            let entry = Entry {
                at,
                inode: le32(bytes, at),
                name: name.unwrap_or(&[]),
                file_type: if self.style.file_types { byte(bytes, at + 7) } else { 0 },
            };
            self.dot(Some(physical), number, &entry);
        }
    }

    fn broken(&mut self, block: Option<u64>, broken: Broken) {
        let Broken { at, length, name_length, left } = broken;
        let least = (dirent::HEADER + name_length.next_multiple_of(4)).max(dirent::TAIL);
        let expected = format!("a multiple of 4, {least} to {left}");
        self.error(block, format!("length of the entry at byte {at}"), length, expected);
    }

    /// The first two entries: `.` and `..`.
    fn dot(&mut self, block: Option<u64>, number: usize, entry: &Entry<'_>) {
        let expected: &[u8] = if number == 0 { b"." } else { b".." };
        let label = shown(expected);
        if entry.name != expected || entry.inode == 0 {
            let found = if entry.inode == 0 { "unused".to_owned() } else { shown(entry.name) };
            self.error(block, format!("entry {number}"), found, &label);
            if entry.inode != 0 && entry.name != b"." && entry.name != b".." {
                self.entry(block, entry);
            }
            return;
        }
        self.dots += 1;
        if number == 0 && entry.inode != self.inode.number {
            let expected = format!("inode {}", self.inode.number);
            self.error(block, format!("entry {label}"), format_args!("inode {}", entry.inode), expected);
        }
        if number == 1 {
            let (own, parent) = (self.inode.number, entry.inode);
            if let Some(record) = self.records.get_mut(own) {
                record.dotdot = parent;
            }
        }
        self.leads(block, entry);
    }

    /// An entry that is not one of the first two.
    fn entry(&mut self, block: Option<u64>, entry: &Entry<'_>) {
        if entry.inode == 0 {
            return;
        }
        let name = entry.name;
        let encrypted = self.inode.has(flag::ENCRYPT);
        if name.is_empty() {
            self.error(block, format!("name at byte {}", entry.at), "empty", "at least one byte");
            return;
        }
        if name == b"." || name == b".." {
            self.error(block, format!("entry {}", shown(name)), "a second one", "at the start of the directory only");
            return;
        }
        if !encrypted && name.iter().any(|&byte| byte == b'/' || byte == 0) {
            self.error(block, format!("name at byte {}", entry.at), shown(name), "no slash and no NUL");
        }
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let hash = hasher.finish();
        if !self.names.insert(hash) {
            self.repeated.insert(hash);
        }
        let Some(kind) = self.leads(block, entry) else { return };
        if entry.inode == special::ROOT {
            self.error(block, format!("entry {}", shown(name)), "the root directory", "no second name of the root");
            return;
        }
        let own = self.inode.number;
        let Some(record) = self.records.get_mut(entry.inode) else { return };
        if record.parent == 0 {
            record.parent = own;
        } else if kind == Kind::Directory {
            let first = record.parent;
            let field = format!("entry {}", shown(name));
            let finding = Finding::error(
                self.structure(block),
                field,
                format_args!("directory inode {}", entry.inode),
                "a directory that has no other name",
            );
            self.findings.push(finding.other(Some(Structure::inode(first))));
        }
    }

    /// Counts where an entry leads; `None` where that is nowhere.
    fn leads(&mut self, block: Option<u64>, entry: &Entry<'_>) -> Option<Kind> {
        let label = shown(entry.name);
        let geometry = &self.volume.geometry;
        let (most, first, number) = (geometry.inodes, geometry.first_inode, entry.inode);
        if number > most || (number < first && number != special::ROOT) {
            let expected = format!("an inode from {first} to {most}");
            self.error(block, format!("entry {label}"), format_args!("inode {number}"), expected);
            return None;
        }
        let hidden = self.volume.superblock.is_hidden(number, geometry);
        let Some(record) = self.records.get_mut(number) else {
            self.error(
                block,
                format!("entry {label}"),
                format_args!("inode {number}, which is free"),
                "an inode in use",
            );
            return None;
        };
        record.counted = record.counted.saturating_add(1);
        let (kind, state) = (record.kind, record.state);
        if hidden || state == State::Value {
            let expected = "an inode that has a place in the tree";
            self.error(block, format!("entry {label}"), format_args!("inode {number}"), expected);
            return None;
        }
        if self.style.file_types && entry.file_type != kind.file_type() {
            let word = |file_type: u8| TYPES.get(usize::from(file_type)).copied().unwrap_or("none there is");
            let found = format!("{} ({})", entry.file_type, word(entry.file_type));
            let expected = format!("{} ({})", kind.file_type(), word(kind.file_type()));
            self.error(block, format!("file type of entry {label}"), found, expected);
        }
        Some(kind)
    }

    /// A directory in its inode: the parent's number, then entries, and more of them in an attribute.
    fn inline(&mut self) {
        let body = self.inode.body();
        let own = self.inode.number;
        let dot = |name, inode| Entry { at: 0, inode, name, file_type: Kind::Directory.file_type() };
        self.dot(None, 0, &dot(b".", own));
        self.dot(None, 1, &dot(b"..", le32(body, 0)));
        let (list, _) = xattr::parse(self.inode.attributes(), Place::Inode);
        let more = list.iter().find(|one| one.is_inline_body()).map_or(&[][..], |one| one.value);
        let size = usize::try_from(self.inode.size()).unwrap_or(usize::MAX);
        let parts = [
            body.get(4..format::BLOCK_LENGTH.min(size)).unwrap_or(&[]),
            more.get(..size.saturating_sub(format::BLOCK_LENGTH).min(more.len())).unwrap_or(&[]),
        ];
        for part in parts {
            for entry in entries(part, 0, self.style) {
                match entry {
                    Ok(entry) => self.entry(None, &entry),
                    Err(broken) => {
                        self.broken(None, broken);
                        break;
                    }
                }
            }
        }
    }

    /// What can be told at the end: both dots, and names that occur twice.
    fn finish(mut self, runs: &[Run]) -> Result<(), CheckError> {
        if self.dots < 2 && runs.is_empty() && !self.inode.has(flag::INLINE_DATA) {
            self.error(None, "entries".into(), "none", "`.` and `..` at least");
        }
        if self.repeated.is_empty() {
            return Ok(());
        }
        let mut met: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut twice = Vec::new();
        for_each_entry(self.volume, self.inode, runs, &mut |entry| {
            let mut hasher = DefaultHasher::new();
            entry.name.hash(&mut hasher);
            if self.repeated.contains(&hasher.finish()) && !met.insert(entry.name.to_vec()) {
                twice.push((entry.inode, entry.name.to_vec()));
            }
        })?;
        for (inode, name) in twice {
            self.error(
                None,
                format!("entry {}", shown(&name)),
                format_args!("twice, the second for inode {inode}"),
                "once",
            );
        }
        Ok(())
    }
}

/// Calls `each` for all used entries of a directory but the two dots, as far as they can be read.
pub(crate) fn for_each_entry(
    volume: &Volume<'_>,
    inode: Inode<'_>,
    runs: &[Run],
    each: &mut dyn FnMut(Entry<'_>),
) -> Result<(), CheckError> {
    let style = style(volume);
    let mut part = |bytes: &[u8]| {
        for entry in entries(bytes, 0, style).map_while(Result::ok) {
            if entry.inode != 0 && entry.name != b"." && entry.name != b".." {
                each(entry);
            }
        }
    };
    if inode.has(flag::INLINE_DATA) {
        part(inode.body().get(4..).unwrap_or(&[]));
        let (list, _) = xattr::parse(inode.attributes(), Place::Inode);
        for attribute in list.iter().filter(|one| one.is_inline_body()) {
            part(attribute.value);
        }
    }
    for run in runs {
        for physical in run.physical..run.physical + run.length {
            part(&volume.block(physical)?);
        }
    }
    Ok(())
}

/// A name for people: what is not text, or would garble a terminal, is escaped.
pub(crate) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push('`');
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push('`');
    shown
}
