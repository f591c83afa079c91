//! What a build costs, beside the least that any builder must do with the same layers in the same run.
//!
//! The floor is one pass over the layers, decompressed in one thread and hashed with SHA-256 in another.
//!
//! ```console
//! $ cargo bench -p diskwright-tests            # the example image
//! $ cargo bench -p diskwright-tests -- oci:DIR:TAG
//! ```
#![allow(missing_docs)]
#![expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use diskwright_tests::command::{program, target};
use diskwright_tests::cost::{Hash, floor, layout_of, median, timed};
use diskwright_tests::image::real;
use serde_json::Value;

/// Runs of each; the median counts.
const RUNS: usize = 5;

/// Runs of each format.
const FORMAT_RUNS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, layout] = arguments.as_slice()
        && word == "floor"
    {
        floor(Path::new(layout), Hash::Sha256);
        return;
    }
    let source = arguments.first().cloned().unwrap_or_else(|| real("example"));
    let layout = layout_of(&source);
    let scratch = tempfile::tempdir_in(target()).expect("target/ can be written");
    let this = std::env::current_exe().expect("the benchmark has a path");

    let (mut floors, mut builds) = (Vec::new(), Vec::new());
    // By turns, so that both see the same neighbours; one of each before, so that both find the layers in memory.
    for run in 0..=RUNS {
        // Freeing the blocks of an old disk is no part of building a new one.
        let _ = fs::remove_file(scratch.path().join("disk.raw"));
        let floor = timed(&this, &["floor".as_ref(), layout.as_os_str()], scratch.path());
        let arguments =
            ["build", source.as_str(), "--no-bundle", "--quiet", "--json", "--target-imgref", "registry.example/os"];
        let build = timed(program(), &arguments.map(AsRef::as_ref), scratch.path());
        if run > 0 {
            floors.push(floor);
            builds.push(build);
        }
    }
    let (floor, build) = (median(&floors), median(&builds));
    let disk = fs::metadata(scratch.path().join("disk.raw")).expect("the disk is there");
    let plan: Value = {
        let arguments =
            ["build", source.as_str(), "--quiet", "--json", "--dry-run", "--target-imgref", "registry.example/os"];
        let output = Command::new(program()).args(arguments).output().expect("diskwright runs");
        serde_json::from_slice(&output.stdout).expect("the plan is JSON")
    };
    let facts: Value = {
        let output =
            Command::new(program()).args(["inspect", &source, "--quiet", "--json"]).output().expect("diskwright runs");
        serde_json::from_slice(&output.stdout).expect("the facts are JSON")
    };
    let content = number(&facts["bytes"]);
    let scratch_bytes = number(&plan["forecast"]["scratch"]);
    let allocated = (disk.blocks() * 512) as f64;
    println!("{source}: {:.0} MiB of files, {RUNS} runs, medians", mib(content));
    println!("            wall s   cpu s   peak MiB");
    println!("floor       {:6.2}  {:6.2}   {:8.0}", floor.wall, floor.cpu, floor.peak_mib);
    println!("raw disk    {:6.2}  {:6.2}   {:8.0}", build.wall, build.cpu, build.peak_mib);
    println!(
        "ratio       {:6.2}  {:6.2}   targets: wall at most 2.00, memory under 300 MiB",
        build.wall / floor.wall,
        build.cpu / floor.cpu
    );
    println!(
        "written     {:.0} MiB output + {:.0} MiB scratch = {:.2} x the content (target: at most 2.2)",
        mib(allocated),
        mib(scratch_bytes),
        (allocated + scratch_bytes) / content
    );
    formats(&source, scratch.path(), floor.wall);
}

/// What formats cost: whole builds beside the floor, and conversions of the raw disk beside those of qemu-img.
fn formats(source: &str, directory: &Path, floor: f64) {
    let run = |program: &Path, arguments: &str, output: &str| -> (f64, u64) {
        let mut costs = Vec::new();
        for round in 0..=FORMAT_RUNS {
            let path = directory.join(output);
            // Freeing the blocks of an old disk is no part of making a new one.
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir_all(&path);
            let arguments: Vec<&std::ffi::OsStr> = arguments.split(' ').map(AsRef::as_ref).collect();
            let cost = timed(program, &arguments, directory);
            if round > 0 {
                costs.push(cost);
            }
        }
        (median(&costs).wall, size(&directory.join(output)))
    };
    println!();
    println!("builds               wall s  x floor   MiB");
    for (name, arguments) in [
        ("raw, checksums", "--type raw -o new"),
        ("qcow2 zstd", "--type qcow2 --no-bundle -o new"),
        ("qcow2 zlib", "--type qcow2 --compress zlib --no-bundle -o new"),
        ("five at once", "--type raw --type raw.zst --type qcow2 --type vmdk --type vhd --no-bundle -o new"),
    ] {
        let arguments = format!("build {source} -q --target-imgref registry.example/os {arguments}");
        let (wall, bytes) = run(program(), &arguments, "new");
        println!("{name:<19}  {wall:6.2}  {:7.2}  {:5.0}", wall / floor, mib(bytes as f64));
    }
    println!();
    println!("of the same raw disk     ours s  qemu-img s   times as fast   our MiB  its MiB   larger");
    let qemu_img = Path::new("qemu-img");
    for (name, ours, its) in [
        ("qcow2 zstd (target: 3, 5 %)", "zstd", "convert -q -f raw -O qcow2 -c -o compression_type=zstd disk.raw its"),
        ("qcow2 zlib", "zlib", "convert -q -f raw -O qcow2 -c disk.raw its"),
        ("qcow2, not compressed", "none", "convert -q -f raw -O qcow2 disk.raw its"),
    ] {
        let arguments = format!("convert disk.raw --type qcow2 --compress {ours} --no-bundle -q -o new");
        let (our_wall, our_bytes) = run(program(), &arguments, "new");
        let (its_wall, its_bytes) = run(qemu_img, its, "its");
        println!(
            "{name:<27} {our_wall:5.2}  {its_wall:10.2}  {:14.1}  {:8.0}  {:7.0}  {:6.1} %",
            its_wall / our_wall,
            mib(our_bytes as f64),
            mib(its_bytes as f64),
            (our_bytes as f64 / its_bytes as f64 - 1.0) * 100.0
        );
    }
}

/// Bytes that a file, or the files of a directory, take.
fn size(path: &Path) -> u64 {
    let metadata = fs::metadata(path).expect("it was made");
    if !metadata.is_dir() {
        return metadata.blocks() * 512;
    }
    fs::read_dir(path).expect("it is a directory").map(|entry| size(&entry.expect("it can be listed").path())).sum()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("it is a number")
}

fn mib(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}
