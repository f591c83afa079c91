//! A boot entry, walked from its kernel to the deployment that it boots.

use std::collections::BTreeMap;
use std::io;

use builder_ext4::read::{Ext4Reader, FoundKind};
use builder_grub::{FileRef, Machine as _, MenuEntry};
use builder_systemd::parse_fstab;
use sha2::{Digest, Sha256};

use super::step::Step;
use super::volumes::{Body, Named, Volumes};
use crate::early::Early;
use crate::formats::hex;
use crate::settings::key_file;
use crate::suitability::{Composefs, ComposefsProblem};

/// Largest kernel or initramfs that is read, in bytes.
const BOOT_FILE: u64 = 1 << 30;
/// Largest settings file.
const SETTINGS: u64 = 1 << 20;

/// Walks an entry.
pub(crate) fn entry(volumes: &Volumes, entry: &MenuEntry, is_default: bool) -> Step {
    let word = if is_default { "default entry" } else { "entry" };
    let what = format!("{word} \"{}\"", entry.title);
    if !entry.starts() {
        let problem = entry.problems.first().map(ToString::to_string);
        return Step::broken(what, problem.unwrap_or_else(|| "it starts nothing".to_owned()));
    }
    let mut step = Step::right(what);
    step.steps.extend(entry.problems.iter().map(|problem| Step::warning(problem.place.to_string(), &problem.text)));
    let Some(kernel) = &entry.kernel else {
        step.push(Step::note("kernel", "it starts another program, which is not followed"));
        return step;
    };
    let kernel_bytes = boot_file(volumes, &mut step, "kernel", kernel);
    let mut initrd_bytes = Vec::new();
    for initrd in &entry.initrds {
        initrd_bytes.push(boot_file(volumes, &mut step, "initramfs", initrd));
    }
    let arguments = Arguments::parse(&entry.arguments);
    if entry.initrds.is_empty() {
        let reason = "there is none, so nothing prepares the root";
        let needed = arguments.last("ostree").is_some();
        step.push(if needed { Step::broken("initramfs", reason) } else { Step::warning("initramfs", reason) });
    }
    if let (Some(kernel_bytes), [Some(initrd)]) = (&kernel_bytes, initrd_bytes.as_slice())
        && entry.devicetree.is_none()
        && let Some(expected) = boot_checksum(&kernel.path)
    {
        let found = hex(&Sha256::new().chain_update(kernel_bytes).chain_update(initrd).finalize());
        step.push(if found == expected {
            Step::right(format!("kernel and initramfs have their boot checksum {}…", &expected[..12]))
        } else {
            let reason = format!("they have {found}, so one of them is damaged");
            Step::broken(format!("boot checksum {expected} of kernel and initramfs"), reason)
        });
    }
    let early = early(&initrd_bytes, arguments.last("ostree").is_some(), &mut step);
    let Some(root) = root(volumes, &arguments, &mut step) else { return step };
    let Some(path) = arguments.last("ostree") else {
        step.push(Step::note("ostree=", "the argument is not there, so this boots no deployment"));
        return step;
    };
    match deployment(volumes, root, path, &arguments, early.as_ref()) {
        Ok(found) => step.push(found),
        Err(error) => step.push(Step::broken(format!("ostree={path}"), error)),
    }
    step
}

/// A file that the boot loader loads, said and read.
fn boot_file(volumes: &Volumes, step: &mut Step, role: &str, file: &FileRef) -> Option<Vec<u8>> {
    let what = format!("{role} {file}");
    match volumes.read(file.device, &file.path, BOOT_FILE) {
        Ok(Some(bytes)) if bytes.is_empty() => step.push(Step::broken(what, "it is empty")),
        Ok(Some(bytes)) => {
            step.push(Step::right(what));
            return Some(bytes);
        }
        Ok(None) => step.push(Step::broken(what, "it is not there")),
        Err(error) => step.push(Step::broken(what, error)),
    }
    None
}

/// What the initramfs brings, of which boot loaders make one of several; `None` where that cannot be told.
fn early(initrds: &[Option<Vec<u8>>], has_deployment: bool, step: &mut Step) -> Option<Early> {
    const WHAT: &str = "contents of the initramfs";
    let whole: Vec<&[u8]> = initrds.iter().map(Option::as_deref).collect::<Option<_>>()?;
    let early = match whole.as_slice() {
        [] => return None,
        [one] => Early::parse(*one),
        several => Early::parse(several.concat().as_slice()),
    };
    match early {
        Ok(early) if early.has_program => {
            step.push(Step::right(format!("{WHAT}: ostree-prepare-root is in it")));
            Some(early)
        }
        Ok(early) => {
            if has_deployment {
                let reason = "ostree-prepare-root is not in it, so nothing makes the deployment the root";
                step.push(Step::broken(WHAT, reason));
            }
            Some(early)
        }
        Err(error) => {
            step.push(Step::broken(WHAT, error));
            None
        }
    }
}

