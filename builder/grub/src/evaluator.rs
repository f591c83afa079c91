//! Runs a script's commands as far as they lead to a menu (GRUB, `grub-core/script/execute.c`).

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::bls::BootEntryFile;
use crate::environment::EnvironmentBlock;
use crate::expand::{Arguments, HexEscapes, Values, expand_word, unescape};
use crate::files::{Files, Rooted};
use crate::limits::{COMMAND_WORK, DEPTH, SHOWN_CHARACTERS, VALUE_BYTES, WORK};
use crate::lines::Lines;
use crate::load::Loaded;
use crate::parser::next_unit;
use crate::report::{Report, keep};
use crate::syntax::{Action, Body, Command, Word};
use crate::variables::Variables;
use crate::{FileRef, Place, Remark, wildcard};

/// What a command answers: GRUB's numbers (`include/grub/err.h`), of which scripts see whether it is 0.
pub(crate) mod status {
    pub(crate) const DONE: i32 = 0;
    pub(crate) const FALSE: i32 = 1;
    pub(crate) const BAD_FILE: i32 = 4;
    pub(crate) const NOT_FOUND: i32 = 5;
    pub(crate) const BAD_NUMBER: i32 = 10;
    pub(crate) const BAD_COMMAND: i32 = 17;
    pub(crate) const BAD_ARGUMENT: i32 = 18;
}

/// Why the rest of a configuration is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It does too much.
    GaveUp,
    /// A menu is shown.
    Menu,
    /// What is loaded is started.
    Boot,
    /// GRUB is left by this command, or waits at its prompt.
    Left(&'static str),
}

/// An entry of a menu before it is chosen.
#[derive(Clone, Debug)]
pub(crate) struct Defined {
    pub(crate) id: String,
    pub(crate) title: String,
    /// `$1` is the title.
    pub(crate) parameters: Vec<String>,
    /// `None` for anybody.
    pub(crate) users: Option<String>,
    pub(crate) content: Content,
    pub(crate) submenu: bool,
    pub(crate) place: Place,
}

/// What an entry runs.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A block in a file.
    Block(Rc<str>, Body),
    /// Text that was put together from lines of a file.
    Text(Rc<str>, Vec<(usize, String)>),
}

#[derive(Clone, Debug)]
struct Function {
    file: Rc<str>,
    body: Body,
}

/// Where loops and functions stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) loops: u64,
    pub(crate) breaks: u64,
    pub(crate) continuing: bool,
    pub(crate) returning: bool,
}

pub(crate) struct Evaluator<'m> {
    pub(crate) files: Files<'m>,
    pub(crate) variables: Variables,
    functions: BTreeMap<String, Function>,
    pub(crate) parameters: Option<Vec<String>>,
    pub(crate) flow: Flow,
    status: i32,
    work: u64,
    depth: usize,
    /// The file and line that are run, and the command for remarks.
    pub(crate) file: Rc<str>,
    pub(crate) line: usize,
    current: String,
    /// Greater than zero while it is asked whether something works.
    conditional: usize,
    pub(crate) menu: Vec<Defined>,
    /// Entries of all menus so far.
    pub(crate) defined: usize,
    pub(crate) loaded: Loaded,
    /// Problems of the entry that is run.
    pub(crate) entry: Option<Vec<Remark>>,
    pub(crate) report: Report,
    /// Environment blocks that were changed.
    pub(crate) blocks: BTreeMap<FileRef, EnvironmentBlock>,
    pub(crate) hex_escapes: HexEscapes,
    pub(crate) boot_entries: Vec<BootEntryFile>,
    /// Whether this GRUB has the command `blscfg`.
    pub(crate) has_blscfg: bool,
    /// Whether it is for a PC, which has no device trees.
    pub(crate) is_pc: bool,
}

impl Values for Evaluator<'_> {
    fn value(&self, name: &str) -> Option<String> {
        if name == "?" {
            return Some(self.status.to_string());
        }
        self.variables.get(name).map(str::to_owned)
    }

    fn parameters(&self) -> Option<&[String]> {
        self.parameters.as_deref()
    }
}

