//! Reads the lists of a directory of modules.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::shown;
use crate::fields::{Fields, field, strings};
use crate::lines::{self, Problem};
use crate::modules::{Alias, Module, Modules, Softdep};
use crate::name::{normalized, normalized_alias};
use crate::{ModuleFiles, ReadError, index, listing};

/// Largest list or index that is read, in bytes: 8 MiB. Those of distributions have up to 2 MiB.
pub const MAX_LIST_BYTES: u64 = 8 << 20;

/// Which of the two forms of a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The text, or the index where there is no text.
    TextFirst,
    /// The index, as modprobe.
    Index,
}

impl Modules {
    /// Reads the directory of a kernel's modules, such as `usr/lib/modules/6.12.0`. Of lists that are there as text and
    /// as index (`.bin`) the text is read.
    ///
    /// # Errors
    /// There is no directory or neither `modules.dep` nor `modules.dep.bin`, a line or index is malformed, or something
    /// cannot be read or is too large (see [`MAX_LIST_BYTES`]).
    pub fn read(files: &dyn ModuleFiles, directory: &str) -> Result<Self, ReadError> {
        Reader { files, directory: directory.trim_matches('/'), form: Form::TextFirst, lists: BTreeSet::new() }.read()
    }

    /// As [`read`](Self::read), with what `modprobe` sees: it takes dependencies, aliases and what is built in from the
    /// indexes alone.
    ///
    /// # Errors
    /// As for `read`, where `modules.dep.bin` is the file that must be there.
    pub fn read_indexes(files: &dyn ModuleFiles, directory: &str) -> Result<Self, ReadError> {
        Reader { files, directory: directory.trim_matches('/'), form: Form::Index, lists: BTreeSet::new() }.read()
    }
}

struct Reader<'a> {
    files: &'a dyn ModuleFiles,
    directory: &'a str,
    form: Form,
    /// The lists that were read.
    lists: BTreeSet<&'static str>,
}

/// A list in the form in which it is there.
enum List {
    Text(Vec<u8>),
    Index(Vec<index::Entry>),
}

