//! Which drivers a kernel has when it looks for its root.

use crate::{DRIVERS, Driver, Machine, Module, Modules, Provider, RequireError, normalized};

/// Where a driver is, the earliest place first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// In the kernel.
    Builtin,
    /// In the initramfs, with all it needs.
    Initramfs,
    /// In the initramfs, but not all it needs.
    InitramfsLacks {
        /// Normalized names of the modules that are missing in the initramfs.
        dependencies: Vec<String>,
    },
    /// In the image only: too late for what the root needs.
    RootOnly,
    /// There is a file, and what it needs is not known or not there.
    Unloadable {
        /// Why not.
        reason: RequireError,
    },
    /// Nowhere.
    Missing,
}

/// Where a kernel has a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The driver.
    pub driver: &'static Driver,
    /// Normalized name of what provides it, where something does.
    pub module: Option<String>,
    /// Where it is.
    pub place: Where,
}

impl Where {
    /// Whether the root can be on what it drives.
    #[must_use]
    pub fn is_early(&self) -> bool {
        matches!(self, Self::Builtin | Self::Initramfs)
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Builtin => 0,
            Self::Initramfs => 1,
            Self::InitramfsLacks { .. } => 2,
            Self::RootOnly => 3,
            Self::Unloadable { .. } => 4,
            Self::Missing => 5,
        }
    }
}

/// Where the kernel has each of the [`DRIVERS`] of the machine: `kernel` are the modules of the image, `initramfs` those
/// of its initramfs, where it has any.
///
/// Where a driver can be provided by several modules, the one that is available first counts.
#[must_use]
pub fn coverage(kernel: &Modules, initramfs: Option<&Modules>, machine: Machine) -> Vec<Coverage> {
    DRIVERS.iter().filter(|driver| driver.is_for(machine)).map(|driver| cover(driver, kernel, initramfs)).collect()
}

fn cover(driver: &'static Driver, kernel: &Modules, initramfs: Option<&Modules>) -> Coverage {
    let sources = || [Some(kernel), initramfs].into_iter().flatten();
    // The driver of that very name, and what else modprobe would take for it.
    let of = |modules| move |name: &&'static str| by_name_or_alias(modules, name);
    let providers = sources().flat_map(|modules| driver.provided_by.iter().flat_map(of(modules)));
    let places = providers.map(|provider| match provider {
        Provider::Builtin(name) => (name, Where::Builtin),
        Provider::Module(module) => (module.name.as_str(), place(module, kernel, initramfs)),
    });
    // The first of equal ones.
    let best = places.filter(|(_, place)| *place != Where::Missing).min_by_key(|(_, place)| place.rank());
    match best {
        Some((module, place)) => Coverage { driver, module: Some(module.to_owned()), place },
        None => Coverage { driver, module: None, place: Where::Missing },
    }
}

fn by_name_or_alias<'a>(modules: &'a Modules, name: &str) -> impl Iterator<Item = Provider<'a>> + use<'a> {
    modules.by_name(&normalized(name)).into_iter().chain(modules.lookup(name))
}

