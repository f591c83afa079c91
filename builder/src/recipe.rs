//! What was asked for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use builder_block::{ByteSize, SectorSize};
use builder_boot::BootloaderChoice;
use builder_oci::{ImageSource, Platform};
use serde::Serialize;

use crate::bundle::Tool;
use crate::formats::Formats;
use crate::layout::Layout;
use crate::lint::LintChoice;
use crate::ssh_keys::AuthorizedKeys;

/// A request for a disk. Host facts (the platform's default, the scratch directory, the date) are put in by the
/// caller; below here nothing looks at the host.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The image.
    pub source: ImageSource,
    /// An older image that the system can be rolled back to.
    pub rollback: Option<ImageSource>,
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
    /// Bytes in a sector of the disk, in place of the layout's.
    pub sector_size: Option<SectorSize>,
    /// The image reference that the installed system tracks.
    pub target_imgref: Option<String>,
    /// Name of the stateroot; `None` for the image's own choice, else `default`.
    pub stateroot: Option<String>,
    /// Keys with which root may log in.
    pub root_ssh_authorized_keys: Option<AuthorizedKeys>,
    /// Whether files are labelled.
    pub selinux: SelinuxChoice,
    /// Whether the images are looked at; it decides no byte.
    pub lint: LintChoice,
    /// Which boot loader.
    pub bootloader: BootloaderChoice,
    /// The formats that the disk is written in.
    pub formats: Formats,
    /// The program that documents beside the disk name; `None` for no documents.
    pub bundle: Option<Tool>,
    /// Date of everything that is made; `None` for the image's date of creation.
    pub source_date_epoch: Option<i64>,
    /// Where the unnamed scratch file lies.
    pub scratch: PathBuf,
    /// How many threads may hash at once, at least one. The bytes do not depend on it.
    pub threads: usize,
}

/// Whether files are labelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelinuxChoice {
    /// By the image's policy, where it has one and SELinux is on in it.
    #[default]
    Auto,
    /// Not at all, and a kernel argument turns SELinux off.
    Off,
}

impl FromStr for SelinuxChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            _ => Err("expected auto or off".to_owned()),
        }
    }
}

impl fmt::Display for SelinuxChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Off => "off",
        })
    }
}

impl Recipe {
    /// Bytes in a sector of a disk of `layout`.
    #[must_use]
    pub fn sector_size_of(&self, layout: &Layout) -> SectorSize {
        self.sector_size.unwrap_or(layout.sector_size)
    }

    /// What the size of the disk must be a multiple of for the formats asked for; `None` where a size is asked for, or
    /// any would do.
    #[must_use]
    pub fn disk_granularity(&self) -> Option<ByteSize> {
        let granularity = self.formats.granularity();
        (self.disk_size.is_none() && granularity > ByteSize::mib(1)).then_some(granularity)
    }

    /// The part of the request that decides bytes, as text: with the image's digest it is the disk's identity.
    /// `rollback` is the digest of the manifest of the image to roll back to.
    #[must_use]
    pub fn canonical(&self, layout: &Layout, rollback: Option<&str>) -> String {
        #[derive(Serialize)]
        struct Canonical<'a> {
            bootloader: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            disk_granularity: Option<u64>,
            disk_size: Option<u64>,
            karg_deletes: &'a [String],
            kargs: &'a [String],
            layout: &'a str,
            // What was not asked for is not written, so that disks keep the identity they had before it could be.
            #[serde(skip_serializing_if = "Option::is_none")]
            rollback: Option<&'a str>,
            root_size: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            root_ssh_authorized_keys: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            sector_size: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            selinux: Option<String>,
            stateroot: Option<&'a str>,
            target_imgref: Option<&'a str>,
        }
        let canonical = Canonical {
            bootloader: self.bootloader.to_string(),
            disk_granularity: self.disk_granularity().map(ByteSize::bytes),
            disk_size: self.disk_size.map(ByteSize::bytes),
            karg_deletes: &self.karg_deletes,
            kargs: &self.kargs,
            layout: &layout.text,
            rollback,
            root_size: self.root_size.map(ByteSize::bytes),
            root_ssh_authorized_keys: self.root_ssh_authorized_keys.as_ref().map(AuthorizedKeys::text),
            // What the layout says is in its text.
            sector_size: Some(self.sector_size_of(layout))
                .filter(|sector| *sector != layout.sector_size)
                .map(SectorSize::bytes),
            selinux: (self.selinux != SelinuxChoice::Auto).then(|| self.selinux.to_string()),
            stateroot: self.stateroot.as_deref(),
            target_imgref: self.target_imgref.as_deref(),
        };
        // Strings and numbers always serialise.
        serde_json::to_string(&canonical).expect("plain values serialise")
    }
}
