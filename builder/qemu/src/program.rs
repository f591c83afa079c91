//! Where QEMU is, and who ends it when this process is gone.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access};

use crate::error::QemuError;
use crate::machine::Architecture;

/// RHEL keeps its only emulator here, outside `PATH`.
const EXTRA_PROGRAMS: &[(Architecture, &str)] =
    &[(Architecture::X86_64, "/usr/libexec/qemu-kvm"), (Architecture::Aarch64, "/usr/libexec/qemu-kvm")];

/// util-linux. `canonicalize` tells it from busybox's, which has no `--pdeathsig`.
const SETPRIV: &[&str] = &["/usr/bin/setpriv", "/bin/setpriv"];

/// Finds the emulator on `search_path` (the value of `PATH`).
pub(crate) fn find_emulator(architecture: Architecture, search_path: Option<&OsStr>) -> Result<PathBuf, QemuError> {
    let program = architecture.program();
    find_program(program, search_path).or_else(|mut looked_at| {
        let extra = EXTRA_PROGRAMS.iter().filter(|(known, _)| *known == architecture && known.is_host());
        looked_at.extend(extra.map(|(_, path)| PathBuf::from(path)));
        match looked_at.iter().find(|path| is_program(path)) {
            Some(path) => Ok(path.clone()),
            None => Err(QemuError::ProgramMissing { program: program.to_owned(), looked_at, architecture }),
        }
    })
}

/// Finds any program on `search_path`; else gives every path that was tried.
pub(crate) fn find_program(program: &str, search_path: Option<&OsStr>) -> Result<PathBuf, Vec<PathBuf>> {
    let mut looked_at: Vec<PathBuf> = search_path
        .into_iter()
        .flat_map(std::env::split_paths)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .collect();
    // PATH often names a folder twice; people need to read of it once.
    let mut seen = BTreeSet::new();
    looked_at.retain(|path| seen.insert(path.clone()));
    looked_at.iter().find(|path| is_program(path)).cloned().ok_or(looked_at)
}

/// A command for `program` that ends when the thread that starts it does.
pub(crate) fn guarded(program: &Path) -> Command {
    let mut words = parent_death_guard();
    words.push(program.as_os_str().to_owned());
    // At least the program is in there.
    let (first, arguments) = words.split_first().expect("the program was pushed");
    let mut command = Command::new(first);
    command.args(arguments);
    command
}

/// Words to put before a command so that the kernel kills it when the thread that started it dies. Empty where
/// util-linux's `setpriv` is missing.
///
/// `PR_SET_PDEATHSIG` has to be set in the child between fork and exec, which std only offers as unsafe code.
fn parent_death_guard() -> Vec<OsString> {
    let is_util_linux = |path: &Path| {
        is_program(path) && path.canonicalize().is_ok_and(|real| real.file_name() == Some(OsStr::new("setpriv")))
    };
    match SETPRIV.iter().find(|path| is_util_linux(Path::new(path))) {
        Some(setpriv) => [*setpriv, "--pdeathsig", "KILL", "--"].map(OsString::from).to_vec(),
        None => Vec::new(),
    }
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_emulator_names_every_place_that_was_tried() {
        let error =
            find_emulator(Architecture::X86_64, Some(OsStr::new("/nowhere:relative:/else:/nowhere"))).unwrap_err();
        let QemuError::ProgramMissing { looked_at, .. } = &error else { panic!("{error}") };
        assert_eq!(looked_at[0], Path::new("/nowhere/qemu-system-x86_64"));
        assert_eq!(looked_at[1], Path::new("/else/qemu-system-x86_64"));
        assert_eq!(looked_at.iter().filter(|path| path.starts_with("/nowhere")).count(), 1);
        assert!(error.hint().unwrap().contains("`qemu-system-x86`"));
    }
}
