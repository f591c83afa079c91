//! Why a qcow2 file cannot be read.

use std::fmt;
use std::io;

use crate::format::L1_LIMIT;

/// Why a qcow2 file cannot be read. All offsets, lengths and sizes are in bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Qcow2Error {
    /// The file does not begin like one.
    #[error("this is not a qcow2 file: it begins with {} instead of 51 46 49 fb", Hex(.magic))]
    Magic {
        /// Its first bytes, four where it has so many.
        magic: Vec<u8>,
    },
    /// The file ends inside of its header.
    #[error("the qcow2 file ends at byte {length} but its header has {needed} bytes")]
    HeaderCut {
        /// Length of the file.
        length: u64,
        /// Length of the header.
        needed: u64,
    },
    /// A version that is not known.
    #[error("the qcow2 file has version {version}, but known are 2 and 3")]
    Version {
        /// The version.
        version: u32,
    },
    /// A header field has a value that it cannot have.
    #[error("the qcow2 header has {field} {value}, but {limit}")]
    Field {
        /// What the format calls the field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// What it should be, as a sentence.
        limit: &'static str,
    },
    /// Marked as corrupt by whoever wrote it.
    #[error("the qcow2 file is marked as corrupt")]
    Corrupt,
    /// Features that a reader must know.
    #[error(
        "the qcow2 file has {} of incompatible_features set, whose meaning a reader must know but this one does not",
        Bits(*.bits)
    )]
    Incompatible {
        /// The bits of `incompatible_features` that are not known; not zero.
        bits: u64,
    },
    /// The disk is a change to another.
    #[error("the qcow2 file holds only what differs from its backing file {name:?}")]
    BackingFile {
        /// The name as it is in the file; empty where it is not to be found.
        name: String,
    },
    /// The disk's bytes are in another file.
    #[error("the qcow2 file keeps its data in the external data file {name:?}")]
    ExternalDataFile {
        /// The name as it is in the file; empty where it is not to be found.
        name: String,
    },
    /// The disk's bytes need a key.
    #[error("the qcow2 file is encrypted ({})", crypt_method(*.method))]
    Encrypted {
        /// The header's `crypt_method`; not 0.
        method: u32,
    },
    /// The table of the tables of the clusters is too large.
    #[error(
        "the qcow2 header has an L1 table of {entries} entries of 8 bytes, but it may have {L1_LIMIT} bytes at most"
    )]
    L1TooLarge {
        /// Entries of the table.
        entries: u32,
    },
    /// The table of the tables of the clusters is too small for the disk.
    #[error("the qcow2 header has an L1 table of {entries} entries, but the disk of {size} bytes needs {needed}")]
    L1TooSmall {
        /// Entries of the table.
        entries: u32,
        /// Entries that it would need.
        needed: u64,
        /// Virtual size of the disk.
        size: u64,
    },

    /// Something begins where nothing can begin.
    #[error(
        "the qcow2 file has the {part} at byte {offset}, which is not one of the multiples of its cluster size of \
         {cluster_size} behind the first cluster"
    )]
    Misplaced {
        /// What it is.
        part: Part,
        /// Where it begins in the file.
        offset: u64,
        /// Size of a cluster.
        cluster_size: u64,
    },
    /// Something lies behind the end of the file.
    #[error(
        "the qcow2 file has the {part} at bytes {offset} to {}, but ends at byte {file_length}",
        end(*.offset, *.length)
    )]
    Outside {
        /// What it is.
        part: Part,
        /// Where it begins in the file.
        offset: u64,
        /// Its length.
        length: u64,
        /// Length of the file.
        file_length: u64,
    },
    /// Two parts are in the same place.
    #[error("the qcow2 file has the {second} at byte {offset}, where it has the {first} as well")]
    Shared {
        /// The one that is lower on the disk.
        first: Part,
        /// The other one.
        second: Part,
        /// Where both begin in the file.
        offset: u64,
    },
    /// An entry of an L2 table makes no sense.
    #[error("the qcow2 file has the L2 entry {entry:#018x} for byte {guest} of the disk, which {problem}")]
    Entry {
        /// Where on the disk the cluster is.
        guest: u64,
        /// The entry; of an extended one its first half.
        entry: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A compressed cluster is none.
    #[error("the qcow2 file has the {part} at byte {offset} in a form that cannot be decompressed")]
    Compressed {
        /// What it is.
        part: Part,
        /// Where it begins in the file.
        offset: u64,
        /// What the decompressor says.
        source: io::Error,
    },
    /// A compressed cluster is shorter or longer than a cluster.
    #[error(
        "the qcow2 file has the {part} at byte {offset}, which becomes {}{length} bytes instead of {cluster_size}",
        if .length > .cluster_size { "at least " } else { "" }
    )]
    CompressedLength {
        /// What it is.
        part: Part,
        /// Where it begins in the file.
        offset: u64,
        /// What came of it; one more than the cluster size for all that is longer.
        length: u64,
        /// Size of a cluster.
        cluster_size: u64,
    },
    /// The file cannot be read.
    #[error("cannot read the {part} at byte {offset} of the qcow2 file")]
    Read {
        /// What was to be read.
        part: Part,
        /// Where it begins in the file.
        offset: u64,
        /// What the host says.
        source: io::Error,
    },
}

