//! Boot loaders found in the image.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use builder_tree::{DisplayPath, FileTree, Inode, Node};

use crate::{Architecture, BootError, Counting, bootupd, vendor};

/// Larger than any real boot loader, in bytes.
const LIMIT: u64 = 64 << 20;

/// Which boot loader was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BootloaderChoice {
    /// GRUB where the image has it, else systemd-boot.
    #[default]
    Auto,
    /// GRUB.
    Grub,
    /// systemd-boot.
    Systemd,
    /// None: kernel and boot entry in `/boot`, and an empty ESP.
    None,
}

impl FromStr for BootloaderChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "grub" => Ok(Self::Grub),
            "systemd" => Ok(Self::Systemd),
            "none" => Ok(Self::None),
            _ => Err("expected auto, grub, systemd or none".to_owned()),
        }
    }
}

impl fmt::Display for BootloaderChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Grub => "grub",
            Self::Systemd => "systemd",
            Self::None => "none",
        })
    }
}

/// A boot loader that can be installed.
#[derive(Clone, Debug)]
pub enum Loader {
    /// GRUB, with shim where the image has it.
    Grub(Grub),
    /// systemd-boot.
    Systemd {
        /// Where it was found.
        path: String,
        /// The binary.
        binary: Arc<Inode>,
        /// For which architecture.
        architecture: Architecture,
        /// Whether it counts the tries of the default entry.
        counting: Counting,
    },
    /// None.
    None,
}

/// GRUB as it was found.
#[derive(Clone, Debug)]
pub struct Grub {
    /// Where it was found.
    pub(crate) path: String,
    /// Files of the ESP, by path below its root.
    pub(crate) files: Vec<(String, Arc<Inode>)>,
    /// The folder below `EFI` where GRUB reads its configuration.
    pub(crate) vendor: String,
    /// Whether it reads boot entries by itself.
    pub(crate) blscfg: bool,
    /// Whether shim starts it.
    pub(crate) shim: bool,
    /// The payload is bootupd's, which has a configuration of its own and keeps a record of its files.
    pub(crate) bootupd: Option<bootupd::Payload>,
}

impl fmt::Display for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grub(grub) => write!(
                f,
                "GRUB from {}{}, EFI/{}, {}",
                grub.path,
                if grub.shim { " behind shim" } else { "" },
                grub.vendor,
                if grub.blscfg { "reads the boot entries (blscfg)" } else { "with a menu that reads the boot entries" }
            ),
            Self::Systemd { path, counting, .. } => write!(
                f,
                "systemd-boot from {path}, with copies on the ESP{}",
                match counting {
                    Counting::Tries => ", counting the tries of the default",
                    Counting::Off => "",
                }
            ),
            Self::None => f.write_str("no boot loader"),
        }
    }
}

impl Loader {
    /// All that the tree has for `architecture`, the preferred one first.
    #[must_use]
    pub fn all(tree: &FileTree, architecture: Architecture) -> Vec<Self> {
        let grubs = [bootupd::find(tree, architecture), debian(tree, architecture)];
        let mut found: Vec<Self> = grubs.into_iter().filter_map(|grub| grub.ok().flatten()).map(Self::Grub).collect();
        found.extend(systemd(tree, architecture));
        found
    }

    /// The one to install.
    ///
    /// # Errors
    /// There is none of the kind asked for: the message lists where it was looked for. Or a GRUB does not say where it
    /// reads its configuration.
    pub fn find(tree: &FileTree, architecture: Architecture, choice: BootloaderChoice) -> Result<Self, BootError> {
        let grub = || -> Result<Option<Self>, BootError> {
            Ok(match bootupd::find(tree, architecture)? {
                Some(grub) => Some(Self::Grub(grub)),
                None => debian(tree, architecture)?.map(Self::Grub),
            })
        };
        let (found, wanted) = match choice {
            BootloaderChoice::None => (Some(Self::None), ""),
            BootloaderChoice::Grub => (grub()?, "GRUB"),
            BootloaderChoice::Systemd => (systemd(tree, architecture), "systemd-boot"),
            BootloaderChoice::Auto => {
                let found = match grub()? {
                    Some(grub) => Some(grub),
                    None => systemd(tree, architecture),
                };
                (found, "boot loader")
            }
        };
        found.ok_or_else(|| {
            let mut looked = Vec::new();
            if choice != BootloaderChoice::Systemd {
                looked.extend(bootupd::ROOTS.iter().map(|&root| root.to_owned()));
                looked.extend(grub_paths(architecture));
            }
            if choice != BootloaderChoice::Grub {
                looked.extend(systemd_paths(architecture));
            }
            BootError::NoLoader { wanted, architecture: architecture.name(), looked }
        })
    }
}

