//! The consoles of the machine: what is shown is shown on all of them, and whichever is typed on is heard.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::log::note;
use crate::screen::{plain, wrap};

/// A console that takes nothing for so long is left alone: a serial line may have nobody at its other end.
const PATIENCE: Duration = Duration::from_secs(6);
/// What follows Escape within this time is a key's sequence, and no Escape.
const SEQUENCE: Duration = Duration::from_millis(60);
/// Longest line that is typed.
const LONGEST: usize = 200;

/// What was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Letter(char),
    Enter,
    Erase,
    EraseLine,
    Escape,
    /// Ctrl-C
    Interrupt,
}

/// All consoles.
#[derive(Debug, Default)]
pub(crate) struct Console {
    terminals: Vec<Terminal>,
    keys: VecDeque<Key>,
}

#[derive(Debug)]
struct Terminal {
    name: String,
    file: File,
    /// How it was set; `None` where it is no terminal but a file or the like.
    before: Option<Termios>,
    /// Whether it takes nothing at the moment.
    stuck: bool,
}

impl Console {
    /// All that the kernel shows its messages on.
    pub(crate) fn all() -> Self {
        let names = fs::read_to_string("/proc/consoles").unwrap_or_default();
        let mut console = Self::default();
        for name in names.lines().filter_map(|line| line.split_ascii_whitespace().next()) {
            console.add(&Path::new("/dev").join(name));
        }
        if console.terminals.is_empty() {
            console.add(Path::new("/dev/console"));
        }
        console
    }

    /// The terminal of whoever started this program.
    pub(crate) fn own() -> Option<Self> {
        let mut console = Self::default();
        console.add(Path::new("/dev/tty"));
        (!console.terminals.is_empty()).then_some(console)
    }

    /// One on which these keys were typed.
    #[cfg(test)]
    pub(crate) fn typed(keys: &[Key]) -> Self {
        Self { terminals: Vec::new(), keys: keys.iter().copied().collect() }
    }

    fn add(&mut self, path: &Path) {
        let flags = i32::try_from((OFlags::NOCTTY | OFlags::NONBLOCK).bits()).unwrap_or_default();
        let file = match OpenOptions::new().read(true).write(true).custom_flags(flags).open(path) {
            Ok(file) => file,
            Err(error) => return note(format!("console {} is left out: {error}", path.display())),
        };
        let before = tcgetattr(&file).ok();
        if let Some(before) = &before {
            // Keys as they are typed, and shown by this program, which shows them on the other consoles too.
            let mut settings = before.clone();
            settings.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
            // Ctrl-S would stop what is shown.
            settings.input_modes.remove(InputModes::IXON);
            settings.special_codes[SpecialCodeIndex::VMIN] = 1;
            settings.special_codes[SpecialCodeIndex::VTIME] = 0;
            if let Err(error) = tcsetattr(&file, OptionalActions::Now, &settings) {
                note(format!("console {} keeps its settings: {error}", path.display()));
            }
        }
        self.terminals.push(Terminal { name: path.display().to_string(), file, before, stuck: false });
    }

    /// Whether any can be typed on.
    pub(crate) fn can_be_typed_on(&self) -> bool {
        self.terminals.iter().any(|terminal| terminal.before.is_some())
    }

    /// Shows text on all of them.
    pub(crate) fn write(&mut self, text: &str) {
        for terminal in &mut self.terminals {
            terminal.write(text);
        }
    }

    /// Shows a text on all of them, which is kept in the log too.
    pub(crate) fn say(&mut self, text: &str) {
        note(text);
        for line in wrap(text) {
            self.write(&format!("{line}\n"));
        }
    }

    /// Shows a line that logs are searched for, and so is not broken.
    pub(crate) fn mark(&mut self, line: &str) {
        note(line);
        self.write(&format!("\n{}\n", plain(line)));
    }

    /// Shows a line in place of the last where that can be, or else as a new one if `plain`.
    pub(crate) fn redraw(&mut self, line: &str, plain: bool) {
        for terminal in &mut self.terminals {
            if terminal.before.is_some() {
                terminal.write(&format!("\r{line:<79}"));
            } else if plain {
                terminal.write(&format!("{line}\n"));
            }
        }
    }

    /// Ends a line that was drawn again and again.
    pub(crate) fn end_line(&mut self) {
        for terminal in self.terminals.iter_mut().filter(|terminal| terminal.before.is_some()) {
            terminal.write("\n");
        }
    }

    /// A line that somebody types behind `prompt`; `None` for Escape and Ctrl-C, or where nobody can type.
    pub(crate) fn ask(&mut self, prompt: &str) -> Option<String> {
        self.write(prompt);
        let mut line = String::new();
        loop {
            let Some(key) = self.key(None) else {
                note("no console can be typed on");
                return None;
            };
            match key {
                Key::Enter => {
                    self.write("\n");
                    note(format!("{prompt}{line}"));
                    return Some(line.trim().to_owned());
                }
                Key::Escape | Key::Interrupt => {
                    self.write("\n");
                    return None;
                }
                Key::Erase if line.pop().is_some() => self.write("\x08 \x08"),
                Key::Erase => {}
                Key::EraseLine => {
                    self.write(&"\x08 \x08".repeat(line.len()));
                    line.clear();
                }
                Key::Letter(letter) if line.len() < LONGEST => {
                    line.push(letter);
                    self.write(letter.encode_utf8(&mut [0; 4]));
                }
                Key::Letter(_) => {}
            }
        }
    }

