//! The physical root: what the machine sees as `/sysroot` (spec 4.1, 4.4).

use builder_tree::{Directory, FileTree, Inode};

use crate::made::Maker;
use crate::{Aleph, Checksum, OstreeError, Repo, RepoConfig, StoredTree, TargetImage, copy, deployment, var};

/// `bootversion` and `subbootversion` of a fresh disk: libostree begins "at 0" and flips both with the first
/// deployment (spec 4.4).
const BOOT: &str = "boot.1";
const BOOT_CURRENT: &str = "boot.1.1";
const DEPLOYMENT_REF: &str = "ostree/1/1/0";
/// The first deployment of a commit, and the first with its kernel.
const SERIAL: u32 = 0;
const BOOT_SERIAL: u32 = 0;

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
    /// Name of the group of deployments that share one `/var`; bootc's is `default`.
    pub stateroot: &'a str,
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
    pub composefs: Option<Vec<u8>>,
    /// Whether `/var` is labelled.
    pub var_labels: VarLabels,
}

/// The path of a deployment's directory on the physical root.
#[must_use]
pub fn deployment_path(stateroot: &str, commit: &Checksum, serial: u32) -> String {
    format!("ostree/deploy/{stateroot}/deploy/{commit}.{serial}")
}

/// The kernel argument with which the deployment that [`build`] makes is booted.
#[must_use]
pub fn ostree_karg(stateroot: &str, boot_checksum: &str) -> String {
    format!("ostree=/ostree/{BOOT}/{stateroot}/{boot_checksum}/{BOOT_SERIAL}")
}

/// Makes the physical root with the repository and one deployment. `/boot` is there and empty.
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
    spec: &DeploymentSpec<'_>,
    aleph: Option<&Aleph>,
) -> Result<FileTree, OstreeError> {
    check_stateroot(spec.stateroot)?;
    check_boot_checksum(spec.boot_checksum)?;
    if !repo.holds_commit(spec.commit) {
        return Err(OstreeError::NoSuchCommit { what: "the deployment".to_owned(), commit: *spec.commit });
    }
    repo.set_ref(DEPLOYMENT_REF, spec.commit)?;
    let maker = repo.maker();

    let mut ostree = maker.directory(0o755);
    ostree.insert("deploy", deployments(spec, maker)?);
    ostree.insert(BOOT, maker.symlink(BOOT_CURRENT));
    ostree.insert(BOOT_CURRENT, boot_links(spec, maker));
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

/// `/ostree/deploy`.
fn deployments(spec: &DeploymentSpec<'_>, maker: Maker) -> Result<Directory, OstreeError> {
    let name = format!("{}.{SERIAL}", spec.commit);
    let mut deployment = deployment::deploy(spec.tree, &spec.etc_files, maker)?;
    if let Some(image) = &spec.composefs {
        deployment.insert(".ostree.cfs", maker.file(0o644, image.clone()));
    }

    let mut upper = maker.directory(deployment.metadata.mode);
    upper.metadata.xattrs = copy::label(&deployment.metadata);
    let mut transient = maker.directory(0o700);
    transient.insert("work", maker.directory(0o700));
    transient.insert("upper", upper);
    let mut own_backing = maker.directory(0o700);
    own_backing.insert("root-transient", transient);
    let mut backing = maker.directory(0o700);
    backing.insert(name.as_str(), own_backing);

    let mut deploy = maker.directory(0o755);
    deploy.insert(format!("{name}.origin"), maker.file(0o644, spec.origin.origin_text()?));
    deploy.insert(name, deployment);

    let mut stateroot = maker.directory(0o755);
    stateroot.insert("deploy", deploy);
    stateroot.insert("backing", backing);
    stateroot.insert("var", var::fill(&spec.tree.tree, spec.var_labels, maker));
    let mut all = maker.directory(0o755);
    all.insert(spec.stateroot, stateroot);
    Ok(all)
}

/// `/ostree/boot.1.1`: from the kernel argument to the deployment.
fn boot_links(spec: &DeploymentSpec<'_>, maker: Maker) -> Directory {
    let target = format!("../../../deploy/{}/deploy/{}.{SERIAL}", spec.stateroot, spec.commit);
    let mut serials = maker.directory(0o755);
    serials.insert(BOOT_SERIAL.to_string(), maker.symlink(target));
    let mut kernels = maker.directory(0o755);
    kernels.insert(spec.boot_checksum, serials);
    let mut stateroots = maker.directory(0o755);
    stateroots.insert(spec.stateroot, kernels);
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
