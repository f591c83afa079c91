//! Disk layouts: which partitions there are and what fills them, as TOML.

use std::path::PathBuf;

use builder_block::{ByteSize, SectorSize};
use serde::Deserialize;
use uuid::Uuid;

/// What a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filling {
    /// The boot loader's files.
    Esp,
    /// `/boot` as a file system of its own.
    Boot,
    /// The physical root: ostree repository, deployment and, unless it has its own partition, `/boot`.
    Sysroot,
}

impl Filling {
    /// The word a layout uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Esp => "esp",
            Self::Boot => "boot",
            Self::Sysroot => "sysroot",
        }
    }
}

/// A file system format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// FAT32.
    Fat32,
    /// ext4.
    Ext4,
}

impl Format {
    /// The word a layout uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fat32 => "fat32",
            Self::Ext4 => "ext4",
        }
    }
}

/// How large a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So large.
    Fixed(ByteSize),
    /// Its content, and the free space that the next upgrade needs.
    Minimize,
}

/// A partition as a layout describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionLayout {
    /// Type GUID.
    pub type_guid: Uuid,
    /// Name in the partition table.
    pub name: String,
    /// Label of the file system.
    pub label: String,
    /// Its format.
    pub format: Format,
    /// Its size.
    pub size: Size,
    /// What fills it.
    pub from: Filling,
    /// Whether the booted system grows the file system to the partition.
    pub grow: bool,
}

/// A checked layout: exactly one ESP, exactly one root, at most one `/boot`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The partitions in the order in which they lie on the disk.
    pub partitions: Vec<PartitionLayout>,
    /// Bytes in a sector of the disk.
    pub sector_size: SectorSize,
    /// The text it was read from: a part of the disk's identity.
    pub text: String,
}

/// A layout that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// It cannot be read.
    #[error("cannot read the layout {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML of the right shape; the message names line and key.
    #[error("{name} is not a valid layout: {message}")]
    Syntax {
        /// The file or template.
        name: String,
        /// What the parser says, with the line.
        message: String,
    },
    /// It describes a disk that cannot be.
    #[error("{name}: {problem}")]
    Invalid {
        /// The file or template.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no built-in layout for the architecture.
    #[error("there is no built-in layout for the architecture {architecture}")]
    NoTemplate {
        /// As the image names it.
        architecture: String,
    },
}

impl LayoutError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Syntax { .. } | Self::Invalid { .. } => {
                Some("templates/layout-x86_64.toml explains every key".to_owned())
            }
            Self::NoTemplate { .. } => Some("write a layout and give it with --layout FILE".to_owned()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sector_size: Option<u64>,
    partition: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    r#type: String,
    name: Option<String>,
    label: Option<String>,
    format: Format,
    size: String,
    from: Filling,
    #[serde(default)]
    grow: bool,
}

impl Layout {
    /// The built-in layout for an architecture, named as images name it (`amd64`, `arm64`).
    ///
    /// # Errors
    /// [`LayoutError::NoTemplate`] where there is none.
    pub fn template(architecture: &str) -> Result<Self, LayoutError> {
        let (name, text) = match architecture {
            "amd64" => ("the built-in x86_64 layout", include_str!("../../templates/layout-x86_64.toml")),
            "arm64" => ("the built-in aarch64 layout", include_str!("../../templates/layout-aarch64.toml")),
            _ => return Err(LayoutError::NoTemplate { architecture: architecture.to_owned() }),
        };
        Self::parse(name, text)
    }

