//! Entries of a tar stream: one or more headers become one entry; its body is left in the stream.
//!
//! tar-core decodes the header fields. Its parser of whole archives is not used: it takes numbers wider than 64
//! bits for small ones, refuses times before 1970, and adds claimed sizes without a check.

use builder_tree::Metadata;

use crate::feed::{Feed, Halt};
use crate::pax::Pax;
use crate::problem::EntryProblem;
use crate::sparse::{self, SparseMap};
use crate::tarblock::{TarHeader, padding};

/// Bytes of all extended headers of an entry.
const EXTENDED_LIMIT: u64 = 1 << 20;
/// Bytes of a path, and of a symbolic link's target (PATH_MAX with its NUL).
pub(crate) const PATH_LIMIT: usize = 4096;
/// Bytes of a name (NAME_MAX).
pub(crate) const NAME_LIMIT: usize = 255;

/// One entry.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The names on the way to it, none for the root.
    pub(crate) names: Vec<Vec<u8>>,
    pub(crate) metadata: Metadata,
    pub(crate) kind: EntryKind,
    /// Bytes of body that follow in the stream, without padding.
    pub(crate) body: u64,
}

#[derive(Debug)]
pub(crate) enum EntryKind {
    File(Option<SparseMap>),
    Directory,
    Symlink(Vec<u8>),
    /// The names on the way to the target.
    HardLink(Vec<Vec<u8>>),
    CharDevice(u32, u32),
    BlockDevice(u32, u32),
    Fifo,
}

/// What is being read, for messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) path: Option<Vec<u8>>,
}

/// Extended headers that wait for their entry.
#[derive(Default)]
struct Extended {
    any: bool,
    size: u64,
    pax: Pax,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

/// The next entry; `None` at the end of the archive, after which only zeros came. `place` is kept up to date.
pub(crate) fn next(feed: &mut Feed<'_>, place: &mut Place) -> Result<Option<Entry>, Halt> {
    let mut extended = Extended::default();
    loop {
        *place = Place { offset: feed.position(), path: None };
        let block = feed.block()?;
        let Some(block) = block.filter(|block| block.iter().any(|&byte| byte != 0)) else {
            if extended.any {
                return Err(EntryProblem::Orphan.into());
            }
            feed.zeros()?;
            return Ok(None);
        };
        let header = TarHeader::new(&block)?;
        if !matches!(header.type_flag(), b'L' | b'K' | b'x' | b'g') {
            return entry(feed, place, &header, extended).map(Some);
        }
        let size = header.size()?;
        // A claim; nothing is set aside for it before it is found to be small.
        extended.size = extended.size.saturating_add(size);
        if extended.size > EXTENDED_LIMIT {
            let (size, limit) = (extended.size, EXTENDED_LIMIT);
            return Err(EntryProblem::ExtendedHeaderSize { size, limit }.into());
        }
        let body = feed.take(size)?;
        feed.skip(padding(size))?;
        match header.type_flag() {
            b'L' => extended.long_name = Some(until_nul(body)),
            b'K' => extended.long_link = Some(until_nul(body)),
            b'x' => extended.pax.add(&body)?,
            // Global headers: git and GNU tar put comments there, and container tools apply nothing of them. They
            // do not belong to the next entry, so they may also stand last.
            _ => {
                extended.size -= size;
                continue;
            }
        }
        extended.any = true;
    }
}

fn entry(feed: &mut Feed<'_>, place: &mut Place, header: &TarHeader<'_>, extended: Extended) -> Result<Entry, Halt> {
    let Extended { mut pax, long_name, long_link, .. } = extended;
    let mut path = pax.path.take().or(long_name).unwrap_or_else(|| header.name());
    place.path = Some(path.clone());
    let target = pax.link_path.take().or(long_link).unwrap_or_else(|| header.link_name());
    let metadata = Metadata {
        mode: header.mode()?,
        uid: pax.uid.map_or_else(|| header.uid(), Ok)?,
        gid: pax.gid.map_or_else(|| header.gid(), Ok)?,
        mtime: pax.mtime.map_or_else(|| header.mtime(), Ok)?,
        xattrs: pax.take_xattrs()?,
        immutable: false,
    };
    let size = || pax.size.map_or_else(|| header.size(), Ok);
    let (kind, body) = match header.type_flag() {
        // Before ustar a directory was a file whose name ends with a slash.
        0 if path.ends_with(b"/") => (EntryKind::Directory, 0),
        0 | b'0' | b'7' => match sparse::of_pax(feed, &pax, size()?)? {
            None => (EntryKind::File(None), size()?),
            Some(found) => {
                if let Some(name) = found.name {
                    place.path = Some(name.clone());
                    path = name;
                }
                (EntryKind::File(Some(found.map)), found.body)
            }
        },
        b'S' => {
            let body = size()?;
            (EntryKind::File(Some(sparse::old_gnu(feed, header, body)?)), body)
        }
        // The rest have no body, whatever size they claim: archives of pax and of old tars give links their
        // target's. Go's reader, which all container tools use, sees it so.
        b'1' => (EntryKind::HardLink(names("hard link target", &target)?), 0),
        b'2' => (EntryKind::Symlink(symlink_target(target)?), 0),
        b'3' => device(header, EntryKind::CharDevice)?,
        b'4' => device(header, EntryKind::BlockDevice)?,
        b'5' => (EntryKind::Directory, 0),
        b'6' => (EntryKind::Fifo, 0),
        flag => return Err(EntryProblem::TypeFlag { flag }.into()),
    };
    Ok(Entry { names: names("name", &path)?, metadata, kind, body })
}

fn device(header: &TarHeader<'_>, kind: fn(u32, u32) -> EntryKind) -> Result<(EntryKind, u64), EntryProblem> {
    let (major, minor) = header.device()?;
    Ok((kind(major, minor), 0))
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
        bytes.truncate(end);
    }
    bytes
}

