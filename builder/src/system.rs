//! From layers to an installed system: ostree repository, deployment, `/boot` and ESP, all as trees.

use std::sync::Arc;

use builder_boot::{
    BootEntry, BootError, BootSpec, BootTrees, BootloaderChoice, ESP_MOUNT_POINT, KernelArguments, Loader, OsRelease,
    renewal, renewal_lacks,
};
use builder_erofs::{Payload, composefs_image};
use builder_oci::{Image, ImageSource, Layers};
use builder_ostree::sysroot::{self, DeploymentSpec, VarLabels};
use builder_ostree::{Aleph, Bootloader, Repo, RepoConfig, StoredTree, TargetImage};
use builder_selinux::Policy;
use builder_tree::{Content, DisplayPath, FileTree, Inode, Metadata, Timestamp};

use crate::contents::Contents;
use crate::deployable::{Deployable, Installable};
use crate::error::BuildError;
use crate::filesystems::{fat_uuid, filesystem_role};
use crate::identity::Identity;
use crate::integrity::Sealer;
use crate::labels;
use crate::layout::{Filling, Layout};
use crate::lint::gate;
use crate::medium::{BegunSource, Installed, MediumSource, check_system_arguments, named};
use crate::plan::{PlannedBoot, PlannedDeployment, PlannedEntry, PlannedImage, PlannedRollback};
use crate::progress::{Progress, Station};
use crate::recipe::{Recipe, SelinuxChoice};
use crate::settings::Selinux;
use crate::suitability::{self, Composefs};

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
    pub(crate) rollback: Option<PlannedRollback>,
    pub(crate) notes: Vec<String>,
    /// Bytes of scratch space beside the store of the images.
    pub(crate) scratch: u64,
    /// What an installer medium needs, where one is wanted.
    pub(crate) medium: Option<MediumSource>,
}

/// An image that has been read.
pub(crate) struct Read<'a> {
    pub(crate) image: &'a Image,
    pub(crate) layers: Layers,
    /// The policy that was read with the layers, most probably the image's.
    pub(crate) policy: Option<Policy>,
}

