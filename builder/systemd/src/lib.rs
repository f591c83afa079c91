//! What systemd would do with an image, read from its declarative files; nothing of the image is run.
//!
//! ```text
//!             ┌ tmpfiles.d ─► TmpfilesConfig ── covers(/var/lib/x, Directory)?
//!             │ sysusers.d ─► SysusersConfig ── creates_user(x)? creates_group(y)?
//!  FileTree ──┤ units      ─► Units ─────────── find(x.service), links, default target
//!             │ presets    ─► Presets ───────── decide(x.service)
//!             └ passwd, group, fstab ────────── entries with their lines
//! ```
//!
//! Each of them keeps going where systemd keeps going: what is malformed becomes a [`Finding`] with file, line and
//! systemd's own words, and the rest of the file is read. Only what makes reading itself impossible is an error,
//! [`ReadError`].
//!
//! The rules are those of systemd 252 to 258. Where the versions differ, the newest one's are followed, and the item
//! says so. In an image for ostree the files of `/etc` lie in `/usr/etc`, so both are searched, `/etc` first.
//!
//! Source: tmpfiles.d(5), sysusers.d(5), systemd.unit(5), systemd.syntax(7), systemd.service(5), systemd.preset(5),
//! and what the tools of Debian's package `systemd` answer in the tests.

mod accounts;
mod config_files;
mod finding;
mod fstab;
mod glob;
mod identifiers;
mod lines;
mod os_release;
mod place;
mod read;
mod shown;
mod specifier;
mod sysusers;
mod timespan;
mod tmpfiles;
mod units;
mod words;

pub use accounts::{AccountProblem, Accounts, GroupEntry, PasswdEntry, parse_group, parse_passwd};
pub use finding::{FileProblem, Finding, Severity};
pub use fstab::{Fstab, FstabEntry, FstabProblem, parse_fstab};
pub use read::ReadError;
pub use specifier::Unresolved;
pub use sysusers::{
    IdSource, PrimaryGroup, SysusersConfig, SysusersEntry, SysusersGroup, SysusersLine, SysusersProblem, SysusersUser,
    group_line, user_line,
};
pub use tmpfiles::{
    Age, LineKind, LinePath, MadeKind, Mode, Modifiers, Owner, TmpfilesConfig, TmpfilesLine, TmpfilesProblem, line_for,
};
pub use units::{
    Assignment, Command, Decision, DependencyKind, DependencyLink, Found, Manager, NameKind, PresetProblem, PresetRule,
    Presets, UnescapeError, Unit, UnitName, UnitProblem, UnitType, Units, escape, escape_path, unescape, unescape_path,
};
