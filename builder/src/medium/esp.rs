//! The EFI system partition of a finished medium: where its files lie, and the room of systemd-boot's menu in it.

use std::io;

use builder_block::{ByteSize, PlainFile, ReadAt};
use builder_boot::{MenuFile, MenuSettings};
use builder_fat::read::{FatReader, ReadError};
use builder_gpt::types;
use builder_iso9660::Located;

use crate::medium::error::MediumError;
use crate::medium::options::{SETTINGS_ROOM, filled};

/// Rooms are whole pages.
const ROOM_STEP: u64 = 4 << 10;

/// Why a file of the EFI system partition is not found.
pub(crate) enum EspError {
    /// The medium cannot be read.
    Io(io::Error),
    /// Something is not as in a medium of ours.
    Damaged(String),
}

/// Where the file at `path` of the EFI system partition lies in the whole medium; `None` where there is none.
pub(crate) fn locate(file: &PlainFile, path: &str) -> Result<Option<Located>, EspError> {
    let table = builder_gpt::read::read(file).map_err(|error| match error {
        builder_gpt::read::ReadError::Io(source) => EspError::Io(source),
        other => EspError::Damaged(other.to_string()),
    })?;
    let esp = table.partitions.iter().find(|(_, partition)| partition.type_guid == types::ESP);
    let Some((_, partition)) = esp else { return Err(EspError::Damaged("it has no EFI system partition".to_owned())) };
    // The table's reader has found it to lie on the medium.
    let start = partition.first.offset(table.sector).bytes();
    let part = Part { file, start, size: partition.size(table.sector) };
    let failed = |error: ReadError| match error {
        ReadError::Io(source) => EspError::Io(source),
        other => EspError::Damaged(format!("EFI system partition: {other}")),
    };
    let found = FatReader::open(&part).map_err(failed)?.locate(path).map_err(failed)?;
    Ok(found.map(|found| Located { offset: start + found.start, length: found.end - found.start }))
}

/// The bytes of a file of systemd-boot's menu. Its room is that of the longest settings: each is in a template once.
pub(crate) fn menu_bytes(file: &MenuFile, settings: &MenuSettings) -> Result<Vec<u8>, MediumError> {
    let room = (file.template.len() as u64 + SETTINGS_ROOM).next_multiple_of(ROOM_STEP);
    filled("text of an entry in the menu", &file.text(settings), room)
}

/// A part of the medium as a device.
struct Part<'a> {
    file: &'a PlainFile,
    start: u64,
    size: ByteSize,
}

impl ReadAt for Part<'_> {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.size.bytes()) {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "behind the end of the EFI system partition"));
        }
        self.file.read_at(self.start + offset, buffer)
    }
}
