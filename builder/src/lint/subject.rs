//! The image as the checks see it.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use builder_boot::{Architecture, Kernel};
use builder_initramfs::InitramfsError;
use builder_kmod::{Modules, ReadError};
use builder_oci::{FileAhead, Image, Keep, LayerTree, Layers, Platform, lay_over};
use builder_ostree::encapsulated::Base;
use builder_tree::{Content, ContentStore, Directory, FileTree, Inode, Node, Wanted};

use crate::contents::final_layer;
use crate::early::Early;
use crate::error::BuildError;
use crate::lint::boot_path::{self, BootProgram};
use crate::lint::layer_size::{LayerSize, Measuring};
use crate::lint::needed;
use crate::progress::Progress;
use crate::recipe::SelinuxChoice;
use crate::source;

/// Tells what an initramfs says, or why it cannot be read; or that the scratch file cannot.
pub(crate) type Awaited = Receiver<io::Result<Result<Early, String>>>;

/// The programs up to the kernel, and why the scratch file could not be read.
type Followed = (Vec<BootProgram>, Option<io::Error>);

/// An image that is examined. It is for one thread.
#[derive(Debug)]
pub(crate) struct Subject {
    /// What a container would see.
    pub(crate) tree: Arc<FileTree>,
    /// Whether it is in ostree's form, with `/etc` at `usr/etc`.
    pub(crate) is_ostree: bool,
    /// What the image is made for.
    pub(crate) platform: Platform,
    /// Labels of its configuration.
    pub(crate) labels: BTreeMap<String, String>,
    /// Its layers, the lowest first; none where the tree did not come from layers.
    pub(crate) layers: Vec<LayerSize>,
    early: OnceCell<Option<Result<Early, String>>>,
    /// Who will say what the initramfs says.
    awaited: Ahead<io::Result<Result<Early, String>>>,
    modules: OnceCell<Option<Result<Modules, ReadError>>>,
    /// Who reads the modules.
    reading: Ahead<Result<Modules, ReadError>>,
    boot_programs: OnceCell<Vec<BootProgram>>,
    /// Who follows them.
    following: Ahead<Followed>,
    failure: RefCell<Option<io::Error>>,
}

impl Subject {
    /// A tree that a container would see, by itself.
    pub(crate) fn new(tree: Arc<FileTree>, platform: Platform, labels: BTreeMap<String, String>) -> Self {
        Self {
            tree,
            platform,
            labels,
            is_ostree: false,
            layers: Vec::new(),
            awaited: Ahead::nobody(),
            early: OnceCell::new(),
            modules: OnceCell::new(),
            reading: Ahead::nobody(),
            boot_programs: OnceCell::new(),
            following: Ahead::nobody(),
            failure: RefCell::new(None),
        }
    }

    /// A tree in ostree's form, of which it will be told what its initramfs says. Its `/etc` is at `usr/etc`: checks are
    /// shown its entries where a container sees them, but what they look for in it by themselves they do not find.
    pub(crate) fn of_ostree(
        tree: Arc<FileTree>,
        platform: Platform,
        labels: BTreeMap<String, String>,
        early: Awaited,
    ) -> Self {
        let subject = Self::new(tree, platform, labels);
        Self { awaited: Ahead(RefCell::new(Some(early))), is_ostree: true, ..subject }
    }

    /// Reads the layers of an image; `scratch` takes the unnamed scratch file. Where `wanted` is given, only what checks
    /// need is kept of its files, and it notes if one wants more.
    pub(crate) fn read(
        image: &Image,
        wanted: Option<&Wanted>,
        scratch: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Self, BuildError> {
        let mut store = ContentStore::new(scratch).map_err(|source| BuildError::Scratch { source })?;
        let mut measuring = Measuring::new(sizes(image));
        let tree = match final_layer(image)? {
            None => {
                let mut keep = |ahead: &FileAhead<'_>| match wanted {
                    Some(wanted) => needed::keep(ahead, wanted),
                    None => Keep::Stored(Vec::new()),
                };
                // A tree of all layers is enough, and half of the memory.
                let mut stack = |merged: &mut FileTree, layer: LayerTree| {
                    measuring.layer(&layer.tree);
                    lay_over(merged, layer, &mut |node| measuring.gone(node));
                };
                source::read_onto(image, &mut store, &mut keep, &mut stack, progress)?
            }
            Some(last) => {
                let (layers, _) = source::read_layers(image, Some(last), SelinuxChoice::Off, &mut store, progress)?;
                measuring = Measuring::new(with_base(sizes(image), last));
                over_base(layers, last, &mut measuring)?
            }
        };
        let subject = Self::new(Arc::new(tree), image.platform().clone(), image.labels());
        Ok(Self { layers: measuring.finish(), ..subject })
    }

