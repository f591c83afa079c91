//! LZMA as GRUB's own decompressor reads it: no header, and the settings that are fixed in its code.

use std::io;

use liblzma::stream::{Action, Filters, LzmaOptions, Status, Stream};

use crate::CoreError;

/// How far back a match may be: GRUB, `util/mkimage.c`, `compress_kernel_lzma`.
const DICTIONARY: u32 = 1 << 16;
/// Settings of the search: they change the length, not the format.
const PRESET: u32 = 9;

/// Compresses the whole of `plain`.
pub(crate) fn compress(plain: &[u8]) -> Result<Vec<u8>, CoreError> {
    let failed = |source: io::Error| CoreError::Compress { source };
    let mut options = LzmaOptions::new_preset(PRESET).map_err(|error| failed(error.into()))?;
    options.dict_size(DICTIONARY).literal_context_bits(3).literal_position_bits(0).position_bits(2);
    let mut filters = Filters::new();
    filters.lzma1(&options);
    let mut stream = Stream::new_raw_encoder(&filters).map_err(|error| failed(error.into()))?;
    // More than incompressible data needs.
    let mut bytes = Vec::with_capacity(plain.len() + plain.len() / 8 + 1024);
    let status = stream.process_vec(plain, &mut bytes, Action::Finish).map_err(|error| failed(error.into()))?;
    if status != Status::StreamEnd {
        return Err(failed(io::Error::other(format!("LZMA ended with {status:?}"))));
    }
    Ok(bytes)
}