/// Makes the system that `recipe` asks for out of `images`: the one to boot, and perhaps one to roll back to.
pub(crate) fn assemble(
    recipe: &Recipe,
    images: Vec<Read<'_>>,
    identity: &Identity,
    layout: &Layout,
    progress: &mut dyn Progress,
) -> Result<System, BuildError> {
    let mut notes = Vec::new();
    // Every layer and the image itself become commits; the last step is the physical root.
    let total = images.iter().map(|read| read.layers.layers.len() as u64 + 1).sum::<u64>() + 1;
    progress.begin(Station::Objects, total);

    // What can be refused is refused before the commits are made.
    let mut installables = Vec::new();
    for Read { image, layers, policy } in images {
        let contents = Contents::new(image, layers, recipe.selinux, policy, &mut notes, progress)?;
        installables.push(Installable::new(image, contents, recipe, progress)?);
    }
    let first = &mut installables[0];
    let architecture = first.architecture;
    let choice = match (recipe.bootloader, first.install.bootloader.as_deref()) {
        // The image's own choice, where the user made none.
        (BootloaderChoice::Auto, Some("systemd")) => BootloaderChoice::Systemd,
        (BootloaderChoice::Auto, Some("none")) => BootloaderChoice::None,
        (choice, _) => choice,
    };
    let loader = Loader::find(&first.contents.merged, architecture, choice)?;
    let begun = match first.early.take().filter(|_| recipe.formats.has_medium()) {
        Some(early) => {
            let architecture = (architecture, first.image.platform().architecture.as_str());
            let (tree, release) = (&first.contents.merged, &first.release);
            Some(BegunSource::begin(tree, &loader, architecture, release, early, recipe.threads)?)
        }
        None => None,
    };
    let stateroot =
        recipe.stateroot.clone().or_else(|| first.install.stateroot.clone()).unwrap_or_else(|| "default".to_owned());
    let target = target(recipe, first.image, &first.release, progress)?;
    let mut config = RepoConfig {
        bootloader: Bootloader::None,
        bls_append_except_default: first.install.bls_append_except_default.clone(),
        fsverity: false,
    };

    // The one to roll back to goes first, as if it had been there before: what both name, refs among it, is the
    // other's in the end.
    let mut repo = Repo::new(identity.created());
    let mut done = 0;
    let mut deployables = Vec::new();
    for installable in installables.into_iter().rev() {
        deployables.push(installable.commit(&mut repo, recipe, &target, &mut done, progress)?);
    }
    deployables.reverse();
    // Nobody holds a tree any more from here on: how many names an inode gets is seen by who holds it.
    gate::judge(recipe, deployables.iter_mut().map(|deployable| deployable.look.take()), &mut notes)?;
    let stats = repo.stats();

    let boot_is_separate = layout.separate_boot();
    let boot_filling = if boot_is_separate { Filling::Boot } else { Filling::Sysroot };
    let boot_uuid = identity.uuid(&filesystem_role(boot_filling)).to_string();
    let root_uuid = identity.uuid(&filesystem_role(Filling::Sysroot)).to_string();

    let mut mounts = Vec::new();
    if boot_is_separate {
        mounts.push(format!("UUID={boot_uuid} /boot auto ro 0 0\n"));
    }
    // For systemd-boot the machine writes to its ESP: it renews what is copied there, and marks a boot good in an
    // entry's name. Others need no ESP to run.
    let is_systemd = matches!(loader, Loader::Systemd { .. });
    let lacks = deployables.iter().find_map(|one| renewal_lacks(&one.stored.tree)).filter(|_| is_systemd);
    let esp_mount = (is_systemd && lacks != Some(ESP_MOUNT_POINT)).then(|| {
        let esp = fat_uuid(identity.volume_id(&filesystem_role(Filling::Esp)));
        format!(
            "UUID={esp} /{ESP_MOUNT_POINT} vfat umask=0077,nofail,x-systemd.before=systemd-bless-boot.service 0 0\n"
        )
    });
    mounts.extend(esp_mount.clone());
    let renewal = if is_systemd && lacks.is_none() { renewal(identity.created()) } else { Vec::new() };

    let keys: Vec<_> = deployables.iter().map(|one| (&one.commit, one.boot_checksum.as_str())).collect();
    let serials = sysroot::serials(&keys);
    let mut entries = Vec::new();
    let mut sealer = None;
    for (index, (deployable, serials)) in deployables.iter().zip(&serials).enumerate() {
        let mut add = recipe.kargs.clone();
        let wants_selinux = Selinux::read(&deployable.stored.tree).is_some_and(|selinux| selinux.is_on());
        if recipe.selinux == SelinuxChoice::Off && wants_selinux && !add.iter().any(|karg| karg == "selinux=0") {
            add.push("selinux=0".to_owned());
        }
        if esp_mount.is_some() {
            // systemd would mount the ESP over /boot, which is empty until ostree's own is there.
            add.push("systemd.gpt_auto=0".to_owned());
        }
        let kargs = KernelArguments {
            root_uuid: &root_uuid,
            boot_uuid: boot_is_separate.then_some(boot_uuid.as_str()),
            add: &add,
            delete: &recipe.karg_deletes,
            ostree: &sysroot::ostree_karg(&stateroot, &deployable.boot_checksum, serials.boot),
        }
        .assemble(&deployable.stored.tree, architecture, &deployable.install)?;
        if recipe.formats.has_medium() {
            check_system_arguments(&kargs)?;
        }
        let composefs = suitability::composefs(&deployable.stored.tree, deployable.early.as_ref(), &kargs, progress)?;
        if composefs == Composefs::Sealed && sealer.is_none() {
            sealer = Some(Sealer::new(recipe)?);
        }
        entries.push(PlannedEntry {
            // As libostree numbers them: the default has the highest.
            entry: format!(
                "{}/loader/entries/ostree-{}.conf",
                if boot_is_separate { "" } else { "/boot" },
                deployables.len() - index
            ),
            title: format!("{} (ostree:{index})", deployable.release.title()),
            kernel: deployable.kernel.version.clone(),
            checksum: deployable.boot_checksum.clone(),
            options: kargs.join(" "),
            composefs: composefs.to_string(),
        });
    }
    if let Some(sealer) = &mut sealer {
        config.fsverity = true;
        let mut trees: Vec<_> = deployables.iter_mut().map(|deployable| &mut deployable.stored).collect();
        sealer.objects(&mut repo, &mut trees)?;
    }
    let names: Vec<_> = deployables
        .iter()
        .zip(&serials)
        .map(|(one, serials)| sysroot::deployment_name(&one.commit, serials.deploy))
        .collect();
    let boot_entries: Vec<_> = deployables
        .iter()
        .zip(&entries)
        .zip(&names)
        .map(|((deployable, entry), name)| BootEntry {
            kernel: &deployable.kernel,
            boot_checksum: &deployable.boot_checksum,
            deployment: name,
            kargs: &entry.options,
            title: &entry.title,
        })
        .collect();
    let trees = builder_boot::install(&BootSpec {
        stateroot: &stateroot,
        entries: &boot_entries,
        boot_fs_uuid: &boot_uuid,
        loader: &loader,
        renewal_lacks: lacks,
        created: identity.created(),
    })?;
    let BootTrees { boot, esp, notes: boot_notes, .. } = trees;
    notes.extend(boot_notes);

    let mut specs = Vec::new();
    for deployable in &deployables {
        let mut etc_files = Vec::new();
        if !mounts.is_empty() {
            etc_files.push(fstab(&deployable.stored, &mounts, identity)?);
        }
        etc_files.extend(renewal.iter().cloned());
        if let Some(keys) = &recipe.root_ssh_authorized_keys {
            etc_files.push(keys.tmpfiles(&deployable.stored.tree, identity.created()));
        }
        specs.push(DeploymentSpec {
            commit: &deployable.commit,
            tree: &deployable.stored,
            origin: &target,
            boot_checksum: &deployable.boot_checksum,
            etc_files,
            composefs: Some(Content::bytes(composefs(&repo, &deployable.stored)?)),
        });
    }
    let default = &deployables[0];
    let aleph = aleph(recipe, default, &target);
    let policy = default.policy.as_ref();
    let var_labels = if policy.is_some() { VarLabels::Written } else { VarLabels::Missing };
    let mut root = sysroot::build(repo, &config, &stateroot, &specs, var_labels, Some(&aleph))?;
    let paths: Vec<_> = deployables
        .iter()
        .zip(&serials)
        .map(|(one, serials)| sysroot::deployment_path(&stateroot, &one.commit, serials.deploy))
        .collect();
    let mut scratch = 0;
    if let Some(mut sealer) = sealer {
        sealer.rest(&mut root, &paths)?;
        scratch = sealer.finish()?;
    }
    let mut boot_tree = FileTree { root: boot };
    if !boot_is_separate {
        root.root.insert("boot", boot_tree.root.clone());
    }
    if let Some(policy) = policy {
        root = labels::root(root, policy, &stateroot, &paths, identity.created());
        boot_tree = labels::boot(boot_tree, policy, identity.created());
        notes.push(format!(
            "SELinux: every file is labelled by the image's policy `{}`",
            String::from_utf8_lossy(policy.name())
        ));
    }
    let medium = match begun {
        Some(begun) => {
            let boot = boot_is_separate.then_some(&boot_tree);
            let named_by = named::by(identity, layout, &root, boot, &esp);
            let installed = Installed {
                deployment: paths[0].trim_start_matches('/').to_owned(),
                var: format!("ostree/deploy/{stateroot}/var"),
                tracks: recipe.target_imgref.is_some().then(|| target.name().to_owned()),
                named_by: named_by.map_err(|source| BuildError::Scratch { source })?,
            };
            Some(begun.finish(installed, recipe.formats.medium.answers.as_ref())?)
        }
        None => None,
    };
    progress.at(Station::Objects, total);
    progress.end(Station::Objects);

    let deployment = |deployable: &Deployable<'_>| PlannedDeployment {
        stateroot: stateroot.clone(),
        commit: deployable.commit.to_string(),
        origin: target.origin_reference(),
        objects: stats.files + stats.dirtrees + stats.dirmetas + stats.commits,
    };
    let mut entries = entries.into_iter();
    let entry = entries.next().ok_or(BootError::NoEntries)?;
    let rollback = deployables.get(1).zip(entries.next()).zip(recipe.rollback.as_ref());
    let rollback = rollback.map(|((deployable, entry), source)| PlannedRollback {
        image: planned_image(source, deployable.image, deployable.release.title()),
        deployment: deployment(deployable),
        entry,
    });
    Ok(System {
        name: default.release.title().to_owned(),
        deployment: deployment(default),
        boot: PlannedBoot { loader: loader.to_string(), esp: files(&esp), entry },
        rollback,
        root,
        boot_tree,
        esp,
        notes,
        scratch,
        medium,
    })
}

