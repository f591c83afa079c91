//! Kernel arguments that the program on a medium takes as its own, by whoever they are given.
//!
//! What a medium does by itself is decided by its answers and its menu alone, and `iso show` tells of both. An argument
//! that says otherwise would erase a drive where it is told that somebody is asked.

use crate::medium::error::MediumError;

/// What all of them begin with.
const PREFIX: &str = "diskwright.";

/// The longest that the program waits for a device, in seconds.
const LONGEST_WAIT: u64 = 3600;

/// Looks through an argument of the medium alone.
///
/// # Errors
/// [`MediumError::OwnArgument`]: it is none that may be given so, or has no value that the program knows.
pub(crate) fn check_of_medium(karg: &str) -> Result<(), MediumError> {
    let Some(own) = karg.strip_prefix(PREFIX) else { return Ok(()) };
    let (key, value) = own.split_once('=').unwrap_or((own, ""));
    let reason = match (key, value) {
        ("mode", "install" | "live") | ("check", "yes" | "no") | ("end", "reboot" | "poweroff" | "halt") => {
            return Ok(());
        }
        ("wait", _) if value.parse().is_ok_and(|seconds: u64| seconds <= LONGEST_WAIT) => return Ok(()),
        ("mode", _) => "it is `install` or `live`",
        ("check", _) => "it is `yes` or `no`",
        ("end", _) => "it is `reboot`, `poweroff` or `halt`",
        ("wait", _) => "it is a number of seconds, 3600 at most",
        ("answers", _) => "answers of a medium are given with --answers, so that `iso show` tells of them",
        ("medium", _) => "the medium has its own identity",
        _ => "the program on the medium does not know it",
    };
    Err(MediumError::OwnArgument { argument: karg.to_owned(), reason })
}

/// Looks through the arguments of the system, which an image brings as well.
///
/// # Errors
/// [`MediumError::OwnArgument`]: one is meant for the program on the medium.
pub(crate) fn check_of_system<'a>(kargs: impl IntoIterator<Item = &'a str>) -> Result<(), MediumError> {
    match kargs.into_iter().find(|karg| karg.starts_with(PREFIX)) {
        None => Ok(()),
        Some(karg) => {
            let reason = "the system itself has it, and what its medium does is not the image's to say";
            Err(MediumError::OwnArgument { argument: karg.to_owned(), reason })
        }
    }
}

/// The last mode that is asked for, which counts.
pub(crate) fn mode<'a>(kargs: impl IntoIterator<Item = &'a String>) -> Option<&'a str> {
    kargs.into_iter().filter_map(|karg| karg.strip_prefix("diskwright.mode=")).last()
}
