//! Which files of the disk name its file systems and partitions by their identities.
//!
//! The identities are derived from the image's digest, so no file of the image can have one: they are in what is made
//! around it, which is `/boot`, the ESP, and `/etc` of the deployments. All of that is searched, so that nothing which
//! names them is forgotten when a drive gets identities of its own.

use std::io::{self, Read as _};

use builder_medium::NamedBy;
use builder_tree::{Content, DisplayPath, FileTree};

use crate::filesystems::{fat_uuid, filesystem_role};
use crate::identity::Identity;
use crate::layout::{Filling, Format, Layout};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;
/// Longest file that can be changed: that of the program on the medium.
const MOST_TEXT: u64 = 1 << 20;

/// All identities of a disk, as files would have them: in small letters.
fn identities(identity: &Identity, layout: &Layout) -> Vec<String> {
    let mut all = vec![identity.uuid("disk").to_string()];
    for partition in &layout.partitions {
        let role = filesystem_role(partition.from);
        all.push(identity.uuid(&format!("partition {}", partition.from.name())).to_string());
        all.push(match partition.format {
            Format::Fat32 => fat_uuid(identity.volume_id(&role)).to_lowercase(),
            Format::Ext4 => identity.uuid(&role).to_string(),
        });
    }
    all
}

/// The files of a disk that name it; `boot` is the tree of `/boot` where that is a partition.
pub(crate) fn by(
    identity: &Identity,
    layout: &Layout,
    root: &FileTree,
    boot: Option<&FileTree>,
    esp: &FileTree,
) -> io::Result<Vec<NamedBy>> {
    let identities = identities(identity, layout);
    let mut found = find(Filling::Sysroot, root, &identities, is_made)?;
    if let Some(boot) = boot {
        found.extend(find(Filling::Boot, boot, &identities, |_| true)?);
    }
    found.extend(find(Filling::Esp, esp, &identities, |_| true)?);
    Ok(found)
}

/// The files of a partition's tree that have one of these identities. `is_made` says which paths are looked at.
fn find(
    holds: Filling,
    tree: &FileTree,
    identities: &[String],
    is_made: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<NamedBy>> {
    let mut found = Vec::new();
    tree.root.walk(&mut |path, node| {
        let Some(content) = node.as_leaf().and_then(|inode| inode.content()).filter(|_| is_made(path)) else {
            return Ok(());
        };
        if has_one(content, identities)? {
            let text = std::str::from_utf8(path);
            let is_text = content.size() <= MOST_TEXT && content.read_to_vec(MOST_TEXT)?.is_ascii();
            found.push(NamedBy {
                holds: holds.name().to_owned(),
                path: text.map_or_else(|_| DisplayPath(path).to_string(), str::to_owned),
                fixed: !is_text || text.is_err(),
            });
        }
        io::Result::Ok(())
    })?;
    Ok(found)
}

/// Whether a path of the root file system is one that is made, and not the image's: everything but objects, and of
/// deployments `/etc` alone.
fn is_made(path: &[u8]) -> bool {
    if path.starts_with(b"ostree/repo/") {
        return false;
    }
    // ostree/deploy/STATEROOT/deploy/NAME/etc
    let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    match names[..] {
        [b"ostree", b"deploy", _, b"deploy", _, top, _, ..] => top == b"etc",
        _ => true,
    }
}

/// Whether a file has one of these identities, which are in small letters, in letters of any size.
fn has_one(content: &Content, identities: &[String]) -> io::Result<bool> {
    let longest = identities.iter().map(String::len).max().unwrap_or(0);
    // A dash is rarer than digits are.
    let dashes: Vec<_> = identities.iter().filter_map(|identity| Some((identity.find('-')?, identity))).collect();
    let mut reader = content.reader();
    let room = usize::try_from(content.size()).unwrap_or(PIECE);
    let mut piece = vec![0; room.clamp(longest + 1, PIECE)];
    // What may be the begin of one at the end of a piece is kept in front of the next.
    let mut kept = 0;
    loop {
        let read = reader.read(&mut piece[kept..])?;
        if read == 0 {
            return Ok(false);
        }
        let there = kept + read;
        let is_one = |dash: usize| {
            dashes.iter().any(|&(before, identity)| {
                let first = dash.checked_sub(before);
                let found = first.and_then(|first| piece[first..there].get(..identity.len()));
                found.is_some_and(|found| found.eq_ignore_ascii_case(identity.as_bytes()))
            })
        };
        if memchr::memchr_iter(b'-', &piece[..there]).any(is_one) {
            return Ok(true);
        }
        kept = there.min(longest);
        piece.copy_within(there - kept..there, 0);
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{PIECE, find, is_made};
    use crate::layout::Filling;

    #[test]
    fn files_are_found_wherever_in_them_an_identity_is() {
        let id = "0123abcd-0123-8123-8123-0123456789ab";
        let mut tree = FileTree::new();
        let mut put = |path: &str, bytes: Vec<u8>| {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(bytes));
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        };
        put("entry", format!("options root=UUID={id} rw\n").into_bytes());
        put("large", format!("{}{}", id.to_uppercase(), " ".repeat(2 << 20)).into_bytes());
        put("program", [b"MZ\xff", id.as_bytes()].concat());
        put("other", b"0123abcd-0123-8123-8123-0123456789ac".to_vec());
        put("cut", b"0123abcd-0123".to_vec());
        for (name, at) in [("piece-1", PIECE - 1), ("piece-20", PIECE - 20), ("piece-36", PIECE - 36)] {
            put(name, format!("{}{id}", "-".repeat(at)).into_bytes());
        }
        let found = find(Filling::Esp, &tree, &[id.to_owned(), "abcd-0124".to_owned()], |_| true).unwrap();
        let found: Vec<_> = found.iter().map(|named| (named.path.as_str(), named.fixed)).collect();
        let pieces = ["piece-1", "piece-20", "piece-36"].map(|name| (name, false));
        assert_eq!(found, [&[("entry", false), ("large", true)][..], &pieces, &[("program", true)]].concat());
    }

    #[test]
    fn files_of_the_image_are_not_looked_at() {
        for (path, expected) in [
            ("boot/loader.1/entries/ostree-1.conf", true),
            ("ostree/deploy/os/deploy/0.0/etc/fstab", true),
            ("ostree/deploy/os/deploy/0.0/usr/etc/fstab", false),
            ("ostree/deploy/os/deploy/0.0.origin", true),
            ("ostree/repo/objects/00/0.file", false),
            (".bootc-aleph.json", true),
        ] {
            assert_eq!(is_made(path.as_bytes()), expected, "{path}");
        }
    }
}
