//! From blobs to trees: one thread reads and hashes blobs, one decodes ahead, one reads tar, one hashes what was read.

use std::io;
use std::thread;

use builder_tree::{ContentStore, FileTree, Metadata};
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::decode::{self, IN_FLIGHT};
use crate::entry::{self, Place};
use crate::feed::{Feed, Halt, Message};
use crate::hash::{self, Job};
use crate::layer::{Bodies, Budget, Keep, LayerBuilder, PlanBody};
use crate::problem::{LayerName, LayerProblem};
use crate::{Image, LayerTree, OciError, merge};

/// All layers of an image, and what they give together.
#[derive(Debug)]
pub struct Layers {
    /// Each layer by itself, lowest first.
    pub layers: Vec<LayerTree>,
    /// The tree that a container would see; it shares its inodes with the layers'.
    pub merged: FileTree,
}

/// How far the reading is. Layers come in order, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerProgress {
    /// A layer begins.
    Started {
        /// Counted from zero.
        index: usize,
        /// How many there are.
        total: usize,
        /// Bytes of its blob.
        compressed_size: u64,
    },
    /// More of it has been read.
    Bytes {
        /// Counted from zero.
        index: usize,
        /// Bytes of its blob that have been decoded.
        compressed_bytes_so_far: u64,
    },
    /// It is complete and verified.
    Finished {
        /// Counted from zero.
        index: usize,
        /// Bytes of its tar stream.
        uncompressed: u64,
        /// Entries in it.
        entries: u64,
    },
}

impl Image {
    /// Reads all layers, each blob once, and merges them.
    ///
    /// File bodies go to `store`, in the order of the entries; each is hashed behind what `body_prefix` gives for
    /// the file's metadata. When all is read the store is flushed.
    ///
    /// Memory stays bounded whatever the blobs claim: buffers take about 5 MiB (up to 128 MiB more for zstd blobs
    /// made with as large a window), the rest grows with the number of entries.
    ///
    /// # Errors
    /// A layer is damaged or cannot be applied; the store cannot take a body.
    pub fn read_layers(
        &self,
        store: &mut ContentStore,
        body_prefix: &dyn Fn(&Metadata) -> Vec<u8>,
        progress: &mut dyn FnMut(LayerProgress),
    ) -> Result<Layers, OciError> {
        self.read_layers_with(store, &mut |file| Keep::Stored(body_prefix(file.metadata)), progress)
    }

    /// [`Image::read_layers`] with a say about every body: what it is hashed behind may depend on where the file lies
    /// and on what came before it, and small bodies can be kept in memory, where they can be read at once.
    ///
    /// # Errors
    /// As for [`Image::read_layers`].
    pub fn read_layers_with(
        &self,
        store: &mut ContentStore,
        plan: &mut PlanBody<'_>,
        progress: &mut dyn FnMut(LayerProgress),
    ) -> Result<Layers, OciError> {
        let mut layers = Vec::new();
        let mut stack = |merged: &mut FileTree, layer: LayerTree| {
            merge::lay_over(merged, layer.clone(), &mut drop);
            layers.push(layer);
        };
        let merged = self.read_layers_onto(store, plan, &mut stack, progress)?;
        Ok(Layers { layers, merged })
    }

    /// [`Image::read_layers_with`] for who does not need the layers by themselves: each is given to `stack`, to be laid
    /// over those before it, and their tree is what comes out in the end.
    ///
    /// # Errors
    /// As for [`Image::read_layers`].
    pub fn read_layers_onto(
        &self,
        store: &mut ContentStore,
        plan: &mut PlanBody<'_>,
        stack: &mut dyn FnMut(&mut FileTree, LayerTree),
        progress: &mut dyn FnMut(LayerProgress),
    ) -> Result<FileTree, OciError> {
        let (outgoing, incoming) = bounded(IN_FLIGHT);
        let (used, reusable) = bounded(IN_FLIGHT);
        let (read, to_hash) = bounded(IN_FLIGHT);
        let mut bodies = Bodies { store, plan, layer: 0 };
        thread::scope(|scope| {
            let spawn = |name: &str| thread::Builder::new().name(name.into());
            let failed = |source| OciError::Thread { source };
            let hasher = spawn("oci-hash").spawn_scoped(scope, move || hash::hash(&to_hash, &used)).map_err(failed)?;
            let decoder = spawn("oci-decode")
                .spawn_scoped(scope, move || decode::decode(&self.layout, self.layers(), &outgoing, &reusable))
                .map_err(failed)?;
            // The ends here are dropped with the call, which wakes the others if they still wait for something.
            let result = self.consume(incoming, read, &mut bodies, stack, progress);
            for thread in [decoder, hasher] {
                if let Err(panic) = thread.join() {
                    std::panic::resume_unwind(panic);
                }
            }
            result
        })
    }

    fn consume(
        &self,
        incoming: Receiver<Message>,
        hashing: Sender<Job>,
        bodies: &mut Bodies<'_>,
        stack: &mut dyn FnMut(&mut FileTree, LayerTree),
        progress: &mut dyn FnMut(LayerProgress),
    ) -> Result<FileTree, OciError> {
        let total = self.layers().len();
        let mut merged = FileTree::new();
        let mut budget = Budget::new();
        let name = |index: usize| LayerName { number: index + 1, total, digest: self.layers()[index].digest.clone() };
        let failed = |index: usize, problem| OciError::Layer { layer: name(index), problem: Box::new(problem) };
        for (index, descriptor) in self.layers().iter().enumerate() {
            progress(LayerProgress::Started { index, total, compressed_size: descriptor.size });
            let mut on_bytes =
                |compressed_bytes_so_far| progress(LayerProgress::Bytes { index, compressed_bytes_so_far });
            let mut feed = Feed::new(&incoming, &hashing, descriptor.diff_id.hasher(), &mut on_bytes);
            bodies.layer = index;
            let mut place = Place::default();
            let mut builder = LayerBuilder::new(&merged);
            let entries = match read_layer(&mut feed, &mut place, &mut builder, bodies, &mut budget) {
                Ok(entries) => entries,
                Err(Halt::Store(source)) => return Err(OciError::Store { layer: name(index), source }),
                Err(Halt::Layer(problem)) => return Err(failed(index, problem)),
                Err(Halt::Entry(problem)) => {
                    let Place { offset, path } = place;
                    let problem = feed.verdict(LayerProblem::Entry { offset, path, problem });
                    return Err(failed(index, problem));
                }
            };
            let uncompressed = feed.position();
            let Some(computed) = feed.finish() else {
                let cause = io::Error::other("the thread that hashes has ended");
                return Err(failed(index, LayerProblem::Read { cause }));
            };
            if computed != descriptor.diff_id {
                let problem = LayerProblem::DiffId { expected: descriptor.diff_id.clone(), computed };
                return Err(failed(index, problem));
            }
            let layer = builder.finish();
            stack(&mut merged, layer);
            progress(LayerProgress::Finished { index, uncompressed, entries });
        }
        bodies.store.flush().map_err(|source| OciError::Store { layer: name(total - 1), source })?;
        Ok(merged)
    }
}

/// Reads a layer to the end of its stream; gives the number of entries.
fn read_layer(
    feed: &mut Feed<'_>,
    place: &mut Place,
    builder: &mut LayerBuilder<'_>,
    bodies: &mut Bodies<'_>,
    budget: &mut Budget,
) -> Result<u64, Halt> {
    let mut entries = 0;
    while let Some(entry) = entry::next(feed, place)? {
        builder.apply(entry, feed, bodies, budget)?;
        entries += 1;
    }
    Ok(entries)
}
