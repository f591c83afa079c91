//! Archives of GNU cpio and the compressors, and hostile ones.

mod agreement;
mod hostile;
mod tools;
