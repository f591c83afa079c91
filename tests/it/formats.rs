//! The same disk in every format, as each format's own tools see it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use diskwright_tests::command::{Run, diskwright};
use diskwright_tests::fixture::tiny;
use diskwright_tests::judge::{judge, shell};
use serde_json::Value;

const TYPES: [&str; 10] =
    ["raw", "raw.zst", "raw.xz", "raw.gz", "qcow2", "vmdk", "vhd", "gce", "ova", "container-disk"];

const NAMES: [&str; 10] = [
    "disk.raw",
    "disk.raw.zst",
    "disk.raw.xz",
    "disk.raw.gz",
    "disk.qcow2",
    "disk.vmdk",
    "disk.vhd",
    "image.tar.gz",
    "image.ova",
    "disk.ociarchive",
];

fn build(directory: &Path, source: &str, arguments: &[&str]) -> Run {
    let mut all = vec!["build", source, "--platform", "linux/amd64", "--json", "--no-bundle"];
    all.extend(arguments);
    diskwright(directory, all)
}

#[test]
fn all_formats_of_one_pass_hold_the_same_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let mut arguments = vec!["-o", "out"];
    TYPES.iter().for_each(|name| arguments.extend(["--type", name]));
    let run = build(path, &source, &arguments).succeeded();
    // Read once: the layers are a station that is begun once.
    assert_eq!(run.stderr.matches("Reading layers").count(), 1, "{}", run.stderr);
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    let out = path.join("out");
    for (artefact, (name, format)) in result["artefacts"].as_array().unwrap().iter().zip(NAMES.iter().zip(TYPES)) {
        assert_eq!((artefact["path"].as_str(), artefact["format"].as_str()), (out_name(name).as_deref(), Some(format)));
        let file = fs::metadata(out.join(name)).unwrap();
        assert_eq!(artefact["size"], file.len(), "{name}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), NAMES.len());
    // Compute Engine takes whole GiB, and there is one disk.
    assert_eq!(result["plan"]["disk"]["size"].as_u64().unwrap() % (1 << 30), 0);

    let _ = shell(&out, "zstd -qdc disk.raw.zst | cmp - disk.raw; xz -dc disk.raw.xz | cmp - disk.raw");
    let _ = shell(&out, "xz -t disk.raw.xz; gzip -t disk.raw.gz; gzip -dc disk.raw.gz | cmp - disk.raw");
    // One stream of many blocks, as `xz -T0` makes it, and not many streams.
    let listed = shell(&out, "xz --robot --list disk.raw.xz");
    assert!(listed.lines().any(|line| line.starts_with("file\t1\t")), "{listed}");
    for (format, name) in [("qcow2", "disk.qcow2"), ("vmdk", "disk.vmdk"), ("vpc", "disk.vhd")] {
        let _ = shell(&out, &format!("qemu-img compare -q -f raw -F {format} disk.raw {name}"));
    }
    let _ = shell(&out, "qemu-img check -q disk.qcow2; qemu-img check -q disk.vmdk");
    let info = shell(&out, "qemu-img info disk.qcow2");
    assert!(info.contains("compat: 1.1") && info.contains("compression type: zstd"), "{info}");
    let vhd = fs::metadata(out.join("disk.vhd")).unwrap().len();
    assert_eq!((vhd - 512) % (1 << 20), 0, "Azure wants whole MiB and a footer");

    let _ = shell(&out, "mkdir gce && tar -xSf image.tar.gz -C gce && cmp gce/disk.raw disk.raw");
    assert_eq!(shell(&out, "ls gce"), "disk.raw\n");
    // The magic of old GNU tar, which Compute Engine asks for.
    assert_eq!(shell(&out, "gzip -dc image.tar.gz | head -c 264 | tail -c 7"), "ustar  ");
    let sparse = fs::metadata(out.join("gce/disk.raw")).unwrap();
    assert!(sparse.blocks() * 512 < sparse.len() / 2, "holes are kept in the archive");
}

fn out_name(name: &str) -> Option<String> {
    Some(format!("out/{name}"))
}

#[test]
fn an_ova_is_what_its_manifest_and_descriptor_say() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let run = build(path, &source, &["--type", "ova", "--type", "raw", "-o", "out"]).succeeded();
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    let out = path.join("out");
    // The descriptor comes first; an importer that streams needs it there.
    assert_eq!(shell(&out, "tar -tf image.ova"), "image.ovf\nimage-disk1.vmdk\nimage.mf\n");
    let _ = shell(&out, "tar -xf image.ova");
    let _ = shell(&out, "sed -E 's/^SHA256\\((.*)\\)= (.*)$/\\2  \\1/' image.mf | sha256sum --quiet -c -");
    let _ = shell(&out, "qemu-img compare -q -f raw -F vmdk disk.raw image-disk1.vmdk");
    let descriptor = out.join("image.ovf");
    let said = |what: &str| {
        let what = format!("string({what})");
        let verdict = judge("xmllint", ["--xpath".as_ref(), what.as_ref(), descriptor.as_os_str()]).passed();
        verdict.stdout.trim().to_owned()
    };
    let attribute =
        |element: &str, name: &str| said(&format!("//*[local-name()=\"{element}\"]/@*[local-name()=\"{name}\"]"));
    let disk = fs::metadata(out.join("image-disk1.vmdk")).unwrap().len();
    assert_eq!(attribute("File", "size"), disk.to_string());
    assert_eq!(attribute("File", "href"), "image-disk1.vmdk");
    assert_eq!(attribute("Disk", "capacity"), plan["plan"]["disk"]["size"].to_string());
    assert_eq!(attribute("Config", "value"), "efi");
}

