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

/// Checks the medium on this block device. Escape skips the rest of it.
pub(crate) fn run(device: &str, console: &mut Console) -> Result<(), Failure> {
    console.forget_keys();
    console.say("Checking the medium before anything is erased. Esc skips this");
    let file = File::open(node(device)).tried(|| format!("open the medium {device}"))?;
    let file = PlainFile::new(file).tried(|| format!("read the medium {device}"))?;
    let progress = Progress::start("Checking", volume_size(&file).unwrap_or(file.size().bytes()));
    let watched = Watched { file, state: RefCell::new((progress, console)) };
    let verdict = check(&watched);
    let (progress, console) = watched.state.into_inner();
    progress.end(console);
    let hint = "write the medium anew and compare its checksum; diskwright.check=no goes on all the same";
    match verdict {
        Ok(Verdict::Intact { .. }) => console.say("The medium is intact"),
        Ok(Verdict::None) => console.say("The medium carries no checksum; each block is checked when it is written"),
        Ok(Verdict::Damaged { before }) => {
            return Err(Failure::new(format!("the medium {device} is damaged before byte {before}")).hint(hint));
        }
        Err(MediaCheckError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {
            console.say("The check was skipped; each block is checked when it is written");
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
    state: RefCell<(Progress, &'a mut Console)>,
}

impl ReadAt for Watched<'_> {
    fn size(&self) -> ByteSize {
        self.file.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buffer)?;
        let (progress, console) = &mut *self.state.borrow_mut();
        progress.add(buffer.len() as u64, console);
        // Other keys are of no use here.
        while let Some(key) = console.key(Some(Duration::ZERO)) {
            if key == Key::Escape {
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
        Ok(())
    }
}
