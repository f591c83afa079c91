//! `diskwright convert`.

use std::num::NonZeroUsize;

use builder::{BuildError, Conversion, Platform, open_disk};

use crate::args::Convert;
use crate::place::Place;
use crate::progress;
use crate::report::{self, Failure};

pub(crate) fn run(arguments: &Convert) -> Result<(), Failure> {
    let formats = arguments.formats.formats()?;
    let platform = arguments.platform.clone().unwrap_or_else(|| Platform::host(std::env::consts::ARCH));
    let conversion = Conversion {
        path: &arguments.disk,
        formats: &formats,
        architecture: &platform.architecture,
        created: super::source_date_epoch()?.unwrap_or(0),
        threads: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
    };
    let disk = open_disk(&arguments.disk).map_err(BuildError::from)?;
    let place = Place::of(&arguments.formats)?;
    let documents = if arguments.formats.has_bundle() { &builder::CONVERTED_DOCUMENTS[..] } else { &[] };
    let pending = place.begin(&formats, documents)?;
    let mut progress = progress::listener(&arguments.talk);
    let converted = conversion.write(&disk, pending, progress.as_mut())?;
    if arguments.talk.json { report::json(&converted) } else { report::text(&converted.to_string()) }
}
