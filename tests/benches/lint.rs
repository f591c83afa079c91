//! What lint costs, beside the least that anybody must do who reads the same layers in the same run; and what memory it
//! takes for an image of very many files.
//!
//! ```console
//! $ cargo bench -p diskwright-tests --bench lint            # the example image
//! $ cargo bench -p diskwright-tests --bench lint -- oci:DIR:TAG
//! ```
#![allow(missing_docs)]
#![expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]

use std::fs;
use std::path::Path;

use diskwright_tests::command::{program, target};
use diskwright_tests::cost::{Cost, Hash, floor, layout_of, median, timed};
use diskwright_tests::fixture::{Blob, Image, many_files, system};
use diskwright_tests::image::real;

/// Runs of each; the median counts.
const RUNS: usize = 5;

/// Files of the image of very many.
const FILES: u32 = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, layout] = arguments.as_slice()
        && let Some(hash) =
            [("decompress", Hash::Nothing), ("hash", Hash::Sha256)].iter().find(|(name, _)| name == word)
    {
        floor(Path::new(layout), hash.1);
        return;
    }
    let scratch = tempfile::tempdir_in(target()).expect("target/ can be written");
    let source = arguments.first().cloned().unwrap_or_else(|| real("example"));
    table(&source, scratch.path());
    let many = scratch.path().join("many");
    let source = Image::of(vec![Blob::gzip(system()), many_files(FILES)]).write(&many);
    table(&source, scratch.path());
    let _ = fs::remove_dir_all(many);
}

/// Prints what lint costs for an image.
fn table(source: &str, directory: &Path) {
    let layout = layout_of(source);
    let this = std::env::current_exe().expect("the benchmark has a path");
    let mut costs: [Vec<Cost>; 3] = Default::default();
    // By turns, so that all see the same neighbours; one of each before, so that all find the layers in memory.
    for run in 0..=RUNS {
        let decompressed = timed(&this, &["decompress".as_ref(), layout.as_os_str()], directory);
        let hashed = timed(&this, &["hash".as_ref(), layout.as_os_str()], directory);
        let arguments = ["lint", source, "--platform", "linux/amd64", "--quiet", "--json", "--fail-on", "never"];
        let linted = timed(program(), &arguments.map(AsRef::as_ref), directory);
        if run > 0 {
            for (costs, cost) in costs.iter_mut().zip([decompressed, hashed, linted]) {
                costs.push(cost);
            }
        }
    }
    let [decompressed, hashed, linted] = costs.map(|costs| median(&costs));
    println!("{source}: {RUNS} runs, medians");
    println!("                        wall s   cpu s   peak MiB");
    for (name, Cost { wall, cpu, peak_mib }) in
        [("decompress", decompressed), ("decompress and SHA-256", hashed), ("lint", linted)]
    {
        println!("{name:<22}  {wall:6.2}  {cpu:6.2}   {peak_mib:8.0}");
    }
    println!(
        "lint takes {:.2} x and {:.2} x the time; targets: 1.10 x decompressing, memory under 300 MiB for {FILES} files",
        linted.wall / decompressed.wall,
        linted.wall / hashed.wall
    );
}
