//! `diskwright diff`.

use builder::Platform;
use builder::diff::Listing;

use crate::args::Diff;
use crate::exit::Exit;
use crate::progress;
use crate::report::{self, Failure};

pub(crate) fn run(arguments: &Diff) -> Result<Exit, Failure> {
    let Diff { a, b, platform, all, exit_code, talk } = arguments;
    let mut progress = progress::listener(talk);
    let platform = platform.clone().unwrap_or_else(|| Platform::host(std::env::consts::ARCH));
    let difference = builder::diff::diff(a, b, &platform, &super::scratch_directory(None), progress.as_mut())?;
    if talk.json {
        report::json(&difference)?;
    } else {
        report::text(&difference.text(if *all { Listing::All } else { Listing::Largest }))?;
    }
    Ok(if *exit_code && difference.different { Exit::Different } else { Exit::Success })
}
