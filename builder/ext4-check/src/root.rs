//! The root directory, and the block that guards against two mounts: what a quick check sees of them.

use crate::bytes::le32;
use crate::directory::{Entry, entries};
use crate::findings::Findings;
use crate::format::{MMP_CHECKSUM, MMP_MAGIC, flag, incompat, special};
use crate::inode::{Inode, Kind};
use crate::mapping::Runs;
use crate::report::{CheckError, Finding};
use crate::structure::{InodeName, Structure};
use crate::tree::style;
use crate::volume::Volume;

/// Whether the root is a directory that begins with its two dots.
pub(crate) fn check(volume: &Volume<'_>, findings: &mut Findings) -> Result<(), CheckError> {
    let Some(bytes) = volume.inode(special::ROOT)? else {
        findings.unchecked("the root directory was not looked at, because the descriptor of its group is damaged");
        return Ok(());
    };
    let inode = Inode::new(special::ROOT, &bytes);
    inode.check_checksum(volume, findings);
    if inode.kind() != Kind::Directory {
        findings.push(Finding::error(inode.structure(), "mode", inode.kind().word(), "a directory, as it is the root"));
        return Ok(());
    }
    if inode.links() < 2 && inode.links() != 1 {
        findings.push(Finding::error(inode.structure(), "links", inode.links(), "at least 2"));
    }
    if inode.has(flag::INLINE_DATA) {
        return Ok(());
    }
    let Some(run) = Runs::first(volume, inode)?.filter(|run| run.logical == 0) else {
        findings.push(Finding::error(inode.structure(), "first block", "missing", "the entries `.` and `..`"));
        return Ok(());
    };
    let block = volume.block(run.physical)?;
    let mut seen = entries(&block, 0, style(volume));
    for name in [&b"."[..], b".."] {
        let fits = |entry: &Entry<'_>| entry.inode == special::ROOT && entry.name == name;
        if !seen.next().is_some_and(|entry| entry.is_ok_and(|entry| fits(&entry))) {
            let structure = Structure::DirectoryBlock { block: run.physical, inode: InodeName::new(special::ROOT) };
            let field = format!("entry {}", crate::tree::shown(name));
            findings.push(Finding::error(structure, field, "something else", "inode 2"));
        }
    }
    Ok(())
}

/// The MMP block, where there is one within the file system.
pub(crate) fn mmp(volume: &Volume<'_>, findings: &mut Findings) -> Result<(), CheckError> {
    let block = volume.superblock.mmp_block();
    if !volume.superblock.incompat(incompat::MMP) || !volume.geometry.holds(block, 1) {
        return Ok(());
    }
    let structure = || Structure::MmpBlock { block };
    let bytes = volume.block(block)?;
    if le32(&bytes, 0) != MMP_MAGIC {
        findings.push(Finding::error(structure(), "magic", format_args!("{:#010x}", le32(&bytes, 0)), "0x004d4d50"));
    } else if volume.superblock.has_checksums() {
        let (found, expected) =
            (le32(&bytes, MMP_CHECKSUM), volume.seed.of(bytes.get(..MMP_CHECKSUM).unwrap_or(&bytes)));
        if found != expected {
            findings.push(Finding::checksum(structure(), found, expected));
        }
    }
    Ok(())
}
