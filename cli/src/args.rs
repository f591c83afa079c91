//! What was typed.

use std::path::PathBuf;

use builder::diff::{Side, SideError};
use builder::lint::FailOn;
use builder::{BootloaderChoice, ClusterCompression, Formats, ImageSource, OutputFormat, Platform, SelinuxChoice};
use builder_block::{ByteSize, SectorSize};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::Failure;

/// Turns a container image into a bootable disk: no root, no mounts, no helper programs.
#[derive(Debug, Parser)]
#[command(name = "diskwright", version, after_help = crate::exit::HELP, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a disk from an image
    Build(Box<Build>),
    /// Write a disk file in other formats
    Convert(Convert),
    /// Look through a disk without running it: tables, file systems, and the way from the firmware to the system
    Check(Check),
    /// Build a disk again from its record and compare it with its file
    Verify(Verify),
    /// Print what distinguishes two systems, each an image or a disk
    Diff(Diff),
    /// Print what an image is
    Inspect(Inspect),
    /// Boot a disk in QEMU and say how far it comes
    Smoke(Box<crate::commands::smoke::Smoke>),
    /// Look for what is wrong with an image, without running it
    Lint(Lint),
    /// Say what an installer medium does, change it in place, or take parts out of it
    #[command(subcommand)]
    Iso(crate::commands::iso::Iso),
}

#[derive(Debug, Args)]
#[command(after_help = crate::exit::HELP)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) source: Source,

    #[command(flatten)]
    pub(crate) formats: FormatArguments,

    /// Print the plan and write nothing: partitions, sizes, UUIDs, boot entry, kernel arguments, forecast
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Add a kernel argument (repeatable)
    #[arg(long = "karg", value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) kargs: Vec<String>,

    /// Take out a kernel argument that the image sets: KEY, or KEY=VALUE (repeatable)
    #[arg(long = "karg-delete", value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) karg_deletes: Vec<String>,

    /// Size of the root partition, such as 10G [default: the layout's; its content and room for an upgrade]
    #[arg(long, value_name = "SIZE")]
    pub(crate) root_size: Option<ByteSize>,

    /// Size of the disk, such as 20G; the root takes what the other partitions leave [default: as needed]
    #[arg(long, value_name = "SIZE")]
    pub(crate) disk_size: Option<ByteSize>,

    /// Bytes in a sector of the disk, 512 or 4096: that of the drive it will be on [default: the layout's, else 512]
    #[arg(long, value_name = "BYTES")]
    pub(crate) sector_size: Option<SectorSize>,

    /// The image that the installed system tracks, such as quay.io/example/os:latest
    #[arg(long, value_name = "IMGREF")]
    pub(crate) target_imgref: Option<String>,

    /// An older image to put beside it, which the system can be rolled back to; of the same forms as SOURCE
    #[arg(long, value_name = "SOURCE")]
    pub(crate) rollback: Option<ImageSource>,

    /// A file with public SSH keys with which root may log in
    #[arg(long, value_name = "FILE")]
    pub(crate) root_ssh_authorized_keys: Option<PathBuf>,

    /// SELinux labels; auto writes them where the image has a policy and SELinux on, off turns SELinux off
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) selinux: SelinuxChoice,

    /// Name of the stateroot [default: the image's choice, else `default`]
    #[arg(long, value_name = "NAME")]
    pub(crate) stateroot: Option<String>,

    /// The boot loader; auto takes GRUB where the image has it, else systemd-boot
    #[arg(long, value_name = "LOADER", default_value = "auto")]
    pub(crate) bootloader: BootloaderChoice,

    /// Allow what the check NAME of `diskwright lint` finds, as the image's own list can: the plan names it (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) allow: Vec<String>,

    /// Build without looking for what is fatal in the images, and say so
    #[arg(long, conflicts_with = "allow")]
    pub(crate) no_lint: bool,

    /// Disk layout in TOML [default: a built-in one for the architecture]
    #[arg(long, value_name = "FILE")]
    pub(crate) layout: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) medium: MediumArguments,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

/// What is chosen for an installer medium.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for --type iso and pxe")]
pub(crate) struct MediumArguments {
    /// Name of the volume: up to 32 of A-Z, 0-9 and _ [default: the system's name and version]
    #[arg(long, value_name = "NAME")]
    pub(crate) volume_id: Option<String>,

