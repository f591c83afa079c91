//! What comes out: the menu that the boot loader would show.

use std::fmt;

use crate::FileRef;

/// A place in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as GRUB writes it: `(hd0,gpt1)/EFI/debian/grub.cfg`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Something to know about a step: what was done there, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where.
    pub place: Place,
    /// What, as `search --fs-uuid 1234: no file system has it`.
    pub text: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// A word in the place of a command that no boot loader known to this crate has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// Where.
    pub place: Place,
    /// The word.
    pub word: String,
}

/// What an entry starts instead of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chain {
    /// Another EFI program.
    Program(FileRef),
    /// Another configuration file, which is not followed.
    Configuration(FileRef),
    /// A multiboot kernel or a hypervisor, with its modules left out.
    Multiboot(FileRef),
    /// A kernel and its initramfs in one EFI program.
    UnifiedKernel(FileRef),
    /// The firmware's own setup, a halt or a restart: the command.
    Firmware(String),
}

/// Boot counting in a file's name (systemd, "Automatic Boot Assessment").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// Starts that are left.
    pub left: u32,
    /// Starts that were made.
    pub done: u32,
}

/// An entry of the menu, with what happens when it is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuEntry {
    /// Its identifier; GRUB takes the title where there is none.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Titles of the submenus that it is in, the outermost first.
    pub submenu: Vec<String>,
    /// The kernel, which exists.
    pub kernel: Option<FileRef>,
    /// The arguments of the kernel, without the `BOOT_IMAGE=` that GRUB puts before them, or the options of the program.
    pub arguments: String,
    /// Initramfs files, which exist, in their order.
    pub initrds: Vec<FileRef>,
    /// The device tree.
    pub devicetree: Option<FileRef>,
    /// What is started instead of a kernel.
    pub chain: Option<Chain>,
    /// Where the entry was made.
    pub source: Place,
    /// It can only be chosen with a password.
    pub asks_password: bool,
    /// Its boot counter.
    pub tries: Option<Tries>,
    /// The status of its last command was not zero, so GRUB does not start what is loaded.
    pub fails: bool,
    /// What goes wrong in it.
    pub problems: Vec<Remark>,
}

impl MenuEntry {
    /// Whether choosing it starts something.
    #[must_use]
    pub fn starts(&self) -> bool {
        !self.fails && (self.kernel.is_some() || self.chain.is_some())
    }
}

/// How long the menu waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// So many seconds; 0 starts the default at once.
    Seconds(u64),
    /// Until somebody chooses.
    Forever,
}

/// Variables that a start writes into an environment block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The block's file.
    pub file: FileRef,
    /// All variables that are in the block then, in its order.
    pub variables: Vec<(String, String)>,
}

/// The menu that a boot loader would show, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// All entries in their order; those of a submenu stand in its place.
    pub entries: Vec<MenuEntry>,
    /// The entry that is started by itself.
    pub default: Option<usize>,
    /// The entries that are tried next when the default cannot be loaded.
    pub fallback: Vec<usize>,
    /// How long the menu waits.
    pub timeout: Timeout,
    /// Files that were read on the way, in this order.
    pub files: Vec<FileRef>,
    /// What was found out, and is not wrong.
    pub notes: Vec<Remark>,
    /// Steps that went wrong before the menu.
    pub problems: Vec<Remark>,
    /// Commands that nobody knows.
    pub unknown: Vec<Unknown>,
    /// What `echo` wrote before the menu, a line each.
    pub said: Vec<String>,
    /// Environment blocks that the way to the menu changes.
    pub saved: Vec<Saved>,
}

impl Menu {
    /// The entry that is started by itself.
    #[must_use]
    pub fn default_entry(&self) -> Option<&MenuEntry> {
        self.default.and_then(|index| self.entries.get(index))
    }
}