#[test]
fn a_container_disk_is_an_image_with_the_disk_that_qemu_may_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let types = ["--type", "container-disk", "--type", "qcow2", "--compress", "zlib", "-o", "out"];
    let _ = build(path, &source, &types).succeeded();
    let out = path.join("out");
    let config = shell(&out, "skopeo inspect --config oci-archive:disk.ociarchive");
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!((&config["architecture"], &config["os"]), (&"amd64".into(), &"linux".into()));
    // Copying checks every digest.
    let _ = shell(&out, "skopeo copy -q oci-archive:disk.ociarchive oci:layout:disk");
    let layer = shell(&out, "skopeo inspect --raw oci:layout:disk");
    let layer: Value = serde_json::from_str(&layer).unwrap();
    let digest = layer["layers"][0]["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
    let listed = shell(&out, &format!("zcat -f layout/blobs/sha256/{digest} | tar -tv --numeric-owner -f -"));
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].contains("107/107") && lines[0].ends_with(" disk/"), "{listed}");
    assert!(lines[1].contains("107/107") && lines[1].ends_with(" disk/disk.qcow2"), "{listed}");
    let _ =
        shell(&out, &format!("zcat -f layout/blobs/sha256/{digest} | tar -xO -f - disk/disk.qcow2 | cmp - disk.qcow2"));
}

#[test]
fn qcow2_is_compressed_as_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let _ = build(path, &source, &["-o", "disk.raw"]).succeeded();
    for (arguments, words) in [
        (&["--compress", "zstd", "--compress-level", "9"][..], ["compression type: zstd", "cluster_size: 65536"]),
        (&["--compress", "zlib"], ["compression type: zlib", "cluster_size: 65536"]),
        (&["--compress", "none", "--cluster-size", "2M"], ["compression type: zlib", "cluster_size: 2097152"]),
        (&["--cluster-size", "4096"], ["compression type: zstd", "cluster_size: 4096"]),
    ] {
        let mut all = vec!["--type", "qcow2", "-o", "disk.qcow2"];
        all.extend(arguments);
        let _ = build(path, &source, &all).succeeded();
        let _ = shell(path, "qemu-img check -q disk.qcow2; qemu-img compare -q -f raw -F qcow2 disk.raw disk.qcow2");
        let info = shell(path, "qemu-img info disk.qcow2");
        assert!(words.iter().all(|words| info.contains(words)), "{arguments:?}: {info}");
    }
}

#[test]
fn what_a_format_cannot_be_is_said_before_any_file_exists() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    fs::write(path.join("file"), "old").unwrap();
    for (arguments, code, words) in [
        (&["--type", "qcow2", "--type", "qcow2", "-o", "out"][..], 2, "--type qcow2 is given twice"),
        (&["--type", "qcow2", "--type", "raw", "-o", "file"], 2, "file is a file, but 2 types need a directory"),
        (&["--type", "floppy"], 2, "expected one of raw, raw.zst"),
        (&["--type", "qcow2", "--compress", "lzma"], 2, "expected zstd, zlib or none"),
        (&["--type", "qcow2", "--compress-level", "23"], 2, "from 1 to 22"),
        (&["--type", "raw.xz", "--compress-level", "10"], 2, "from 0 to 9, but 10"),
        (&["--type", "qcow2", "--cluster-size", "3000"], 2, "3000 bytes, but must be a power of two"),
        (&["--type", "gce", "--disk-size", "3000M"], 2, "a size in whole 1 GiB"),
        (&["--type", "vhd", "--type", "raw", "--disk-size", "3221226496", "-o", "out"], 2, "a size in whole 1 MiB"),
        (&["--type", "qcow2", "--type", "raw", "-o", "missing/out"], 6, "cannot make a file in missing/out"),
    ] {
        let run = build(path, &source, arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{arguments:?}: {}", run.stderr);
        let mut names: Vec<_> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["file", "tiny"], "{arguments:?}");
        assert_eq!(fs::read(path.join("file")).unwrap(), b"old");
    }
}

#[test]
fn the_bytes_of_a_format_do_not_depend_on_the_others_nor_on_the_number_of_processors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let mut all = vec!["--disk-size", "2G", "-o", "all"];
    TYPES.iter().for_each(|name| all.extend(["--type", name]));
    let _ = build(path, &source, &all).succeeded();
    for (format, name) in TYPES.iter().zip(NAMES) {
        let program = diskwright_tests::command::program().as_os_str();
        let arguments = ["build", &source, "--platform", "linux/amd64", "--no-bundle", "--disk-size", "2G"];
        let mut command: Vec<&std::ffi::OsStr> = vec!["-c".as_ref(), "0".as_ref(), program];
        command.extend(arguments.iter().map(AsRef::<std::ffi::OsStr>::as_ref));
        let output = path.join(name);
        command.extend(["--type".as_ref(), (*format).as_ref(), "-q".as_ref(), "-o".as_ref(), output.as_os_str()]);
        let _ = judge("taskset", command).passed();
        let _ = shell(path, &format!("cmp {name} all/{name}; rm {name}"));
    }
}
