//! What lives beside this process and must not outlive it: its machines, and what their TPMs store.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// The process groups of all children that live, each with the number of its child.
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Directories to remove, each with the child that writes into it, where it still lived. Whoever needs both locks takes this one first.
static STORES: Mutex<Vec<(Option<Pid>, PathBuf)>> = Mutex::new(Vec::new());

/// The children that live. A child is reaped under this lock, so that no number in it is another process's.
pub(crate) fn groups() -> MutexGuard<'static, Vec<Pid>> {
    // Nothing panics while it holds the lock.
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The directories that children write into. Held while one is made, so that none is made unseen.
pub(crate) fn stores() -> MutexGuard<'static, Vec<(Option<Pid>, PathBuf)>> {
    STORES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every machine that this process has started, and removes what their TPMs have stored, for a process that is
/// about to end without dropping them.
///
/// Where `setpriv` of util-linux is installed, the kernel does the killing by itself.
pub fn kill_all_machines() {
    let stores = stores();
    let groups = groups();
    for group in groups.iter() {
        // It can only fail because the group has just ended by itself.
        let _ = kill_process_group(*group, Signal::KILL);
    }
    for (writer, directory) in stores.iter() {
        // Until it is gone, it may make a file anew. It is not reaped here: that is for the thread that started it.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let alive = writer.filter(|writer| groups.contains(writer));
        while alive.is_some_and(|writer| matches!(waitid(WaitId::Pid(writer), options), Err(Errno::INTR))) {}
        // There is nobody to tell any more.
        let _ = fs::remove_dir_all(directory);
    }
}