    /// Who publishes the medium
    #[arg(long, value_name = "TEXT")]
    pub(crate) publisher: Option<String>,

    /// Name of the system in the medium's menu [default: its PRETTY_NAME]
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,

    /// Seconds after which the menu starts its default
    #[arg(long = "menu-timeout", value_name = "SECONDS", default_value_t = 10)]
    pub(crate) timeout: u32,

    /// Add a kernel argument for the medium alone, not for the installed system (repeatable)
    #[arg(long = "medium-karg", value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) medium_kargs: Vec<String>,

    /// A file of answers in TOML, so that the medium asks fewer questions or none
    #[arg(long, value_name = "FILE")]
    pub(crate) answers: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = crate::exit::HELP)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) source: Source,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

#[derive(Debug, Args)]
#[command(after_help = crate::exit::HELP)]
pub(crate) struct Check {
    /// The disk file: raw, qcow2, VMDK, fixed VHD, or an ISO image
    #[arg(value_name = "ARTEFACT")]
    pub(crate) artefact: PathBuf,

    /// Read every inode and directory, and hash every object of the ostree repository
    #[arg(long)]
    pub(crate) deep: bool,

    /// Also write the result as a page of HTML that needs no other file and no network
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

#[derive(Debug, Args)]
#[command(after_help = crate::exit::HELP)]
pub(crate) struct Lint {
    #[arg(
        value_name = "SOURCE",
        required_unless_present = "list",
        help = "The image: oci:DIR[:TAG] or oci-archive:FILE[:TAG]"
    )]
    pub(crate) source: Option<ImageSource>,

    /// The platform to take from a multi-platform image, such as linux/arm64 [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,

    /// Form of the report; github is workflow commands, markdown is for --list [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<LintFormat>,

    /// Leave with 4 where something of this severity or worse is found: fatal, warning, info or never
    #[arg(long, value_name = "SEVERITY", default_value = "fatal")]
    pub(crate) fail_on: FailOn,

    /// Allow what the check NAME finds: it is counted and named, and is no reason to fail (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) allow: Vec<String>,

    /// A list of what is allowed, with lines `NAME [PATH]  # why` (repeatable); an image's own list is at
    /// /usr/lib/diskwright/lint.allow
    #[arg(long, value_name = "FILE")]
    pub(crate) allow_file: Vec<PathBuf>,

    /// Print all that each check finds, and not the first 20 only
    #[arg(long)]
    pub(crate) all: bool,

    /// Also write the result as a page of HTML that needs no other file and no network
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Print all checks with their documentation, as Markdown or JSON, and look at no image
    #[arg(long, conflicts_with = "source")]
    pub(crate) list: bool,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintFormat {
    Text,
    Json,
    Sarif,
    Junit,
    Github,
    /// Of the checks, and not of an image.
    Markdown,
}

#[derive(Debug, Args)]
#[command(after_help = crate::exit::HELP)]
pub(crate) struct Convert {
    /// The disk: a raw, qcow2, VMDK (one file) or fixed VHD file of anyone's
    #[arg(value_name = "DISK")]
    pub(crate) disk: PathBuf,

    #[command(flatten)]
    pub(crate) formats: FormatArguments,

    /// The platform of the machine that the disk is for, which container-disk names [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

#[derive(Debug, Args)]
#[command(after_help = crate::exit::HELP)]
pub(crate) struct Verify {
    /// The file, in any format, with the result.json of its build beside it
    #[arg(value_name = "ARTEFACT")]
    pub(crate) artefact: PathBuf,

    #[arg(
        long,
        value_name = "SOURCE",
        help = "The image it was made of: oci:DIR[:TAG] or oci-archive:FILE[:TAG]; \
                without it only the recorded checksum is checked"
    )]
    pub(crate) source: Option<ImageSource>,

    /// The image to roll back to, where the disk has one
    #[arg(long, value_name = "SOURCE", requires = "source")]
    pub(crate) rollback: Option<ImageSource>,

    /// The record of the build [default: ARTEFACT.result.json or result.json beside it]
    #[arg(long, value_name = "FILE")]
    pub(crate) result: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

