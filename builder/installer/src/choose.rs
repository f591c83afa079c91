//! Which drive is written: as answers say, or as somebody says.

use builder_block::ByteSize;
use builder_medium::{Answers, Bus, Choice as Chosen, DriveFacts, Manifest};

use crate::answers::facts;
use crate::console::Console;
use crate::drives::Drive;
use crate::failure::Failure;
use crate::firmware;
use crate::refuse;
use crate::screen::Screen;

/// Those that could be installed to.
fn usable(drives: &[Drive], manifest: &Manifest) -> Vec<DriveFacts> {
    drives.iter().filter(|drive| refuse::reason(drive, &manifest.disk).is_none()).map(facts).collect()
}

/// Whether waiting for another drive could no longer help.
pub(crate) fn is_decided(drives: &[Drive], answers: &Answers, manifest: &Manifest) -> bool {
    !matches!(answers.drive.choose(&usable(drives, manifest)), Chosen::None(_))
}

/// The one drive that the answers choose.
pub(crate) fn by_answers<'a>(
    drives: &'a [Drive],
    answers: &Answers,
    manifest: &Manifest,
) -> Result<&'a Drive, Failure> {
    let usable = usable(drives, manifest);
    let chosen = answers.drive.choose(&usable);
    if let Chosen::One(fact) = chosen
        && answers.unattended()
        && let Some(drive) = drives.iter().find(|drive| drive.name == fact.name)
    {
        return Ok(drive);
    }
    // The one that was meant may be among those that cannot be used.
    let refused = drives.iter().filter_map(|drive| {
        let reason = refuse::reason(drive, &manifest.disk)?;
        Some(format!("\n  {}: {reason}", facts(drive)))
    });
    Err(Failure::new(format!("{chosen}{}", refused.collect::<String>()))
        .hint("change the rules of [drive] in the answers, or choose a drive here"))
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
pub(crate) fn by_hand(drives: &[Drive], answers: &Answers, manifest: &Manifest, console: &mut Console) -> Choice {
    let usable = usable(drives, manifest);
    let offered = match answers.drive.choose(&usable) {
        Chosen::One(fact) if answers.drive.has_rules() => fact.name.as_str(),
        _ => "",
    };
    let mut screen = Screen::new(&format!("Install {}", manifest.system.name))
        .text(format!("{} are needed. Drives of this machine:", ByteSize::new(manifest.disk.size)))
        .text("");
    for (number, drive) in (1..).zip(drives) {
        screen = screen.text(format!("{number:>3}  {}", drive.describe()));
        screen = match refuse::reason(drive, &manifest.disk) {
            Some(reason) => screen.text(format!("     cannot be used: {reason}")),
            None if drive.name == offered => screen.text("     this is the one that the answers mean"),
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
        .text(format!("  bus     {}", or_unknown(drive.bus.map_or("", Bus::name))))
        .text("")
        .text("On it now:");
    for line in drive.describe_contents() {
        screen = screen.text(format!("  {line}"));
    }
    if let Some(remark) = firmware::remark() {
        screen = screen.text("").text(remark);
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
    use builder_medium::{Answers, Disk, Loader, Manifest, Payload, System, Uuid};

    use super::by_answers;
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
                live: true,
            },
            disk: Disk { size: 1 << 30, sector_size: 512, guid: Uuid::nil(), partitions: Vec::new(), named_by: None },
            payload: Payload { size: 0, block_size: 4096, blocks: 0 },
        }
    }

    #[test]
    fn exactly_one_drive_may_fit_and_only_where_it_may_be_erased() {
        let drive = |name: &str, size: u64| Drive { name: name.to_owned(), size, sector_size: 512, ..Drive::default() };
        let mut drives = vec![drive("sda", 4 << 30), drive("sdb", 8 << 30), drive("sdc", 1 << 20)];
        drives[0].is_medium = true;
        let chosen = |drives: &[Drive], text: &str| {
            by_answers(drives, &Answers::parse("answers", text).unwrap(), &manifest())
                .map(|drive| drive.name.clone())
                .map_err(|failure| failure.reason)
        };
        let path = |path: &str| format!("destructive = true\ndrive.path = \"/dev/{path}\"");
        assert_eq!(chosen(&drives, &path("sdb")).unwrap(), "sdb");
        assert_eq!(chosen(&drives, "destructive = true\ndrive.only = true").unwrap(), "sdb");
        for (text, words) in [
            ("drive.path = \"/dev/sdb\"".to_owned(), "the rules of [drive] hold for sdb"),
            (path("sdx"), "the rules of [drive] hold for no drive\n  sdb (8 GiB): none of its paths is `/dev/sdx`"),
            (path("sda"), "\n  sda (4 GiB): it is the medium"),
            (path("sdc"), "\n  sdc (1 MiB): too small: it has 1 MiB, and 1 GiB are needed"),
        ] {
            let reason = chosen(&drives, &text).unwrap_err();
            assert!(reason.contains(words), "{reason}");
        }
        drives[0].is_medium = false;
        let reason = chosen(&drives, &path("sd*")).unwrap_err();
        assert!(reason.starts_with("the rules of [drive] hold for 2 drives"), "{reason}");
        assert!(chosen(&[], &path("sda")).unwrap_err().contains("there is no drive that could be installed to"));
    }
}
