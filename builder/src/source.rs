//! The first station: an image is opened, and its layers become trees.

use builder_oci::{FileAhead, Image, ImageSource, LayerProgress, Layers, PlanBody, Platform};
use builder_ostree::encapsulated::BodyPlan;
use builder_selinux::Policy;
use builder_tree::ContentStore;

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
    let mut prefix = |file: &FileAhead<'_>| match &mut guess {
        Some(guess) if file.layer >= base_layers => guess.prefix(file),
        _ => plan.prefix(file.layer, file.path, file.metadata, file.size, file.before),
    };
    let layers = read_with(image, store, &mut prefix, progress)?;
    Ok((layers, guess.and_then(LabelGuess::policy)))
}

/// Reads all layers into the store, each body hashed as it is.
pub(crate) fn read_plain(
    image: &Image,
    store: &mut ContentStore,
    progress: &mut dyn Progress,
) -> Result<Layers, BuildError> {
    read_with(image, store, &mut |_| Some(Vec::new()), progress)
}

fn read_with(
    image: &Image,
    store: &mut ContentStore,
    prefix: &mut PlanBody<'_>,
    progress: &mut dyn Progress,
) -> Result<Layers, BuildError> {
    let total = image.layers().iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    progress.begin(Station::Layers, total);
    let mut before = 0_u64;
    let layers = image.read_layers_with(store, prefix, &mut |event| match event {
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
