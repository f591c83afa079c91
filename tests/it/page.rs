//! Pages of HTML, in a browser.

use std::fs;
use std::path::Path;
use std::process::Command;

use diskwright_tests::command::{diskwright, target};
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;

/// Opens a page in the browser; gives what is then in it. Whatever the browser complains of fails the test.
fn open(page: &Path, dark: bool, picture: &Path) -> String {
    let profile = tempfile::tempdir().unwrap();
    let run = |what: &str| {
        let output = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,2200"])
            .args(["--enable-logging=stderr", "--log-level=1"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            // As a reader's settings have it: 0 is dark, 1 is light.
            .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)))
            .args([what, &format!("file://{}", page.display())])
            .output()
            .unwrap_or_else(|error| panic!("chromium: {error}; install the Debian package `chromium`"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let complaints: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
        assert!(complaints.is_empty(), "{complaints:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let _ = run(&format!("--screenshot={}", picture.display()));
    run("--dump-dom")
}

/// The colour of the first pixel of a PNG file: that of the paper.
fn paper(picture: &Path) -> Vec<u8> {
    let script = "import struct, sys, zlib
data = open(sys.argv[1], 'rb').read()
at, body = 8, b''
while at < len(data):
    length, kind = struct.unpack('>I4s', data[at:at + 8])
    body += data[at + 8:at + 8 + length] if kind == b'IDAT' else b''
    at += length + 12
# Whatever the filter of the first line is, its first pixel is as it is.
print(*zlib.decompress(body)[1:4])";
    let words = judge("python3", ["-c".as_ref(), script.as_ref(), picture.as_os_str()]).passed().stdout;
    words.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

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
        for (dark, paper_is) in [(false, [0xfb, 0xfa, 0xf8]), (true, [0x15, 0x18, 0x1c])] {
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