    /// Reads a layout; `name` says in messages where it comes from.
    ///
    /// # Errors
    /// [`LayoutError::Syntax`] with the line, or [`LayoutError::Invalid`] with the problem.
    pub fn parse(name: &str, text: &str) -> Result<Self, LayoutError> {
        let file: File = toml::from_str(text).map_err(|error| LayoutError::Syntax {
            name: name.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let invalid = |problem: String| LayoutError::Invalid { name: name.to_owned(), problem };
        let sector_size = match file.sector_size {
            None => SectorSize::default(),
            Some(bytes) => SectorSize::of(bytes).ok_or_else(|| {
                invalid(format!("`sector_size` is {bytes}, but drives have 512 or 4096 bytes in one"))
            })?,
        };
        let mut partitions = Vec::new();
        for (index, entry) in file.partition.into_iter().enumerate() {
            let number = index + 1;
            let type_guid = match builder_gpt::types::by_name(&entry.r#type) {
                Some(guid) => guid,
                None => Uuid::parse_str(&entry.r#type).map_err(|_| {
                    invalid(format!(
                        "partition {number}: `{}` is neither a GUID nor a name of the Discoverable Partitions Specification",
                        entry.r#type
                    ))
                })?,
            };
            let size = if entry.size == "minimize" {
                Size::Minimize
            } else {
                Size::Fixed(
                    entry
                        .size
                        .parse()
                        .map_err(|error| invalid(format!("partition {number}: size: {error} (or \"minimize\")")))?,
                )
            };
            if entry.from == Filling::Esp && entry.format != Format::Fat32 {
                return Err(invalid(format!(
                    "partition {number}: firmware reads only FAT, so `from = \"esp\"` needs `format = \"fat32\"`"
                )));
            }
            if entry.from != Filling::Esp && entry.format == Format::Fat32 {
                return Err(invalid(format!(
                    "partition {number}: ostree keeps symbolic links and owners in {}, which FAT cannot hold; use `format = \"ext4\"`",
                    entry.from.name()
                )));
            }
            if size == Size::Minimize && entry.from != Filling::Sysroot {
                return Err(invalid(format!(
                    "partition {number}: `size = \"minimize\"` is for the root; give the {} a fixed size",
                    entry.from.name()
                )));
            }
            let name = entry.name.unwrap_or_else(|| entry.from.name().to_owned());
            let label = entry.label.unwrap_or_else(|| name.clone());
            partitions.push(PartitionLayout {
                type_guid,
                name,
                label,
                format: entry.format,
                size,
                from: entry.from,
                grow: entry.grow,
            });
        }
        for (filling, least) in [(Filling::Esp, 1), (Filling::Boot, 0), (Filling::Sysroot, 1)] {
            let count = partitions.iter().filter(|partition| partition.from == filling).count();
            if count < least || count > 1 {
                return Err(invalid(format!(
                    "{count} partitions have `from = \"{}\"`, but there must be {}",
                    filling.name(),
                    if least == 1 { "exactly one" } else { "at most one" }
                )));
            }
        }
        Ok(Self { partitions, sector_size, text: text.to_owned() })
    }

    /// Whether `/boot` is a partition of its own.
    #[must_use]
    pub fn separate_boot(&self) -> bool {
        self.partitions.iter().any(|partition| partition.from == Filling::Boot)
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn templates_are_valid() {
        for text in [
            include_str!("../../templates/layout-x86_64.toml"),
            include_str!("../../templates/layout-aarch64.toml"),
            include_str!("../../templates/layout-x86_64-boot.toml"),
        ] {
            Layout::parse("template", text).unwrap();
        }
    }

    #[test]
    fn a_layout_says_for_which_sectors_it_is() {
        let text = include_str!("../../templates/layout-x86_64.toml");
        for (line, sectors) in [("", 512), ("sector_size = 512\n", 512), ("sector_size = 4096\n", 4096)] {
            let layout = Layout::parse("template", &format!("{line}{text}")).unwrap();
            assert_eq!(layout.sector_size.bytes(), sectors);
        }
    }

    #[test]
    fn a_wrong_layout_is_told_where_it_is_wrong() {
        let esp = "[[partition]]\ntype='esp'\nformat='fat32'\nsize='64M'\nfrom='esp'\n";
        let root = "[[partition]]\ntype='root-x86-64'\nformat='ext4'\nsize='minimize'\nfrom='sysroot'\n";
        for (text, words) in [
            (esp.to_owned(), "0 partitions have `from = \"sysroot\"`, but there must be exactly one"),
            (format!("{esp}{root}{root}"), "2 partitions have `from = \"sysroot\"`"),
            (format!("{esp}{root}colour='red'"), "unknown field `colour`"),
            (format!("{}{root}", esp.replace("64M", "64X")), "partition 1: size: `64X` is not a size"),
            (format!("{}{root}", esp.replace("fat32", "ext4")), "firmware reads only FAT"),
            (format!("{}{root}", esp.replace("'esp'\nformat", "'espresso'\nformat")), "`espresso` is neither"),
            (format!("{}{root}", esp.replace("64M", "minimize")), "is for the root"),
            (format!("sector_size = 520\n{esp}{root}"), "`sector_size` is 520, but drives have 512 or 4096"),
            ("partition = 1".to_owned(), "line 1"),
        ] {
            let error = Layout::parse("my.toml", &text).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("my.toml"), "{error}");
        }
    }
}
