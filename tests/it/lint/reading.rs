//! Images that are read to their end, whatever is in them.

use diskwright_tests::chunked::chunked;
use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Image, Layer};
use serde_json::{Value, json};

use crate::lint::images::{MODULES, PREPARE_ROOT, elf, good, modules, over};
use crate::lint::programs::{booting, grub, shim};
use crate::lint::reports::{VALIDATION, counts, found, report};

#[test]
fn the_tree_of_a_chunked_image_is_that_of_its_commit_with_the_later_layers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let derived = Layer::new().file("etc/ssh/ssh_host_rsa_key", 0o600, b"-----BEGIN OPENSSH PRIVATE KEY-----\n").file(
        "usr/lib/os-release",
        0o644,
        b"ID=tiny\nVERSION_ID=2\nPRETTY_NAME=\"Tiny Linux 2\"\n",
    );
    let (image, _) = chunked(path, good(), vec![derived]);
    let report = report(path, &image.write(&path.join("image")), &[]);
    assert_eq!(found(&report, "findings", "ssh-host-keys").len(), 1, "{report:#}");
    assert_eq!(found(&report, "findings", "ssh-host-keys")[0].0, "/etc/ssh/ssh_host_rsa_key");
    assert_eq!(counts(&report), [0, 1, 0], "{report:#}");
    let layers = report["layers"].as_array().unwrap();
    let told: Vec<_> =
        layers.iter().map(|layer| json!([layer["first"], layer["last"], layer["hidden_files"]])).collect();
    assert_eq!(told, [json!([1, 2, 1]), json!([3, 3, 0])], "{report:#}");
}

#[test]
fn what_lies_behind_a_link_is_read_as_well_and_everything_else_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let release = b"ID=tiny\nVERSION_ID=1\nPRETTY_NAME=\"Tiny Linux 1\"\n";
    let elsewhere = |layer: Layer| {
        over(layer.symlink("usr/lib/os-release", "../share/vendor/release").file(
            "usr/share/vendor/release",
            0o644,
            release,
        ))
    };
    for (name, image, readings) in [
        ("good", Image::new(vec![good()]), 1),
        ("linked", elsewhere(Layer::new()), 2),
        // Whoever counts packages says nothing of a database that cannot be read.
        (
            "swallowed",
            over(Layer::new().symlink("usr/lib/sysimage/rpm", "../../share/large").file(
                "usr/share/large/rpmdb.sqlite",
                0o644,
                &[1; 5000],
            )),
            2,
        ),
    ] {
        let source = image.write(&path.join(name));
        let arguments = ["lint", &source, "--platform", "linux/amd64", "--json", "--progress", "json"];
        let run = diskwright(path, arguments).succeeded();
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(counts(&report), [0, 0, 0], "{name}: {report:#}");
        assert_eq!(run.stderr.matches(r#""event":"begin","station":"layers""#).count(), readings, "{name}");
    }
}

#[test]
fn whatever_an_image_holds_it_is_examined_to_the_end() {
    let link = |path: &str, target: &str| Layer::new().symlink(path, target);
    let large = vec![b'#'; 2 << 20];
    let images = [
        ("nothing at all", Image::new(vec![Layer::new()])),
        ("os-release in circles", over(link("usr/lib/os-release", "os-release"))),
        ("large os-release", over(Layer::new().file("usr/lib/os-release", 0o644, &large))),
        ("large settings", over(Layer::new().file(PREPARE_ROOT, 0o644, &large))),
        ("large fragment", over(Layer::new().file("usr/lib/bootc/kargs.d/a.toml", 0o644, &large))),
        ("large allow list", over(Layer::new().file("usr/lib/diskwright/lint.allow", 0o644, &large))),
        ("allow list in circles", over(link("usr/lib/diskwright/lint.allow", "lint.allow"))),
        ("allow list that is a directory", over(Layer::new().directory("usr/lib/diskwright/lint.allow/", 0o755))),
        ("usr that is a file", over(Layer::new().file("usr", 0o644, b""))),
        ("tmpfiles.d with a long line", over(Layer::new().file("usr/lib/tmpfiles.d/a.conf", 0o644, &large))),
        ("users without end", over(Layer::new().file("etc/passwd", 0o644, &large.repeat(3)))),
        ("users that are a directory", over(Layer::new().directory("etc/passwd/", 0o755))),
        ("sysusers.d in circles", over(link("usr/lib/sysusers.d", "sysusers.d"))),
        ("a default target in circles", over(link("usr/lib/systemd/system/default.target", "default.target"))),
        ("var that is a link", over(link("var", "run"))),
        ("boot that is a file", over(Layer::new().file("boot", 0o644, b""))),
        ("modules that are a link", over(link("usr/lib/modules", "/nowhere"))),
        (
            "large list of modules",
            over(Layer::new().file(&format!("{MODULES}/modules.dep"), 0o644, &vec![b'#'; 9 << 20])),
        ),
        ("list of modules in circles", over(link("usr/lib/modules/6.12.1/modules.dep", "modules.dep"))),
        ("modules in circles", over(modules("", &[]).symlink("usr/lib/modules/6.12.1/up", ".."))),
        (
            "modules that are none",
            over(modules("nvme.ko:\nahci.ko: nvme.ko ahci.ko\n", &[]).file(
                "usr/lib/modules/6.12.1/nvme.ko",
                0o644,
                &elf(62),
            )),
        ),
        ("programs that are cut off", over(booting(&shim()[..50_000], &grub()))),
        ("a program whose menu is another shim", over(booting(&shim(), &[shim(), b"/EFI/x\0".to_vec()].concat()))),
        (
            "packages that are damaged",
            over(Layer::new().file("usr/lib/sysimage/rpm/rpmdb.sqlite", 0o644, b"SQLite format 3\0")),
        ),
    ];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (at, (what, image)) in images.into_iter().enumerate() {
        let mut all = vec!["lint".to_owned(), image.write(&path.join(at.to_string()))];
        all.extend(["--platform", "linux/amd64", "-q"].map(str::to_owned));
        let run = diskwright(path, all);
        assert!(run.code == Some(0) || run.code == Some(VALIDATION), "{what}: {:?} {}", run.code, run.stderr);
        assert_eq!(run.stderr, "", "{what}");
        assert!(run.stdout.ends_with(" allowed\n"), "{what}: {}", run.stdout);
    }
}
