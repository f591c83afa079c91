//! How much is done for a configuration before it is given up.

/// Bytes of a configuration file, an environment block or a boot entry; real ones have some kilobytes.
pub(crate) const FILE_BYTES: u64 = 1 << 20;

/// Bytes of one word with its quotes, or of a comment: GRUB's lexer stops for good at 8192.
pub(crate) const WORD_BYTES: usize = 8191;

/// Commands inside commands in one text.
pub(crate) const NESTING: usize = 48;

/// Blocks, functions and files that are under way at the same time.
pub(crate) const DEPTH: usize = 64;

/// Units of work; a command takes [`COMMAND_WORK`], and one for each byte that it handles.
pub(crate) const WORK: u64 = 1 << 24;

/// Units of work of a command by itself.
pub(crate) const COMMAND_WORK: u64 = 64;

/// Units of work of looking up a path.
pub(crate) const LOOK_WORK: u64 = 256;

/// Bytes of a variable's value.
pub(crate) const VALUE_BYTES: usize = 1 << 16;

/// Entries of all menus together.
pub(crate) const ENTRIES: usize = 1000;

/// Remarks of each kind.
pub(crate) const REMARKS: usize = 1000;

/// Characters of a command that are shown in a remark.
pub(crate) const SHOWN_CHARACTERS: usize = 300;