/// The checksum in `/boot/ostree/STATEROOT-CHECKSUM/vmlinuz-…`.
fn boot_checksum(path: &str) -> Option<String> {
    let folder = path.rsplit('/').nth(1)?;
    let (_, checksum) = folder.rsplit_once('-')?;
    let is_checksum = checksum.len() == 64 && checksum.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_checksum.then(|| checksum.to_owned())
}

/// The kernel's arguments.
struct Arguments<'a>(Vec<(&'a str, Option<&'a str>)>);

impl<'a> Arguments<'a> {
    fn parse(text: &'a str) -> Self {
        let words = text.split_ascii_whitespace();
        Self(words.map(|word| word.split_once('=').map_or((word, None), |(key, value)| (key, Some(value)))).collect())
    }

    /// The value of the last argument of this name: it is the one that counts.
    fn last(&self, key: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(name, _)| *name == key).and_then(|(_, value)| *value)
    }
}

/// The file system that `root=` names.
fn root<'v>(volumes: &'v Volumes, arguments: &Arguments<'_>, step: &mut Step) -> Option<&'v Ext4Reader> {
    let Some(source) = arguments.last("root") else {
        step.push(Step::note(
            "root=",
            "the argument is not there: the initramfs looks for the root by its partition type",
        ));
        return holder(volumes);
    };
    let what = format!("root={source}");
    match volumes.named(source) {
        Named::Found(volume) => match &volume.body {
            Body::Ext4(reader) => {
                step.push(Step::right(format!("{what} is partition {} ({})", volume.number, volume.name)));
                Some(reader)
            }
            Body::Fat(_) => {
                step.push(Step::broken(what, format!("partition {} is FAT, which holds no root", volume.number)));
                None
            }
        },
        Named::Missing => {
            step.push(Step::broken(what, "no file system on the disk has it"));
            None
        }
        Named::Unknown => {
            step.push(Step::note(what, "what this is depends on the machine"));
            holder(volumes)
        }
    }
}

/// The only file system with deployments.
pub(crate) fn holder(volumes: &Volumes) -> Option<&Ext4Reader> {
    volumes.all.iter().find_map(|volume| match &volume.body {
        Body::Ext4(reader) if matches!(reader.kind(b"ostree/deploy"), Ok(Some(FoundKind::Directory))) => {
            Some(&**reader)
        }
        _ => None,
    })
}

/// What `ostree=` leads to, and whether it can become the root.
fn deployment(
    volumes: &Volumes,
    root: &Ext4Reader,
    path: &str,
    arguments: &Arguments<'_>,
    early: Option<&Early>,
) -> io::Result<Step> {
    let what = format!("ostree={path}");
    let Some(found) = root.find(path.as_bytes()).map_err(io::Error::other)? else {
        return Ok(Step::broken(what, "it leads nowhere"));
    };
    let place = String::from_utf8_lossy(&found).into_owned();
    let is = |name: &str| root.kind(format!("{place}/{name}").as_bytes()).map_err(io::Error::other);
    if is("usr")? != Some(FoundKind::Directory) {
        return Ok(Step::broken(what, format!("it leads to {place}, which is no deployment: it has no /usr")));
    }
    let mut step = Step::right(format!("{what} leads to the deployment /{place}"));
    if let Some((stateroot, _)) = place.rsplit_once("/deploy/") {
        if root.kind(format!("{stateroot}/var").as_bytes()).map_err(io::Error::other)? != Some(FoundKind::Directory) {
            step.push(Step::broken(format!("/{stateroot}/var"), "it is not there, so /var cannot be mounted"));
        }
        let origin = format!("{place}.origin");
        match root.kind(origin.as_bytes()).map_err(io::Error::other)? {
            Some(FoundKind::File(_)) => {}
            _ => step.push(Step::warning(format!("/{origin}"), "it is not there, so the system cannot be updated")),
        }
    }
    for name in ["etc", "sysroot"] {
        if is(name)? != Some(FoundKind::Directory) {
            step.push(Step::broken(format!("/{place}/{name}"), "it is no directory, and ostree-prepare-root needs it"));
        }
    }
    step.push(prepare_root(root, &place, arguments, early)?);
    fstab(volumes, root, &place, &mut step)?;
    Ok(step)
}

