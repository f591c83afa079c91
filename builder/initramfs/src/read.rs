//! The parts of an initramfs, one behind the other.

use std::io::Read;

use crate::archive::{Part, Reading};
use crate::compression::{MAGIC_BYTES, detect};
use crate::decode::{Refusal, check_zstd_window, open};
use crate::header::padding;
use crate::window::{Stop, Window};
use crate::{Compression, Initramfs, InitramfsError, Limits};

impl Initramfs {
    /// Reads an initramfs to its end.
    ///
    /// The bodies of those files are kept for whose path `wanted` says yes. It is asked with the path at which the
    /// kernel puts the file: without a leading slash, and with all links followed on the way, so with
    /// `usr/lib/systemd/…` also for an entry `lib/systemd/…` behind a link `lib`. Bytes of zero alone, or none at all,
    /// are an initramfs without archives.
    ///
    /// # Errors
    ///
    /// The reader fails, the kernel would stop unpacking, an archive ends too early, or a limit is passed.
    ///
    /// ```
    /// use builder_initramfs::{ArchiveWriter, Initramfs, Limits};
    ///
    /// let mut archive = ArchiveWriter::new(Vec::new());
    /// archive.directory("etc", 0o755)?;
    /// archive.file("etc/motd", 0o644, b"hello")?;
    /// let bytes = archive.finish()?;
    ///
    /// let initramfs = Initramfs::read(&bytes[..], &Limits::default(), |path| path == b"etc/motd")?;
    /// assert_eq!(initramfs.text("/etc/motd")?, Some("hello"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(reader: impl Read, limits: &Limits, wanted: impl Fn(&[u8]) -> bool) -> Result<Self, InitramfsError> {
        let mut source = Window::new(reader, limits.unpacked_bytes);
        let mut reading = Reading::new(limits, &wanted);
        let mut left = limits.unpacked_bytes;
        loop {
            source.set_limit(limits.unpacked_bytes);
            let used = next_part(&mut source, &mut reading, left)
                .map_err(|error| explain(error, &mut source, limits, &reading))?;
            match used {
                Some(used) => left = left.saturating_sub(used),
                None => return Ok(reading.finish()),
            }
        }
    }
}

/// Reads one plain or compressed part. Returns its unpacked bytes; none at the end.
///
/// Linux, init/initramfs.c: `unpack_to_rootfs`.
fn next_part(
    source: &mut Window<impl Read>,
    reading: &mut Reading<'_>,
    left: u64,
) -> Result<Option<u64>, InitramfsError> {
    reading.part = Part { compression: Compression::None, start: source.offset() };
    source.pass_zeros().map_err(|stop| reading.stopped(stop, source.offset()))?;
    let start = source.offset();
    reading.part.start = start;
    let ahead = match source.ahead(MAGIC_BYTES) {
        Ok(ahead) => &ahead[..ahead.len().min(MAGIC_BYTES)],
        Err(stop) => return Err(reading.stopped(stop, start)),
    };
    let Some(first) = ahead.first() else { return Ok(None) };
    if *first == b'0' {
        if padding(start) != 0 {
            return Err(InitramfsError::Unaligned { position: reading.position(start) });
        }
        reading.begin_part(Part { compression: Compression::None, start })?;
        source.set_limit(start.saturating_add(left).min(reading.limits.unpacked_bytes));
        reading.archives(source)?;
        return Ok(Some(source.offset() - start));
    }
    let compression = detect(ahead, start)?;
    reading.begin_part(Part { compression, start })?;
    if compression == Compression::Zstd {
        check_zstd_window(source).map_err(|refusal| match refusal {
            Refusal::Error(error) => error,
            Refusal::Stop(stop) => reading.stopped(stop, 0),
        })?;
    }
    let decoder = open(compression, source, reading.limits.decoder_bytes)
        .map_err(|error| reading.stopped(Stop::Failed(error), 0))?;
    let mut unpacked = Window::new(decoder, left);
    reading.archives(&mut unpacked)?;
    Ok(Some(unpacked.offset()))
}

/// Adds to an error what the decoder between did not know.
fn explain(
    error: InitramfsError,
    source: &mut Window<impl Read>,
    limits: &Limits,
    reading: &Reading<'_>,
) -> InitramfsError {
    let offset = source.offset();
    match (source.take_stop(), error) {
        (Some(Stop::Failed(source)), _) => InitramfsError::Read { offset, source },
        (Some(Stop::Limit), _) => {
            InitramfsError::TooMuch { position: reading.position(0), what: "bytes", limit: limits.unpacked_bytes }
        }
        (None, InitramfsError::Damaged { position, source, .. }) => {
            InitramfsError::Damaged { position, offset, source }
        }
        (None, error) => error,
    }
}
