//! QEMU's qcow2 disk images, written in one pass and read with suspicion.
//!
//! ```text
//!  Piece ──► Encoder ──► Encoded ──► Writer ──► Sink
//!            many at a time          in the order of the disk
//!
//!  ReadAt ──► Qcow2Reader: the disk that is in a file of anyone's
//! ```
//!
//! QEMU, `docs/interop/qcow2.rst`.

mod encode;
mod error;
mod format;
mod header;
mod options;
mod read;
mod writer;

pub use encode::{Encoded, Encoder};
pub use error::{Part, Qcow2Error};
pub use options::{Compression, Options, OptionsError};
pub use read::Qcow2Reader;
pub use writer::Writer;
