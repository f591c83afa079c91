//! The checksum that a medium carries of itself, as `implantisomd5` puts it there and `checkisomd5` reads it.
//!
//! It is a text in the 512 bytes that the first volume descriptor leaves to applications. The MD5 is that of the volume
//! without its last 15 blocks, which some drives cannot read, and with spaces where the text is. 20 fragments, of three
//! digits each, tell of damage before the end is reached: fragment n is the begin of the sum of all that was read when the
//! n-th of 21 parts begins, where reading goes by 32 KiB.
//!
//! It finds damage, not malice: whoever changes the medium can change the sum.

use std::io;

use builder_block::{ByteSize, ReadAt, Sink};
use md5::{Digest, Md5};

use crate::BLOCK;
use crate::descriptor::{APPLICATION_USE, APPLICATION_USE_SIZE, FIRST};

/// First byte of the text in the image.
pub const TEXT: u64 = FIRST as u64 * BLOCK + APPLICATION_USE as u64;
/// Bytes of the text.
pub const TEXT_LENGTH: u64 = APPLICATION_USE_SIZE as u64;
/// Blocks at the end that are left out.
const SKIPPED: u64 = 15;
/// Bytes that are read at once; where fragments end depends on it.
const CHUNK: u64 = 32 * 1024;
/// Fragments that are written.
const FRAGMENTS: u64 = 20;
/// Digits of all fragments.
const FRAGMENT_DIGITS: usize = 60;
const MD5_DIGITS: usize = 32;

/// What the text says of the medium beside its sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// A release that its maker stands by.
    Supported,
    /// A trial; installers may say so.
    Unsupported,
}

/// What was found of a medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It carries no checksum.
    None,
    /// It is as it was made.
    Intact {
        /// Its MD5 in hexadecimal digits.
        md5: String,
    },
    /// It is damaged.
    Damaged {
        /// The damage lies before this byte.
        before: u64,
    },
}

/// Why a medium's checksum cannot be made or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaCheckError {
    /// The image cannot be read or written.
    #[error("cannot read or write the image for its checksum")]
    Io(#[from] io::Error),
    /// No volume descriptor where one has to be.
    #[error("it is no ISO 9660 image: byte {at} does not begin a primary volume descriptor")]
    NoVolume {
        /// Where it was looked for.
        at: u64,
    },
    /// The image is shorter than its volume.
    #[error("the volume has {volume} bytes, and the image ends after {image}")]
    Truncated {
        /// In bytes.
        volume: u64,
        /// In bytes.
        image: u64,
    },
    /// A volume that is nothing but what the sum leaves out.
    #[error("the volume has {blocks} blocks, of which the last {skipped} do not count for the checksum")]
    TooSmall {
        /// Of the volume.
        blocks: u64,
        /// Left out.
        skipped: u64,
    },
    /// Something else has the room for the text.
    #[error("the application use field of the volume holds something else than a checksum")]
    InUse,
    /// A text that cannot be read.
    #[error("the checksum of the medium has the {field} {value:?}, which cannot be")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// What it says.
        value: String,
    },
}

/// Puts the checksum into a finished image, in place of the one that may be there.
///
/// # Errors
/// [`MediaCheckError`]: I/O; there is no volume descriptor; the volume is too small; its application use field is in use.
pub fn implant(image: &mut dyn Sink, release: Release) -> Result<(), MediaCheckError> {
    let text = text(&Written(image), release)?;
    image.write_at(TEXT, &text)?;
    Ok(())
}

/// What [`implant`] writes at byte 33651 of the image.
fn text(image: &dyn ReadAt, release: Release) -> Result<Vec<u8>, MediaCheckError> {
    let volume = Volume::read(image)?;
    let found = volume.text.trim_ascii();
    if !found.is_empty() && !found.starts_with(b"ISO MD5SUM = ") {
        return Err(MediaCheckError::InUse);
    }
    let length = volume.summed(SKIPPED)?;
    let mut fragments = vec![b'0'; FRAGMENT_DIGITS];
    let md5 = sum(image, length, FRAGMENTS, |number, digits| {
        let at = (number - 1) * digits.len();
        // Nothing stands behind the last: a volume of whole blocks has no 21st fragment.
        if let Some(place) = fragments.get_mut(at..at + digits.len()) {
            place.copy_from_slice(digits);
        }
        true
    })?;
    // `sum` has an end only where its closure wants one.
    let md5 = md5.unwrap_or_default();
    let supported = u8::from(release == Release::Supported);
    let mut text = format!(
        "ISO MD5SUM = {md5};SKIPSECTORS = {SKIPPED};RHLISOSTATUS={supported};FRAGMENT SUMS = {};FRAGMENT COUNT = \
         {FRAGMENTS};THIS IS NOT THE SAME AS RUNNING MD5SUM ON THIS ISO!!",
        String::from_utf8_lossy(&fragments)
    )
    .into_bytes();
    text.resize(APPLICATION_USE_SIZE, b' ');
    Ok(text)
}

