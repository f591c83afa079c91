//! An inode as it stands, and what can be told from its own bytes.

use crate::bytes::{byte, is_zero, joined, le16, le32};
use crate::findings::Findings;
use crate::format::{INODE_CHECKSUM_HIGH, INODE_CHECKSUM_LOW, compat, flag, incompat, inode, ro_compat};
use crate::report::Finding;
use crate::structure::Structure;
use crate::volume::Volume;

/// What kind of file an inode is: the upper four bits of its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Fifo,
    CharDevice,
    Directory,
    BlockDevice,
    Regular,
    Symlink,
    Socket,
    /// No kind there is.
    Unknown,
}

impl Kind {
    fn of(mode: u16) -> Self {
        match mode >> 12 {
            0x1 => Self::Fifo,
            0x2 => Self::CharDevice,
            0x4 => Self::Directory,
            0x6 => Self::BlockDevice,
            0x8 => Self::Regular,
            0xA => Self::Symlink,
            0xC => Self::Socket,
            _ => Self::Unknown,
        }
    }

    /// The file type of directory entries that lead to it.
    pub(crate) fn file_type(self) -> u8 {
        match self {
            Self::Regular => 1,
            Self::Directory => 2,
            Self::CharDevice => 3,
            Self::BlockDevice => 4,
            Self::Fifo => 5,
            Self::Socket => 6,
            Self::Symlink => 7,
            Self::Unknown => 0,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Fifo => "a FIFO",
            Self::CharDevice => "a character device",
            Self::Directory => "a directory",
            Self::BlockDevice => "a block device",
            Self::Regular => "a regular file",
            Self::Symlink => "a symbolic link",
            Self::Socket => "a socket",
            Self::Unknown => "of no kind",
        }
    }
}

