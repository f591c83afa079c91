//! What is chosen for a medium beside its system.

use builder_boot::MenuDefault;
use builder_iso9660::Volume;
use builder_medium::{Answers, Disk};
use serde::{Deserialize, Serialize};

use crate::medium::error::MediumError;
use crate::medium::own_arguments;

/// Room for the answers on a medium in bytes.
pub(crate) const ANSWERS_ROOM: u64 = 64 << 10;
/// Room for the settings of the menu in bytes.
pub(crate) const SETTINGS_ROOM: u64 = 4 << 10;

/// What is chosen for a medium beside its system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediumOptions {
    /// Volume identifier: 1 to 32 of `A-Z`, `0-9` and `_`; `None` for the system's name and version.
    pub volume_id: Option<String>,
    /// Who publishes it; empty where nobody says.
    pub publisher: String,
    /// The system's name in the menu; `None` for its own.
    pub title: Option<String>,
    /// Seconds after which the menu's default is started.
    pub timeout: u32,
    /// Kernel arguments of the medium alone.
    pub kargs: Vec<String>,
    /// Answers, where the medium is not to ask.
    pub answers: Option<AnswersFile>,
}

impl Default for MediumOptions {
    fn default() -> Self {
        Self { volume_id: None, publisher: String::new(), title: None, timeout: 10, kargs: Vec::new(), answers: None }
    }
}

/// A file of answers that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AnswersFile {
    text: String,
    unattended: bool,
    fresh_ids: bool,
}

impl From<AnswersFile> for String {
    fn from(answers: AnswersFile) -> Self {
        answers.text
    }
}

impl TryFrom<String> for AnswersFile {
    type Error = MediumError;

    fn try_from(text: String) -> Result<Self, MediumError> {
        Self::parse("the recorded answers", text)
    }
}

impl AnswersFile {
    /// Reads answers; `name` is that of their file, for errors.
    ///
    /// # Errors
    /// [`MediumError::WrongAnswers`] with all that is wrong.
    pub fn parse(name: &str, text: String) -> Result<Self, MediumError> {
        let answers = Answers::parse(name, &text)?;
        Ok(Self { unattended: answers.unattended(), fresh_ids: answers.drive.fresh_ids, text })
    }

    /// That what `disk` says of its files allows what is asked for.
    ///
    /// # Errors
    /// [`MediumError::FreshIds`]: it is to get other identities, and cannot.
    pub(crate) fn check(&self, disk: &Disk) -> Result<(), MediumError> {
        match disk.fresh_ids() {
            Err(reason) if self.fresh_ids => Err(MediumError::FreshIds { reason }),
            _ => Ok(()),
        }
    }

    /// Whether the disk, its partitions and file systems are to get identities of their own.
    pub(crate) fn wants_fresh_ids(&self) -> bool {
        self.fresh_ids
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The menu's entry for them: a medium that is not to ask installs by itself, as does one that cannot be tried.
    pub(crate) fn default_entry(answers: Option<&Self>, can_be_tried: bool) -> MenuDefault {
        if !can_be_tried || answers.is_some_and(|answers| answers.unattended) {
            MenuDefault::Install
        } else {
            MenuDefault::Live
        }
    }
}

impl MediumOptions {
    /// Looks through what is not looked through where it is made, before an image is read for it.
    ///
    /// # Errors
    /// A kernel argument, the volume identifier or the publisher cannot be written down.
    pub(crate) fn check(&self) -> Result<(), MediumError> {
        check_arguments(&self.kargs)?;
        // Where nobody gives an identifier, one that fits is made of the system's name.
        let id = self.volume_id.clone().unwrap_or_else(|| "NAMED_LATER".to_owned());
        let volume = Volume { id, publisher: self.publisher.clone(), ..Volume::default() };
        Ok(volume.check()?)
    }

    /// What tells media of one system apart: part of the medium's identity.
    pub(crate) fn canonical(&self) -> String {
        let Self { volume_id, publisher, title, timeout, kargs, answers } = self;
        let answers = answers.as_ref().map(|answers| answers.text.as_str());
        format!("{:?}", (volume_id, publisher, title, timeout, kargs, answers))
    }

    /// The text for the room of the answers.
    pub(crate) fn answers_text(&self) -> Result<Vec<u8>, MediumError> {
        let text = self.answers.as_ref().map(|answers| answers.text.as_str()).unwrap_or_default();
        // What it was built with is kept without them, and `reset` gives the same bytes.
        filled("file of answers", text.trim_ascii_end(), ANSWERS_ROOM)
    }
}

/// Looks through kernel arguments of the medium alone.
///
/// # Errors
/// [`MediumError::Argument`]: one cannot be written into a menu; [`MediumError::OwnArgument`]: one would make the medium
/// do something else than it says.
pub(crate) fn check_arguments(kargs: &[String]) -> Result<(), MediumError> {
    kargs.iter().try_for_each(|karg| {
        builder_boot::check_argument(karg).map_err(MediumError::Argument)?;
        own_arguments::check_of_medium(karg)
    })
}

/// `text` with line feeds up to the length of its room.
pub(crate) fn filled(what: &'static str, text: &str, room: u64) -> Result<Vec<u8>, MediumError> {
    let length = text.len() as u64;
    if length > room {
        return Err(MediumError::TooLong { what, length, limit: room });
    }
    let mut bytes = text.as_bytes().to_vec();
    // The rooms have some KiB.
    bytes.resize(usize::try_from(room).unwrap_or(bytes.len()), b'\n');
    Ok(bytes)
}
