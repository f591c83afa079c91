//! All that is compared of one side.

use std::collections::BTreeMap;
use std::sync::Arc;

use builder_block::SectorSize;
use builder_boot::{Architecture, InstallConfig, Kernel, OsRelease};
use builder_oci::{Image, ImageSource, Platform};
use builder_ostree::import;
use builder_packages::PackageSet;
use builder_tree::{ContentStore, DisplayPath, FileTree, Node};
use serde::Serialize;

use crate::contents::{Contents, final_layer};
use crate::diff::disk;
use crate::diff::entry::LoaderEntry;
use crate::diff::error::DiffError;
use crate::diff::fields::PartitionFacts;
use crate::diff::files::{self, Scope};
use crate::diff::side::Side;
use crate::error::BuildError;
use crate::progress::{Progress, Station};
use crate::recipe::SelinuxChoice;
use crate::source;

/// The repository inside of chunked images: names of files that have another name as well.
pub(crate) const INNER_REPOSITORY: &[u8] = b"sysroot/ostree";
/// The composefs image of a deployment.
const COMPOSEFS: &[u8] = b".ostree.cfs";
/// Paths that are named in a note.
const NAMED: usize = 4;

/// What a side is.
#[derive(Clone, Debug, Serialize)]
pub struct SideFacts {
    /// Where it is.
    pub source: String,
    /// `image`, or the format of the disk file.
    pub kind: &'static str,
    /// What the system is called.
    pub name: Option<String>,
    /// Digest of the platform's manifest, of an image.
    pub digest: Option<String>,
    /// Platform, of an image.
    pub platform: Option<String>,
    /// Size in bytes, of a disk.
    pub size: Option<u64>,
    /// GUID, of a disk.
    pub guid: Option<String>,
    /// The deployment that is compared, of a disk: its path from the root of the file system.
    pub deployment: Option<String>,
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// A disk's size, sectors and partitions.
pub(crate) struct DiskTable {
    pub(crate) size: u64,
    pub(crate) guid: String,
    pub(crate) sector: SectorSize,
    pub(crate) partitions: Vec<PartitionFacts>,
}

impl DiskTable {
    pub(crate) fn fields(&self) -> BTreeMap<String, String> {
        [("size", self.size.to_string()), ("guid", self.guid.clone()), ("sector size", self.sector.to_string())]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }
}

/// A layer of an image.
pub(crate) struct Layer {
    pub(crate) digest: String,
    pub(crate) size: u64,
}

/// Where the files of `/etc` are as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In `etc`: an image.
    Plain,
    /// In `usr/etc`: a deployment, or an image in the chunked form.
    Ostree,
}

/// One side, read.
pub(crate) struct Inventory {
    pub(crate) facts: SideFacts,
    /// Of an image.
    pub(crate) layers: Option<Vec<Layer>>,
    /// Of a disk.
    pub(crate) disk: Option<DiskTable>,
    /// Of a disk.
    pub(crate) entries: Vec<LoaderEntry>,
    pub(crate) kernels: Vec<String>,
    pub(crate) arguments: Vec<String>,
    pub(crate) packages: Result<Option<PackageSet>, String>,
    pub(crate) os_release: BTreeMap<String, String>,
    pub(crate) tree: FileTree,
    pub(crate) form: Form,
    /// Of a disk that has one.
    pub(crate) esp: Option<FileTree>,
    pub(crate) notes: Vec<String>,
}

impl Inventory {
    /// Reads a side; all bodies are in `store` then, and can be read.
    pub(crate) fn read(
        side: &Side,
        platform: &Platform,
        store: &mut ContentStore,
        progress: &mut dyn Progress,
    ) -> Result<Self, DiffError> {
        match side {
            Side::Image(source) => {
                let failed = |source| DiffError::Side { side: side.to_string(), source: Box::new(source) };
                image(source, platform, store, progress).map_err(failed)
            }
            Side::Disk(path) => {
                progress.begin(Station::Disk, 1);
                let found = disk::read(path, store)?;
                progress.end(Station::Disk);
                Ok(found)
            }
        }
    }

    /// What is found out of the files alone.
    pub(crate) fn of_tree(mut facts: SideFacts, tree: FileTree) -> Self {
        let counted: Result<(), std::convert::Infallible> = tree.root.walk(&mut |_, node| {
            facts.entries += 1;
            facts.bytes = facts.bytes.saturating_add(node.as_leaf().map_or(0, |inode| inode.size()));
            Ok(())
        });
        match counted {
            Ok(()) => {}
        }
        let mut notes = Vec::new();
        let mut os_release = BTreeMap::new();
        match OsRelease::read(&tree) {
            Ok(release) => {
                facts.name = Some(release.title().to_owned());
                os_release.clone_from(release.fields());
            }
            Err(error) => notes.push(error.to_string()),
        }
        Self {
            facts,
            layers: None,
            disk: None,
            entries: Vec::new(),
            kernels: Kernel::versions(&tree),
            arguments: Vec::new(),
            packages: builder_packages::read(&tree).map_err(|error| chain(&error)),
            os_release,
            tree,
            form: Form::Ostree,
            esp: None,
            notes,
        }
    }
}

