//! Files written beside what is there, and put in its place.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Uid, XattrFlags};
use rustix::io::Errno;

use crate::changes::{Change, Content, Rights};
use crate::directory::Directory;
use crate::error::ProvisionError;

/// Where a file is that is being written. No service reads a name like this.
const UNFINISHED: &str = ".diskwright.new";

const LABEL: &str = "security.selinux";

/// Longest label in bytes.
const MOST_LABEL: usize = 4096;

/// Makes sure that nothing that is there is in the way of `path`.
pub(crate) fn can_be_put(directory: &Directory, path: &str, content: &Content) -> Result<(), ProvisionError> {
    for parent in path.match_indices('/').map(|(at, _)| &path[..at]) {
        if directory.below(parent)?.is_none() {
            return match directory.link(parent)? {
                Some(target) => Err(ProvisionError::LinkOut { path: directory.shown(parent), target }),
                None => Ok(()),
            };
        }
    }
    let problem =
        |problem: &str| Err(ProvisionError::File { path: directory.shown(path), problem: problem.to_owned() });
    let is_directory = match directory.link(path)? {
        // Only the time zone's is one that is replaced; the others were followed.
        Some(_) => false,
        None => directory.kind(path)?.is_some_and(|kind| kind.is_dir()),
    };
    match content {
        Content::Directory(_) if !is_directory && is_there(directory, path)? => problem("is no directory"),
        Content::File(_) | Content::Link(_) if is_directory => problem("is a directory"),
        _ => Ok(()),
    }
}

/// The directory `path` below `directory`, made where it is not there.
pub(crate) fn made(directory: &Directory, path: &str) -> Result<Directory, ProvisionError> {
    let mut here = directory.below("")?.ok_or_else(|| directory.error("open", "", Errno::NOENT))?;
    let mut walked = String::new();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let is_new = match rustix::fs::mkdirat(&here.fd, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(here.error("make the directory", name, errno)),
        };
        walked = format!("{walked}/{name}");
        let below = directory.below(walked.trim_start_matches('/'))?;
        let below = below.ok_or_else(|| here.error("open", name, Errno::NOENT))?;
        if is_new {
            let chmod = rustix::fs::fchmod(&below.fd, Mode::from_raw_mode(0o755));
            chmod.map_err(|errno| here.error("set the mode of", name, errno))?;
            label(&here, name, label_of(&here, ".")?)?;
        }
        here = below;
    }
    Ok(here)
}

/// Makes what is to be called `name`; a file or link is made beside what is there, and put in its place. FAT has neither
/// owners nor labels, so there `has_attributes` is false.
pub(crate) fn put(parent: &Directory, name: &str, change: &Change, has_attributes: bool) -> Result<(), ProvisionError> {
    if let Content::Directory(mode) = change.content {
        let directory = made(parent, name)?;
        let chmod = rustix::fs::fchmod(&directory.fd, Mode::from_raw_mode(mode));
        chmod.map_err(|errno| parent.error("set the mode of", name, errno))?;
        own(parent, name, change.owner)?;
        return label(parent, name, given(change));
    }
    let old = match rustix::fs::statat(&parent.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(old) => Some(old),
        Err(Errno::NOENT) => None,
        Err(errno) => return Err(parent.error("look at", name, errno)),
    };
    match rustix::fs::unlinkat(&parent.fd, UNFINISHED, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(parent.error("remove", UNFINISHED, errno)),
    }
    match &change.content {
        Content::Directory(_) => {}
        Content::Link(target) => {
            let made = rustix::fs::symlinkat(target, &parent.fd, UNFINISHED);
            made.map_err(|errno| parent.error("make the link", name, errno))?;
            own(parent, UNFINISHED, change.owner)?;
        }
        Content::File(bytes) => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = rustix::fs::openat(&parent.fd, UNFINISHED, flags, Mode::from_raw_mode(0o600));
            let mut file = File::from(fd.map_err(|errno| parent.error("make", name, errno))?);
            file.write_all(bytes).map_err(|error| parent.error("write", name, error))?;
            if has_attributes {
                let directory = rustix::fs::fstat(&parent.fd).map_err(|errno| parent.error("look at", "", errno))?;
                let (mode, uid, gid) = match (change.rights, &old) {
                    (Rights::Kept(_), Some(old)) => (old.st_mode & 0o7777, old.st_uid, old.st_gid),
                    (Rights::Kept(mode), None) => (mode, directory.st_uid, directory.st_gid),
                    (Rights::Exactly(mode, group), _) => (mode, directory.st_uid, group.unwrap_or(directory.st_gid)),
                };
                own(parent, UNFINISHED, Some(change.owner.unwrap_or((uid, gid))))?;
                let chmod = rustix::fs::fchmod(&file, Mode::from_raw_mode(mode));
                chmod.map_err(|errno| parent.error("set the mode of", name, errno))?;
            }
        }
    }
    if has_attributes {
        let sample = if old.is_some() { name } else { "." };
        let new = given(change).map_or_else(|| label_of(parent, sample), |given| Ok(Some(given)))?;
        label(parent, UNFINISHED, new)?;
    }
    let renamed = rustix::fs::renameat(&parent.fd, UNFINISHED, &parent.fd, name);
    renamed.map_err(|errno| parent.error("replace", name, errno))
}

/// Gives `name` to a user and a group, if it is not theirs.
fn own(parent: &Directory, name: &str, owner: Option<(u32, u32)>) -> Result<(), ProvisionError> {
    let Some((uid, gid)) = owner else { return Ok(()) };
    let stat = rustix::fs::statat(&parent.fd, name, AtFlags::SYMLINK_NOFOLLOW);
    let stat = stat.map_err(|errno| parent.error("look at", name, errno))?;
    if (stat.st_uid, stat.st_gid) == (uid, gid) {
        return Ok(());
    }
    let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    let chown = rustix::fs::chownat(&parent.fd, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW);
    chown.map_err(|errno| parent.error("set the owner of", name, errno))
}

/// The label that was asked for. On a disk it ends with a zero byte.
fn given(change: &Change) -> Option<Vec<u8>> {
    change.label.as_ref().map(|label| format!("{label}\0").into_bytes())
}

/// Whether there is anything at `path`, be it a link that leads nowhere.
pub(crate) fn is_there(directory: &Directory, path: &str) -> Result<bool, ProvisionError> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(parent) = directory.below(parent)? else { return Ok(false) };
    match rustix::fs::statat(&parent.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(parent.error("look at", name, errno)),
    }
}

/// The SELinux label of `name` in a directory, of a link its own.
pub(crate) fn label_of(directory: &Directory, name: &str) -> Result<Option<Vec<u8>>, ProvisionError> {
    let mut label = vec![0; MOST_LABEL];
    match rustix::fs::lgetxattr(through_proc(directory, name), LABEL, &mut label) {
        Ok(length) => {
            label.truncate(length);
            Ok(Some(label))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(errno) => Err(directory.error("read the label of", name, errno)),
    }
}

fn label(directory: &Directory, name: &str, label: Option<Vec<u8>>) -> Result<(), ProvisionError> {
    let Some(label) = label else { return Ok(()) };
    let set = rustix::fs::lsetxattr(through_proc(directory, name), LABEL, &label, XattrFlags::empty());
    set.map_err(|errno| directory.error("label", name, errno))
}

/// There is no call for the attributes of a link in an open directory, so the kernel's name for that is taken.
fn through_proc(directory: &Directory, name: &str) -> String {
    format!("/proc/self/fd/{}/{name}", directory.fd.as_raw_fd())
}
