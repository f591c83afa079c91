//! The medium is read as a whole, and compared with the checksum that it carries, before any drive is erased.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::time::Duration;

use builder_block::{ByteSize, PlainFile, ReadAt};
use builder_iso9660::media_check::{MediaCheckError, Verdict, check};

use crate::console::{Console, Key};
use crate::devices::node;
use crate::failure::{Failure, Tried as _};
use crate::progress::Progress;

/// What to do with a medium that is damaged.
pub(crate) const HINT: &str = "write the medium anew and compare its checksum";

/// Checks the medium on this block device: `hint` says what to do if it is damaged. Escape skips the rest of it.
///
/// Nothing else comes between the name that somebody has typed and the erasure, so Ctrl-C ends it all.
pub(crate) fn run(device: &str, hint: &str, console: &mut Console) -> Result<(), Failure> {
    console.forget_keys();
    console.say("Checking the medium before anything is erased. Esc skips this and erases, Ctrl-C stops");
    let file = File::open(node(device)).tried(|| format!("open the medium {device}"))?;
    look_through(file, device, hint, console)
}

fn look_through(file: File, device: &str, hint: &str, console: &mut Console) -> Result<(), Failure> {
    let file = PlainFile::new(file).tried(|| format!("read the medium {device}"))?;
    let progress = Progress::start("Checking", volume_size(&file).unwrap_or(file.size().bytes()));
    let watched = Watched { file, state: RefCell::new(State { progress, console, end: None }) };
    let verdict = check(&watched);
    let State { progress, console, end } = watched.state.into_inner();
    progress.end(console);
    match end {
        Some(End::Skipped) => {
            console.say("The check was skipped; each block is checked when it is written");
            return Ok(());
        }
        Some(End::Stopped) => return Err(Failure::new("stopped by Ctrl-C; nothing was erased")),
        None => {}
    }
    match verdict {
        Ok(Verdict::Intact { .. }) => console.say("The medium is intact"),
        Ok(Verdict::None) => console.say("The medium carries no checksum; each block is checked when it is written"),
        Ok(Verdict::Damaged { before }) => {
            return Err(Failure::new(format!("the medium {device} is damaged before byte {before}")).hint(hint));
        }
        Err(MediaCheckError::Io(error)) => {
            return Err(Failure::of(format!("read the medium {device}"), error).hint(hint));
        }
        Err(error) => return Err(Failure::new(format!("the medium {device}: {error}")).hint(hint)),
    }
    Ok(())
}

/// Length of the volume: ECMA-119, section 8.4.8. A stick is longer than what was written to it.
fn volume_size(file: &PlainFile) -> Option<u64> {
    let mut blocks = [0; 4];
    file.read_at(32768 + 80, &mut blocks).ok()?;
    Some(u64::from(u32::from_le_bytes(blocks)) * 2048)
}

/// A medium that is read under somebody's eyes.
struct Watched<'a> {
    file: PlainFile,
    state: RefCell<State<'a>>,
}

struct State<'a> {
    progress: Progress,
    console: &'a mut Console,
    /// Which key has ended it, where one has.
    end: Option<End>,
}

enum End {
    /// Escape.
    Skipped,
    /// Ctrl-C.
    Stopped,
}

impl ReadAt for Watched<'_> {
    fn size(&self) -> ByteSize {
        self.file.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buffer)?;
        let State { progress, console, end } = &mut *self.state.borrow_mut();
        progress.add(buffer.len() as u64, console);
        while let Some(key) = console.key(Some(Duration::ZERO)) {
            match (key, &end) {
                // Whoever pressed both does not want it erased.
                (Key::Interrupt, _) => *end = Some(End::Stopped),
                (Key::Escape, None) => *end = Some(End::Skipped),
                // Other keys are of no use here.
                _ => {}
            }
        }
        if end.is_some() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::{HINT, look_through};
    use crate::console::{Console, Key};

    #[test]
    fn escape_skips_the_check_and_ctrl_c_ends_the_installation() {
        let letter = Key::Letter('x');
        let stopped = Err("stopped by Ctrl-C; nothing was erased".to_owned());
        let damaged = Err("the medium sr0 is damaged before byte 100352".to_owned());
        // A volume of 64 blocks, whose sum is none.
        let file = tempfile::tempfile().unwrap();
        file.set_len(64 * 2048).unwrap();
        file.write_all_at(b"\x01CD001", 16 * 2048).unwrap();
        file.write_all_at(&64_u32.to_le_bytes(), 16 * 2048 + 80).unwrap();
        let sum = format!("ISO MD5SUM = {};SKIPSECTORS = 15;", "0".repeat(32));
        file.write_all_at(sum.as_bytes(), 16 * 2048 + 883).unwrap();
        for (keys, expected) in [
            (&[][..], damaged.clone()),
            (&[letter, Key::Enter], damaged),
            (&[Key::Escape], Ok(())),
            (&[letter, Key::Escape], Ok(())),
            (&[Key::Interrupt], stopped.clone()),
            (&[Key::Interrupt, Key::Escape], stopped.clone()),
            (&[Key::Escape, Key::Interrupt], stopped),
        ] {
            let mut console = Console::typed(keys);
            let result = look_through(file.try_clone().unwrap(), "sr0", HINT, &mut console);
            assert_eq!(result.map_err(|failure| failure.reason), expected, "{keys:?}");
        }
    }
}
