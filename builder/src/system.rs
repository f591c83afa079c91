//! From layers to an installed system: ostree repository, deployment, `/boot` and ESP, all as trees.

use std::sync::Arc;

use builder_boot::{
    Architecture, BootEntry, BootSpec, BootTrees, BootloaderChoice, InstallConfig, Kernel, KernelArguments, Loader,
    OsRelease,
};
use builder_erofs::{Payload, composefs_image};
use builder_oci::{Image, Layers};
use builder_ostree::container::{self, ContainerImage};
use builder_ostree::sysroot::{self, DeploymentSpec, VarLabels};
use builder_ostree::{Aleph, Bootloader, Repo, RepoConfig, StoredTree, TargetImage, file_checksum, import};
use builder_tree::{Content, DisplayPath, FileTree, Inode, Metadata, Timestamp};

use crate::error::BuildError;
use crate::filesystems::filesystem_role;
use crate::identity::Identity;
use crate::layout::{Filling, Layout};
use crate::plan::{PlannedBoot, PlannedDeployment};
use crate::progress::{Progress, Station};
use crate::recipe::Recipe;
use crate::settings::Selinux;
use crate::suitability;

/// The version of ostree-ext whose import our commits are like.
const IMPORTER_VERSION: &str = "0.15.3";

/// An installed system, not yet in file systems.
pub(crate) struct System {
    /// The physical root; `/boot` in it is empty where `/boot` is a partition.
    pub(crate) root: FileTree,
    /// `/boot` as a tree of its own.
    pub(crate) boot_tree: FileTree,
    /// The EFI system partition.
    pub(crate) esp: FileTree,
    /// Name of the system, for people.
    pub(crate) name: String,
    pub(crate) deployment: PlannedDeployment,
    pub(crate) boot: PlannedBoot,
    pub(crate) notes: Vec<String>,
}

