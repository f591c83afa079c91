//! The entries of cpio archives.

use std::io::Read;

use crate::compression::MAGIC_BYTES;
use crate::decode::is_memory_limit;
use crate::header::{
    HEADER_BYTES, Header, HeaderFault, PATH_MAX, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG,
    S_IFSOCK, TRAILER, padding,
};
use crate::initramfs::lossy;
use crate::position::Position;
use crate::tree::{LinkKey, NodeId, Placed, Tree};
use crate::window::{Stop, Window};
use crate::{Archive, Compression, Entry, EntryKind, Ignored, IgnoredReason, Initramfs, InitramfsError, Limits};

/// How many dropped entries are remembered with their names.
const REMEMBERED_DROPS: usize = 100;

/// A plain or compressed part of an initramfs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) compression: Compression,
    /// Byte of the initramfs at which it begins.
    pub(crate) start: u64,
}

/// An initramfs as far as it was read.
pub(crate) struct Reading<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) part: Part,
    wanted: &'a dyn Fn(&[u8]) -> bool,
    result: Initramfs,
    parts: u32,
    /// Whether the last archive may have further entries.
    is_open: bool,
    entries: u64,
    name_bytes: u64,
    kept_bytes: u64,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(limits: &'a Limits, wanted: &'a dyn Fn(&[u8]) -> bool) -> Self {
        Self {
            limits,
            part: Part { compression: Compression::None, start: 0 },
            wanted,
            result: Initramfs { archives: Vec::new(), tree: Tree::new(), ignored: Vec::new(), ignored_count: 0 },
            parts: 0,
            is_open: false,
            entries: 0,
            name_bytes: 0,
            kept_bytes: 0,
        }
    }

    pub(crate) fn finish(self) -> Initramfs {
        self.result
    }

    /// Where byte `at` of the part is.
    pub(crate) fn position(&self, at: u64) -> Position {
        let archives = u32::try_from(self.result.archives.len()).unwrap_or(u32::MAX);
        let archive = if self.is_open { archives } else { archives.saturating_add(1) };
        Position { archive, compression: self.part.compression, start: self.part.start, at }
    }

    /// The error for a part that cannot be read on at byte `at`.
    pub(crate) fn stopped(&self, stop: Stop, at: u64) -> InitramfsError {
        let position = self.position(at);
        match stop {
            Stop::Limit => self.too_much(at, "bytes after unpacking", self.limits.unpacked_bytes),
            Stop::Failed(source) if self.part.compression == Compression::None => {
                InitramfsError::Read { offset: at, source }
            }
            Stop::Failed(source) if is_memory_limit(&source) => {
                InitramfsError::DecoderMemory { position, limit: self.limits.decoder_bytes }
            }
            // The offset is filled in where the initramfs is at hand again.
            Stop::Failed(source) => InitramfsError::Damaged { position, offset: self.part.start, source },
        }
    }

    fn too_much(&self, at: u64, what: &'static str, limit: u64) -> InitramfsError {
        InitramfsError::TooMuch { position: self.position(at), what, limit }
    }

    /// Turns to the next part.
    pub(crate) fn begin_part(&mut self, part: Part) -> Result<(), InitramfsError> {
        self.part = part;
        self.is_open = false;
        self.parts = self.parts.saturating_add(1);
        if self.parts > self.limits.archives {
            return Err(self.too_much(0, "archives and compressed parts", self.limits.archives.into()));
        }
        Ok(())
    }

    /// Reads archives up to the end of a compressed part, or up to something else behind plain ones.
    ///
    /// Linux, init/initramfs.c: `flush_buffer`, `do_reset`.
    pub(crate) fn archives(&mut self, window: &mut Window<impl Read>) -> Result<(), InitramfsError> {
        loop {
            let at = window.offset();
            window.pass_zeros().map_err(|stop| self.stopped(stop, at))?;
            let at = window.offset();
            let ahead = window.ahead(MAGIC_BYTES).map_err(|stop| self.stopped(stop, at))?;
            let Some(first) = ahead.first() else { return Ok(()) };
            if padding(at) != 0 {
                return Err(InitramfsError::Unaligned { position: self.position(at) });
            }
            if *first == b'0' {
                self.entry(window, at)?;
            } else if self.part.compression == Compression::None {
                return Ok(());
            } else {
                let found = ahead[..ahead.len().min(MAGIC_BYTES)].to_vec();
                return Err(InitramfsError::Junk { position: self.position(at), found });
            }
        }
    }

    fn entry(&mut self, window: &mut Window<impl Read>, at: u64) -> Result<(), InitramfsError> {
        let header = self.header(window, at)?;
        if !self.is_open {
            self.open_archive(at)?;
        }
        let name = self.name(window, at, &header)?;
        if name == TRAILER {
            self.skip_body(window, at, &header, &name)?;
            self.result.tree.forget_links();
            self.is_open = false;
            if let Some(archive) = self.result.archives.last_mut() {
                archive.has_trailer = true;
            }
            return Ok(());
        }
        self.count(at, &name)?;
        if header.mode & S_IFMT == S_IFLNK {
            let target = self.target(window, at, &header, &name)?;
            self.place(&name, &header, EntryKind::Symlink { target });
            return Ok(());
        }
        let kind = match header.mode & S_IFMT {
            S_IFREG => Ok(EntryKind::File),
            _ if header.body_bytes > 0 => Err(IgnoredReason::UnexpectedBody),
            S_IFDIR => Ok(EntryKind::Directory),
            S_IFCHR => Ok(EntryKind::CharacterDevice { major: header.special.0, minor: header.special.1 }),
            S_IFBLK => Ok(EntryKind::BlockDevice { major: header.special.0, minor: header.special.1 }),
            S_IFIFO => Ok(EntryKind::Fifo),
            S_IFSOCK => Ok(EntryKind::Socket),
            _ => Err(IgnoredReason::UnknownType),
        };
        let placed = match kind {
            Ok(kind) => self.place(&name, &header, kind),
            Err(reason) => {
                if reason == IgnoredReason::UnknownType {
                    self.result.tree.displace(&name);
                }
                self.drop_entry(&name, reason);
                None
            }
        };
        if self.result.tree.lookups() > self.limits.lookups {
            return Err(self.too_much(at, "names to look up on the ways of its links", self.limits.lookups));
        }
        match placed {
            Some(Placed::File { node, path, is_link }) => self.body(window, at, &header, (node, path, is_link)),
            _ => self.skip_body(window, at, &header, &name),
        }
    }

    fn header(&self, window: &mut Window<impl Read>, at: u64) -> Result<Header, InitramfsError> {
        let ahead = window.ahead(HEADER_BYTES).map_err(|stop| self.stopped(stop, at))?;
        let Some(bytes) = ahead.first_chunk::<HEADER_BYTES>() else {
            let missing = u64::try_from(HEADER_BYTES - ahead.len()).unwrap_or(0);
            return Err(self.truncated(at, "a header".into(), missing));
        };
        let position = self.position(at);
        let header = Header::parse(bytes).map_err(|fault| match fault {
            HeaderFault::Magic => InitramfsError::Magic { position, found: bytes[..6].to_vec() },
            HeaderFault::OldForm => InitramfsError::OldForm { position },
            HeaderFault::Digits { field } => InitramfsError::Digits { position, field },
        })?;
        window.advance(HEADER_BYTES);
        Ok(header)
    }

    /// The name up to its first NUL. Some tools put several there, to align the body.
    fn name(&self, window: &mut Window<impl Read>, at: u64, header: &Header) -> Result<Vec<u8>, InitramfsError> {
        let size = u64::from(header.name_bytes);
        if size == 0 || size > PATH_MAX {
            return Err(InitramfsError::NameSize { position: self.position(at), size, limit: PATH_MAX });
        }
        let mut name = self.collect(window, at, size, || "a name".into())?;
        let Some(end) = name.iter().position(|&byte| byte == 0).filter(|_| name.ends_with(&[0])) else {
            return Err(InitramfsError::NameEnd { position: self.position(at), name: lossy(&name) });
        };
        name.truncate(end);
        self.pass_padding(window, at, || "the zeros behind a name".into())?;
        Ok(name)
    }

    fn target(
        &mut self,
        window: &mut Window<impl Read>,
        at: u64,
        header: &Header,
        name: &[u8],
    ) -> Result<Vec<u8>, InitramfsError> {
        let size = u64::from(header.body_bytes);
        if size > PATH_MAX {
            let position = self.position(at);
            return Err(InitramfsError::TargetSize { position, name: lossy(name), size, limit: PATH_MAX });
        }
        let mut target = self.collect(window, at, size, || format!("the target of {:?}", lossy(name)))?;
        if let Some(end) = target.iter().position(|&byte| byte == 0) {
            target.truncate(end);
        }
        self.count_name_bytes(at, &target)?;
        self.pass_end(window, at, name)?;
        Ok(target)
    }

    /// Reads the body of a file that was put into the tree, or skips it.
    fn body(
        &mut self,
        window: &mut Window<impl Read>,
        at: u64,
        header: &Header,
        (node, path, is_link): (NodeId, Vec<u8>, bool),
    ) -> Result<(), InitramfsError> {
        let size = u64::from(header.body_bytes);
        let is_wanted = self.result.tree.want(node, (self.wanted)(&path));
        if is_link && size == 0 {
            // The body came with another name, or comes with a later one.
            let tree = &mut self.result.tree;
            if is_wanted && tree.body(node).is_none() {
                if tree.entry(node).size > 0 {
                    return Err(InitramfsError::BodyPassed { position: self.position(at), path: lossy(&path) });
                }
                tree.set_body(node, 0, Some(Vec::new()));
            }
            return Ok(());
        }
        if !is_wanted {
            // Nothing was kept of a file that none of whose names is wanted.
            self.result.tree.set_body(node, size, None);
            return self.skip_body(window, at, header, &path);
        }
        if size > self.limits.body_bytes {
            let (position, limit) = (self.position(at), self.limits.body_bytes);
            return Err(InitramfsError::BodyTooLarge { position, path: lossy(&path), size, limit });
        }
        self.kept_bytes = self.kept_bytes.saturating_add(size);
        if self.kept_bytes > self.limits.kept_bytes {
            return Err(self.too_much(at, "bytes in the files that are read", self.limits.kept_bytes));
        }
        let body = self.collect(window, at, size, || format!("the body of {:?}", lossy(&path)))?;
        self.check_sum(at, header, &path, sum(0, &body))?;
        let replaced = self.result.tree.set_body(node, size, Some(body));
        self.kept_bytes = self.kept_bytes.saturating_sub(u64::try_from(replaced).unwrap_or(0));
        self.pass_end(window, at, &path)
    }

    fn skip_body(
        &self,
        window: &mut Window<impl Read>,
        at: u64,
        header: &Header,
        name: &[u8],
    ) -> Result<(), InitramfsError> {
        let size = u64::from(header.body_bytes);
        let mut computed = 0;
        let found = match header.sum {
            Some(_) => window.pass(size, |piece| computed = sum(computed, piece)),
            None => window.pass(size, |_| ()),
        };
        let found = found.map_err(|stop| self.stopped(stop, at))?;
        if found < size {
            return Err(self.truncated(at, format!("the body of {:?}", lossy(name)), size - found));
        }
        self.check_sum(at, header, name, computed)?;
        self.pass_end(window, at, name)
    }

    /// Linux, init/initramfs.c: `do_copy`. Only the bodies of files have sums.
    fn check_sum(&self, at: u64, header: &Header, name: &[u8], computed: u32) -> Result<(), InitramfsError> {
        match header.sum {
            Some(expected) if expected != computed && header.mode & S_IFMT == S_IFREG && header.body_bytes > 0 => {
                Err(InitramfsError::Sum { position: self.position(at), name: lossy(name), expected, computed })
            }
            _ => Ok(()),
        }
    }

    /// Takes the zeros behind a body. At the very end of a plain archive nobody misses them.
    fn pass_end(&self, window: &mut Window<impl Read>, at: u64, name: &[u8]) -> Result<(), InitramfsError> {
        let ends_here = window.ahead(1).map_err(|stop| self.stopped(stop, at))?.is_empty();
        if ends_here && self.part.compression == Compression::None {
            return Ok(());
        }
        self.pass_padding(window, at, || format!("the zeros behind {:?}", lossy(name)))
    }

    fn pass_padding(
        &self,
        window: &mut Window<impl Read>,
        at: u64,
        what: impl Fn() -> String,
    ) -> Result<(), InitramfsError> {
        // Their values do not matter to the kernel.
        let size = padding(window.offset());
        let found = window.pass(size, |_| ()).map_err(|stop| self.stopped(stop, at))?;
        if found < size { Err(self.truncated(at, what(), size - found)) } else { Ok(()) }
    }

    /// Takes `size` bytes, which the caller has compared with a limit. Memory grows with what is there.
    fn collect(
        &self,
        window: &mut Window<impl Read>,
        at: u64,
        size: u64,
        what: impl Fn() -> String,
    ) -> Result<Vec<u8>, InitramfsError> {
        let mut bytes = Vec::new();
        let found = window.pass(size, |piece| bytes.extend_from_slice(piece)).map_err(|stop| self.stopped(stop, at))?;
        if found < size { Err(self.truncated(at, what(), size - found)) } else { Ok(bytes) }
    }

    fn truncated(&self, at: u64, what: String, missing: u64) -> InitramfsError {
        InitramfsError::Truncated { position: self.position(at), what, missing }
    }

    fn open_archive(&mut self, at: u64) -> Result<(), InitramfsError> {
        let position = self.position(at);
        if position.archive > self.limits.archives {
            return Err(self.too_much(at, "archives and compressed parts", self.limits.archives.into()));
        }
        let Part { compression, start } = self.part;
        self.result.archives.push(Archive {
            number: position.archive,
            compression,
            start: if compression == Compression::None { at } else { start },
            unpacked_start: at,
            entries: 0,
            has_trailer: false,
        });
        self.is_open = true;
        Ok(())
    }

    fn count(&mut self, at: u64, name: &[u8]) -> Result<(), InitramfsError> {
        if let Some(archive) = self.result.archives.last_mut() {
            archive.entries += 1;
        }
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(self.too_much(at, "entries", self.limits.entries));
        }
        self.count_name_bytes(at, name)
    }

    fn count_name_bytes(&mut self, at: u64, name: &[u8]) -> Result<(), InitramfsError> {
        self.name_bytes = self.name_bytes.saturating_add(u64::try_from(name.len()).unwrap_or(u64::MAX));
        if self.name_bytes > self.limits.name_bytes {
            return Err(self.too_much(at, "bytes in names and link targets", self.limits.name_bytes));
        }
        Ok(())
    }

    /// Puts an entry into the tree.
    fn place(&mut self, name: &[u8], header: &Header, kind: EntryKind) -> Option<Placed> {
        let entry = Entry {
            mode: header.mode,
            uid: header.uid,
            gid: header.gid,
            mtime: header.mtime,
            size: 0,
            names: 1,
            archive: self.result.archives.last().map_or(0, |archive| archive.number),
            kind,
        };
        let link: LinkKey = (header.ino, header.device, header.mode & S_IFMT);
        match self.result.tree.place(name, entry, (header.nlink > 1).then_some(link)) {
            Ok(placed) => Some(placed),
            Err(reason) => {
                self.drop_entry(name, reason);
                None
            }
        }
    }

    fn drop_entry(&mut self, name: &[u8], reason: IgnoredReason) {
        self.result.ignored_count += 1;
        if self.result.ignored.len() < REMEMBERED_DROPS {
            let archive = self.result.archives.last().map_or(0, |archive| archive.number);
            self.result.ignored.push(Ignored { archive, name: name.to_vec(), reason });
        }
    }
}

fn sum(before: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(before, |sum, &byte| sum.wrapping_add(byte.into()))
}
