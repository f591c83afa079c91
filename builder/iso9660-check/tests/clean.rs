//! Images that others make are right, and are seen as others see them.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use builder_iso9660_check::{Found, Level, MediaSum, Names, Node, Platform};
use support::{make, must, report, tree, usual};

/// All paths of a directory.
fn paths(entries: &std::collections::BTreeMap<Vec<u8>, Node>, above: &str, found: &mut BTreeSet<String>) {
    for (name, node) in entries {
        let path = format!("{above}/{}", String::from_utf8_lossy(name));
        if let Node::Directory(inner) = node {
            paths(inner, &path, found);
        }
        assert!(found.insert(path));
    }
}

/// All paths as `isoinfo` lists them.
fn listed(image: &Path, names: &[&str]) -> BTreeSet<String> {
    let text = must("genisoimage", Command::new("isoinfo").arg("-f").args(names).arg("-i").arg(image));
    // It complains of entries in between.
    let lines = text.lines().filter(|line| line.starts_with('/'));
    lines.map(|line| line.split(';').next().unwrap().trim_end_matches('.').to_owned()).collect()
}

#[test]
fn images_of_others_are_clean_and_have_the_files_that_isoinfo_lists() {
    let tree = tree();
    for (tool, options, names, isoinfo) in [
        ("xorriso", &["-J", "-R"][..], Names::RockRidge, &["-R"][..]),
        (
            "xorriso",
            &["-J", "-R", "-partition_offset", "16", "-e", "boot/efi.img", "-no-emul-boot"],
            Names::RockRidge,
            &["-R"],
        ),
        ("genisoimage", &["-J", "-R"], Names::RockRidge, &["-R"]),
        ("genisoimage", &["-R"], Names::RockRidge, &["-R"]),
        ("genisoimage", &["-D"], Names::Plain, &[]),
    ] {
        let image = make(tree.path(), tool, options);
        let report = report(&fs::read(image.path()).unwrap(), Level::Sum);
        let text: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        assert!(report.is_clean(), "{tool} {options:?}: {text:#?}");
        assert_eq!(report.tree.names, names);
        let volume = report.volume.unwrap();
        assert_eq!((volume.id.as_str(), volume.has_joliet), ("MY MEDIUM", options.contains(&"-J")));
        let mut found = BTreeSet::new();
        paths(&report.tree.root, "", &mut found);
        let mut expected = listed(image.path(), isoinfo);
        // It shows where deep directories are kept, and not where they were taken from.
        for set in [&mut found, &mut expected] {
            set.retain(|path| !path.contains("/h") && !path.contains("rr_moved"));
        }
        assert!(expected.len() > 70, "{expected:?}");
        assert_eq!(found, expected, "{tool} {options:?}");
        if names == Names::RockRidge {
            assert!(matches!(report.tree.find(b"/a/b/c/d/e/f/g/h/i/j/deep"), Some(Found::File(_))), "{tool}");
        }
    }
}

#[test]
fn files_have_the_bytes_that_were_put_in() {
    let tree = tree();
    for (tool, options) in [("xorriso", &["-R"][..]), ("genisoimage", &["-R"]), ("genisoimage", &["-J"])] {
        let image = fs::read(make(tree.path(), tool, options).path()).unwrap();
        let report = report(&image, Level::Tree);
        for name in ["boot/grub/grub.cfg", "live/kernel", "live/empty", "live/initrd"] {
            let Some(Found::File(file)) = report.tree.find(format!("/{name}").as_bytes()) else {
                // Without Rock Ridge the tree has the names of ISO 9660, which have no case.
                panic!("{tool} {options:?}: no {name}")
            };
            assert_eq!(
                file.read(&image, 1 << 20).unwrap(),
                fs::read(tree.path().join(name)).unwrap(),
                "{tool}: {name}"
            );
            assert!(file.size() == 0 || file.read(&image, file.size() - 1).is_err());
        }
    }
}

#[test]
fn links_lead_where_they_led() {
    let image = usual();
    let report = report(&image, Level::Tree);
    let Some(Node::Directory(boot)) = report.tree.root.get(&b"boot"[..]) else { panic!() };
    assert_eq!(boot[&b"link"[..]], Node::Link(b"../live/kernel".to_vec()));
    let Node::Link(target) = &boot[&b"long-link"[..]] else { panic!() };
    assert_eq!(
        target.strip_suffix(b"/").unwrap_or(target),
        format!("/{}", "x/".repeat(300)).trim_end_matches('/').as_bytes()
    );
    assert_eq!(report.tree.find(b"/boot/link"), report.tree.find(b"/live/kernel"));
}

#[test]
fn uuid_label_and_checksum_are_those_that_others_see() {
    let tree = tree();
    let options = ["-J", "-R", "-e", "boot/efi.img", "-no-emul-boot"];
    let image = make(tree.path(), "xorriso", &options);
    must("isomd5sum", Command::new("implantisomd5").arg(image.path()));
    must("isomd5sum", Command::new("checkisomd5").arg(image.path()));
    let found = report(&fs::read(image.path()).unwrap(), Level::Sum);
    let volume = found.volume.unwrap();
    let shown = must("util-linux", Command::new("/usr/sbin/blkid").args(["-p", "-o", "export"]).arg(image.path()));
    let uuid = shown.lines().find_map(|line| line.strip_prefix("UUID="));
    assert_eq!(volume.uuid.as_deref(), uuid, "{shown}");
    assert!(shown.contains("\nLABEL=MY"), "{shown}");
    assert!(matches!(found.media_sum, MediaSum::Right(_)));
    let image = fs::read(image.path()).unwrap();
    assert_eq!(report(&image, Level::Tree).media_sum, MediaSum::Unread);
    let [boot] = &found.boot_images[..] else { panic!("{:?}", found.boot_images) };
    let Some(Found::File(file)) = found.tree.find(b"/boot/efi.img") else { panic!() };
    assert_eq!((boot.platform, boot.offset, boot.size), (Platform::Efi, file.extents[0].offset, 40_960));
}
