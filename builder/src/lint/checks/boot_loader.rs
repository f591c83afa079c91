//! The boot loader's files.

use builder_boot::{BootError, BootloaderChoice, Loader};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static BOOT_LOADER: Check = Check {
    name: "boot-loader",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "There is no boot loader for the image's platform that could be installed",
    reason: "The boot loader of a disk is the image's own; without one the firmware finds nothing to start",
    fix: "# on Debian, for amd64\nRUN apt-get install --yes grub-efi-amd64-signed shim-signed\n\
          # on Fedora, for x86_64\nRUN dnf install -y bootupd grub2-efi-x64 shim-x64",
    run: Run::Once(boot_loader),
};

fn boot_loader(subject: &Subject, findings: &mut Findings<'_>) {
    // For other platforms nothing is known about boot loaders.
    let Some(architecture) = subject.architecture() else { return };
    match Loader::find(&subject.tree, architecture, BootloaderChoice::Auto) {
        Ok(_) => {}
        Err(BootError::Read { source, .. }) => subject.fail(source),
        Err(error) => findings.image(error.to_string()),
    }
}
