//! What a boot image for a BIOS is told of itself: mkisofs(8), "EL TORITO BOOT INFORMATION TABLE".
//!
//! ISOLINUX and GRUB load the rest of themselves by it. Other boot images have none; it is known by its first number, the
//! block of the primary volume descriptor, and by its last forty bytes, which are zero.

use crate::bytes::u32_at;
use crate::descriptor::FIRST;
use crate::device::Device;
use crate::{CheckError, Finding, Report};

/// Where the table begins in the boot image, and where what its sum is of.
const TABLE: usize = 8;
const TABLE_END: usize = 64;
/// The first of the zeros.
const ZEROS: usize = 24;
/// More than a BIOS can load, in bytes.
const MOST: u32 = 16 << 20;

/// Checks the table of the boot image in block `block`, where it has one.
pub(crate) fn check(device: &Device<'_>, block: u32, name: &str, report: &mut Report) -> Result<(), CheckError> {
    const WHAT: &str = "boot image";
    if !device.has(block, TABLE_END as u64) {
        return Ok(());
    }
    let head = device.bytes_of(WHAT, block, TABLE_END)?;
    let [descriptor, own, length, sum] = [0, 4, 8, 12].map(|at| u32_at(&head, TABLE + at));
    if descriptor != FIRST || head[ZEROS..].iter().any(|&byte| byte != 0) {
        return Ok(());
    }
    let field = |field: &str| format!("boot information table, {field}");
    if own != block {
        report.push(
            Finding::error(name, field("its own block"), own, block)
                .hint("the medium was laid out anew without its writer: make it again"),
        );
    }
    if !(64..=MOST).contains(&length) || !device.has(block, length.into()) {
        let expected = format!("64 to {MOST}, all of them in the image");
        report.push(Finding::error(name, field("length"), length, expected));
        return Ok(());
    }
    // At most 16 MiB.
    let mut bytes = device.bytes_of(WHAT, block, usize::try_from(length).unwrap_or(TABLE_END))?;
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let found = bytes[TABLE_END..].chunks_exact(4).fold(0_u32, |sum, word| sum.wrapping_add(u32_at(word, 0)));
    if found != sum {
        let expected = format!("{found:#010x}, to which the image's words add up");
        report.push(
            Finding::error(name, field("checksum"), format!("{sum:#010x}"), expected)
                .hint("the boot image was changed or damaged after the medium was made: make it again"),
        );
    }
    Ok(())
}
