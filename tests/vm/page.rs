//! The page of a smoke test, in a browser.

use std::fs;
use std::path::Path;

use diskwright_tests::browser::{PAPERS, open, paper};
use diskwright_tests::command::target;

use crate::machine::disk;
use crate::smoke::{empty_disk, smoke};

/// Boots the disk, and has the page opened; it must say all of `words`.
fn show(disk: &Path, arguments: &[&str], words: &[&str]) {
    let page = disk.with_extension("html");
    let report = ["--screenshot", "--report", page.to_str().unwrap()];
    let smoked = smoke(disk, &[arguments, &report].concat());
    let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{error}: {}", smoked.run.stdout));
    assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("<script"));
    for (dark, paper_is) in PAPERS {
        let picture = disk.with_extension(format!("{dark}.png"));
        let shown = open(&page, dark, &picture);
        let summary = smoked.machine()["summary"].as_str().unwrap();
        for word in words.iter().chain(&[summary, "data:image/png;base64,"]) {
            assert!(shown.contains(word), "no {word} in {shown}");
        }
        // A part of the bar for each stage.
        let stages = smoked.machine()["timeline"].as_array().unwrap().len();
        assert!(shown.matches("<rect").count() >= stages, "{shown}");
        assert_eq!(paper(&picture), paper_is, "dark: {dark}");
    }
}

#[test]
fn the_page_of_a_boot_that_failed_is_shown_in_dark_and_light() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let words = [
        "firmware found nothing to boot",
        "What to do now",
        "The line that decided",
        "The last lines of the console",
        "edk2",
    ];
    show(&empty_disk(directory.path()), &[], &words);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn the_page_of_a_good_boot_is_shown_in_dark_and_light() {
    let disk = disk("mini", &[]);
    let words = ["target reached", "What was asked", "ostree admin status", "systemd told", "The screen at the end"];
    show(&disk.path, &["--run", "ostree admin status"], &words);
}
