//! What an installer medium costs, beside what the usual tools take for a disk that is there already, in the same run.
//!
//! Theirs is `mksquashfs` with the same compressor, level and block size over the finished raw disk, and `xorriso` over the
//! tree with the result and with the same kernel, initramfs, program and EFI system partition. Ours begins with the image:
//! it makes the disk as well. A medium of ours also carries the hash of each block, and its own checksum.
//!
//! ```console
//! $ cargo bench -p diskwright-tests --bench iso            # the example image
//! $ cargo bench -p diskwright-tests --bench iso -- oci:DIR:TAG
//! ```
#![allow(missing_docs)]
#![expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]

use std::fs;
use std::path::Path;

use diskwright_tests::command::{diskwright, program, target};
use diskwright_tests::cost::{Cost, median, timed};
use diskwright_tests::image::real;
use diskwright_tests::judge::shell;

/// Runs of each; the median counts.
const RUNS: usize = 3;

/// What a payload is compressed with, as `mksquashfs` says it: `builder/src/medium/payload.rs`, and the squashfs writer's
/// own level.
const SQUASHFS: &str = "-comp zstd -Xcompression-level 3 -b 256K -noappend -no-progress -quiet -no-xattrs -all-root";

fn main() {
    let argument = std::env::args().skip(1).find(|argument| argument != "--bench");
    let source = argument.unwrap_or_else(|| real("example"));
    let scratch = tempfile::tempdir_in(target()).expect("target/ can be written");
    let directory = scratch.path();
    let build = format!("build {source} -q --no-bundle --target-imgref registry.example/os");
    let _ = diskwright(directory, format!("{build} --type iso --type raw -o .").split(' ')).succeeded();
    // The tree of theirs: the same files under the same names.
    for (part, path) in [
        ("kernel", "images/pxeboot/vmlinuz"),
        ("initramfs", "images/pxeboot/initrd.img"),
        ("installer", "images/pxeboot/diskwright.img"),
    ] {
        fs::create_dir_all(directory.join("tree/images/pxeboot")).expect("it can be made");
        let arguments = format!("iso extract install.iso {part} -o tree/{path} -q");
        let _ = diskwright(directory, arguments.split(' ')).succeeded();
    }
    let extract =
        "xorriso -osirrox on -indev install.iso -extract_boot_images boot 2>&1 && mv boot/*_uefi.img tree/esp.img";
    let _ = shell(directory, extract);
    let squashfs = format!("disk.raw tree/payload.sqfs {SQUASHFS}");
    let xorriso = "-as mkisofs -quiet -r -J -V THEIRS -e esp.img -no-emul-boot -o theirs.iso tree";

    let mut costs = [const { Vec::new() }; 4];
    // By turns, so that all see the same neighbours; one of each before, so that all find their input in memory.
    for run in 0..=RUNS {
        for (number, (program, arguments, output)) in [
            (Path::new("mksquashfs"), squashfs.as_str(), "tree/payload.sqfs"),
            (Path::new("xorriso"), xorriso, "theirs.iso"),
            (program(), &format!("{build} --type iso -o install.iso"), "install.iso"),
            (program(), &format!("{build} --type raw -o again.raw"), "again.raw"),
        ]
        .into_iter()
        .enumerate()
        {
            // Freeing the blocks of an old file is no part of making a new one.
            let _ = fs::remove_file(directory.join(output));
            let arguments: Vec<&std::ffi::OsStr> = arguments.split(' ').map(AsRef::as_ref).collect();
            let cost = timed(program, &arguments, directory);
            if run > 0 {
                costs[number].push(cost);
            }
        }
    }
    let [squashfs, xorriso, ours, disk] = costs.map(|costs| median(&costs));
    let theirs = Cost {
        wall: squashfs.wall + xorriso.wall,
        cpu: squashfs.cpu + xorriso.cpu,
        peak_mib: squashfs.peak_mib.max(xorriso.peak_mib),
    };
    let [our_size, its_size] = ["install.iso", "theirs.iso"].map(|name| {
        let bytes = fs::metadata(directory.join(name)).expect("it was made").len();
        bytes as f64 / f64::from(1 << 20)
    });
    println!("{source}: {RUNS} runs, medians");
    println!("                               wall s   cpu s   peak MiB    MiB");
    let line = |name: &str, cost: Cost, size: &str| {
        println!("{name:<29}  {:6.2}  {:6.2}   {:8.0}  {size:>5}", cost.wall, cost.cpu, cost.peak_mib);
    };
    line("mksquashfs of the disk", squashfs, "");
    line("xorriso of its tree", xorriso, "");
    line("both, the disk not counted", theirs, &format!("{its_size:.0}"));
    line("raw disk from the image", disk, "");
    line("ISO from the image", ours, &format!("{our_size:.0}"));
    println!(
        "times as fast                  {:6.2}  {:6.2}   targets: wall at least 2.00, memory under 400 MiB",
        theirs.wall / ours.wall,
        theirs.cpu / ours.cpu
    );
    println!("with the same disk before      {:6.2}", (theirs.wall + disk.wall) / ours.wall);
    println!("larger                         {:6.1} %  (target: 0)", (our_size / its_size - 1.0) * 100.0);
}
