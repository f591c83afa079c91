//! What of an image goes onto a medium beside the disk.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use builder_boot::{Architecture, Kernel, Loader, OsRelease};
use builder_medium::NamedBy;
use builder_tree::{Content, FileTree, Inode, Metadata};

use crate::deployable::EarlyTold;
use crate::error::BuildError;
use crate::formats::OutputFormat;
use crate::medium::archive::Ingredients;
use crate::medium::bios::{BiosLoader, NoBios};
use crate::medium::error::MediumError;
use crate::medium::modules::MediumModules;
use crate::medium::options::AnswersFile;

/// What goes onto a medium beside the disk, and what the medium says of the system.
pub(crate) struct MediumSource {
    pub(crate) parts: MediumParts,
    /// The program that installs, with modules.
    pub(crate) archive: Arc<Inode>,
    pub(crate) installed: Installed,
}

/// What of an image goes onto a medium as it is, and what the image says of itself.
pub(crate) struct MediumParts {
    pub(crate) kernel: Arc<Inode>,
    pub(crate) initramfs: Arc<Inode>,
    pub(crate) loader: Loader,
    pub(crate) bios: Result<BiosLoader, NoBios>,
    pub(crate) architecture: Architecture,
    /// OCI name of the architecture.
    pub(crate) architecture_name: String,
    /// Name for a firmware's boot entry.
    pub(crate) label: String,
    /// `ID` and `VERSION_ID` of the system.
    pub(crate) release: String,
    /// The kernel module that is missing to try the system from the medium.
    pub(crate) live_lacks: Option<&'static str>,
    /// The kernel module that is missing to find the medium when firmware has fetched it over HTTP.
    pub(crate) http_lacks: Option<&'static str>,
}

/// What is known of the system once it is on its disk.
pub(crate) struct Installed {
    /// Path of the deployment in the root's file system.
    pub(crate) deployment: String,
    /// Path of its stateroot's `var`.
    pub(crate) var: String,
    /// The image reference that it tracks; `None` where nobody named one.
    pub(crate) tracks: Option<String>,
    /// The files that name the disk, its partitions and file systems by their identities.
    pub(crate) named_by: Vec<NamedBy>,
}

/// The image's part of a medium, while the archive is made beside other things.
pub(crate) struct BegunSource {
    parts: MediumParts,
    archiving: JoinHandle<Result<Vec<u8>, MediumError>>,
}

impl BegunSource {
    /// Looks through the tree of the system that boots, and begins to make the archive: modules are unpacked and packed
    /// again, which takes as long as commits and boot files do. The tree is not held any longer; `early` tells of its
    /// initramfs.
    ///
    /// # Errors
    /// [`MediumError`]: there is no boot loader, or no program for the architecture, or the kernel lacks modules.
    pub(crate) fn begin(
        tree: &FileTree,
        loader: &Loader,
        (architecture, architecture_name): (Architecture, &str),
        release: &OsRelease,
        early: EarlyTold,
        threads: usize,
    ) -> Result<Self, BuildError> {
        if matches!(loader, Loader::None) {
            return Err(MediumError::NoLoader.into());
        }
        let program = builder_installer_program::program(architecture_name)
            .ok_or_else(|| MediumError::NoProgram { architecture: architecture_name.to_owned() })?;
        let kernel = Kernel::find(tree)?;
        let modules = MediumModules::choose(tree, &kernel.version)?;
        let (live_lacks, http_lacks) = (modules.live_lacks, modules.http_lacks);
        let ingredients = Ingredients { release: kernel.version.clone(), modules, early, program, threads };
        let field = |key: &str| release.fields().get(key).map(String::as_str).unwrap_or_default();
        let parts = MediumParts {
            kernel: Arc::clone(&kernel.vmlinuz),
            initramfs: Arc::clone(&kernel.initramfs),
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
            live_lacks,
            http_lacks,
        };
        Ok(Self { parts, archiving: thread::spawn(move || ingredients.pack()) })
    }

    /// Waits for the archive.
    ///
    /// # Errors
    /// [`MediumError`]: nothing can be put behind the initramfs, a module is damaged, or `answers` want what the disk does
    /// not allow.
    pub(crate) fn finish(
        self,
        installed: Installed,
        answers: Option<&AnswersFile>,
    ) -> Result<MediumSource, MediumError> {
        let Self { parts, archiving } = self;
        if let (Some(answers), Some(fixed)) = (answers, installed.named_by.iter().find(|named| named.fixed))
            && answers.wants_fresh_ids()
        {
            return Err(MediumError::FreshIds { reason: fixed.reason() });
        }
        // A panic there is a defect, and goes on here.
        let packed = archiving.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let archive = Arc::new(Inode::regular(Metadata::root(0o644), Content::bytes(packed)));
        Ok(MediumSource { parts, archive, installed })
    }
}

impl MediumSource {
    /// What the user should know of media in these formats.
    pub(crate) fn notes(&self, formats: &[OutputFormat]) -> Vec<String> {
        let both = "an ISO boots by UEFI and by a legacy BIOS, from disc and stick; a disk that it installs boots by UEFI \
                    alone";
        let mut notes = Vec::new();
        if formats.contains(&OutputFormat::Iso) {
            notes.push(self.parts.bios.as_ref().map_or_else(ToString::to_string, |_| both.to_owned()));
            notes.extend(self.parts.http_lacks.map(|module| {
                format!(
                    "an ISO is not found when UEFI has fetched it over HTTP, since the kernel has no module {module}"
                )
            }));
        }
        notes.extend(self.parts.live_lacks.map(|module| {
            format!("the medium installs the system and cannot try it, since the kernel has no module {module}")
        }));
        notes
    }

    /// A volume identifier made of the system's name and version.
    pub(crate) fn volume_id(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let id: String = self.parts.release.trim().chars().map(plain).take(32).collect();
        if id.is_empty() { "INSTALL".to_owned() } else { id }
    }
}
