//! What is compressed in a core image: the kernel, and behind it modules, first commands and prefix.
//!
//! The layout is that of `struct grub_module_info32` and `struct grub_module_header` in GRUB's `include/grub/kernel.h`.

use crate::CoreError;

/// Bytes of the header of all, and of each.
const INFO: usize = 12;
const HEADER: usize = 8;
/// "mimg".
const MAGIC: u32 = 0x676D_696D;
/// `enum`: what follows a header.
const MODULE: u32 = 0;
const CONFIGURATION: u32 = 2;
const PREFIX: u32 = 3;

/// Puts all behind the kernel.
pub(crate) fn payload<'a>(
    kernel: &[u8],
    modules: impl Iterator<Item = &'a [u8]>,
    configuration: &str,
    prefix: &str,
) -> Result<Vec<u8>, CoreError> {
    let mut behind = Vec::new();
    for module in modules {
        put(&mut behind, MODULE, module, 0)?;
    }
    if !configuration.is_empty() {
        put(&mut behind, CONFIGURATION, configuration.as_bytes(), 1)?;
    }
    put(&mut behind, PREFIX, prefix.as_bytes(), 1)?;
    let length = number(INFO + behind.len())?;
    let info = [MAGIC, number(INFO)?, length].map(u32::to_le_bytes);
    Ok([kernel, info.as_flattened(), &behind].concat())
}

/// One part with its header, filled up to a multiple of four bytes with at least so many zeros.
fn put(out: &mut Vec<u8>, kind: u32, bytes: &[u8], zeros: usize) -> Result<(), CoreError> {
    let length = (bytes.len() + zeros).next_multiple_of(4);
    let start = out.len() + HEADER;
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&number(HEADER + length)?.to_le_bytes());
    out.extend_from_slice(bytes);
    out.resize(start + length, 0);
    Ok(())
}

fn number(length: usize) -> Result<u32, CoreError> {
    let limit = u64::from(u32::MAX);
    u32::try_from(length).map_err(|_| CoreError::TooLarge { what: "the list of modules", length: length as u64, limit })
}
