//! What runs of programs cost, and the least that anybody must do with the layers of an image.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What GNU time says of a process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Seconds from begin to end.
    pub wall: f64,
    /// Seconds of processors.
    pub cpu: f64,
    /// Most memory at a time, in MiB.
    pub peak_mib: f64,
}

/// Where the layout of a source `oci:DIR:TAG` lies.
///
/// # Panics
/// For other sources.
#[must_use]
pub fn layout_of(source: &str) -> PathBuf {
    let path = source.strip_prefix("oci:").expect("the benchmark takes oci:DIR:TAG");
    PathBuf::from(path.rsplit_once(':').map_or(path, |(path, _)| path))
}

/// Runs a program under GNU time in `directory`.
///
/// # Panics
/// If it fails.
#[must_use]
pub fn timed(program: &Path, arguments: &[&std::ffi::OsStr], directory: &Path) -> Cost {
    let report = directory.join("time");
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%e %U %S %M", "-o"])
        .arg(&report)
        .arg(program)
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("install the Debian package `time`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(report).expect("GNU time reports");
    let numbers: Vec<f64> =
        text.split_whitespace().map(|word| word.parse().expect("GNU time prints numbers")).collect();
    Cost { wall: numbers[0], cpu: numbers[1] + numbers[2], peak_mib: numbers[3] / 1024.0 }
}

/// The median of each.
///
/// # Panics
/// Without any.
#[must_use]
pub fn median(costs: &[Cost]) -> Cost {
    let middle = |field: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(field).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Cost { wall: middle(|cost| cost.wall), cpu: middle(|cost| cost.cpu), peak_mib: middle(|cost| cost.peak_mib) }
}

/// Whether a pass over layers computes their digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// With SHA-256, in a thread of its own.
    Sha256,
    /// Not at all.
    Nothing,
}

/// One pass over the layers of the layout: decompressed here.
///
/// # Panics
/// If they are not gzip.
pub fn floor(layout: &Path, hash: Hash) {
    let (sender, receiver) = mpsc::sync_channel::<Vec<u8>>(16);
    let hashing = thread::spawn(move || {
        let mut hasher = Sha256::new();
        for chunk in receiver {
            hasher.update(&chunk);
        }
        std::hint::black_box(hasher.finalize());
    });
    for blob in layers(layout) {
        let mut decoder = MultiGzDecoder::new(std::io::BufReader::with_capacity(
            1 << 18,
            File::open(blob).expect("the blob is there"),
        ));
        loop {
            let mut chunk = vec![0; 1 << 18];
            let mut filled = 0;
            while filled < chunk.len() {
                match decoder.read(&mut chunk[filled..]).expect("the layer is gzip") {
                    0 => break,
                    n => filled += n,
                }
            }
            chunk.truncate(filled);
            if filled == 0 {
                break;
            }
            if hash == Hash::Sha256 {
                sender.send(chunk).expect("the other thread listens");
            }
        }
    }
    drop(sender);
    hashing.join().expect("hashing does not panic");
}

/// The layers' blobs of the only image in a layout.
fn layers(layout: &Path) -> Vec<PathBuf> {
    let json = |path: PathBuf| -> Value {
        serde_json::from_slice(&fs::read(path).expect("it can be read")).expect("it is JSON")
    };
    let blob = |value: &Value| layout.join("blobs").join(value["digest"].as_str().expect("a digest").replace(':', "/"));
    let index = json(layout.join("index.json"));
    let manifest = json(blob(&index["manifests"][0]));
    manifest["layers"].as_array().expect("layers").iter().map(blob).collect()
}
