//! What was asked for.

use std::path::PathBuf;

use builder_block::ByteSize;
use builder_boot::BootloaderChoice;
use builder_oci::{ImageSource, Platform};
use serde::Serialize;

use crate::layout::Layout;

/// A request for a disk. Host facts (the platform's default, the scratch directory, the date) are put in by the
/// caller; below here nothing looks at the host.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The image.
    pub source: ImageSource,
    /// The platform to take from a multi-platform image.
    pub platform: Platform,
    /// The layout; `None` for the built-in one of the image's architecture.
    pub layout: Option<Layout>,
    /// Kernel arguments to add.
    pub kargs: Vec<String>,
    /// Kernel arguments to take out.
    pub karg_deletes: Vec<String>,
    /// Size of the root partition, in place of the layout's.
    pub root_size: Option<ByteSize>,
    /// Size of the whole disk; unless `root_size` is given, the root takes what is left.
    pub disk_size: Option<ByteSize>,
    /// The image reference that the installed system tracks.
    pub target_imgref: Option<String>,
    /// Name of the stateroot; `None` for the image's own choice, else `default`.
    pub stateroot: Option<String>,
    /// Which boot loader.
    pub bootloader: BootloaderChoice,
    /// Date of everything that is made; `None` for the image's date of creation.
    pub source_date_epoch: Option<i64>,
    /// Where the unnamed scratch file lies.
    pub scratch: PathBuf,
}

impl Recipe {
    /// The part of the request that decides bytes, as text: with the image's digest it is the disk's identity.
    #[must_use]
    pub fn canonical(&self, layout: &Layout) -> String {
        #[derive(Serialize)]
        struct Canonical<'a> {
            bootloader: String,
            disk_size: Option<u64>,
            karg_deletes: &'a [String],
            kargs: &'a [String],
            layout: &'a str,
            root_size: Option<u64>,
            stateroot: Option<&'a str>,
            target_imgref: Option<&'a str>,
        }
        let canonical = Canonical {
            bootloader: self.bootloader.to_string(),
            disk_size: self.disk_size.map(ByteSize::bytes),
            karg_deletes: &self.karg_deletes,
            kargs: &self.kargs,
            layout: &layout.text,
            root_size: self.root_size.map(ByteSize::bytes),
            stateroot: self.stateroot.as_deref(),
            target_imgref: self.target_imgref.as_deref(),
        };
        // Strings and numbers always serialise.
        serde_json::to_string(&canonical).expect("plain values serialise")
    }
}
