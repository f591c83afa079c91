//! The kernel modules in the archive: which belongs to what, and loading them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::system::finit_module;

use crate::log::note;
use crate::pattern;

/// Where they are in the archive.
const DIRECTORY: &str = "/diskwright";
/// Device trees of the kernel are less deep.
const DEEPEST: usize = 64;

/// The lists of the archive, and what was done so far.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    directory: PathBuf,
    /// What each needs, in the order of loading.
    needs: BTreeMap<String, Vec<String>>,
    /// Pattern of devices, and the module for them.
    aliases: Vec<(String, String)>,
    /// What is loaded whatever the machine has.
    always: Vec<String>,
    /// Loaded, built in, or failed before.
    done: BTreeSet<String>,
    /// Aliases of devices that were looked up before.
    seen: BTreeSet<String>,
}

impl Modules {
    /// Reads the lists. Without any there are no modules.
    pub(crate) fn read() -> Self {
        let directory = Path::new(DIRECTORY);
        let text = |name: &str| fs::read_to_string(directory.join(name)).unwrap_or_default();
        Self::parse(directory, &text("modules.dep"), &text("modules.alias"), &text("modules.load"))
    }

    fn parse(directory: &Path, needs: &str, aliases: &str, always: &str) -> Self {
        let words = |text: &str| text.split_ascii_whitespace().map(normalized).collect::<Vec<_>>();
        let needs = needs
            .lines()
            .filter_map(|line| line.split_once(':').map(|(name, needs)| (normalized(name.trim()), words(needs))));
        let aliases = aliases.lines().filter_map(|line| {
            let mut words = line.split_ascii_whitespace().filter(|&word| word != "alias");
            Some((words.next()?.to_owned(), normalized(words.next()?)))
        });
        Self {
            directory: directory.join("modules"),
            needs: needs.collect(),
            aliases: aliases.collect(),
            always: words(always),
            ..Self::default()
        }
    }

    /// Loads what is loaded whatever the machine has.
    pub(crate) fn load_always(&mut self) {
        for name in self.always.clone() {
            self.load(&name);
        }
    }

    /// Loads what the devices need that the kernel knows by now.
    pub(crate) fn load_for_devices(&mut self) {
        let mut found = BTreeSet::new();
        collect_aliases(Path::new("/sys/devices"), 0, &mut found);
        for alias in found {
            self.load_for(&alias);
        }
    }

    /// Loads what a device with this alias needs.
    pub(crate) fn load_for(&mut self, alias: &str) {
        if self.seen.insert(alias.to_owned()) {
            for name in self.named(alias) {
                self.load(&name);
            }
        }
    }

    fn named(&self, alias: &str) -> Vec<String> {
        let fits = |pattern: &str| pattern::matches(pattern.as_bytes(), alias.as_bytes());
        self.aliases.iter().filter(|(pattern, _)| fits(pattern)).map(|(_, name)| name.clone()).collect()
    }

    /// Loads a module and what it needs. One that is not in the archive is built in, or not there.
    pub(crate) fn load(&mut self, name: &str) {
        for name in self.order(name) {
            if self.done.insert(name.clone()) {
                self.insert(&name);
            }
        }
    }

    fn order(&self, name: &str) -> Vec<String> {
        let name = normalized(name);
        let mut order = self.needs.get(&name).cloned().unwrap_or_default();
        order.push(name);
        order
    }

    fn insert(&self, name: &str) {
        let path = self.directory.join(format!("{name}.ko"));
        let Ok(file) = File::open(&path) else { return };
        match finit_module(&file, c"", 0) {
            Ok(()) => note(format!("loaded module {name}")),
            Err(Errno::EXIST) => {}
            Err(error) => note(format!("cannot load module {name}: {error}")),
        }
    }
}

fn normalized(name: &str) -> String {
    name.replace('-', "_")
}

/// The aliases of all devices at and below a directory of sysfs.
fn collect_aliases(directory: &Path, depth: usize, found: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        // What is a link leads to another place of the tree.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth < DEEPEST {
            collect_aliases(&entry.path(), depth + 1, found);
        } else if entry.file_name() == "modalias"
            && let Ok(alias) = fs::read_to_string(entry.path())
        {
            found.insert(alias.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Modules;

    #[test]
    fn devices_name_their_modules_and_these_what_they_need() {
        let modules = Modules::parse(
            Path::new("/nowhere"),
            "sr_mod: cdrom scsi_common scsi_mod\nvirtio-blk:\n",
            "alias virtio:d00000002v* virtio-blk\nalias scsi:t-0x05* sr_mod\nalias pci:v*sv* a\nalias pci:v1* b\n",
            "loop\nisofs squashfs\n",
        );
        assert_eq!(modules.always, ["loop", "isofs", "squashfs"]);
        assert_eq!(modules.named("virtio:d00000002v00001AF4"), ["virtio_blk"]);
        assert_eq!(modules.named("pci:v1sv2"), ["a", "b"]);
        assert_eq!(modules.named("scsi:t-0x00"), [""; 0]);
        assert_eq!(modules.order("sr-mod"), ["cdrom", "scsi_common", "scsi_mod", "sr_mod"]);
        assert_eq!(modules.order("unknown"), ["unknown"]);
    }
}
