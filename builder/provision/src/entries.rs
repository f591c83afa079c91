//! Kernel arguments in boot entries.

use builder_medium::Manifest;

use crate::changes::{Changes, Place, Rights};
use crate::directory::Directory;
use crate::error::ProvisionError;
use crate::installed::Installed;

/// Below `/boot`, and below the root of the ESP.
const ENTRIES: &str = "loader/entries";

/// Appends arguments to every boot entry: where the system boots from `/boot`, and to systemd-boot's copies on the ESP.
pub(crate) fn append(
    kargs: &[String],
    manifest: &Manifest,
    installed: &Installed,
    changes: &mut Changes,
) -> Result<(), ProvisionError> {
    if kargs.is_empty() {
        return Ok(());
    }
    let boot = installed.boot.as_ref().ok_or(ProvisionError::NoBoot)?;
    if append_in(kargs, Place::Boot, boot, changes)? == 0 {
        return Err(ProvisionError::NoEntries { path: format!("/boot/{ENTRIES}") });
    }
    match &installed.esp {
        Some(esp) => drop(append_in(kargs, Place::Esp, esp, changes)?),
        None if manifest.system.loader.kind == "systemd-boot" => {
            return Err(ProvisionError::NoEntries { path: format!("the ESP's {ENTRIES}, which is not mounted") });
        }
        None => {}
    }
    Ok(())
}

fn append_in(
    kargs: &[String],
    place: Place,
    directory: &Directory,
    changes: &mut Changes,
) -> Result<usize, ProvisionError> {
    let Some(entries) = directory.below(ENTRIES)? else { return Ok(0) };
    let mut count = 0;
    for name in entries.names()?.iter().filter(|name| name.ends_with(".conf")) {
        if entries.link(name)?.is_some() {
            return Err(ProvisionError::File { path: entries.shown(name), problem: "is a link".to_owned() });
        }
        let Some(text) = entries.read_text(name)? else { continue };
        changes.file(place, &format!("{ENTRIES}/{name}"), with_options(&text, &kargs.join(" ")), Rights::Kept(0o644));
        count += 1;
    }
    Ok(count)
}

/// The entry `text` with more `options`, behind those that are there: of two that contradict each other, the kernel takes
/// the last.
fn with_options(text: &str, more: &str) -> String {
    let is_options = |line: &str| line.split_ascii_whitespace().next() == Some("options");
    let last = text.lines().filter(|line| is_options(line)).count();
    let (mut seen, mut lines) = (0, Vec::new());
    for line in text.lines() {
        seen += usize::from(is_options(line));
        if is_options(line) && seen == last {
            lines.push(format!("{} {more}\n", line.trim_end()));
        } else {
            lines.push(format!("{line}\n"));
        }
    }
    if last == 0 {
        lines.push(format!("options {more}\n"));
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::with_options;

    #[test]
    fn arguments_go_behind_those_of_the_entry() {
        for (text, expected) in [
            ("title a\noptions x y \nlinux /l\n", "title a\noptions x y a=1\nlinux /l\n"),
            ("options x\noptions y", "options x\noptions y a=1\n"),
            ("title options\noptionsx y\n", "title options\noptionsx y\noptions a=1\n"),
            ("options\t\n", "options a=1\n"),
        ] {
            assert_eq!(with_options(text, "a=1"), expected);
        }
    }
}
