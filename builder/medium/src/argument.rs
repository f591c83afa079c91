//! What a kernel argument asks of the program on a medium.
//!
//! | argument | meaning | where it is not given |
//! |---|---|---|
//! | `diskwright.mode=install\|live` | write the system to a drive, or run it without one | `install` |
//! | `diskwright.medium=UUID` | the medium's identity | nothing can be found |
//! | `diskwright.check=yes\|no` | read all of the medium before a drive is erased | `yes`; Esc skips it |
//! | `diskwright.answers=base64:TEXT` | answers, in place of those on the medium | the medium's |
//! | `diskwright.wait=SECONDS` | how long to wait for the medium, and for a drive that answers name | 60 |
//! | `diskwright.end=reboot\|poweroff\|halt` | what follows an installation, whatever the answers say | the answers' |
//!
//! Other arguments that begin with `diskwright.` are a mistake that is shown, since they were meant for this program.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::answers::Finish;

/// What all of them begin with.
const PREFIX: &str = "diskwright.";

/// The longest that the program waits for a device, in seconds.
const LONGEST_WAIT: u64 = 3600;

/// What is done with the medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A drive is written.
    #[default]
    Install,
    /// The system runs, and changes stay in memory.
    Live,
}

/// A kernel argument for the program on a medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediumArgument {
    /// What is done.
    Mode(Mode),
    /// The medium's identity.
    Medium(Uuid),
    /// Whether the medium is checked first.
    Check(bool),
    /// The text of the answers.
    Answers(String),
    /// How long to wait for devices: an hour at most.
    Wait(Duration),
    /// What follows an installation.
    End(Finish),
}

impl MediumArgument {
    /// Reads an argument; `None` where it is meant for somebody else.
    ///
    /// # Errors
    /// The program does not know it: what it may be, as a sentence without a full stop.
    #[must_use]
    pub fn parse(argument: &str) -> Option<Result<Self, &'static str>> {
        let own = argument.strip_prefix(PREFIX)?;
        let (key, value) = own.split_once('=').unwrap_or((own, ""));
        Some(match key {
            "mode" => match value {
                "install" => Ok(Self::Mode(Mode::Install)),
                "live" => Ok(Self::Mode(Mode::Live)),
                _ => Err("it is `install` or `live`"),
            },
            "medium" => value.parse().map(Self::Medium).map_err(|_| "it is the identity of a medium"),
            "check" => match value {
                "yes" => Ok(Self::Check(true)),
                "no" => Ok(Self::Check(false)),
                _ => Err("it is `yes` or `no`"),
            },
            "answers" => decode(value).map(Self::Answers).ok_or("it is `base64:` and the answers in Base64"),
            "wait" => {
                let seconds = value.parse().ok().filter(|&seconds| seconds <= LONGEST_WAIT);
                seconds.map(Duration::from_secs).map(Self::Wait).ok_or("it is a number of seconds, 3600 at most")
            }
            "end" => {
                let finish = Finish::ALL.into_iter().find(|finish| finish.name() == value);
                finish.map(Self::End).ok_or("it is `reboot`, `poweroff` or `halt`")
            }
            _ => Err("the program on the medium does not know it"),
        })
    }
}

fn decode(value: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(value.strip_prefix("base64:")?).ok()?).ok()
}
