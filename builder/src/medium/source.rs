//! What of an image goes onto a medium beside the disk.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use builder_boot::{Architecture, Kernel, Loader, OsRelease};
use builder_medium::NamedBy;
use builder_tree::{Content, FileTree, Inode, Metadata};

use crate::formats::OutputFormat;
use crate::medium::archive::{Made, archive};
use crate::medium::bios::{BiosLoader, NoBios};
use crate::medium::error::MediumError;
use crate::medium::options::AnswersFile;

/// What of an image goes onto a medium beside the disk, and what the medium says of the system.
pub(crate) struct MediumSource {
    pub(crate) kernel: Arc<Inode>,
    pub(crate) initramfs: Arc<Inode>,
    /// The program that installs, with modules.
    pub(crate) archive: Arc<Inode>,
    pub(crate) loader: Loader,
    pub(crate) bios: Result<BiosLoader, NoBios>,
    pub(crate) architecture: Architecture,
    /// OCI name of the architecture.
    pub(crate) architecture_name: String,
    /// Name for a firmware's boot entry.
    pub(crate) label: String,
    /// `ID` and `VERSION_ID` of the system.
    pub(crate) release: String,
    /// Path of the deployment in the root's file system.
    pub(crate) deployment: String,
    /// Path of its stateroot's `var`.
    pub(crate) var: String,
    /// The kernel module that is missing to try the system from the medium.
    pub(crate) live_lacks: Option<&'static str>,
    /// The kernel module that is missing to find the medium when firmware has fetched it over HTTP.
    pub(crate) http_lacks: Option<&'static str>,
    /// The image reference that it tracks; `None` where nobody named one.
    pub(crate) tracks: Option<String>,
    /// The files that name the disk, its partitions and file systems by their identities.
    pub(crate) named_by: Vec<NamedBy>,
}

/// The same while the archive is made beside other things.
pub(crate) struct BegunSource {
    source: MediumSource,
    archiving: JoinHandle<Result<Made, MediumError>>,
}

impl BegunSource {
    /// Waits for the archive.
    ///
    /// # Errors
    /// [`MediumError`]: the kernel lacks modules, or nothing can be put behind its initramfs.
    pub(crate) fn finish(self) -> Result<MediumSource, MediumError> {
        let Self { source, archiving } = self;
        // A panic there is a defect, and goes on here.
        let made = archiving.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let Made { packed, live_lacks, http_lacks } = made?;
        let archive = Arc::new(Inode::regular(Metadata::root(0o644), Content::bytes(packed)));
        Ok(MediumSource { archive, live_lacks, http_lacks, ..source })
    }
}

impl MediumSource {
    /// Looks through the tree of the system that boots, and begins to make the archive: modules are unpacked and packed
    /// again, which takes as long as the commits do.
    ///
    /// # Errors
    /// [`MediumError`]: there is no boot loader, or no program for the architecture.
    pub(crate) fn begin(
        tree: &Arc<FileTree>,
        kernel: &Kernel,
        loader: &Loader,
        architecture: Architecture,
        architecture_name: &str,
        release: &OsRelease,
    ) -> Result<BegunSource, MediumError> {
        if matches!(loader, Loader::None) {
            return Err(MediumError::NoLoader);
        }
        let program = builder_installer_program::program(architecture_name)
            .ok_or_else(|| MediumError::NoProgram { architecture: architecture_name.to_owned() })?;
        let (modules, version, initramfs) = (Arc::clone(tree), kernel.version.clone(), Arc::clone(&kernel.initramfs));
        let archiving = thread::spawn(move || archive(&modules, &version, &initramfs, program));
        let field = |key: &str| release.fields().get(key).map(String::as_str).unwrap_or_default();
        let source = Self {
            kernel: Arc::clone(&kernel.vmlinuz),
            initramfs: Arc::clone(&kernel.initramfs),
            archive: Arc::new(Inode::regular(Metadata::root(0o644), Content::bytes(&b""[..]))),
            loader: loader.clone(),
            bios: BiosLoader::find(tree, loader, architecture),
            architecture,
            architecture_name: architecture_name.to_owned(),
            label: [field("NAME"), field("ID"), "Linux"]
                .into_iter()
                .find(|name| !name.is_empty())
                .unwrap_or_default()
                .to_owned(),
            release: format!("{} {}", field("ID"), field("VERSION_ID")),
            deployment: String::new(),
            var: String::new(),
            live_lacks: None,
            http_lacks: None,
            tracks: None,
            named_by: Vec::new(),
        };
        Ok(BegunSource { source, archiving })
    }

    /// Notes which files name the disk by its identities, and whether that is in the way of `answers`.
    ///
    /// # Errors
    /// [`MediumError`]: it is, or a file cannot be read.
    pub(crate) fn note_names(
        &mut self,
        named_by: io::Result<Vec<NamedBy>>,
        answers: Option<&AnswersFile>,
    ) -> Result<(), MediumError> {
        self.named_by = named_by.map_err(|source| MediumError::Read { source })?;
        match (answers, self.named_by.iter().find(|named| named.fixed)) {
            (Some(answers), Some(fixed)) if answers.wants_fresh_ids() => {
                Err(MediumError::FreshIds { reason: fixed.reason() })
            }
            _ => Ok(()),
        }
    }

    /// What the user should know of media in these formats.
    pub(crate) fn notes(&self, formats: &[OutputFormat]) -> Vec<String> {
        let both = "an ISO boots by UEFI and by a legacy BIOS, from disc and stick; a disk that it installs boots by UEFI \
                    alone";
        let mut notes = Vec::new();
        if formats.contains(&OutputFormat::Iso) {
            notes.push(self.bios.as_ref().map_or_else(ToString::to_string, |_| both.to_owned()));
            notes.extend(self.http_lacks.map(|module| {
                format!(
                    "an ISO is not found when UEFI has fetched it over HTTP, since the kernel has no module {module}"
                )
            }));
        }
        notes.extend(self.live_lacks.map(|module| {
            format!("the medium installs the system and cannot try it, since the kernel has no module {module}")
        }));
        notes
    }

    /// A volume identifier made of the system's name and version.
    pub(crate) fn volume_id(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let id: String = self.release.trim().chars().map(plain).take(32).collect();
        if id.is_empty() { "INSTALL".to_owned() } else { id }
    }
}
