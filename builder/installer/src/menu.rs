//! What can be done when something has failed. There is no shell.

use std::time::Duration;

use builder_medium::Finish;

use crate::console::{Console, Quiet};
use crate::failure::Failure;
use crate::log;
use crate::machine;
use crate::screen::Screen;

/// Time between two looks for a console that somebody can type on.
const WAIT: Duration = Duration::from_secs(5);

/// What somebody wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The same again.
    Again,
    /// Somebody chooses a drive.
    Choose,
}

/// Shows what has failed, and asks what to do. `None` where nothing has failed, but somebody left.
pub(crate) fn ask(failure: Option<&Failure>) -> Next {
    let _quiet = Quiet::new();
    let mut console = Console::all();
    loop {
        menu(failure).show(&mut console);
        while !console.can_be_typed_on() {
            std::thread::sleep(WAIT);
            // One may have come meanwhile.
            console = Console::all();
        }
        console.forget_keys();
        match console.ask("Number > ").as_deref() {
            Some("1") => return Next::Again,
            Some("2") => show_log(&mut console),
            Some("3") => return Next::Choose,
            Some("4") => machine::end(Finish::Reboot),
            Some("5") => machine::end(Finish::PowerOff),
            _ => {}
        }
    }
}

fn menu(failure: Option<&Failure>) -> Screen {
    let screen = match failure {
        Some(Failure { reason, hint }) => {
            let screen = Screen::new("Something has failed").text(reason);
            match hint {
                Some(hint) => screen.text("").text(format!("hint: {hint}")),
                None => screen,
            }
        }
        None => Screen::new("Nothing was erased"),
    };
    screen
        .text("")
        .text("  1  try again")
        .text("  2  show the log")
        .text("  3  choose another drive")
        .text("  4  reboot")
        .text("  5  power off")
}

fn show_log(console: &mut Console) {
    let mut screen = Screen::new("What happened");
    for line in log::lines() {
        screen = screen.text(line);
    }
    screen.show(console);
    console.ask("Enter: back ");
}
