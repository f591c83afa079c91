//! Path tables: ECMA-119, section 9.4. Linux does not read them; others find directories by them.

use std::collections::BTreeSet;

use crate::bytes::{u16_at, u32_at, u32_big_at};
use crate::descriptor::Described;
use crate::device::Device;
use crate::{BLOCK, CheckError, Finding, Report};

/// Bytes of an entry before its name.
const HEAD: usize = 8;
/// A longer table is not read.
const MOST_BYTES: u32 = 16 << 20;

/// Holds both tables of a hierarchy against its directories, of which `blocks` are the first ones.
pub(crate) fn check(
    device: &Device<'_>,
    described: &Described,
    blocks: &BTreeSet<u32>,
    prefix: &str,
    report: &mut Report,
) -> Result<(), CheckError> {
    let [little, big] = described.tables;
    for (block, is_big) in [(little, false), (big, true)] {
        let name = format!("{prefix}path table ({} end first)", if is_big { "big" } else { "little" });
        let bytes = described.table_bytes;
        if bytes > MOST_BYTES || !device.has(block, bytes.into()) {
            let found = format!("{bytes} bytes from block {block} on");
            let expected =
                format!("at most {MOST_BYTES} bytes in the image, which has {} blocks", device.bytes() / BLOCK);
            report.push(Finding::error(name, "place", found, expected));
            continue;
        }
        let bytes = device.bytes_of("path table", block, usize::try_from(bytes).unwrap_or_default())?;
        if let Some(finding) = compare(&bytes, is_big, blocks, &name) {
            report.push(finding);
        }
    }
    Ok(())
}

/// The first thing that is wrong with a table.
fn compare(bytes: &[u8], is_big: bool, blocks: &BTreeSet<u32>, name: &str) -> Option<Finding> {
    let mut seen = BTreeSet::new();
    let (mut at, mut number) = (0, 1_u32);
    while at < bytes.len() {
        let length = usize::from(bytes[at]);
        let Some(entry) = bytes.get(at..at + HEAD + length).filter(|_| length > 0) else {
            let found = format!("{length} bytes of a name at byte {at}");
            return Some(Finding::error(name, format!("entry {number}"), found, "an entry that ends in the table"));
        };
        let block = if is_big { u32_big_at(entry, 2) } else { u32_at(entry, 2) };
        let parent = u32::from(if is_big { u16_at(entry, 6).swap_bytes() } else { u16_at(entry, 6) });
        if !blocks.contains(&block) {
            let found = format!("block {block}");
            return Some(Finding::error(
                name,
                format!("directory of entry {number}"),
                found,
                "the block of a directory",
            ));
        }
        if parent == 0 || parent > number {
            let expected = format!("1 to {number}");
            return Some(Finding::error(name, format!("parent of entry {number}"), parent, expected));
        }
        let _ = seen.insert(block);
        at += HEAD + length + length % 2;
        number = number.saturating_add(1);
    }
    (seen.len() != blocks.len())
        .then(|| Finding::error(name, "directories", seen.len(), format!("{}, as in the tree", blocks.len())))
}
