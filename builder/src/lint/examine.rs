//! The checks are run: a few places first, then one walk over all.

use crate::error::BuildError;
use crate::lint::allow::{AllowList, IMAGE_ALLOW_FILE};
use crate::lint::check::{Check, Entry, Run, Severity, Visitor};
use crate::lint::checks::allow_file;
use crate::lint::finding::Findings;
use crate::lint::report::Report;
use crate::lint::subject::Subject;

/// How much is looked for and told.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Checks of this severity and worse are run.
    pub least: Severity,
    /// So many findings of a check are kept, and so many that are allowed; the others are counted.
    pub most: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { least: Severity::Info, most: 20 }
    }
}

/// A check that comes along on the walk, and where its findings go.
enum Walker {
    Walk(fn(&Subject, &Entry<'_>, &mut Findings<'_>), usize),
    Visit(Box<dyn Visitor>, usize),
}

/// Runs `checks`; `allow` holds what is allowed besides what the image's own list allows, and `most` findings of a check
/// are kept.
///
/// # Errors
/// The scratch file cannot be read.
pub(crate) fn examine(
    subject: &Subject,
    mut allow: AllowList,
    checks: Vec<&'static Check>,
    most: usize,
) -> Result<Report, BuildError> {
    if let Some(text) = allow_file::text(subject) {
        // What is wrong with it is found by a check of its own.
        allow.read_lines(&format!("/{IMAGE_ALLOW_FILE}"), &text, &mut Vec::new());
    }
    let mut all: Vec<Findings<'_>> = checks.into_iter().map(|check| Findings::new(check, &allow, most)).collect();
    let mut walkers = Vec::new();
    for (at, findings) in all.iter_mut().enumerate() {
        match findings.check.run {
            Run::Once(run) => run(subject, findings),
            Run::Walk(run) => walkers.push(Walker::Walk(run, at)),
            Run::Visit(begin) => walkers.push(Walker::Visit(begin(), at)),
        }
    }
    let walked: Result<(), std::convert::Infallible> = subject.tree.root.walk(&mut |path, node| {
        let path =
            if subject.is_ostree && (path == b"usr/etc" || path.starts_with(b"usr/etc/")) { &path[4..] } else { path };
        let entry = Entry { path, node };
        for walker in &mut walkers {
            match walker {
                Walker::Walk(run, at) => run(subject, &entry, &mut all[*at]),
                Walker::Visit(visitor, at) => visitor.visit(subject, &entry, &mut all[*at]),
            }
        }
        Ok(())
    });
    match walked {
        Ok(()) => {}
    }
    for walker in &mut walkers {
        if let Walker::Visit(visitor, at) = walker {
            visitor.end(subject, &mut all[*at]);
        }
    }
    if let Some(source) = subject.failure() {
        return Err(BuildError::Scratch { source });
    }
    let platform = subject.platform.to_string();
    Ok(Report::new(platform, all, &allow, subject.layers.clone()))
}
