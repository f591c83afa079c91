//! SELinux labels of an image: which `security.selinux` a path has, from the policy inside the image, without
//! libselinux.
//!
//! ```text
//!  FileTree ── config ──► file_contexts, .homedirs, .local ── spec ──► pattern ──► lookup ─┐
//!                     └─► file_contexts.subs, .subs_dist ───────────► subs ────────────────┴► Policy::label
//!                                                                                                │
//!  FileTree ─────────────────────────────────────── relabel (RelabelRules) ◄─────────────────────┘
//! ```
//!
//! The judge is `matchpathcon` of libselinux: what `selabel_lookup_raw` says, [`Policy::label`] says. Where its
//! releases differ, this crate follows what they agree on for the policies that distributions ship; the differences
//! are named where they are decided, in the documentation of [`Policy`].

mod config;
mod error;
mod label;
mod literal;
mod lookup;
mod pattern;
mod policy;
mod relabel;
mod spec;
mod subs;

pub use error::{LineProblem, PatternProblem, SelinuxError};
pub use label::{FileKind, Label, XATTR};
pub use policy::{Policy, PolicyTexts};
pub use relabel::{Conflict, Existing, HardLinks, Place, RelabelRules, Relabelled, relabel};