    /// Has what takes long done by threads of their own while checks look at other things: reading the initramfs and the
    /// modules of the one kernel, and following the programs up to it.
    pub(crate) fn read_ahead(self) -> Self {
        let Ok(kernel) = Kernel::find(&self.tree) else { return self };
        let awaited = Ahead::begin("lint-initramfs", move || read_early(&kernel.initramfs));
        let tree = Arc::clone(&self.tree);
        let reading = Ahead::begin("lint-modules", move || read_modules(&tree, &kernel.version));
        let (tree, platform) = (Arc::clone(&self.tree), self.platform.clone());
        let following = Ahead::begin("lint-programs", move || {
            let subject = Self::new(tree, platform, BTreeMap::new());
            (boot_path::follow(&subject), subject.failure())
        });
        Self { awaited, reading, following, ..self }
    }

    /// The first bytes of `content`: as many as `buffer` takes, or all. Gives how many there are; none where they
    /// cannot be read, which is told at the end.
    pub(crate) fn head<'b>(&self, content: &Content, buffer: &'b mut [u8]) -> &'b [u8] {
        let length = usize::try_from(content.size()).map_or(buffer.len(), |size| size.min(buffer.len()));
        let head = &mut buffer[..length];
        match content.read_at(0, head) {
            Ok(()) => head,
            Err(error) => {
                self.fail(error);
                &[]
            }
        }
    }

    /// The whole of `content`; `None` where it has more than `limit` bytes.
    pub(crate) fn whole(&self, content: &Content, limit: u64) -> Option<Vec<u8>> {
        if content.size() > limit {
            return None;
        }
        content.read_to_vec(limit).map_err(|error| self.fail(error)).ok()
    }

    /// The regular file that `path` leads to, links followed.
    pub(crate) fn file(&self, path: &str) -> Option<&Arc<Inode>> {
        let node = self.tree.resolve(path.as_bytes()).ok().flatten();
        node.and_then(Node::as_leaf).filter(|inode| inode.content().is_some())
    }

    /// The directory that `path` leads to, links followed.
    pub(crate) fn directory(&self, path: &str) -> Option<&Directory> {
        self.tree.resolve(path.as_bytes()).ok().flatten().and_then(Node::as_directory)
    }

    /// What is at `path`, links not followed.
    pub(crate) fn get(&self, path: &str) -> Option<&Node> {
        self.tree.get(path.as_bytes())
    }

    /// The architecture, where it is one that boots by UEFI and for which disks are built.
    pub(crate) fn architecture(&self) -> Option<Architecture> {
        Architecture::from_oci(&self.platform.architecture).ok()
    }

    /// What the initramfs of the one kernel says, or why it cannot be read. `None` where there is none, or several.
    pub(crate) fn early(&self) -> Option<&Result<Early, String>> {
        self.early
            .get_or_init(|| {
                let told = match self.awaited.answer() {
                    Some(told) => told,
                    // Where nobody says it, there is no build either.
                    None if self.is_ostree => return None,
                    None => read_early(&Kernel::find(&self.tree).ok()?.initramfs),
                };
                told.map_err(|error| self.fail(error)).ok()
            })
            .as_ref()
    }

    /// The modules of the one kernel, in its directory, or why they cannot be read. `None` where there is no kernel, or
    /// several.
    pub(crate) fn modules(&self) -> Option<&Result<Modules, ReadError>> {
        self.modules
            .get_or_init(|| {
                if let Some(modules) = self.reading.answer() {
                    return Some(modules);
                }
                Some(read_modules(&self.tree, &Kernel::find(&self.tree).ok()?.version))
            })
            .as_ref()
    }

    /// The programs from the firmware to the kernel, see [`boot_path::follow`].
    pub(crate) fn boot_programs(&self) -> &[BootProgram] {
        self.boot_programs.get_or_init(|| match self.following.answer() {
            Some((programs, failure)) => {
                if let Some(error) = failure {
                    self.fail(error);
                }
                programs
            }
            None => boot_path::follow(self),
        })
    }

    /// Notes that the scratch file cannot be read. Checks go on; there will be no report.
    pub(crate) fn fail(&self, error: io::Error) {
        self.failure.borrow_mut().get_or_insert(error);
    }

    /// The first failure of the scratch file.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        self.failure.borrow_mut().take()
    }
}