fn grub_paths(architecture: Architecture) -> [String; 3] {
    let (platform, suffix) = (architecture.grub_platform(), architecture.suffix());
    [
        format!("usr/lib/grub/{platform}-signed/grub{suffix}.efi.signed"),
        format!("usr/lib/grub/{platform}/monolithic/grub{suffix}.efi"),
        format!("usr/share/grub/{platform}/grub{suffix}.efi"),
    ]
}

fn systemd_paths(architecture: Architecture) -> [String; 2] {
    let suffix = architecture.suffix();
    [
        format!("usr/lib/systemd/boot/efi/systemd-boot{suffix}.efi.signed"),
        format!("usr/lib/systemd/boot/efi/systemd-boot{suffix}.efi"),
    ]
}

/// Debian's packages: GRUB and shim each in a place of its own.
fn debian(tree: &FileTree, architecture: Architecture) -> Result<Option<Grub>, BootError> {
    let suffix = architecture.suffix();
    let Some((path, grub)) = first(tree, &grub_paths(architecture)) else { return Ok(None) };
    let (vendor, blscfg) = read_grub(&path, &grub)?;
    let shipped = |name: &str| {
        first(tree, &[format!("usr/lib/shim/{name}{suffix}.efi.signed"), format!("usr/lib/shim/{name}{suffix}.efi")])
    };
    // Shim starts only what is signed, so an unsigned GRUB is better off without it.
    let shim = shipped("shim").filter(|_| path.ends_with(".signed")).map(|(_, shim)| shim);
    let mut files = Vec::new();
    let folders = ["EFI/BOOT".to_owned(), format!("EFI/{vendor}")];
    for folder in &folders {
        let fallback = folder == "EFI/BOOT";
        files.push((format!("{folder}/grub{suffix}.efi"), Arc::clone(&grub)));
        let first_stage = if fallback { architecture.fallback() } else { format!("shim{suffix}.efi") };
        match &shim {
            Some(shim) => {
                files.push((format!("{folder}/{first_stage}"), Arc::clone(shim)));
                if let Some((_, manager)) = shipped("mm") {
                    files.push((format!("{folder}/mm{suffix}.efi"), manager));
                }
            }
            None if fallback => files.push((format!("{folder}/{first_stage}"), Arc::clone(&grub))),
            None => {}
        }
    }
    let csv = format!("BOOT{}.CSV", suffix.to_uppercase());
    if let Some((_, csv_file)) = first(tree, &[format!("usr/lib/shim/{csv}")]).filter(|_| shim.is_some()) {
        files.push((format!("EFI/{vendor}/{csv}"), csv_file));
    }
    Ok(Some(Grub { path, files, vendor, blscfg, shim: shim.is_some(), bootupd: None }))
}

fn systemd(tree: &FileTree, architecture: Architecture) -> Option<Loader> {
    let counting = Counting::find(tree);
    first(tree, &systemd_paths(architecture)).map(|(path, binary)| Loader::Systemd {
        path,
        binary,
        architecture,
        counting,
    })
}

/// Vendor folder of a GRUB binary, and whether it has `blscfg`.
pub(crate) fn read_grub(path: &str, inode: &Inode) -> Result<(String, bool), BootError> {
    let content = inode.content().ok_or_else(|| BootError::NoPrefix { path: path.to_owned() })?;
    let binary = content.read_to_vec(LIMIT).map_err(|source| BootError::Read { path: path.to_owned(), source })?;
    let vendor = vendor::find(&binary).ok_or_else(|| BootError::NoPrefix { path: path.to_owned() })?;
    Ok((vendor, vendor::has_blscfg(&binary)))
}

/// The first of `paths` that leads to a regular file.
fn first(tree: &FileTree, paths: &[String]) -> Option<(String, Arc<Inode>)> {
    paths.iter().find_map(|path| {
        let inode = regular_file(tree, path)?;
        Some((DisplayPath(path.as_bytes()).to_string().trim_start_matches('/').to_owned(), Arc::clone(inode)))
    })
}

/// The regular file that `path` leads to, symbolic links followed.
pub(crate) fn regular_file<'t>(tree: &'t FileTree, path: &str) -> Option<&'t Arc<Inode>> {
    let node = tree.resolve(path.as_bytes()).ok().flatten();
    node.and_then(Node::as_leaf).filter(|inode| inode.content().is_some())
}
