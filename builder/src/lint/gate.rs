//! What a build looks at by itself, before there is a disk.
//!
//! Of the checks those run whose findings are fatal, but for those in [`DECIDED_BY_BUILD`]: what they look for the
//! build decides itself, with the options that it was given, and its own error says more. The tree is the one that
//! becomes the deployment: what a disk leaves out (below `/run`, for one) is in it no more. Of the bodies only those are
//! read that a check opens, while the commits are made, and the initramfs, which the build reads anyway, only once.

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;

use builder_oci::Image;
use builder_tree::FileTree;

use crate::error::BuildError;
use crate::lint::allow::AllowList;
use crate::lint::check::Severity;
use crate::lint::checks::initramfs::INITRAMFS_PREPARE_ROOT;
use crate::lint::examine::{Options, examine};
use crate::lint::finding::Finding;
use crate::lint::formats::text;
use crate::lint::registry;
use crate::lint::report::Report;
use crate::lint::subject::{Awaited, Subject};
use crate::progress::Progress;
use crate::recipe::Recipe;

/// Whether a build looks at its images.
#[derive(Clone, Debug)]
pub enum LintChoice {
    /// What is fatal and not allowed, by this list or by the image's own, ends the build.
    Fatal(AllowList),
    /// Nobody looks, and the plan says so.
    Off,
    /// It was looked at when the disk was made that is made again.
    Done,
}

impl Default for LintChoice {
    fn default() -> Self {
        Self::Fatal(AllowList::new())
    }
}

/// Fatal checks that a build does not run, and who decides instead.
pub(crate) const DECIDED_BY_BUILD: [(&str, &str); 12] = [
    ("boot-loader", "`--bootloader` may ask for another one than the check looks for, or for none"),
    ("bootc-kargs", "the same parser stops at the file, and names line and key"),
    ("composefs-value", "a kernel argument goes before the setting"),
    ("device-nodes", "no ostree commit is made of such a file"),
    (
        "etc-usretc",
        "two with files in them are refused, an empty one loses nothing, and over an ostree base both are one",
    ),
    ("fat-names", "what comes to the ESP depends on the boot loader, and the FAT writer refuses what it cannot hold"),
    ("initramfs", "the same search for the kernel asks for it"),
    ("install-config", "the same parser stops at the file, and names line and key"),
    ("kernel", "the same search for the kernel finds two"),
    ("kernel-missing", "the same search for the kernel finds none"),
    ("os-release", "the same reader asks for the name"),
    ("utf8", "no ostree commit is made of such a name"),
];

/// Why a build does not run the check `name`, where it decides by itself.
pub(crate) fn decided(name: &str) -> Option<&'static str> {
    DECIDED_BY_BUILD.iter().find(|(decided, _)| *decided == name).map(|(_, why)| *why)
}

/// Somebody who looks at an image while other things are done.
pub(crate) struct Look(JoinHandle<Result<Report, BuildError>>);

impl Look {
    /// Begins to look at a tree in ostree's form; `early` will tell what its initramfs says, or why that cannot be read.
    /// `None` where nobody is to look.
    pub(crate) fn begin(choice: &LintChoice, tree: &Arc<FileTree>, image: &Image, early: Awaited) -> Option<Self> {
        let LintChoice::Fatal(allow) = choice else { return None };
        let (tree, platform, labels, allow) =
            (Arc::clone(tree), image.platform().clone(), image.labels(), allow.clone());
        Some(Self(std::thread::spawn(move || {
            let subject = Subject::of_ostree(tree, platform, labels, early);
            let mut checks = registry::checks();
            checks.retain(|check| check.severity == Severity::Fatal && decided(check.name).is_none());
            // What waits for the initramfs comes last.
            checks.sort_by_key(|check| check.name == INITRAMFS_PREPARE_ROOT.name);
            examine(&subject, allow, checks, Options::default().most)
        })))
    }

    /// What was found.
    fn report(self) -> Result<Report, BuildError> {
        // A panic there is a defect, and goes on here.
        self.0.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Says that nobody will look, where nobody will.
pub(crate) fn warn_if_off(choice: &LintChoice, progress: &mut dyn Progress) {
    if let LintChoice::Off = choice {
        progress.warn("--no-lint: nobody looked whether a machine made from this image works");
    }
}

/// Notes for the plan what `looks` found, those at the image and at the one to roll back to.
///
/// # Errors
/// [`Refused`]: something is fatal and not allowed; or the scratch file cannot be read.
pub(crate) fn judge(
    recipe: &Recipe,
    looks: impl Iterator<Item = Option<Look>>,
    notes: &mut Vec<String>,
) -> Result<(), BuildError> {
    if let LintChoice::Off = recipe.lint {
        notes.push("--no-lint: nobody looked whether a machine made from this image works".to_owned());
    }
    let mut images = Vec::new();
    let whose = [("the image", Some(&recipe.source)), ("the image to roll back to", recipe.rollback.as_ref())];
    for (look, (whose, source)) in looks.zip(whose) {
        let Some(look) = look else { continue };
        let report = look.report()?;
        for allowed in &report.allowed {
            let why = allowed.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            let Finding { check, .. } = allowed.finding;
            notes.push(format!("lint: {check}: {} [allowed by {}{why}]", text::Told(&allowed.finding), allowed.by));
        }
        if report.counts.fatal > 0 {
            let source = source.map_or_else(String::new, ToString::to_string);
            images.push((whose, Report { source, ..report }));
        }
    }
    if images.is_empty() { Ok(()) } else { Err(Refused { images }.into()) }
}

/// Images would not make machines that work.
#[derive(Debug)]
pub struct Refused {
    /// Those of which something is fatal, each with what they are to the build.
    images: Vec<(&'static str, Report)>,
}

impl Refused {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> String {
        let commands: Vec<_> =
            self.images.iter().map(|(_, report)| format!("diskwright lint {}", report.source)).collect();
        format!(
            "for all that can be said of it: {}; `--allow NAME` allows what a check finds, `--no-lint` builds without \
             looking",
            commands.join("; ")
        )
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    /// What was found, as lint's text tells it, with the reasons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (whose, report)) in self.images.iter().enumerate() {
            let fatal = report.counts.fatal;
            let (line, plural) = (if at == 0 { "" } else { "\n" }, if fatal == 1 { "" } else { "s" });
            write!(f, "{line}{whose} would not make a working machine: {fatal} fatal finding{plural}")?;
            for findings in report.by_check() {
                let Some(first) = findings.first() else { continue };
                let reason = registry::find(first.check).map_or("", |check| check.reason);
                write!(f, "\n  {}\n    {reason}", first.check)?;
                text::told(f, findings, report.more(first.check))?;
            }
        }
        Ok(())
    }
}
