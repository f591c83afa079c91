//! What a medium that installs says of itself: written by whoever makes the medium, read by the program on it.
//!
//! ```text
//!  /diskwright/medium.json     Manifest     what is installed, and how the payload is laid out
//!  /diskwright/blocks          BlockTable   the hash of each block of the disk that has data
//!  /diskwright/answers.toml    Answers      what someone would be asked, said in advance
//!  /diskwright/payload.sqfs                 the disk itself, in a squashfs
//! ```

mod answers;
mod argument;
mod blocks;
mod error;
mod manifest;

pub use answers::{
    Answers, AnswersError, Bus, Choice, DriveFacts, DriveRules, Finish, MOST_ANSWERS, Mismatch, NetworkFile,
    NetworkService, PasswordHash, Pattern, PatternError, Problem, SystemAnswers, User, is_public_key, words,
};
pub use argument::{MediumArgument, Mode};
pub use blocks::{Block, BlockTable};
pub use error::MediumError;
pub use manifest::{Disk, Loader, Manifest, NamedBy, Partition, Payload, System};
pub use uuid::Uuid;

/// The directory of a medium that all this lies in.
pub const DIRECTORY: &str = "diskwright";
/// The [`Manifest`], in [`DIRECTORY`].
pub const MANIFEST: &str = "medium.json";
/// The [`BlockTable`], in [`DIRECTORY`].
pub const BLOCKS: &str = "blocks";
/// The answers, in [`DIRECTORY`]: TOML, filled up with line feeds to a fixed size. Where it has nothing else, someone is
/// asked.
pub const ANSWERS: &str = "answers.toml";
/// The squashfs, in [`DIRECTORY`].
pub const PAYLOAD: &str = "payload.sqfs";
/// The one file of the squashfs.
pub const DISK: &str = "disk.raw";
