//! `blscfg`: boot entries as Red Hat's GRUB reads them (`grub-core/commands/blscfg.c` of its branch).
//!
//! It is another reading than systemd's: the names of the files decide the order, a line without a value ends the file,
//! of several `options` only the first counts, and the text becomes a script that GRUB's shell reads again.

use std::rc::Rc;

use crate::evaluator::{Content, Defined, Evaluator, Stop, status};
use crate::expand::HexEscapes;
use crate::lines::{HashLines, Lines, clean};
use crate::version::compare_entry_names;
use crate::{FileRef, Place};

/// A file with a boot entry.
#[derive(Clone, Debug)]
pub(crate) struct BootEntryFile {
    /// Its name without `.conf`.
    name: String,
    file: FileRef,
    /// Line, key and value.
    keys: Vec<(usize, String, String)>,
    /// It is in the menu.
    shown: bool,
}

impl BootEntryFile {
    fn first(&self, key: &str) -> Option<(usize, &str)> {
        self.all(key).next()
    }

    fn all(&self, key: &str) -> impl Iterator<Item = (usize, &str)> {
        self.keys.iter().filter(move |(_, known, _)| known == key).map(|(line, _, value)| (*line, value.as_str()))
    }
}

/// Which entries `blscfg` shows.
enum Shown {
    All,
    Default,
    NotDefault,
    Named(String),
}