/// Compares an image with the checksum that it carries; ends at the first fragment that differs.
///
/// # Errors
/// [`MediaCheckError`]: I/O; there is no volume descriptor; the image is shorter than its volume; a number of the checksum
/// cannot be.
pub fn check(image: &dyn ReadAt) -> Result<Verdict, MediaCheckError> {
    let volume = Volume::read(image)?;
    let text = String::from_utf8_lossy(&volume.text).into_owned();
    let field = |name: &str| text.split(';').find_map(|field| field.trim_start().strip_prefix(name)).map(str::trim);
    let (Some(expected), Some(skipped)) = (field("ISO MD5SUM = "), field("SKIPSECTORS = ")) else {
        return Ok(Verdict::None);
    };
    let wrong = |field, value: &str| MediaCheckError::Field { field, value: value.to_owned() };
    if expected.len() != MD5_DIGITS || !expected.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong("sum", expected));
    }
    let skipped: u64 = skipped.parse().map_err(|_| wrong("number of blocks to skip", skipped))?;
    let fragments = field("FRAGMENT SUMS = ").unwrap_or_default().as_bytes();
    let count = field("FRAGMENT COUNT = ").filter(|_| fragments.len() == FRAGMENT_DIGITS).unwrap_or("0");
    let most = FRAGMENT_DIGITS as u64;
    let count =
        count.parse().ok().filter(|&count: &u64| count <= most).ok_or_else(|| wrong("fragment count", count))?;
    let length = volume.summed(skipped)?;
    if image.size().bytes() < volume.bytes {
        return Err(MediaCheckError::Truncated { volume: volume.bytes, image: image.size().bytes() });
    }
    let found = sum(image, length, count, |number, digits| {
        let at = (number - 1) * digits.len();
        fragments.get(at..at + digits.len()).is_none_or(|expected| expected == digits)
    });
    match found? {
        Ok(md5) if md5.eq_ignore_ascii_case(expected) => Ok(Verdict::Intact { md5 }),
        Ok(_) => Ok(Verdict::Damaged { before: length }),
        Err(before) => Ok(Verdict::Damaged { before }),
    }
}

/// The primary volume descriptor's part in this.
struct Volume {
    bytes: u64,
    text: Vec<u8>,
}

impl Volume {
    fn read(image: &dyn ReadAt) -> Result<Self, MediaCheckError> {
        const BLOCK_BYTES: usize = 2048;
        let at = u64::from(FIRST) * BLOCK;
        let mut descriptor = [0; BLOCK_BYTES];
        match image.read_at(at, &mut descriptor) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(MediaCheckError::NoVolume { at }),
            result => result?,
        }
        if !descriptor.starts_with(b"\x01CD001") {
            return Err(MediaCheckError::NoVolume { at });
        }
        let mut blocks = [0; 4];
        blocks.copy_from_slice(&descriptor[80..84]);
        let text = descriptor[APPLICATION_USE..APPLICATION_USE + APPLICATION_USE_SIZE].to_vec();
        Ok(Self { bytes: u64::from(u32::from_le_bytes(blocks)) * BLOCK, text })
    }

    /// How many bytes count, where the last `skipped` blocks do not.
    fn summed(&self, skipped: u64) -> Result<u64, MediaCheckError> {
        let blocks = self.bytes / BLOCK;
        // Down to the text at least, or it would not be part of what is summed.
        let least = u64::from(FIRST) + 1;
        match blocks.checked_sub(skipped) {
            Some(left) if left >= least => Ok(left * BLOCK),
            _ => Err(MediaCheckError::TooSmall { blocks, skipped }),
        }
    }
}

/// The MD5 of the first `length` bytes with spaces for the text. `fragment` is given the number of each fragment, from 1,
/// and its digits; where it says no, the sum ends with the number of bytes read.
fn sum(
    image: &dyn ReadAt,
    length: u64,
    fragments: u64,
    mut fragment: impl FnMut(usize, &[u8]) -> bool,
) -> io::Result<Result<String, u64>> {
    let mut md5 = Md5::new();
    let part = length / (fragments + 1);
    let digits = (FRAGMENT_DIGITS as u64).checked_div(fragments).unwrap_or(0);
    let digits = usize::try_from(digits).map_err(io::Error::other)?;
    let mut buffer = vec![0; usize::try_from(CHUNK).map_err(io::Error::other)?];
    let (mut done, mut last) = (0, 0);
    while done < length {
        let now = usize::try_from(CHUNK.min(length - done)).map_err(io::Error::other)?;
        let chunk = &mut buffer[..now];
        image.read_at(done, chunk)?;
        blank(chunk, done);
        md5.update(&*chunk);
        // A volume has 17 blocks at least, so that no part is empty.
        let number = done / part;
        done += now as u64;
        if fragments > 0 && number != last {
            last = number;
            let sum = md5.clone().finalize();
            // The first digit of each byte that is not a leading zero.
            let first: Vec<u8> = sum
                .iter()
                .take(digits)
                .map(|&byte| HEX[usize::from(if byte < 16 { byte } else { byte >> 4 })])
                .collect();
            if !fragment(usize::try_from(number).map_err(io::Error::other)?, &first) {
                return Ok(Err(done));
            }
        }
    }
    Ok(Ok(md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes spaces over what `chunk`, the bytes of the image from `offset` on, has of the text.
fn blank(chunk: &mut [u8], offset: u64) {
    let start = TEXT.saturating_sub(offset);
    let end = (TEXT + APPLICATION_USE_SIZE as u64).saturating_sub(offset);
    let inside = |at: u64| usize::try_from(at).map_or(chunk.len(), |at| at.min(chunk.len()));
    let (start, end) = (inside(start), inside(end));
    chunk[start..end].fill(b' ');
}

/// What was written, to be read: a sink does not know how long it is.
struct Written<'a>(&'a dyn Sink);

impl ReadAt for Written<'_> {
    fn size(&self) -> ByteSize {
        ByteSize::new(u64::MAX)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)
    }
}
