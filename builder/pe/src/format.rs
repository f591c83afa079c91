//! Where the fields of a PE file are.
//!
//! Microsoft, "PE Format". Every number is little-endian, every offset in bytes.

/// First bytes of a file.
pub(crate) const DOS_MAGIC: &[u8; 2] = b"MZ";
/// Bytes of the DOS header.
pub(crate) const DOS_BYTES: u64 = 0x40;
/// Offset of `e_lfanew` in the file: where the PE header begins; 4 bytes.
pub(crate) const PE_OFFSET: u64 = 0x3c;

/// First bytes of the PE header.
pub(crate) const PE_SIGNATURE: &[u8; 4] = b"PE\0\0";

/// Bytes of the COFF header, which follows [`PE_SIGNATURE`].
pub(crate) const COFF_BYTES: u64 = 20;
/// Offsets in the COFF header.
pub(crate) mod coff {
    /// 2 bytes.
    pub(crate) const MACHINE: u64 = 0;
    /// Number of sections, 2 bytes.
    pub(crate) const SECTIONS: u64 = 2;
    /// Where the symbols begin in the file, 0 for nowhere; 4 bytes.
    pub(crate) const SYMBOL_TABLE: u64 = 8;
    /// Number of symbols, 4 bytes. The strings follow the symbols.
    pub(crate) const SYMBOLS: u64 = 12;
    /// Bytes of the optional header, which follows; 2 bytes.
    pub(crate) const OPTIONAL_BYTES: u64 = 16;
}
/// Bytes of a symbol.
pub(crate) const SYMBOL_BYTES: u64 = 18;

/// Offsets in the optional header. These are the same in both forms.
pub(crate) mod optional {
    /// [`MAGIC_PE32`](super::MAGIC_PE32) or [`MAGIC_PE32_PLUS`](super::MAGIC_PE32_PLUS), 2 bytes.
    pub(crate) const MAGIC: u64 = 0;
    /// `SizeOfHeaders`: where the headers end in the file; 4 bytes.
    pub(crate) const HEADERS_END: u64 = 60;
    /// `CheckSum`, 4 bytes.
    pub(crate) const CHECKSUM: u64 = 64;
    /// 2 bytes.
    pub(crate) const SUBSYSTEM: u64 = 68;
}
/// The form with addresses of 32 bits.
pub(crate) const MAGIC_PE32: u16 = 0x10b;
/// The form with addresses of 64 bits.
pub(crate) const MAGIC_PE32_PLUS: u16 = 0x20b;
/// Offset of the data directories in a PE32 optional header. Their number is in the 4 bytes before, in both forms.
pub(crate) const DIRECTORIES_PE32: u64 = 96;
/// Offset of the data directories in a PE32+ optional header.
pub(crate) const DIRECTORIES_PE32_PLUS: u64 = 112;
/// Bytes of a data directory: an address and a size, 4 bytes each.
pub(crate) const DIRECTORY_BYTES: u64 = 8;
/// More directories have no meaning, and neither EDK II nor shim loads a file that has them.
pub(crate) const MOST_DIRECTORIES: u32 = 16;
/// Index of the directory of the certificate table. Its address is an offset in the file, unlike all others.
pub(crate) const SECURITY_DIRECTORY: u32 = 4;

/// Bytes of a section's header.
pub(crate) const SECTION_BYTES: usize = 40;
/// Offsets in a section's header.
pub(crate) mod section {
    /// Bytes of the name, which is at offset 0.
    pub(crate) const NAME_BYTES: usize = 8;
    /// Bytes in memory, 4 bytes.
    pub(crate) const VIRTUAL_SIZE: usize = 8;
    /// Address in memory, relative to the image; 4 bytes.
    pub(crate) const VIRTUAL_ADDRESS: usize = 12;
    /// `SizeOfRawData`: bytes in the file; 4 bytes.
    pub(crate) const RAW_SIZE: usize = 16;
    /// `PointerToRawData`: offset in the file; 4 bytes.
    pub(crate) const RAW_OFFSET: usize = 20;
}

/// Bytes of the header of an entry in the certificate table (`WIN_CERTIFICATE`): its length (4), a revision (2) and a
/// type (2). UEFI 2.10, section 32.2.4.
pub(crate) const WIN_CERTIFICATE_BYTES: u64 = 8;
/// Every entry of the certificate table begins at a multiple of this, counted from the begin of the table.
pub(crate) const WIN_CERTIFICATE_ALIGNMENT: u64 = 8;
