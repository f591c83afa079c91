//! What a medium with these answers does, in sentences.

use super::document::shown;
use super::drive::DriveRules;
use super::users::User;
use super::{Answers, Finish};
use crate::Manifest;

/// What a medium with this manifest and these answers does when a machine boots it, a sentence for each, in the order in
/// which it happens. They have no full stop.
#[must_use]
pub fn words(answers: &Answers, manifest: &Manifest) -> Vec<String> {
    let Answers { drive, system, users, network, finish, .. } = answers;
    let mut words = Vec::new();
    if answers.unattended() {
        let nothing = "erases nothing if there is none or there are several";
        words.push(format!("Erases {}, without asking; {nothing}", which(drive)));
    } else {
        let offered = if drive.has_rules() { format!(", offering {}", which(drive)) } else { String::new() };
        words
            .push(format!("Asks which drive to install to{offered}, and for its name to be typed before it erases it"));
    }
    let tracks = match &manifest.system.tracks {
        Some(tracks) => format!(", which gets its updates from {}", shown(tracks)),
        None => String::new(),
    };
    words.push(format!("Installs {} ({}){tracks}", shown(&manifest.system.name), shown(&manifest.system.architecture)));
    if drive.fresh_ids {
        words.push("Gives the disk, its partitions and file systems identifiers of their own".to_owned());
    }
    let settings = [
        ("Calls the machine", &system.hostname),
        ("Sets the locale to", &system.locale),
        ("Sets the time zone to", &system.timezone),
        ("Sets the console's keyboard map to", &system.keymap),
    ];
    words.extend(settings.iter().filter_map(|(what, value)| Some(format!("{what} {}", value.as_ref()?))));
    if !system.kargs.is_empty() {
        words.push(format!("Adds the kernel arguments {}", system.kargs.join(" ")));
    }
    words.extend(users.iter().map(user));
    words.extend(
        network
            .iter()
            .map(|file| format!("Puts the network file {} into /{}", shown(&file.name), file.service.directory())),
    );
    words.push(match finish {
        Some(Finish::Reboot) => "Reboots the machine when it is done".to_owned(),
        Some(Finish::PowerOff) => "Switches the machine off when it is done".to_owned(),
        Some(Finish::Halt) => "Halts the machine when it is done".to_owned(),
        None if answers.unattended() => {
            "Reboots the machine when it is done, since no other end is asked for".to_owned()
        }
        None => "Asks before it reboots the machine".to_owned(),
    });
    words
}

/// `the only drive that has 20 GiB or more and …`.
fn which(drive: &DriveRules) -> String {
    let DriveRules { only, min_size, max_size, model, serial, bus, path, removable, fresh_ids: _ } = drive;
    let mut rules = Vec::new();
    rules.extend(min_size.map(|size| format!("has {size} or more")));
    rules.extend(max_size.map(|size| format!("has {size} or less")));
    rules.extend(model.iter().map(|model| format!("has a model like `{model}`")));
    rules.extend(serial.iter().map(|serial| format!("has a serial number like `{serial}`")));
    rules.extend(bus.iter().map(|bus| format!("is connected by {bus}")));
    rules.extend(path.iter().map(|path| format!("is at `{path}`")));
    let (begin, rules) = match (*only, rules.is_empty()) {
        (true, true) => ("the only drive that could be installed to".to_owned(), String::new()),
        (true, false) => {
            ("the only drive that could be installed to".to_owned(), format!(", if it {}", rules.join(" and ")))
        }
        (false, _) => ("the only drive".to_owned(), format!(" that {}", rules.join(" and "))),
    };
    let counted = if *removable { " (removable ones count)" } else { " (removable ones do not count)" };
    format!("{begin}{rules}{counted}")
}

/// `Creates user anna with 2 SSH keys and a password, in group wheel`.
fn user(user: &User) -> String {
    let keys = match user.ssh_keys.len() {
        0 => None,
        1 => Some("1 SSH key".to_owned()),
        number => Some(format!("{number} SSH keys")),
    };
    let password = user.password.is_some().then(|| "a password".to_owned());
    let ways: Vec<_> = keys.into_iter().chain(password).collect();
    if user.is_root() {
        return match ways[..] {
            [] => "Leaves root as it is".to_owned(),
            _ => format!("Gives root {}", ways.join(" and ")),
        };
    }
    let ways = if ways.is_empty() { "out a way to log in".to_owned() } else { format!(" {}", ways.join(" and ")) };
    let groups = match &user.groups[..] {
        [] => String::new(),
        [group] => format!(", in group {group}"),
        groups => format!(", in groups {}", groups.join(", ")),
    };
    let uid = user.uid.map(|uid| format!(" ({uid})")).unwrap_or_default();
    let shell = user.shell.as_ref().map(|shell| format!(", with the shell {shell}")).unwrap_or_default();
    format!("Creates user {}{uid} with{ways}{groups}{shell}", user.name)
}