/// Makes the system that `recipe` asks for out of the layers of `image`.
pub(crate) fn assemble(
    recipe: &Recipe,
    image: &Image,
    layers: Layers,
    identity: &Identity,
    layout: &Layout,
    progress: &mut dyn Progress,
) -> Result<System, BuildError> {
    let mut notes = Vec::new();
    let total = layers.layers.len() as u64 + 1;
    progress.begin(Station::Objects, total);
    let merged = import::adapt_merged(layers.merged)?;
    note_dropped(&merged.dropped, &mut notes);

    // What can be refused is refused before the commits are made.
    let architecture = Architecture::from_oci(&image.platform().architecture)?;
    let kernel = Kernel::find(&merged.tree)?;
    let install = InstallConfig::read(&merged.tree, architecture)?;
    for warning in &install.warnings {
        progress.warn(warning);
    }
    let choice = match (recipe.bootloader, install.bootloader.as_deref()) {
        // The image's own choice, where the user made none.
        (BootloaderChoice::Auto, Some("systemd")) => BootloaderChoice::Systemd,
        (BootloaderChoice::Auto, Some("none")) => BootloaderChoice::None,
        (choice, _) => choice,
    };
    let loader = Loader::find(&merged.tree, architecture, choice)?;
    let release = OsRelease::read(&merged.tree)?;
    let stateroot =
        recipe.stateroot.clone().or_else(|| install.stateroot.clone()).unwrap_or_else(|| "default".to_owned());

    // Kernel and initramfs are hashed beside the commits: it is the one long read that waits for nothing.
    let hashing = {
        let kernel = kernel.clone();
        std::thread::spawn(move || kernel.boot_checksum())
    };

    let target = target(recipe, image, &release, progress)?;
    let timestamp = u64::try_from(identity.created()).unwrap_or(0);
    let mut repo = Repo::new(identity.created());
    for (done, (layer, descriptor)) in (1_u64..).zip(layers.layers.into_iter().zip(image.layers())) {
        let adapted = import::adapt_layer(layer.tree)?;
        container::commit_layer(&mut repo, &adapted.tree, descriptor.digest.as_str(), timestamp, IMPORTER_VERSION)?;
        progress.at(Station::Objects, done);
    }
    let stored = repo.add_tree(&merged.tree)?;
    drop(merged);
    let container = ContainerImage {
        manifest: image.manifest_bytes(),
        config: image.config_bytes(),
        manifest_digest: image.manifest_digest().as_str(),
        timestamp,
        importer_version: IMPORTER_VERSION,
    };
    let commit = container::commit_merge(&mut repo, &stored, &container, &target)?;
    let stats = repo.stats();

    // Once more from the stored tree: its inodes are the objects, so the files in /boot become links to them.
    let kernel_release = kernel.version.clone();
    let kernel = Kernel::find(&stored.tree)?;
    // A panic there is a defect, and goes on here.
    let boot_checksum = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let boot_is_separate = layout.separate_boot();
    let boot_filling = if boot_is_separate { Filling::Boot } else { Filling::Sysroot };
    let boot_uuid = identity.uuid(&filesystem_role(boot_filling)).to_string();
    let root_uuid = identity.uuid(&filesystem_role(Filling::Sysroot)).to_string();
    let kargs = KernelArguments {
        root_uuid: &root_uuid,
        boot_uuid: boot_is_separate.then_some(boot_uuid.as_str()),
        add: &recipe.kargs,
        delete: &recipe.karg_deletes,
        ostree: &sysroot::ostree_karg(&stateroot, &boot_checksum, 0),
    }
    .assemble(&stored.tree, architecture, &install)?;
    suitability::check_tree(&stored.tree, &kargs)?;
    let options = kargs.join(" ");
    let title = format!("{} (ostree:0)", release.title());
    let trees = builder_boot::install(&BootSpec {
        stateroot: &stateroot,
        entries: &[BootEntry { kernel: &kernel, boot_checksum: &boot_checksum, kargs: &options, title: &title }],
        boot_fs_uuid: &boot_uuid,
        loader: &loader,
        created: identity.created(),
    })?;
    let BootTrees { boot, esp, notes: boot_notes, .. } = trees;
    notes.extend(boot_notes);

    let spec = DeploymentSpec {
        commit: &commit,
        tree: &stored,
        origin: &target,
        boot_checksum: &boot_checksum,
        etc_files: if boot_is_separate { fstab(&stored, &boot_uuid, identity)? } else { Vec::new() },
        composefs: Some(Content::bytes(composefs(&stored)?)),
    };
    let config = RepoConfig {
        bootloader: Bootloader::None,
        bls_append_except_default: install.bls_append_except_default.clone(),
    };
    let aleph = aleph(image, &target, &kernel_release, &stored.tree);
    let mut root = sysroot::build(repo, &config, &stateroot, &[spec], VarLabels::Missing, Some(&aleph))?;
    let boot_tree = FileTree { root: boot };
    if !boot_is_separate {
        root.root.insert("boot", boot_tree.root.clone());
    }
    progress.at(Station::Objects, total);
    progress.end(Station::Objects);

    Ok(System {
        name: release.title().to_owned(),
        deployment: PlannedDeployment {
            stateroot,
            commit: commit.to_string(),
            origin: target.origin_reference(),
            objects: stats.files + stats.dirtrees + stats.dirmetas + stats.commits,
        },
        boot: PlannedBoot {
            loader: loader.to_string(),
            esp: files(&esp),
            entry: if boot_is_separate {
                "/loader/entries/ostree-1.conf"
            } else {
                "/boot/loader/entries/ostree-1.conf"
            }
            .to_owned(),
            title,
            kernel: kernel_release,
            checksum: boot_checksum,
            options,
        },
        root,
        boot_tree,
        esp,
        notes,
    })
}

