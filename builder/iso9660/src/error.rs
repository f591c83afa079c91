//! What cannot be put onto a medium.

use uuid::Uuid;

/// Why there is no such image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IsoError {
    /// A volume without a name is not found.
    #[error("the volume id is empty")]
    NoVolumeId,
    /// A character that the field cannot have.
    #[error("the {field} {value:?} has the character {character:?}, and only {allowed} are allowed")]
    FieldCharacter {
        /// Name of the field.
        field: &'static str,
        /// What it was to be.
        value: String,
        /// The first such character.
        character: char,
        /// What it may have.
        allowed: &'static str,
        /// The same in capitals, with `_` for what it may not have.
        fitting: String,
    },
    /// A field that is too long.
    #[error("the {field} {value:?} has {length} characters, and {limit} are the most")]
    FieldLength {
        /// Name of the field.
        field: &'static str,
        /// What it was to be.
        value: String,
        /// Its length.
        length: usize,
        /// What there is room for.
        limit: usize,
    },
    /// A time that the medium cannot hold.
    #[error(
        "the time of {seconds} seconds since 1970 lies behind the year 2155, where {end} begins what cannot be held"
    )]
    Time {
        /// The time.
        seconds: u64,
        /// The first that is too late.
        end: u64,
    },
    /// A path, or what is at it, that cannot be.
    #[error("{path:?} cannot be on the medium: {reason}")]
    Path {
        /// The path.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// A name that Joliet cannot hold.
    #[error("Joliet cannot hold the name of {path:?}: {reason}")]
    Joliet {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file of more pieces than Linux reads.
    #[error("{path:?} has {length} bytes, and a file on the medium has {limit} at most")]
    FileLength {
        /// The path.
        path: String,
        /// In bytes.
        length: u64,
        /// In bytes.
        limit: u64,
    },
    /// More than 32 bits can count.
    #[error("the medium needs {count} {what}, and {limit} are the most")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many at least.
        count: u64,
        /// The most.
        limit: u64,
    },
    /// A boot image for BIOS that is not usable.
    #[error("the boot image {path:?} cannot boot: {reason}")]
    BootImage {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// Boot code that does not fit.
    #[error("the boot code of the first sector has {length} bytes, and {word} {limit} are needed")]
    BootCodeLength {
        /// In bytes.
        length: usize,
        /// In bytes.
        limit: usize,
        /// How the two compare.
        word: &'static str,
    },
    /// GRUB's boot code alone.
    #[error("GRUB's boot code in the first sector needs a boot image for BIOS to load, and there is none")]
    BootCodeAlone,
    /// An EFI system partition of no bytes.
    #[error("the image of the EFI system partition is empty")]
    EspEmpty,
    /// A GUID that identifies nothing, or two things.
    #[error("the {what} has the GUID {guid}, which {reason}")]
    Guid {
        /// Of what.
        what: &'static str,
        /// The GUID.
        guid: Uuid,
        /// Why not.
        reason: &'static str,
    },
}

impl IsoError {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoVolumeId => Some("name the volume; the installer finds its medium by it".into()),
            Self::FieldCharacter { field, fitting, .. } => Some(format!("write the {field} as {fitting:?}")),
            Self::FieldLength { field, .. } => Some(format!("choose another {field}; ISO 9660 leaves no more room")),
            Self::Joliet { .. } => {
                Some("rename it, or leave Joliet away: then Windows sees short names in capitals".into())
            }
            Self::Guid { .. } => Some("give the disk and each partition a GUID of its own".into()),
            _ => None,
        }
    }
}
