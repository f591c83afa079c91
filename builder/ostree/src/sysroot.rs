//! The physical root: what the machine sees as `/sysroot` (spec 4.1, 4.4).

use builder_tree::{Content, Directory, FileTree, Inode};

use crate::made::Maker;
use crate::{Aleph, Checksum, OstreeError, Repo, RepoConfig, StoredTree, TargetImage, copy, deployment, var};

/// `bootversion` and `subbootversion` of a fresh disk: libostree begins "at 0" and flips both with the first
/// list of deployments that it writes, however long that is (spec 4.4).
const BOOT: &str = "boot.1";
const BOOT_CURRENT: &str = "boot.1.1";
const DEPLOYMENT_REFS: &str = "ostree/1/1";

/// Whether the tree's `/var` carries SELinux labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarLabels {
    /// All of it is labelled, and a stamp says so.
    Written,
    /// None of it is. There will be no stamp, so libostree labels `/var` when it first deploys an image that brings
    /// a policy; for an image without one nothing ever asks for the stamp.
    Missing,
}

/// A deployment to be made.
#[derive(Clone, Debug)]
pub struct DeploymentSpec<'a> {
    /// The commit that is deployed.
    pub commit: &'a Checksum,
    /// The tree of that commit.
    pub tree: &'a StoredTree,
    /// The image that upgrades follow.
    pub origin: &'a TargetImage,
    /// SHA-256 over kernel and initramfs in hexadecimal, which groups boot entries (spec 5.1).
    pub boot_checksum: &'a str,
    /// Local files for `/etc`, by their path below it (`fstab`). They keep the time they have.
    pub etc_files: Vec<(Vec<u8>, Inode)>,
    /// The composefs image of the commit, which becomes `.ostree.cfs` (spec 4.7).
    pub composefs: Option<Content>,
}

/// The numbers that tell deployments apart which have something in common (spec 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serials {
    /// Counts deployments of one commit, the oldest first: the end of the directory's name.
    pub deploy: u32,
    /// Counts deployments with one kernel and initramfs, the default one first: the end of the kernel argument.
    pub boot: u32,
}

/// The serials of deployments that are given by commit and boot checksum, the default one first.
#[must_use]
pub fn serials(deployments: &[(&Checksum, &str)]) -> Vec<Serials> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let of = |(index, (commit, boot)): (usize, &(&Checksum, &str))| Serials {
        deploy: count(deployments[index + 1..].iter().filter(|(other, _)| other == commit).count()),
        boot: count(deployments[..index].iter().filter(|(_, other)| other == boot).count()),
    };
    deployments.iter().enumerate().map(of).collect()
}

/// Name of a deployment's directory (spec 4.4).
#[must_use]
pub fn deployment_name(commit: &Checksum, deploy_serial: u32) -> String {
    format!("{commit}.{deploy_serial}")
}

/// The path of a deployment's directory on the physical root.
#[must_use]
pub fn deployment_path(stateroot: &str, commit: &Checksum, deploy_serial: u32) -> String {
    format!("ostree/deploy/{stateroot}/deploy/{}", deployment_name(commit, deploy_serial))
}

/// The kernel argument with which a deployment that [`build`] makes is booted.
#[must_use]
pub fn ostree_karg(stateroot: &str, boot_checksum: &str, boot_serial: u32) -> String {
    format!("ostree=/ostree/{BOOT}/{stateroot}/{boot_checksum}/{boot_serial}")
}

