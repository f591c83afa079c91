//! The programs on the way from the firmware to the kernel, and who starts whom while Secure Boot is on.
//!
//! ```text
//!  firmware ──db──► shim ──its vendor's certificate, SBAT──► GRUB ──asks shim──► kernel
//!  firmware ──db──► systemd-boot ──asks the firmware──► kernel
//! ```
//!
//! The programs are those of the ESP that would be made of the image. What an owner adds, to the firmware's `db` or as
//! MOK to shim's list, is not in an image; so it is told what there has to be.

use std::sync::Arc;

use builder_boot::{Architecture, BootEntry, BootSpec, BootloaderChoice, Kernel, Loader, install};
use builder_pe::{Machine, PeFile, Shim, TrustAnchor};
use builder_tree::{Directory, FileTree, Inode, Node, join};

use crate::lint::subject::Subject;
use crate::secure_boot::{Judge, Judgement};

/// Largest program that is read, in bytes.
const PROGRAM: u64 = 256 << 20;

/// Where firmware looks on a new machine. UEFI 2.10, section 3.5.1.1.
const REMOVABLE: &str = "EFI/BOOT";

/// Where images have the programs that come onto the ESP.
const PLACES: [&str; 6] = [
    "usr/lib/bootupd/updates/EFI",
    "usr/lib/efi",
    "usr/lib/grub",
    "usr/lib/shim",
    "usr/lib/systemd/boot/efi",
    "usr/share/grub",
];

/// A program, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootProgram {
    /// Its path in the image.
    pub(crate) path: Vec<u8>,
    /// What becomes of it while Secure Boot is on, as a sentence without a full stop.
    pub(crate) told: String,
    /// Whether it starts.
    pub(crate) starts: bool,
    /// Why the boot ends before it, where firmware with Microsoft's keys has started a shim.
    pub(crate) stops: Option<String>,
}

/// Follows the programs. There are none where nothing boots, or where the first one is no program at all.
pub(crate) fn follow(subject: &Subject) -> Vec<BootProgram> {
    Walk::begin(subject).and_then(|walk| walk.programs()).unwrap_or_default()
}

/// The way, as it is on the disk.
struct Walk<'s> {
    subject: &'s Subject,
    machine: Machine,
    esp: FileTree,
    /// Path of the kernel, and the kernel.
    kernel: (String, Arc<Inode>),
    /// What the program is called that shows the menu.
    loader: &'static str,
}

impl<'s> Walk<'s> {
    fn begin(subject: &'s Subject) -> Option<Self> {
        let architecture = subject.architecture()?;
        let kernel = Kernel::find(&subject.tree).ok()?;
        let loader = Loader::find(&subject.tree, architecture, BootloaderChoice::Auto).ok()?;
        // Of what is made only the programs of the ESP are of interest, so the texts may be any.
        let entry = BootEntry { kernel: &kernel, boot_checksum: "0", deployment: "0.0", kargs: "", title: "" };
        let spec = BootSpec {
            stateroot: "default",
            entries: &[entry],
            boot_fs_uuid: "",
            loader: &loader,
            renewal_lacks: None,
            created: 0,
        };
        let esp = install(&spec).ok()?.esp;
        let machine = match architecture {
            Architecture::X86_64 => Machine::X86_64,
            Architecture::Aarch64 => Machine::Aarch64,
        };
        let path = format!("usr/lib/modules/{}/vmlinuz", kernel.version);
        let loader = if matches!(loader, Loader::Systemd { .. }) { "systemd-boot" } else { "GRUB" };
        Some(Self { subject, machine, esp, kernel: (path, kernel.vmlinuz), loader })
    }

