//! Why a file cannot be read as an EFI program.

/// Why a file cannot be read as an EFI program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeError {
    /// It does not begin as one.
    #[error("a PE file begins with \"MZ\", this one with \"{}\"", found.escape_ascii())]
    NotPe {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// There is no PE header where it should be.
    #[error("the PE header should be at byte {offset}, where the file reads \"{}\"", found.escape_ascii())]
    Signature {
        /// In the file.
        offset: u64,
        /// The bytes there.
        found: Vec<u8>,
    },
    /// Something that does not lie in the file.
    #[error("{what} goes from byte {start} to byte {end}, and the file has {size}")]
    Outside {
        /// What it is.
        what: String,
        /// Offset of the first byte.
        start: u64,
        /// Offset behind the last byte.
        end: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// An optional header of a form that is none.
    #[error("the optional header begins with {found:#06x}; 0x010b (PE32) and 0x020b (PE32+) are known")]
    Magic {
        /// Its first two bytes.
        found: u16,
    },
    /// The numbers that say how long the optional header is contradict each other.
    #[error("the optional header has {bytes} bytes, and with {directories} data directories it must have {needed}")]
    OptionalHeader {
        /// What the COFF header says.
        bytes: u64,
        /// Number of data directories.
        directories: u32,
        /// What these take.
        needed: u64,
    },
    /// More data directories than there are.
    #[error("the optional header claims {directories} data directories, and there are no more than {limit}")]
    Directories {
        /// What it claims.
        directories: u32,
        /// The limit.
        limit: u32,
    },
    /// The headers end before the section table does.
    #[error("the headers end at byte {end}, but the section table goes to byte {table_end}")]
    HeadersEnd {
        /// `SizeOfHeaders`.
        end: u64,
        /// Offset behind the table.
        table_end: u64,
    },
    /// Two parts that share bytes.
    #[error("{first} goes to byte {first_end}, but {second} begins at byte {second_start}")]
    Overlap {
        /// The part that begins first.
        first: String,
        /// Offset behind its last byte.
        first_end: u64,
        /// The other part.
        second: String,
        /// Offset of its first byte.
        second_start: u64,
    },
    /// A section's name that is not where its header says.
    #[error(
        "the name of section {number} is at {reference} of the string table; no name of up to {limit} bytes is there"
    )]
    SectionName {
        /// Counted from 1.
        number: usize,
        /// What the header says instead of a name.
        reference: String,
        /// In bytes.
        limit: usize,
    },
    /// Bytes behind the certificate table: shim refuses such a file, and EDK II computes another digest of it.
    #[error("the certificate table must be the last part of the file, but it ends at byte {end} of {size}")]
    CertificateTableEnd {
        /// Offset behind the table.
        end: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// An entry of the certificate table that does not fit into it.
    #[error(
        "entry {number} of the certificate table, at byte {offset}, says it has {length} bytes; with its header it has \
         at least 8, and with the zeros up to a multiple of 8 no more than the {left} that are left of the table"
    )]
    CertificateLength {
        /// Counted from 1.
        number: usize,
        /// In the file.
        offset: u64,
        /// What it says; the bytes that are left where these are too few to say anything.
        length: u64,
        /// Bytes of the table from `offset` on.
        left: u64,
    },
    /// More signatures than anyone makes.
    #[error("the certificate table has more than {limit} entries")]
    Certificates {
        /// The limit.
        limit: usize,
    },
}

impl PeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotPe { .. } | Self::Signature { .. } | Self::Magic { .. } => {
                "look at what put it there; only PE files can be EFI programs"
            }
            Self::Outside { .. } => "the file seems to be cut off: copy it again and whole",
            Self::CertificateTableEnd { .. } | Self::CertificateLength { .. } | Self::Certificates { .. } => {
                "remove the signatures with sbattach --remove and sign it again"
            }
            _ => "make it again; firmware refuses it, or would have to guess",
        }
        .into()
    }
}
