//! A disk made up for documents, and the judges of them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use builder_block::{ByteSize, SectorSize};
use builder_packages::{Manager, Package, PackageSet};
use serde_json::{Value, json};

use super::{BundleError, BundleInputs, DOCUMENTS, Document, Tool, block_map_file_name, documents};
use crate::formats::{ClusterCompression, Formats, OutputFormat};
use crate::layout::Layout;
use crate::outcome::Artefact;
use crate::plan::{
    Forecast, Plan, PlannedBoot, PlannedDeployment, PlannedDisk, PlannedEntry, PlannedImage, PlannedPartition,
    PlannedRollback,
};
use crate::recipe::{Recipe, SelinuxChoice};
use crate::ssh_keys::AuthorizedKeys;

/// What an outside tool said.
pub(crate) struct Verdict {
    pub(crate) accepted: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a judge of the Debian package `package`.
pub(crate) fn judge(package: &str, command: &mut Command) -> Verdict {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.env("LC_ALL", "C").output() {
        Ok(output) => Verdict {
            accepted: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        },
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    }
}

const SCHEMA: &str = include_str!("../../../templates/result.schema.json");

/// For each of `documents`, whether it is valid by the published schema.
fn validate(documents: &[Value]) -> Vec<bool> {
    let script = "import json, sys
try:
    from jsonschema import Draft202012Validator as Validator
except ImportError:
    sys.exit('install the Debian package `python3-jsonschema`')
schema, documents = json.load(sys.stdin)
Validator.check_schema(schema)
print(json.dumps([Validator(schema).is_valid(document) for document in documents]))
";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("documents");
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    fs::write(&path, json!([schema, documents]).to_string()).unwrap();
    let verdict = judge("python3", Command::new("python3").args(["-c", script]).stdin(fs::File::open(path).unwrap()));
    assert!(verdict.accepted, "{}", verdict.stderr);
    serde_json::from_str(&verdict.stdout).unwrap()
}

fn hex(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn image(digit: char) -> PlannedImage {
    PlannedImage {
        source: "oci:/home/somebody/image".to_owned(),
        digest: format!("sha256:{}", hex(digit)),
        platform: "linux/amd64".to_owned(),
        layers: 3,
        name: "Example Linux 1".to_owned(),
    }
}

fn deployment(digit: char) -> PlannedDeployment {
    PlannedDeployment {
        stateroot: "default".to_owned(),
        commit: hex(digit),
        origin: "ostree-unverified-registry:example".to_owned(),
        objects: 9,
    }
}

fn entry(number: u32) -> PlannedEntry {
    PlannedEntry {
        entry: format!("loader/entries/ostree-{number}.conf"),
        title: "Example Linux 1".to_owned(),
        kernel: "6.1".to_owned(),
        checksum: hex('c'),
        options: "root=UUID=1 rw".to_owned(),
        composefs: "not used".to_owned(),
    }
}

/// A disk, with a system to roll back to or without.
pub(crate) fn plan(rollback: bool) -> Plan {
    let partition = |number: u32, name: &str| PlannedPartition {
        number,
        name: name.to_owned(),
        type_guid: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b".to_owned(),
        guid: format!("{number:08x}-0000-8000-8000-000000000000"),
        offset: ByteSize::mib(u64::from(number)),
        size: ByteSize::mib(1),
        format: "ext4",
        label: name.to_owned(),
        uuid: "1234-ABCD".to_owned(),
        from: "sysroot",
        used: ByteSize::kib(3),
        free: ByteSize::kib(4),
        grow: number == 2,
    };
    Plan {
        image: image('a'),
        disk: PlannedDisk {
            sector_size: SectorSize::Bytes512,
            size: ByteSize::mib(4),
            guid: "00000000-0000-8000-8000-000000000000".to_owned(),
            partitions: vec![partition(1, "EFI-SYSTEM"), partition(2, "root")],
        },
        deployment: deployment('d'),
        boot: PlannedBoot { loader: "GRUB".to_owned(), esp: vec!["EFI/BOOT/BOOTX64.EFI".to_owned()], entry: entry(2) },
        rollback: rollback.then(|| PlannedRollback { image: image('b'), deployment: deployment('e'), entry: entry(1) }),
        forecast: Forecast { output: ByteSize::mib(1), scratch: ByteSize::mib(1) },
        notes: vec!["a note".to_owned()],
    }
}

/// A request, with all that can be asked for or with nothing.
fn recipe(all: bool) -> Recipe {
    let formats = if all { vec![OutputFormat::Gce, OutputFormat::Qcow2] } else { vec![OutputFormat::Raw] };
    let some = |text: &str| all.then(|| text.to_owned());
    Recipe {
        source: "oci:image".parse().unwrap(),
        rollback: None,
        platform: "linux/amd64".parse().unwrap(),
        layout: None,
        kargs: Vec::from_iter(some("quiet")),
        karg_deletes: Vec::from_iter(some("rhgb")),
        root_size: all.then(|| ByteSize::gib(2)),
        disk_size: None,
        sector_size: all.then_some(SectorSize::Bytes4096),
        target_imgref: some("example"),
        stateroot: some("default"),
        root_ssh_authorized_keys: all.then(|| AuthorizedKeys::parse(KEY.as_bytes()).unwrap()),
        selinux: if all { SelinuxChoice::Off } else { SelinuxChoice::Auto },
        lint: crate::lint::LintChoice::default(),
        bootloader: "auto".parse().unwrap(),
        formats: Formats {
            level: all.then_some(9),
            cluster_size: all.then(|| ByteSize::mib(1)),
            compression: if all { ClusterCompression::None } else { ClusterCompression::Zstd },
            ..Formats::new(formats)
        },
        bundle: None,
        source_date_epoch: None,
        scratch: "/somewhere".into(),
        threads: 1,
    }
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS somebody\n";

fn packages() -> PackageSet {
    let package = Package {
        name: "bash".to_owned(),
        version: "5.2-1".to_owned(),
        architecture: Some("amd64".to_owned()),
        license: Some("GPL-3+".to_owned()),
        source: Some("bash (5.2)".to_owned()),
        supplier: Some("Jo Doe <jo@example.org>".to_owned()),
        homepage: Some("https://example.org".to_owned()),
        installed_size: Some(7),
        manager: Manager::Dpkg,
    };
    PackageSet { manager: Manager::Dpkg, packages: vec![package] }
}

/// What a made-up build varies in.
#[derive(Clone, Copy)]
struct Build {
    all: bool,
    packages: bool,
    directory: &'static str,
    prefix: Option<&'static str>,
    version: &'static str,
    checksums: bool,
}

const BUILD: Build =
    Build { all: true, packages: true, directory: "/out", prefix: None, version: "0.1.0", checksums: true };

fn build(build: Build) -> Result<Vec<Document>, BundleError> {
    let recipe = recipe(build.all);
    let layout = Layout::template("amd64").unwrap();
    let rollback = format!("sha256:{}", hex('b'));
    let canonical = recipe.canonical(&layout, build.all.then_some(rollback.as_str()));
    let plan = plan(build.all);
    let artefacts: Vec<Artefact> = recipe
        .formats
        .formats
        .iter()
        .map(|format| Artefact {
            path: PathBuf::from(build.directory).join(build.prefix.unwrap_or(format.file_name())),
            format: format.name(),
            size: 512,
            written: 512,
            virtual_size: 4 << 20,
            sha256: build.checksums.then(|| hex('f')),
        })
        .collect();
    documents(&BundleInputs {
        plan: &plan,
        artefacts: &artefacts,
        others: &[(block_map_file_name(build.prefix.map(OsStr::new)), hex('9'))],
        canonical_recipe: &canonical,
        formats: &recipe.formats,
        created: 1_709_210_096,
        tool: &Tool { version: build.version.to_owned(), digest: build.all.then(|| hex('7')) },
        packages: build.packages.then(packages).as_ref(),
        distro: Some("debian-12"),
        prefix: build.prefix.map(OsStr::new),
    })
}

fn parse(documents: &[Document], name: &str) -> Value {
    let document = documents.iter().find(|document| document.name == name).unwrap();
    serde_json::from_slice(&document.bytes).unwrap()
}

/// Calls `change` with each object in `value`, under its pointer.
fn objects(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(pointer.to_owned());
            for (key, field) in fields {
                objects(field, &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                objects(item, &format!("{pointer}/{number}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn results_are_valid_and_nothing_can_be_added_or_taken_away() {
    let full = parse(&build(BUILD).unwrap(), "result.json");
    let least = parse(&build(Build { all: false, packages: false, ..BUILD }).unwrap(), "result.json");
    let mut documents = vec![full.clone(), least.clone()];
    let mut names = Vec::new();
    for document in [&full, &least] {
        let mut found = Vec::new();
        objects(document, "", &mut found);
        for pointer in found {
            let mut more = document.clone();
            more.pointer_mut(&pointer).unwrap()["surprise"] = json!(1);
            documents.push(more);
            names.push(format!("{pointer}/surprise"));
            for key in document.pointer(&pointer).unwrap().as_object().unwrap().keys() {
                let mut less = document.clone();
                less.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().remove(key);
                documents.push(less);
                names.push(format!("{pointer}/{key}"));
            }
        }
    }
    let verdicts = validate(&documents);
    assert_eq!(verdicts[..2], [true, true], "{full:#}\n{least:#}");
    // What was not asked for is absent, so nobody can tell that it was taken away.
    let optional = ["disk_granularity", "rollback", "root_ssh_authorized_keys", "sector_size", "selinux"];
    let accepted: Vec<_> =
        verdicts[2..].iter().zip(&names).filter(|(valid, _)| **valid).map(|(_, name)| name).collect();
    assert_eq!(accepted, optional.map(|key| format!("/recipe/{key}")).iter().collect::<Vec<_>>());
}

#[test]
fn every_property_and_format_is_described_in_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut found = Vec::new();
    objects(&schema, "", &mut found);
    for pointer in &found {
        let object = schema.pointer(pointer).unwrap();
        if pointer.ends_with("/properties") {
            for (name, property) in object.as_object().unwrap() {
                assert!(property["description"].is_string(), "{pointer}/{name} has no description");
            }
        } else if object["properties"].is_object() {
            assert_eq!(object["additionalProperties"], false, "{pointer} is open");
        }
    }
    let mut names = OutputFormat::ALL.map(OutputFormat::name).to_vec();
    let mut listed: Vec<_> = schema["$defs"]["format"]["enum"].as_array().unwrap().clone();
    names.sort_unstable();
    listed.sort_by_key(Value::to_string);
    assert_eq!(listed, names);
}

#[test]
fn results_say_what_was_built() {
    let result = parse(&build(BUILD).unwrap(), "result.json");
    for (pointer, expected) in [
        ("/created", json!("2024-02-29T12:34:56Z")),
        ("/tool", json!({ "name": "diskwright", "version": "0.1.0" })),
        ("/source/digest", json!(format!("sha256:{}", hex('a')))),
        ("/rollback/digest", json!(format!("sha256:{}", hex('b')))),
        ("/recipe/kargs", json!(["quiet"])),
        ("/formats", json!({ "types": ["gce", "qcow2"], "compression": "none", "level": 9, "cluster_size": 1 << 20 })),
        (
            "/artefacts/0",
            json!({
                "name": "image.tar.gz", "format": "gce", "size": 512, "sha256": hex('f'), "virtual_size": 4 << 20,
            }),
        ),
        ("/disk/partitions/1/offset", json!(2 << 20)),
        ("/deployments/0/commit", json!(hex('d'))),
        ("/deployments/1/commit", json!(hex('e'))),
        ("/boot/entries/0/entry", json!("loader/entries/ostree-2.conf")),
        ("/boot/entries/1/entry", json!("loader/entries/ostree-1.conf")),
        ("/notes", json!(["a note"])),
    ] {
        assert_eq!(result.pointer(pointer), Some(&expected), "{pointer}");
    }
    let unknown = parse(&build(Build { packages: false, ..BUILD }).unwrap(), "result.json");
    assert!(unknown["notes"][1].as_str().unwrap().contains("no package database"));
}

#[test]
fn provenance_names_every_input_and_output() {
    let documents = build(BUILD).unwrap();
    let statement = parse(&documents, "provenance.intoto.json");
    let sha256 = |digit| json!({ "sha256": hex(digit) });
    let result = parse(&documents, "result.json");
    for (pointer, expected) in [
        ("/_type", json!("https://in-toto.io/Statement/v1")),
        ("/predicateType", json!("https://slsa.dev/provenance/v1")),
        (
            "/subject",
            json!([
                { "name": "image.tar.gz", "digest": sha256('f') },
                { "name": "disk.qcow2", "digest": sha256('f') },
            ]),
        ),
        ("/predicate/buildDefinition/buildType", json!("urn:diskwright:build:1")),
        (
            "/predicate/buildDefinition/externalParameters",
            json!({
                "recipe": result["recipe"], "formats": result["formats"], "platform": "linux/amd64",
                "created": "2024-02-29T12:34:56Z",
            }),
        ),
        (
            "/predicate/buildDefinition/resolvedDependencies",
            json!([
                { "name": "image", "digest": sha256('a') },
                { "name": "rollback", "digest": sha256('b') },
                { "name": "diskwright", "digest": sha256('7') },
            ]),
        ),
        (
            "/predicate/runDetails/builder",
            json!({ "id": "urn:diskwright:builder:1", "version": { "diskwright": "0.1.0" } }),
        ),
    ] {
        assert_eq!(statement.pointer(pointer), Some(&expected), "{pointer}");
    }
    let id = |build_: Build| {
        let statement = parse(&build(build_).unwrap(), "provenance.intoto.json");
        statement["predicate"]["runDetails"]["metadata"]["invocationId"].as_str().unwrap().to_owned()
    };
    assert!(id(BUILD).starts_with("urn:uuid:"));
    assert_eq!(id(BUILD), id(Build { directory: "/else", packages: false, ..BUILD }));
    assert_ne!(id(BUILD), id(Build { version: "0.2.0", ..BUILD }));
    assert_ne!(id(BUILD), id(Build { all: false, ..BUILD }));
}

#[test]
fn bills_of_materials_list_the_packages_of_the_image() {
    let bill = parse(&build(BUILD).unwrap(), "sbom.spdx.json");
    let names = |bill: &Value| -> Vec<String> {
        let packages = bill["packages"].as_array().unwrap();
        packages.iter().map(|package| package["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&bill), ["Example Linux 1", "bash"]);
    for (pointer, expected) in [
        ("/creationInfo/created", "2024-02-29T12:34:56Z"),
        ("/creationInfo/creators/0", "Tool: diskwright-0.1.0"),
        ("/packages/0/checksums/0/checksumValue", hex('a').as_str()),
        ("/packages/1/supplier", "Person: Jo Doe (jo@example.org)"),
        ("/packages/1/licenseDeclared", "GPL-3.0-or-later"),
        ("/packages/1/sourceInfo", "built from bash (5.2)"),
        ("/packages/1/externalRefs/0/referenceLocator", "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12"),
    ] {
        assert_eq!(bill.pointer(pointer).and_then(Value::as_str), Some(expected), "{pointer}");
    }
    let unknown = parse(&build(Build { packages: false, ..BUILD }).unwrap(), "sbom.spdx.json");
    assert_eq!(names(&unknown), ["Example Linux 1"]);
    // Another document has another name; the same document has the same, whatever else was asked for.
    assert_ne!(bill["documentNamespace"], unknown["documentNamespace"]);
    assert_eq!(bill, parse(&build(Build { all: false, ..BUILD }).unwrap(), "sbom.spdx.json"));
}

#[test]
fn checksums_cover_the_disk_and_every_other_document() {
    for (prefix, expected) in [
        (
            None,
            ["disk.qcow2", "disk.raw.bmap", "image.tar.gz", "provenance.intoto.json", "result.json", "sbom.spdx.json"]
                .as_slice(),
        ),
        (
            Some("my disk"),
            &[
                "my disk",
                "my disk",
                "my disk.bmap",
                "my disk.provenance.intoto.json",
                "my disk.result.json",
                "my disk.sbom.spdx.json",
            ],
        ),
    ] {
        let documents = build(Build { prefix, ..BUILD }).unwrap();
        let names: Vec<_> = documents.iter().map(|document| document.name).collect();
        assert_eq!(names, DOCUMENTS);
        let text = String::from_utf8(documents[3].bytes.clone()).unwrap();
        let listed: Vec<_> = text.lines().map(|line| line.split_once("  ").unwrap()).collect();
        assert_eq!(listed.iter().map(|(_, name)| *name).collect::<Vec<_>>(), expected);
        for document in &documents[..3] {
            let sum = super::sha256(&document.bytes);
            assert!(listed.contains(&(sum.as_str(), document.file_name.to_str().unwrap())));
        }
        let expected: OsString = match prefix {
            None => "SHA256SUMS".into(),
            Some(prefix) => format!("{prefix}.SHA256SUMS").into(),
        };
        assert_eq!(documents[3].file_name, expected);
    }
}

#[test]
fn no_document_knows_the_host() {
    let documents = build(BUILD).unwrap();
    assert_eq!(documents, build(Build { directory: "/home/somebody/else where", ..BUILD }).unwrap());
    for document in &documents {
        let text = String::from_utf8(document.bytes.clone()).unwrap();
        for word in ["/out", "/home", "/somewhere"] {
            assert!(!text.contains(word), "{word} is in {}", document.name);
        }
    }
    assert!(matches!(build(Build { checksums: false, ..BUILD }), Err(BundleError::Checksum { .. })));
}