fn symlink_target(target: Vec<u8>) -> Result<Vec<u8>, EntryProblem> {
    let wrong = |reason| Err(EntryProblem::Name { what: "symbolic link's target", reason });
    if target.is_empty() {
        return wrong("is empty");
    }
    if target.len() >= PATH_LIMIT {
        return wrong("is longer than 4,095 bytes");
    }
    if target.contains(&0) {
        return wrong("has a NUL byte");
    }
    Ok(target)
}

/// The names of a path from the archive, without empty ones and `.`.
fn names(what: &'static str, path: &[u8]) -> Result<Vec<Vec<u8>>, EntryProblem> {
    let wrong = |reason| Err(EntryProblem::Name { what, reason });
    if path.is_empty() {
        return wrong("is empty");
    }
    if path.len() > PATH_LIMIT {
        return wrong("is longer than 4,096 bytes");
    }
    if path.contains(&0) {
        return wrong("has a NUL byte");
    }
    let mut names = Vec::new();
    for name in path.split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => return wrong("leads through \"..\""),
            _ if name.len() > NAME_LIMIT => return wrong("has a part longer than 255 bytes"),
            _ => names.push(name.to_vec()),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_cut_at_slashes_and_checked() {
        let name = |length| vec![b'n'; length];
        let cases: [(&[u8], Option<usize>); 9] = [
            (b"a/b", Some(2)),
            (b"/a//./b/", Some(2)),
            (b"./", Some(0)),
            (b"/", Some(0)),
            (b"", None),
            (b"a/../b", None),
            (b"..", None),
            (b"a\0b", None),
            (b"..a/b..", Some(2)),
        ];
        for (path, count) in cases {
            assert_eq!(names("name", path).ok().map(|names| names.len()), count, "{}", path.escape_ascii());
        }
        assert!(names("name", &name(255)).is_ok());
        assert!(names("name", &name(256)).is_err());
        assert!(names("name", &b"a/".repeat(2048)).is_ok());
        assert!(names("name", &b"a/".repeat(2049)).is_err());
    }
}
