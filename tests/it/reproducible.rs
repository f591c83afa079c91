//! Same input, same bytes.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use diskwright_tests::command::{Run, diskwright, program};
use diskwright_tests::fixture::{digest, tiny};
use diskwright_tests::judge::judge;

/// SHA-256 of the disk of the tiny image. A change here is a change of every user's bytes: say it in CHANGELOG.md.
const GOLDEN: &str = "sha256:5c5e62e49fb1de87ef3dd816ce44768b1b93e2295196a9e05a5a557abd7d78be";

fn build(directory: &Path, source: &str, environment: &[(&str, &str)], arguments: &[&str]) -> Vec<u8> {
    fs::create_dir_all(directory).unwrap();
    let run: Run = Command::new(program())
        .args(["build", source, "--platform", "linux/amd64", "-o", "disk.raw", "--quiet"])
        .args(arguments)
        .current_dir(directory)
        .env_remove("SOURCE_DATE_EPOCH")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
        .into();
    let _ = run.succeeded();
    fs::read(directory.join("disk.raw")).unwrap()
}

#[test]
fn the_same_image_gives_the_same_bytes_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let first = build(&directory.path().join("a"), &source, &[], &[]);
    // Another path for image and output, another locale, time zone, scratch place and day.
    let elsewhere = directory.path().join("else where/ö");
    fs::create_dir_all(elsewhere.join("scratch")).unwrap();
    let moved = tiny(&elsewhere);
    let scratch = elsewhere.join("scratch").display().to_string();
    let environment = [("LC_ALL", "tr_TR.UTF-8"), ("TZ", "Pacific/Kiritimati"), ("TMPDIR", scratch.as_str())];
    assert!(first == build(&elsewhere.join("out"), &moved, &environment, &[]), "path, locale or time zone leaks");
    // One processor instead of all.
    let pinned: Run = Command::new("taskset")
        .args(["-c", "0"])
        .arg(program())
        .args(["build", &source, "--platform", "linux/amd64", "-o", "pinned.raw", "--quiet"])
        .current_dir(directory.path())
        .output()
        .expect("taskset is a part of util-linux")
        .into();
    let _ = pinned.succeeded();
    assert!(first == fs::read(directory.path().join("pinned.raw")).unwrap(), "the number of threads leaks");
    assert_eq!(digest(&first), GOLDEN, "the bytes of disks have changed");
}

/// SHA-256 of the same disk in each format: what the compressors give, whose releases are pinned.
const GOLDEN_FORMATS: [(&str, &str); 9] = [
    ("raw.zst", "bdfd2ff5ec008434f1552d56204595d9c5d83ce4072d78798779477aaef69509"),
    ("raw.xz", "2a2c849a37f45b53f5506545a145a160d1b27770906ec20b8af3f154899d4f75"),
    ("raw.gz", "859c04d6d3926736ca10cb7c56933a940b42c136087468663430ec2bf1a7e1d2"),
    ("qcow2", "5325b60b708771468abb3d3dbcff598831dd81fd4274f0b4f539146a08349993"),
    ("vmdk", "1a109e4399f835ab0d20df5094fe1bec7a264ec716ba6528ee3f15d409dbb188"),
    ("vhd", "1c41a59d21bf3eec48a2c5184b33b2dc6c96162db18c592ec7ac9ae2b70e1fdf"),
    ("gce", "5a780d63538529e22f5bccc4219511389cbfa557765824a43ee849472adba78f"),
    ("ova", "67f3c277b927f666c9a7ca37938b32e140e3ac9f655cb58deef81767238cf15b"),
    ("container-disk", "20a9096e5aa0a5170a14998ed8f9db158983048246bc8f35b1af9a534c7c20cd"),
];

