//! What was typed.

use std::path::PathBuf;

use builder::{BootloaderChoice, ImageSource, Platform, SelinuxChoice};
use builder_block::ByteSize;
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Print what an image is
    Inspect(Inspect),
}

#[derive(Debug, Args)]
#[command(after_help = crate::exit::HELP)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) source: Source,

    /// Format of the output
    #[arg(long = "type", value_enum, default_value_t = OutputType::Raw, value_name = "TYPE")]
    pub(crate) output_type: OutputType,

    /// The disk to write, or a directory to put disk.raw in
    #[arg(short, long, default_value = "disk.raw", value_name = "OUTPUT")]
    pub(crate) output: PathBuf,

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

    /// Disk layout in TOML [default: a built-in one for the architecture]
    #[arg(long, value_name = "FILE")]
    pub(crate) layout: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) talk: Talk,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputType {
    Raw,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
