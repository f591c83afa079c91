//! What is wrong with an image, told before a machine finds out: named checks over an image that is read and never run.
//!
//! ```text
//!  image ──► layers ──► Subject ──┬─ Run::Once ──► a few places ─────┐               ┌ text, JSON
//!                          │      └─ Run::Walk ──► one walk over all ┴─► Findings ───┤ SARIF, JUnit
//!                          └─ usr/lib/diskwright/lint.allow ──► AllowList ─┘ Report  └ GitHub commands
//! ```
//!
//! The registry ([`checks()`]) has every check with its name, severity, reason and fix; each file of `lint/checks` has
//! a check or a small family of them. Those that `bootc container lint` has too have its names and its verdicts.
//!
//! # What is looked at
//!
//! The tree that a container would see: `/etc` is at `etc`, also in images of the chunked form, whose tree is that of
//! the commit in them with the later layers over it. Contents are read where a name or a kind of file calls for it: the
//! first 20 bytes of what may be a program, the first 64 of what may be a key, and configuration whole.
//!
//! A build looks too: `gate` has which of the checks it runs, and who decides instead of the others.
//!
//! # What is deliberately absent
//!
//! - A finding that is allowed is counted and named, with who allowed it and why; none is hidden.
//! - No check changes its severity by circumstances: what has two, is two checks.
//! - A check that finds thousands of paths keeps the first ones and the number of the others, so that memory is bound
//!   by the tree and not by what is wrong with it.

mod allow;
mod boot_path;
mod check;
mod checks;
mod examine;
mod finding;
mod formats;
pub(crate) mod gate;
mod glob;
mod layer_size;
mod needed;
mod registry;
mod report;
mod space;
mod subject;

use std::path::Path;

use builder_oci::{Image, ImageSource, Platform};
use builder_tree::Wanted;

use crate::error::BuildError;
use crate::progress::Progress;
use crate::source;

pub use allow::{AllowError, AllowList, AllowProblem, IMAGE_ALLOW_FILE, UnknownCheck};
pub use check::{Check, Origin, Severity};
pub use examine::Options;
pub use finding::{Allowed, Finding};
pub use gate::{LintChoice, Refused};
pub use glob::GlobError;
pub use layer_size::LayerSize;
pub use registry::{checks, find, registry_markdown};
pub use report::{Counts, Cut, FailOn, Report};
pub use space::{Share, Space};
use subject::Subject;

/// Runs the checks over an image; `allow` holds what is allowed besides what the image's own list allows, `scratch`
/// takes the unnamed scratch file.
///
/// # Errors
/// The image cannot be read. That something is wrong with it is no error here but the answer.
pub fn lint(
    source: &ImageSource,
    platform: &Platform,
    allow: AllowList,
    options: Options,
    scratch: &Path,
    progress: &mut dyn Progress,
) -> Result<Report, BuildError> {
    let image = source::open(source, platform)?;
    let wanted = Wanted::new();
    let mut report = attempt(&image, Some(&wanted), allow.clone(), options, scratch, progress);
    if wanted.is_noted() {
        report = attempt(&image, None, allow, options, scratch, progress);
    }
    let mut report = report?;
    report.source = source.to_string();
    report.digest = image.manifest_digest().to_string();
    Ok(report)
}

/// Reads an image and runs the checks; where `wanted` is given, what they find counts only if it notes nothing.
fn attempt(
    image: &Image,
    wanted: Option<&Wanted>,
    allow: AllowList,
    options: Options,
    scratch: &Path,
    progress: &mut dyn Progress,
) -> Result<Report, BuildError> {
    let subject = Subject::read(image, wanted, scratch, progress)?.read_ahead();
    let mut checks = registry::checks();
    checks.retain(|check| check.severity <= options.least);
    let mut report = examine::examine(&subject, allow, checks, options.most)?;
    report.space = Space::of(&subject.tree);
    Ok(report)
}
