//! Names that ostree cannot hold.

use builder_tree::{InodeKind, Node};

use crate::lint::check::{Check, Entry, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static UTF8: Check = Check {
    name: "utf8",
    severity: Severity::Fatal,
    origin: Origin::Bootc,
    summary: "A name or the target of a symbolic link is not UTF-8",
    reason: "In ostree names are UTF-8 text; an image with others cannot be committed",
    fix: "RUN convmv -r -f latin1 -t utf8 --notest DIRECTORY",
    run: Run::Walk(utf8),
};

fn utf8(_: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    if std::str::from_utf8(entry.name()).is_err() {
        findings.at(entry.path, "its name is not UTF-8");
    }
    if let Node::Leaf(inode) = entry.node
        && let InodeKind::Symlink(target) = &inode.kind
        && std::str::from_utf8(target).is_err()
    {
        findings.at(entry.path, format!("the target of the link, {}, is not UTF-8", target.escape_ascii()));
    }
}

pub(crate) static DISK_LIMITS: Check = Check {
    name: "disk-limits",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "A path or an extended attribute is one that an ostree system on ext4 cannot hold",
    reason: "An attribute on ext4 lies in one block of 4 KiB and is of one of four kinds, and no program opens a \
             path of more than 4,095 bytes",
    fix: "# take the attribute away, or shorten the path\nRUN setfattr -x ATTRIBUTE PATH",
    run: Run::Walk(disk_limits),
};

/// Bytes of the longest path that Linux opens (`PATH_MAX`, without the zero at the end).
const MOST_PATH: usize = 4095;

/// Kinds of attributes that ext4 has a number for.
const PREFIXES: [&[u8]; 4] = [b"security.", b"system.", b"trusted.", b"user."];

/// What of an attribute block of 4096 bytes is left for the value of one attribute and its name: less the header, an
/// entry and the end of entries. Linux, ext4 "Extended Attributes".
const BLOCK_ROOM: usize = 4096 - 32 - 16 - 4;

fn disk_limits(_: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    // The image's `/etc` is kept below `/usr`.
    let moved = if entry.is_below(&["etc"]) { 4 } else { 0 };
    let length = entry.path.len() + moved;
    if length > MOST_PATH {
        findings.at(entry.path, format!("its path has {length} bytes, more than {MOST_PATH}"));
    }
    // Those without a value are left out.
    for (name, value) in entry.node.metadata().xattrs.iter().filter(|(_, value)| !value.is_empty()) {
        let Some(rest) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(*prefix)) else {
            let shown = name.escape_ascii();
            findings.at(entry.path, format!("the attribute `{shown}` is of a kind that ext4 does not have"));
            continue;
        };
        let room = BLOCK_ROOM.saturating_sub(rest.len().next_multiple_of(4));
        if value.len().next_multiple_of(4) > room {
            let (shown, size) = (name.escape_ascii(), value.len());
            findings.at(
                entry.path,
                format!("the attribute `{shown}` has {size} bytes, more than the {room} that ext4 keeps"),
            );
        }
    }
}