impl Reader<'_> {
    fn read(mut self) -> Result<Modules, ReadError> {
        let mut present = listing::modules(self.files, self.directory)?;
        let modules = self.dependencies()?;
        self.add_absolute(&modules, &mut present)?;
        let (builtin_fields, builtin_aliases) = self.builtin_fields()?;
        Ok(Modules {
            builtin: self.builtin()?,
            aliases: self.aliases("modules.alias", "modules.alias.bin")?,
            softdeps: self.softdeps()?,
            order: self.text("modules.order", lines::name_of)?,
            device_nodes: self.text("modules.devname", lines::device_node)?,
            directory: self.directory.to_owned(),
            modules,
            builtin_fields,
            builtin_aliases,
            present,
            lists: self.lists,
        })
    }

    fn dependencies(&mut self) -> Result<BTreeMap<String, Module>, ReadError> {
        let list = match self.list("modules.dep", "modules.dep.bin")? {
            Some(List::Text(text)) => lines::parse(&self.path("modules.dep"), &text, lines::dependencies)?,
            Some(List::Index(entries)) => {
                let mut list = Vec::new();
                for entry in entries {
                    for value in entry.values {
                        let module = lines::dependencies(&value.text).and_then(|module| {
                            let is_found = module.name == entry.key;
                            is_found.then_some(module).ok_or("has another module's name for")
                        });
                        let fault = |problem| self.value_fault("modules.dep.bin", problem, &value.text);
                        list.push(module.map_err(fault)?);
                    }
                }
                list
            }
            None => {
                let wanted = match self.form {
                    Form::TextFirst => "modules.dep and no modules.dep.bin",
                    Form::Index => "modules.dep.bin",
                };
                return Err(ReadError::NoDependencies { directory: self.directory.to_owned(), wanted });
            }
        };
        let mut modules = BTreeMap::new();
        for module in list {
            if let Some(twice) = modules.insert(module.name.clone(), module) {
                let name = if self.lists.contains("modules.dep") { "modules.dep" } else { "modules.dep.bin" };
                return Err(self.value_fault(name, "has the module of two files, one of them is", &twice.path));
            }
        }
        Ok(modules)
    }

    /// Modules may be outside of the directory, by configuration of depmod; the paths of those are absolute.
    fn add_absolute(
        &self,
        modules: &BTreeMap<String, Module>,
        present: &mut BTreeSet<String>,
    ) -> Result<(), ReadError> {
        let mut directories: BTreeMap<&str, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for module in modules.values() {
            let Some((parent, name)) = module.path.strip_prefix('/').and_then(|path| path.rsplit_once('/')) else {
                continue;
            };
            if !directories.contains_key(parent) {
                let names = self.files.names(parent).map_err(|source| read_error(parent, source))?;
                directories.insert(parent, names.unwrap_or_default().into_iter().collect());
            }
            if directories.get(parent).is_some_and(|names| names.contains(name.as_bytes())) {
                present.insert(module.path.clone());
            }
        }
        Ok(())
    }

    fn builtin(&mut self) -> Result<BTreeSet<String>, ReadError> {
        match self.list("modules.builtin", "modules.builtin.bin")? {
            Some(List::Text(text)) => {
                let names = lines::parse(&self.path("modules.builtin"), &text, lines::name_of)?;
                Ok(names.into_iter().collect())
            }
            Some(List::Index(entries)) => Ok(entries.into_iter().map(|entry| normalized(&entry.key)).collect()),
            None => Ok(BTreeSet::new()),
        }
    }

    fn aliases(&mut self, text: &'static str, index: &'static str) -> Result<Vec<Alias>, ReadError> {
        match self.list(text, index)? {
            Some(List::Text(bytes)) => {
                let lines = lines::parse(&self.path(text), &bytes, lines::alias)?;
                Ok(lines.iter().filter_map(|(pattern, module)| new_alias(pattern, module)).collect())
            }
            Some(List::Index(entries)) => Ok(aliases_of(entries)),
            None => Ok(Vec::new()),
        }
    }

    /// What built-in modules say of themselves, and their aliases.
    fn builtin_fields(&mut self) -> Result<(BTreeMap<String, Fields>, Vec<Alias>), ReadError> {
        const NAME: &str = "modules.builtin.modinfo";
        let mut all: BTreeMap<String, Fields> = BTreeMap::new();
        let mut aliases = Vec::new();
        if let Some(bytes) = self.body(NAME)? {
            for (offset, string) in strings(&bytes) {
                let fault = |problem| ReadError::Field { path: self.path(NAME), offset, problem, text: shown(string) };
                let (key, value) = field(offset, string).map_err(|found| fault(found.problem))?;
                let (module, key) = key.split_once('.').ok_or_else(|| fault("has a key without its module"))?;
                let module = normalized(module);
                if key == "alias" {
                    aliases.extend(new_alias(&value, &module));
                }
                all.entry(module).or_default().push(key.to_owned(), value);
            }
        }
        if (self.form == Form::Index || !self.lists.contains(NAME))
            && let Some(entries) = self.index("modules.builtin.alias.bin")?
        {
            aliases = aliases_of(entries);
        }
        Ok((all, aliases))
    }

    fn softdeps(&mut self) -> Result<BTreeMap<String, Vec<Softdep>>, ReadError> {
        let mut softdeps: BTreeMap<String, Vec<Softdep>> = BTreeMap::new();
        for (module, softdep) in self.text("modules.softdep", lines::softdep)? {
            softdeps.entry(module).or_default().push(softdep);
        }
        Ok(softdeps)
    }

    /// A list that is there as text only; empty where it is missing.
    fn text<T>(
        &mut self,
        name: &'static str,
        line: impl FnMut(&str) -> Result<T, Problem>,
    ) -> Result<Vec<T>, ReadError> {
        match self.body(name)? {
            Some(bytes) => lines::parse(&self.path(name), &bytes, line),
            None => Ok(Vec::new()),
        }
    }

    fn list(&mut self, text: &'static str, index: &'static str) -> Result<Option<List>, ReadError> {
        if self.form == Form::TextFirst
            && let Some(bytes) = self.body(text)?
        {
            return Ok(Some(List::Text(bytes)));
        }
        Ok(self.index(index)?.map(List::Index))
    }

    fn index(&mut self, name: &'static str) -> Result<Option<Vec<index::Entry>>, ReadError> {
        let Some(bytes) = self.body(name)? else { return Ok(None) };
        // depmod leaves an index of what is built in empty where the kernel's build did not say what that is.
        if bytes.is_empty() && name.starts_with("modules.builtin") {
            return Ok(None);
        }
        let fault = |fault: index::IndexFault| ReadError::Index {
            path: self.path(name),
            offset: fault.offset,
            problem: fault.problem,
        };
        index::read(&bytes).map(Some).map_err(fault)
    }

    fn body(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, ReadError> {
        let path = self.path(name);
        let body = self.files.read(&path, MAX_LIST_BYTES).map_err(|source| read_error(&path, source))?;
        if body.is_some() {
            self.lists.insert(name);
        }
        Ok(body)
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.directory)
    }

    fn value_fault(&self, name: &str, problem: Problem, text: &str) -> ReadError {
        ReadError::Value { path: self.path(name), problem, text: shown(text.as_bytes()) }
    }
}

fn read_error(path: &str, source: std::io::Error) -> ReadError {
    ReadError::Read { path: path.to_owned(), source }
}

fn new_alias(pattern: &str, module: &str) -> Option<Alias> {
    Some(Alias { pattern: normalized_alias(pattern)?, module: normalized(module) })
}

/// The aliases of an index, those of lower priority first.
fn aliases_of(entries: Vec<index::Entry>) -> Vec<Alias> {
    let mut aliases = Vec::new();
    for entry in entries {
        for value in entry.values {
            aliases.push((value.priority, Alias { pattern: entry.key.clone(), module: normalized(&value.text) }));
        }
    }
    aliases.sort_by_key(|(priority, _)| *priority);
    aliases.into_iter().map(|(_, alias)| alias).collect()
}
