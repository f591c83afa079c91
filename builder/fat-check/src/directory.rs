//! The entries of one directory, in their order.

use std::collections::BTreeMap;

use crate::geometry::FatKind;
use crate::long_name::Pieces;
use crate::paths::PathId;
use crate::record::{DELETED, END, Record, SIZE, is_long_name};
use crate::short_name::{DOT, DOT_DOT};
use crate::tree::{Directory, Tree};
use crate::{CheckError, Finding, file, label};

/// Names that are taken, without the difference of case, and how they are written.
pub(crate) type Names = BTreeMap<String, String>;

/// Checks the entries in `bytes`, and what they lead to.
pub(crate) fn check(tree: &mut Tree<'_, '_>, directory: &Directory, bytes: &[u8]) -> Result<(), CheckError> {
    let is_root = directory.id == PathId::ROOT;
    if !is_root {
        check_dots(tree, directory, bytes);
    }
    let mut names = Names::new();
    let mut pieces: Option<Pieces> = None;
    for (index, slot) in bytes.chunks_exact(SIZE).enumerate() {
        match slot[0] {
            END => {
                tell_orphan(tree, directory, pieces.take());
                check_behind_end(tree, directory, &bytes[index * SIZE..]);
                return Ok(());
            }
            DELETED => tell_orphan(tree, directory, pieces.take()),
            _ if is_long_name(slot) => match &mut pieces {
                Some(pieces) if !Pieces::is_start(slot) => pieces.add(slot),
                _ => {
                    tell_orphan(tree, directory, pieces.take());
                    pieces = Some(Pieces::start(slot));
                }
            },
            _ => {
                let record = Record::parse(slot);
                let is_dot = !is_root && index < 2 && [DOT, DOT_DOT].contains(&&record.name);
                if is_dot || record.is_volume_label() {
                    tell_orphan(tree, directory, pieces.take());
                    if !is_dot {
                        label::check(tree, directory, &record);
                    }
                } else {
                    file::check(tree, directory, &record, pieces.take().as_ref(), &mut names)?;
                }
            }
        }
    }
    tell_orphan(tree, directory, pieces.take());
    Ok(())
}

/// Every directory but the root begins with `.` and `..`.
fn check_dots(tree: &mut Tree<'_, '_>, directory: &Directory, bytes: &[u8]) {
    for (index, name, text, cluster) in [(0, DOT, ".", directory.first), (1, DOT_DOT, "..", directory.parent)] {
        let path = tree.paths.text(directory.id);
        let slot = bytes.get(index * SIZE..(index + 1) * SIZE);
        let Some(record) = slot.map(Record::parse).filter(|record| record.name == *name) else {
            // A directory that cannot be read has no entries at all.
            if !bytes.is_empty() {
                let expected = format!("entry {} of the directory", index + 1);
                tree.report.push(Finding::error(path, format!("entry `{text}`"), "missing", expected));
            }
            continue;
        };
        if !record.is_directory() {
            let found = format!("{:#04x}", record.attributes);
            tree.report.push(Finding::error(&*path, format!("attributes of `{text}`"), found, "a directory"));
        }
        if record.size != 0 {
            tree.report.push(Finding::error(&*path, format!("size of `{text}`"), record.size, 0));
        }
        let found = record.first_cluster(tree.geometry.kind);
        if found != cluster {
            let field = format!("first cluster of `{text}`");
            let is_root = cluster == 0 && tree.geometry.kind == FatKind::Fat32 && found == tree.root_cluster;
            tree.report.push(if is_root {
                Finding::warning(path, field, found, "0, which stands for the root directory")
            } else {
                Finding::error(path, field, found, cluster).hint("fsck.fat can correct it")
            });
        }
    }
}

/// Tells of pieces of a long name that no short name follows.
fn tell_orphan(tree: &mut Tree<'_, '_>, directory: &Directory, pieces: Option<Pieces>) {
    if let Some(pieces) = pieces {
        let path = tree.paths.text(directory.id);
        tree.report.push(
            Finding::warning(
                path,
                "long name",
                format!("{:?} without a short name behind it", pieces.text()),
                "pieces only before the short name they belong to",
            )
            .hint("a remainder that does no harm; fsck.fat can remove it"),
        );
    }
}

/// `rest` begins with the entry that ends the directory, and ends with its cluster.
fn check_behind_end(tree: &mut Tree<'_, '_>, directory: &Directory, rest: &[u8]) {
    let behind = rest.chunks_exact(SIZE).skip(1).filter(|slot| ![END, DELETED].contains(&slot[0])).count();
    if behind > 0 {
        let path = tree.paths.text(directory.id);
        tree.report.push(
            Finding::warning(path, "end of the directory", format!("{behind} entries behind it"), "none")
                .hint("some systems see these entries and some do not"),
        );
    }
}