fn place(module: &Module, kernel: &Modules, initramfs: Option<&Modules>) -> Where {
    let is_in = |modules: &Modules, name: &str| modules.module(name).is_some_and(|found| modules.is_present(found));
    match initramfs {
        Some(initramfs) if is_in(initramfs, &module.name) => {
            // The image's list is whole; that of an initramfs may have been made of what is in it.
            let known = kernel.module(&module.name).map_or((initramfs, module), |module| (kernel, module));
            match known.0.needed(known.1) {
                Err(reason) => Where::Unloadable { reason },
                Ok(needed) => {
                    let lacking = needed.iter().filter(|needed| !is_in(initramfs, &needed.name));
                    let dependencies: Vec<_> = lacking.map(|needed| needed.name.clone()).collect();
                    if dependencies.is_empty() { Where::Initramfs } else { Where::InitramfsLacks { dependencies } }
                }
            }
        }
        _ if !is_in(kernel, &module.name) => Where::Missing,
        _ => match kernel.requires(&module.name, crate::Softdeps::Without) {
            Ok(_) => Where::RootOnly,
            Err(reason) => Where::Unloadable { reason },
        },
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::*;

    fn modules(files: &[(&str, &str)], lost: &[&str]) -> Modules {
        let mut tree = FileTree::new();
        let mut put = |path: &str, body: &str| {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body.as_bytes().to_vec()));
            tree.insert(format!("m/{path}").as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        };
        for (name, body) in files {
            put(name, body);
            for line in body.lines().filter(|_| *name == "modules.dep") {
                let path = line.split(':').next().unwrap();
                if !lost.contains(&path) {
                    put(path, "");
                }
            }
        }
        Modules::read(&tree, "m").unwrap()
    }

    #[test]
    fn every_place_is_told() {
        let kernel = modules(
            &[
                (
                    "modules.dep",
                    "virtio_pci.ko: virtio.ko\nvirtio.ko:\nvirtio_blk.ko: virtio.ko\nvirtio_scsi.ko: scsi.ko\nscsi.ko:\n\
                     sd_mod.ko:\nuas.ko: usb-storage.ko scsi.ko\nusb-storage.ko: scsi.ko\nerofs.ko: none.ko\n\
                     nls_ascii.ko:\nnls_utf8.ko:\ncrc32c-intel.ko:\nahci.ko:\nloop.ko: ahci.ko\n",
                ),
                ("modules.alias", "alias crc32c crc32c_intel\n"),
                ("modules.builtin", "kernel/fs/ext4.ko\nkernel/fs/isofs.ko\n"),
                ("modules.builtin.modinfo", "isofs.alias=fs-iso9660\0"),
            ],
            &["ahci.ko"],
        );
        let initramfs = modules(
            &[(
                "modules.dep",
                "virtio_pci.ko: virtio.ko\nvirtio.ko:\nuas.ko: usb-storage.ko\nusb-storage.ko:\nnls_ascii.ko:\n\
                 sd_mod.ko:\nown.ko:\nnvme.ko:\n",
            )],
            &["sd_mod.ko", "usb-storage.ko"],
        );
        let lacks = |names: &[&str]| Where::InitramfsLacks {
            dependencies: names.iter().map(|&name| name.to_owned()).collect(),
        };
        let found = coverage(&kernel, Some(&initramfs), Machine::X86_64);
        for (name, module, place) in [
            ("ext4", Some("ext4"), Where::Builtin),
            ("isofs", Some("isofs"), Where::Builtin),
            ("virtio_pci", Some("virtio_pci"), Where::Initramfs),
            ("nvme", Some("nvme"), Where::Initramfs),
            ("uas", Some("uas"), lacks(&["scsi", "usb_storage"])),
            ("nls_iocharset", Some("nls_ascii"), Where::Initramfs),
            ("virtio_scsi", Some("virtio_scsi"), Where::RootOnly),
            ("sd_mod", Some("sd_mod"), Where::RootOnly),
            ("crc32c", Some("crc32c_intel"), Where::RootOnly),
            ("ahci", None, Where::Missing),
            ("squashfs", None, Where::Missing),
        ] {
            let coverage = found.iter().find(|coverage| coverage.driver.name == name).unwrap();
            assert_eq!((coverage.module.as_deref(), &coverage.place), (module, &place), "{name}");
            assert_eq!(place.is_early(), matches!(place, Where::Builtin | Where::Initramfs));
        }
        for name in ["erofs", "loop"] {
            let coverage = found.iter().find(|coverage| coverage.driver.name == name).unwrap();
            assert!(matches!(coverage.place, Where::Unloadable { .. }), "{name}: {:?}", coverage.place);
        }
        assert!(found.iter().all(|coverage| coverage.driver.name != "virtio_ccw"));
    }

    #[test]
    fn without_an_initramfs_only_what_is_built_in_is_early() {
        let kernel = modules(&[("modules.dep", "overlay.ko:\n"), ("modules.builtin", "kernel/ext4.ko\n")], &[]);
        let found = coverage(&kernel, None, Machine::S390x);
        let place = |name: &str| &found.iter().find(|coverage| coverage.driver.name == name).unwrap().place;
        assert_eq!((place("ext4"), place("overlay")), (&Where::Builtin, &Where::RootOnly));
        assert_eq!(place("virtio_ccw"), &Where::Missing);
        assert!(found.iter().all(|coverage| coverage.driver.name != "ahci"));
    }
}
