//! Follows a boot loader's configuration as the loader would, without running it.
//!
//! ```text
//!  Machine ──┬─ GrubStart ────► follow_grub ─────────► grub.cfg, grubenv, blscfg ───────┐
//!  devices,  │                  lexer, parser, evaluator                                 ├─► Menu
//!  files     └─ SystemdStart ─► follow_systemd_boot ─► loader.conf, entries/*.conf ──────┘   entries, default,
//!                                                                                            problems by file and line
//! ```
//!
//! GRUB's configuration is a program. It is read by the grammar of GRUB 2 and run as far as it leads to a menu:
//! variables, conditions, loops, functions, tests for files, searches for file systems, environment blocks, other files,
//! and boot entries (`blscfg`). Then each entry of the menu is run by itself, which shows what it would load. Commands
//! that only draw, sound or wait are passed over; a word that is no command at all is listed. systemd-boot's
//! configuration has no commands; its order and its choice are those of the Boot Loader Specification.
//!
//! Nothing is written. What GRUB would write into an environment block is in [`Menu::saved`].
//!
//! A configuration is anyone's: the work for it, what is inside of each other, and what is remembered have limits, and
//! behind them it is given up with a problem that says where.

mod bls;
mod choice;
mod commands;
mod configuration;
mod environment;
mod evaluator;
mod expand;
mod expression;
mod files;
mod finish;
mod follow;
mod glob;
mod lexer;
mod limits;
mod lines;
mod load;
mod machine;
mod menu;
mod number;
mod options;
mod os_release;
mod parser;
mod pattern;
mod report;
mod search;
mod syntax;
mod systemd;
mod variables;
mod version;
mod wildcard;

pub use environment::{BlockError, EnvironmentBlock};
pub use follow::{FollowError, GrubStart, follow_grub};
pub use machine::{Device, DeviceId, FileRef, Kind, Machine};
pub use menu::{Chain, Menu, MenuEntry, Place, Remark, Saved, Timeout, Tries, Unknown};
pub use parser::check;
pub use syntax::SyntaxError;
pub use systemd::{SystemdStart, follow_systemd_boot};
pub use version::{compare_entry_names, compare_versions};