impl Evaluator<'_> {
    pub(crate) fn blscfg(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        self.hex_escapes = HexEscapes::Kept;
        let mut path = None;
        let shown = match arguments {
            [only] if only == "default" => Shown::Default,
            [only] if only == "non-default" => Shown::NotDefault,
            [only] if only.starts_with('(') => {
                path = Some(only.clone());
                Shown::All
            }
            [only] => Shown::Named(only.clone()),
            _ => Shown::All,
        };
        if let Err(reason) = self.read_boot_entries(path)? {
            return Ok(self.fail(status::NOT_FOUND, reason));
        }
        if self.boot_entries.is_empty() {
            self.problem("there is no boot entry");
        }
        let default = self.variables.get("default").map(str::to_owned);
        for index in 0..self.boot_entries.len() {
            let entry = &self.boot_entries[index];
            let is_default = || {
                default.as_deref().is_some_and(|default| {
                    entry.name == default
                        || entry.first("title").is_some_and(|(_, title)| title == default)
                        || default.parse() == Ok(index)
                })
            };
            let wanted = match &shown {
                Shown::All => true,
                Shown::Default => is_default(),
                Shown::NotDefault => !is_default(),
                Shown::Named(name) => entry.name == *name,
            };
            if wanted && !entry.shown {
                let entry = entry.clone();
                self.boot_entries[index].shown = true;
                self.define_boot_entry(&entry)?;
            }
        }
        Ok(status::DONE)
    }

    fn read_boot_entries(&mut self, path: Option<String>) -> Result<Result<(), String>, Stop> {
        // A single file.
        if let Some(path) = path.as_deref().filter(|path| path.ends_with(".conf")) {
            let file = match self.files.resolve(path, self.root()) {
                Ok(file) => file,
                Err(reason) => return Ok(Err(reason)),
            };
            let name = file.path.rsplit('/').next().unwrap_or_default().to_owned();
            self.read_boot_entry(file, &name)?;
            return Ok(Ok(()));
        }
        let folders = match (path, self.variables.get("blsdir")) {
            (Some(path), _) => vec![path],
            (None, Some(folder)) => vec![folder.to_owned(), "/boot/loader/entries/".to_owned()],
            (None, None) => vec!["/loader/entries/".to_owned(), "/boot/loader/entries/".to_owned()],
        };
        for folder in &folders {
            let directory = match self.files.resolve(&format!("{folder}/"), self.root()) {
                Ok(directory) => directory,
                Err(reason) => return Ok(Err(reason)),
            };
            let names = match self.files.list(&directory) {
                Ok(Some(names)) => names,
                Ok(None) => continue,
                Err(reason) => {
                    self.problem(&reason);
                    continue;
                }
            };
            self.charge(names.len() as u64)?;
            for name in names.iter().filter(|name| is_entry_name(name)) {
                let file = FileRef { path: format!("{}{name}", directory.path), ..directory.clone() };
                self.read_boot_entry(file, name)?;
            }
            return Ok(Ok(()));
        }
        Ok(Err(format!("there is no directory {}", folders.join(" and no "))))
    }

    fn read_boot_entry(&mut self, file: FileRef, name: &str) -> Result<(), Stop> {
        let name = name.strip_suffix(".conf").unwrap_or(name).to_owned();
        let bytes = match self.files.read(&file) {
            Ok(bytes) => bytes,
            Err(reason) => {
                self.problem(&reason);
                return Ok(());
            }
        };
        self.charge(bytes.len() as u64)?;
        let mut entry = BootEntryFile { name, file, keys: Vec::new(), shown: false };
        let text = clean(&bytes);
        let mut lines = Lines::new(&text, HashLines::Kept);
        while let Some((number, line)) = lines.next() {
            let line = line.trim_start_matches([' ', '\t']);
            if line.starts_with('#') {
                continue;
            }
            let separated = line.split_once(' ').or_else(|| line.split_once('\t'));
            let Some((key, value)) = separated.filter(|(_, value)| !value.is_empty()) else {
                if lines.next().is_some() {
                    let place = Place { file: entry.file.to_string(), line: number };
                    self.report.note(place, "blscfg: a line without a value, and all behind it is not read".to_owned());
                }
                break;
            };
            entry.keys.push((number, key.to_owned(), value.trim_start_matches([' ', '\t']).to_owned()));
        }
        if self.boot_entries.iter().any(|known| known.file == entry.file) {
            return Ok(());
        }
        self.report.file(entry.file.clone());
        self.charge(self.boot_entries.len() as u64 * 16)?;
        // The newest first.
        for (index, known) in self.boot_entries.iter().enumerate() {
            match compare_entry_names(&entry.name, &known.name) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => {
                    let text = format!("{} is as new as {}, and is left out", entry.file, known.file);
                    self.problem(&text);
                    return Ok(());
                }
                std::cmp::Ordering::Greater => {
                    self.boot_entries.insert(index, entry);
                    return Ok(());
                }
            }
        }
        self.boot_entries.push(entry);
        Ok(())
    }

    fn define_boot_entry(&mut self, entry: &BootEntryFile) -> Result<(), Stop> {
        let place = |line| Place { file: entry.file.to_string(), line };
        let Some((linux_line, linux)) = entry.first("linux") else {
            self.report.note(place(1), "blscfg: an entry without `linux` is left out".to_owned());
            return Ok(());
        };
        let variable = |name: &str| self.variables.get(name);
        let expand = |value: &str| expand_variables(value, &|name| variable(name).map(str::to_owned));
        let options = entry
            .first("options")
            .and_then(|(_, options)| expand(options))
            .or_else(|| variable("default_kernelopts").and_then(expand));
        let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let mut initrds: Vec<(usize, String)> = Vec::new();
        if let Some(early) = variable("early_initrd") {
            let beside = folder(entry.first("initrd").map_or(linux, |(_, path)| path));
            initrds.extend(early.split(' ').map(|name| (linux_line, format!("{beside}{name}"))));
        }
        initrds.extend(entry.all("initrd").map(|(line, path)| (line, path.to_owned())));
        let devicetree = match entry.first("devicetree") {
            Some((line, path)) => expand(path).map(|path| (line, path)),
            None => {
                variable("devicetree").and_then(expand).map(|path| (linux_line, format!("{}{path}", folder(linux))))
            }
        };

        let save = if variable("save_default") == Some("true") { "savedefault\n" } else { "" };
        let mut chunks = vec![(1, format!("{save}load_video\nset gfxpayload=keep\ninsmod gzio\n"))];
        let options = options.map(|options| format!(" {options}")).unwrap_or_default();
        chunks.push((linux_line, format!("linux ($root){linux}{options}\n")));
        if let Some(&(line, _)) = initrds.first() {
            let files: String = initrds.iter().map(|(_, path)| format!(" ($root){path}")).collect();
            chunks.push((line, format!("initrd{files}\n")));
        }
        if let Some((line, path)) = devicetree {
            chunks.push((line, format!("devicetree ($root){path}\n")));
        }
        let title = entry.first("title").map_or(linux, |(_, title)| title).to_owned();
        let mut parameters = vec![title.clone()];
        parameters.extend(entry.all("grub_arg").map(|(_, argument)| argument.to_owned()));
        let users = entry.first("grub_users").and_then(|(_, users)| expand(users));
        let defined = Defined {
            id: entry.name.clone(),
            title,
            parameters,
            users,
            content: Content::Text(Rc::from(entry.file.to_string()), chunks),
            submenu: false,
            place: place(1),
        };
        self.define(defined)
    }
}

