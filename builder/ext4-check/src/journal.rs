//! The head of the journal.

use crate::bytes::be32;
use crate::checksum::Seed;
use crate::findings::Findings;
use crate::format::{compat, incompat, journal, sb};
use crate::inode::{Inode, Kind};
use crate::mapping::Runs;
use crate::report::{CheckError, Finding};
use crate::structure::Structure;
use crate::volume::Volume;

const HINT: &str = "mount the file system once, or run e2fsck, to replay the journal";

/// Checks the journal's superblock, and whether there is something to replay.
pub(crate) fn check(volume: &Volume<'_>, findings: &mut Findings) -> Result<(), CheckError> {
    let recover = volume.superblock.incompat(incompat::RECOVER);
    if !volume.superblock.compat(compat::HAS_JOURNAL) {
        if recover {
            let field = "features";
            let finding = Finding::error(Structure::Superblock, field, "needs_recovery", "a journal to recover from");
            findings.push_hard(finding);
        }
        return Ok(());
    }
    if recover {
        let finding = Finding::warning(Structure::Superblock, "needs_recovery", "set", "clear");
        findings.push_hard(finding.hint(HINT));
        findings.unfinished = true;
    }
    let number = volume.superblock.word(sb::JOURNAL_INODE);
    if number == 0 {
        findings.unchecked("the journal was not looked at: it is on another device");
        return Ok(());
    }
    let Some(bytes) = volume.inode(number)? else {
        let expected = format!("an inode from 1 to {}", volume.geometry.inodes);
        findings.push_hard(Finding::error(Structure::Superblock, "inode of the journal", number, expected));
        return Ok(());
    };
    let inode = Inode::new(number, &bytes);
    inode.check_checksum(volume, findings);
    if inode.kind() != Kind::Regular || inode.links() == 0 {
        let found = format!("{}, {} links", inode.kind().word(), inode.links());
        findings.push_hard(Finding::error(
            inode.structure(),
            "mode",
            found,
            "a regular file with a link, for the journal",
        ));
        return Ok(());
    }
    let first = Runs::first(volume, inode)?.filter(|run| run.logical == 0);
    let Some(run) = first else {
        findings.push_hard(Finding::error(inode.structure(), "first block", "missing", "the head of the journal"));
        return Ok(());
    };
    let block = volume.block(run.physical)?;
    head(volume, inode, &block, recover, findings);
    Ok(())
}

fn head(volume: &Volume<'_>, inode: Inode<'_>, block: &[u8], recover: bool, findings: &mut Findings) {
    let mut error = |field: &'static str, found: String, expected: String| {
        findings.push_hard(Finding::error(Structure::JournalSuperblock, field, found, expected));
    };
    let head = block.get(..journal::SIZE).unwrap_or(block);
    let word = |at| be32(head, at);
    if word(0) != journal::MAGIC {
        error("magic", format!("{:#010x}", word(0)), "0xc03b3998".into());
        return;
    }
    let version = word(journal::TYPE);
    if version != journal::V1 && version != journal::V2 {
        error("block type", version.to_string(), "3 or 4, a superblock".into());
        return;
    }
    let features = if version == journal::V2 { word(journal::INCOMPAT) } else { 0 };
    if features & !journal::KNOWN_INCOMPAT != 0 {
        error("incompatible features", format!("{features:#x}"), "features Linux knows".into());
    }
    if features & journal::CHECKSUMS == journal::CHECKSUMS {
        error("incompatible features", format!("{features:#x}"), "checksums of one kind".into());
    } else if features & journal::CHECKSUMS != 0 {
        let (found, expected) = (word(journal::CHECKSUM), Seed(u32::MAX).with_hole(head, journal::CHECKSUM, 4));
        if found != expected {
            error("checksum", format!("{found:#010x}"), format!("{expected:#010x}"));
        }
    }
    let block_size = word(journal::BLOCK_SIZE);
    if block_size as usize != volume.geometry.block_size {
        error("block size", block_size.to_string(), volume.geometry.block_size.to_string());
    }
    let (length, room) = (word(journal::LENGTH), inode.size() / volume.geometry.block_size as u64);
    if length < journal::FEWEST_BLOCKS || u64::from(length) > room {
        error(
            "length",
            format!("{length} blocks"),
            format!("{} to {room}, the size of its inode", journal::FEWEST_BLOCKS),
        );
    }
    let first = word(journal::FIRST);
    if first == 0 || first >= length {
        error("first block of the log", first.to_string(), format!("1 to {}", length.saturating_sub(1)));
    }
    let start = word(journal::START);
    if start != 0 && (start < first || start >= length) {
        error("start of the log", start.to_string(), format!("0, or {first} to {}", length.saturating_sub(1)));
    }
    if word(journal::ERROR) != 0 {
        let found = format!("{:#x}", word(journal::ERROR));
        findings.push_hard(Finding::warning(Structure::JournalSuperblock, "error of the last mount", found, "0"));
    }
    if start != 0 {
        let finding = Finding::warning(Structure::JournalSuperblock, "start of the log", start, "0: nothing to replay");
        findings.push_hard(finding.hint(HINT));
        if !recover {
            let expected = "set, as the journal has something to replay";
            findings.push_hard(Finding::error(Structure::Superblock, "needs_recovery", "clear", expected));
        }
        findings.unfinished = true;
    }
}