/// A part of a qcow2 file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the file begins with.
    Header,
    /// The table of the L2 tables.
    L1Table,
    /// A table of clusters.
    L2Table {
        /// Where on the disk the first of the clusters is.
        guest: u64,
    },
    /// Bytes of the disk as they are.
    Cluster {
        /// Where on the disk they are.
        guest: u64,
    },
    /// Bytes of the disk, compressed.
    CompressedCluster {
        /// Where on the disk the cluster is.
        guest: u64,
    },
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::L1Table => f.write_str("L1 table"),
            Self::L2Table { guest } => write!(f, "L2 table for byte {guest} of the disk"),
            Self::Cluster { guest } => write!(f, "cluster for byte {guest} of the disk"),
            Self::CompressedCluster { guest } => write!(f, "compressed cluster for byte {guest} of the disk"),
        }
    }
}

impl Qcow2Error {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Version { version: 1 } => "convert it first: qemu-img convert -f qcow -O qcow2 FILE NEW",
            Self::Corrupt => "see what is wrong with qemu-img check, and repair it with qemu-img check -r all",
            Self::Incompatible { .. } => {
                "convert it first with the qemu-img of those who wrote it: qemu-img convert -O raw FILE NEW"
            }
            Self::BackingFile { .. } => {
                "flatten it first, in reach of its backing file: qemu-img convert -O qcow2 FILE NEW"
            }
            Self::ExternalDataFile { .. } => {
                "flatten it first, in reach of its data file: qemu-img convert -O qcow2 FILE NEW"
            }
            Self::Encrypted { .. } => "decrypt it first: qemu-img convert with the key as an --object secret",
            Self::HeaderCut { .. } | Self::Outside { .. } => {
                "the file may have been copied or downloaded in part; if it is complete, qemu-img check tells more"
            }
            Self::Field { .. }
            | Self::L1TooLarge { .. }
            | Self::L1TooSmall { .. }
            | Self::Misplaced { .. }
            | Self::Shared { .. }
            | Self::Entry { .. }
            | Self::Compressed { .. }
            | Self::CompressedLength { .. } => "the file is damaged; qemu-img check tells more",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<Qcow2Error> for io::Error {
    /// Keeps the error inside, and the kind of one of the host's.
    fn from(error: Qcow2Error) -> Self {
        let kind = match &error {
            Qcow2Error::Read { source, .. } => source.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

fn crypt_method(method: u32) -> String {
    match method {
        1 => "AES".into(),
        2 => "LUKS".into(),
        other => format!("crypt_method {other}"),
    }
}

/// The last byte, saturating: the numbers are those of the file.
fn end(offset: u64, length: u64) -> u64 {
    offset.saturating_add(length.saturating_sub(1))
}

/// Bytes as people look them up.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (index, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// The numbers of the bits that are set.
struct Bits(u64);

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_power_of_two() { "bit" } else { "bits" })?;
        let set = (0..64).filter(|bit| self.0 >> bit & 1 == 1);
        for (index, bit) in set.enumerate() {
            write!(f, "{} {bit}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Qcow2Error};

    #[test]
    fn errors_name_the_thing_and_the_numbers() {
        for (error, text) in [
            (
                Qcow2Error::Magic { magic: b"KDMV".to_vec() },
                "this is not a qcow2 file: it begins with 4b 44 4d 56 instead of 51 46 49 fb",
            ),
            (
                Qcow2Error::Incompatible { bits: 1 << 63 | 1 << 7 },
                "the qcow2 file has bits 7, 63 of incompatible_features set, whose meaning a reader must know but this \
                 one does not",
            ),
            (Qcow2Error::Encrypted { method: 2 }, "the qcow2 file is encrypted (LUKS)"),
            (
                Qcow2Error::Outside { part: Part::L2Table { guest: 0 }, offset: u64::MAX, length: 512, file_length: 7 },
                "the qcow2 file has the L2 table for byte 0 of the disk at bytes 18446744073709551615 to \
                 18446744073709551615, but ends at byte 7",
            ),
            (
                Qcow2Error::CompressedLength {
                    part: Part::CompressedCluster { guest: 65_536 },
                    offset: 9,
                    length: 513,
                    cluster_size: 512,
                },
                "the qcow2 file has the compressed cluster for byte 65536 of the disk at byte 9, which becomes at \
                 least 513 bytes instead of 512",
            ),
        ] {
            assert_eq!(error.to_string(), text);
        }
    }
}