/// Names and checksums of what a build that ran as `command` tells of.
fn checksums(command: &mut Command) -> Vec<(String, String)> {
    let run: Run = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")).into();
    let result: serde_json::Value = serde_json::from_str(&run.succeeded().stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let artefacts = result["artefacts"].as_array().unwrap().iter();
    artefacts.map(|artefact| (text(&artefact["format"]), text(&artefact["sha256"]))).collect()
}

/// A build of all formats, or of those that are compressed, that `wrapper` runs.
fn all_formats(wrapper: &[&str], tool: &Path, directory: &Path, source: &str, with_vhd: bool) -> Command {
    let tool = tool.to_str().unwrap();
    let mut words = wrapper.to_vec();
    words.extend([tool, "build", source, "--platform", "linux/amd64", "--json", "-q", "-o", "out"]);
    let formats = GOLDEN_FORMATS.iter().filter(|(format, _)| with_vhd || *format != "vhd");
    words.extend(formats.flat_map(|(format, _)| ["--type", format]));
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(directory).env_remove("SOURCE_DATE_EPOCH");
    command
}

#[test]
fn compressors_give_the_bytes_that_they_always_gave() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let made = checksums(&mut all_formats(&[], program(), directory.path(), &source, true));
    let expected = GOLDEN_FORMATS.map(|(format, sha256)| (format.to_owned(), sha256.to_owned()));
    assert_eq!(made, expected, "the bytes of formats have changed");
}

#[test]
fn every_format_is_the_same_for_every_user_place_zone_and_number_of_threads_cold_or_warm() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    // Another user may not be able to reach the program where it was built.
    let tool = path.join("diskwright");
    fs::copy(program(), &tool).unwrap();
    let root = judge("id", ["-u"]).stdout.trim() == "0";
    let nobody: &[&str] = if root {
        &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    } else {
        &["unshare", "--user", "--map-user=12345"]
    };
    for (name, wrapper, variables, with_vhd) in [
        ("another user", nobody, &[][..], true),
        ("another place", &[], &[("TZ", "Pacific/Kiritimati"), ("LC_ALL", "tr_TR.UTF-8"), ("HOME", "/")], true),
        ("one thread", &["taskset", "-c", "0"], &[("TZ", "America/St_Johns")], true),
        ("compressed scratch", &[], &[], false),
        ("cold", &[], &[], true),
    ] {
        let place = path.join(name);
        fs::create_dir(&place).unwrap();
        let source = tiny(&place);
        if root {
            chown(&place, Some(65534), Some(65534)).unwrap();
        }
        if name == "cold" {
            // Has the kernel forget the image, as far as it lies on a disk.
            let forget = "find tiny -type f -exec dd if={} of=/dev/null iflag=nocache count=0 status=none \\;";
            let _ = judge(
                "sh",
                ["-c".as_ref(), format!("cd \"$1\" && sync && {forget}").as_ref(), "sh".as_ref(), place.as_os_str()],
            )
            .passed();
        }
        let mut command = all_formats(wrapper, &tool, &place, &source, with_vhd);
        command.envs(variables.iter().copied());
        let expected = GOLDEN_FORMATS.iter().filter(|(format, _)| with_vhd || *format != "vhd");
        let expected: Vec<_> = expected.map(|(format, sha256)| ((*format).to_owned(), (*sha256).to_owned())).collect();
        assert_eq!(checksums(&mut command), expected, "{name}");
    }
}

#[test]
fn another_date_or_request_is_another_disk_with_other_uuids() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let plan = |arguments: &[&str]| -> serde_json::Value {
        let mut all = vec!["build", &source, "--platform", "linux/amd64", "--dry-run", "--json", "--quiet"];
        all.extend(arguments);
        serde_json::from_str(&diskwright(directory.path(), all).succeeded().stdout).unwrap()
    };
    let (plain, other) = (plan(&[]), plan(&["--karg", "quiet"]));
    for pointer in ["/disk/guid", "/disk/partitions/0/guid", "/disk/partitions/1/uuid"] {
        assert_ne!(plain.pointer(pointer).unwrap(), other.pointer(pointer).unwrap(), "{pointer}");
    }
    let dated = build(&directory.path().join("d"), &source, &[("SOURCE_DATE_EPOCH", "1000000000")], &[]);
    assert!(dated != build(&directory.path().join("e"), &source, &[], &[]), "SOURCE_DATE_EPOCH has no effect");
    assert!(dated == build(&directory.path().join("f"), &source, &[("SOURCE_DATE_EPOCH", "1000000000")], &[]));
}