impl<'m> Evaluator<'m> {
    pub(crate) fn new(files: Files<'m>) -> Self {
        Self {
            files,
            variables: Variables::new(),
            functions: BTreeMap::new(),
            parameters: None,
            flow: Flow::default(),
            status: status::DONE,
            work: 0,
            depth: 0,
            file: Rc::from(""),
            line: 0,
            current: String::new(),
            conditional: 0,
            menu: Vec::new(),
            defined: 0,
            loaded: Loaded::default(),
            entry: None,
            report: Report::default(),
            blocks: BTreeMap::new(),
            hex_escapes: HexEscapes::Unescaped,
            boot_entries: Vec::new(),
            has_blscfg: false,
            is_pc: true,
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place { file: self.file.to_string(), line: self.line }
    }

    /// Something that is not wrong, about the command that is run.
    pub(crate) fn note(&mut self, text: &str) {
        let (place, text) = (self.place(), format!("{}: {text}", self.current));
        self.report.note(place, text);
    }

    /// Something wrong. Where a script asks whether something works, it is none.
    pub(crate) fn problem(&mut self, text: &str) {
        let remark = Remark { place: self.place(), text: format!("{}: {text}", self.current) };
        let list = if self.conditional > 0 {
            &mut self.report.notes
        } else {
            self.entry.as_mut().unwrap_or(&mut self.report.problems)
        };
        keep(list, remark);
    }

    /// A problem, and the status that the command has then.
    pub(crate) fn fail(&mut self, status: i32, reason: impl AsRef<str>) -> i32 {
        self.problem(reason.as_ref());
        status
    }

    /// What the command before answered.
    pub(crate) fn last_status(&self) -> i32 {
        self.status
    }

    /// Counts work.
    pub(crate) fn charge(&mut self, units: u64) -> Result<(), Stop> {
        self.work = self.work.saturating_add(units);
        if self.work > WORK { self.give_up("this configuration does not come to an end") } else { Ok(()) }
    }

    pub(crate) fn give_up(&mut self, reason: &str) -> Result<(), Stop> {
        // Also where a script asks whether it works.
        self.conditional = 0;
        self.problem(&format!("given up, as {reason}"));
        Err(Stop::GaveUp)
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), Stop> {
        self.charge(value.len() as u64)?;
        if value.len() > VALUE_BYTES {
            return self.give_up(&format!("`{name}` gets {} bytes, more than {VALUE_BYTES}", value.len()));
        }
        self.variables.set(name, value);
        Ok(())
    }

    pub(crate) fn root(&self) -> &str {
        self.variables.text("root")
    }

    /// Runs a text: each command is read when those before it have been run.
    pub(crate) fn run_lines(&mut self, file: &Rc<str>, lines: &mut Lines<'_>) -> Result<i32, Stop> {
        let (outer_file, outer_line) = (Rc::clone(&self.file), self.line);
        let mut status = status::DONE;
        while let Some(unit) = next_unit(lines) {
            self.file = Rc::clone(file);
            match unit {
                Ok(commands) => {
                    for command in &commands {
                        if let Action::Function { name, body } = &command.action {
                            let function = Function { file: Rc::clone(file), body: Rc::clone(body) };
                            self.functions.insert(name.clone(), function);
                        }
                    }
                    status = self.run(&commands)?;
                }
                Err(error) => {
                    self.line = error.line;
                    "syntax error".clone_into(&mut self.current);
                    status = self.fail(status::BAD_ARGUMENT, &error.reason);
                }
            }
            self.charge(COMMAND_WORK)?;
            if self.flow.returning {
                break;
            }
        }
        (self.file, self.line) = (outer_file, outer_line);
        Ok(status)
    }

    /// Runs commands one after the other.
    pub(crate) fn run(&mut self, commands: &[Command]) -> Result<i32, Stop> {
        if self.depth >= DEPTH {
            self.give_up(&format!("more than {DEPTH} blocks, functions and files are inside each other"))?;
        }
        self.depth += 1;
        let mut status = status::DONE;
        for command in commands {
            if self.flow.breaks > 0 {
                break;
            }
            self.line = command.line;
            status = match &command.action {
                // Functions are made when they are read.
                Action::Function { .. } => continue,
                Action::Simple { words, block } => self.simple(words, block.as_ref())?,
                Action::If { branches, otherwise } => self.branch(branches, otherwise.as_ref())?,
                Action::For { name, words, body } => self.iterate(name, words, body)?,
                Action::While { until, condition, body } => self.repeat(*until, condition, body)?,
            };
            self.status = status;
            if self.flow.returning {
                break;
            }
        }
        self.depth -= 1;
        Ok(status)
    }

    fn branch(&mut self, branches: &[(Body, Body)], otherwise: Option<&Body>) -> Result<i32, Stop> {
        for (condition, body) in branches {
            let status = self.ask(condition)?;
            if self.flow.returning {
                return Ok(status);
            }
            if self.status == status::DONE {
                return self.run(body);
            }
        }
        otherwise.map_or(Ok(status::DONE), |body| self.run(body))
    }

    /// Runs a condition, in which nothing that fails is a problem.
    fn ask(&mut self, condition: &Body) -> Result<i32, Stop> {
        self.conditional += 1;
        let status = self.run(condition);
        self.conditional = self.conditional.saturating_sub(1);
        status
    }

    fn iterate(&mut self, name: &str, words: &[Word], body: &Body) -> Result<i32, Stop> {
        let values = self.arguments(words)?;
        self.flow.loops += 1;
        let mut status = status::DONE;
        for value in values {
            if self.flow.continuing && self.flow.breaks == 1 {
                self.flow.breaks = 0;
            }
            if self.flow.breaks > 0 {
                break;
            }
            self.charge(COMMAND_WORK)?;
            self.set(name, &value)?;
            status = self.run(body)?;
            if self.flow.returning {
                break;
            }
        }
        self.flow.breaks = self.flow.breaks.saturating_sub(1);
        self.flow.loops -= 1;
        Ok(status)
    }

    fn repeat(&mut self, until: bool, condition: &Body, body: &Body) -> Result<i32, Stop> {
        self.flow.loops += 1;
        let mut status;
        loop {
            self.charge(COMMAND_WORK)?;
            status = self.ask(condition)?;
            if self.flow.returning || (status == status::DONE) == until {
                break;
            }
            status = self.run(body)?;
            if self.flow.returning {
                break;
            }
            if self.flow.breaks == 1 && self.flow.continuing {
                self.flow.breaks = 0;
            }
            if self.flow.breaks > 0 {
                break;
            }
        }
        self.flow.breaks = self.flow.breaks.saturating_sub(1);
        self.flow.loops -= 1;
        Ok(status)
    }

    /// The arguments that words stand for.
    fn arguments(&mut self, words: &[Word]) -> Result<Vec<String>, Stop> {
        self.charge(COMMAND_WORK)?;
        let mut arguments = Arguments::default();
        for word in words {
            expand_word(word, &*self, &mut arguments);
        }
        let mut expanded = Vec::new();
        for argument in arguments.finish() {
            self.charge(1 + argument.len() as u64)?;
            let most = WORK.saturating_sub(self.work);
            let mut names = Rooted { files: &self.files, root: self.root(), work: 0, most };
            let found = wildcard::expand(&argument, &mut names);
            let work = names.work;
            match found {
                Some(found) => expanded.extend(found),
                None => expanded.push(unescape(&argument, self.hex_escapes)),
            }
            self.charge(work)?;
        }
        Ok(expanded)
    }

    fn simple(&mut self, words: &[Word], block: Option<&Body>) -> Result<i32, Stop> {
        let line = self.line;
        let mut arguments = self.arguments(words)?;
        let invert = arguments.first().is_some_and(|first| first == "!");
        if invert {
            arguments.remove(0);
        }
        let Some((name, rest)) = arguments.split_first() else {
            return Ok(if invert { status::BAD_ARGUMENT } else { status::DONE });
        };
        self.line = line;
        self.current = shown(&arguments);
        self.conditional += usize::from(invert);
        let status = self.dispatch(name, rest, block);
        self.conditional = self.conditional.saturating_sub(usize::from(invert));
        Ok(match status? {
            // What is not known counts as done.
            None => status::DONE,
            Some(status) if invert => i32::from(status == status::DONE),
            Some(status) => status,
        })
    }

    fn dispatch(&mut self, name: &str, rest: &[String], block: Option<&Body>) -> Result<Option<i32>, Stop> {
        if let Some(status) = self.command(name, rest, block)? {
            return Ok(Some(status));
        }
        if let Some(function) = self.functions.get(name).cloned() {
            return self.call(&function, rest).map(Some);
        }
        if let Some(status) = self.ignored_command(name, rest)? {
            return Ok(Some(status));
        }
        if let Some((variable, value)) = name.split_once('=') {
            if !variable.starts_with(|first: char| first.is_ascii_digit() || "#*@".contains(first)) {
                self.set(variable, value)?;
            }
            return Ok(None);
        }
        let place = self.place();
        self.report.unknown(place, &name.chars().take(SHOWN_CHARACTERS).collect::<String>());
        Ok(None)
    }

    fn call(&mut self, function: &Function, arguments: &[String]) -> Result<i32, Stop> {
        let outer_parameters = self.parameters.replace(arguments.to_vec());
        let outer_loops = std::mem::take(&mut self.flow.loops);
        let outer_file = std::mem::replace(&mut self.file, Rc::clone(&function.file));
        let status = self.run(&function.body)?;
        self.file = outer_file;
        self.flow.loops = outer_loops;
        self.flow.returning = false;
        self.parameters = outer_parameters;
        Ok(status)
    }

    /// Runs what an entry holds, from a fresh start.
    pub(crate) fn run_content(&mut self, defined: &Defined) -> Result<i32, Stop> {
        self.flow = Flow::default();
        (self.depth, self.conditional) = (0, 0);
        self.parameters = Some(defined.parameters.clone());
        match &defined.content {
            Content::Block(file, body) => {
                self.file = Rc::clone(file);
                self.run(body)
            }
            Content::Text(file, chunks) => {
                let mut status = status::DONE;
                for (number, text) in chunks {
                    status = self.run_lines(file, &mut Lines::of_line(text, *number))?;
                }
                Ok(status)
            }
        }
    }
}

/// A command for a remark, of bearable length.
fn shown(arguments: &[String]) -> String {
    let mut shown = String::new();
    for argument in arguments {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(argument);
        if let Some((cut, _)) = shown.char_indices().nth(SHOWN_CHARACTERS) {
            shown.truncate(cut);
            shown.push('…');
            break;
        }
    }
    shown
}
