//! `diskwright inspect`.

use crate::args::Inspect;
use crate::progress;
use crate::report::{self, Failure};

pub(crate) fn run(arguments: &Inspect) -> Result<(), Failure> {
    let mut progress = progress::listener(&arguments.talk);
    let source = &arguments.source;
    let facts =
        builder::inspect(&source.source, &source.platform(), &super::scratch_directory(None), progress.as_mut())?;
    if arguments.talk.json { report::json(&facts) } else { report::text(&facts.to_string()) }
}
