//! The documents beside a disk.

use std::fs;
use std::path::Path;

use diskwright_tests::command::{checkout, diskwright, names};
use diskwright_tests::fixture::{Image, Layer, system, tiny};
use diskwright_tests::judge::{Verdict, judge};
use serde_json::{Value, json};

/// Builds `source` in `directory`.
fn build(directory: &Path, source: &str, arguments: &[&str]) {
    let mut all = vec!["build", source, "--platform", "linux/amd64", "--quiet"];
    all.extend(arguments);
    let _ = diskwright(directory, all).succeeded();
}

/// Runs a judge in `directory`.
fn judge_in(directory: &Path, command: &[&str]) -> Verdict {
    let mut arguments = vec!["-C", directory.to_str().unwrap()];
    arguments.extend(command);
    // `env` says nothing of packages, so it is made sure that the judge is there.
    let _ = judge(command[0], ["--version"]);
    judge("env", arguments)
}

fn parse(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_directory_holds_the_disk_and_documents_that_judges_accept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    build(path, &source, &["--type", "raw", "--type", "qcow2", "--type", "raw.gz", "--type", "raw.zst", "-o", "out"]);
    let out = path.join("out");
    let documents = ["disk.raw.bmap", "provenance.intoto.json", "result.json", "sbom.spdx.json"];
    let disks = ["disk.qcow2", "disk.raw", "disk.raw.gz", "disk.raw.zst"];
    let mut expected: Vec<&str> = documents.into_iter().chain(disks).collect();
    expected.sort_unstable();
    let covered = expected.clone();
    expected.insert(0, "SHA256SUMS");
    assert_eq!(names(&out), expected);

    let sums = judge_in(&out, &["sha256sum", "-c", "--strict", "SHA256SUMS"]).passed();
    assert_eq!(
        sums.stdout.lines().collect::<Vec<_>>(),
        covered.iter().map(|name| format!("{name}: OK")).collect::<Vec<_>>()
    );

    judge_result(&out.join("result.json"));
    judge_offsets(&out);
    judge_provenance(&out);
    judge_block_map(&out);

    let bill = parse(&out.join("sbom.spdx.json"));
    assert_eq!(bill["packages"].as_array().unwrap().len(), 1, "the tiny image has no package database");
}

/// It is what its schema says.
pub(crate) fn judge_result(result: &Path) {
    let script = "import json, sys
try:
    from jsonschema import Draft202012Validator as Validator
except ImportError:
    sys.exit('install the Debian package `python3-jsonschema` (tests/install-judges does)')
schema, document = (json.load(open(path)) for path in sys.argv[1:])
Validator.check_schema(schema)
Validator(schema).validate(document)
";
    let schema = checkout().join("templates/result.schema.json");
    let arguments = ["-c".as_ref(), script.as_ref(), schema.as_os_str(), result.as_os_str()];
    let _ = judge("python3", arguments).passed();
}

/// It tells where the partitions are, as `sgdisk` does.
fn judge_offsets(out: &Path) {
    let result = parse(&out.join("result.json"));
    let partitions = result["disk"]["partitions"].as_array().unwrap();
    assert!(partitions.len() >= 2);
    for partition in partitions {
        let number = partition["number"].to_string();
        let said = judge("sgdisk", ["-i".as_ref(), number.as_ref(), out.join("disk.raw").as_os_str()]).passed().stdout;
        // `First sector: 2048 (at 1024.0 KiB)`
        let get = |key: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("no {key} in {said}")).trim_matches('\'').to_owned()
        };
        let word = |key| get(key).split(' ').next().unwrap().to_lowercase();
        let bytes = |key| word(key).parse::<u64>().unwrap() * 512;
        assert_eq!(partition["offset"].as_u64(), Some(bytes("First sector")), "{said}");
        assert_eq!(partition["size"].as_u64(), Some(bytes("Partition size")), "{said}");
        assert_eq!(partition["type_guid"].as_str(), Some(word("Partition GUID code").as_str()), "{said}");
        assert_eq!(partition["guid"].as_str(), Some(word("Partition unique GUID").as_str()), "{said}");
        assert_eq!(partition["name"].as_str(), Some(get("Partition name").as_str()), "{said}");
    }
}

/// Its subjects are the files of the disk, and its inputs the image and the program.
fn judge_provenance(out: &Path) {
    let (statement, result) = (parse(&out.join("provenance.intoto.json")), parse(&out.join("result.json")));
    let subjects: Vec<_> = statement["subject"].as_array().unwrap().iter().collect();
    assert_eq!(subjects.len(), 4);
    for (subject, artefact) in subjects.into_iter().zip(result["artefacts"].as_array().unwrap()) {
        assert_eq!(subject["name"], artefact["name"]);
        assert_eq!(subject["digest"]["sha256"], artefact["sha256"]);
    }
    let inputs = &statement["predicate"]["buildDefinition"]["resolvedDependencies"];
    let digest = |number: usize| inputs[number]["digest"]["sha256"].as_str().unwrap();
    assert_eq!(format!("sha256:{}", digest(0)), result["source"]["digest"].as_str().unwrap());
    let program = diskwright_tests::fixture::digest(&fs::read(diskwright_tests::command::program()).unwrap());
    assert_eq!(format!("sha256:{}", digest(1)), program);
}

