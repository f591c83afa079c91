//! An installation, from the drive that was chosen to the firmware's boot entry.

use builder_medium::Answers;

use crate::console::Console;
use crate::devices::node;
use crate::drives::{self, Drive};
use crate::efi_variables;
use crate::failure::{Failure, Tried as _};
use crate::firmware;
use crate::identities::Identities;
use crate::log::note;
use crate::medium::{Medium, whole};
use crate::provision;
use crate::refuse;
use crate::table::{Fitted, Ids};
use crate::target::Target;
use crate::verify::verify;
use crate::write::{Source, clear, write};

/// Writes the medium's disk to a drive. Somebody has said that this drive may be erased.
pub(crate) fn install(
    medium: &Medium,
    chosen: &Drive,
    answers: &Answers,
    ids: Ids,
    console: &mut Console,
) -> Result<(), Failure> {
    let disk = &medium.manifest.disk;
    let now = drives::list(medium.device.as_deref().map(whole).as_deref());
    let hint = "look at the list of drives again";
    let Some(drive) = now.iter().find(|drive| drive.name == chosen.name) else {
        return Err(Failure::new(format!("the drive {} is gone", chosen.name)).hint(hint));
    };
    let another = || Failure::new(format!("the drive {} is another one now", chosen.name)).hint(hint);
    let same = |drive: &Drive| {
        let Drive { size, model, serial, sequence, links, .. } = drive;
        (*size, model.clone(), serial.clone(), sequence.clone(), links.clone())
    };
    if same(drive) != same(chosen) {
        return Err(another());
    }
    if let Some(reason) = refuse::reason(drive, disk) {
        return Err(Failure::new(format!("the drive {} cannot be used: {reason}", drive.name)).hint(hint));
    }
    let target = Target::open(&node(&drive.name))?;
    // From now on nothing else gets its name.
    if target.size != drive.size || drives::sequence(&drive.name) != drive.sequence {
        return Err(another());
    }
    // All that can be known to fail comes before anything is erased.
    let table = Fitted::new(&medium.disk, disk, target.size, ids)?;
    let identities = Identities::draw(disk, &table, ids)?;
    let source = Source::of(medium);
    firmware::remark().into_iter().for_each(|remark| console.say(remark));
    console.say(&format!("Installing {} to {}", medium.manifest.system.name, drive.name));
    let after = |failure: Failure| {
        let reason = format!("{}; {} was erased, and has no partition table now", failure.reason, drive.name);
        Failure { reason, hint: failure.hint.or_else(|| Some("try again, or choose another drive".to_owned())) }
    };
    target.wipe_ends().tried(|| format!("erase the tables of {}", drive.name)).map_err(|failure| {
        let reason = format!("{}; what was on {} may be lost", failure.reason, drive.name);
        Failure { reason, ..failure }.hint("see the log, and choose another drive")
    })?;
    clear(&source, &target, console).map_err(after)?;
    let expected = write(&source, &target, console).map_err(after)?;
    verify(&source, &expected, &target, console).map_err(after)?;
    if let Some(identities) = &identities {
        identities.write(&target).map_err(after)?;
    }
    provision::apply(answers, identities.as_ref(), &medium.manifest, &target, console).map_err(after)?;
    table.clear_new_ends(&target, disk).tried(|| format!("clear {}", drive.name)).map_err(after)?;
    if let Err(error) = table.write(&target.file) {
        let failure = Failure::of(format!("write the partition table of {}", drive.name), error);
        // It may be there all the same.
        return Err(match target.wipe_ends() {
            Ok(()) => after(failure),
            Err(error) => {
                let reason =
                    format!("{}; {} was erased, and may have a partition table: {error}", failure.reason, drive.name);
                Failure { reason, ..failure }.hint("do not start the machine from it; choose another drive")
            }
        });
    }
    target.read_partitions();
    note(format!("{} has its partition table", drive.name));
    match ids {
        Ids::Same => {}
        Ids::FreshGuids => console.say(
            "The disk and its partitions have new GUIDs; the file systems have the UUIDs that they were built with",
        ),
        Ids::Fresh => console.say("The disk, its partitions and file systems have identifiers of their own"),
    }
    efi_variables::register(&medium.manifest, &table, console);
    Ok(())
}