#[derive(Debug, Args)]
#[command(after_help = crate::exit::HELP)]
pub(crate) struct Diff {
    #[arg(
        value_name = "A",
        value_parser = side,
        help = "The first: oci:DIR[:TAG], oci-archive:FILE[:TAG], or a disk file (raw, qcow2, VMDK or fixed VHD), \
                also as disk:FILE"
    )]
    pub(crate) a: Side,

    /// The second, of the same forms
    #[arg(value_name = "B", value_parser = side)]
    pub(crate) b: Side,

    /// The platform to take from multi-platform images, such as linux/arm64 [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,

    /// List all files, layers and directories, and not the largest ones only
    #[arg(long)]
    pub(crate) all: bool,

    /// Leave with 8 where there is a difference
    #[arg(long)]
    pub(crate) exit_code: bool,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

fn side(text: &str) -> Result<Side, SideError> {
    Side::parse(text, &|path| path.exists())
}

#[derive(Debug, Args)]
pub(crate) struct Source {
    #[arg(value_name = "SOURCE", help = "The image: oci:DIR[:TAG] or oci-archive:FILE[:TAG]")]
    pub(crate) source: ImageSource,

    /// The platform to take from a multi-platform image, such as linux/arm64 [default: this machine's]
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<Platform>,
}

impl Source {
    /// The platform asked for, or that of the machine we run on.
    pub(crate) fn platform(&self) -> Platform {
        self.platform.clone().unwrap_or_else(|| Platform::host(std::env::consts::ARCH))
    }
}

/// The files to write.
#[derive(Debug, Args)]
pub(crate) struct FormatArguments {
    /// Format of the output; several are written in one pass (repeatable)
    #[arg(
        long = "type",
        default_value = "raw",
        value_name = "TYPE",
        long_help = "Format of the output; several are written in one pass (repeatable):
  raw             the disk, with holes
  raw.zst, raw.xz, raw.gz
                  the same, compressed
  qcow2           for QEMU, libvirt, OpenStack
  vmdk            for VMware (stream-optimised)
  vhd             for Azure and Hyper-V (fixed)
  gce             for Google Compute Engine (disk.raw in a tar.gz; build makes the disk whole GiB large)
  ova             a machine for VMware and VirtualBox
  container-disk  for KubeVirt (an OCI archive with the disk in it)
  iso             a medium that tries and installs the system, from disc or stick (build alone)
  pxe             the same for machines that boot over the network (a tar archive; build alone)"
    )]
    pub(crate) types: Vec<OutputFormat>,

    /// The file to write, or a directory for files of the usual names; a directory where there are several types
    /// [default: disk.raw or the like, here]
    #[arg(short, long, value_name = "OUTPUT")]
    pub(crate) output: Option<PathBuf>,

    /// How qcow2 is compressed: zstd (QEMU 5.1 and later), zlib (every QEMU) or none
    #[arg(long, value_name = "HOW", default_value = "zstd")]
    pub(crate) compress: ClusterCompression,

    /// Level of all compression [default: zstd 3, others 6]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) compress_level: Option<i32>,

    /// Write only the disk: no checksums, block map, bill of materials, provenance and result.json beside it
    #[arg(long)]
    pub(crate) no_bundle: bool,

    /// Overwrite the block device that -o names, and all that is on it, with a raw disk; nothing is written beside it
    #[arg(long)]
    pub(crate) force_device: bool,

    /// Cluster size of qcow2, from 512 to 2M [default: 64K]
    #[arg(long, value_name = "SIZE")]
    pub(crate) cluster_size: Option<ByteSize>,
}

impl FormatArguments {
    /// Whether documents are written beside the disk: not where it has no beside.
    pub(crate) fn has_bundle(&self) -> bool {
        !self.no_bundle && !self.force_device
    }

    /// The formats, each asked for once.
    pub(crate) fn formats(&self) -> Result<Formats, Failure> {
        let mut types = self.types.clone();
        types.sort_unstable();
        if let Some(twice) = types.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Failure::Usage {
                message: format!("--type {} is given twice", twice[0]),
                hint: Some("each type makes one file".to_owned()),
            });
        }
        Ok(Formats {
            formats: self.types.clone(),
            compression: self.compress,
            level: self.compress_level,
            medium: builder::MediumOptions::default(),
            cluster_size: self.cluster_size,
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Talk {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Print nothing but errors and the result
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// How progress is shown on stderr; auto draws bars on a terminal and prints lines elsewhere
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto, value_name = "MODE")]
    pub(crate) progress: ProgressMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    Auto,
    Plain,
    Json,
    None,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