/// Makes the physical root with the repository and the deployments of `stateroot`, the default one first; the others
/// are there to roll back to. `/boot` is there and empty. `/var` is filled from the default one.
///
/// Kernel files in `/boot` that are the inodes of [`StoredTree::tree`] will be hard links to the objects, as in a
/// real installation.
///
/// # Errors
/// A stateroot or boot checksum that cannot be part of a path, a commit that is not in the repository, a tree that
/// cannot start, or a local file below something that is no directory.
pub fn build(
    mut repo: Repo,
    config: &RepoConfig,
    stateroot: &str,
    deployments: &[DeploymentSpec<'_>],
    var_labels: VarLabels,
    aleph: Option<&Aleph>,
) -> Result<FileTree, OstreeError> {
    check_stateroot(stateroot)?;
    for (index, spec) in deployments.iter().enumerate() {
        check_boot_checksum(spec.boot_checksum)?;
        if !repo.holds_commit(spec.commit) {
            return Err(OstreeError::NoSuchCommit { what: "the deployment".to_owned(), commit: *spec.commit });
        }
        repo.set_ref(&format!("{DEPLOYMENT_REFS}/{index}"), spec.commit)?;
    }
    let maker = repo.maker();
    let keys: Vec<_> = deployments.iter().map(|spec| (spec.commit, spec.boot_checksum)).collect();
    let numbered: Vec<_> = deployments.iter().zip(serials(&keys)).collect();

    let mut group = stateroot_directory(&numbered, maker)?;
    let mut var = maker.directory(0o755);
    if let Some(default) = deployments.first() {
        var = var::fill(&default.tree.tree, var_labels, maker);
    }
    group.insert("var", var);
    let mut deploy = maker.directory(0o755);
    deploy.insert(stateroot, group);

    let mut ostree = maker.directory(0o755);
    ostree.insert("deploy", deploy);
    ostree.insert(BOOT, maker.symlink(BOOT_CURRENT));
    ostree.insert(BOOT_CURRENT, boot_links(stateroot, &numbered, maker));
    // Only this: a `storage` in it would be taken for an initialised one (spec 5.10).
    ostree.insert("bootc", maker.directory(0o755));
    ostree.insert("repo", repo.into_directory(config)?);

    let mut root = maker.directory(0o755);
    root.insert("boot", maker.directory(0o755));
    root.insert("ostree", ostree);
    if let Some(aleph) = aleph {
        root.insert(".bootc-aleph.json", maker.file(0o644, aleph.text()));
    }
    Ok(FileTree { root })
}

/// `/ostree/deploy/STATEROOT` without its `var`.
fn stateroot_directory(numbered: &[(&DeploymentSpec<'_>, Serials)], maker: Maker) -> Result<Directory, OstreeError> {
    let mut backing = maker.directory(0o700);
    let mut deploy = maker.directory(0o755);
    for (spec, serials) in numbered {
        let name = deployment_name(spec.commit, serials.deploy);
        let mut deployment = deployment::deploy(spec.tree, &spec.etc_files, maker)?;
        if let Some(image) = &spec.composefs {
            let metadata = maker.metadata(0o644);
            deployment.insert(".ostree.cfs", Inode::regular(metadata, image.clone()));
        }
        backing.insert(name.as_str(), own_backing(&deployment, maker));
        deploy.insert(format!("{name}.origin"), maker.file(0o644, spec.origin.origin_text()?));
        deploy.insert(name, deployment);
    }
    let mut stateroot = maker.directory(0o755);
    stateroot.insert("deploy", deploy);
    stateroot.insert("backing", backing);
    Ok(stateroot)
}

/// Where a transient root of the deployment keeps what is written to it.
fn own_backing(deployment: &Directory, maker: Maker) -> Directory {
    let mut upper = maker.directory(deployment.metadata.mode);
    upper.metadata.xattrs = copy::label(&deployment.metadata);
    let mut transient = maker.directory(0o700);
    transient.insert("work", maker.directory(0o700));
    transient.insert("upper", upper);
    let mut backing = maker.directory(0o700);
    backing.insert("root-transient", transient);
    backing
}

/// `/ostree/boot.1.1`: from the kernel arguments to the deployments.
fn boot_links(stateroot: &str, numbered: &[(&DeploymentSpec<'_>, Serials)], maker: Maker) -> Directory {
    let mut kernels = maker.directory(0o755);
    for (spec, serials) in numbered {
        let name = deployment_name(spec.commit, serials.deploy);
        let target = format!("../../../deploy/{stateroot}/deploy/{name}");
        let below = kernels.entries.entry(spec.boot_checksum.into()).or_insert_with(|| maker.directory(0o755).into());
        // Only directories are put there.
        if let Some(below) = below.as_directory_mut() {
            below.insert(serials.boot.to_string(), maker.symlink(target));
        }
    }
    let mut stateroots = maker.directory(0o755);
    stateroots.insert(stateroot, kernels);
    stateroots
}

/// The name stands in paths and in the kernel's command line, where white space ends an argument.
fn check_stateroot(name: &str) -> Result<(), OstreeError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain) && name.len() <= 255 {
        return Ok(());
    }
    Err(OstreeError::Text {
        what: "the stateroot",
        given: name.to_owned(),
        problem: "is not a name of up to 255 ASCII letters, digits, -, _ and ., beginning with a letter or digit",
    })
}

fn check_boot_checksum(text: &str) -> Result<(), OstreeError> {
    text.parse::<Checksum>().map(drop).map_err(|_| OstreeError::Text {
        what: "the boot checksum",
        given: text.to_owned(),
        problem: "is not 64 lowercase hexadecimal digits",
    })
}
