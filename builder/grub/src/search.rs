//! `search`: which device has a file system, a label or a file (GRUB, `grub-core/commands/search.c`).

use crate::evaluator::{Evaluator, Stop, status};
use crate::limits::LOOK_WORK;
use crate::options::{Spec, Strange, Takes, parse};
use crate::{Device, Kind};

const OPTIONS: [Spec; 14] = [
    ("file", Some('f'), Takes::Nothing),
    ("label", Some('l'), Takes::Nothing),
    ("fs-uuid", Some('u'), Takes::Nothing),
    ("set", Some('s'), Takes::Optional),
    ("no-floppy", Some('n'), Takes::Nothing),
    ("efidisk-only", None, Takes::Nothing),
    ("cryptodisk-only", None, Takes::Nothing),
    ("root-dev-only", Some('r'), Takes::Nothing),
    ("hint", Some('h'), Takes::Value),
    ("hint-ieee1275", None, Takes::Value),
    ("hint-bios", None, Takes::Value),
    ("hint-baremetal", None, Takes::Value),
    ("hint-efi", None, Takes::Value),
    ("hint-arc", None, Takes::Value),
];

/// What is looked for.
#[derive(Clone, Copy)]
enum Wanted {
    Uuid,
    Label,
    File,
}

impl Evaluator<'_> {
    pub(crate) fn search(&mut self, arguments: &[String]) -> Result<i32, Stop> {
        let options = match parse(&OPTIONS, arguments, Strange::Argument) {
            Ok(options) => options,
            Err(reason) => return Ok(self.fail(status::BAD_ARGUMENT, reason)),
        };
        let wanted = if options.has("label") {
            Wanted::Label
        } else if options.has("fs-uuid") {
            Wanted::Uuid
        } else if options.has("file") {
            Wanted::File
        } else {
            return Ok(self.fail(status::BAD_COMMAND, "it is not said what is searched for"));
        };
        let mut variable = options.has("set").then(|| options.value("set").unwrap_or("root"));
        // Hints for platforms that this GRUB does not know are not the name.
        let key = match options.rest.iter().find(|argument| !argument.starts_with("--hint-")) {
            Some(key) => key.as_str(),
            None => match options.value("set") {
                // `--set` took the name that was meant for the device.
                Some(key) => {
                    variable = Some("root");
                    key
                }
                None => return Ok(self.fail(status::BAD_ARGUMENT, "a name is expected")),
            },
        };
        let hints: Vec<&str> =
            ["hint", "hint-efi", "hint-baremetal"].into_iter().flat_map(|name| options.values(name)).collect();
        self.find(wanted, key, variable, &hints)
    }

    /// `search.fs_uuid KEY VARIABLE [HINT...]` and its like.
    pub(crate) fn search_short(&mut self, name: &str, arguments: &[String]) -> Result<i32, Stop> {
        let wanted = match name {
            "search.fs_uuid" => Wanted::Uuid,
            "search.fs_label" => Wanted::Label,
            _ => Wanted::File,
        };
        let Some(key) = arguments.first() else {
            return Ok(self.fail(status::BAD_ARGUMENT, "a name is expected"));
        };
        let variable = arguments.get(1).map(String::as_str);
        let hints: Vec<&str> = arguments.iter().skip(2).map(String::as_str).collect();
        self.find(wanted, key, variable, &hints)
    }

    fn find(&mut self, wanted: Wanted, key: &str, variable: Option<&str>, hints: &[&str]) -> Result<i32, Stop> {
        self.charge(LOOK_WORK * self.files.devices().len() as u64)?;
        let has = |device: &&Device| match wanted {
            Wanted::Uuid => device.uuid.as_deref().is_some_and(|uuid| uuid.eq_ignore_ascii_case(key)),
            Wanted::Label => device.label.as_deref() == Some(key),
            Wanted::File => {
                let path = format!("({}){key}", device.name);
                key.starts_with('/') && matches!(self.files.test(&path, ""), Some(Kind::File(_)))
            }
        };
        let found: Vec<&Device> = self.files.devices().iter().filter(has).collect();
        let hinted = hints.iter().find_map(|hint| {
            let device = self.files.device(hint.trim_end_matches(',')).ok();
            let exact = found.iter().find(|one| device.is_some_and(|device| device.id == one.id));
            // A hint that ends in a comma means the partitions, too.
            exact.or_else(|| found.iter().find(|one| hint.ends_with(',') && one.name.starts_with(hint)))
        });
        let names: Vec<&str> = found.iter().map(|device| device.name.as_str()).collect();
        let Some(chosen) = hinted.or_else(|| found.first()) else {
            let reason = match wanted {
                Wanted::Uuid => "no file system has it",
                Wanted::Label => "no file system has this label",
                Wanted::File => "no file system has this file",
            };
            return Ok(self.fail(status::NOT_FOUND, reason));
        };
        let chosen = chosen.name.clone();
        if names.len() > 1 {
            let text = format!("{} have it, {chosen} is taken", names.join(" and "));
            self.note(&text);
        }
        if let Some(variable) = variable {
            self.set(variable, &chosen)?;
        }
        Ok(status::DONE)
    }
}
