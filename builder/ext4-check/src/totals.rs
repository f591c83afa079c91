//! At the end: what is claimed against what the bitmaps and descriptors say.

use std::collections::BTreeSet;

use crate::bytes::le64;
use crate::claims::Claims;
use crate::findings::Findings;
use crate::owners::Owners;
use crate::report::{CheckError, Finding};
use crate::scan::Scan;
use crate::structure::Structure;
use crate::volume::Volume;

/// Groups of which the first lost block's owner is looked for.
const MOST_WANTED: usize = 256;

/// Blocks of a group where bitmap and claims differ.
struct Difference {
    group: u32,
    first: u64,
    count: u32,
    /// Whether somebody claims them.
    claimed: bool,
    /// Whether the bitmap was never written.
    unwritten: bool,
}

/// Compares, and names the owners of blocks that are claimed twice, or claimed though they are free.
pub(crate) fn check(
    volume: &Volume<'_>,
    scan: &Scan,
    metadata: &Claims,
    findings: &mut Findings,
) -> Result<(), CheckError> {
    let mut differences = Vec::new();
    for (group, descriptor) in (0_u32..).zip(&volume.descriptors) {
        if !descriptor.usable {
            continue;
        }
        let unwritten = volume.blocks_unwritten(descriptor);
        let bitmap = if unwritten { None } else { Some(volume.block(descriptor.block_bitmap)?) };
        differences.extend(compare(volume, scan, group, bitmap.as_deref(), metadata));
        let found = descriptor.directories;
        let expected = scan.directories.get(group as usize).copied().unwrap_or(0);
        if found != expected {
            findings.push(Finding::error(Structure::GroupDescriptor { group }, "directories", found, expected));
        }
    }
    let lost = differences.iter().filter(|difference| difference.claimed).map(|difference| difference.first);
    let wanted: BTreeSet<u64> = lost.take(MOST_WANTED).chain(scan.twice.iter().map(|twice| twice.block)).collect();
    let owners = Owners::find(volume, &scan.records, wanted)?;
    for twice in &scan.twice {
        let field = stretch(twice.block, twice.count);
        let finding =
            Finding::error(Structure::inode(twice.inode), field, "claimed a second time", "blocks of one owner");
        findings.push(finding.other(owners.of(twice.block, twice.inode)));
    }
    for difference in differences {
        let Difference { group, first, count, claimed, unwritten } = difference;
        let (field, structure) = (stretch(first, count.into()), Structure::BlockBitmap { group });
        let finding = match (claimed, unwritten) {
            (true, true) => {
                let structure = Structure::GroupDescriptor { group };
                Finding::error(structure, "flags", "BLOCK_UNINIT", format!("a bitmap, for {field} is in use"))
            }
            (true, false) => Finding::error(structure, field, "free", "in use"),
            (false, _) => Finding::error(structure, field, "in use", "free: nothing leads there"),
        };
        findings.push(finding.other(if claimed { owners.of(first, 0) } else { None }));
    }
    Ok(())
}

fn stretch(block: u64, count: u64) -> String {
    if count == 1 { format!("block {block}") } else { format!("block {block} and {} more", count - 1) }
}

/// At most two differences of a group: claimed but free, and in use but not claimed.
///
/// Without a bitmap, what the `metadata` take is in use.
fn compare(volume: &Volume<'_>, scan: &Scan, group: u32, bitmap: Option<&[u8]>, metadata: &Claims) -> Vec<Difference> {
    let geometry = &volume.geometry;
    let claims = scan.claims.group(group).unwrap_or(&[]);
    let metadata = metadata.group(group).unwrap_or(&[]);
    let unwritten = bitmap.is_none();
    let (start, length) = (geometry.group_start(group), geometry.group_blocks(group) as usize);
    let mut found: [Option<(u64, u32)>; 2] = [None, None];
    let mut note = |claimed: bool, at: usize| {
        let slot = &mut found[usize::from(claimed)];
        let (_, count) = slot.get_or_insert((start + at as u64, 0));
        *count += 1;
    };
    for word in 0..length.div_ceil(64) {
        let claimed = claims.get(word).copied().unwrap_or(0);
        let marked = match bitmap {
            Some(bitmap) => le64(bitmap, word * 8),
            None => metadata.get(word).copied().unwrap_or(0),
        };
        if marked == claimed {
            continue;
        }
        for at in 0..64.min(length - word * 64) {
            let (marked, claimed) = (marked >> at & 1 == 1, claimed >> at & 1 == 1);
            if marked != claimed {
                note(claimed, word * 64 + at);
            }
        }
    }
    let difference = |claimed: bool| {
        found[usize::from(claimed)].map(|(first, count)| Difference { group, first, count, claimed, unwritten })
    };
    [difference(false), difference(true)].into_iter().flatten().collect()
}