/// What the installed system tracks: as asked, else a name that says that nobody asked.
fn target(
    recipe: &Recipe,
    image: &Image,
    release: &OsRelease,
    progress: &mut dyn Progress,
) -> Result<TargetImage, BuildError> {
    if let Some(target) = &recipe.target_imgref {
        return Ok(target.parse()?);
    }
    let title = image.labels().get("org.opencontainers.image.title").cloned();
    let name = title.unwrap_or_else(|| release.id().unwrap_or("os").to_owned());
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect::<String>()
        .trim_matches('-')
        .to_owned();
    let name = if plain.is_empty() { "os" } else { plain.as_str() };
    let target = format!("ostree-unverified-registry:localhost/{name}:latest");
    progress.warn(&format!(
        "no --target-imgref: the system will look for updates at localhost/{name}:latest until `bootc switch` is run on it"
    ));
    Ok(target.parse()?)
}

/// The composefs image of the commit: every deployment gets one, since the initramfs, not the image, decides whether it
/// mounts it. Its files are the objects of the repository.
fn composefs(stored: &StoredTree) -> Result<Vec<u8>, BuildError> {
    let payload = |inode: &Arc<Inode>| -> std::io::Result<Payload> {
        let checksum = file_checksum(inode)?.to_string();
        let (folder, name) = checksum.split_at(2);
        Ok(Payload { path: format!("{folder}/{name}.file").into_bytes(), verity: None })
    };
    Ok(composefs_image(&stored.tree, payload)?)
}

/// `/etc/fstab` of the deployment with the mount of `/boot` at its end.
fn fstab(stored: &StoredTree, boot_uuid: &str, identity: &Identity) -> Result<Vec<(Vec<u8>, Inode)>, BuildError> {
    const LIMIT: u64 = 1 << 20;
    let shipped = stored.tree.get(b"usr/etc/fstab").and_then(|node| node.as_leaf());
    let mut metadata = Metadata::root(0o644);
    let mut text = Vec::new();
    if let Some(inode) = shipped {
        metadata = inode.metadata.clone();
        if let Some(content) = inode.content() {
            text = content.read_to_vec(LIMIT).map_err(|source| BuildError::Scratch { source })?;
        }
    }
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend_from_slice(format!("UUID={boot_uuid} /boot auto ro 0 0\n").as_bytes());
    metadata.mtime = Timestamp { seconds: identity.created(), nanoseconds: 0 };
    Ok(vec![(b"fstab".to_vec(), Inode::regular(metadata, Content::bytes(text)))])
}

fn aleph(image: &Image, target: &TargetImage, kernel: &str, tree: &FileTree) -> Aleph {
    let labels = image.labels();
    let version = labels.get("org.opencontainers.image.version").or_else(|| labels.get("version")).cloned();
    let selinux = match Selinux::read(tree) {
        Some(selinux) if selinux.is_on() => "force-target-disabled",
        _ => "disabled",
    };
    Aleph {
        // A path of the machine that builds says nothing later, and would make the bytes depend on it.
        image: None,
        digest: image.manifest_digest().to_string(),
        target_image: target.name().to_owned(),
        labels,
        version,
        timestamp: None,
        kernel: kernel.to_owned(),
        selinux: selinux.to_owned(),
    }
}

/// Says what an ostree tree does not take along from the run-time directories.
fn note_dropped(dropped: &[Vec<u8>], notes: &mut Vec<String>) {
    const SHOWN: usize = 4;
    if dropped.is_empty() {
        return;
    }
    let mut names: Vec<String> = dropped.iter().take(SHOWN).map(|path| DisplayPath(path).to_string()).collect();
    if dropped.len() > SHOWN {
        names.push(format!("{} more", dropped.len() - SHOWN));
    }
    notes.push(format!("left out, as the system makes its own at every boot: {}", names.join(", ")));
}

/// Paths of all files in a tree.
fn files(tree: &FileTree) -> Vec<String> {
    let mut paths = Vec::new();
    let walked: Result<(), std::convert::Infallible> = tree.root.walk(&mut |path, node| {
        if node.as_leaf().is_some() {
            paths.push(DisplayPath(path).to_string());
        }
        Ok(())
    });
    match walked {
        Ok(()) => paths,
    }
}
