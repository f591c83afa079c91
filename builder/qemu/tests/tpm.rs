//! TPMs in software (Debian package `swtpm`), alone in their process: what ends all machines ends those of other tests.

use std::path::{Path, PathBuf};

use builder_qemu::{SoftwareTpm, kill_all_machines};

/// A TPM, and the directory that it stores in.
fn start() -> (SoftwareTpm, PathBuf) {
    let tpm = SoftwareTpm::start().unwrap_or_else(|error| panic!("{error}\n{}", error.hint().unwrap_or_default()));
    let directory = tpm.control().parent().expect("the socket is in a directory").to_owned();
    (tpm, directory)
}

/// Processes whose arguments name the directory.
fn processes_of(directory: &Path) -> Vec<PathBuf> {
    let name = directory.to_str().expect("the path is text");
    let processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let names = |process: &PathBuf| {
        std::fs::read(process.join("cmdline")).is_ok_and(|words| String::from_utf8_lossy(&words).contains(name))
    };
    processes.filter(names).collect()
}

#[test]
fn neither_a_drop_nor_an_interrupt_leaves_a_process_or_a_directory() {
    let (dropped, directory) = start();
    assert!(directory.is_dir(), "{}", directory.display());
    drop(dropped);
    assert!(!directory.exists(), "dropped, and {} is still there", directory.display());

    let (_one, first) = start();
    let (_other, second) = start();
    assert!(!processes_of(&first).is_empty());
    kill_all_machines();
    for directory in [first, second] {
        assert!(!directory.exists(), "{} is still there", directory.display());
        // What has ended and is not reaped yet has no arguments any more.
        assert_eq!(processes_of(&directory), Vec::<PathBuf>::new());
    }
}
