//! What a check says of an image.

use builder_block::ByteSize;

use crate::{BootImage, Finding, Severity, Tree};

/// Findings beyond this number are counted, not kept: a directory of lies must not fill the memory.
pub const MOST_FINDINGS: usize = 500;

/// What the volume is, and what was counted in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its name, without trailing spaces: what `LABEL=` and GRUB's `search --label` mean.
    pub id: String,
    /// When it was changed last, or else made, as GRUB and blkid write it in place of a UUID: `2024-01-31-12-00-00-00`.
    pub uuid: Option<String>,
    /// What the primary volume descriptor says of the whole length.
    pub size: ByteSize,
    /// Whether it has a second tree of names, for Windows.
    pub has_joliet: bool,
    /// Files that were seen.
    pub files: u64,
    /// Directories that were seen, the root directory not among them.
    pub directories: u64,
}

/// What came of the checksum that `implantisomd5` puts into images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaSum {
    /// There is none.
    None,
    /// There is one, and it was not asked to compute it.
    Unread,
    /// The image has it.
    Right(String),
    /// The image has another, which is a finding as well.
    Wrong,
}

/// What is known of an image after a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The volume; `None` where there is no primary volume descriptor to go on from.
    pub volume: Option<Volume>,
    /// Its files, as Linux and GRUB see them.
    pub tree: Tree,
    /// What firmware may start from it as from a disc, in the order of the boot catalogue.
    pub boot_images: Vec<BootImage>,
    /// The checksum that it carries.
    pub media_sum: MediaSum,
    /// What is wrong: descriptors, boot catalogue, directories, path tables, checksum.
    pub findings: Vec<Finding>,
    /// How many findings beyond [`MOST_FINDINGS`] are left out.
    pub left_out: u64,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            volume: None,
            tree: Tree::default(),
            boot_images: Vec::new(),
            media_sum: MediaSum::None,
            findings: Vec::new(),
            left_out: 0,
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.left_out == 0
    }

    /// Whether an error is among the findings.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.left_out += 1;
        }
    }
}
