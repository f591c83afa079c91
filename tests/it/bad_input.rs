//! Bad input gets one clear error, the right code, and leaves everything as it was.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Blob, Image, Layer, base, blob_path, digest, kernel, system};

const INPUT: i32 = 3;
const VALIDATION: i32 = 4;
const UNSUPPORTED: i32 = 5;

/// Builds `source` with `arguments`, expecting `code` and all of `words` on stderr.
fn refused(directory: &Path, what: &str, source: &str, arguments: &[&str], code: i32, words: &[&str]) {
    let out = directory.join("out");
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("disk.raw"), "precious").unwrap();
    let mut all = vec!["build", source, "--platform", "linux/amd64"];
    all.extend(arguments);
    let begun = Instant::now();
    let run = diskwright(&out, &all);
    assert!(begun.elapsed() < Duration::from_secs(60), "{what}: took too long to refuse");
    assert_eq!(run.code, Some(code), "{what}: {}", run.stderr);
    assert_eq!(run.stderr.matches("error: ").count(), 1, "{what}: one error, once:\n{}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "{what}: no `{word}` in:\n{}", run.stderr);
    }
    assert_eq!(run.stdout, "", "{what}");
    let left: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["disk.raw"], "{what}: something was left behind");
    assert_eq!(fs::read(out.join("disk.raw")).unwrap(), b"precious", "{what}");
}

