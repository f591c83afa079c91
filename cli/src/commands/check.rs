//! `diskwright check`.

mod page;

use crate::args::Check;
use crate::exit::Exit;
use crate::progress;
use crate::report::{self, Failure};

pub(crate) fn run(arguments: &Check) -> Result<Exit, Failure> {
    let mut progress = progress::listener(&arguments.talk);
    let scratch = super::scratch_directory(None);
    let found = builder::check::check(&arguments.artefact, arguments.deep, &scratch, progress.as_mut())?;
    if let Some(path) = &arguments.report {
        page::page(&found).write(path)?;
    }
    if arguments.talk.json {
        report::json(&found)?;
    } else {
        report::text(&found.to_string())?;
    }
    Ok(if found.sound { Exit::Success } else { Exit::ValidationFailed })
}
