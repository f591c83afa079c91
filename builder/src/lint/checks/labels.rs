//! Labels of the image's configuration.

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;
use crate::suitability::is_bootable;

pub(crate) static BOOTABLE_LABEL: Check = Check {
    name: "bootable-label",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "The image has neither the label `containers.bootc` nor `ostree.bootable`",
    reason: "Only images with one of them are taken by bootc, so a machine made from this one refuses updates to \
             images like it",
    fix: "LABEL containers.bootc=1",
    run: Run::Once(bootable_label),
};

fn bootable_label(subject: &Subject, findings: &mut Findings<'_>) {
    if !is_bootable(&subject.labels) {
        findings.image("neither the label containers.bootc nor ostree.bootable is set");
    }
}