/// What a plan says of an image.
pub(crate) fn planned_image(source: &ImageSource, image: &Image, name: &str) -> PlannedImage {
    PlannedImage {
        source: source.to_string(),
        digest: image.manifest_digest().to_string(),
        platform: image.platform().to_string(),
        layers: image.layers().len(),
        name: name.to_owned(),
    }
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
fn composefs(repo: &Repo, stored: &StoredTree) -> Result<Vec<u8>, BuildError> {
    let payload = |inode: &Arc<Inode>| -> std::io::Result<Payload> {
        let checksum = repo.object_checksum(inode)?.to_string();
        let (folder, name) = checksum.split_at(2);
        Ok(Payload {
            path: format!("{folder}/{name}.file").into_bytes(),
            verity: inode.seal.as_ref().map(|seal| seal.digest),
        })
    };
    Ok(composefs_image(&stored.tree, payload)?)
}

/// `/etc/fstab` of the deployment with `mounts` at its end, a line each.
fn fstab(stored: &StoredTree, mounts: &[String], identity: &Identity) -> Result<(Vec<u8>, Inode), BuildError> {
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
    text.extend(mounts.iter().flat_map(|line| line.bytes()));
    metadata.mtime = Timestamp { seconds: identity.created(), nanoseconds: 0 };
    Ok((b"fstab".to_vec(), Inode::regular(metadata, Content::bytes(text))))
}

fn aleph(recipe: &Recipe, deployable: &Deployable<'_>, target: &TargetImage) -> Aleph {
    let image = deployable.image;
    let labels = image.labels();
    let version = labels.get("org.opencontainers.image.version").or_else(|| labels.get("version")).cloned();
    let selinux = match Selinux::read(&deployable.stored.tree) {
        Some(selinux) if selinux.is_on() && recipe.selinux == SelinuxChoice::Off => "force-target-disabled",
        Some(selinux) if selinux.is_on() => "enabled",
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
        kernel: deployable.kernel.version.clone(),
        selinux: selinux.to_owned(),
    }
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
