//! Why a module cannot be read.

use std::io;

/// Why a module cannot be read, and which.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the module {path}")]
pub struct ModuleError {
    /// Path of its file.
    pub path: String,
    /// What is wrong.
    #[source]
    pub fault: ModuleFault,
}

/// What is wrong with the file of a module.
#[derive(Debug, thiserror::Error)]
pub enum ModuleFault {
    /// No such file.
    #[error("there is no such file")]
    NoFile,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Read {
        /// The answer.
        source: io::Error,
    },
    /// Neither an ELF file nor one that is packed.
    #[error(
        "a module begins as an ELF file or as gzip, xz or zstd, {}",
        if found.is_empty() { "it is empty".into() } else { format!("not with \"{}\"", found.escape_ascii()) }
    )]
    Format {
        /// The first bytes, at most 8.
        found: Vec<u8>,
    },
    /// Packed data that is damaged.
    #[error("the {format} data is damaged or needs too much memory")]
    Packed {
        /// How it is packed.
        format: &'static str,
        /// The decoder's answer.
        source: io::Error,
    },
    /// More bytes than are read.
    #[error("it has more than the {limit} bytes that are read of a module")]
    TooLarge {
        /// In bytes, after unpacking.
        limit: u64,
    },
    /// An ELF file that is malformed or of a wrong kind.
    #[error("byte {offset} of the ELF file {problem}")]
    Elf {
        /// Byte of the unpacked file.
        offset: u64,
        /// What is wrong, as a verb and its object.
        problem: &'static str,
    },
    /// No description.
    #[error("the ELF file has no section .modinfo, which every module has")]
    NoModinfo,
    /// A description that is malformed.
    #[error("byte {offset} of the section .modinfo {problem}: {text:?}")]
    Field {
        /// Byte of the section.
        offset: u64,
        /// What is wrong, as a verb and its object.
        problem: &'static str,
        /// What is there, cut off where it is long.
        text: String,
    },
    /// A signature that is larger than the file.
    #[error("the signature at its end should have {claimed} bytes, only {present} are there")]
    Signature {
        /// In bytes.
        claimed: u64,
        /// In bytes.
        present: u64,
    },
}

impl ModuleError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.fault {
            ModuleFault::NoFile => Some("install the package that has the file, or run depmod again".into()),
            ModuleFault::Read { .. } => None,
            _ => Some("install the package that has the file again, in the image's build".into()),
        }
    }
}
