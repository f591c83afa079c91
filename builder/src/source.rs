//! The first station: an image is opened, and its layers become trees.

use builder_oci::{
    FileAhead, Image, ImageSource, Keep, LayerProgress, LayerTree, Layers, OciError, PlanBody, Platform,
};
use builder_ostree::encapsulated::BodyPlan;
use builder_selinux::Policy;
use builder_tree::{ContentStore, FileTree};

use crate::error::BuildError;
use crate::guess::LabelGuess;
use crate::progress::{Progress, Station};
use crate::recipe::SelinuxChoice;

/// Opens the image and tells of it.
pub(crate) fn open(source: &ImageSource, platform: &Platform) -> Result<Image, BuildError> {
    Ok(Image::open(source, platform)?)
}

/// Reads all layers into the store, each body hashed behind the header of its object as far as that is known. `base` is the
/// last layer of the image's ostree commit, if it is a chunked one; `selinux` tells whether files will be labelled. With
/// them comes the policy that was read on the way.
pub(crate) fn read_layers(
    image: &Image,
    base: Option<usize>,
    selinux: SelinuxChoice,
    store: &mut ContentStore,
    progress: &mut dyn Progress,
) -> Result<(Layers, Option<Policy>), BuildError> {
    let mut plan = BodyPlan::new(base);
    let base_layers = base.map_or(0, |last| last.saturating_add(1));
    let mut guess = (selinux == SelinuxChoice::Auto).then(LabelGuess::new);
    let mut keep = |file: &FileAhead<'_>| match &mut guess {
        Some(guess) if file.layer >= base_layers => guess.prefix(file).into(),
        _ => plan.prefix(file.layer, file.path, file.metadata, file.size, file.before).into(),
    };
    let layers = told(image, progress, |on_event| image.read_layers_with(store, &mut keep, on_event))?;
    Ok((layers, guess.and_then(LabelGuess::policy)))
}

/// Reads all layers into the store, each body hashed as it is.
pub(crate) fn read_plain(
    image: &Image,
    store: &mut ContentStore,
    progress: &mut dyn Progress,
) -> Result<Layers, BuildError> {
    let mut keep = |_: &FileAhead<'_>| Keep::Stored(Vec::new());
    told(image, progress, |on_event| image.read_layers_with(store, &mut keep, on_event))
}

/// Reads all layers and gives each to `stack`, to be laid over those before it; `keep` decides about the bodies.
pub(crate) fn read_onto(
    image: &Image,
    store: &mut ContentStore,
    keep: &mut PlanBody<'_>,
    stack: &mut dyn FnMut(&mut FileTree, LayerTree),
    progress: &mut dyn Progress,
) -> Result<FileTree, BuildError> {
    told(image, progress, |on_event| image.read_layers_onto(store, keep, stack, on_event))
}

/// Tells how far `read` is, which reads all layers of `image`.
fn told<T>(
    image: &Image,
    progress: &mut dyn Progress,
    read: impl FnOnce(&mut dyn FnMut(LayerProgress)) -> Result<T, OciError>,
) -> Result<T, BuildError> {
    let total = image.layers().iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    progress.begin(Station::Layers, total);
    let mut before = 0_u64;
    let layers = read(&mut |event| match event {
        LayerProgress::Started { index, total, .. } => {
            progress.note(Station::Layers, &format!("layer {} of {total}", index + 1));
        }
        LayerProgress::Bytes { compressed_bytes_so_far, .. } => {
            progress.at(Station::Layers, before.saturating_add(compressed_bytes_so_far));
        }
        LayerProgress::Finished { index, .. } => {
            before = before.saturating_add(image.layers().get(index).map_or(0, |layer| layer.size));
            progress.at(Station::Layers, before);
        }
    })?;
    progress.end(Station::Layers);
    Ok(layers)
}
