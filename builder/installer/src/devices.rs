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

    /// Waits until no device has come for a while, or as long as `wait` where they still come: what is there is enough.
    pub(crate) fn settle(&mut self, wait: Duration) {
        let _ = self.settle_for(QUIET, wait);
    }

    /// Waits until no device has come for as long as `quiet`, and no longer than `wait`. Whether it has become so quiet.
    #[must_use]
    pub(crate) fn settle_for(&mut self, quiet: Duration, wait: Duration) -> bool {
        let start = Instant::now();
        while let Some(left) = wait.checked_sub(start.elapsed()) {
            if !self.attend(quiet.min(left)) {
                return quiet <= left;
            }
        }
        false
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
            // They may come without an end.
            if start.elapsed() >= wait {
                break;
            }
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

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::io::write;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::Devices;
    use crate::modules::Modules;
    use crate::uevents::Uevents;

    const DRIVE: &str = "add@/b\0ACTION=add\0SUBSYSTEM=block\0DEVNAME=sda\0";
    const GONE: &str = "remove@/b\0ACTION=remove\0SUBSYSTEM=block\0";
    const MOVED: &str = "move@/n\0ACTION=move\0SUBSYSTEM=net\0";
    const UNBOUND: &str = "unbind@/u\0ACTION=unbind\0SUBSYSTEM=usb\0";
    const POWER: &str = "change@/p\0ACTION=change\0SUBSYSTEM=power_supply\0";

    /// The devices of a machine, and who speaks in place of the kernel.
    fn machine() -> (Devices, OwnedFd) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (kernel, socket) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None).unwrap();
        (Devices { modules: Modules::default(), uevents: Uevents::of(socket) }, kernel)
    }

    #[test]
    fn it_is_quiet_only_after_as_long_without_a_device_whatever_else_is_told() {
        let time = Duration::from_millis;
        // Messages at their times; how long it must be quiet, and how long at most is waited; whether it becomes quiet,
        // and after how long at the earliest.
        for (messages, quiet, wait, expected, earliest) in [
            (&[][..], 300, 5000, true, 300),
            (&[(0, POWER)], 300, 5000, true, 300),
            (&[(50, GONE)], 400, 5000, true, 400),
            (&[(50, UNBOUND), (100, MOVED), (150, POWER)], 400, 5000, true, 400),
            (&[(200, DRIVE)], 900, 5000, true, 1100),
            (&[(50, GONE), (100, MOVED), (200, DRIVE)], 900, 5000, true, 1100),
            (&[], 400, 200, false, 200),
            (&[(0, DRIVE)], 400, 200, false, 200),
            (&[(100, DRIVE)], 900, 950, false, 950),
        ] {
            let (mut devices, kernel) = machine();
            let start = Instant::now();
            thread::scope(|scope| {
                scope.spawn(|| {
                    for (at, message) in messages {
                        thread::sleep(time(*at).saturating_sub(start.elapsed()));
                        write(&kernel, message.as_bytes()).unwrap();
                    }
                });
                assert_eq!(devices.settle_for(time(quiet), time(wait)), expected, "{messages:?} {quiet} {wait}");
                assert!(start.elapsed() >= time(earliest), "{messages:?}: {:?}", start.elapsed());
            });
        }
    }

    #[test]
    fn devices_that_come_without_an_end_are_waited_for_no_longer() {
        let (mut devices, kernel) = machine();
        let start = Instant::now();
        thread::scope(|scope| {
            let speaker = scope.spawn(|| {
                while start.elapsed() < Duration::from_secs(2) {
                    let _ = write(&kernel, DRIVE.as_bytes());
                    thread::sleep(Duration::from_millis(10));
                }
            });
            assert!(!devices.settle_for(Duration::from_secs(1), Duration::from_secs(1)));
            assert!(!speaker.is_finished(), "{:?}", start.elapsed());
        });
    }
}
