//! What the packages take.

use std::cmp::Reverse;

use builder_block::ByteSize;

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static SIZE_BY_PACKAGE: Check = Check {
    name: "size-by-package",
    severity: Severity::Info,
    origin: Origin::Diskwright,
    summary: "What the largest packages take, as their packager recorded it",
    reason: "It shows which packages make the image large",
    fix: "# remove what is not needed where it is installed, such as\n\
          RUN dnf install -y --setopt=install_weak_deps=False PACKAGE",
    run: Run::Once(size_by_package),
};

/// Packages that are told of.
const TOLD: usize = 10;

fn size_by_package(subject: &Subject, findings: &mut Findings<'_>) {
    let set = match builder_packages::read(&subject.tree) {
        Ok(Some(set)) => set,
        Ok(None) => return,
        Err(error) => return findings.image(format!("the packages cannot be read: {error}")),
    };
    let sized = set.packages.iter().filter_map(|package| Some((package.installed_size?, package)));
    let mut sized: Vec<_> = sized.filter(|(size, _)| *size > 0).collect();
    sized.sort_by_key(|(size, _)| Reverse(*size));
    for (size, package) in sized.into_iter().take(TOLD) {
        findings.image(format!("{}: {} {}", ByteSize::new(size), package.name, package.version));
    }
}
