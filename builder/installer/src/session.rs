//! What the first process does: it finds the medium, and installs or goes live.

use std::fs;
use std::time::Duration;

use builder_medium::{Finish, Mode};

use crate::answers;
use crate::choose::{self, Choice};
use crate::cmdline::Asked;
use crate::console::{Console, Quiet};
use crate::devices::Devices;
use crate::drives;
use crate::failure::Failure;
use crate::identities;
use crate::install::install;
use crate::live;
use crate::log::note;
use crate::machine;
use crate::media_check;
use crate::medium::{Medium, whole};
use crate::menu::{self, Next};
use crate::mounts;
use crate::provision;
use crate::table::Ids;

/// How long devices may take to come, once the medium is there.
const SETTLE: Duration = Duration::from_secs(15);

/// How long no device may have come before a drive is erased without a question: one that comes late may be another that
/// the answers fit.
const LATE: Duration = Duration::from_secs(3);

/// Does what the kernel command line says; never ends.
pub(crate) fn run() -> ! {
    stop_at_panics();
    let prepared = prepare();
    let (asked, mut devices) = loop {
        match &prepared {
            Ok(asked) => match Devices::start() {
                Ok(devices) => break (asked, devices),
                Err(failure) => failed(&failure),
            },
            Err(failure) => failed(failure),
        };
    };
    let mut by_hand = false;
    loop {
        let next = match attempt(asked, &mut devices, by_hand) {
            Ok(Some(end)) => machine::end(end),
            Ok(None) => menu::ask(None),
            Err(failure) => failed(&failure),
        };
        by_hand |= next == Next::Choose;
    }
}

/// Says that it failed, in words that a log can be searched for, and asks what to do.
fn failed(failure: &Failure) -> Next {
    let mut console = Console::all();
    console.mark(&format!("diskwright: FAILED: {}", failure.reason.replace('\n', " ")));
    drop(console);
    menu::ask(Some(failure))
}

fn prepare() -> Result<Asked, Failure> {
    mounts::mount_first()?;
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    note(format!("kernel command line: {}", line.trim()));
    let asked = Asked::parse(&line);
    if !asked.mistakes.is_empty() {
        return Err(Failure::new(asked.mistakes.join("; ")).hint("correct the kernel command line in the boot menu"));
    }
    Ok(asked)
}

/// Tries once. `None` where somebody left.
fn attempt(asked: &Asked, devices: &mut Devices, by_hand: bool) -> Result<Option<Finish>, Failure> {
    let mut console = Console::all();
    console.say("diskwright: looking for the medium");
    let medium = Medium::find(asked, devices)?;
    if asked.mode == Mode::Live && !by_hand {
        return live::start(&medium, asked, devices, console);
    }
    let answers = answers::read(asked, &medium)?;
    let ids = if answers.drive.fresh_ids { Ids::Fresh } else { Ids::Same };
    if ids == Ids::Fresh {
        let _ = identities::check(&medium.manifest.disk)?;
    }
    devices.settle(SETTLE);
    for module in ["efivarfs"].into_iter().chain(provision::modules(&answers, ids, &medium.manifest)) {
        devices.load(module);
    }
    // Drivers of consoles are loaded by now, too.
    drop(console);
    let mut console = Console::all();
    provision::check(&answers, &medium)?;
    let medium_drive = medium.device.as_deref().map(whole);
    let list = || drives::list(medium_drive.as_deref());
    let unattended = answers.unattended() && !by_hand;
    let quiet = Quiet::new();
    let drive = if unattended {
        for sentence in builder_medium::words(&answers, &medium.manifest) {
            console.say(&sentence);
        }
        // The drive may be late.
        devices.wait_for(asked.wait, || choose::is_decided(&list(), &answers, &medium.manifest).then_some(()));
        choose::by_answers(&list(), &answers, &medium.manifest)?.clone()
    } else {
        loop {
            match choose::by_hand(&list(), &answers, &medium.manifest, &mut console) {
                Choice::Drive(drive) => break *drive,
                Choice::Again => devices.settle(Duration::from_secs(1)),
                Choice::Leave => return Ok(None),
            }
        }
    };
    if let Some(device) = medium.device.as_deref().filter(|_| asked.check) {
        let hint = format!("{}; diskwright.check=no goes on all the same", media_check::HINT);
        media_check::run(device, &hint, &mut console)?;
    }
    if unattended {
        if !devices.settle_for(LATE, SETTLE) {
            let seconds = SETTLE.as_secs();
            let words =
                format!("devices still come after {seconds} s, so another drive may be meant; nothing was erased");
            return Err(Failure::new(words).hint("try again, or choose a drive here"));
        }
        let now = choose::by_answers(&list(), &answers, &medium.manifest)?.name.clone();
        if now != drive.name {
            let words = format!("the answers chose {}, and then {now}, which came later", drive.name);
            return Err(Failure::new(words).hint("change the rules of [drive] in the answers, or choose a drive here"));
        }
    }
    install(&medium, &drive, &answers, ids, &mut console)?;
    console.mark(&format!("diskwright: INSTALLED /dev/{}", drive.name));
    console.say("Remove the medium when the machine starts again");
    drop(quiet);
    Ok(Some(match asked.end.or(answers.finish) {
        Some(end) => end,
        None if unattended => Finish::Reboot,
        None => ask_for_end(&mut console),
    }))
}

fn ask_for_end(console: &mut Console) -> Finish {
    loop {
        match console.ask("1: reboot, 2: power off, 3: halt > ").as_deref() {
            Some("1") => return Finish::Reboot,
            Some("2") => return Finish::PowerOff,
            Some("3") => return Finish::Halt,
            Some(_) => {}
            None => {
                std::thread::sleep(Duration::from_secs(1));
                // One that hung up may be there again.
                if !console.can_be_typed_on() {
                    *console = Console::all();
                }
            }
        }
    }
}

/// A mistake of this program must not end the first process, for the kernel would panic and show nothing of it.
fn stop_at_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let failure = Failure::new(format!("this program has a mistake: {panic}"))
            .hint("report it with the log; nothing but a restart is left");
        loop {
            failed(&failure);
        }
    }));
}
