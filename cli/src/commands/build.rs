//! `diskwright build`.

use std::fs::File;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::Path;

use builder::lint::LintChoice;
use builder::{
    AnswersFile, Assembled, AuthorizedKeys, BuildError, Formats, Layout, LayoutError, MediumError, MediumOptions,
    Recipe,
};

use crate::args::{Build, MediumArguments};
use crate::place::Place;
use crate::progress;
use crate::report::{self, Failure};

pub(crate) fn run(arguments: &Build) -> Result<(), Failure> {
    let recipe = recipe(arguments)?;
    let mut progress = progress::listener(&arguments.talk);
    if arguments.dry_run {
        let assembled = Assembled::new(&recipe, progress.as_mut())?;
        let plan = assembled.prepare(progress.as_mut())?.into_plan(progress.as_mut())?;
        return if arguments.talk.json { report::json(&plan) } else { report::text(&plan.to_string()) };
    }
    // Before any work: a place that cannot be written is found out at once.
    let place = Place::of(&arguments.formats)?;
    let documents = if recipe.bundle.is_some() { &builder::DOCUMENTS[..] } else { &[] };
    let pending = place.begin(&recipe.formats, documents)?;
    for file in pending.iter() {
        recipe.refuse_source_as_output(file)?;
    }
    let assembled = Assembled::new(&recipe, progress.as_mut())?;
    let prepared = assembled.prepare(progress.as_mut())?;
    let beside = pending.names_beside_a_file();
    let outcome = prepared.write(pending, progress.as_mut())?;
    if arguments.talk.json {
        report::json(&outcome)?
    } else {
        report::text(&outcome.to_string())?
    }
    if !beside.is_empty() {
        progress::documents(&arguments.talk, &beside);
    }
    Ok(())
}

fn recipe(arguments: &Build) -> Result<Recipe, Failure> {
    let layout = arguments
        .layout
        .as_ref()
        .map(|path| {
            let text =
                std::fs::read_to_string(path).map_err(|source| LayoutError::Read { path: path.clone(), source })?;
            Layout::parse(&path.display().to_string(), &text)
        })
        .transpose()
        .map_err(builder::BuildError::from)?;
    Ok(Recipe {
        source: arguments.source.source.clone(),
        platform: arguments.source.platform(),
        layout,
        kargs: arguments.kargs.clone(),
        karg_deletes: arguments.karg_deletes.clone(),
        root_size: arguments.root_size,
        disk_size: arguments.disk_size,
        sector_size: arguments.sector_size,
        target_imgref: arguments.target_imgref.clone(),
        rollback: arguments.rollback.clone(),
        root_ssh_authorized_keys: arguments.root_ssh_authorized_keys.as_deref().map(authorized_keys).transpose()?,
        selinux: arguments.selinux,
        threads: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        stateroot: arguments.stateroot.clone(),
        lint: if arguments.no_lint {
            LintChoice::Off
        } else {
            LintChoice::Fatal(super::lint::allowed(&arguments.allow)?)
        },
        bootloader: arguments.bootloader,
        source_date_epoch: super::source_date_epoch()?,
        formats: Formats { medium: medium(arguments)?, ..arguments.formats.formats()? },
        bundle: (!arguments.dry_run && arguments.formats.has_bundle()).then(super::this_program),
        scratch: super::scratch_directory(
            if arguments.dry_run { None } else { Place::directory(&arguments.formats) }.as_deref(),
        ),
    })
}

fn medium(arguments: &Build) -> Result<MediumOptions, Failure> {
    let MediumArguments { volume_id, publisher, title, timeout, medium_kargs, answers } = &arguments.medium;
    Ok(MediumOptions {
        volume_id: volume_id.clone(),
        publisher: publisher.clone().unwrap_or_default(),
        title: title.clone(),
        timeout: *timeout,
        kargs: medium_kargs.clone(),
        answers: answers.as_deref().map(read_answers).transpose()?,
    })
}

pub(crate) fn read_answers(path: &Path) -> Result<AnswersFile, Failure> {
    // More than fits a medium, and no more of an endless file.
    const LIMIT: u64 = 1 << 20;
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text));
    read.map_err(|source| BuildError::from(MediumError::Answers { path: path.to_owned(), source }))?;
    Ok(AnswersFile::parse(&path.display().to_string(), text).map_err(BuildError::from)?)
}

fn authorized_keys(path: &Path) -> Result<AuthorizedKeys, Failure> {
    // More than any list that is taken, and no more of an endless file.
    const LIMIT: u64 = 1 << 20;
    let unusable = |problem: &dyn std::fmt::Display| Failure::Usage {
        message: format!("cannot use {} for --root-ssh-authorized-keys: {problem}", path.display()),
        hint: Some("give a file with public keys, one in a line, such as ~/.ssh/id_ed25519.pub".to_owned()),
    };
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes));
    read.map_err(|error| unusable(&error))?;
    AuthorizedKeys::parse(&bytes).map_err(|problem| unusable(&problem))
}
