//! The real images, built from Debian packages by `tests/images/build`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::command::{checkout, names, target};
use crate::fixture::{Blob, Layer, blob_path, digest};

/// The source text of the real image `name` (`mini` or `example`), built where it is not there yet.
///
/// # Panics
/// If it cannot be built; the script says why.
#[must_use]
pub fn real(name: &str) -> String {
    // One at a time: two tests may want the same image, and the builder has one store.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _guard = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let directory = directory(name);
    let status = Command::new(checkout().join("tests/images/build")).arg(name).arg(&directory).status();
    assert!(status.is_ok_and(|status| status.success()), "tests/images/build {name} failed");
    format!("oci:{}:latest", directory.display())
}

/// Where the layout of the real image `name` lies.
#[must_use]
pub fn directory(name: &str) -> PathBuf {
    target().join("images").join(name)
}

/// The real image `name` with one more layer over it, as a layout in `layout` on the same file system; gives its source
/// text.
///
/// # Panics
/// If the image cannot be built or read, or the layout not be written.
#[must_use]
pub fn derived(name: &str, layer: Layer, layout: &Path) -> String {
    let _ = real(name);
    let base = directory(name);
    let read = |path: &Path| -> Value {
        let text = fs::read(path).expect("the image can be read");
        serde_json::from_slice(&text).expect("it is JSON")
    };
    let referred = |value: &Value| read(&blob_path(&base, value["digest"].as_str().expect("there is a digest")));
    let mut manifest = referred(&read(&base.join("index.json"))["manifests"][0]);
    let mut config = referred(&manifest["config"]);
    fs::create_dir_all(layout.join("blobs/sha256")).expect("the layout's directory can be made");
    let list = |value: &mut Value| -> Vec<Value> { value.as_array().cloned().expect("it is a list") };
    let mut layers = list(&mut manifest["layers"]);
    for blob in &layers {
        let digest = blob["digest"].as_str().expect("there is a digest");
        fs::hard_link(blob_path(&base, digest), blob_path(layout, digest)).expect("the blob can be linked");
    }
    let blob = Blob::gzip(layer);
    let mut diff_ids = list(&mut config["rootfs"]["diff_ids"]);
    diff_ids.push(json!(blob.diff_id));
    config["rootfs"]["diff_ids"] = json!(diff_ids);
    let mut history = list(&mut config["history"]);
    history.push(json!({ "created": config["created"], "created_by": "one more layer" }));
    config["history"] = json!(history);
    layers.push(json!({ "mediaType": blob.media_type, "digest": blob.digest, "size": blob.size }));
    manifest["layers"] = json!(layers);
    let put = |bytes: &[u8]| -> Value {
        let digest = digest(bytes);
        fs::write(blob_path(layout, &digest), bytes).expect("a blob can be written");
        json!({ "digest": digest, "size": bytes.len() })
    };
    let _ = put(&blob.bytes);
    let described = put(config.to_string().as_bytes());
    manifest["config"]["digest"] = described["digest"].clone();
    manifest["config"]["size"] = described["size"].clone();
    let mut described = put(manifest.to_string().as_bytes());
    described["mediaType"] = manifest["mediaType"].clone();
    described["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
    let index = json!({ "schemaVersion": 2, "manifests": [described] });
    fs::write(layout.join("index.json"), index.to_string()).expect("the index can be written");
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("the marker can be written");
    format!("oci:{}:latest", layout.display())
}

/// A layer with the pieces of GRUB for a BIOS, as Debian has them; without the one that is named.
///
/// # Panics
/// If they are not installed.
#[must_use]
pub fn grub_for_bios(without: &str) -> Layer {
    let folder = "usr/lib/grub/i386-pc";
    let from = Path::new("/").join(folder);
    assert!(from.is_dir(), "no {}; install the Debian package `grub-pc-bin`", from.display());
    let wanted = |name: &String| [".img", ".mod", ".lst"].iter().any(|end| name.ends_with(end)) && name != without;
    let layer = Layer::new().directory(&format!("{folder}/"), 0o755);
    names(&from).into_iter().filter(wanted).fold(layer, |layer, name| {
        let bytes = fs::read(from.join(&name)).expect("the pieces can be read");
        layer.file(&format!("{folder}/{name}"), 0o644, &bytes)
    })
}