    fn programs(&self) -> Option<Vec<BootProgram>> {
        let bytes = self.of_esp(self.machine.removable_name()?)?;
        let first = PeFile::parse(&bytes).ok()?;
        let mut programs = Vec::new();
        match first.shim() {
            Ok(Some(shim)) => self.behind_shim(&bytes, &first, &shim, &mut programs),
            Ok(None) => {
                let judgement = Judge::Firmware.judge(&first, self.loader);
                programs.extend(self.placed(&bytes, judgement, false));
                // Without a shim there is nobody but the firmware to ask for the kernel.
                programs.extend(self.kernel(&Judge::Firmware, false));
            }
            Err(error) => {
                let why = format!("its own data cannot be read: {error}");
                let judgement = Judgement { starts: false, told: format!("shim does not get far: {why}"), why };
                programs.extend(self.placed(&bytes, judgement, false));
            }
        }
        Some(programs)
    }

    fn behind_shim(&self, bytes: &[u8], first: &PeFile<'_>, shim: &Shim, programs: &mut Vec<BootProgram>) {
        let mut judgement = Judge::Firmware.judge(first, "shim");
        let is_started = judgement.starts;
        let trusted: Vec<String> = shim.trust_anchors().iter().map(TrustAnchor::to_string).collect();
        let trusted = if trusted.is_empty() { "nobody".to_owned() } else { trusted.join(", ") };
        judgement.told.push_str(&format!("; by itself it trusts {trusted}"));
        programs.extend(self.placed(bytes, judgement, false));

        // Shims before SBAT do not ask for it.
        let needs_sbat = matches!(first.sbat(), Ok(Some(_)));
        let suffix = self.machine.removable_name().and_then(|name| name.strip_prefix("BOOT")).unwrap_or_default();
        if let Some(bytes) = self.of_esp(&format!("GRUB{suffix}"))
            && let Ok(second) = PeFile::parse(&bytes)
        {
            let judgement = Judge::Shim { shim, needs_sbat }.judge(&second, "GRUB");
            programs.extend(self.placed(&bytes, judgement, is_started));
        }
        // shim, SBAT.md: for kernels components are not asked for.
        programs.extend(self.kernel(&Judge::Shim { shim, needs_sbat: false }, is_started));
    }

    /// What becomes of the kernel; `None` where it is no program of the firmware.
    fn kernel(&self, judge: &Judge<'_>, is_behind_shim: bool) -> Option<BootProgram> {
        let (path, inode) = &self.kernel;
        let bytes = self.subject.whole(inode.content()?, PROGRAM)?;
        let kernel = PeFile::parse(&bytes).ok()?;
        let name = if kernel.is_uki() { "the unified kernel" } else { "the kernel" };
        Some(BootProgram::new(path.as_bytes().to_vec(), judge.judge(&kernel, name), is_behind_shim))
    }

    /// A program of the ESP; on FAT case makes no difference.
    fn of_esp(&self, name: &str) -> Option<Vec<u8>> {
        let folder = self.esp.directory(REMOVABLE.as_bytes())?;
        let (_, node) = folder.entries.iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
        self.subject.whole(node.as_leaf()?.content()?, PROGRAM)
    }

    /// The program at the place where the image has it.
    fn placed(&self, program: &[u8], judgement: Judgement, is_behind_shim: bool) -> Option<BootProgram> {
        let path = PLACES.iter().find_map(|place| {
            let below = self.find(self.subject.directory(place)?, program)?;
            Some(join(place.as_bytes(), &below))
        })?;
        Some(BootProgram::new(path, judgement, is_behind_shim))
    }

    /// The first file below `directory` that is `program`.
    fn find(&self, directory: &Directory, program: &[u8]) -> Option<Vec<u8>> {
        let is_same = |node: &Node| {
            let content = node.as_leaf().and_then(|inode| inode.content());
            let content = content.filter(|content| content.size() == program.len() as u64);
            content.and_then(|content| self.subject.whole(content, PROGRAM)).is_some_and(|found| found == program)
        };
        // A walk ends at the first error.
        let walked = directory.walk(&mut |path, node| if is_same(node) { Err(path.to_vec()) } else { Ok(()) });
        walked.err()
    }
}

impl BootProgram {
    fn new(path: Vec<u8>, judgement: Judgement, is_behind_shim: bool) -> Self {
        let Judgement { starts, why, told } = judgement;
        Self { path, told, starts, stops: (is_behind_shim && !starts).then_some(why) }
    }
}
