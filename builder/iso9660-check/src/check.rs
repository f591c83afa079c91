//! The whole check.

use std::collections::BTreeSet;

use builder_block::{ByteSize, ReadAt};

use crate::descriptor::{FIRST, SIZE};
use crate::device::Device;
use crate::tree::Extent;
use crate::walk::{Walked, walk};
use crate::{BLOCK, CheckError, Finding, Report, Volume, catalogue, descriptor, extents, media_sum, path_table};

/// How much is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Descriptors, boot catalogue, directories and path tables.
    #[default]
    Tree,
    /// All of that, and every byte for the checksum that the image carries.
    Sum,
}

/// Checks the ISO 9660 image that begins with the first byte of `device`, with everything that is wrong in the report.
///
/// # Errors
/// The device is smaller than the first descriptor and what is before it, or cannot be read.
pub fn check(device: &dyn ReadAt, level: Level) -> Result<Report, CheckError> {
    let least = u64::from(FIRST) * BLOCK + SIZE as u64;
    if device.size().bytes() < least {
        return Err(CheckError::TooSmall { size: device.size() });
    }
    let device = Device::new(device);
    let mut report = Report::new();
    let descriptors = descriptor::read(&device, &mut report)?;
    if let Some(block) = descriptors.catalogue {
        catalogue::read(&device, block, &mut report)?;
    }
    let Some(primary) = descriptors.primary else { return Ok(report) };
    if !device.has(0, u64::from(primary.blocks) * BLOCK) {
        let expected = format!("at most {}, which the image has", device.bytes() / BLOCK);
        report.push(
            Finding::error("primary volume descriptor", "volume space size", primary.blocks, expected)
                .hint("the image is cut off: copy it again and whole"),
        );
    }
    let Walked { tree, files, directories, blocks, extents, is_complete } = walk(device, &primary, false, &mut report)?;
    if is_complete {
        path_table::check(&device, &primary, &blocks, "", &mut report)?;
    }
    let known: BTreeSet<Extent> = extents.iter().map(|(extent, _)| *extent).collect();
    extents::check(extents, &mut report);
    report.tree = tree;
    if let Some(joliet) = &descriptors.joliet {
        let walked = walk(device, joliet, true, &mut report)?;
        if walked.is_complete {
            path_table::check(&device, joliet, &walked.blocks, "Joliet: ", &mut report)?;
        }
        let of_directories: BTreeSet<u64> = walked.blocks.iter().map(|&block| u64::from(block) * BLOCK).collect();
        for (extent, path) in walked.extents {
            if is_complete && !known.contains(&extent) && !of_directories.contains(&extent.offset) {
                let found = format!("{} bytes from block {} on", extent.length, extent.offset / BLOCK);
                report.push(Finding::warning(path, "extent", found, "one that a file of the other names has as well"));
            }
        }
    }
    report.volume = Some(Volume {
        id: primary.id(),
        uuid: primary.uuid(),
        size: ByteSize::new(u64::from(primary.blocks) * BLOCK),
        has_joliet: descriptors.joliet.is_some(),
        files,
        directories,
    });
    media_sum::check(&device, &primary, level == Level::Sum, &mut report)?;
    Ok(report)
}