/// Somebody who finds something out beside other things, and is asked once.
#[derive(Debug)]
struct Ahead<T>(RefCell<Option<Receiver<T>>>);

impl<T: Send + 'static> Ahead<T> {
    fn nobody() -> Self {
        Self(RefCell::new(None))
    }

    /// Begins a thread, which is not waited for where nobody asks; nobody where there cannot be one.
    fn begin(name: &str, find_out: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        let spawned = thread::Builder::new().name(name.into()).spawn(move || drop(sender.send(find_out())));
        Self(RefCell::new(spawned.ok().map(|_| receiver)))
    }

    /// What was found out; `None` where nobody does, or has ended without an answer. Then who needs it looks itself.
    fn answer(&self) -> Option<T> {
        self.0.take()?.recv().ok()
    }
}

fn read_early(initramfs: &Inode) -> io::Result<Result<Early, String>> {
    match Early::read(initramfs) {
        Ok(early) => Ok(Ok(early)),
        Err(InitramfsError::Read { source, .. }) => Err(source),
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn read_modules(tree: &FileTree, version: &str) -> Result<Modules, ReadError> {
    Modules::read(tree, &format!("usr/lib/modules/{version}"))
}

/// The image's layers, their files not yet counted.
fn sizes(image: &Image) -> Vec<LayerSize> {
    let total = image.layers().len();
    let each = image.layers().iter().enumerate();
    each.map(|(at, layer)| LayerSize {
        first: at + 1,
        last: at + 1,
        total,
        digest: layer.digest.to_string(),
        blob_bytes: layer.size,
        ..LayerSize::default()
    })
    .collect()
}

/// The same for a chunked image: the layers up to `last` are one.
fn with_base(mut sizes: Vec<LayerSize>, last: usize) -> Vec<LayerSize> {
    let of_derived = sizes.split_off(last.saturating_add(1).min(sizes.len()));
    let blob_bytes = sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(size.blob_bytes));
    let base = sizes.pop().map(|top| LayerSize { first: 1, blob_bytes, ..top });
    base.into_iter().chain(of_derived).collect()
}

/// The tree of a chunked image: that of the commit in the layers up to `last`, with the others over it.
fn over_base(layers: Layers, last: usize, measuring: &mut Measuring) -> Result<FileTree, BuildError> {
    let Layers { mut layers, merged } = layers;
    drop(merged);
    let derived = layers.split_off(last.saturating_add(1).min(layers.len()));
    let base = Base::read(&layers.iter().map(|layer| &layer.tree).collect::<Vec<_>>())?;
    drop(layers);
    let mut tree = base.tree().clone();
    drop(base);
    // The commit has `/etc` where a deployment takes its copy from; a container sees it where it belongs.
    if tree.get(b"etc").is_none()
        && let Some(etc) = tree.remove(b"usr/etc")
    {
        tree.root.insert("etc", etc);
    }
    measuring.layer(&tree);
    for layer in derived {
        measuring.layer(&layer.tree);
        lay_over(&mut tree, layer, &mut |node| measuring.gone(node));
    }
    // What a layer has in the repository of the base has another name besides.
    if let Some(sysroot) = tree.directory_mut(b"sysroot") {
        sysroot.entries.remove(b"ostree".as_slice()).into_iter().for_each(|node| measuring.gone(node));
    }
    Ok(tree)
}
