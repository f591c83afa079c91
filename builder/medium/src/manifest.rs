//! The manifest: what the medium installs.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::MediumError;

/// The only layout of media that there is so far.
const FORMAT: u32 = 1;
/// Longest manifest in bytes that is read.
const MOST_BYTES: usize = 1 << 20;

/// What a medium installs. `medium.json` is this in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Layout of the medium: 1.
    pub format: u32,
    /// Identity of the medium. It is the volume set identifier of the ISO 9660 file system too, as 32 digits in upper case.
    pub id: Uuid,
    /// What is installed.
    pub system: System,
    /// The disk that is written.
    pub disk: Disk,
    /// How it is stored.
    pub payload: Payload,
}

/// The system that the disk boots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Its name for people, as `PRETTY_NAME` of its os-release.
    pub name: String,
    /// OCI name of the architecture: `amd64`, `arm64`.
    pub architecture: String,
    /// Where it will look for updates; `None` where nobody said.
    pub tracks: Option<String>,
    /// Digest of the image's manifest.
    pub digest: String,
    /// Directory of the deployment, from the root of the file system that it is in: `ostree/deploy/NAME/deploy/CHECKSUM.0`.
    pub deployment: String,
    /// The stateroot's `var`, from the root of the same file system.
    pub var: String,
    /// Kernel arguments of the boot entry, without `root=` and `ostree=`.
    pub kargs: Vec<String>,
    /// `ostree=` of the boot entry.
    pub ostree: String,
    /// What boots it.
    pub loader: Loader,
    /// Whether the medium can try it: whether the kernel can put memory over the disk.
    pub live: bool,
}

/// The boot loader, as the firmware is to be told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loader {
    /// `grub` or `systemd-boot`.
    pub kind: String,
    /// Name of the firmware's boot entry.
    pub label: String,
    /// Path of the program in the ESP, with backslashes: `\EFI\debian\shimx64.efi`.
    pub program: String,
}

/// The disk that is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// In bytes.
    pub size: u64,
    /// Bytes of a sector: what the partition table counts.
    pub sector_size: u32,
    /// Identity in the partition table.
    pub guid: Uuid,
    /// In the order of the table.
    pub partitions: Vec<Partition>,
    /// Files that name the disk, its partitions or file systems by their identities. `None` on a medium that was made when
    /// its program could not change them.
    #[serde(default)]
    pub named_by: Option<Vec<NamedBy>>,
}

/// A file that names the disk, a partition or a file system by its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedBy {
    /// What the partition holds that it is on: `esp`, `sysroot` or `boot`.
    pub holds: String,
    /// Its path there, without links.
    pub path: String,
    /// Whether it is no text that could be changed.
    pub fixed: bool,
}

impl Disk {
    /// The files to be changed when disk, partitions and file systems get other identities.
    ///
    /// # Errors
    /// They cannot, and why: the end of a sentence.
    pub fn fresh_ids(&self) -> Result<&[NamedBy], String> {
        let named_by = self.named_by.as_deref();
        let named_by =
            named_by.ok_or("the medium was made by a diskwright whose program gives none to file systems")?;
        match named_by.iter().find(|named| named.fixed) {
            Some(fixed) => Err(fixed.reason()),
            None => Ok(named_by),
        }
    }
}

impl NamedBy {
    /// Why there can be no other identities, where it is [`fixed`](Self::fixed): the end of a sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        let Self { holds, path, .. } = self;
        format!("/{path} ({holds}) names the disk or a file system by its UUID, and cannot be changed")
    }
}

/// A partition of the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// From 1.
    pub number: u32,
    /// Its name in the table.
    pub name: String,
    /// Its type.
    pub type_guid: Uuid,
    /// Its identity.
    pub guid: Uuid,
    /// First byte on the disk.
    pub offset: u64,
    /// In bytes.
    pub size: u64,
    /// `vfat` or `ext4`.
    pub filesystem: String,
    /// The file system's UUID, as `blkid` prints it.
    pub uuid: String,
    /// What it holds: `esp`, `sysroot`, `boot` or `empty`.
    pub holds: String,
    /// Whether it takes what a larger drive has more.
    pub grows: bool,
}

