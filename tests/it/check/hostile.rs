//! Disks whose words would have a terminal show something else than what is so.

use std::fs;

use diskwright_tests::command::{diskwright, target};

use super::{PRELUDE, change, disk};

/// Colours, a window's title, a cleared screen, and the one-byte form of the escape, in a title, in fstab and an origin.
const SCRIPT: &str = r#"
for number in 1 2; do
    entry $number | sed "s/^title .*/title Deb\x1b[31mRED\xc2\x9b2J/" | replace /boot/loader/entries/ostree-$number.conf
done
printf 'UUID=0123\033[31mRED\033]0;pwn\a /x\033[2J ext4 defaults 0 0\n' | replace "$(deployment)/etc/fstab"
shown "$(deployment).origin" | sed "s|registry.example/os.*|&\x1b[32mGREEN|" | replace "$(deployment).origin"
"#;

#[test]
fn terminals_and_pages_show_what_a_disk_says_and_do_not_obey_it() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    change(&disk(path), &format!("{PRELUDE}\n{SCRIPT}"));
    let run = diskwright(path, ["check", "disk.raw", "--deep", "-q", "--report", "page.html"]);
    let is_harmful = |c: char| c.is_control() && c != '\n';
    assert!(!run.stdout.contains(is_harmful), "{:?}", run.stdout);
    for words in [
        "entry \"Deb\\u{1b}[31mRED\\u{9b}2J\"",
        "mounts UUID=0123\\u{1b}[31mRED\\u{1b}]0;pwn\\u{7} at /x\\u{1b}[2J",
        "\\u{1b}[32mGREEN",
    ] {
        assert!(run.stdout.contains(words), "no `{words}` in {}", run.stdout);
    }
    let page = fs::read_to_string(path.join("page.html")).unwrap();
    assert!(page.contains("RED") && !page.contains(is_harmful), "{page:?}");
}
