//! The order of the checks: each relies on what those before it have found to be sound.

use builder_block::ReadAt;

use crate::findings::Findings;
use crate::format::{SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE};
use crate::records::Records;
use crate::report::{CheckError, Finding, Level, Report};
use crate::structure::Structure;
use crate::superblock::Superblock;
use crate::volume::{Volume, read};
use crate::{backups, bitmaps, descriptor, journal, links, metadata, orphans, paths, root, scan, totals, tree};

/// Checks the file system that begins at the first byte of `device`; the device may be longer than it.
///
/// Nothing is written, and no journal is replayed: where one waits, what it may mend counts as a warning.
///
/// # Errors
/// The device cannot be read. Damage is no error: it is in the report.
pub fn check(device: &dyn ReadAt, level: Level) -> Result<Report, CheckError> {
    let mut findings = Findings::default();
    let size = device.size();
    if size.bytes() < SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE as u64 {
        let found = format!("none, in {} bytes", size.bytes());
        findings.push(Finding::error(Structure::Superblock, "place", found, "at byte 1024"));
        findings.unchecked("nothing else was looked at, because there is no superblock");
        return Ok(findings.into_report(0));
    }
    let superblock = Superblock::new(read(device, SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE)?);
    let Some(geometry) = superblock.check(size, &mut findings) else {
        return Ok(findings.into_report(0));
    };
    let mut volume = Volume::new(device, superblock, geometry);
    if volume.geometry.bigalloc {
        findings.unchecked("nothing behind the superblock was looked at: clusters of blocks (bigalloc) are not known");
        return Ok(findings.into_report(0));
    }
    let mut records = Records::default();
    run(&mut volume, level, &mut records, &mut findings)?;
    paths::fill(&volume, &records, &mut findings)?;
    let inodes = records.all().len() as u64;
    Ok(findings.into_report(inodes))
}

fn run(
    volume: &mut Volume<'_>,
    level: Level,
    records: &mut Records,
    findings: &mut Findings,
) -> Result<(), CheckError> {
    descriptor::read_all(volume, findings)?;
    let metadata = metadata::claim(volume, findings);
    journal::check(volume, findings)?;
    backups::check(volume, findings)?;
    bitmaps::check(volume, &metadata.claims, findings)?;
    root::mmp(volume, findings)?;
    root::check(volume, findings)?;
    if level == Level::Quick {
        return Ok(());
    }
    let sound = metadata.sound
        && volume.descriptors.len() == volume.geometry.groups as usize
        && volume.descriptors.iter().all(|descriptor| descriptor.usable);
    if !sound {
        findings
            .unchecked("no inode was looked at, because some group descriptors lead nowhere, or to the same blocks");
        return Ok(());
    }
    let orphans = orphans::read(volume, findings)?;
    let mut scan = scan::scan(volume, metadata.claims.clone(), &orphans, findings)?;
    tree::walk(volume, &mut scan.records, findings)?;
    links::check(volume, &scan.records, findings);
    totals::check(volume, &scan, &metadata.claims, findings)?;
    *records = scan.records;
    Ok(())
}
