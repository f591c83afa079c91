//! What the system of a deployment mounts beside its root, and where it swaps to.

use std::io;

use builder_ext4::read::{Ext4Reader, FoundKind};
use builder_systemd::{FstabEntry, parse_fstab};

use super::named::{Named, unseen};
use super::other::Contents;
use super::root::SETTINGS;
use super::step::Step;
use super::volumes::Volumes;

/// Looks up what each line of the deployment at `place` names.
pub(crate) fn fstab(volumes: &Volumes, root: &Ext4Reader, place: &str, step: &mut Step) -> io::Result<()> {
    let path = format!("{place}/etc/fstab");
    let Some(FoundKind::File(_)) = root.kind(path.as_bytes()).map_err(io::Error::other)? else { return Ok(()) };
    let text = root.read(path.as_bytes(), SETTINGS).map_err(io::Error::other)?;
    let mut problems = Vec::new();
    let entries = parse_fstab(b"/etc/fstab", &text, &mut problems);
    for problem in problems {
        step.push(Step::warning("/etc/fstab", problem));
    }
    for entry in entries {
        let told = if entry.fstype == b"swap" { swap(volumes, &entry) } else { mount(volumes, &entry) };
        told.into_iter().for_each(|told| step.push(told));
    }
    Ok(())
}

/// A line that mounts; `None` where it names tmpfs, an overlay or a drive of the machine.
fn mount(volumes: &Volumes, entry: &FstabEntry) -> Option<Step> {
    let source = String::from_utf8_lossy(&entry.source);
    let target = String::from_utf8_lossy(&entry.target);
    let what = format!("/etc/fstab line {} mounts {source} at {target}", entry.line);
    let optional = is_optional(entry);
    let told = if optional { Step::note } else { Step::broken };
    Some(match volumes.named(&source) {
        Named::Found(_) => Step::right(what),
        Named::Other(other) if other.contents == Contents::Swap => {
            told(what, format!("{} is swap, which cannot be mounted", other.place))
        }
        Named::Other(other) if other.contents == Contents::Nameless => {
            told(what, format!("{} is of a type that holds no file system", other.place))
        }
        Named::Other(other) => Step::note(what, format!("this is {}, which is not looked into", other.place)),
        Named::Missing if optional => Step::note(what, "no file system on the disk has it; it may fail"),
        Named::Missing => {
            let reason = "no file system on the disk has it, so the system waits and then stops in emergency mode";
            Step::broken(what, reason)
        }
        Named::Unseen(places) if optional => Step::note(what, unseen(&places)),
        Named::Unseen(places) => Step::warning(what, unseen(&places)),
        Named::Unknown => return None,
    })
}

/// A line with swap. None stops a boot: a mount that fails stops `local-fs.target`, which starts `emergency.target`,
/// but `swap.target` starts nothing when it fails, and `sysinit.target` only wants it (systemd,
/// `units/local-fs.target`, `units/swap.target`, `units/sysinit.target`).
fn swap(volumes: &Volumes, entry: &FstabEntry) -> Option<Step> {
    let source = String::from_utf8_lossy(&entry.source);
    let what = format!("/etc/fstab line {} swaps to {source}", entry.line);
    let told = if is_optional(entry) { Step::note } else { Step::warning };
    Some(match volumes.named(&source) {
        Named::Other(other) if other.contents == Contents::Swap => Step::right(what),
        Named::Other(other) => Step::note(what, format!("this is {}, which is not looked into", other.place)),
        Named::Found(volume) => {
            told(what, format!("{} holds a file system, so the system starts without this swap", volume.place))
        }
        Named::Missing => {
            told(what, "nothing on the disk has it, so the system waits and then starts without it".to_owned())
        }
        Named::Unseen(places) => told(what, unseen(&places)),
        Named::Unknown => return None,
    })
}

/// Whether nothing waits for it. What is mounted when it is asked for, or needs the network, is no part of
/// `local-fs.target` (systemd, `src/fstab-generator/fstab-generator.c`).
fn is_optional(entry: &FstabEntry) -> bool {
    [&b"nofail"[..], b"noauto", b"_netdev", b"x-systemd.automount"].iter().any(|option| entry.has_option(option))
}
