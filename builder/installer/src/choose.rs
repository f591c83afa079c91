//! Which drive is written: as answers say, or as somebody says.

use builder_block::ByteSize;
use builder_medium::Manifest;

use crate::answers::Answers;
use crate::console::Console;
use crate::drives::Drive;
use crate::failure::Failure;
use crate::refuse;
use crate::screen::Screen;

/// Whether there is a drive by now that the answers fit.
pub(crate) fn is_there(drives: &[Drive], answers: &Answers) -> bool {
    drives.iter().any(|drive| !drive.is_medium && answers.drive.fits(drive))
}

/// The one drive that the answers fit. Drives that cannot be used count too: the right one may be among them.
pub(crate) fn by_answers<'a>(
    drives: &'a [Drive],
    answers: &Answers,
    manifest: &Manifest,
) -> Result<&'a Drive, Failure> {
    if !answers.destructive {
        return Err(Failure::new("the answers do not say destructive = true, so that no drive is erased")
            .hint("add it below [install], or choose a drive here"));
    }
    let line = |drive: &Drive| match refuse::reason(drive, &manifest.disk) {
        Some(reason) => format!("{} ({reason})", drive.describe()),
        None => drive.describe(),
    };
    let list = |drives: &[&Drive]| drives.iter().map(|drive| format!("\n  {}", line(drive))).collect::<String>();
    let fitting: Vec<&Drive> = drives.iter().filter(|drive| !drive.is_medium && answers.drive.fits(drive)).collect();
    let hint = "say more of the drive below [install.drive], or choose one here";
    match fitting.as_slice() {
        [drive] => match refuse::reason(drive, &manifest.disk) {
            None => Ok(drive),
            Some(reason) => {
                let name = &drive.name;
                Err(Failure::new(format!("the drive {name}, which the answers fit, cannot be used: {reason}"))
                    .hint(hint))
            }
        },
        [] => {
            let all = list(&drives.iter().collect::<Vec<_>>());
            let all = if all.is_empty() { "\n  none".to_owned() } else { all };
            Err(Failure::new(format!("no drive fits the answers; there are:{all}")).hint(hint))
        }
        several => Err(Failure::new(format!(
            "{} drives fit the answers, and exactly one must:{}",
            several.len(),
            list(several)
        ))
        .hint(hint)),
    }
}

/// What somebody said.
pub(crate) enum Choice {
    /// This drive, whose name was typed as a whole.
    Drive(Box<Drive>),
    /// The drives are looked for again.
    Again,
    /// None.
    Leave,
}

/// Has somebody choose a drive, and confirm that it is erased.
pub(crate) fn by_hand(drives: &[Drive], manifest: &Manifest, console: &mut Console) -> Choice {
    let mut screen = Screen::new(&format!("Install {}", manifest.system.name))
        .text(format!("{} are needed. Drives of this machine:", ByteSize::new(manifest.disk.size)))
        .text("");
    for (number, drive) in (1..).zip(drives) {
        screen = screen.text(format!("{number:>3}  {}", drive.describe()));
        screen = match refuse::reason(drive, &manifest.disk) {
            Some(reason) => screen.text(format!("     cannot be used: {reason}")),
            None => screen,
        };
    }
    if drives.is_empty() {
        screen = screen.text("  none");
    }
    screen.show(console);
    loop {
        console.forget_keys();
        let Some(typed) = console.ask("Number of the drive, r: look again, q: leave > ") else { return Choice::Leave };
        let chosen = typed.parse().ok().and_then(|number: usize| drives.get(number.checked_sub(1)?));
        match (typed.as_str(), chosen) {
            ("q", _) => return Choice::Leave,
            ("r", _) => return Choice::Again,
            (_, Some(drive)) => match refuse::reason(drive, &manifest.disk) {
                Some(reason) => console.say(&format!("{} cannot be used: {reason}", drive.name)),
                None if confirm(drive, console) => return Choice::Drive(Box::new(drive.clone())),
                None => return Choice::Again,
            },
            _ => console.say(&format!("There is no drive {typed:?} in the list")),
        }
    }
}

/// Shows what is lost, and wants the drive's name.
fn confirm(drive: &Drive, console: &mut Console) -> bool {
    let or_unknown = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
    let mut screen = Screen::new(&format!("EVERYTHING ON {} WILL BE ERASED", drive.name))
        .text(format!("  drive   {}", drive.name))
        .text(format!("  model   {}", or_unknown(&drive.model)))
        .text(format!("  serial  {}", or_unknown(&drive.serial)))
        .text(format!("  size    {} ({} bytes)", ByteSize::new(drive.size), drive.size))
        .text(format!("  bus     {}", or_unknown(drive.transport)))
        .text("")
        .text("On it now:");
    for line in drive.describe_contents() {
        screen = screen.text(format!("  {line}"));
    }
    screen.show(console);
    console.forget_keys();
    let typed = console.ask(&format!("Type {} and Enter to erase it; anything else goes back > ", drive.name));
    let confirmed = typed.as_deref() == Some(drive.name.as_str());
    if !confirmed {
        console.say("Nothing was erased");
    }
    confirmed
}

#[cfg(test)]
mod tests {
    use builder_medium::{Disk, Loader, Manifest, Payload, System, Uuid};

    use super::by_answers;
    use crate::answers::Answers;
    use crate::drives::Drive;

    fn manifest() -> Manifest {
        Manifest {
            format: 1,
            id: Uuid::nil(),
            system: System {
                name: "Debian".to_owned(),
                architecture: "amd64".to_owned(),
                tracks: None,
                digest: String::new(),
                deployment: String::new(),
                var: String::new(),
                kargs: Vec::new(),
                ostree: String::new(),
                loader: Loader { kind: "grub".to_owned(), label: "Debian".to_owned(), program: "\\A".to_owned() },
            },
            disk: Disk { size: 1 << 30, sector_size: 512, guid: Uuid::nil(), partitions: Vec::new() },
            payload: Payload { size: 0, block_size: 4096, blocks: 0 },
        }
    }

    #[test]
    fn exactly_one_drive_may_fit_and_only_where_it_may_be_erased() {
        let drive = |name: &str, size: u64| Drive { name: name.to_owned(), size, sector_size: 512, ..Drive::default() };
        let mut drives = vec![drive("sda", 4 << 30), drive("sdb", 8 << 30), drive("sdc", 1 << 20)];
        drives[0].is_medium = true;
        let chosen = |drives: &[Drive], text: &str| {
            by_answers(drives, &Answers::read(&format!("[install]\n{text}")).unwrap(), &manifest())
                .map(|drive| drive.name.clone())
                .map_err(|failure| failure.reason)
        };
        let named = |name: &str| format!("destructive = true\ndrive.name = \"{name}\"");
        assert_eq!(chosen(&drives, &named("sdb")).unwrap(), "sdb");
        assert_eq!(chosen(&drives, "destructive = true\ndrive.larger-than = \"1GiB\"").unwrap(), "sdb");
        for (text, words) in [
            ("drive.name = \"sdb\"".to_owned(), "do not say destructive = true"),
            (named("sdx"), "no drive fits the answers; there are:\n  sda"),
            (named("sda"), "no drive fits the answers"),
            (named("sd*"), "2 drives fit the answers, and exactly one must:\n  sdb"),
            (named("sdc"), "the drive sdc, which the answers fit, cannot be used: too small"),
        ] {
            let reason = chosen(&drives, &text).unwrap_err();
            assert!(reason.contains(words), "{reason}");
        }
        assert!(chosen(&[], "destructive = true").unwrap_err().contains("there are:\n  none"));
    }
}
