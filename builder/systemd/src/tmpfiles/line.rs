//! A line of tmpfiles.d, taken apart.

use crate::Unresolved;
use crate::tmpfiles::MadeKind;

/// What a line does, by its letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// `f` and `f+`: makes a file.
    CreateFile,
    /// `F`: makes or empties a file; old for `f+`.
    TruncateFile,
    /// `w`: writes to files that exist.
    WriteFile,
    /// `d`: makes a directory.
    CreateDirectory,
    /// `D`: makes a directory that is emptied when the system goes down.
    TruncateDirectory,
    /// `e`: sets mode and age of directories that exist.
    AdjustDirectory,
    /// `v`: makes a subvolume or directory.
    CreateSubvolume,
    /// `q`: the same, with its parent's quota.
    CreateSubvolumeInheritQuota,
    /// `Q`: the same, with a quota of its own.
    CreateSubvolumeNewQuota,
    /// `p`: makes a FIFO.
    CreateFifo,
    /// `L`: makes a symbolic link.
    CreateSymlink,
    /// `c`: makes a character device.
    CreateCharDevice,
    /// `b`: makes a block device.
    CreateBlockDevice,
    /// `C`: copies a file or a tree.
    Copy,
    /// `x`: leaves paths and what is below them alone when it cleans.
    Ignore,
    /// `X`: leaves paths alone when it cleans, but not what is below.
    IgnoreDirectory,
    /// `r`: removes files and empty directories.
    Remove,
    /// `R`: removes trees.
    RemoveRecursive,
    /// `m`: sets the mode; old for `z`.
    AdjustMode,
    /// `z`: sets owner, mode and label.
    Relabel,
    /// `Z`: the same, with all that is below.
    RelabelRecursive,
    /// `t`: sets extended attributes.
    SetXattr,
    /// `T`: the same, with all that is below.
    SetXattrRecursive,
    /// `h`: sets file attributes, as chattr(1) does.
    SetAttribute,
    /// `H`: the same, with all that is below.
    SetAttributeRecursive,
    /// `a`: sets access control lists.
    SetAcl,
    /// `A`: the same, with all that is below.
    SetAclRecursive,
}

/// Letters with what they do.
const LETTERS: [(u8, LineKind); 27] = [
    (b'f', LineKind::CreateFile),
    (b'F', LineKind::TruncateFile),
    (b'w', LineKind::WriteFile),
    (b'd', LineKind::CreateDirectory),
    (b'D', LineKind::TruncateDirectory),
    (b'e', LineKind::AdjustDirectory),
    (b'v', LineKind::CreateSubvolume),
    (b'q', LineKind::CreateSubvolumeInheritQuota),
    (b'Q', LineKind::CreateSubvolumeNewQuota),
    (b'p', LineKind::CreateFifo),
    (b'L', LineKind::CreateSymlink),
    (b'c', LineKind::CreateCharDevice),
    (b'b', LineKind::CreateBlockDevice),
    (b'C', LineKind::Copy),
    (b'x', LineKind::Ignore),
    (b'X', LineKind::IgnoreDirectory),
    (b'r', LineKind::Remove),
    (b'R', LineKind::RemoveRecursive),
    (b'm', LineKind::AdjustMode),
    (b'z', LineKind::Relabel),
    (b'Z', LineKind::RelabelRecursive),
    (b't', LineKind::SetXattr),
    (b'T', LineKind::SetXattrRecursive),
    (b'h', LineKind::SetAttribute),
    (b'H', LineKind::SetAttributeRecursive),
    (b'a', LineKind::SetAcl),
    (b'A', LineKind::SetAclRecursive),
];

impl LineKind {
    /// The kind with this letter.
    #[must_use]
    pub fn from_letter(letter: u8) -> Option<Self> {
        LETTERS.iter().find(|(known, _)| *known == letter).map(|&(_, kind)| kind)
    }

    /// Its letter.
    #[must_use]
    pub fn letter(self) -> char {
        // Every kind is in the table.
        LETTERS.iter().find(|(_, kind)| *kind == self).map_or('?', |&(letter, _)| char::from(letter))
    }

    /// Whether the path of such a line is a pattern of a shell, for paths that exist by then.
    #[must_use]
    pub fn is_pattern(self) -> bool {
        self.makes().is_none() && self != Self::Copy
    }

