//! From an image's trees to a commit that can be deployed.

use std::num::NonZeroUsize;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;

use builder_boot::{Architecture, BootError, InstallConfig, Kernel, OsRelease};
use builder_initramfs::InitramfsError;
use builder_oci::Image;
use builder_ostree::container::{self, ContainerImage};
use builder_ostree::{Checksum, Repo, StoredTree, TargetImage};
use builder_selinux::Policy;

use crate::contents::Contents;
use crate::early::Early;
use crate::error::BuildError;
use crate::lint::gate::Look;
use crate::progress::{Progress, Station};
use crate::recipe::Recipe;
use crate::uniqueness;

/// The version of ostree-ext whose import our commits are like.
const IMPORTER_VERSION: &str = "0.15.3";

/// What is found out about the kernel beside the commits.
type KernelReading = (Result<String, BootError>, Result<Result<Early, String>, BuildError>);

/// Tells what the initramfs says, or why that is not to be read; nothing where the scratch file cannot be read.
pub(crate) type EarlyTold = Receiver<Result<Early, String>>;

/// An image that has what a machine needs.
pub(crate) struct Installable<'a> {
    pub(crate) image: &'a Image,
    pub(crate) contents: Contents,
    pub(crate) architecture: Architecture,
    pub(crate) install: InstallConfig,
    pub(crate) release: OsRelease,
    /// For one more who wants to know of the initramfs.
    pub(crate) early: Option<EarlyTold>,
    reading: JoinHandle<KernelReading>,
    look: Option<Look>,
}

/// A commit with all that is known of the system in it.
pub(crate) struct Deployable<'a> {
    pub(crate) image: &'a Image,
    pub(crate) install: InstallConfig,
    pub(crate) release: OsRelease,
    pub(crate) policy: Option<Policy>,
    pub(crate) commit: Checksum,
    pub(crate) stored: StoredTree,
    /// Its inodes are objects, so files in `/boot` become links to them.
    pub(crate) kernel: Kernel,
    pub(crate) boot_checksum: String,
    /// What the initramfs says; `None` where it cannot be read.
    pub(crate) early: Option<Early>,
    /// Finds out what is wrong with the image; `None` where nobody looks.
    pub(crate) look: Option<Look>,
}

impl<'a> Installable<'a> {
    /// Looks for what a machine needs in `contents`.
    pub(crate) fn new(
        image: &'a Image,
        contents: Contents,
        recipe: &Recipe,
        progress: &mut dyn Progress,
    ) -> Result<Self, BuildError> {
        let architecture = Architecture::from_oci(&image.platform().architecture)?;
        let kernel = Kernel::find(&contents.merged)?;
        let install = InstallConfig::read(&contents.merged, architecture)?;
        for warning in &install.warnings {
            progress.warn(warning);
        }
        let shared = uniqueness::shared_by_all_machines(&contents.merged);
        if !shared.is_empty() {
            progress.warn(&format!(
                "every machine made from this disk will have the same {}; remove them from the image, so that each machine makes its own",
                shared.join(", ")
            ));
        }
        let release = OsRelease::read(&contents.merged)?;
        // They are read beside the commits: it is the one long reading that waits for nothing. Whoever looks at the image
        // does so at the same time, and wants to know of the initramfs too; and so does whoever packs an archive for it.
        let (teller, told) = mpsc::sync_channel(1);
        let (second, early) = mpsc::sync_channel(1);
        let look = Look::begin(&recipe.lint, &contents.merged, image, told);
        let reading = std::thread::spawn(move || {
            let early = match Early::read(&kernel.initramfs) {
                Err(InitramfsError::Read { source, .. }) => Err(BuildError::Scratch { source }),
                early => Ok(early.map_err(|error| error.to_string())),
            };
            if let Ok(early) = &early {
                // Perhaps nobody wants to know.
                let _ = teller.send(Ok(early.clone()));
                let _ = second.send(early.clone());
            }
            drop((teller, second));
            (kernel.boot_checksum(), early)
        });
        Ok(Self { image, contents, architecture, install, release, early: Some(early), reading, look })
    }

    /// Puts the image into the repository; `done` counts commits.
    pub(crate) fn commit(
        self,
        repo: &mut Repo,
        recipe: &Recipe,
        target: &TargetImage,
        done: &mut u64,
        progress: &mut dyn Progress,
    ) -> Result<Deployable<'a>, BuildError> {
        let Self { image, contents, install, release, reading, look, .. } = self;
        let Contents { base, layers, merged, policy, relabelled } = contents;
        let created = recipe.source_date_epoch.or_else(|| image.created()).unwrap_or(0);
        let timestamp = u64::try_from(created).unwrap_or(0);
        let mut step = |number: u64| {
            *done += number;
            progress.at(Station::Objects, *done);
        };
        if relabelled {
            // The policy came with the bodies, so they were stored without their labels.
            let trees: Vec<_> = layers.iter().chain([&*merged]).collect();
            repo.read_ahead(&trees, NonZeroUsize::new(recipe.threads).unwrap_or(NonZeroUsize::MIN))?;
        }
        let digests: Vec<_> = image.layers().iter().map(|layer| layer.digest.as_str()).collect();
        let base_layers = base.as_ref().map_or(0, builder_ostree::encapsulated::Base::layers);
        if let Some(base) = &base {
            repo.add_base(base, &digests[..base_layers])?;
            step(base_layers as u64);
        }
        for (tree, digest) in layers.into_iter().zip(&digests[base_layers..]) {
            container::commit_layer(repo, &tree, digest, timestamp, IMPORTER_VERSION)?;
            step(1);
        }
        let stored = repo.add_tree(&merged)?;
        drop(merged);
        let container = ContainerImage {
            manifest: image.manifest_bytes(),
            config: image.config_bytes(),
            manifest_digest: image.manifest_digest().as_str(),
            timestamp,
            importer_version: IMPORTER_VERSION,
        };
        let commit = match &base {
            None => container::commit_merge(repo, &stored, &container, target)?,
            Some(base) => container::commit_merge_onto(repo, base.commit(), &stored, &container, target)?,
        };
        step(1);
        let kernel = Kernel::find(&stored.tree)?;
        // A panic there is a defect, and goes on here.
        let (boot_checksum, early) = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let early = match early? {
            Ok(early) => Some(early),
            Err(error) => {
                progress.warn(&format!(
                    "the initramfs of kernel {} cannot be read, so it may not start: {error}",
                    kernel.version
                ));
                None
            }
        };
        // Where somebody looks, that is refused or allowed.
        if look.is_none() && early.as_ref().is_some_and(|early| !early.has_program) {
            progress.warn(&format!(
                "the initramfs of kernel {} has no ostree-prepare-root, so the system will not find its root",
                kernel.version
            ));
        }
        let boot_checksum = boot_checksum?;
        Ok(Deployable { image, install, release, policy, commit, stored, kernel, boot_checksum, early, look })
    }
}
