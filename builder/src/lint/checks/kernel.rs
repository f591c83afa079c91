//! The kernel.

use builder_boot::{BootError, Kernel};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static KERNEL: Check = Check {
    name: "kernel",
    severity: Severity::Fatal,
    origin: Origin::Bootc,
    summary: "There is more than one kernel, `/usr/lib/modules/*/vmlinuz`",
    reason: "A deployment has one kernel; which of several is meant cannot be known",
    fix: "# keep the one that is meant\nRUN rm -r /usr/lib/modules/OTHER",
    run: Run::Once(kernel),
};

fn kernel(subject: &Subject, findings: &mut Findings<'_>) {
    let versions = Kernel::versions(&subject.tree);
    if versions.len() > 1 {
        findings.at(b"usr/lib/modules", format!("{} kernels: {}", versions.len(), versions.join(", ")));
    }
}

pub(crate) static KERNEL_MISSING: Check = Check {
    name: "kernel-missing",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "There is no kernel at `/usr/lib/modules/VERSION/vmlinuz`, or its version cannot stand in a boot entry",
    reason: "A disk boots the image's own kernel; one in /boot is not looked at, as that belongs to the machine",
    fix: "RUN v=$(ls /usr/lib/modules) && mv /boot/vmlinuz-\"$v\" /usr/lib/modules/\"$v\"/vmlinuz",
    run: Run::Once(kernel_missing),
};

fn kernel_missing(subject: &Subject, findings: &mut Findings<'_>) {
    match Kernel::find(&subject.tree) {
        Err(error @ BootError::NoKernel) => findings.image(error.to_string()),
        Err(BootError::KernelName { path, problem }) => findings.at(&path, problem),
        // Others are told of by other checks.
        Ok(_) | Err(_) => {}
    }
}