    /// What such a line makes where nothing is; `None` for lines that only change or remove what exists, and for
    /// [`LineKind::Copy`], which makes what its source is.
    #[must_use]
    pub fn makes(self) -> Option<MadeKind> {
        match self {
            Self::CreateDirectory
            | Self::TruncateDirectory
            | Self::CreateSubvolume
            | Self::CreateSubvolumeInheritQuota
            | Self::CreateSubvolumeNewQuota => Some(MadeKind::Directory),
            Self::CreateFile | Self::TruncateFile => Some(MadeKind::RegularFile),
            Self::CreateSymlink => Some(MadeKind::Symlink),
            Self::CreateFifo => Some(MadeKind::Fifo),
            Self::CreateCharDevice => Some(MadeKind::CharDevice),
            Self::CreateBlockDevice => Some(MadeKind::BlockDevice),
            _ => None,
        }
    }

    /// Whether two such lines about one path exclude each other (`takes_ownership`).
    fn owns(self) -> bool {
        self.makes().is_some()
            || matches!(
                self,
                Self::Copy
                    | Self::WriteFile
                    | Self::AdjustDirectory
                    | Self::Ignore
                    | Self::IgnoreDirectory
                    | Self::Remove
                    | Self::RemoveRecursive
            )
    }
}

/// The signs behind the letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// `!`: only while booting.
    pub boot: bool,
    /// `+`: append, or replace what is there.
    pub append_or_force: bool,
    /// `-`: a failure is not an error.
    pub allow_failure: bool,
    /// `=`: remove what is of another type.
    pub replace: bool,
    /// `~`: the argument is Base64.
    pub base64: bool,
    /// `^`: the argument is the name of a credential; without that credential, the line is passed over.
    pub credential: bool,
    /// `$`: removed by `systemd-tmpfiles --purge`. Since systemd 256.
    pub purge: bool,
    /// `?`: a symbolic link is only made where its target exists. Since systemd 258.
    pub if_target_exists: bool,
}

/// The second field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinePath {
    /// Absolute, without doubled slashes and `.`.
    Known(Vec<u8>),
    /// It depends on the running machine.
    Unresolved {
        /// As it stands in the file, without quotes.
        written: Vec<u8>,
        /// On what.
        why: Unresolved,
    },
}

/// The third field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Permission bits, 0 to 0o7777.
    pub bits: u16,
    /// `~`: only such bits as fit those that are set already.
    pub masked: bool,
    /// `:`: only for what is newly made.
    pub only_create: bool,
}

/// The fourth and the fifth field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Name or number; the number in its shortest form, and `root` for 0.
    pub name: Vec<u8>,
    /// `:`: only for what is newly made.
    pub only_create: bool,
}

/// The sixth field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Age {
    /// `~`: what is directly in the directory stays.
    pub keep_first_level: bool,
    /// The time stamps that count, as letters of `abcmABCM` in that order, each once; empty for the usual ones.
    pub by: Vec<u8>,
    /// In microseconds; `u64::MAX` for ever.
    pub microseconds: u64,
}

/// A line that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TmpfilesLine {
    /// The file it stands in, as a path of the tree without a leading slash.
    pub file: Vec<u8>,
    /// Line, counted from 1.
    pub number: usize,
    /// What it does.
    pub kind: LineKind,
    /// How.
    pub modifiers: Modifiers,
    /// To what.
    pub path: LinePath,
    /// Mode; `None` for the default of the kind.
    pub mode: Option<Mode>,
    /// Owner; `None` for root.
    pub user: Option<Owner>,
    /// Group; `None` for root's.
    pub group: Option<Owner>,
    /// When its contents are cleaned; `None` for never.
    pub age: Option<Age>,
    /// The rest of the line: target, source or contents, with escapes undone and specifiers replaced where the kind
    /// has any; of links and copies without one, the path below `/usr/share/factory`. With an unresolved specifier as
    /// it is written.
    pub argument: Option<Vec<u8>>,
    /// What a line of the kind [`LineKind::Copy`] makes; `None` where the source is missing from the image.
    pub copied: Option<MadeKind>,
}

impl TmpfilesLine {
    /// Whether other lines about the same path must say the same. A copy of what is missing is passed over before that
    /// is looked at.
    pub(crate) fn excludes_others(&self) -> bool {
        self.kind.owns() && (self.kind != LineKind::Copy || self.copied.is_some())
    }

    /// Whether systemd drops this line because of `other`, an earlier one about the same path, where both exclude
    /// others. Several lines `w+` may write to one file.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        let appends = |line: &Self| line.kind == LineKind::WriteFile && line.modifiers.append_or_force;
        !(appends(self) && appends(other))
            && (self.argument != other.argument
                || self.user != other.user
                || self.group != other.group
                || self.mode != other.mode
                || self.age != other.age)
    }
}
