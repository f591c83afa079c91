//! From the arguments of a kernel to the deployment that becomes the root.

use std::collections::BTreeMap;
use std::io;

use builder_ext4::read::{Ext4Reader, FoundKind};

use super::fstab::fstab;
use super::medium;
use super::named::{Named, unseen};
use super::other::Contents;
use super::step::Step;
use super::volumes::{Body, Volumes};
use crate::early::Early;
use crate::settings::key_file;
use crate::suitability::{Composefs, ComposefsProblem};

/// Largest settings file, in bytes.
pub(crate) const SETTINGS: u64 = 1 << 20;

/// Walks from `root=` and `ostree=` on; `whose` is put before them, where it is not plain whose arguments they are.
pub(crate) fn walk(volumes: &Volumes, whose: &str, arguments: &Arguments<'_>, early: Option<&Early>, step: &mut Step) {
    if volumes.is_medium() && arguments.last("ostree").is_none() {
        medium::walk(volumes, whose, arguments, step);
        return;
    }
    let Some(root) = root(volumes, whose, arguments, step) else { return };
    let Some(path) = arguments.last("ostree") else {
        let what = format!("{whose}ostree=");
        step.push(Step::note(what, "the argument is not there, so this boots no deployment"));
        return;
    };
    let what = format!("{whose}ostree={path}");
    match deployment(volumes, root, &what, path, arguments, early) {
        Ok(found) => step.push(found),
        Err(error) => step.push(Step::broken(what, error)),
    }
}

/// The kernel's arguments.
pub(crate) struct Arguments<'a>(Vec<(&'a str, Option<&'a str>)>);

impl<'a> Arguments<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let words = text.split_ascii_whitespace();
        Self(words.map(|word| word.split_once('=').map_or((word, None), |(key, value)| (key, Some(value)))).collect())
    }

    /// All of them, in their order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.0.iter().copied()
    }

    /// The value of the last argument of this name: it is the one that counts.
    pub(crate) fn last(&self, key: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(name, _)| *name == key).and_then(|(_, value)| *value)
    }
}

/// The file system that `root=` names.
fn root<'v>(volumes: &'v Volumes, whose: &str, arguments: &Arguments<'_>, step: &mut Step) -> Option<&'v Ext4Reader> {
    let Some(source) = arguments.last("root") else {
        step.push(Step::note(
            format!("{whose}root="),
            "the argument is not there: the initramfs looks for the root by its partition type",
        ));
        return holder(volumes);
    };
    let what = format!("{whose}root={source}");
    match volumes.named(source) {
        Named::Found(volume) => match &volume.body {
            Body::Ext4(reader) => {
                step.push(Step::right(format!("{what} is {} ({})", volume.place, volume.name)));
                Some(reader)
            }
            Body::Fat(_) => {
                step.push(Step::broken(what, format!("{} is FAT, which holds no root", volume.place)));
                None
            }
            Body::Iso(_) => {
                step.push(Step::note(what, "this is the medium, of which the initramfs makes a root"));
                None
            }
        },
        Named::Other(other) => {
            let place = &other.place;
            step.push(match other.contents {
                Contents::Swap => Step::broken(what, format!("{place} is swap, which holds no root")),
                Contents::Damaged => Step::broken(what, format!("{place} cannot be read")),
                Contents::Nameless => Step::broken(what, format!("{place} is of a type that holds no file system")),
                Contents::Partitions | Contents::Unknown => {
                    Step::note(what, format!("{place} ({}) is not looked into; the walk ends here", other.name))
                }
            });
            None
        }
        Named::Missing => {
            step.push(Step::broken(what, "no file system on the disk has it"));
            None
        }
        Named::Unseen(places) => {
            step.push(Step::warning(what, unseen(&places)));
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
    what: &str,
    path: &str,
    arguments: &Arguments<'_>,
    early: Option<&Early>,
) -> io::Result<Step> {
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

#[cfg(test)]
mod tests {
    use super::Arguments;

    #[test]
    fn the_last_argument_counts_and_values_may_hold_equals_signs() {
        let arguments = Arguments::parse("rw root=UUID=1 quiet root=UUID=2 ostree=/ostree/boot.1/a/b/0");
        assert_eq!(arguments.last("root"), Some("UUID=2"));
        assert_eq!(arguments.last("ostree"), Some("/ostree/boot.1/a/b/0"));
        assert_eq!(arguments.last("quiet"), None);
    }
}
