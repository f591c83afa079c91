//! Kernel arguments that the program on a medium takes as its own, by whoever they are given.
//!
//! What a medium does by itself is decided by its answers and its menu alone, and `iso show` tells of both. An argument
//! that says otherwise would erase a drive where it is told that somebody is asked.

use builder_medium::{MediumArgument, Mode};

use crate::medium::error::MediumError;

/// Looks through an argument of the medium alone.
///
/// # Errors
/// [`MediumError::OwnArgument`]: it is none that may be given so, or has no value that the program knows.
pub(crate) fn check_of_medium(karg: &str) -> Result<(), MediumError> {
    let reason = match MediumArgument::parse(karg) {
        None => return Ok(()),
        Some(Ok(MediumArgument::Answers(_))) => {
            "answers of a medium are given with --answers, so that `iso show` tells of them"
        }
        Some(Ok(MediumArgument::Medium(_))) => "the medium has its own identity",
        Some(Ok(_)) => return Ok(()),
        Some(Err(reason)) => reason,
    };
    Err(MediumError::OwnArgument { argument: karg.to_owned(), reason })
}

/// Looks through the arguments of the system, which an image brings as well.
///
/// # Errors
/// [`MediumError::OwnArgument`]: one is meant for the program on the medium.
pub(crate) fn check_of_system(kargs: &[String]) -> Result<(), MediumError> {
    match kargs.iter().find(|karg| MediumArgument::parse(karg).is_some()) {
        None => Ok(()),
        Some(karg) => {
            let reason = "the system itself has it, and what its medium does is not the image's to say";
            Err(MediumError::OwnArgument { argument: karg.clone(), reason })
        }
    }
}

/// The last mode that is asked for, which counts.
pub(crate) fn mode(kargs: &[String]) -> Option<Mode> {
    let mode = |karg: &String| match MediumArgument::parse(karg) {
        Some(Ok(MediumArgument::Mode(mode))) => Some(mode),
        _ => None,
    };
    kargs.iter().rev().find_map(mode)
}