/// How the disk is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Length of the squashfs in bytes.
    pub size: u64,
    /// Bytes of a block of [`BlockTable`](crate::BlockTable).
    pub block_size: u64,
    /// Blocks that have data.
    pub blocks: u64,
}

impl Manifest {
    /// The layout that this writes.
    pub const FORMAT: u32 = FORMAT;

    /// Reads `medium.json`.
    ///
    /// # Errors
    /// [`MediumError`]: too long, no JSON of this kind, of another layout, or with numbers that cannot be.
    pub fn read(bytes: &[u8]) -> Result<Self, MediumError> {
        if bytes.len() > MOST_BYTES {
            return Err(MediumError::Length { length: bytes.len(), limit: MOST_BYTES });
        }
        // The layout first: what follows may be unknown in another.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(bytes)?;
        if format != FORMAT {
            return Err(MediumError::Format { format, known: FORMAT });
        }
        let manifest: Self = serde_json::from_slice(bytes)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The text of `medium.json`.
    #[must_use]
    pub fn write(&self) -> String {
        // Strings and numbers are all that is in it.
        let mut text = serde_json::to_string_pretty(self).expect("a manifest is JSON");
        text.push('\n');
        text
    }

    /// The identity as the volume set identifier has it.
    #[must_use]
    pub fn volume_set(id: Uuid) -> String {
        format!("{:X}", id.simple())
    }

    /// The partition that has the deployment.
    #[must_use]
    pub fn sysroot(&self) -> Option<&Partition> {
        self.disk.partitions.iter().find(|partition| partition.holds == "sysroot")
    }

    fn check(&self) -> Result<(), MediumError> {
        let wrong = |what: &'static str, value: u64| Err(MediumError::Number { what, value });
        let Disk { size, sector_size, .. } = self.disk;
        if !matches!(sector_size, 512 | 4096) {
            return wrong("sector size", sector_size.into());
        }
        if size == 0 || !size.is_multiple_of(sector_size.into()) {
            return wrong("disk size", size);
        }
        let block = self.payload.block_size;
        if !block.is_power_of_two() || !(4096..=1 << 20).contains(&block) {
            return wrong("block size", block);
        }
        if self.payload.blocks > size.div_ceil(block) {
            return wrong("number of blocks", self.payload.blocks);
        }
        for partition in &self.disk.partitions {
            let end = partition.offset.checked_add(partition.size);
            if end.is_none_or(|end| end > size) || !partition.offset.is_multiple_of(sector_size.into()) {
                return wrong("begin of a partition", partition.offset);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Disk, NamedBy, Uuid};

    #[test]
    fn only_disks_whose_names_can_be_changed_get_other_identities() {
        let named = |fixed| NamedBy { holds: "esp".to_owned(), path: "EFI/Linux/a.efi".to_owned(), fixed };
        for (named_by, words) in [
            (None, Some("whose program gives none to file systems")),
            (Some(vec![]), None),
            (Some(vec![named(false)]), None),
            (Some(vec![named(false), named(true)]), Some("/EFI/Linux/a.efi (esp) names the disk")),
        ] {
            let disk = Disk { size: 512, sector_size: 512, guid: Uuid::nil(), partitions: Vec::new(), named_by };
            let result = disk.fresh_ids().map(<[NamedBy]>::len);
            assert_eq!(result.is_ok(), words.is_none());
            let reason = result.err().unwrap_or_default();
            assert!(reason.contains(words.unwrap_or_default()), "{reason}");
        }
        // A manifest of before says nothing of it.
        let text =
            r#"{ "size": 512, "sector_size": 512, "guid": "00000000-0000-8000-8000-000000000000", "partitions": [] }"#;
        assert_eq!(serde_json::from_str::<Disk>(text).unwrap().named_by, None);
    }
}
