//! Copies of the superblock and of the descriptors: they agree with those in use in what never changes.

use crate::descriptor::Descriptor;
use crate::findings::Findings;
use crate::format::{MAGIC, SUPERBLOCK_SIZE, incompat, ro_compat, sb};
use crate::report::{CheckError, Finding};
use crate::structure::Structure;
use crate::superblock::Superblock;
use crate::volume::{Volume, read};

/// Descriptor blocks read at a time.
const READ_BLOCKS: u32 = 256;
const HINT: &str = "the copy is only used when the first one is lost; e2fsck -f writes it anew when it mends anything";

/// Compares all copies.
pub(crate) fn check(volume: &Volume<'_>, findings: &mut Findings) -> Result<(), CheckError> {
    for group in 0..volume.geometry.groups {
        if group > 0 && volume.geometry.has_superblock(group) {
            superblock(volume, group, findings)?;
        }
        descriptors(volume, group, findings)?;
    }
    Ok(())
}

fn superblock(volume: &Volume<'_>, group: u32, findings: &mut Findings) -> Result<(), CheckError> {
    let structure = || Structure::BackupSuperblock { group };
    let start = volume.geometry.group_start(group) * volume.geometry.block_size as u64;
    let copy = Superblock::new(read(volume.device, start, SUPERBLOCK_SIZE)?);
    let used = &volume.superblock;
    if copy.half(sb::MAGIC) != MAGIC {
        let found = format!("{:#06x}", copy.half(sb::MAGIC));
        findings.push(Finding::error(structure(), "magic", found, "0xef53").hint(HINT));
        return Ok(());
    }
    if copy.has_checksums() {
        let (found, expected) = copy.checksums();
        if found != expected {
            findings.push(Finding::checksum(structure(), found, expected).hint(HINT));
        }
    }
    let wide = |superblock: &Superblock| superblock.blocks();
    let numbers = [
        ("blocks", wide(&copy), wide(used)),
        ("inodes", copy.word(sb::INODES).into(), used.word(sb::INODES).into()),
        ("first data block", copy.word(sb::FIRST_DATA_BLOCK).into(), used.word(sb::FIRST_DATA_BLOCK).into()),
        ("block size", copy.word(sb::LOG_BLOCK_SIZE).into(), used.word(sb::LOG_BLOCK_SIZE).into()),
        ("blocks per group", copy.word(sb::BLOCKS_PER_GROUP).into(), used.word(sb::BLOCKS_PER_GROUP).into()),
        ("inodes per group", copy.word(sb::INODES_PER_GROUP).into(), used.word(sb::INODES_PER_GROUP).into()),
        ("inode size", copy.half(sb::INODE_SIZE).into(), used.half(sb::INODE_SIZE).into()),
        ("descriptor size", copy.half(sb::DESCRIPTOR_SIZE).into(), used.half(sb::DESCRIPTOR_SIZE).into()),
        ("incompatible features", lasting_incompat(&copy), lasting_incompat(used)),
    ];
    for (field, found, expected) in numbers.into_iter().filter(|(_, found, expected)| found != expected) {
        findings.push(Finding::error(structure(), field, found, expected).hint(HINT));
    }
    let soft = [
        ("read-only compatible features", lasting_ro_compat(&copy), lasting_ro_compat(used)),
        ("group number", copy.half(sb::GROUP).into(), u64::from(group & 0xffff)),
    ];
    for (field, found, expected) in soft.into_iter().filter(|(_, found, expected)| found != expected) {
        findings.push(Finding::warning(structure(), field, found, expected).hint(HINT));
    }
    if copy.uuid() != used.uuid() {
        findings.push(Finding::warning(structure(), "UUID", hex(copy.uuid()), hex(used.uuid())).hint(HINT));
    }
    Ok(())
}

/// Without what the kernel sets in the first superblock alone.
fn lasting_incompat(superblock: &Superblock) -> u64 {
    u64::from(superblock.word(sb::INCOMPAT) & !incompat::RECOVER)
}

/// Without what the kernel sets in the first superblock alone.
fn lasting_ro_compat(superblock: &Superblock) -> u64 {
    let passing = ro_compat::LARGE_FILE
        | ro_compat::HUGE_FILE
        | ro_compat::DIR_NLINK
        | ro_compat::EXTRA_ISIZE
        | ro_compat::VERITY
        | ro_compat::ORPHAN_PRESENT;
    u64::from(superblock.word(sb::RO_COMPAT) & !passing)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares the descriptors that `group` holds a copy of.
fn descriptors(volume: &Volume<'_>, group: u32, findings: &mut Findings) -> Result<(), CheckError> {
    let geometry = &volume.geometry;
    let (indices, start) = geometry.descriptor_copies(group);
    if indices.is_empty() || geometry.descriptor_block(indices.start) == start {
        return Ok(());
    }
    let mut index = indices.start;
    while index < indices.end {
        let count = (indices.end - index).min(READ_BLOCKS);
        let block = start + u64::from(index - indices.start);
        if !geometry.holds(block, u64::from(count)) {
            // Told where the groups' metadata are claimed.
            return Ok(());
        }
        let bytes = volume.run(block, count as usize)?;
        let first = u64::from(index) * u64::from(geometry.descriptors_per_block);
        for (described, bytes) in (first..).zip(bytes.chunks_exact(geometry.descriptor_size)) {
            let Some((described, used)) = u32::try_from(described)
                .ok()
                .and_then(|described| Some((described, volume.descriptors.get(described as usize)?)))
            else {
                break;
            };
            let copy = Descriptor::parse(bytes);
            if !copy.agrees(used) {
                let structure = Structure::BackupDescriptor { group: described, copy: group };
                let finding = Finding::error(structure, "locations", copy.places(), used.places());
                findings.push(finding.hint(HINT));
            }
        }
        index += count;
    }
    Ok(())
}