/// What `ostree-prepare-root` will ask for: ostree-prepare-root(1). It reads the settings of the initramfs; those of the
/// deployment are only what the next initramfs will be made of.
fn prepare_root(root: &Ext4Reader, place: &str, arguments: &Arguments<'_>, early: Option<&Early>) -> io::Result<Step> {
    let settings = early.map(|early| early.settings.clone()).map_or_else(|| deployed_settings(root, place), Ok)?;
    let setting = settings.get("composefs.enabled").map_or("no", String::as_str);
    let setting = arguments.last("ostree.prepare-root.composefs").unwrap_or(setting);
    let what = format!("composefs is `{setting}`");
    let path = format!("{place}/.ostree.cfs");
    let image = root.kind(path.as_bytes()).map_err(io::Error::other)?;
    let is_there = matches!(image, Some(FoundKind::File(size)) if size > 0);
    Ok(match Composefs::parse(setting) {
        Ok(Composefs::Unused) => Step::right(format!("{what}: the deployment itself is mounted")),
        Err(ComposefsProblem::Unknown) => Step::broken(what, "ostree-prepare-root does not know this and stops"),
        _ if is_there => Step::right(format!("{what}, and .ostree.cfs is there")),
        Ok(Composefs::Optional) => {
            Step::right(format!("{what}, and there is no .ostree.cfs: the deployment itself is mounted"))
        }
        Ok(Composefs::Required | Composefs::Sealed) | Err(ComposefsProblem::Signed) => {
            Step::broken(what, "the deployment has no .ostree.cfs, so ostree-prepare-root stops")
        }
    })
}

/// The `prepare-root.conf` of the deployment.
fn deployed_settings(root: &Ext4Reader, place: &str) -> io::Result<BTreeMap<String, String>> {
    for name in ["etc/ostree/prepare-root.conf", "usr/lib/ostree/prepare-root.conf"] {
        let path = format!("{place}/{name}");
        if let Some(FoundKind::File(_)) = root.kind(path.as_bytes()).map_err(io::Error::other)? {
            let text = root.read(path.as_bytes(), SETTINGS).map_err(io::Error::other)?;
            return Ok(key_file(&String::from_utf8_lossy(&text)));
        }
    }
    Ok(BTreeMap::new())
}

/// What the system mounts beside its root.
fn fstab(volumes: &Volumes, root: &Ext4Reader, place: &str, step: &mut Step) -> io::Result<()> {
    let path = format!("{place}/etc/fstab");
    let Some(FoundKind::File(_)) = root.kind(path.as_bytes()).map_err(io::Error::other)? else { return Ok(()) };
    let text = root.read(path.as_bytes(), SETTINGS).map_err(io::Error::other)?;
    let mut problems = Vec::new();
    let entries = parse_fstab(b"/etc/fstab", &text, &mut problems);
    for problem in problems {
        step.push(Step::warning("/etc/fstab", problem));
    }
    for entry in entries {
        let source = String::from_utf8_lossy(&entry.source).into_owned();
        let target = String::from_utf8_lossy(&entry.target).into_owned();
        let what = format!("/etc/fstab line {} mounts {source} at {target}", entry.line);
        let optional = entry.has_option(b"nofail") || entry.has_option(b"noauto");
        match volumes.named(&source) {
            Named::Found(_) => step.push(Step::right(what)),
            Named::Missing if optional => step.push(Step::note(what, "no file system on the disk has it; it may fail")),
            Named::Missing => {
                let reason = "no file system on the disk has it, so the system waits and then stops in emergency mode";
                step.push(Step::broken(what, reason));
            }
            // tmpfs, overlays, drives of the machine.
            Named::Unknown => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Arguments, boot_checksum};

    #[test]
    fn the_last_argument_counts_and_values_may_hold_equals_signs() {
        let arguments = Arguments::parse("rw root=UUID=1 quiet root=UUID=2 ostree=/ostree/boot.1/a/b/0");
        assert_eq!(arguments.last("root"), Some("UUID=2"));
        assert_eq!(arguments.last("ostree"), Some("/ostree/boot.1/a/b/0"));
        assert_eq!(arguments.last("quiet"), None);
    }

    #[test]
    fn boot_checksums_are_read_from_folders() {
        let checksum = "a1".repeat(32);
        assert_eq!(boot_checksum(&format!("/boot/ostree/my-os-{checksum}/vmlinuz-6.1")), Some(checksum));
        assert_eq!(boot_checksum("/boot/ostree/my-os/vmlinuz-6.1"), None);
        assert_eq!(boot_checksum("/vmlinuz"), None);
    }
}
