//! The kernel modules that the program on a medium needs: for drives and media of all kinds, and what it mounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, sync_channel};
use std::{io, thread};

use builder_kmod::{MAX_MODULE_BYTES, Module, Modules, Softdeps, State, unpack};
use builder_tree::{Content, FileTree};

use crate::medium::error::MediumError;

/// Directories below `kernel` whose modules are all taken: what drives and media are attached to.
const DIRECTORIES: [&str; 13] = [
    "drivers/ata/",
    "drivers/hv/",
    "drivers/message/fusion/",
    "drivers/mmc/",
    "drivers/nvdimm/",
    "drivers/nvme/host/",
    "drivers/pci/controller/",
    "drivers/scsi/",
    "drivers/ufs/",
    "drivers/usb/host/",
    "drivers/usb/storage/",
    "drivers/virtio/",
    "drivers/xen/",
];

/// Drivers of storage networks among them, which no installation begins with and which are as large as all others.
const LEFT_OUT: [&str; 16] = [
    "bfa", "bnx2fc", "bnx2i", "csiostor", "cxgb3i", "cxgb4i", "efct", "fcoe", "fnic", "ibmvfc", "libcxgbi", "libfc",
    "lpfc", "qedf", "qedi", "qla",
];

/// What the program reads the medium with: without these nothing works.
const NEEDED: [&str; 3] = ["loop", "isofs", "squashfs"];

/// What puts memory over the disk, so that the system can be tried.
const LIVE: [&str; 3] = ["dm_mod", "dm_snapshot", "ext4"];

/// What sees the drive that firmware makes in memory of a medium which it has fetched over HTTP, and tells of as a virtual
/// CD: ACPI 6.0, section 5.2.25.1.
const HTTP: [&str; 2] = ["nfit", "nd_pmem"];

/// At least one of these, or there is no medium that could be found.
const MEDIA: [&str; 8] =
    ["sr_mod", "sd_mod", "virtio_blk", "usb_storage", "nvme", "virtio_scsi", "mmc_block", "xen_blkfront"];

/// Taken where they are there: disks and discs, the ESP, keyboards, the firmware's variables.
const USEFUL: [&str; 32] = [
    "sd_mod",
    "sr_mod",
    "virtio_blk",
    "virtio_pci",
    "virtio_scsi",
    "xen_blkfront",
    "nvme",
    "usb_storage",
    "uas",
    "mmc_block",
    "vmd",
    "hv_storvsc",
    "vmw_pvscsi",
    "vfat",
    "nls_cp437",
    "nls_iso8859_1",
    "nls_ascii",
    "nls_utf8",
    "efivarfs",
    "hid_generic",
    "usbhid",
    "hid_hyperv",
    "hyperv_keyboard",
    "atkbd",
    "i8042",
    "xhci_pci",
    "xhci_hcd",
    "ehci_pci",
    "ohci_pci",
    "uhci_hcd",
    "crc32c_generic",
    "crc32c_intel",
];

/// Loaded before any device is looked at: what no device asks for.
const ALWAYS: [&str; 16] = [
    "loop",
    "isofs",
    "squashfs",
    "dm_mod",
    "dm_snapshot",
    "ext4",
    "vfat",
    "nls_cp437",
    "nls_iso8859_1",
    "nls_ascii",
    "nls_utf8",
    "efivarfs",
    "sd_mod",
    "sr_mod",
    "mmc_block",
    "crc32c_generic",
];

/// Most threads that unpack: each holds some modules.
const MOST_THREADS: usize = 16;

/// Modules that each of them may be ahead of whoever takes them.
const AHEAD: usize = 4;

/// A module's file, perhaps compressed.
#[derive(Debug)]
struct Packed {
    path: String,
    content: Content,
}

/// The modules that go into the archive.
#[derive(Debug, Default)]
pub(crate) struct MediumModules {
    /// Their files, by name.
    files: BTreeMap<String, Packed>,
    /// `NAME: DEPENDENCY…` lines, those to load first in front.
    pub(crate) dependencies: String,
    /// `alias PATTERN NAME` lines.
    pub(crate) aliases: String,
    /// Names of what is always loaded, a line each.
    pub(crate) always: String,
    /// What is missing to try the system from the medium.
    pub(crate) live_lacks: Option<&'static str>,
    /// What is missing to find a medium that firmware has fetched over HTTP.
    pub(crate) http_lacks: Option<&'static str>,
}

