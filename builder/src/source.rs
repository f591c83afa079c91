//! The first station: an image is opened, and its layers become trees.

use builder_oci::{Image, ImageSource, LayerProgress, Layers, Platform};
use builder_tree::{ContentStore, Metadata};

use crate::error::BuildError;
use crate::progress::{Progress, Station};

/// Opens the image and tells of it.
pub(crate) fn open(source: &ImageSource, platform: &Platform) -> Result<Image, BuildError> {
    Ok(Image::open(source, platform)?)
}

/// Reads all layers into the store. `body_prefix` is hashed ahead of each body.
pub(crate) fn read_layers(
    image: &Image,
    store: &mut ContentStore,
    body_prefix: &dyn Fn(&Metadata) -> Vec<u8>,
    progress: &mut dyn Progress,
) -> Result<Layers, BuildError> {
    let total = image.layers().iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    progress.begin(Station::Layers, total);
    let mut before = 0_u64;
    let layers = image.read_layers(store, body_prefix, &mut |event| match event {
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
