//! Which commands there are.

use crate::evaluator::{Evaluator, Stop, status};
use crate::limits::LOOK_WORK;
use crate::number::unsigned;
use crate::options::{Spec, Strange, Takes, parse};
use crate::pattern::Pattern;
use crate::syntax::Body;
use crate::{Chain, expression};

const REGEXP: [Spec; 1] = [("set", Some('s'), Takes::Value)];

const PROBE: [Spec; 8] = [
    ("set", Some('s'), Takes::Value),
    ("driver", Some('d'), Takes::Nothing),
    ("partmap", Some('p'), Takes::Nothing),
    ("fs", Some('f'), Takes::Nothing),
    ("fs-uuid", Some('u'), Takes::Nothing),
    ("label", Some('l'), Takes::Nothing),
    ("part-uuid", None, Takes::Nothing),
    ("hint-str", None, Takes::Nothing),
];

impl Evaluator<'_> {
    /// The commands that make a menu or lead to it; a function of the same name is never called. `None` where it is not
    /// one of them.
    pub(crate) fn command(
        &mut self,
        name: &str,
        arguments: &[String],
        block: Option<&Body>,
    ) -> Result<Option<i32>, Stop> {
        Ok(Some(match name {
            "true" => status::DONE,
            "false" => status::FALSE,
            "test" | "[" => self.test(arguments)?,
            "set" => self.set_command(arguments)?,
            "unset" => {
                arguments.iter().for_each(|name| self.variables.unset(name));
                status::DONE
            }
            "export" => self.export(arguments)?,
            "echo" => self.echo(arguments),
            "break" | "continue" => self.leave_loop(name, arguments),
            "return" => self.leave_function(arguments),
            "shift" => self.shift(arguments),
            "setparams" => self.set_parameters(arguments),
            "eval" => self.eval(arguments)?,
            "regexp" => self.regexp(arguments)?,
            "probe" => self.probe(arguments)?,
            "search" => self.search(arguments)?,
            "search.fs_uuid" | "search.fs_label" | "search.file" => self.search_short(name, arguments)?,
            "load_env" => self.load_environment(arguments)?,
            "save_env" => self.save_environment(arguments)?,
            "source" | "." => self.source(arguments)?,
            "configfile" => self.config_file(arguments)?,
            "normal" => self.normal(arguments)?,
            "menuentry" => self.menu_entry(arguments, block, false)?,
            "submenu" => self.menu_entry(arguments, block, true)?,
            "blscfg" if self.has_blscfg => self.blscfg(arguments)?,
            "linux" | "linuxefi" | "linux16" => self.linux(arguments),
            "initrd" | "initrdefi" | "initrd16" => self.initrd(arguments),
            "devicetree" if !self.is_pc => self.devicetree(arguments),
            "chainloader" => self.chainloader(arguments),
            "multiboot" | "multiboot2" | "xen_hypervisor" => self.load_other(arguments, Chain::Multiboot),
            "boot" => self.boot()?,
            "fwsetup" => self.firmware_setup(arguments)?,
            "exit" => self.leave("exit")?,
            "halt" => self.leave("halt")?,
            "reboot" => self.leave("reboot")?,
            "insmod" | "rmmod" => status::DONE,
            _ => return Ok(None),
        }))
    }

    /// Commands without a part in what is started, or that not every GRUB has: a function of the same name is called
    /// instead.
    pub(crate) fn ignored_command(&mut self, name: &str, arguments: &[String]) -> Result<Option<i32>, Stop> {
        Ok(Some(match name {
            "background_color" | "background_image" | "clear" | "cls" | "crc" | "date" | "gettext" | "gfxmode"
            | "help" | "list_env" | "list_trusted" | "ls" | "lsmod" | "lsefi" | "password" | "password_pbkdf2"
            | "play" | "read" | "serial" | "sleep" | "terminal_input" | "terminal_output" | "terminfo" | "tpm"
            | "trust" | "distrust" | "videoinfo" | "videomode" | "export_env" | "module" | "module2" | "xen_module"
            | "authenticate" | "hdparm" | "lspci" | "nativedisk" | "net_add_addr" | "net_bootp" | "rdmsr"
            | "load_video" | "gfxpayload" | "drivemap" | "parttool" | "version" | "xen_initrd" | "mmx" => status::DONE,
            "loadfont" => self.load_font(arguments),
            // No key is held, and nothing of this machine's hardware is known.
            "keystatus" | "cmostest" | "hwmatch" => status::FALSE,
            "cpuid" | "rdrand" => status::DONE,
            "smbios" => {
                self.note("what the firmware says is not known here");
                status::FALSE
            }
            "increment" => self.count(arguments, 1)?,
            "decrement" => self.count(arguments, -1)?,
            "cryptomount" | "loopback" => self.fail(status::BAD_ARGUMENT, "that cannot be followed"),
            _ => return Ok(None),
        }))
    }

    fn test(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let mut looks = 0;
        let holds = expression::holds(arguments, &mut |path| {
            looks += 1;
            self.files.test(path, self.root())
        });
        self.charge(LOOK_WORK * looks)?;
        Ok(if holds { status::DONE } else { status::FALSE })
    }

    fn set_command(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let Some(first) = arguments.first() else { return Ok(status::DONE) };
        let Some((name, value)) = first.split_once('=') else {
            return Ok(self.fail(status::BAD_ARGUMENT, "that is not an assignment"));
        };
        self.set(name, value)?;
        Ok(status::DONE)
    }

    /// Contexts show all variables anyhow, so only the existence counts.
    fn export(&mut self, names: &[String]) -> Result<i32, Stop> {
        for name in names {
            if self.variables.get(name).is_none() {
                self.set(name, "")?;
            }
        }
        Ok(if names.is_empty() { status::BAD_ARGUMENT } else { status::DONE })
    }

    fn echo(&mut self, arguments: &[String]) -> i32 {
        let (words, goes_on) = match arguments {
            [first, rest @ ..] if matches!(first.as_str(), "-n" | "-e" | "-ne" | "-en") => (rest, first.contains('n')),
            all => (all, false),
        };
        if self.entry.is_none() {
            self.report.say(&words.join(" "), goes_on);
        }
        status::DONE
    }

    fn leave_loop(&mut self, name: &str, arguments: &[String]) -> i32 {
        let count = match arguments {
            [] => 1,
            [count] => {
                let number = unsigned(count);
                if !number.valid || !number.rest.is_empty() || number.value == 0 {
                    return status::BAD_ARGUMENT;
                }
                number.value
            }
            _ => return status::BAD_ARGUMENT,
        };
        self.flow.continuing = name == "continue";
        self.flow.breaks = count.min(self.flow.loops);
        status::DONE
    }

    fn leave_function(&mut self, arguments: &[String]) -> i32 {
        if self.parameters.is_none() || arguments.len() > 1 {
            return self.fail(status::BAD_ARGUMENT, "that is not inside of a function");
        }
        let number = match arguments.first() {
            Some(argument) => unsigned(argument),
            None => {
                self.flow.returning = true;
                return self.last_status();
            }
        };
        if !number.valid || !number.rest.is_empty() {
            return status::BAD_NUMBER;
        }
        self.flow.returning = true;
        i32::try_from(number.value).unwrap_or(i32::MAX)
    }

    fn shift(&mut self, arguments: &[String]) -> i32 {
        let Some(parameters) = &mut self.parameters else { return status::DONE };
        let number = arguments.first().map_or(1, |argument| unsigned(argument).value);
        match usize::try_from(number) {
            Ok(number) if number <= parameters.len() && arguments.len() < 2 => {
                parameters.drain(..number);
                status::DONE
            }
            _ => status::BAD_ARGUMENT,
        }
    }

    fn set_parameters(&mut self, arguments: &[String]) -> i32 {
        match &mut self.parameters {
            Some(parameters) => {
                *parameters = arguments.to_vec();
                status::DONE
            }
            None => status::BAD_ARGUMENT,
        }
    }

    fn eval(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let text = arguments.join(" ");
        let (file, line) = (std::rc::Rc::clone(&self.file), self.line);
        self.run_lines(&file, &mut crate::lines::Lines::of_line(&text, line))
    }

    fn regexp(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let options = match parse(&REGEXP, arguments, Strange::Refused) {
            Ok(options) => options,
            Err(reason) => return Ok(self.fail(status::BAD_ARGUMENT, reason)),
        };
        let [pattern, text] = options.rest.as_slice() else {
            return Ok(self.fail(status::BAD_ARGUMENT, "a pattern and a text are expected"));
        };
        let pattern = match Pattern::new(pattern) {
            Ok(pattern) => pattern,
            Err(reason) => return Ok(self.fail(status::FALSE, reason)),
        };
        self.charge(pattern.work(text))?;
        let Some(groups) = pattern.find(text) else { return Ok(status::FALSE) };
        for target in options.values("set") {
            let (number, name) = match target.split_once(':') {
                None => (1, target),
                Some((number, name)) => match number.parse::<usize>() {
                    Ok(number) => (number, name),
                    Err(_) => return Ok(self.fail(status::BAD_ARGUMENT, "`--set` takes NUMBER:NAME")),
                },
            };
            match groups.get(number).copied().flatten() {
                Some((start, end)) => self.set(name, &text[start..end])?,
                None => self.variables.unset(name),
            }
        }
        Ok(status::DONE)
    }

    fn probe(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let options = match parse(&PROBE, arguments, Strange::Refused) {
            Ok(options) => options,
            Err(reason) => return Ok(self.fail(status::BAD_ARGUMENT, reason)),
        };
        let Some(name) = options.rest.first() else {
            return Ok(self.fail(status::BAD_ARGUMENT, "no device is named"));
        };
        let name = name.strip_prefix('(').map_or(name.as_str(), |inner| inner.strip_suffix(')').unwrap_or(inner));
        let device = match self.files.device(name) {
            Ok(device) => device,
            Err(reason) => return Ok(self.fail(status::NOT_FOUND, reason)),
        };
        let value = if options.has("fs-uuid") {
            &device.uuid
        } else if options.has("label") {
            &device.label
        } else if options.has("part-uuid") {
            &device.partition_uuid
        } else if options.has("fs") {
            &device.file_system
        } else {
            return Ok(self.fail(status::BAD_ARGUMENT, "that is not known of a device"));
        };
        let Some(value) = value.clone() else {
            return Ok(self.fail(status::NOT_FOUND, format!("{name} has none")));
        };
        if let Some(variable) = options.value("set") {
            self.set(variable, &value)?;
        }
        Ok(status::DONE)
    }

    fn boot(&mut self) -> Result<i32, Stop> {
        if self.loaded.is_something() {
            return Err(Stop::Boot);
        }
        Ok(self.fail(status::BAD_ARGUMENT, "nothing is loaded"))
    }

    fn firmware_setup(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        // Most firmware has one, so most menus get the entry.
        if arguments.iter().any(|argument| argument == "--is-supported") {
            return Ok(status::DONE);
        }
        self.leave("fwsetup")
    }

    /// Leaves GRUB; an entry may be there for just that.
    fn leave(&mut self, command: &'static str) -> Result<i32, Stop> {
        if self.entry.is_some() {
            self.loaded.chain = Some(Chain::Firmware(command.to_owned()));
            return Err(Stop::Boot);
        }
        self.problem("that leaves the boot loader without a menu");
        Err(Stop::Left(command))
    }

    fn load_font(&self, arguments: &[String]) -> i32 {
        let found = arguments.first().is_some_and(|font| {
            let path = if font.starts_with(['/', '(']) {
                font.clone()
            } else {
                format!("{}/fonts/{font}.pf2", self.variables.text("prefix"))
            };
            self.files.existing(&path, self.root()).is_ok()
        });
        if found { status::DONE } else { status::FALSE }
    }

    fn count(&mut self, arguments: &[String], by: i64) -> Result<i32, Stop> {
        let [name] = arguments else {
            return Ok(self.fail(status::BAD_ARGUMENT, "one variable is expected"));
        };
        let Some(value) = self.variables.get(name) else {
            return Ok(self.fail(status::NOT_FOUND, "there is no such variable"));
        };
        let (sign, digits) = value.strip_prefix('-').map_or((1, value), |digits| (-1, digits));
        let number = unsigned(digits);
        let counted = i64::try_from(number.value).ok().and_then(|value| (value * sign).checked_add(by));
        match counted.filter(|_| number.valid) {
            Some(counted) => {
                self.set(name, &counted.to_string())?;
                Ok(status::DONE)
            }
            None => Ok(self.fail(status::BAD_NUMBER, "its value is not a number")),
        }
    }
}