fn is_entry_name(name: &str) -> bool {
    !name.starts_with('.') && name.len() > 5 && name.ends_with(".conf")
}

/// Puts in variables before the shell sees the text: a value takes a space behind it, in place of the one in the text.
///
/// As in GRUB, a single character that is left at the end is lost, and so is a text of one character.
fn expand_variables(value: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut expanded: Option<String> = None;
    let mut start = 0;
    let mut last: Option<(usize, char)> = None;
    let mut is_variable = false;
    let append = |expanded: &mut Option<String>, is_variable: bool, field: &str| {
        if is_variable {
            if let Some(value) = variable(field) {
                let text = expanded.get_or_insert_default();
                text.push_str(&value);
                text.push(' ');
            }
        } else {
            expanded.get_or_insert_default().push_str(field);
        }
    };
    for (offset, character) in value.char_indices() {
        let previous = last.map_or(character, |(_, previous)| previous);
        // Where the field ends that the character before this one belongs to.
        let before = last.map_or(0, |(offset, _)| offset);
        if character == '$' && previous != '\\' {
            if start != before {
                append(&mut expanded, is_variable, value.get(start..offset).unwrap_or_default());
                expanded.as_ref()?;
            }
            is_variable = true;
            start = offset + 1;
        } else if is_variable && !character.is_ascii_alphanumeric() && character != '_' {
            append(&mut expanded, true, value.get(start..offset).unwrap_or_default());
            is_variable = false;
            start = if character == ' ' { offset + 1 } else { offset };
        }
        last = Some((offset, character));
    }
    let before = last.map_or(0, |(offset, _)| offset);
    if start != before {
        append(&mut expanded, is_variable, value.get(start..).unwrap_or_default());
    }
    expanded
}

#[cfg(test)]
mod tests {
    #[test]
    fn variables_are_put_into_options() {
        let variable = |name: &str| match name {
            "kernelopts" => Some("root=LABEL=x ro".to_owned()),
            "tuned_params" => Some("skew_tick=1".to_owned()),
            _ => None,
        };
        for (value, expected) in [
            ("root=/dev/sda ro", Some("root=/dev/sda ro")),
            ("$kernelopts $tuned_params", Some("root=LABEL=x ro skew_tick=1 ")),
            ("$kernelopts quiet", Some("root=LABEL=x ro quiet")),
            ("quiet $tuned_params", Some("quiet skew_tick=1 ")),
            ("quiet $nosuch splash", Some("quiet splash")),
            ("$nosuch", None),
            ("$nosuch quiet", Some("quiet")),
            ("a\\$kernelopts", Some("a\\$kernelopts")),
            ("/grub2/$tuned_params.img", Some("/grub2/skew_tick=1 .img")),
            ("$kernelopts x", Some("root=LABEL=x ro ")),
            ("x", None),
            ("", None),
            ("quiet é", Some("quiet é")),
        ] {
            let expanded = super::expand_variables(value, &|name| variable(name));
            assert_eq!(expanded.as_deref(), expected, "{value}");
        }
    }
}
