//! From the place where the firmware starts GRUB to the menu.

use std::rc::Rc;

use crate::evaluator::{Evaluator, Stop};
use crate::files::Files;
use crate::limits::VALUE_BYTES;
use crate::lines::{HashLines, Lines, clean};
use crate::{DeviceId, FileRef, Machine, Menu};

/// What GRUB can do since some version; all have been there for ten years.
const FEATURES: [&str; 9] = [
    "feature_200_final",
    "feature_all_video_module",
    "feature_chainloader_bpb",
    "feature_default_font_path",
    "feature_menuentry_id",
    "feature_menuentry_options",
    "feature_nativedisk_cmd",
    "feature_ntldr",
    "feature_platform_search_hint",
];

/// A GRUB for UEFI, and where it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrubStart {
    /// The device that the program was loaded from: the ESP.
    pub device: DeviceId,
    /// The folder that the program is in: `/EFI/BOOT`.
    pub folder: String,
    /// The folder that was built into the program: `/EFI/debian`. It is on the same device.
    pub prefix: String,
    /// The processor as GRUB names it: `x86_64`, `arm64`.
    pub processor: String,
    /// Whether the program has the command `blscfg`.
    pub blscfg: bool,
    /// Configuration that was built into the program, which it runs first.
    pub embedded: Option<String>,
    /// Folders in which `grub.cfg` is looked for, in this order. Red Hat's GRUB looks beside the program before it
    /// looks at the prefix, Debian's behind it.
    pub looks_in: Vec<String>,
}

impl GrubStart {
    /// A GRUB in `/EFI/BOOT` that looks there, and before that at its prefix.
    #[must_use]
    pub fn new(device: DeviceId, prefix: &str, blscfg: bool) -> Self {
        let folder = "/EFI/BOOT".to_owned();
        Self {
            device,
            prefix: prefix.to_owned(),
            processor: "x86_64".to_owned(),
            blscfg,
            embedded: None,
            looks_in: vec![prefix.to_owned(), folder.clone()],
            folder,
        }
    }
}

/// Why there is nothing to follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// The device is none of the machine's.
    #[error("the machine has no device {}", .0.0)]
    NoDevice(DeviceId),
    /// There is no configuration.
    #[error("GRUB finds no configuration: there is no {}", list(.0))]
    NoConfiguration(Vec<FileRef>),
    /// What is built in is longer than anybody's.
    #[error("the configuration in the program has {0} bytes, more than {VALUE_BYTES}")]
    Embedded(usize),
}

fn list(files: &[FileRef]) -> String {
    let names: Vec<String> = files.iter().map(ToString::to_string).collect();
    names.join(" and no ")
}

/// Follows GRUB's configuration, and returns the menu that it would show.
///
/// Nothing that goes wrong on the way is an error here: it is in [`Menu::problems`], or in the entry's own.
///
/// # Errors
/// [`FollowError`]: there is no configuration at all.
pub fn follow_grub(machine: &dyn Machine, start: &GrubStart) -> Result<Menu, FollowError> {
    let files = Files::new(machine);
    let Some(device) = files.devices().iter().find(|device| device.id == start.device) else {
        return Err(FollowError::NoDevice(start.device));
    };
    let name = device.name.clone();
    let mut looked = Vec::new();
    let mut configuration = None;
    for folder in &start.looks_in {
        let path = format!("{}/grub.cfg", folder.trim_end_matches('/'));
        let file = FileRef { device: start.device, device_name: name.clone(), path };
        if configuration.is_none() && matches!(files.look(&file), Ok(Some(crate::Kind::File(_)))) {
            configuration = Some(file.clone());
        }
        looked.push(file);
    }
    if configuration.is_none() && start.embedded.is_none() {
        return Err(FollowError::NoConfiguration(looked));
    }

    let mut evaluator = Evaluator::new(files);
    evaluator.has_blscfg = start.blscfg;
    evaluator.is_pc = matches!(start.processor.as_str(), "x86_64" | "i386");
    let variables = &mut evaluator.variables;
    for feature in FEATURES.into_iter().chain(["feature_timeout_style"]) {
        variables.set(feature, "y");
    }
    variables.set("root", &name);
    variables.set("prefix", &format!("({name}){}", start.prefix));
    variables.set("cmdpath", &format!("({name}){}", start.folder));
    variables.set("fw_path", &format!("({name}){}", start.folder));
    variables.set("grub_cpu", &start.processor);
    variables.set("grub_platform", "efi");

    let left = match start.embedded.as_deref() {
        Some(text) if text.len() > VALUE_BYTES => return Err(FollowError::Embedded(text.len())),
        Some(text) => {
            let text = clean(text.as_bytes());
            evaluator.run_lines(&Rc::from("(program)"), &mut Lines::new(&text, HashLines::Dropped)).err()
        }
        None => None,
    };
    let left = match (left, configuration) {
        (Some(stop), _) => Some(stop),
        // A menu that the built-in configuration has made is shown at once.
        (None, Some(file)) if evaluator.menu.is_empty() => run_first(&mut evaluator, &file),
        (None, _) => None,
    };
    Ok(evaluator.finish(left))
}

fn run_first(evaluator: &mut Evaluator<'_>, file: &FileRef) -> Option<Stop> {
    evaluator.run_file(file).err()
}
