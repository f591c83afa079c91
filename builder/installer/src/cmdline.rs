//! What the kernel command line asks of this program.
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
use builder_medium::{Finish, Uuid};

use crate::answers;

/// What is done with the medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A drive is written.
    #[default]
    Install,
    /// The system runs, and changes stay in memory.
    Live,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) mode: Mode,
    pub(crate) medium: Option<Uuid>,
    /// Whether the medium is checked first.
    pub(crate) check: bool,
    /// The text of the answers.
    pub(crate) answers: Option<String>,
    /// How long to wait for devices.
    pub(crate) wait: Duration,
    pub(crate) end: Option<Finish>,
    /// `root=`, as the live system is told.
    pub(crate) root: Option<String>,
    /// What was not understood, for people.
    pub(crate) mistakes: Vec<String>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            mode: Mode::Install,
            medium: None,
            check: true,
            answers: None,
            wait: Duration::from_secs(60),
            end: None,
            root: None,
            mistakes: Vec::new(),
        }
    }
}

impl Asked {
    /// Reads `/proc/cmdline`.
    pub(crate) fn parse(line: &str) -> Self {
        let mut asked = Self::default();
        for argument in arguments(line) {
            let (key, value) = argument.split_once('=').unwrap_or((&argument, ""));
            if key == "root" {
                asked.root = Some(value.to_owned());
            }
            let Some(key) = key.strip_prefix("diskwright.") else { continue };
            if asked.take(key, value).is_none() {
                asked
                    .mistakes
                    .push(format!("the kernel command line has diskwright.{key}={value}, which is not known"));
            }
        }
        asked
    }

    fn take(&mut self, key: &str, value: &str) -> Option<()> {
        match (key, value) {
            ("mode", "install") => self.mode = Mode::Install,
            ("mode", "live") => self.mode = Mode::Live,
            ("medium", _) => self.medium = Some(value.parse().ok()?),
            ("check", "yes") => self.check = true,
            ("check", "no") => self.check = false,
            ("answers", _) => self.answers = Some(decode(value)?),
            ("wait", _) => {
                self.wait = Duration::from_secs(value.parse().ok().filter(|&seconds: &u64| seconds <= 3600)?)
            }
            ("end", _) => self.end = Some(answers::finish(value)?),
            _ => return None,
        }
        Some(())
    }
}

fn decode(value: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(value.strip_prefix("base64:")?).ok()?).ok()
}

/// The words of the line; `"` keeps spaces together, as for the kernel.
fn arguments(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            letter if letter.is_ascii_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            letter => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use builder_medium::Finish;

    use super::{Asked, Mode};

    #[test]
    fn all_arguments_are_understood_and_mistakes_are_named() {
        let asked = Asked::parse(
            "BOOT_IMAGE=/vmlinuz quiet diskwright.mode=live diskwright.medium=00112233445566778899AABBCCDDEEFF \
             diskwright.check=no diskwright.answers=base64:YSA9IDEK diskwright.wait=5 diskwright.end=poweroff \
             root=/dev/loop77p2 dyndbg=\"file a +p\" diskwright.medum=1 diskwright.wait=soon\n",
        );
        assert_eq!(asked.mode, Mode::Live);
        assert_eq!(asked.medium.unwrap().to_string(), "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!((asked.check, asked.answers.as_deref(), asked.wait.as_secs()), (false, Some("a = 1\n"), 5));
        assert_eq!((asked.end, asked.root.as_deref()), (Some(Finish::PowerOff), Some("/dev/loop77p2")));
        let mistakes = [
            "the kernel command line has diskwright.medum=1, which is not known",
            "the kernel command line has diskwright.wait=soon, which is not known",
        ];
        assert_eq!(asked.mistakes, mistakes);
        assert_eq!(Asked::parse("quiet"), Asked::default());
    }
}