/// The bytes of an inode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inode<'a> {
    pub(crate) number: u32,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Inode<'a> {
    pub(crate) fn new(number: u32, bytes: &'a [u8]) -> Self {
        Self { number, bytes }
    }

    pub(crate) fn structure(self) -> Structure {
        Structure::inode(self.number)
    }

    pub(crate) fn mode(self) -> u16 {
        le16(self.bytes, inode::MODE)
    }

    pub(crate) fn kind(self) -> Kind {
        Kind::of(self.mode())
    }

    pub(crate) fn size(self) -> u64 {
        joined(le32(self.bytes, inode::SIZE_HI), le32(self.bytes, inode::SIZE_LO))
    }

    pub(crate) fn links(self) -> u16 {
        le16(self.bytes, inode::LINKS)
    }

    pub(crate) fn dtime(self) -> u32 {
        le32(self.bytes, inode::DTIME)
    }

    pub(crate) fn flags(self) -> u32 {
        le32(self.bytes, inode::FLAGS)
    }

    pub(crate) fn has(self, flags: u32) -> bool {
        self.flags() & flags != 0
    }

    pub(crate) fn generation(self) -> u32 {
        le32(self.bytes, inode::GENERATION)
    }

    /// `i_block`: a map, a target, or a small body.
    pub(crate) fn body(self) -> &'a [u8] {
        self.bytes.get(inode::BLOCK..inode::BLOCK + inode::BLOCK_LENGTH).unwrap_or(&[])
    }

    pub(crate) fn xattr_block(self, volume: &Volume<'_>) -> u64 {
        let high = if volume.superblock.incompat(incompat::WIDE) { le16(self.bytes, inode::XATTR_BLOCK_HI) } else { 0 };
        joined(high.into(), le32(self.bytes, inode::XATTR_BLOCK_LO))
    }

    /// How often the value in an inode of that kind is used.
    pub(crate) fn value_references(self) -> u64 {
        joined(le32(self.bytes, inode::CTIME), le32(self.bytes, inode::VERSION))
    }

    /// Bytes it takes on the disk, as it says.
    pub(crate) fn occupied(self, volume: &Volume<'_>) -> u128 {
        let low = le32(self.bytes, inode::BLOCKS_LO);
        if !volume.superblock.ro_compat(ro_compat::HUGE_FILE) {
            return u128::from(low) * 512;
        }
        let unit = if self.has(flag::HUGE_FILE) { volume.geometry.block_size as u128 } else { 512 };
        u128::from(joined(le16(self.bytes, inode::BLOCKS_HI).into(), low)) * unit
    }

    /// Bytes of it that are fields; attributes follow.
    pub(crate) fn fields_end(self) -> usize {
        if self.bytes.len() <= inode::OLD_SIZE {
            return self.bytes.len();
        }
        let extra = usize::from(le16(self.bytes, inode::EXTRA_SIZE));
        (inode::OLD_SIZE + extra).min(self.bytes.len())
    }

    /// Whether its target is in the inode itself.
    pub(crate) fn is_fast_symlink(self) -> bool {
        self.kind() == Kind::Symlink
            && !self.has(flag::EXTENTS | flag::INLINE_DATA)
            && self.size() < inode::BLOCK_LENGTH as u64
    }

    /// Whether it maps blocks: devices and the like do not, nor do those whose body is in the inode.
    pub(crate) fn is_mapped(self) -> bool {
        match self.kind() {
            Kind::Regular | Kind::Directory => !self.has(flag::INLINE_DATA),
            Kind::Symlink => !self.has(flag::INLINE_DATA) && !self.is_fast_symlink(),
            Kind::Unknown => self.number == crate::format::special::BAD_BLOCKS,
            _ => false,
        }
    }

    /// The stored and the computed checksum.
    fn checksums(self, volume: &Volume<'_>) -> (u32, u32) {
        let wide = self.bytes.len() > inode::OLD_SIZE && self.fields_end() >= INODE_CHECKSUM_HIGH + 2;
        let seed = volume.seed.inode(self.number, self.generation());
        let computed = seed.inode_bytes(self.bytes, wide);
        let low = u32::from(le16(self.bytes, INODE_CHECKSUM_LOW));
        if wide {
            (u32::from(le16(self.bytes, INODE_CHECKSUM_HIGH)) << 16 | low, computed)
        } else {
            (low, computed & 0xffff)
        }
    }

    pub(crate) fn check_checksum(self, volume: &Volume<'_>, findings: &mut Findings) {
        if !volume.superblock.has_checksums() || is_zero(self.bytes) {
            return;
        }
        let (found, expected) = self.checksums(volume);
        if found != expected {
            findings.push(Finding::checksum(self.structure(), found, expected));
        }
    }

    /// Checks the fields that no other structure takes part in. `orphan` says that it waits to be deleted.
    pub(crate) fn check_fields(self, volume: &Volume<'_>, orphan: bool, findings: &mut Findings) {
        let mut error = |field: &'static str, found: String, expected: &str| {
            findings.push(Finding::error(self.structure(), field, found, expected));
        };
        let superblock = &volume.superblock;
        let kind = self.kind();
        if self.number != crate::format::special::BAD_BLOCKS && kind == Kind::Unknown {
            error("mode", format!("{:#08o}", self.mode()), "a mode with a file type there is");
        }
        if self.bytes.len() > inode::OLD_SIZE {
            let extra = usize::from(le16(self.bytes, inode::EXTRA_SIZE));
            let most = self.bytes.len() - inode::OLD_SIZE;
            if extra > most || !extra.is_multiple_of(4) {
                error("size of the further fields", extra.to_string(), &format!("a multiple of 4, up to {most}"));
            }
        }
        if self.dtime() != 0 && self.links() > 0 && !orphan {
            error("deletion time", self.dtime().to_string(), "0, as the inode is in use");
        }
        let fragment = le32(self.bytes, inode::FRAGMENT);
        if fragment != 0 {
            error("address of a fragment", fragment.to_string(), "0: there are no fragments");
        }
        let most = self.most_size(volume);
        if kind == Kind::Regular && u128::from(self.size()) > most && self.number != crate::format::special::RESIZE {
            error("size", self.size().to_string(), &format!("at most {most}, what its map reaches"));
        }
        let needs = [
            (flag::EXTENTS, superblock.incompat(incompat::EXTENTS), "no extents without that feature"),
            (flag::INLINE_DATA, superblock.incompat(incompat::INLINE_DATA), "no inline data without that feature"),
            (flag::ENCRYPT, superblock.incompat(incompat::ENCRYPT), "no encryption without that feature"),
            (flag::INDEX, superblock.compat(compat::DIR_INDEX), "no hash tree without the feature dir_index"),
            (flag::INDEX, kind == Kind::Directory, "a hash tree in a directory only"),
            (flag::EA_INODE, superblock.incompat(incompat::EA_INODE), "no attribute inode without that feature"),
            (flag::CASEFOLD, superblock.incompat(incompat::CASEFOLD), "no case folding without that feature"),
        ];
        for (_, _, rule) in needs.into_iter().filter(|(flags, fine, _)| self.has(*flags) && !fine) {
            error("flags", format!("{:#x}", self.flags()), rule);
        }
        if self.has(flag::EXTENTS) && self.has(flag::INLINE_DATA) {
            error("flags", format!("{:#x}", self.flags()), "either extents or inline data");
        }
        if self.has(flag::VERITY) && !superblock.ro_compat(ro_compat::VERITY) {
            findings.push(Finding::warning(
                self.structure(),
                "flags",
                format_args!("{:#x}", self.flags()),
                "no verity without that feature",
            ));
        }
        if matches!(kind, Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice) {
            self.check_special(findings);
        }
        if kind == Kind::Symlink {
            self.check_fast_symlink(findings);
        }
    }

    /// The longest body the inode can map, in bytes.
    fn most_size(self, volume: &Volume<'_>) -> u128 {
        let block = volume.geometry.block_size as u128;
        if self.has(flag::EXTENTS) {
            return block * (1 << 32) - 1;
        }
        let words = block / 4;
        block * (12 + words + words * words + words * words * words)
    }

    /// Whether it holds the value of an attribute.
    pub(crate) fn is_value(self, volume: &Volume<'_>) -> bool {
        self.has(flag::EA_INODE) && volume.superblock.incompat(incompat::EA_INODE)
    }

    /// A special file has a device number at most.
    fn check_special(self, findings: &mut Findings) {
        if self.size() != 0 {
            findings.push(Finding::error(
                self.structure(),
                "size",
                self.size(),
                format_args!("0, as it is {}", self.kind().word()),
            ));
        }
        if self.has(flag::EXTENTS | flag::INDEX | flag::INLINE_DATA) {
            let found = format!("{:#x}", self.flags());
            findings.push(Finding::error(
                self.structure(),
                "flags",
                found,
                format_args!("no body, as it is {}", self.kind().word()),
            ));
        }
        // The first two words are the device number, in an old and a new form.
        if !is_zero(self.body().get(16..).unwrap_or(&[])) {
            findings.push(Finding::error(
                self.structure(),
                "block numbers",
                "not zero",
                format_args!("none, as it is {}", self.kind().word()),
            ));
        }
    }

    fn check_fast_symlink(self, findings: &mut Findings) {
        if self.size() == 0 {
            findings.push(Finding::error(self.structure(), "size", 0, "the length of a link's target, at least 1"));
        } else if self.is_fast_symlink() && !self.has(flag::ENCRYPT) {
            let length = self.body().iter().take_while(|&&byte| byte != 0).count();
            if length as u64 != self.size() {
                findings.push(Finding::error(
                    self.structure(),
                    "size",
                    self.size(),
                    format_args!("{length}, the length of the target"),
                ));
            }
        }
    }

    /// The inode's own attributes: all behind its fields.
    pub(crate) fn attributes(self) -> &'a [u8] {
        if self.bytes.len() <= inode::OLD_SIZE || byte(self.bytes, inode::EXTRA_SIZE) == 0 {
            return &[];
        }
        self.bytes.get(self.fields_end()..).unwrap_or(&[])
    }
}
