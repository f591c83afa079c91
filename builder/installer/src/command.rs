//! `diskwright-install`, the command of the live system.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use builder_medium::Answers;

use crate::choose::{self, Choice};
use crate::console::Console;
use crate::drives;
use crate::failure::Failure;
use crate::identities;
use crate::install::install;
use crate::live_state::State;
use crate::media_check;
use crate::medium::{Medium, whole};
use crate::table::Ids;

const HELP: &str = "\
Usage: diskwright-install [--fresh-ids | --fresh-guids]

Installs the system that runs from a medium to a drive of this machine. It asks
which one, and erases nothing before the name of that drive was typed.

      --fresh-ids    Give the disk, its partitions and file systems identifiers
                     of their own, so that it can be in one machine with another
                     drive that has the same system
      --fresh-guids  Give the disk and its partitions new GUIDs; file systems
                     keep their UUIDs
  -h, --help         Print this help
";

/// Installs from the live system.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let mut ids = Ids::Same;
    for argument in arguments {
        match argument.as_str() {
            "--fresh-ids" => ids = Ids::Fresh,
            // The other one is more.
            "--fresh-guids" if ids == Ids::Fresh => {}
            "--fresh-guids" => ids = Ids::FreshGuids,
            "-h" | "--help" => {
                let _ = io::stdout().write_all(HELP.as_bytes());
                return ExitCode::SUCCESS;
            }
            other => return fail(&Failure::new(format!("unknown argument {other:?}")).hint("see --help")),
        }
    }
    match try_run(ids) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    let hint = failure.hint.as_ref().map(|hint| format!("\nhint: {hint}\n")).unwrap_or_default();
    let _ = io::stderr().write_all(format!("error: {failure}\n{hint}").as_bytes());
    ExitCode::FAILURE
}

fn try_run(ids: Ids) -> Result<(), Failure> {
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new("a drive can only be written by root").hint("sudo diskwright-install"));
    }
    let program = std::env::current_exe().map_err(|error| Failure::of("find this program", error))?;
    let medium: Medium = State::open(program.parent().unwrap_or(Path::new("/")))?;
    if ids == Ids::Fresh {
        let checked = identities::check(&medium.manifest.disk);
        let _ = checked.map_err(|failure| failure.hint("leave --fresh-ids out, or give --fresh-guids"))?;
    }
    let mut console = Console::own()
        .ok_or_else(|| Failure::new("there is no terminal to ask on").hint("run it from a shell that you type in"))?;
    let answers = Answers::default();
    let medium_drive = medium.device.as_deref().map(whole);
    let drive = loop {
        match choose::by_hand(&drives::list(medium_drive.as_deref()), &answers, &medium.manifest, &mut console) {
            Choice::Drive(drive) => break drive,
            Choice::Again => {}
            Choice::Leave => return Ok(()),
        }
    };
    if let Some(device) = medium.device.as_deref() {
        media_check::run(device, media_check::HINT, &mut console)?;
    }
    install(&medium, &drive, &answers, ids, &mut console)?;
    console.mark(&format!("diskwright: INSTALLED /dev/{}", drive.name));
    console.say("Reboot, and remove the medium when the machine starts again");
    Ok(())
}
