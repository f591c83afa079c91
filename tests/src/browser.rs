//! Pages of HTML as a browser shows them.

use std::path::Path;
use std::process::Command;

use crate::judge::judge;

/// What pages are drawn on, in light and in dark.
pub const PAPERS: [(bool, [u8; 3]); 2] = [(false, [0xfb, 0xfa, 0xf8]), (true, [0x15, 0x18, 0x1c])];

/// Opens a page in the browser, a picture of which goes to `picture`; gives what is then in it.
///
/// # Panics
/// If the browser is missing, or complains of anything.
#[must_use]
pub fn open(page: &Path, dark: bool, picture: &Path) -> String {
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
///
/// # Panics
/// If it is no PNG file.
#[must_use]
pub fn paper(picture: &Path) -> Vec<u8> {
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