impl MediumModules {
    /// Those of the kernel `release` in `tree`.
    ///
    /// # Errors
    /// The lists of the kernel cannot be read; what a medium needs is neither built in nor a file.
    pub(crate) fn choose(tree: &FileTree, release: &str) -> Result<Self, MediumError> {
        let modules = Modules::read(tree, &format!("usr/lib/modules/{release}"))
            .map_err(|source| MediumError::Modules { release: release.to_owned(), source })?;
        let is_there = |name: &str| matches!(modules.state(name), State::Builtin | State::Module(_));
        if let Some(missing) = NEEDED.into_iter().find(|name| !is_there(name)) {
            return Err(MediumError::NoModule { release: release.to_owned(), name: missing });
        }
        if !MEDIA.into_iter().any(is_there) {
            return Err(MediumError::NoMedia { release: release.to_owned(), looked: MEDIA.join(", ") });
        }
        let mut chosen: BTreeMap<&str, Vec<&Module>> = BTreeMap::new();
        let mut choose = |name: &str| {
            // What cannot be loaded is of no use here either; what is needed has been looked at.
            let Ok(order) = modules.requires(name, Softdeps::All) else { return };
            for module in order {
                if let Ok(order) = modules.requires(&module.name, Softdeps::All) {
                    chosen.entry(&module.name).or_insert(order);
                }
            }
        };
        NEEDED.into_iter().chain(LIVE).chain(HTTP).chain(USEFUL).for_each(&mut choose);
        for module in modules.iter() {
            let below = module.path.strip_prefix("kernel/").unwrap_or_default();
            let left_out = LEFT_OUT.iter().any(|name| module.name.starts_with(name));
            if !left_out && DIRECTORIES.iter().any(|directory| below.starts_with(directory)) {
                choose(&module.name);
            }
        }
        let lacks = |names: &[&'static str]| names.iter().copied().find(|name| !is_there(name));
        let mut read = Self { live_lacks: lacks(&LIVE), http_lacks: lacks(&HTTP), ..Self::default() };
        for (name, order) in &chosen {
            let module = modules.module(name);
            let content = module.and_then(|module| {
                let node = tree.resolve(modules.path_of(module).as_bytes()).ok().flatten()?;
                node.as_leaf()?.content()
            });
            let path = module.map(|module| modules.path_of(module)).unwrap_or_default();
            let Some(content) = content.cloned() else { continue };
            read.files.insert((*name).to_owned(), Packed { path, content });
            let before: Vec<&str> =
                order.iter().map(|module| module.name.as_str()).filter(|other| other != name).collect();
            read.dependencies.push_str(&format!("{name}: {}\n", before.join(" ")));
        }
        let mut seen = BTreeSet::new();
        for (pattern, name) in modules.aliases() {
            if read.files.contains_key(name) && seen.insert((pattern, name)) {
                read.aliases.push_str(&format!("alias {pattern} {name}\n"));
            }
        }
        for name in ALWAYS.into_iter().filter(|name| read.files.contains_key(*name)) {
            read.always.push_str(name);
            read.always.push('\n');
        }
        Ok(read)
    }

    /// Calls `each` with every module's name and the module itself, in the order of the names. So many threads unpack.
    ///
    /// # Errors
    /// A file is damaged or cannot be read; or what `each` has to say.
    pub(crate) fn unpack(
        &self,
        threads: usize,
        mut each: impl FnMut(&str, &[u8]) -> Result<(), MediumError>,
    ) -> Result<(), MediumError> {
        let threads = threads.clamp(1, MOST_THREADS);
        thread::scope(|scope| {
            // By turns, so that they come in their order and few of them are in memory.
            let lanes: Vec<Receiver<_>> = (0..threads)
                .map(|lane| {
                    let (sender, receiver) = sync_channel(AHEAD);
                    let mut packed = self.files.values().skip(lane).step_by(threads);
                    // Nobody takes them any more where the archive cannot be written.
                    scope.spawn(move || packed.try_for_each(|packed| sender.send(packed.unpack()).ok()));
                    receiver
                })
                .collect();
            for (name, lane) in self.files.keys().zip(lanes.iter().cycle()) {
                let ended = |_| MediumError::Read { source: io::Error::other("a thread that unpacks ended early") };
                each(name, &lane.recv().map_err(ended)??)?;
            }
            Ok(())
        })
    }
}

impl Packed {
    fn unpack(&self) -> Result<Vec<u8>, MediumError> {
        let packed = self.content.read_to_vec(MAX_MODULE_BYTES).map_err(|source| MediumError::Read { source })?;
        let plain = unpack(&packed, MAX_MODULE_BYTES)
            .map_err(|source| MediumError::Module { path: self.path.clone(), source })?;
        Ok(plain.into_owned())
    }
}
