//! Pages of HTML, in a browser.

use std::fs;

use diskwright_tests::browser::{PAPERS, open, paper};
use diskwright_tests::command::{diskwright, target};
use diskwright_tests::image::real;

#[test]
fn pages_of_lint_and_check_need_nothing_and_are_shown_in_dark_and_light() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    let source = real("mini");
    let lint = diskwright(path, ["lint", &source, "-q", "--fail-on", "never", "--report", "lint.html"]).succeeded();
    let build = ["build", &source, "-q", "--no-bundle", "--target-imgref", "registry.example/os", "-o", "disk.raw"];
    let _ = diskwright(path, build).succeeded();
    let check = diskwright(path, ["check", "disk.raw", "-q", "--deep", "--report", "check.html"]).succeeded();
    // The page is besides what is printed, and not instead of it.
    assert!(lint.stdout.contains("size-by-directory") && check.stdout.contains("Boot\n"));
    for (name, words) in [
        ("lint", &["What takes the space, by directory", "/usr/lib", "By layer", "size-by-directory"][..]),
        ("check", &["Partitions", "EFI-SYSTEM", "is GRUB", "composefs", "registry.example/os", "ostree"]),
    ] {
        let page = path.join(format!("{name}.html"));
        let text = fs::read_to_string(&page).unwrap();
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("<script"), "{name}");
        for (dark, paper_is) in PAPERS {
            let picture = path.join(format!("{name}-{dark}.png"));
            let shown = open(&page, dark, &picture);
            for word in words {
                assert!(shown.contains(word), "{name}: no {word}");
            }
            assert!(shown.matches("<rect").count() >= 2, "{name}");
            assert_eq!(paper(&picture), paper_is, "{name}, dark: {dark}");
        }
        let again = path.join("again.html");
        let arguments = if name == "lint" {
            ["lint", &source, "--fail-on", "never"]
        } else {
            ["check", "disk.raw", "--deep", "--progress=none"]
        };
        let _ = diskwright(path, arguments.into_iter().chain(["-q", "--report", "again.html"]));
        assert!(text == fs::read_to_string(&again).unwrap(), "{name}: two pages of the same differ");
    }
}
