//! Everything that is decided before the first byte is written. [`Plan`]'s `Display` is the dry run.

use std::fmt;

use builder_block::{ByteSize, SectorSize};
use serde::{Serialize, Serializer};

/// A disk as it will be.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The image.
    pub image: PlannedImage,
    /// The disk.
    pub disk: PlannedDisk,
    /// The installed system.
    pub deployment: PlannedDeployment,
    /// How it boots.
    pub boot: PlannedBoot,
    /// What it can be rolled back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<PlannedRollback>,
    /// What the build takes.
    pub forecast: Forecast,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// The image a disk is made from.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedImage {
    /// Where it is.
    pub source: String,
    /// Digest of its manifest.
    pub digest: String,
    /// Its platform.
    pub platform: String,
    /// Number of layers.
    pub layers: usize,
    /// Name of the system in it.
    pub name: String,
}

/// The disk and its parts.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedDisk {
    /// Size of the disk.
    #[serde(serialize_with = "bytes")]
    pub size: ByteSize,
    /// Bytes in a sector.
    #[serde(serialize_with = "sector")]
    pub sector_size: SectorSize,
    /// GUID of the disk.
    pub guid: String,
    /// The partitions in order.
    pub partitions: Vec<PlannedPartition>,
}

/// A partition and the file system in it.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedPartition {
    /// Number, from 1.
    pub number: u32,
    /// Name in the table.
    pub name: String,
    /// Type GUID.
    pub type_guid: String,
    /// Partition GUID.
    pub guid: String,
    /// First byte.
    #[serde(serialize_with = "bytes")]
    pub offset: ByteSize,
    /// Size.
    #[serde(serialize_with = "bytes")]
    pub size: ByteSize,
    /// File system.
    pub format: &'static str,
    /// Label of the file system.
    pub label: String,
    /// UUID or volume id of the file system.
    pub uuid: String,
    /// What fills it.
    pub from: &'static str,
    /// Bytes in use.
    #[serde(serialize_with = "bytes")]
    pub used: ByteSize,
    /// Bytes free.
    #[serde(serialize_with = "bytes")]
    pub free: ByteSize,
    /// Whether the booted system may grow it.
    pub grow: bool,
}

/// The ostree deployment.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedDeployment {
    /// Name of the stateroot.
    pub stateroot: String,
    /// Checksum of the deployed commit.
    pub commit: String,
    /// What the origin file says.
    pub origin: String,
    /// Objects in the repository.
    pub objects: usize,
}

/// Boot loader, boot entry and kernel.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedBoot {
    /// The boot loader and where it comes from.
    pub loader: String,
    /// Files on the ESP.
    pub esp: Vec<String>,
    /// The default boot entry.
    #[serde(flatten)]
    pub entry: PlannedEntry,
}

/// A boot entry and its kernel.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedEntry {
    /// The boot entry's file.
    pub entry: String,
    /// Title of the entry.
    pub title: String,
    /// Kernel release.
    pub kernel: String,
    /// Checksum of kernel and initramfs.
    pub checksum: String,
    /// The kernel arguments.
    pub options: String,
    /// What the initramfs does with the deployment's composefs image.
    pub composefs: String,
}

/// The deployment that is there to roll back to.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedRollback {
    /// Its image.
    pub image: PlannedImage,
    /// Its deployment.
    pub deployment: PlannedDeployment,
    /// Its boot entry.
    #[serde(flatten)]
    pub entry: PlannedEntry,
}

/// What a build takes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Forecast {
    /// Bytes of the output that are not holes.
    #[serde(serialize_with = "bytes")]
    pub output: ByteSize,
    /// Bytes of scratch space, released at the end.
    #[serde(serialize_with = "bytes")]
    pub scratch: ByteSize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn bytes<S: Serializer>(size: &ByteSize, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(size.bytes())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn sector<S: Serializer>(size: &SectorSize, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(size.bytes())
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { image, disk, deployment, boot, rollback, forecast, notes } = self;
        writeln!(f, "Image       {} ({})", image.name, image.platform)?;
        writeln!(f, "  source    {}", image.source)?;
        writeln!(f, "  digest    {}, {} layers", image.digest, image.layers)?;
        write!(f, "Disk        {}, GUID {}", disk.size, disk.guid)?;
        if disk.sector_size != SectorSize::default() {
            write!(f, ", sectors of {} bytes", disk.sector_size)?;
        }
        writeln!(f)?;
        writeln!(f, "   #  {:<12}{:>10}{:>10}{:>10}{:>10}  format", "name", "offset", "size", "used", "free")?;
        for part in &disk.partitions {
            writeln!(
                f,
                "  {:>2}  {:<12}{:>10}{:>10}{:>10}{:>10}  {} \"{}\"{}",
                part.number,
                part.name,
                part.offset,
                part.size,
                part.used,
                part.free,
                part.format,
                part.label,
                if part.grow { ", grows to its drive" } else { "" }
            )?;
            writeln!(f, "      type {}", part.type_guid)?;
            writeln!(f, "      guid {}, file system {}", part.guid, part.uuid)?;
        }
        writeln!(f, "Deployment  {}", deployment.commit)?;
        writeln!(f, "  stateroot {}, {} objects", deployment.stateroot, deployment.objects)?;
        writeln!(f, "  tracks    {}", deployment.origin)?;
        writeln!(f, "Boot        {}", boot.loader)?;
        for file in &boot.esp {
            writeln!(f, "  ESP       {file}")?;
        }
        write!(f, "{}", boot.entry)?;
        if let Some(rollback) = rollback {
            writeln!(f, "Rollback    {} ({})", rollback.image.name, rollback.image.platform)?;
            writeln!(f, "  source    {}", rollback.image.source)?;
            writeln!(f, "  digest    {}, {} layers", rollback.image.digest, rollback.image.layers)?;
            writeln!(f, "  commit    {}", rollback.deployment.commit)?;
            write!(f, "{}", rollback.entry)?;
        }
        writeln!(f, "Forecast    output {} on disk, scratch {}", forecast.output, forecast.scratch)?;
        for note in notes {
            writeln!(f, "Note        {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PlannedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, title, kernel, checksum, options, composefs } = self;
        writeln!(f, "  entry     {entry} \"{title}\"")?;
        writeln!(f, "  kernel    {kernel}, boot checksum {checksum}")?;
        writeln!(f, "  options   {options}")?;
        writeln!(f, "  composefs {composefs}")
    }
}
