//! What the system is called.

use builder_boot::{BootError, OsRelease};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static OS_RELEASE: Check = Check {
    name: "os-release",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "There is no `/usr/lib/os-release` that names the system",
    reason: "The boot menu, ostree and every tool that asks what system this is take the name from there",
    fix: "RUN printf '%s\\n' 'ID=my-os' 'VERSION_ID=1' 'PRETTY_NAME=\"My OS 1\"' > /usr/lib/os-release",
    run: Run::Once(os_release),
};

fn os_release(subject: &Subject, findings: &mut Findings<'_>) {
    match OsRelease::read(&subject.tree) {
        Ok(_) => {}
        Err(BootError::Read { path, source }) if source.kind() == std::io::ErrorKind::FileTooLarge => {
            findings.at(path.as_bytes(), source.to_string());
        }
        Err(BootError::Read { source, .. }) => subject.fail(source),
        Err(error) => findings.image(error.to_string()),
    }
}

pub(crate) static OS_RELEASE_FIELDS: Check = Check {
    name: "os-release-fields",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "`os-release` has no `ID`, `VERSION_ID` or `PRETTY_NAME`, or an `ID` that is none",
    reason: "Names of boot entries, bills of materials and scanners for known holes go by these fields",
    fix: "RUN printf '%s\\n' 'ID=my-os' 'VERSION_ID=1' 'PRETTY_NAME=\"My OS 1\"' >> /usr/lib/os-release",
    run: Run::Once(os_release_fields),
};

fn os_release_fields(subject: &Subject, findings: &mut Findings<'_>) {
    // Without a name at all another check has said so.
    let Ok(release) = OsRelease::read(&subject.tree) else { return };
    let path = ["usr/lib/os-release", "etc/os-release", "usr/etc/os-release"]
        .into_iter()
        .find(|path| subject.file(path).is_some())
        .unwrap_or("usr/lib/os-release")
        .as_bytes();
    for key in ["ID", "VERSION_ID", "PRETTY_NAME"] {
        if release.fields().get(key).is_none_or(String::is_empty) {
            findings.at(path, format!("it has no {key}"));
        }
    }
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if let Some(id) = release.id().filter(|id| !id.chars().all(is_allowed)) {
        let id = id.escape_debug();
        findings.at(path, format!("ID is `{id}`, and may have only small letters, digits and `._-`"));
    }
}
