//! `diskwright verify`.

use std::io;
use std::num::NonZeroUsize;

use builder::{BuildError, Record, RecordError, Verification, open_file};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::args::Verify;
use crate::exit::Exit;
use crate::progress;
use crate::report::{self, Failure};

pub(crate) fn run(arguments: &Verify) -> Result<Exit, Failure> {
    let record = Record::read(&arguments.artefact, arguments.result.as_deref()).map_err(BuildError::from)?;
    let Some(source) = &arguments.source else { return checksum(arguments, &record) };
    let recipe = record.recipe(
        source.clone(),
        arguments.rollback.clone(),
        super::scratch_directory(None),
        std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
    );
    let recipe = recipe.map_err(BuildError::from)?;
    let mut progress = progress::listener(&arguments.talk);
    let mut verification = builder::verify(&arguments.artefact, &record, &recipe, progress.as_mut())?;
    if !verification.identical && record.tool_version() != env!("CARGO_PKG_VERSION") {
        let (then, now) = (record.tool_version(), env!("CARGO_PKG_VERSION"));
        verification.notes.push(format!("it was built by diskwright {then}, and this is {now}"));
    }
    let exit = if verification.identical { Exit::Success } else { Exit::Different };
    print(arguments, &verification).map(|()| exit)
}

fn print(arguments: &Verify, verification: &Verification) -> Result<(), Failure> {
    if arguments.talk.json { report::json(verification) } else { report::text(&verification.to_string()) }
}

/// Compares the file with its recorded checksum, which says nothing about the image.
fn checksum(arguments: &Verify, record: &Record) -> Result<Exit, Failure> {
    #[derive(Serialize)]
    struct Checked<'a> {
        path: &'a std::path::Path,
        sha256: &'a str,
        matches: bool,
    }
    let artefact = record.artefact(&arguments.artefact).map_err(BuildError::from)?;
    let failed = |source| BuildError::from(RecordError::Read { path: arguments.artefact.clone(), source });
    let mut hasher = Sha256::new();
    let mut file = open_file(&arguments.artefact).map_err(BuildError::from)?;
    io::copy(&mut file, &mut hasher).map_err(failed)?;
    let sha256 = format!("{:x}", hasher.finalize());
    let matches = sha256 == artefact.sha256;
    let checked = Checked { path: &arguments.artefact, sha256: &sha256, matches };
    if arguments.talk.json {
        report::json(&checked)?;
    } else {
        let path = arguments.artefact.display();
        report::text(&if matches {
            format!("{path}: has its recorded checksum\n  give its image with --source to build it again and compare\n")
        } else {
            format!("{path}: different from its record\n  expected   {}\n  found      {sha256}\n", artefact.sha256)
        })?;
    }
    Ok(if matches { Exit::Success } else { Exit::Different })
}
