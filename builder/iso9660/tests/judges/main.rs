//! Media as other tools read them.

mod booting;
mod checksums;
mod judge;
mod listing;
mod located;
mod mounted;
mod pieces;
