//! What a medium will do, in words.

use std::fmt;

use builder_block::{ByteSize, ReadAt as _};
use builder_boot::{MenuDefault, MenuSettings};
use builder_iso9660::media_check::{self, MediaCheckError, Verdict};
use builder_medium::{Mode, words};
use serde::Serialize;

use crate::error::BuildError;
use crate::medium::opened::Medium;
use crate::medium::own_arguments;

/// What a medium is, and what it does when a machine boots it.
#[derive(Clone, Debug, Serialize)]
pub struct ShownMedium {
    /// Its identity.
    pub id: String,
    /// The system's name.
    pub system: String,
    /// OCI name of the architecture.
    pub architecture: String,
    /// Digest of the image.
    pub digest: String,
    /// The image that the installed system asks for updates; absent where nobody named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracks: Option<String>,
    /// Bytes of the medium.
    pub size: u64,
    /// Bytes of the disk that it installs: a drive must have as many.
    pub disk_size: u64,
    /// What the menu shows, where it can be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub menu: Option<ShownMenu>,
    /// Whether a drive is erased without a question.
    pub unattended: bool,
    /// What its entry for installing does, a sentence each.
    pub installs: Vec<String>,
    /// Whether its checksum is right; absent where it was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intact: Option<bool>,
}

/// The menu of a medium.
#[derive(Clone, Debug, Serialize)]
pub struct ShownMenu {
    /// The system's name in it.
    pub title: String,
    /// Seconds after which the default is started.
    pub timeout: u32,
    /// `live` or `install`.
    pub default: &'static str,
    /// Kernel arguments of the medium alone.
    pub kargs: Vec<String>,
}

impl Medium {
    /// Says what it is and does; with `check`, all of it is read and compared with its checksum.
    ///
    /// # Errors
    /// Its answers are wrong, or it cannot be read.
    pub fn show(&self, check: bool) -> Result<ShownMedium, BuildError> {
        let manifest = self.manifest();
        let answers = self.answers()?;
        let intact = if check {
            match media_check::check(self.file()) {
                Ok(verdict) => Some(matches!(verdict, Verdict::Intact { .. })),
                Err(MediaCheckError::Io(source)) => {
                    return Err(BuildError::Read { path: self.path().to_owned(), source });
                }
                // It is a medium of ours, so that it was not always cut off or without a checksum that can be read.
                Err(_) => Some(false),
            }
        } else {
            None
        };
        Ok(ShownMedium {
            id: manifest.id.to_string(),
            system: manifest.system.name.clone(),
            architecture: manifest.system.architecture.clone(),
            digest: manifest.system.digest.clone(),
            tracks: manifest.system.tracks.clone(),
            size: self.file().size().bytes(),
            disk_size: manifest.disk.size,
            menu: self.settings().map(|settings| ShownMenu {
                title: settings.title.clone(),
                timeout: settings.timeout,
                default: default(settings).name(),
                kargs: settings.kargs.clone(),
            }),
            unattended: answers.unattended(),
            installs: words(&answers, manifest),
            intact,
        })
    }
}

/// What the menu starts by itself. All entries have its arguments, and they come last.
fn default(settings: &MenuSettings) -> MenuDefault {
    match own_arguments::mode(&settings.kargs) {
        None => settings.default,
        Some(Mode::Live) => MenuDefault::Live,
        Some(Mode::Install) => MenuDefault::Install,
    }
}

impl fmt::Display for ShownMedium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, system, architecture, digest, tracks, size, disk_size, menu, unattended, installs, intact } =
            self;
        writeln!(f, "{} ({})", system.escape_debug(), architecture.escape_debug())?;
        writeln!(f, "  medium    {id}, {}", ByteSize::new(*size))?;
        writeln!(f, "  image     {}", digest.escape_debug())?;
        match tracks {
            Some(tracks) => writeln!(f, "  tracks    {}", tracks.escape_debug())?,
            None => writeln!(f, "  tracks    nothing that was named when it was built")?,
        }
        writeln!(f, "  drive     {} at least", ByteSize::new(*disk_size))?;
        match intact {
            Some(true) => writeln!(f, "  checksum  as it was made")?,
            Some(false) => writeln!(f, "  checksum  damaged: it is not as it was made")?,
            None => {}
        }
        if let Some(ShownMenu { title, timeout, default, kargs }) = menu {
            let does = if *default == MenuDefault::Install.name() { "installs" } else { "tries" };
            writeln!(
                f,
                "\nThe menu shows \"{}\" and, after {timeout} s without a key, {does} it.",
                title.escape_debug()
            )?;
            if !kargs.is_empty() {
                writeln!(f, "All of its entries have the kernel arguments {}.", kargs.join(" ").escape_debug())?;
            }
        }
        writeln!(f, "\nTo install, it:")?;
        for sentence in installs {
            writeln!(f, "  - {sentence}")?;
        }
        if *unattended {
            writeln!(f, "\nIt ERASES a drive without a question.")?;
        }
        Ok(())
    }
}
