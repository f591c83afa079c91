//! Commands that read configuration files and environment blocks, and make entries.

use std::rc::Rc;

use crate::environment::EnvironmentBlock;
use crate::evaluator::{Content, Defined, Evaluator, Stop, status};
use crate::limits::ENTRIES;
use crate::lines::{HashLines, Lines, clean};
use crate::options::{Options, Spec, Strange, Takes, parse};
use crate::syntax::Body;
use crate::{Chain, FileRef};

const ENVIRONMENT: [Spec; 2] = [("file", Some('f'), Takes::Value), ("skip-sig", Some('s'), Takes::Nothing)];

const ENTRY: [Spec; 6] = [
    ("class", None, Takes::Value),
    ("users", None, Takes::Optional),
    ("hotkey", None, Takes::Value),
    ("source", None, Takes::Value),
    ("id", None, Takes::Value),
    ("unrestricted", None, Takes::Nothing),
];

impl Evaluator<'_> {
    /// Runs a file in the context that there is.
    pub(crate) fn run_file(&mut self, file: &FileRef) -> Result<i32, Stop> {
        let bytes = match self.files.read(file) {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(self.fail(status::NOT_FOUND, reason)),
        };
        self.charge(bytes.len() as u64)?;
        if self.entry.is_none() {
            self.report.file(file.clone());
        }
        let name = file.to_string();
        let outer = ["config_file", "config_directory"].map(|variable| self.variables.get(variable).map(str::to_owned));
        let directory = name.rsplit_once('/').map_or(name.as_str(), |(directory, _)| directory);
        self.set("config_file", &name)?;
        self.set("config_directory", directory)?;
        let text = clean(&bytes);
        let status = self.run_lines(&Rc::from(name.as_str()), &mut Lines::new(&text, HashLines::Dropped))?;
        for (variable, value) in ["config_file", "config_directory"].into_iter().zip(outer) {
            match value {
                Some(value) => self.set(variable, &value)?,
                None => self.variables.unset(variable),
            }
        }
        Ok(status)
    }

    fn named_file(&mut self, arguments: &[String]) -> Result<FileRef, i32> {
        let [path] = arguments else {
            return Err(self.fail(status::BAD_ARGUMENT, "one file is expected"));
        };
        // GRUB says nothing about a file that is not there, and goes on.
        self.files.resolve(path, self.root()).map_err(|reason| {
            self.problem(&reason);
            status::DONE
        })
    }

    pub(crate) fn source(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        match self.named_file(arguments) {
            Ok(file) => {
                self.run_file(&file)?;
                Ok(status::DONE)
            }
            Err(status) => Ok(status),
        }
    }

    /// Another file with a context and a menu of its own; with an entry in it, the menu is shown.
    pub(crate) fn config_file(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let file = match self.named_file(arguments) {
            Ok(file) => file,
            Err(status) => return Ok(status),
        };
        if self.entry.is_some() {
            match self.files.existing(&file.to_string(), "") {
                Ok(file) => self.loaded.chain = Some(Chain::Configuration(file)),
                Err(reason) => self.problem(&reason),
            }
            return Ok(status::DONE);
        }
        self.variables.open();
        let outer = std::mem::take(&mut self.menu);
        self.run_file(&file)?;
        if !self.menu.is_empty() {
            return Err(Stop::Menu);
        }
        self.menu = outer;
        self.variables.close();
        Ok(status::DONE)
    }

    /// Starts again with a file, or with that of the prefix; behind it is the prompt.
    pub(crate) fn normal(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let path = match arguments.first() {
            Some(path) => path.clone(),
            None => format!("{}/grub.cfg", self.variables.text("prefix")),
        };
        let file = match self.named_file(&[path]) {
            Ok(file) => file,
            Err(status) => return Ok(status),
        };
        self.run_file(&file)?;
        if self.menu.is_empty() {
            self.problem("there is no entry, so GRUB waits at its prompt");
            return Err(Stop::Left("normal"));
        }
        Err(Stop::Menu)
    }

    pub(crate) fn menu_entry(
        &mut self,
        arguments: &[String],
        block: Option<&Body>,
        submenu: bool,
    ) -> Result<i32, Stop> {
        let options = match parse(&ENTRY, arguments, Strange::Argument) {
            Ok(options) => options,
            Err(reason) => return Ok(self.fail(status::BAD_ARGUMENT, reason)),
        };
        let content = match (options.value("source"), block) {
            (None, Some(body)) => Content::Block(Rc::clone(&self.file), Rc::clone(body)),
            (Some(text), None) => Content::Text(Rc::clone(&self.file), vec![(self.line, text.to_owned())]),
            _ => return Ok(self.fail(status::BAD_ARGUMENT, "an entry has one block")),
        };
        let Some(title) = options.rest.first() else {
            return Ok(self.fail(status::BAD_ARGUMENT, "an entry has a title"));
        };
        let defined = Defined {
            id: options.value("id").unwrap_or(title).to_owned(),
            title: title.clone(),
            users: users(&options),
            parameters: options.rest,
            content,
            submenu,
            place: self.place(),
        };
        self.define(defined)?;
        Ok(status::DONE)
    }

    /// Adds an entry to the menu.
    pub(crate) fn define(&mut self, defined: Defined) -> Result<(), Stop> {
        self.defined += 1;
        if self.defined > ENTRIES {
            return self.give_up(&format!("there are more than {ENTRIES} entries"));
        }
        self.menu.push(defined);
        Ok(())
    }

    fn environment_file(&mut self, arguments: &[String]) -> Result<(FileRef, EnvironmentBlock, Vec<String>), i32> {
        let options = match parse(&ENVIRONMENT, arguments, Strange::Refused) {
            Ok(options) => options,
            Err(reason) => return Err(self.fail(status::BAD_ARGUMENT, reason)),
        };
        let path = match options.value("file") {
            Some(path) => path.to_owned(),
            None => format!("{}/grubenv", self.variables.text("prefix")),
        };
        let file = self.files.resolve(&path, self.root()).map_err(|reason| self.fail(status::NOT_FOUND, reason))?;
        if let Some(block) = self.blocks.get(&file) {
            return Ok((file, block.clone(), options.rest));
        }
        let bytes = self.files.read(&file).map_err(|reason| self.fail(status::NOT_FOUND, reason))?;
        match EnvironmentBlock::new(bytes) {
            Ok(block) => Ok((file, block, options.rest)),
            Err(error) => Err(self.fail(status::BAD_FILE, format!("{file} is no environment block: {error}"))),
        }
    }

    pub(crate) fn load_environment(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let (file, block, wanted) = match self.environment_file(arguments) {
            Ok(found) => found,
            Err(status) => return Ok(status),
        };
        self.charge(block.bytes().len() as u64)?;
        if self.entry.is_none() && !self.report.files.contains(&file) {
            self.report.file(file);
        }
        for (name, value) in block.variables() {
            if wanted.is_empty() || wanted.contains(&name) {
                self.set(&name, &value)?;
            }
        }
        Ok(status::DONE)
    }

    /// Changes the block in memory. An entry that is only looked at changes nothing.
    pub(crate) fn save_environment(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let (file, mut block, names) = match self.environment_file(arguments) {
            Ok(found) => found,
            Err(status) => return Ok(status),
        };
        self.charge(block.bytes().len() as u64)?;
        if names.is_empty() {
            return Ok(self.fail(status::BAD_ARGUMENT, "no variable is named"));
        }
        for name in &names {
            match self.variables.get(name).map(str::to_owned) {
                None => block.unset(name),
                Some(value) => {
                    if let Err(error) = block.set(name, &value) {
                        return Ok(self.fail(status::BAD_ARGUMENT, format!("{file}: {error}")));
                    }
                }
            }
        }
        if self.entry.is_none() {
            self.blocks.insert(file, block);
        }
        Ok(status::DONE)
    }
}

/// Who may choose an entry, once there is a superuser: nobody else, unless the entry says otherwise.
fn users(options: &Options) -> Option<String> {
    match options.value("users") {
        Some(users) => Some(users.to_owned()),
        None if options.has("unrestricted") => None,
        None => Some(String::new()),
    }
}
