//! `diskwright iso`.

use std::path::PathBuf;

use builder::{BuildError, Medium, MediumChanges, MediumPart, PendingFile};
use clap::{Args, Subcommand};

use crate::args::Talk;
use crate::commands::build::read_answers;
use crate::exit::Exit;
use crate::progress;
use crate::report::{self, Failure};

/// Say what an installer medium does, change it in place, or take parts out of it
#[derive(Debug, Subcommand)]
pub(crate) enum Iso {
    /// Say in words what the medium does when a machine boots it
    #[command(after_help = crate::exit::HELP)]
    Show(Show),
    /// Change answers and menu in place, without a build, and the checksum with them
    #[command(after_help = crate::exit::HELP)]
    Edit(Edit),
    /// Make answers and menu again what they were when it was built
    #[command(after_help = crate::exit::HELP)]
    Reset(Reset),
    /// Take a part out: kernel, initramfs, installer, disk, or the archive for a boot server
    #[command(after_help = crate::exit::HELP)]
    Extract(Extract),
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The medium
    #[arg(value_name = "ISO")]
    medium: PathBuf,

    /// Read all of it and compare it with its checksum; leaves with 4 where it is damaged
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    talk: Talk,
}

#[derive(Debug, Args)]
#[group(id = "change", required = true, multiple = true)]
pub(crate) struct Edit {
    /// The medium
    #[arg(value_name = "ISO", group = "file")]
    medium: PathBuf,

    /// A file of answers in TOML, in place of those that are there
    #[arg(long, value_name = "FILE", group = "change")]
    answers: Option<PathBuf>,

    /// Take the answers away: everything is asked
    #[arg(long, conflicts_with = "answers", group = "change")]
    no_answers: bool,

    /// Name of the system in the menu
    #[arg(long, value_name = "TEXT", group = "change")]
    title: Option<String>,

    /// Seconds after which the menu starts its default
    #[arg(long = "menu-timeout", value_name = "SECONDS", group = "change")]
    timeout: Option<u32>,

    /// A kernel argument for the medium alone; all that are given take the place of those that are there (repeatable)
    #[arg(long = "medium-karg", value_name = "ARG", allow_hyphen_values = true, group = "change")]
    kargs: Vec<String>,

    /// Take away all kernel arguments of the medium alone
    #[arg(long, conflicts_with = "kargs", group = "change")]
    no_medium_kargs: bool,

    #[command(flatten)]
    talk: Talk,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// The medium
    #[arg(value_name = "ISO")]
    medium: PathBuf,

    #[command(flatten)]
    talk: Talk,
}

#[derive(Debug, Args)]
pub(crate) struct Extract {
    /// The medium
    #[arg(value_name = "ISO")]
    medium: PathBuf,

    /// The part: kernel, initramfs, installer, disk or pxe
    #[arg(value_name = "PART")]
    part: MediumPart,

    /// The file to write [default: vmlinuz, initrd.img, diskwright.img, disk.raw or pxe.tar]
    #[arg(short, long, value_name = "OUTPUT")]
    output: Option<PathBuf>,

    #[command(flatten)]
    talk: Talk,
}

pub(crate) fn run(iso: &Iso) -> Result<Exit, Failure> {
    match iso {
        Iso::Show(arguments) => {
            let shown = Medium::open(&arguments.medium)?.show(arguments.check)?;
            if arguments.talk.json { report::json(&shown) } else { report::text(&shown.to_string()) }?;
            Ok(if shown.intact == Some(false) { Exit::ValidationFailed } else { Exit::Success })
        }
        Iso::Edit(arguments) => {
            let Edit { medium, answers, no_answers, title, timeout, kargs, no_medium_kargs, talk } = arguments;
            let answers = match answers {
                Some(path) => Some(Some(read_answers(path)?)),
                None => no_answers.then_some(None),
            };
            let kargs = (!kargs.is_empty() || *no_medium_kargs).then(|| kargs.clone());
            let changes = MediumChanges { title: title.clone(), timeout: *timeout, kargs, answers };
            Medium::open(medium)?.edit(&changes)?;
            show(medium, talk)
        }
        Iso::Reset(Reset { medium, talk }) => {
            Medium::open(medium)?.reset()?;
            show(medium, talk)
        }
        Iso::Extract(Extract { medium, part, output, talk }) => {
            let path = output.clone().unwrap_or_else(|| part.file_name().into());
            let path = if path.is_dir() { path.join(part.file_name()) } else { path };
            let opened = Medium::open(medium)?;
            let pending = PendingFile::create(&path).map_err(BuildError::from)?;
            opened.extract(*part, pending, progress::listener(talk).as_mut())?;
            report::text(&format!("{}: {part}\n", path.display()))?;
            Ok(Exit::Success)
        }
    }
}

/// What it is now.
fn show(medium: &std::path::Path, talk: &Talk) -> Result<Exit, Failure> {
    let shown = Medium::open(medium)?.show(false)?;
    if talk.json { report::json(&shown) } else { report::text(&shown.to_string()) }?;
    Ok(Exit::Success)
}
