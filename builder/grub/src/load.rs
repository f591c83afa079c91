//! Commands that load what is started: kernels, initramfs, other programs.

use crate::evaluator::{Evaluator, status};
use crate::expand::is_hex_escape;
use crate::{Chain, FileRef};

/// What has been loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) kernel: Option<FileRef>,
    pub(crate) arguments: String,
    pub(crate) initrds: Vec<FileRef>,
    pub(crate) devicetree: Option<FileRef>,
    pub(crate) chain: Option<Chain>,
}

impl Loaded {
    pub(crate) fn is_something(&self) -> bool {
        self.kernel.is_some() || self.chain.is_some()
    }
}

impl Evaluator<'_> {
    fn existing(&self, path: &str) -> Result<FileRef, String> {
        self.files.existing(path, self.root())
    }

    /// A failure to load. Outside of entries it hinders nothing: some menus run the lines of boot entries on purpose.
    fn fail_to_load(&mut self, status: i32, reason: &str) -> i32 {
        if self.entry.is_some() {
            return self.fail(status, reason);
        }
        self.note(reason);
        status
    }

    pub(crate) fn linux(&mut self, arguments: &[String]) -> i32 {
        self.loaded = Loaded::default();
        let Some((path, arguments)) = arguments.split_first() else {
            return self.fail_to_load(status::BAD_ARGUMENT, "no file is named");
        };
        match self.existing(path) {
            Ok(kernel) => {
                self.loaded.kernel = Some(kernel);
                self.loaded.arguments = command_line(arguments);
                status::DONE
            }
            Err(reason) => self.fail_to_load(status::NOT_FOUND, &reason),
        }
    }

    pub(crate) fn initrd(&mut self, arguments: &[String]) -> i32 {
        if arguments.is_empty() {
            return self.fail_to_load(status::BAD_ARGUMENT, "no file is named");
        }
        if self.loaded.kernel.is_none() {
            return self.fail_to_load(status::BAD_ARGUMENT, "no kernel is loaded");
        }
        let mut initrds = Vec::new();
        for argument in arguments {
            // `newc:NAME:FILE` puts a file into an archive of its own.
            let path = argument
                .strip_prefix("newc:")
                .and_then(|rest| rest.split_once(':'))
                .map_or(argument.as_str(), |rest| rest.1);
            match self.existing(path) {
                Ok(file) => initrds.push(file),
                Err(reason) => return self.fail_to_load(status::NOT_FOUND, &reason),
            }
        }
        self.loaded.initrds = initrds;
        status::DONE
    }

    pub(crate) fn devicetree(&mut self, arguments: &[String]) -> i32 {
        let Some(path) = arguments.first() else {
            self.loaded.devicetree = None;
            return status::DONE;
        };
        match self.existing(path) {
            Ok(file) => {
                self.loaded.devicetree = Some(file);
                status::DONE
            }
            Err(reason) => self.fail_to_load(status::NOT_FOUND, &reason),
        }
    }

    pub(crate) fn chainloader(&mut self, arguments: &[String]) -> i32 {
        let status = self.load_other(arguments, Chain::Program);
        if status == status::DONE {
            // The options of the program, as they are written (GRUB, `grub-core/loader/efi/chainloader.c`).
            let named = arguments.iter().position(|argument| !argument.starts_with("--"));
            let options = arguments.iter().skip(named.map_or(0, |at| at + 1));
            self.loaded.arguments = options.cloned().collect::<Vec<_>>().join(" ");
        }
        status
    }

    /// Loads what is no Linux kernel.
    pub(crate) fn load_other(&mut self, arguments: &[String], chain: fn(FileRef) -> Chain) -> i32 {
        self.loaded = Loaded::default();
        let Some(path) = arguments.iter().find(|argument| !argument.starts_with("--")) else {
            return self.fail_to_load(status::BAD_ARGUMENT, "no file is named");
        };
        match self.existing(path) {
            Ok(file) => {
                self.loaded.chain = Some(chain(file));
                status::DONE
            }
            Err(reason) => self.fail_to_load(status::NOT_FOUND, &reason),
        }
    }
}

/// The kernel's command line (GRUB, `grub-core/lib/cmdline.c`): quotes and backslashes get a backslash, what has a
/// space gets quotes.
fn command_line(arguments: &[String]) -> String {
    let mut line = String::new();
    for argument in arguments {
        if !line.is_empty() {
            line.push(' ');
        }
        let quote = if argument.contains(' ') { "\"" } else { "" };
        line.push_str(quote);
        for (offset, character) in argument.char_indices() {
            let protected = match character {
                '\\' => !is_hex_escape(&argument[offset + 1..]),
                other => matches!(other, '\'' | '"'),
            };
            if protected {
                line.push('\\');
            }
            line.push(character);
        }
        line.push_str(quote);
    }
    line
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_gets_its_arguments_quoted() {
        let arguments = ["rw", "a=b c", "x\"y'z", "s\\t", "dev-disk\\x2dby"].map(str::to_owned);
        assert_eq!(super::command_line(&arguments), "rw \"a=b c\" x\\\"y\\'z s\\\\t dev-disk\\x2dby");
    }
}
