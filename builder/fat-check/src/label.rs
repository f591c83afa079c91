//! The volume label, which stands at two places.

use crate::Finding;
use crate::boot::BootSector;
use crate::paths::PathId;
use crate::record::{RESERVED, Record, VOLUME_LABEL};
use crate::tree::{Directory, Tree};

/// What the boot sector says where there is none.
const NO_NAME: &[u8] = b"NO NAME";

/// Checks an entry that is a volume label.
pub(crate) fn check(tree: &mut Tree<'_, '_>, directory: &Directory, record: &Record) {
    let path = tree.paths.text(directory.id);
    let shown = text(&record.name);
    if directory.id != PathId::ROOT {
        let expected = "volume labels in the root directory only";
        tree.report.push(Finding::error(path, "volume label", format!("{shown:?}"), expected));
        return;
    }
    if let Some(first) = tree.label {
        let expected = format!("only one, which is {:?}", text(&first));
        tree.report.push(Finding::error(path, "volume label", format!("{shown:?}"), expected));
        return;
    }
    tree.label = Some(record.name);
    if record.cluster_low != 0 || record.size != 0 {
        tree.report.push(Finding::warning(&*path, "size or cluster of the volume label", "not zero", 0));
    }
    if record.attributes & (RESERVED | 0x10) != 0 {
        let (found, expected) = (format!("{:#04x}", record.attributes), format!("{VOLUME_LABEL:#04x}"));
        tree.report.push(Finding::warning(path, "attributes of the volume label", found, expected));
    }
}

/// Compares the label of the root directory with the one in the boot sector.
pub(crate) fn compare(tree: &mut Tree<'_, '_>, boot: &BootSector) {
    // Only this signature says that there is one.
    if boot.extended_signature != 0x29 {
        return;
    }
    let of_root = tree.label.map(|label| text(&label)).unwrap_or_default();
    let of_boot = if boot.label.trim_ascii_end() == NO_NAME { String::new() } else { text(&boot.label) };
    if of_root == of_boot {
        return;
    }
    let shown = |label: &str| if label.is_empty() { "none".into() } else { format!("{label:?}") };
    tree.report.push(
        Finding::warning(
            "boot sector",
            "volume label",
            shown(&of_boot),
            format!("{}, as the root directory has it", shown(&of_root)),
        )
        .hint("systems show one or the other; fatlabel sets both"),
    );
}

/// The label without trailing spaces, bytes beyond ASCII as `\x8e`.
pub(crate) fn text(label: &[u8; 11]) -> String {
    let end = label.iter().rposition(|byte| ![b' ', 0].contains(byte)).map_or(0, |last| last + 1);
    label[..end].escape_ascii().to_string()
}