/// `bmaptool` copies the disk by its map, and refuses one that was changed.
fn judge_block_map(out: &Path) {
    let copy = |from: &str| {
        let _ = fs::remove_file(out.join("copy.raw"));
        judge_in(out, &["bmaptool", "copy", "--bmap", "disk.raw.bmap", from, "copy.raw"])
    };
    for from in ["disk.raw", "disk.raw.gz", "disk.raw.zst"] {
        let _ = copy(from).passed();
        let _ = judge("cmp", [out.join("disk.raw"), out.join("copy.raw")]).passed();
    }
    let mut bytes = fs::read(out.join("disk.raw")).unwrap();
    // In the protective MBR, which every disk has.
    bytes[510] ^= 1;
    fs::write(out.join("disk.raw"), bytes).unwrap();
    let refused = copy("disk.raw");
    assert!(!refused.passed && refused.stderr.contains("checksum mismatch"), "{}", refused.stderr);
}

#[test]
fn documents_beside_a_single_file_are_called_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    build(path, &source, &["--type", "qcow2", "-o", "my disk.qcow2"]);
    let documents = ["", ".SHA256SUMS", ".provenance.intoto.json", ".result.json", ".sbom.spdx.json"];
    let mut expected = documents.map(|ending| format!("my disk.qcow2{ending}")).to_vec();
    expected.push("tiny".to_owned());
    let mut found = names(path);
    // A qcow2 disk has a map of its own; whether there is one for the raw disk in it does not matter here.
    found.retain(|name| !name.ends_with(".bmap"));
    assert_eq!(found, expected);
    let _ = judge_in(path, &["sha256sum", "-c", "--strict", "my disk.qcow2.SHA256SUMS"]).passed();
    judge_result(&path.join("my disk.qcow2.result.json"));

    fs::create_dir(path.join("alone")).unwrap();
    build(path, &source, &["--no-bundle", "-o", "alone/disk.raw"]);
    assert_eq!(names(&path.join("alone")), ["disk.raw"]);
}

#[test]
fn what_lies_beside_a_single_file_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let endings = ["bmap", "result.json", "sbom.spdx.json", "provenance.intoto.json", "SHA256SUMS"];
    let beside = endings.map(|ending| format!("d.raw.{ending}"));
    let words = format!("beside it lie {}; --no-bundle leaves them out\n", beside.join(", "));
    for (arguments, told) in [
        (&["-o", "d.raw"][..], true),
        (&["-o", "d.raw", "--json"], true),
        (&["-o", "d.raw", "-q"], false),
        (&["-o", "d.raw", "--progress", "none"], false),
        (&["-o", "d.raw", "--no-bundle"], false),
        (&["-o", "."], false),
    ] {
        let all = ["build", &source, "--platform", "linux/amd64"];
        let run = diskwright(path, all.iter().chain(arguments)).succeeded();
        assert_eq!(run.stderr.ends_with(&words), told, "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stderr.contains("beside it"), told, "{arguments:?}: {}", run.stderr);
    }
    let all = ["build", &source, "--platform", "linux/amd64", "-o", "d.raw", "--progress", "json"];
    let run = diskwright(path, all).succeeded();
    let last: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(last, json!({"event": "documents", "names": beside}));
    assert!(beside.iter().all(|name| path.join(name).exists()));
}

#[test]
fn the_same_build_gives_the_same_documents_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let elsewhere = path.join("else where/ö");
    fs::create_dir_all(&elsewhere).unwrap();
    let arguments = ["--type", "raw", "--type", "qcow2", "-o", "out", "--karg", "quiet"];
    build(path, &tiny(path), &arguments);
    build(&elsewhere, &tiny(&elsewhere), &arguments);
    let found = names(&path.join("out"));
    assert_eq!(found, names(&elsewhere.join("out")));
    for name in found {
        let (one, other) = (path.join("out").join(&name), elsewhere.join("out").join(&name));
        assert!(fs::read(one).unwrap() == fs::read(other).unwrap(), "{name} is not the same");
    }
}

#[test]
fn the_bill_of_materials_lists_what_the_image_has_installed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let status = "Package: hello\nStatus: install ok installed\nMaintainer: Jo Doe <jo@example.org>\n\
                  Architecture: amd64\nVersion: 2.10-3\nDescription: greets\n\n";
    let layer = Layer::new().file("var/lib/dpkg/status", 0o644, status.as_bytes());
    let source = Image::new(vec![system(), layer]).write(&path.join("debian"));
    build(path, &source, &["-o", "disk.raw"]);
    let bill = parse(&path.join("disk.raw.sbom.spdx.json"));
    let package = &bill["packages"][1];
    assert_eq!(package["name"], "hello");
    assert_eq!(package["versionInfo"], "2.10-3");
    let purl = package["externalRefs"][0]["referenceLocator"].as_str().unwrap();
    assert!(purl.starts_with("pkg:deb/") && purl.contains("/hello@2.10-3?arch=amd64"), "{purl}");
    let _ = judge_in(path, &["sha256sum", "-c", "--strict", "disk.raw.SHA256SUMS"]).passed();
}
