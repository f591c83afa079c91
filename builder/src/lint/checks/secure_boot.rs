//! What happens while Secure Boot is on.

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

/// Programs that are signed.
const SIGNED: &str = "# install the distribution's signed programs, all of one distribution\n\
                      # on Debian, for amd64\n\
                      RUN apt-get install --yes shim-signed grub-efi-amd64-signed linux-image-amd64\n\
                      # on Fedora, for x86_64\nRUN dnf install -y shim-x64 grub2-efi-x64 kernel-core";

pub(crate) static SECURE_BOOT: Check = Check {
    name: "secure-boot",
    severity: Severity::Info,
    origin: Origin::Diskwright,
    summary: "What becomes of each program on the way to the kernel while Secure Boot is on",
    reason: "Firmware starts only what somebody signed whom it knows, and each program decides about the next one; \
             without Secure Boot all of this means nothing",
    fix: SIGNED,
    run: Run::Once(secure_boot),
};

fn secure_boot(subject: &Subject, findings: &mut Findings<'_>) {
    for program in subject.boot_programs() {
        if program.starts {
            findings.at_with_fix(&program.path, program.told.as_str(), "# nothing has to be done");
        } else {
            findings.at(&program.path, program.told.as_str());
        }
    }
}

pub(crate) static SECURE_BOOT_BROKEN: Check = Check {
    name: "secure-boot-broken",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "The shim is signed for Microsoft's keys, and does not accept the next program",
    reason: "Whoever has such a shim wants Secure Boot, which most machines come with turned on: they stop behind \
             the shim, with a message such as `Security Violation`",
    fix: SIGNED,
    run: Run::Once(secure_boot_broken),
};

fn secure_boot_broken(subject: &Subject, findings: &mut Findings<'_>) {
    for program in subject.boot_programs() {
        if let Some(why) = &program.stops {
            findings.at(&program.path, format!("the shim before it does not let it start: {why}"));
        }
    }
}
