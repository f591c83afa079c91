//! What an image brings: its trees in ostree's form, each file with the label that its commit has.

use std::sync::Arc;

use builder_oci::{Image, LayerTree, Layers, merge_over};
use builder_ostree::encapsulated::{self, Base, TopLevels};
use builder_ostree::import;
use builder_selinux::{Policy, RelabelRules, relabel};
use builder_tree::{DisplayPath, FileTree};

use crate::error::BuildError;
use crate::progress::Progress;
use crate::recipe::SelinuxChoice;
use crate::settings::prepare_root;

/// The trees of an image, ready to be committed.
pub(crate) struct Contents {
    /// The ostree commit in the first layers of a chunked image.
    pub(crate) base: Option<Base>,
    /// The other layers, lowest first.
    pub(crate) layers: Vec<FileTree>,
    /// All layers over each other.
    pub(crate) merged: Arc<FileTree>,
    /// The policy that labels the system; `None` where nothing is labelled.
    pub(crate) policy: Option<Policy>,
    /// Whether labels were set here, so that bodies have other checksums than those under which they were stored.
    pub(crate) relabelled: bool,
}

/// The last layer of the ostree commit in a chunked image, counted from zero.
pub(crate) fn final_layer(image: &Image) -> Result<Option<usize>, BuildError> {
    let labels = image.labels();
    let label = labels.get(encapsulated::LABEL).map(String::as_str);
    Ok(encapsulated::final_layer(label, image.layers().iter().map(|layer| layer.diff_id.as_str()))?)
}

impl Contents {
    /// Takes the layers of `image` apart; `policy` is one that may be the image's.
    pub(crate) fn new(
        image: &Image,
        layers: Layers,
        selinux: SelinuxChoice,
        policy: Option<Policy>,
        notes: &mut Vec<String>,
        progress: &mut dyn Progress,
    ) -> Result<Self, BuildError> {
        let mut contents = match final_layer(image)? {
            None => Self::plain(layers, notes)?,
            Some(last) => Self::over_base(layers.layers, last, notes, progress)?,
        };
        contents.policy = match selinux {
            SelinuxChoice::Auto => Policy::find_with(&contents.merged, policy)?,
            SelinuxChoice::Off => None,
        };
        // A commit that comes whole has its labels; as soon as a layer lies over it, the merged policy decides
        // (specification 3.7).
        if contents.base.is_none() || !contents.layers.is_empty() {
            contents.relabel();
        }
        Ok(contents)
    }

    fn plain(layers: Layers, notes: &mut Vec<String>) -> Result<Self, BuildError> {
        let merged = import::adapt_merged(layers.merged)?;
        note_dropped(&merged.dropped, notes);
        let layers: Result<_, BuildError> =
            layers.layers.into_iter().map(|layer| Ok(import::adapt_layer(layer.tree)?.tree)).collect();
        Ok(Self { base: None, layers: layers?, merged: Arc::new(merged.tree), policy: None, relabelled: false })
    }

    fn over_base(
        mut layers: Vec<LayerTree>,
        last: usize,
        notes: &mut Vec<String>,
        progress: &mut dyn Progress,
    ) -> Result<Self, BuildError> {
        let derived = layers.split_off((last + 1).min(layers.len()));
        let base = Base::read(&layers.iter().map(|layer| &layer.tree).collect::<Vec<_>>())?;
        drop(layers);
        let settings = prepare_root(base.tree());
        let get = |key: &str| settings.get(key).map(String::as_str);
        let top_levels = TopLevels::of_settings(get("composefs.enabled"), get("root.transient"));
        let (mut dropped, mut adapted) = (Vec::new(), Vec::new());
        for layer in derived {
            let layer = encapsulated::adapt(layer.tree, &layer.implicit, top_levels)?;
            dropped.extend(layer.dropped);
            if !layer.refused.is_empty() {
                progress.warn(&format!(
                    "left out, as the base of the image takes nothing outside of /usr, /etc and /var: {}",
                    some(&layer.refused)
                ));
            }
            if !layer.unlinked.is_empty() {
                progress.warn(&format!(
                    "left out, as nothing but the repository inside the image names it: {}",
                    some(&layer.unlinked)
                ));
            }
            adapted.push(LayerTree { tree: layer.tree, implicit: layer.implicit });
        }
        note_dropped(&dropped, notes);
        let merged = encapsulated::finish(merge_over(base.tree().clone(), &adapted));
        let layers = adapted.into_iter().map(|layer| layer.tree).collect();
        Ok(Self { base: Some(base), layers, merged: Arc::new(merged), policy: None, relabelled: false })
    }

    fn relabel(&mut self) {
        let Some(policy) = &self.policy else { return };
        let rules = RelabelRules::commit();
        let (merged, layers) = (&self.merged, &mut self.layers);
        // Two equal halves: the files of the layers are those of the image.
        self.merged = std::thread::scope(|scope| {
            let merged = scope.spawn(|| relabel(merged, policy, &rules).tree);
            for layer in layers {
                *layer = relabel(layer, policy, &rules).tree;
            }
            // A panic there is a defect, and goes on here.
            Arc::new(merged.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        self.relabelled = true;
    }
}

/// Says what an ostree tree does not take along from the run-time directories.
fn note_dropped(dropped: &[Vec<u8>], notes: &mut Vec<String>) {
    if !dropped.is_empty() {
        notes.push(format!("left out, as the system makes its own at every boot: {}", some(dropped)));
    }
}

/// The first few of some paths.
fn some(paths: &[Vec<u8>]) -> String {
    const SHOWN: usize = 4;
    let mut names: Vec<String> = paths.iter().take(SHOWN).map(|path| DisplayPath(path).to_string()).collect();
    if paths.len() > SHOWN {
        names.push(format!("{} more", paths.len() - SHOWN));
    }
    names.join(", ")
}