fn image(
    from: &ImageSource,
    platform: &Platform,
    store: &mut ContentStore,
    progress: &mut dyn Progress,
) -> Result<Inventory, BuildError> {
    let image = source::open(from, platform)?;
    let layers = source::read_plain(&image, store, progress)?;
    let mut notes = Vec::new();
    let chunked = final_layer(&image)?.is_some();
    let tree = if chunked {
        // Its files are named by the commit in it, and not by its layers.
        Arc::unwrap_or_clone(Contents::new(&image, layers, SelinuxChoice::Off, None, &mut notes, progress)?.merged)
    } else {
        layers.merged
    };
    let facts = SideFacts {
        source: from.to_string(),
        kind: "image",
        name: None,
        digest: Some(image.manifest_digest().to_string()),
        platform: Some(image.platform().to_string()),
        size: None,
        guid: None,
        deployment: None,
        entries: 0,
        bytes: 0,
    };
    let mut found = Inventory::of_tree(facts, tree);
    found.notes.extend(notes);
    found.form = if chunked { Form::Ostree } else { Form::Plain };
    let layers = image.layers().iter();
    found.layers = Some(layers.map(|layer| Layer { digest: layer.digest.to_string(), size: layer.size }).collect());
    match image_arguments(&image, &found.tree) {
        Ok(arguments) => found.arguments = arguments,
        Err(error) => found.notes.push(chain(&error)),
    }
    Ok(found)
}

fn image_arguments(image: &Image, tree: &FileTree) -> Result<Vec<String>, builder_boot::BootError> {
    let architecture = Architecture::from_oci(&image.platform().architecture)?;
    let install = InstallConfig::read(tree, architecture)?;
    builder_boot::image_arguments(tree, architecture, &install)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Cuts both trees to what the two can have in common.
///
/// Gives whether the composefs images that are taken out are equal, where both have one.
pub(crate) fn align(a: &mut Inventory, b: &mut Inventory, notes: &mut Vec<String>) -> Option<bool> {
    let composefs = [&mut *a, &mut *b].map(|side| {
        if let Some(inner) = side.tree.directory_mut(INNER_REPOSITORY)
            && !inner.entries.is_empty()
        {
            inner.entries.clear();
            side.notes.push(
                "what is in /sysroot/ostree of the image is not compared: its files have other names too".to_owned(),
            );
        }
        let node = side.disk.is_some().then(|| side.tree.remove(COMPOSEFS)).flatten();
        node.as_ref()
            .and_then(Node::as_leaf)
            .and_then(|inode| inode.content())
            .and_then(|content| files::digest(content).ok())
    });
    let same = match composefs {
        [Some(one), Some(other)] => Some(one == other),
        _ => None,
    };
    if let Some(same) = same {
        let word = if same { "equal" } else { "not equal" };
        notes.push(format!("the deployments' composefs images, which hold extended attributes too, are {word}"));
    }
    if a.form != b.form {
        for side in [&mut *a, &mut *b] {
            if side.form == Form::Plain {
                adapt(side, notes);
            }
        }
    }
    match (a.disk.is_some(), b.disk.is_some()) {
        (false, true) => take_local(b, notes),
        (true, false) => take_local(a, notes),
        _ => {}
    }
    if a.disk.is_some() || b.disk.is_some() {
        notes.push("the /var of a disk's stateroot is the machine's own and is not compared".to_owned());
    }
    same
}

/// Brings an image into the form that its deployment has.
fn adapt(image: &mut Inventory, notes: &mut Vec<String>) {
    // A build would refuse files in both /etc and /usr/etc; here they are compared as their union.
    let adapted = import::adapt_merged(image.tree.clone()).or_else(|_| import::adapt_layer(image.tree.clone()));
    match adapted {
        Ok(adapted) => {
            image.tree = adapted.tree;
            if !adapted.dropped.is_empty() {
                notes.push(format!(
                    "not compared, as the system makes its own at every boot: {} of the image",
                    some(&adapted.dropped)
                ));
            }
        }
        Err(error) => notes.push(format!("the image would not become a deployment: {}", chain(&error))),
    }
}

/// Takes the `/etc` that the machine uses from a disk, which an image does not have.
fn take_local(disk: &mut Inventory, notes: &mut Vec<String>) {
    let local = disk.tree.remove(b"etc");
    let as_it_came = disk.tree.directory(b"usr/etc");
    if let (Some(Node::Directory(local)), Some(as_it_came)) = (local, as_it_came) {
        let (local, as_it_came) = (FileTree { root: *local }, FileTree { root: as_it_came.clone() });
        let changes = files::compare(&as_it_came, &local, Scope { attributes: false });
        let paths: Vec<Vec<u8>> = changes.paths().map(|path| builder_tree::join(b"etc", path)).collect();
        if !paths.is_empty() {
            notes.push(format!(
                "the disk's /usr/etc is compared, as the image's /etc; by the build or the machine these are other in \
                 /etc: {}",
                some(&paths)
            ));
        }
    }
}

/// The first few of some paths.
fn some(paths: &[Vec<u8>]) -> String {
    let mut names: Vec<String> = paths.iter().take(NAMED).map(|path| DisplayPath(path).to_string()).collect();
    if paths.len() > NAMED {
        names.push(format!("{} more", paths.len() - NAMED));
    }
    names.join(", ")
}

/// What of each file is compared.
pub(crate) fn scope(a: &Inventory, b: &Inventory, notes: &mut Vec<String>) -> Scope {
    let attributes = a.disk.is_none() && b.disk.is_none();
    if !attributes {
        notes.push(
            "extended attributes and device numbers are not compared, as they are not read from a disk".to_owned(),
        );
    }
    Scope { attributes }
}
