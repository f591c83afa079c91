//! The answers: what whoever boots the medium would be asked, said in advance, as TOML.
//!
//! ```text
//!             ┌ destructive, drive ─► DriveRules ── choose(drives) ─► Choice
//!  TOML ──────┤ system, users, network ─► what is set in the system that was written
//!             └ finish ─► Finish
//! ```
//!
//! A key that is not known, a value that cannot be, or a name twice makes the whole file useless: what is not understood
//! would else be left out on a machine that nobody looks at. `templates/answers.example.toml` explains every key, and
//! `templates/answers.schema.json` is the same as a JSON Schema.

mod bus;
mod choice;
mod document;
mod drive;
mod error;
mod keys;
mod names;
mod network;
mod password;
mod pattern;
mod system;
mod users;
mod words;

pub use bus::Bus;
pub use choice::Choice;
pub use drive::{DriveFacts, DriveRules, Mismatch};
pub use error::{AnswersError, Problem};
pub use keys::is_public_key;
pub use network::{NetworkFile, NetworkService};
pub use password::PasswordHash;
pub use pattern::{Pattern, PatternError};
pub use system::SystemAnswers;
pub use users::User;
pub use words::words;

use document::Document;

/// Longest file of answers in bytes.
pub const MOST_ANSWERS: usize = 64 << 10;

/// What was answered in advance. Nothing is answered by the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Whether the drive may be erased without a question; there is a rule in [`drive`](Self::drive) then.
    pub destructive: bool,
    /// Which drive.
    pub drive: DriveRules,
    /// What is set in the system.
    pub system: SystemAnswers,
    /// Who is made, names and user ids once each. `root` is there already, and gets what is said of it.
    pub users: Vec<User>,
    /// Files that set up the network, each name once.
    pub network: Vec<NetworkFile>,
    /// What the machine does then. `None`: it asks, or without a question reboots.
    pub finish: Option<Finish>,
}

/// What the machine does when the medium is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Boots the system.
    Reboot,
    /// Switches itself off.
    PowerOff,
    /// Stops.
    Halt,
}

impl Finish {
    pub(crate) const ALL: [Self; 3] = [Self::Reboot, Self::PowerOff, Self::Halt];

    /// The word for it in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reboot => "reboot",
            Self::PowerOff => "poweroff",
            Self::Halt => "halt",
        }
    }
}

impl Answers {
    /// Reads answers; `name` says in messages where they come from. White space alone is no answers.
    ///
    /// # Errors
    /// [`AnswersError`] with all that is wrong, each with its line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self, AnswersError> {
        if text.len() > MOST_ANSWERS {
            return Err(AnswersError::Length { name: name.to_owned(), length: text.len() });
        }
        let known = ["destructive", "drive", "system", "users", "network", "finish"];
        let (answers, problems) = Document::read(text, &known, |whole| {
            let answers = Self {
                destructive: whole.boolean("destructive").unwrap_or_default(),
                drive: DriveRules::read(whole),
                system: SystemAnswers::read(whole),
                users: User::read_all(whole),
                network: NetworkFile::read_all(whole),
                finish: whole.table("finish", &["action"]).and_then(|finish| {
                    finish.one_of("action", Finish::ALL.map(Finish::name)).map(|at| Finish::ALL[at])
                }),
            };
            if answers.destructive && !answers.drive.has_rules() {
                whole.wrong(
                    "destructive",
                    "a drive is erased without a question only if [drive] has a rule that says which one",
                );
            }
            answers
        });
        if problems.is_empty() {
            Ok(answers.unwrap_or_default())
        } else {
            Err(AnswersError::Wrong { name: name.to_owned(), problems })
        }
    }

    /// Whether the medium erases a drive without asking anyone.
    #[must_use]
    pub fn unattended(&self) -> bool {
        self.destructive && self.drive.has_rules()
    }
}
