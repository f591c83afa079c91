//! A file is what its record says: the disk is built again from the recorded recipe and compared while it is made.

mod record;

use std::fmt::{self, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use builder_block::{ByteSize, DiskSource, PIECE, Piece, ReadAt};
use builder_oci::ImageSource;
use serde::Serialize;

pub use record::{Record, RecordError, RecordedArtefact};

use crate::error::BuildError;
use crate::formats::{Compared, Mismatch, OutputFormat};
use crate::open::{open_disk, open_file};
use crate::pipeline::{Assembled, Prepared};
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::source;

/// What a comparison found.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: &'static str,
    /// Whether it is, byte for byte, what the image and the recipe give.
    pub identical: bool,
    /// The first difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Mismatched>,
    /// What may explain a difference.
    pub notes: Vec<String>,
}

/// Where a file first differs from what it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Mismatched {
    /// Where in the file, in bytes.
    pub offset: u64,
    /// The first bytes that should be there, in hexadecimal digits; empty where the file should have ended.
    pub expected: String,
    /// The bytes that are there; empty where the file ends.
    pub found: String,
    /// Where on the disk, in bytes; absent where the disk in the file is the same, or cannot be read from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_offset: Option<u64>,
    /// What is there: table or partition, and the structure or file in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Whether the disk in the file is the same although the file differs; absent where it cannot be read from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_disk: Option<bool>,
}

/// Compares `path` with the disk that `recipe`, which was recorded, gives.
///
/// # Errors
/// The image cannot be built any more, or the file not be read.
pub fn verify(
    path: &Path,
    record: &Record,
    recipe: &Recipe,
    progress: &mut dyn Progress,
) -> Result<Verification, BuildError> {
    let artefact = record.artefact(path)?;
    let digest = |source: &ImageSource| -> Result<String, BuildError> {
        Ok(source::open(source, &recipe.platform)?.manifest_digest().as_str().to_owned())
    };
    let rollback = recipe.rollback.as_ref().map(digest).transpose()?;
    record.require_images(&digest(&recipe.source)?, rollback.as_deref())?;
    let failed = |source| RecordError::Read { path: path.to_owned(), source };
    let mut compared = Compared::new(open_file(path)?).map_err(failed)?;
    let assembled = Assembled::new(recipe, progress)?;
    let prepared = assembled.prepare(progress)?;
    prepared.compare(artefact.format, path, &mut compared, progress)?;
    let difference = compared.first().map(|mismatch| explain(path, artefact.format, &prepared, &mismatch));
    let (format, identical) = (artefact.format.name(), difference.is_none());
    Ok(Verification { path: path.to_owned(), format, identical, difference, notes: Vec::new() })
}

/// Finds the difference on the disk that is in the file, where it is in a form that can be read.
fn explain(path: &Path, format: OutputFormat, prepared: &Prepared<'_>, mismatch: &Mismatch) -> Mismatched {
    // A medium begins as a disk does, and the disk that it holds is another.
    let disk = open_disk(path).ok().filter(|_| !format.is_medium());
    let on_disk = disk.map(|disk| first_difference(&disk, prepared.disk()));
    let (disk_offset, same_disk) = match on_disk {
        Some(Ok(offset)) => (offset, Some(offset.is_none())),
        Some(Err(_)) | None => (None, None),
    };
    Mismatched {
        offset: mismatch.offset,
        expected: crate::formats::hex(&mismatch.expected),
        found: crate::formats::hex(&mismatch.found),
        disk_offset,
        place: disk_offset.map(|offset| prepared.describe(offset)),
        same_disk,
    }
}

/// The first byte of two disks that is not the same.
fn first_difference(one: &impl DiskSource, other: &impl DiskSource) -> io::Result<Option<u64>> {
    let size = ReadAt::size(one).bytes().min(ReadAt::size(other).bytes());
    let mut offset = 0;
    while offset < size {
        let pieces = [Piece::read(one, offset)?, Piece::read(other, offset)?];
        let length = pieces.iter().map(Piece::length).min().unwrap_or(0);
        let zeros = vec![0; length];
        let [one, other] = pieces.each_ref().map(|piece| piece.bytes().unwrap_or(&zeros));
        if let Some(at) = one.iter().zip(other).position(|(one, other)| one != other) {
            return Ok(Some(offset + at as u64));
        }
        offset += PIECE;
    }
    Ok((ReadAt::size(one) != ReadAt::size(other)).then_some(size))
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, format, difference, notes, .. } = self;
        let path = path.display();
        match difference {
            None => writeln!(f, "{path}: identical, every byte is what the image and the recipe give")?,
            Some(difference) => {
                let Mismatched { offset, expected, found, disk_offset, place, same_disk } = difference;
                writeln!(f, "{path}: different")?;
                let bytes = |text: &str| if text.is_empty() { "the end of the file".to_owned() } else { spaced(text) };
                writeln!(f, "  first at   byte {offset} of the {format} file")?;
                writeln!(f, "  expected   {}", bytes(expected))?;
                writeln!(f, "  found      {}", bytes(found))?;
                if let (Some(offset), Some(place)) = (disk_offset, place) {
                    writeln!(f, "  on disk    byte {offset} ({}): {place}", ByteSize::new(*offset))?;
                }
                if *same_disk == Some(true) {
                    writeln!(f, "  on disk    nothing differs: only the form of the file is another")?;
                }
            }
        }
        notes.iter().try_for_each(|note| writeln!(f, "  note: {note}"))
    }
}

/// Pairs of digits.
fn spaced(digits: &str) -> String {
    let mut text = String::new();
    for (number, digit) in digits.chars().enumerate() {
        if number > 0 && number % 2 == 0 {
            text.push(' ');
        }
        // Writing to a string does not fail.
        let _ = write!(text, "{digit}");
    }
    text
}
