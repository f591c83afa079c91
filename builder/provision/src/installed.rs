//! The system as it was written.

use builder_medium::Manifest;

use crate::Mounts;
use crate::directory::Directory;
use crate::error::ProvisionError;
use crate::writing::label_of;

/// Links that are followed one after the other.
const MOST_LINKS: usize = 8;

/// The system as it was written.
pub(crate) struct Installed {
    /// The root directory of the system.
    pub(crate) deployment: Directory,
    /// Its `etc`.
    pub(crate) etc: Directory,
    /// What will be `/boot`; `None` where it is a partition that is not mounted.
    pub(crate) boot: Option<Directory>,
    pub(crate) esp: Option<Directory>,
    /// What will be `/var`.
    pub(crate) var: Option<Directory>,
    /// Whether there are deployments beside this one, to roll back to.
    pub(crate) has_others: bool,
    /// Whether files have SELinux labels.
    pub(crate) labelled: bool,
}

impl Installed {
    pub(crate) fn open(manifest: &Manifest, mounts: &Mounts<'_>) -> Result<Self, ProvisionError> {
        let sysroot = Directory::open(mounts.sysroot)?;
        let missing = |path: &str| ProvisionError::Directory { path: path.to_owned() };
        let path = &manifest.system.deployment;
        let deployment = sysroot.strictly_below(path)?.ok_or_else(|| missing(path))?.called("");
        let etc = deployment.strictly_below("etc")?.ok_or_else(|| missing(&format!("{path}/etc")))?;
        let var = sysroot.strictly_below(&manifest.system.var)?.map(|var| var.called("/var"));
        let (deployments, name) = path.rsplit_once('/').unwrap_or(("", path));
        let deployments = sysroot.below(deployments)?.map_or(Ok(Vec::new()), |directory| directory.names())?;
        let has_others = deployments.iter().any(|other| other != name && !other.ends_with(".origin"));
        let is_apart = manifest.disk.partitions.iter().any(|partition| partition.holds == "boot");
        let boot = match mounts.boot {
            Some(boot) => Some(Directory::open(boot)?.called("/boot")),
            None if is_apart => None,
            None => sysroot.strictly_below("boot")?,
        };
        let esp = mounts.esp.map(Directory::open).transpose()?.map(|esp| esp.called("(ESP)"));
        let labelled = label_of(&etc, ".")?.is_some();
        Ok(Self { deployment, etc, boot, esp, var, has_others, labelled })
    }

    /// Where a file of `/etc` really lies in it, so that a link to it stays one: Debian has `vconsole.conf` lead to
    /// `default/keyboard`, and makes that link again at every boot.
    pub(crate) fn settle(&self, path: &str) -> Result<String, ProvisionError> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let Some(target) = self.etc.link(&path)? else { return Ok(path) };
            let begin = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let names = names(&if target.starts_with('/') { target.clone() } else { format!("/etc/{begin}/{target}") });
            match names.split_first() {
                Some((first, rest)) if first == "etc" && !rest.is_empty() => path = rest.join("/"),
                _ => return Err(ProvisionError::LinkOut { path: format!("/etc/{path}"), target }),
            }
        }
        Err(ProvisionError::File { path: format!("/etc/{path}"), problem: "is behind too many links".to_owned() })
    }

    /// `path` with the link that its first name may be followed: `/home/anna` is `/var/home/anna` in most images.
    pub(crate) fn without_top_link(&self, path: &str) -> Result<String, ProvisionError> {
        let mut names = names(path);
        let Some(first) = names.first() else { return Ok("/".to_owned()) };
        if let Some(target) = self.deployment.link(first)? {
            let mut whole = self::names(&target);
            whole.extend(names.drain(1..));
            names = whole;
        }
        Ok(names.iter().flat_map(|name| ["/", name]).collect())
    }

    /// Whether `/etc` is made anew at every boot. The initramfs has the last word, and a copy of this file.
    pub(crate) fn forgets_etc(&self) -> Result<bool, ProvisionError> {
        for path in ["etc/ostree/prepare-root.conf", "usr/lib/ostree/prepare-root.conf"] {
            if let Some(text) = self.deployment.read_text(path)? {
                let mut section = "";
                let mut transient = false;
                for line in text.lines().map(str::trim) {
                    if line.starts_with('[') {
                        section = line;
                    } else if let Some((key, value)) = line.split_once('=')
                        && section == "[etc]"
                        && key.trim() == "transient"
                    {
                        transient = matches!(value.trim(), "true" | "yes" | "1" | "on");
                    }
                }
                // The one in /etc replaces the other as a whole.
                return Ok(transient);
            }
        }
        Ok(false)
    }
}

/// The names of an absolute path, with `.` and `..` worked out; above the root there is nothing.
fn names(path: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name.to_owned()),
        }
    }
    names
}
