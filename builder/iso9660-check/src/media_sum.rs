//! The checksum that `implantisomd5` puts into an image and `checkisomd5` looks for (isomd5sum, `libcheckisomd5.c`).
//!
//! It is a text in the bytes that the primary volume descriptor leaves to applications: the MD5 of the volume without some
//! blocks at its end, with spaces in place of the text.

use md5::{Digest, Md5};

use crate::descriptor::{Described, FIRST};
use crate::device::Device;
use crate::{BLOCK, CheckError, Finding, MediaSum, Report};

const NAME: &str = "checksum of the medium";
/// The bytes for applications: ECMA-119, section 8.4.32.
const PLACE: std::ops::Range<usize> = 883..1395;
/// Bytes that are read at once.
const CHUNK: u64 = 1 << 20;

/// Looks for the checksum; computes it where asked.
pub(crate) fn check(
    device: &Device<'_>,
    primary: &Described,
    is_computed: bool,
    report: &mut Report,
) -> Result<(), CheckError> {
    let text = String::from_utf8_lossy(&primary.bytes[PLACE]).into_owned();
    let field = |name: &str| text.split(';').find_map(|field| field.trim_start().strip_prefix(name)).map(str::trim);
    let Some(expected) = field("ISO MD5SUM = ") else { return Ok(()) };
    report.media_sum = MediaSum::Wrong;
    if expected.len() != 32 || !expected.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        report.push(Finding::error(NAME, "MD5", format!("{expected:?}"), "32 hexadecimal digits"));
        return Ok(());
    }
    let skipped = field("SKIPSECTORS = ").unwrap_or_default();
    let blocks = skipped.parse().ok().and_then(|skipped| u64::from(primary.blocks).checked_sub(skipped));
    let Some(length) = blocks.filter(|&blocks| blocks > u64::from(FIRST)).map(|blocks| blocks * BLOCK) else {
        let expected = format!("a number below the {} blocks of the volume", primary.blocks);
        report.push(Finding::error(NAME, "blocks to skip", format!("{skipped:?}"), expected));
        return Ok(());
    };
    // Where the image is shorter than its volume, that is a finding already.
    if !is_computed || length > device.bytes() {
        report.media_sum = if is_computed { MediaSum::Wrong } else { MediaSum::Unread };
        return Ok(());
    }
    let found = sum(device, length)?;
    if found.eq_ignore_ascii_case(expected) {
        report.media_sum = MediaSum::Right(found);
    } else {
        report.push(
            Finding::error(NAME, "MD5", expected, format!("{found}, which the image has"))
                .hint("something in the image was changed or damaged after it was made: copy it again"),
        );
    }
    Ok(())
}

fn sum(device: &Device<'_>, length: u64) -> Result<String, CheckError> {
    let mut md5 = Md5::new();
    let mut done = 0;
    while done < length {
        let now = CHUNK.min(length - done);
        let mut chunk = vec![0; usize::try_from(now).unwrap_or_default()];
        device.read("volume", done, &mut chunk)?;
        // The descriptor lies in the first chunk.
        if done == 0 {
            let start = usize::try_from(u64::from(FIRST) * BLOCK).unwrap_or_default();
            if let Some(text) = chunk.get_mut(start + PLACE.start..start + PLACE.end) {
                text.fill(b' ');
            }
        }
        md5.update(&chunk);
        done += now;
    }
    Ok(md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
