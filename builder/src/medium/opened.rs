//! A finished medium: what it says of itself, and the places where it can be changed.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use builder_block::{PlainFile, ReadAt, Sink};
use builder_boot::{MenuFile, MenuSettings};
use builder_iso9660::media_check::{MediaCheckError, Release, implant};
use builder_iso9660::{LocateError, Located, locate};
use builder_medium::{ANSWERS, Answers, BLOCKS, BlockTable, MANIFEST, Manifest};

use crate::error::BuildError;
use crate::medium::error::MediumError;
use crate::medium::esp::{self, EspError, menu_bytes};
use crate::medium::image::{BUILT_ANSWERS, BUILT_SETTINGS, SETTINGS, at};
use crate::medium::options::{ANSWERS_ROOM, AnswersFile, SETTINGS_ROOM, check_arguments, filled};
use crate::open::open_file;
use crate::output::{OutputError, uninterrupted};

/// More than any file of a medium's that is read whole, but for the table of blocks, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// An installer medium in a file.
#[derive(Debug)]
pub struct Medium {
    path: PathBuf,
    file: PlainFile,
    manifest: Manifest,
    settings: Option<MenuSettings>,
    answers: String,
}

/// What is to be changed on a medium; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct MediumChanges {
    /// The system's name in the menu.
    pub title: Option<String>,
    /// Seconds after which the menu's default is started.
    pub timeout: Option<u32>,
    /// Further kernel arguments, in place of those that were there.
    pub kargs: Option<Vec<String>>,
    /// Answers; `Some(None)` takes them away.
    pub answers: Option<Option<AnswersFile>>,
}

