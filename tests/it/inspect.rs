//! What an image is, in words and as JSON.

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Image, system, tiny};
use serde_json::Value;

#[test]
fn inspect_tells_what_decides_a_disk() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let run = diskwright(directory.path(), ["inspect", &source, "--platform", "linux/amd64", "--json"]).succeeded();
    let facts: Value = serde_json::from_str(&run.stdout).unwrap();
    for (pointer, expected) in [
        ("/platform", "linux/amd64"),
        ("/labels/containers.bootc", "1"),
        ("/kernels/0", "6.12.1"),
        ("/os_release/PRETTY_NAME", "Tiny Linux 1"),
        ("/prepare_root/composefs.enabled", "no"),
    ] {
        assert_eq!(facts.pointer(pointer), Some(&Value::from(expected)), "{pointer} in {facts:#}");
    }
    assert_eq!(facts["layers"].as_array().unwrap().len(), 1);
    assert!(facts["boot_loaders"].to_string().contains("GRUB"), "{facts:#}");
    let text = diskwright(directory.path(), ["inspect", &source, "--platform", "linux/amd64"]).succeeded().stdout;
    for words in ["Tiny Linux 1", "linux/amd64", "6.12.1", "GRUB", "composefs", "containers.bootc"] {
        assert!(text.contains(words), "no `{words}` in:\n{text}");
    }
}

#[test]
fn an_image_that_cannot_become_a_disk_can_be_inspected() {
    let directory = tempfile::tempdir().unwrap();
    let two = diskwright_tests::fixture::kernel(system(), "6.1.0");
    let source = Image::new(vec![two]).write(&directory.path().join("two"));
    let run = diskwright(directory.path(), ["inspect", &source, "--platform", "linux/amd64"]).succeeded();
    assert!(run.stdout.contains("6.1.0") && run.stdout.contains("6.12.1"), "{}", run.stdout);
}
