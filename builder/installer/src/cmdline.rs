//! What the kernel command line asks of this program, with the arguments of [`MediumArgument`].

use std::time::Duration;

use builder_medium::{Finish, MediumArgument, Mode, Uuid};

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
            match MediumArgument::parse(&argument) {
                None => {}
                Some(Ok(own)) => asked.take(own),
                Some(Err(_)) => {
                    asked.mistakes.push(format!("the kernel command line has {key}={value}, which is not known"));
                }
            }
        }
        asked
    }

    fn take(&mut self, argument: MediumArgument) {
        match argument {
            MediumArgument::Mode(mode) => self.mode = mode,
            MediumArgument::Medium(medium) => self.medium = Some(medium),
            MediumArgument::Check(check) => self.check = check,
            MediumArgument::Answers(answers) => self.answers = Some(answers),
            MediumArgument::Wait(wait) => self.wait = wait,
            MediumArgument::End(end) => self.end = Some(end),
        }
    }
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
    use builder_medium::{Finish, Mode};

    use super::Asked;

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