impl Medium {
    /// Opens the medium at `path`.
    ///
    /// # Errors
    /// [`MediumError::NoMedium`] for a file that is none; or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, BuildError> {
        let read = |source| BuildError::Read { path: path.to_owned(), source };
        let file = PlainFile::new(open_file(path)?).map_err(read)?;
        let none = |reason: String| BuildError::from(MediumError::NoMedium { path: path.to_owned(), reason });
        let manifest = whole(&file, path, &at(MANIFEST))?;
        let manifest = Manifest::read(&manifest).map_err(|error| none(chain(&error)))?;
        let text = |name: &str| -> Result<String, BuildError> {
            String::from_utf8(whole(&file, path, &at(name))?).map_err(|_| none(format!("/{} is no text", at(name))))
        };
        let settings = MenuSettings::parse(&text(SETTINGS)?);
        let answers = text(ANSWERS)?.trim_ascii_end().to_owned();
        Ok(Self { path: path.to_owned(), settings, answers, file, manifest })
    }

    /// What it installs.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its menu's settings; `None` where they cannot be changed.
    #[must_use]
    pub fn settings(&self) -> Option<&MenuSettings> {
        self.settings.as_ref()
    }

    /// Its answers, as they are on it.
    ///
    /// # Errors
    /// [`MediumError::WrongAnswers`]: something else than this changed them.
    pub fn answers(&self) -> Result<Answers, BuildError> {
        Ok(Answers::parse(ANSWERS, &self.answers).map_err(MediumError::from)?)
    }

    /// The text of its answers, without blanks at its end.
    pub(crate) fn answers_text(&self) -> &str {
        &self.answers
    }

    /// The text of the table of blocks.
    pub(crate) fn blocks(&self) -> Result<Vec<u8>, BuildError> {
        at_most(&self.file, &self.path, &at(BLOCKS), BlockTable::MOST_BYTES)
    }

    /// The file.
    pub(crate) fn file(&self) -> &PlainFile {
        &self.file
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file of the medium lies.
    pub(crate) fn find(&self, path: &str) -> Result<Located, BuildError> {
        find(&self.file, &self.path, path)
    }

    /// Where a file lies that its boot loader reads: systemd-boot has them in the EFI system partition.
    pub(crate) fn find_for_loader(&self, path: &str) -> Result<Located, BuildError> {
        if self.has_systemd_boot() { self.find_in_esp(path) } else { self.find(path) }
    }

    fn find_in_esp(&self, path: &str) -> Result<Located, BuildError> {
        let none = |reason| MediumError::NoMedium { path: self.path.clone(), reason };
        match esp::locate(&self.file, path) {
            Ok(Some(located)) => Ok(located),
            Ok(None) => Err(none(format!("its EFI system partition has no /{path}")).into()),
            Err(EspError::Io(source)) => Err(BuildError::Read { path: self.path.clone(), source }),
            Err(EspError::Damaged(reason)) => Err(none(reason).into()),
        }
    }

    fn has_systemd_boot(&self) -> bool {
        self.manifest.system.loader.kind == "systemd-boot"
    }

    /// The files of systemd-boot's menu, as their templates are on the medium.
    fn menu(&self) -> Result<Vec<MenuFile>, BuildError> {
        let mut files = Vec::new();
        for path in MenuFile::PATHS {
            // The entry for trying is not on every medium.
            if self.manifest.system.live || path != MenuFile::LIVE {
                let template = whole(&self.file, &self.path, &at(path))?;
                let template = String::from_utf8(template).map_err(|_| MediumError::NoMedium {
                    path: self.path.clone(),
                    reason: format!("/{} is no text", at(path)),
                })?;
                files.push(MenuFile { path, template });
            }
        }
        Ok(files)
    }

    /// Changes the medium in place, its checksum included.
    ///
    /// # Errors
    /// What is to be changed is too long or cannot be changed; or the file cannot be written.
    pub fn edit(&self, changes: &MediumChanges) -> Result<(), BuildError> {
        let MediumChanges { title, timeout, kargs, answers } = changes;
        if let Some(Some(answers)) = answers {
            answers.check(&self.manifest.disk)?;
        }
        check_arguments(kargs.as_deref().unwrap_or_default())?;
        let mut settings = self.settings.clone();
        if let Some(settings) = &mut settings {
            if let Some(title) = title {
                settings.title.clone_from(title);
            }
            settings.timeout = timeout.unwrap_or(settings.timeout);
            if let Some(kargs) = kargs {
                settings.kargs.clone_from(kargs);
            }
            if let Some(answers) = answers {
                settings.default = AnswersFile::default_entry(answers.as_ref(), self.manifest.system.live);
            }
        } else if title.is_some() || timeout.is_some() || kargs.is_some() || answers.is_some() {
            // Answers decide what the menu starts by itself.
            return Err(MediumError::FixedMenu { path: self.path.clone() }.into());
        }
        let answers = match answers {
            Some(answers) => answers.as_ref().map(AnswersFile::text).unwrap_or_default(),
            None => &self.answers,
        };
        let text = settings.as_ref().map(MenuSettings::text);
        self.write(text.as_deref(), settings.as_ref(), answers)
    }

    /// Makes it again what it was when it was built.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn reset(&self) -> Result<(), BuildError> {
        let text = |name: &str| -> Result<String, BuildError> {
            let bytes = whole(&self.file, &self.path, &at(name))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let mut settings = text(BUILT_SETTINGS)?;
        settings.push('\n');
        self.write(Some(&settings), MenuSettings::parse(&settings).as_ref(), &text(BUILT_ANSWERS)?)
    }

    /// Writes all rooms, and the checksum over all.
    fn write(&self, text: Option<&str>, settings: Option<&MenuSettings>, answers: &str) -> Result<(), BuildError> {
        let in_volume = |name, bytes| Ok::<_, BuildError>((at(name), self.find(&at(name))?, bytes));
        let mut rooms = vec![in_volume(ANSWERS, filled("file of answers", answers.trim_ascii_end(), ANSWERS_ROOM)?)?];
        if let Some(text) = text {
            rooms.push(in_volume(SETTINGS, filled("title and kernel arguments", text, SETTINGS_ROOM)?)?);
        }
        if let Some(settings) = settings.filter(|_| self.has_systemd_boot()) {
            for file in self.menu()? {
                let place = self.find_in_esp(file.path)?;
                rooms.push((file.path.to_owned(), place, menu_bytes(&file, settings)?));
            }
        }
        let mut overlay = Overlay { file: &self.file, written: Vec::new() };
        for (path, place, bytes) in rooms {
            if place.length != bytes.len() as u64 {
                let reason = format!("/{path} has {} bytes, not {}", place.length, bytes.len());
                return Err(MediumError::NoMedium { path: self.path.clone(), reason }.into());
            }
            overlay.written.push((place.offset, bytes));
        }
        let failed = |source| BuildError::Read { path: self.path.clone(), source };
        implant(&mut overlay, Release::Supported).map_err(|error| match error {
            MediaCheckError::Io(error) => failed(error),
            other => MediumError::NoMedium { path: self.path.clone(), reason: other.to_string() }.into(),
        })?;
        let failed = |source| OutputError::Write { path: self.path.clone(), source };
        let mut file = OpenOptions::new().write(true).open(&self.path).map_err(failed)?;
        // All is known now, and what is written is short.
        let written = uninterrupted(|| {
            overlay.written.iter().try_for_each(|(offset, bytes)| Sink::write_at(&mut file, *offset, bytes))?;
            file.sync_data()
        });
        Ok(written.map_err(|source| OutputError::InPlace { path: self.path.clone(), source })?)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn find(file: &PlainFile, medium: &Path, path: &str) -> Result<Located, BuildError> {
    let none = |reason| MediumError::NoMedium { path: medium.to_owned(), reason };
    match locate(file, path) {
        Ok(Some(located)) => Ok(located),
        Ok(None) => Err(none(format!("it has no /{path}")).into()),
        Err(LocateError::Io(source)) => Err(BuildError::Read { path: medium.to_owned(), source }),
        Err(other) => Err(none(other.to_string()).into()),
    }
}

/// All bytes of a short file of the medium.
fn whole(file: &PlainFile, medium: &Path, path: &str) -> Result<Vec<u8>, BuildError> {
    at_most(file, medium, path, MOST_BYTES)
}

fn at_most(file: &PlainFile, medium: &Path, path: &str, most: u64) -> Result<Vec<u8>, BuildError> {
    let Located { offset, length } = find(file, medium, path)?;
    if length > most {
        let reason = format!("/{path} has {length} bytes, and {most} are the most");
        return Err(MediumError::NoMedium { path: medium.to_owned(), reason }.into());
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_at(offset, &mut bytes).map_err(|source| BuildError::Read { path: medium.to_owned(), source })?;
    Ok(bytes)
}

/// A file with what will be written to it.
struct Overlay<'a> {
    file: &'a PlainFile,
    written: Vec<(u64, Vec<u8>)>,
}

impl Sink for Overlay<'_> {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.written.push((offset, bytes.to_vec()));
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buffer)?;
        let end = offset + buffer.len() as u64;
        for (start, bytes) in &self.written {
            let (from, to) = (offset.max(*start), end.min(start + bytes.len() as u64));
            if from < to {
                let inside = |at: u64, begin: u64| usize::try_from(at - begin).map_err(io::Error::other);
                let here = inside(from, offset)?..inside(to, offset)?;
                buffer[here].copy_from_slice(&bytes[inside(from, *start)?..inside(to, *start)?]);
            }
        }
        Ok(())
    }

    fn end_at(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