    /// The next key, waiting for `wait` or for ever; `None` where none came, or none can come.
    pub(crate) fn key(&mut self, wait: Option<Duration>) -> Option<Key> {
        loop {
            if let Some(key) = self.keys.pop_front() {
                return Some(key);
            }
            let typed = self.read(wait)?;
            self.keys.extend(keys(&typed));
        }
    }

    /// Forgets what was typed before the question was seen.
    pub(crate) fn forget_keys(&mut self) {
        while self.read(Some(Duration::ZERO)).is_some() {}
        self.keys.clear();
    }

    fn read(&mut self, wait: Option<Duration>) -> Option<Vec<u8>> {
        self.can_be_typed_on().then_some(())?;
        let mut typed = Vec::new();
        let mut wait = wait;
        loop {
            let ready = self.readable(wait);
            if ready.is_empty() {
                return if typed.is_empty() { None } else { Some(typed) };
            }
            let mut lost = Vec::new();
            for index in ready {
                let terminal = &mut self.terminals[index];
                let mut buffer = [0; 256];
                match terminal.file.read(&mut buffer) {
                    Ok(0) => lost.push(index),
                    Ok(length) => typed.extend_from_slice(&buffer[..length]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => lost.push(index),
                }
            }
            // One that has hung up would be ready for ever.
            for index in lost.into_iter().rev() {
                let terminal = self.terminals.remove(index);
                note(format!("console {} is gone", terminal.name));
            }
            // The rest of a key's sequence is on its way.
            if typed.last() != Some(&0x1b) && !typed.is_empty() {
                return Some(typed);
            }
            if !typed.is_empty() {
                wait = Some(SEQUENCE);
            }
        }
    }

    fn readable(&self, wait: Option<Duration>) -> Vec<usize> {
        let inputs: Vec<usize> =
            (0..self.terminals.len()).filter(|&index| self.terminals[index].before.is_some()).collect();
        let mut polled: Vec<PollFd<'_>> =
            inputs.iter().map(|&index| PollFd::new(&self.terminals[index].file, PollFlags::IN)).collect();
        if polled.is_empty() {
            return Vec::new();
        }
        let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
        loop {
            match poll(&mut polled, wait.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                Err(_) | Ok(0) => return Vec::new(),
                Ok(_) => break,
            }
        }
        inputs
            .into_iter()
            .zip(&polled)
            .filter(|(_, polled)| !polled.revents().is_empty())
            .map(|(index, _)| index)
            .collect()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        for terminal in &self.terminals {
            if let Some(before) = &terminal.before {
                let _ = tcsetattr(&terminal.file, OptionalActions::Now, before);
            }
        }
    }
}

impl Terminal {
    fn takes_more(&self, wait: Duration) -> bool {
        let wait = Timespec::try_from(wait).ok();
        matches!(poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], wait.as_ref()), Ok(1..))
    }

    fn write(&mut self, text: &str) {
        let mut left = text.as_bytes();
        // What it did not take is not kept for it; what follows is shown again.
        if self.stuck && self.takes_more(Duration::ZERO) {
            self.stuck = false;
        }
        while !left.is_empty() && !self.stuck {
            match self.file.write(left) {
                Ok(0) => self.stuck = true,
                Ok(length) => left = &left[length..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.takes_more(PATIENCE) {
                        self.stuck = true;
                        note(format!("console {} takes nothing at the moment", self.name));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.stuck = true,
            }
        }
    }
}

/// The keys of what terminals sent: control characters of ASCII, and sequences of ECMA-48, which are left out.
fn keys(typed: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut bytes = typed.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => keys.push(Key::Enter),
            0x08 | 0x7f => keys.push(Key::Erase),
            0x15 => keys.push(Key::EraseLine),
            0x03 => keys.push(Key::Interrupt),
            0x1b => match bytes.peek() {
                Some(b'[' | b'O') => {
                    bytes.next();
                    // Up to its final byte.
                    while bytes.next().is_some_and(|byte| !(0x40..=0x7e).contains(&byte)) {}
                }
                _ => keys.push(Key::Escape),
            },
            b' '..=b'~' => keys.push(Key::Letter(char::from(byte))),
            _ => {}
        }
    }
    keys
}

/// The kernel's messages are kept away from the consoles while there is something to read on them.
#[derive(Debug)]
pub(crate) struct Quiet(Option<String>);

impl Quiet {
    const LEVELS: &str = "/proc/sys/kernel/printk";

    pub(crate) fn new() -> Self {
        let before = fs::read_to_string(Self::LEVELS).ok();
        // Emergencies only; the other three levels stay as they are.
        let _ = fs::write(Self::LEVELS, "1");
        Self(before)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = fs::write(Self::LEVELS, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, keys};

    #[test]
    fn keys_are_told_from_sequences() {
        let letter = Key::Letter;
        for (typed, expected) in [
            (&b"ab\r"[..], vec![letter('a'), letter('b'), Key::Enter]),
            (b"\x1b", vec![Key::Escape]),
            (b"\x1b[A1", vec![letter('1')]),
            (b"\x1b[15~\x1bOP\x7f", vec![Key::Erase]),
            (b"\x03\x15\x08\xc3\xa4", vec![Key::Interrupt, Key::EraseLine, Key::Erase]),
            (b"\x1b[", vec![]),
        ] {
            assert_eq!(keys(typed), expected, "{typed:?}");
        }
    }
}
