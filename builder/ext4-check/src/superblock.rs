//! The superblock: what it says, and whether that can be.

use builder_block::ByteSize;

use crate::bytes::{byte, joined, le16, le32, le64};
use crate::checksum::{Seed, unseeded};
use crate::findings::Findings;
use crate::format::{MAGIC, compat, incompat, ro_compat, sb};
use crate::geometry::Geometry;
use crate::report::Finding;
use crate::structure::Structure;

/// The 1024 bytes, and what follows from them.
#[derive(Clone, Debug)]
pub(crate) struct Superblock {
    bytes: Vec<u8>,
    compat: u32,
    incompat: u32,
    ro_compat: u32,
}

impl Superblock {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        // The oldest revision has no features, whatever the bytes say.
        let dynamic = le32(&bytes, sb::REVISION) > 0;
        let features = |at| if dynamic { le32(&bytes, at) } else { 0 };
        let (compat, incompat, ro_compat) = (features(sb::COMPAT), features(sb::INCOMPAT), features(sb::RO_COMPAT));
        Self { bytes, compat, incompat, ro_compat }
    }

    pub(crate) fn compat(&self, feature: u32) -> bool {
        self.compat & feature != 0
    }

    pub(crate) fn incompat(&self, feature: u32) -> bool {
        self.incompat & feature != 0
    }

    pub(crate) fn ro_compat(&self, feature: u32) -> bool {
        self.ro_compat & feature != 0
    }

    /// Whether all metadata have checksums.
    pub(crate) fn has_checksums(&self) -> bool {
        self.ro_compat(ro_compat::METADATA_CSUM)
    }

    /// Whether group descriptors have flags and checksums.
    pub(crate) fn has_group_flags(&self) -> bool {
        self.ro_compat(ro_compat::METADATA_CSUM | ro_compat::GDT_CSUM)
    }

    /// 16 bits at an offset of [`sb`].
    pub(crate) fn half(&self, at: usize) -> u16 {
        le16(&self.bytes, at)
    }

    /// 32 bits at an offset of [`sb`].
    pub(crate) fn word(&self, at: usize) -> u32 {
        le32(&self.bytes, at)
    }

    /// 8 bits at an offset of [`sb`].
    pub(crate) fn byte(&self, at: usize) -> u8 {
        byte(&self.bytes, at)
    }

    pub(crate) fn uuid(&self) -> &[u8] {
        self.bytes.get(sb::UUID..sb::UUID + 16).unwrap_or(&[])
    }

    pub(crate) fn blocks(&self) -> u64 {
        self.number(sb::BLOCKS_HI, sb::BLOCKS_LO)
    }

    pub(crate) fn free_blocks(&self) -> u64 {
        self.number(sb::FREE_BLOCKS_HI, sb::FREE_BLOCKS_LO)
    }

    pub(crate) fn mmp_block(&self) -> u64 {
        le64(&self.bytes, sb::MMP_BLOCK)
    }

    /// A number whose high half counts only with the `64bit` feature.
    fn number(&self, high: usize, low: usize) -> u64 {
        joined(if self.incompat(incompat::WIDE) { self.word(high) } else { 0 }, self.word(low))
    }

    pub(crate) fn seed(&self) -> Seed {
        Seed(if self.incompat(incompat::CSUM_SEED) { self.word(sb::CHECKSUM_SEED) } else { unseeded(self.uuid()) })
    }

    /// The stored and the computed checksum.
    pub(crate) fn checksums(&self) -> (u32, u32) {
        (self.word(sb::CHECKSUM), unseeded(&self.bytes[..sb::CHECKSUM.min(self.bytes.len())]))
    }

    /// Whether `number` is an inode that lies in no directory: special inodes but for the root, and those that the
    /// superblock names.
    pub(crate) fn is_hidden(&self, number: u32, geometry: &Geometry) -> bool {
        let named = |has: bool, at: usize| has && self.word(at) == number;
        let quota = self.ro_compat(ro_compat::QUOTA);
        (number < geometry.first_inode && number != crate::format::special::ROOT)
            || named(quota, sb::USER_QUOTA_INODE)
            || named(quota, sb::GROUP_QUOTA_INODE)
            || named(self.ro_compat(ro_compat::PROJECT) && quota, sb::PROJECT_QUOTA_INODE)
            || named(self.compat(compat::ORPHAN_FILE), sb::ORPHAN_FILE_INODE)
            || named(self.compat(compat::HAS_JOURNAL), sb::JOURNAL_INODE)
    }

    /// Checks all that needs no other block; `None` where nothing behind the superblock can be understood.
    pub(crate) fn check(&self, device: ByteSize, findings: &mut Findings) -> Option<Geometry> {
        let error =
            |field, found: String, expected: &str| Finding::error(Structure::Superblock, field, found, expected);
        if self.half(sb::MAGIC) != MAGIC {
            findings
                .push(error("magic", format!("{:#06x}", self.half(sb::MAGIC)), "0xef53").hint(
                    "this is no ext4 file system, or its head is lost; backups are at the starts of some groups",
                ));
            findings.unchecked("nothing else was looked at, because there is no superblock");
            return None;
        }
        if self.has_checksums() {
            if self.byte(sb::CHECKSUM_TYPE) != 1 {
                findings.push(error("checksum type", self.byte(sb::CHECKSUM_TYPE).to_string(), "1 (crc32c)"));
            }
            let (found, expected) = self.checksums();
            if found != expected {
                findings.push(Finding::checksum(Structure::Superblock, found, expected));
            }
        }
        self.check_state(findings);
        if !self.check_features(findings) {
            return None;
        }
        Geometry::new(self, device, findings)
    }

    fn check_state(&self, findings: &mut Findings) {
        let state = self.half(sb::STATE);
        let warning = |field, found: String, expected| Finding::warning(Structure::Superblock, field, found, expected);
        if state & sb::STATE_ERRORS != 0 {
            findings.push(warning("state", format!("{state:#x} (the kernel met errors)"), "1 (clean)"));
        } else if state & sb::STATE_CLEAN == 0 && !self.incompat(incompat::RECOVER) {
            findings.push(warning("state", format!("{state:#x} (not unmounted)"), "1 (clean)"));
        }
        let errors = self.word(sb::ERROR_COUNT);
        if errors != 0 {
            findings.push(warning("count of errors the kernel met", errors.to_string(), "0"));
        }
    }

    /// Whether what lies behind the superblock can be understood.
    fn check_features(&self, findings: &mut Findings) -> bool {
        let field = |name| {
            move |found: u32, expected| {
                Finding::error(Structure::Superblock, name, format_args!("{found:#x}"), expected)
            }
        };
        let unknown = self.incompat & !incompat::KNOWN;
        if unknown & incompat::JOURNAL_DEV != 0 {
            findings.push(field("incompatible features")(unknown, "a file system, not the journal of another one"));
            findings.unchecked("nothing else was looked at: this device is the journal of another file system");
            return false;
        }
        if unknown != 0 {
            findings.push(
                field("incompatible features")(unknown, "only features Linux knows")
                    .hint("Linux refuses to mount the file system"),
            );
            findings.unchecked("nothing else was looked at: unknown features may change any structure");
            return false;
        }
        let unknown = self.ro_compat & !ro_compat::KNOWN;
        if unknown != 0 {
            findings.push(Finding {
                severity: crate::Severity::Warning,
                ..field("read-only compatible features")(unknown, "only features Linux writes")
                    .hint("Linux mounts the file system for reading only")
            });
        }
        let unknown = self.compat & !compat::KNOWN;
        if unknown != 0 {
            findings.push(Finding {
                severity: crate::Severity::Warning,
                ..field("compatible features")(unknown, "only features e2fsck knows")
                    .hint("Linux does not mind, e2fsck refuses the file system")
            });
        }
        let csum = ro_compat::METADATA_CSUM;
        let wrong = [
            (self.ro_compat(csum) && self.ro_compat(ro_compat::GDT_CSUM), "uninit_bg excludes metadata_csum"),
            (self.incompat(incompat::CSUM_SEED) && !self.ro_compat(csum), "metadata_csum_seed needs metadata_csum"),
            (self.incompat(incompat::WIDE) && !self.incompat(incompat::EXTENTS), "64bit needs extents"),
            (self.incompat(incompat::META_BG) && self.compat(compat::RESIZE_INODE), "meta_bg excludes resize_inode"),
            (self.compat(compat::RESIZE_INODE) && self.sparse_none(), "resize_inode needs sparse_super"),
        ];
        for (_, rule) in wrong.into_iter().filter(|(broken, _)| *broken) {
            let all = format!("{:#x}, {:#x}, {:#x}", self.compat, self.incompat, self.ro_compat);
            findings.push(Finding::error(Structure::Superblock, "features", all, rule));
        }
        true
    }

    fn sparse_none(&self) -> bool {
        !self.ro_compat(ro_compat::SPARSE_SUPER) && !self.compat(compat::SPARSE_SUPER2)
    }
}
