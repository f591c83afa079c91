//! Waiting for devices, whose modules are loaded as they come.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::modules::Modules;
use crate::uevents::{Uevent, Uevents};

/// How long it must be quiet for all devices to be there.
const QUIET: Duration = Duration::from_millis(1500);
/// How often discs are looked at that were not ready: they do not say when they are.
const AGAIN: Duration = Duration::from_millis(500);

/// The devices of the machine.
#[derive(Debug)]
pub(crate) struct Devices {
    modules: Modules,
    uevents: Uevents,
}

impl Devices {
    /// Loads the modules for all devices that are there by now.
    pub(crate) fn start() -> Result<Self, Failure> {
        // First, so that none is missed between.
        let uevents = Uevents::listen()?;
        let mut modules = Modules::read();
        modules.load_always();
        modules.load_for_devices();
        Ok(Self { modules, uevents })
    }

    /// Loads a module by its name.
    pub(crate) fn load(&mut self, module: &str) {
        self.modules.load(module);
    }

    /// Calls `look` until it has found something, each time that there is something new, and at the end of `wait`.
    pub(crate) fn wait_for<T>(&mut self, wait: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let start = Instant::now();
        loop {
            if let found @ Some(_) = look() {
                return found;
            }
            let left = wait.checked_sub(start.elapsed())?;
            self.attend(AGAIN.min(left));
        }
    }

    /// Waits until no device has come for a while.
    pub(crate) fn settle(&mut self, wait: Duration) {
        self.settle_for(QUIET, wait);
    }

    /// Waits until no device has come for as long as `quiet`, and no longer than `wait`.
    pub(crate) fn settle_for(&mut self, quiet: Duration, wait: Duration) {
        let start = Instant::now();
        while let Some(left) = wait.checked_sub(start.elapsed()) {
            if !self.attend(quiet.min(left)) {
                return;
            }
        }
    }

    /// Takes what the kernel has to tell, and waits for it as long as this. Whether a device has come.
    fn attend(&mut self, wait: Duration) -> bool {
        let start = Instant::now();
        let mut any = false;
        // What comes at the same time as a device belongs to it. What tells of none does not make it wait longer: some
        // have something to tell all the time.
        while let Some(uevent) =
            self.uevents.next(if any { Duration::ZERO } else { wait.saturating_sub(start.elapsed()) })
        {
            match uevent {
                Uevent::Device { alias: Some(alias), .. } => self.modules.load_for(&alias),
                Uevent::Device { subsystem, alias: None } if subsystem != "block" => {
                    if start.elapsed() < wait {
                        continue;
                    }
                    break;
                }
                Uevent::Device { .. } => {}
                Uevent::Lost => self.modules.load_for_devices(),
            }
            any = true;
        }
        any
    }
}

/// Names of all block devices, partitions too.
pub(crate) fn block_devices() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/sys/class/block") else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// A block device's node.
pub(crate) fn node(name: &str) -> PathBuf {
    // sysfs writes `!` for `/`, as in `cciss!c0d0`.
    PathBuf::from("/dev").join(name.replace('!', "/"))
}
