//! Entries of tar archives, each header at its place.

use tar::{EntryType, Header};

/// Unit of a tar archive in bytes.
pub(crate) const BLOCK: u64 = 512;

/// What ends an archive.
pub(crate) const END: u64 = 2 * BLOCK;

/// Metadata of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// Path in the archive; at most 100 bytes.
    pub(crate) path: &'a str,
    /// A directory ends in a slash and has no size.
    pub(crate) kind: EntryType,
    pub(crate) size: u64,
    /// Owner and group.
    pub(crate) owner: u64,
    /// Unix seconds.
    pub(crate) modified: u64,
}

impl Entry<'_> {
    /// The header, POSIX 1003.1-1988 ("ustar").
    pub(crate) fn header(&self) -> std::io::Result<[u8; 512]> {
        let mut header = Header::new_ustar();
        header.set_path(self.path)?;
        header.set_entry_type(self.kind);
        header.set_mode(if self.kind.is_dir() { 0o755 } else { 0o644 });
        header.set_uid(self.owner);
        header.set_gid(self.owner);
        header.set_size(self.size);
        header.set_mtime(self.modified);
        header.set_cksum();
        Ok(*header.as_bytes())
    }
}

/// `length`, filled up to whole blocks.
pub(crate) fn padded(length: u64) -> u64 {
    length.next_multiple_of(BLOCK)
}
