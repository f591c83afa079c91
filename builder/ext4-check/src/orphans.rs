//! Inodes that wait to be deleted: a list through the inodes, or a file.

use std::collections::BTreeSet;

use crate::bytes::le32;
use crate::findings::Findings;
use crate::format::{ORPHAN_MAGIC, compat, ro_compat, sb};
use crate::inode::Inode;
use crate::mapping::Runs;
use crate::report::{CheckError, Finding};
use crate::structure::Structure;
use crate::volume::Volume;

/// Blocks of the file that are read: mke2fs makes 512 at most.
const MOST_BLOCKS: u64 = 1 << 16;

/// The orphans of a file system.
#[derive(Default)]
pub(crate) struct Orphans {
    pub(crate) numbers: BTreeSet<u32>,
}

/// Reads both lists.
pub(crate) fn read(volume: &Volume<'_>, findings: &mut Findings) -> Result<Orphans, CheckError> {
    let mut orphans = Orphans::default();
    let last = volume.superblock.word(sb::LAST_ORPHAN);
    if last != 0 {
        let field = "list of orphans";
        let finding =
            Finding::warning(Structure::Superblock, field, format_args!("inode {last} and what follows it"), "empty");
        findings.push(finding.hint("Linux deletes the inodes on that list when it mounts the file system"));
        list(volume, last, &mut orphans, findings)?;
    }
    if volume.superblock.compat(compat::ORPHAN_FILE) {
        file(volume, &mut orphans, findings)?;
    }
    Ok(orphans)
}

/// The list through the deletion times.
fn list(volume: &Volume<'_>, last: u32, orphans: &mut Orphans, findings: &mut Findings) -> Result<(), CheckError> {
    let (mut number, mut from) = (last, Structure::Superblock);
    while number != 0 {
        let bytes = if number >= volume.geometry.first_inode { volume.inode(number)? } else { None };
        let Some(bytes) = bytes else {
            let expected = format!("an inode from {} to {}", volume.geometry.first_inode, volume.geometry.inodes);
            findings.push(Finding::error(from, "next orphan", number, expected));
            return Ok(());
        };
        if !orphans.numbers.insert(number) {
            findings.push(Finding::error(from, "next orphan", number, "an inode that is not on the list yet"));
            return Ok(());
        }
        from = Structure::inode(number);
        number = Inode::new(number, &bytes).dtime();
    }
    Ok(())
}

/// The file of orphans.
fn file(volume: &Volume<'_>, orphans: &mut Orphans, findings: &mut Findings) -> Result<(), CheckError> {
    let number = volume.superblock.word(sb::ORPHAN_FILE_INODE);
    let Some(bytes) = volume.inode(number)? else {
        let expected = format!("an inode from 1 to {}", volume.geometry.inodes);
        findings.push(Finding::error(Structure::Superblock, "inode of the orphan file", number, expected));
        return Ok(());
    };
    let inode = Inode::new(number, &bytes);
    if inode.kind() != crate::inode::Kind::Regular {
        findings.push(Finding::error(inode.structure(), "mode", inode.kind().word(), "a regular file, for orphans"));
        return Ok(());
    }
    let present = volume.superblock.ro_compat(ro_compat::ORPHAN_PRESENT);
    let seed = volume.seed.inode(number, inode.generation());
    let mut left = MOST_BLOCKS;
    for run in Runs::of(volume, inode)? {
        let Some(rest) = left.checked_sub(run.length) else {
            findings.unchecked(format!("the orphan file was read to block {MOST_BLOCKS} only: none is so long"));
            break;
        };
        left = rest;
        for block in run.physical..run.physical + run.length {
            let structure = || Structure::OrphanBlock { block };
            let bytes = volume.block(block)?;
            let end = bytes.len() - 8;
            let magic = le32(&bytes, end);
            if magic != ORPHAN_MAGIC {
                findings.push(Finding::error(structure(), "magic", format_args!("{magic:#010x}"), "0x0b10ca04"));
                continue;
            }
            if volume.superblock.has_checksums() {
                let seed = crate::checksum::Seed(seed.of(&block.to_le_bytes()));
                let (found, expected) = (le32(&bytes, end + 4), seed.of(&bytes[..end]));
                if found != expected {
                    findings.push(Finding::checksum(structure(), found, expected));
                }
            }
            for number in bytes[..end].chunks_exact(4).map(|word| le32(word, 0)).filter(|&number| number != 0) {
                if !present {
                    findings.push(Finding::error(structure(), "orphan", number, "none, as no feature announces any"));
                } else if volume.inode(number)?.is_none() || number < volume.geometry.first_inode {
                    findings.push(Finding::error(structure(), "orphan", number, "an inode there is"));
                } else {
                    orphans.numbers.insert(number);
                }
            }
        }
    }
    if !orphans.numbers.is_empty() && present {
        let finding = Finding::warning(Structure::Superblock, "orphans", orphans.numbers.len(), "none");
        findings.push(finding.hint("Linux deletes them when it mounts the file system"));
    }
    Ok(())
}
