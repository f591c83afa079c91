//! The records of a directory, one behind the other; none reaches over the end of a block: ECMA-119, section 6.8.1.1.

use crate::record::Record;
use crate::{BLOCK, Finding};

/// The identifiers of the directory itself and of the one above it.
pub(crate) const SELF: &[u8] = &[0];
pub(crate) const PARENT: &[u8] = &[1];

/// The records in the bytes of a directory, and what is wrong with how they lie.
pub(crate) fn records<'b>(bytes: &'b [u8], path: &str) -> (Vec<Record<'b>>, Vec<Finding>) {
    let block = usize::try_from(BLOCK).unwrap_or(usize::MAX);
    let (mut records, mut findings) = (Vec::new(), Vec::new());
    for (number, mut rest) in bytes.chunks(block).enumerate() {
        // What begins with zero is the rest of the block.
        while rest.first().is_some_and(|&length| length != 0) {
            let Some(record) = Record::parse(rest) else {
                let found = format!("{} bytes at byte {}", rest[0], (number + 1) * block - rest.len());
                let expected = "at least 34 and those of its identifier, and in its block";
                findings.push(Finding::error(path, "length of a record", found, expected));
                break;
            };
            rest = &rest[record.len()..];
            records.push(record);
        }
    }
    (records, findings)
}
