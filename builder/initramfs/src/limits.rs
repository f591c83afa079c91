//! How much is read before it is refused.

/// How much is read before it is refused.
///
/// The defaults are far above every real initramfs and keep memory below about 1 GiB for the worst input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all archives together after unpacking; also the size of the initramfs itself. 4 GiB.
    pub unpacked_bytes: u64,
    /// Entries of all archives together. 1,000,000.
    pub entries: u64,
    /// Archives, and compressed parts that hold them. 1,000.
    pub archives: u32,
    /// Bytes of all names and link targets together. 64 MiB.
    pub name_bytes: u64,
    /// Names looked up while unpacking, which long chains of links make many. 32 million.
    pub lookups: u64,
    /// Bytes of one body that is kept. 1 MiB.
    pub body_bytes: u64,
    /// Bytes of all bodies that are kept. 64 MiB.
    pub kept_bytes: u64,
    /// Bytes that an xz or lzma decoder may use. 256 MiB.
    ///
    /// That of zstd is bound by the kernel's own limit, a window of 128 MiB.
    pub decoder_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 4 << 30,
            entries: 1_000_000,
            archives: 1_000,
            name_bytes: 64 << 20,
            lookups: 32_000_000,
            body_bytes: 1 << 20,
            kept_bytes: 64 << 20,
            decoder_bytes: 256 << 20,
        }
    }
}
