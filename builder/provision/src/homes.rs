//! Homes, which are a part of `/var` and therefore made at the first boot, by systemd-tmpfiles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use builder_medium::User;

use crate::changes::{Changes, Place, Rights};
use crate::directory::Directory;
use crate::error::ProvisionError;
use crate::installed::Installed;
use crate::labels::HomeLabels;
use crate::writing::is_there;

/// The lines for it, below `/etc`.
pub(crate) const TMPFILES: &str = "tmpfiles.d/diskwright-answers.conf";

/// A directory for each home, below `/etc`.
pub(crate) const PATTERNS: &str = "diskwright/homes";

/// Most that is copied into a home, in bytes, and how deep.
const MOST_COPIED: usize = 16 << 20;
const MOST_DEPTH: usize = 8;

/// The line for root's keys that a build of a disk and bootc write, below `/etc`. Of two lines for one path systemd takes
/// the first, by the names of their files, so there must be one alone.
const ROOT_KEYS: &str = "tmpfiles.d/bootc-root-ssh.conf";

/// Where homes are: `/home`, or what that is a link to. In a directory of the system itself nothing can be made, and what
/// is made would not be there after an update, so that counts only where something is mounted on it.
pub(crate) fn base(installed: &Installed) -> Result<String, ProvisionError> {
    let base = installed.without_top_link("/home")?;
    let fstab = installed.deployment.read("etc/fstab")?.unwrap_or_default();
    let fstab = String::from_utf8_lossy(&fstab);
    let mut mounts = fstab.lines().filter(|line| !line.trim_start().starts_with('#'));
    let is_mounted = mounts.any(|line| line.split_ascii_whitespace().nth(1) == Some("/home"))
        || installed.deployment.kind("etc/systemd/system/home.mount")?.is_some()
        || installed.deployment.kind("usr/lib/systemd/system/home.mount")?.is_some();
    Ok(if base == "/home" && !is_mounted { "/var/home".to_owned() } else { base })
}

/// Has a home made, with what a new home has, and with keys in it.
///
/// It is the copy of a pattern, whose modes it gets. systemd-tmpfiles copies to where nothing is, or an empty directory, so
/// what the owner changes or removes stays so; lines for a directory and the file of keys would undo that at every boot.
///
/// Some policies of SELinux, such as Debian's, let systemd-tmpfiles make directories in a home and no files. So where files
/// have labels, and the policy says which those of homes are, the home is made here and now as well.
pub(crate) fn make(
    user: &User,
    home: &str,
    (id, group): (u32, u32),
    installed: &Installed,
    changes: &mut Changes,
) -> Result<(), ProvisionError> {
    let pattern = format!("{PATTERNS}/{}", user.name);
    // Keys and passwords of others may be in it before it is copied.
    changes.directory(PATTERNS, 0o700);
    changes.directory(&pattern, 0o700);
    if let Some(skeleton) = installed.etc.below("skel")? {
        Copy { room: MOST_COPIED }.directory(&skeleton, &pattern, MOST_DEPTH, changes)?;
    }
    if !user.ssh_keys.is_empty() {
        changes.directory(&format!("{pattern}/.ssh"), 0o700);
        let rights = Rights::Exactly(0o600, None);
        changes.file(Place::Etc, &format!("{pattern}/.ssh/authorized_keys"), text(&user.ssh_keys), rights);
    }
    changes.tmpfiles(format!("C {home} - {id} {group} - /etc/{pattern}"));
    if let Some(labels) = HomeLabels::of_people(installed)?
        && let Some(home) = home.strip_prefix("/var/")
    {
        changes.copy_to_var(&pattern, home, (id, group), &labels);
    }
    Ok(())
}

/// Copies what a new home has.
struct Copy {
    /// Bytes and names, of 4 KiB each, that may still come.
    room: usize,
}

impl Copy {
    fn directory(
        &mut self,
        from: &Directory,
        to: &str,
        depth: usize,
        changes: &mut Changes,
    ) -> Result<(), ProvisionError> {
        for name in from.names()? {
            let to = format!("{to}/{name}");
            let problem =
                |problem: &str| Err(ProvisionError::File { path: from.shown(&name), problem: problem.to_owned() });
            let mut size = 4096;
            if let Some(target) = from.link(&name)? {
                changes.link(&to, target);
            } else if let Some(below) = from.directory_called(&name)? {
                changes.directory(&to, below.mode()?);
                match depth.checked_sub(1) {
                    Some(depth) => self.directory(&below, &to, depth, changes)?,
                    None => return problem("is too deep for what new homes have"),
                }
            } else if let Some((bytes, mode)) = from.read_with_mode(&name)? {
                size += bytes.len();
                changes.file(Place::Etc, &to, bytes, Rights::Exactly(mode, None));
            }
            match self.room.checked_sub(size) {
                Some(room) => self.room = room,
                None => return problem("is too much for what new homes have"),
            }
        }
        Ok(())
    }
}

/// Has root's keys put into root's home, beside those that are to come there anyway.
pub(crate) fn root_keys(keys: &[String], installed: &Installed, changes: &mut Changes) -> Result<(), ProvisionError> {
    let home = installed.without_top_link("/root")?;
    let path = installed.settle(ROOT_KEYS)?;
    let before = installed.deployment.read_text(&format!("etc/{path}"))?.unwrap_or_default();
    let mut lines = before.lines().filter_map(|line| line.strip_prefix("f~ "));
    let before = lines.find_map(|line| STANDARD.decode(line.rsplit(' ').next()?).ok()).unwrap_or_default();
    let before = String::from_utf8_lossy(&before).into_owned();
    let mut all: Vec<String> = before.lines().map(str::to_owned).collect();
    all.extend(keys.iter().filter(|key| !before.lines().any(|line| line.trim() == *key)).cloned());
    let keys = STANDARD.encode(text(&all));
    let text = format!("d {home}/.ssh 0700 root root -\nf~ {home}/.ssh/authorized_keys 0600 root root - {keys}\n");
    changes.file(Place::Etc, &path, text, Rights::Kept(0o644));
    if let Some(labels) = HomeLabels::of_root(installed)?
        && let Some(home) = home.strip_prefix("/var/")
        && let Some(var) = &installed.var
        && !is_there(var, &format!("{home}/.ssh/authorized_keys"))?
    {
        changes.root_keys_in_var(home, !is_there(var, home)?, &self::text(&all), &labels);
    }
    Ok(())
}

fn text(keys: &[String]) -> String {
    keys.iter().flat_map(|key| [key.as_str(), "\n"]).collect()
}