#[test]
fn a_damaged_image_is_refused_with_the_damage_named() {
    type Damage = fn(&Path, &mut Image);
    let table: &[(&str, Damage, i32, &[&str])] = &[
        (
            "truncated blob",
            |layout, image| {
                let path = blob_path(layout, &image.layers[0].digest);
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            },
            INPUT,
            &["sha256:", "bytes"],
        ),
        (
            "another byte in a blob",
            |layout, image| {
                let path = blob_path(layout, &image.layers[0].digest);
                let mut bytes = fs::read(&path).unwrap();
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                fs::write(&path, bytes).unwrap();
            },
            INPUT,
            &["layer 1 of 1"],
        ),
        (
            "missing blob",
            |layout, image| fs::remove_file(blob_path(layout, &image.layers[0].digest)).unwrap(),
            INPUT,
            &["sha256:"],
        ),
        (
            "index that is no JSON",
            |layout, _| fs::write(layout.join("index.json"), "{").unwrap(),
            INPUT,
            &["index.json"],
        ),
        (
            "index without manifests",
            |layout, _| fs::write(layout.join("index.json"), r#"{"schemaVersion":2,"manifests":[]}"#).unwrap(),
            INPUT,
            &["there is no image at all"],
        ),
    ];
    for (what, damage, code, words) in table {
        let directory = tempfile::tempdir().unwrap();
        let layout = directory.path().join("image");
        let mut image = Image::new(vec![system()]);
        let source = image.write(&layout);
        damage(&layout, &mut image);
        refused(directory.path(), what, &source, &[], *code, words);
    }
}

#[test]
fn a_lying_manifest_is_refused_with_the_lie_named() {
    type Lie = fn(&mut Blob);
    let table: &[(&str, Lie, i32, &[&str])] = &[
        ("size too large", |blob| blob.size += 1, INPUT, &["layer 1 of 1"]),
        ("size of 2^60", |blob| blob.size = 1 << 60, INPUT, &["layer 1 of 1"]),
        ("wrong diff-id", |blob| blob.diff_id = digest(b"another"), INPUT, &["layer 1 of 1", "the configuration says"]),
        (
            "unknown compression",
            |blob| blob.media_type = "application/vnd.oci.image.layer.v1.tar+lzma".into(),
            UNSUPPORTED,
            &["tar+lzma"],
        ),
        (
            "foreign layer",
            |blob| blob.media_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into(),
            UNSUPPORTED,
            &["foreign.diff"],
        ),
        (
            "no gzip at all",
            |blob| {
                blob.bytes = vec![7; 5000];
                blob.digest = digest(&blob.bytes);
                blob.size = 5000;
            },
            INPUT,
            &["layer 1 of 1", "gzip"],
        ),
        (
            "gzip that breaks off",
            |blob| {
                blob.bytes.truncate(blob.bytes.len() - 20);
                blob.digest = digest(&blob.bytes);
                blob.size = blob.bytes.len() as u64;
            },
            INPUT,
            &["layer 1 of 1", "gzip"],
        ),
    ];
    for (what, lie, code, words) in table {
        let directory = tempfile::tempdir().unwrap();
        let mut blob = Blob::gzip(system());
        lie(&mut blob);
        let source = Image::of(vec![blob]).write(&directory.path().join("image"));
        refused(directory.path(), what, &source, &[], *code, words);
    }
}

#[test]
fn a_hostile_layer_is_refused_with_the_entry_named() {
    let table: Vec<(&str, Layer, i32, Vec<&str>)> = vec![
        (
            "parent reference",
            Layer::new().file("usr/../../etc/passwd", 0o644, b"x"),
            INPUT,
            vec!["layer 2 of 2", "..", "etc/passwd"],
        ),
        (
            "hard link to nothing",
            Layer::new().hard_link("usr/a", "usr/nothing"),
            INPUT,
            vec!["layer 2 of 2", "usr/nothing"],
        ),
        (
            "hard link to a directory",
            Layer::new().hard_link("usr/a", "usr/lib"),
            INPUT,
            vec!["layer 2 of 2", "usr/lib"],
        ),
        (
            "file used as a directory",
            Layer::new().file("usr/f", 0o644, b"x").file("usr/f/below", 0o644, b"x"),
            INPUT,
            vec!["layer 2 of 2", "usr/f"],
        ),
        (
            "looping links as parents",
            Layer::new().symlink("usr/a", "b").symlink("usr/b", "a").file("usr/a/x", 0o644, b"x"),
            INPUT,
            vec!["layer 2 of 2", "usr/a"],
        ),
        ("claim of 2^60 bytes", Layer::new().claim("usr/huge", 1 << 60), INPUT, vec!["layer 2 of 2"]),
        ("FIFO", Layer::new().fifo("usr/lib/pipe"), VALIDATION, vec!["/usr/lib/pipe", "FIFO"]),
        (
            "both etc",
            Layer::new().directory("usr/etc/", 0o755).file("usr/etc/x", 0o644, b"x"),
            VALIDATION,
            vec!["/etc", "/usr/etc"],
        ),
    ];
    for (what, layer, code, words) in table {
        let directory = tempfile::tempdir().unwrap();
        let source = Image::new(vec![system(), layer]).write(&directory.path().join("image"));
        refused(directory.path(), what, &source, &[], code, &words);
    }
}

#[test]
fn an_image_that_would_not_boot_is_refused_before_writing() {
    let without_loader = {
        let mut layer = Layer::new();
        for path in ["dev/", "etc/", "proc/", "run/", "sys/", "sysroot/", "tmp/", "usr/", "var/", "boot/"] {
            layer = layer.directory(path, 0o755);
        }
        let layer = layer.symlink("ostree", "sysroot/ostree").file("usr/lib/os-release", 0o644, b"ID=x\nNAME=x\n");
        kernel(layer, "6.1.0")
    };
    let bad_kargs = system().directory("usr/lib/bootc/kargs.d/", 0o755).file(
        "usr/lib/bootc/kargs.d/10-bad.toml",
        0o644,
        b"kargs = [\"a\"]\ncolour = \"red\"\n",
    );
    let with_attribute =
        |length: usize| system().attribute("user.large", &vec![b'x'; length]).file("usr/large", 0o644, b"");
    let with_label = |length: usize| {
        system().file("etc/selinux/config", 0o644, b"SELINUX=enforcing\nSELINUXTYPE=targeted\n").file(
            "etc/selinux/targeted/contexts/files/file_contexts",
            0o644,
            format!("/usr/bin/tool\tsystem_u:object_r:{}:s0\n", "t".repeat(length)).as_bytes(),
        )
    };
    type Case<'a> = (&'a str, Layer, &'a [&'a str], i32, Vec<&'a str>);
    let table: Vec<Case<'_>> = vec![
        ("no kernel", base(), &[], VALIDATION, vec!["no kernel", "usr/lib/modules", "hint: "]),
        ("two kernels", kernel(system(), "6.1.0"), &[], VALIDATION, vec!["6.1.0", "6.12.1", "hint: "]),
        ("no boot loader", without_loader, &[], VALIDATION, vec!["usr/lib/bootupd/updates", "hint: "]),
        ("bad kargs.d", bad_kargs, &[], VALIDATION, vec!["10-bad.toml", "colour"]),
        (
            "composefs that has to be signed",
            system(),
            &["--karg", "ostree.prepare-root.composefs=signed"],
            UNSUPPORTED,
            vec!["kernel argument", "`signed`", "hint: "],
        ),
        (
            "composefs setting without a meaning",
            system(),
            &["--karg", "ostree.prepare-root.composefs=sometimes"],
            UNSUPPORTED,
            vec!["`sometimes`", "expected yes, no", "hint: "],
        ),
        ("attribute too large for Linux", with_attribute(70_000), &[], INPUT, vec!["user.large", "64 KiB"]),
        ("attribute too large for ext4", with_attribute(5000), &[], VALIDATION, vec!["usr/large", "user.large"]),
        ("label too long for Linux", with_label(5000), &[], VALIDATION, vec!["file_contexts line 1", "4095"]),
        ("label too long for ext4", with_label(4060), &[], VALIDATION, vec!["tool", "security.selinux"]),
        ("root too small", system(), &["--root-size", "4MiB"], VALIDATION, vec!["root", "4 MiB", "hint: "]),
        (
            "disk too small",
            system(),
            &["--disk-size", "600MiB", "--root-size", "1G"],
            VALIDATION,
            vec!["disk", "600 MiB", "hint: "],
        ),
        (
            "disk smaller than its ESP",
            system(),
            &["--disk-size", "64MiB"],
            VALIDATION,
            vec!["disk", "64 MiB", "hint: "],
        ),
    ];
    for (what, layer, arguments, code, words) in table {
        let directory = tempfile::tempdir().unwrap();
        let source = Image::new(vec![layer]).write(&directory.path().join("image"));
        refused(directory.path(), what, &source, arguments, code, &words);
    }
}

#[test]
fn a_source_or_platform_that_is_not_there_is_told_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let layout = path.join("image");
    let _ = Image::new(vec![system()]).write(&layout);
    let tagged = |tag: &str| format!("oci:{}:{tag}", layout.display());
    refused(path, "tag", &tagged("nightly"), &[], INPUT, &["nightly", "latest"]);
    refused(path, "no layout", "oci:nowhere:latest", &[], INPUT, &["nowhere"]);
    refused(path, "no archive", "oci-archive:nowhere.tar", &[], INPUT, &["nowhere.tar"]);
    fs::write(path.join("text.tar"), "not a tar").unwrap();
    refused(path, "no tar", &format!("oci-archive:{}", path.join("text.tar").display()), &[], INPUT, &["text.tar"]);
    refused(
        path,
        "layout file",
        &tagged("latest"),
        &["--layout", "nowhere.toml"],
        INPUT,
        &["cannot read the layout nowhere.toml"],
    );
    let run = diskwright(path, ["build", &tagged("latest"), "--platform", "linux/riscv64"]);
    assert_eq!(run.code, Some(INPUT), "{}", run.stderr);
    assert!(run.stderr.contains("linux/riscv64") && run.stderr.contains("linux/amd64"), "{}", run.stderr);
}
